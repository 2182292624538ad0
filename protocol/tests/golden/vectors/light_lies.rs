//! Lies about a header, its certificate and its validators.
use super::light_cases::{Stage, TOP};
use super::world::{quorum, scheme};
use lockstep_protocol::limits::CLOCK_DRIFT_MS;
use lockstep_protocol::nouns::block::Header;
use lockstep_protocol::nouns::commit::Signers;
use lockstep_protocol::proofs::light_client::LightBlock;
use lockstep_protocol::types::{ChainId, Hash, Height, Round, Timestamp};
use lockstep_protocol::validators::set::ValidatorSet;

impl Stage<'_> {
    /// Some lies about height 4 to a client that trusts height 3.
    fn about_four(&mut self, lies: Vec<(&str, LightBlock, &'static str)>) {
        for (name, lie, verdict) in lies {
            self.shows(name, (3, 4), lie, verdict);
        }
    }

    pub(super) fn certificates(&mut self) {
        let (right, set) = (self.light(4), self.set(4));
        let members = right.certificate.signers.members(&set).unwrap();
        let (first, second, third) = (members[0], members[1], members[2]);
        let with = |members: Vec<_>| {
            let mut lie = right.clone();
            lie.certificate.signers = Signers::collect(&set, members);
            lie
        };
        let changed = |change: &dyn Fn(&mut LightBlock)| {
            let mut lie = right.clone();
            change(&mut lie);
            lie
        };
        let few = self.signed(right.header.clone(), &set, &[0, 1]);
        let better = Hash::of(&[b"a better state"]);
        self.about_four(vec![
            ("a certificate of two of four", few, "no_quorum"),
            (
                "a signer under a second name",
                with(vec![first, second, (3, first.1)]),
                "signature",
            ),
            (
                "a place with two signatures",
                with(vec![first, second, second]),
                "certificate",
            ),
            (
                "signatures that have changed places",
                with(vec![(0, second.1), (1, first.1), third]),
                "signature",
            ),
            (
                "a header with another state root",
                changed(&|lie| lie.header.state_root = better),
                "certificate_of_other",
            ),
            (
                "a state root whose id stands in the certificate",
                changed(&|lie| {
                    lie.header.state_root = better;
                    lie.certificate.block_id = lie.header.id();
                }),
                "signature",
            ),
            (
                "a certificate of another round",
                changed(&|lie| lie.certificate.round = Round(1)),
                "signature",
            ),
            (
                "a certificate of another height",
                changed(&|lie| lie.certificate.height = Height(5)),
                "other_height",
            ),
        ]);
    }

    pub(super) fn headers(&mut self) {
        let last = self.now().0 + CLOCK_DRIFT_MS;
        let trusted = self.light(3).header.time;
        let lies = vec![
            (
                "a header of a chain with another number",
                self.forged(4, |h| h.chain_id = ChainId(8)),
                "other_chain",
            ),
            (
                "a header of the future",
                self.forged(4, |h| h.time = Timestamp(last + 1)),
                "future",
            ),
            (
                "a header as old as the trusted one",
                self.forged(4, |h| h.time = trusted),
                "time_goes_back",
            ),
            (
                "a header older than the trusted one",
                self.forged(4, |h| h.time.0 = 0),
                "time_goes_back",
            ),
            (
                "a next header with another parent",
                self.forged(4, |h| h.previous_block = Hash([9; 32])),
                "other_parent",
            ),
        ];
        self.about_four(lies);
    }

    pub(super) fn sets(&mut self) {
        let right = self.light(4);
        let others = self.light(5).validators;
        let changed = |change: &dyn Fn(&mut LightBlock)| {
            let mut lie = right.clone();
            change(&mut lie);
            lie
        };
        let lies = vec![
            (
                "validators that are not the header's",
                changed(&|lie| lie.validators = others.clone()),
                "validators_hash",
            ),
            (
                "validators with another power",
                changed(&|lie| lie.validators[0].power = 100),
                "validators_hash",
            ),
            (
                "no validators",
                changed(&|lie| lie.validators.clear()),
                "validators",
            ),
            (
                "a validator without power",
                changed(&|lie| lie.validators[0].power = 0),
                "validators",
            ),
            (
                "a validator without a key",
                changed(&|lie| lie.validators[0].public_key.clear()),
                "validators",
            ),
            (
                "a validator with a weak key",
                changed(&|lie| lie.validators[0].public_key[32..].fill(0)),
                "validators",
            ),
            (
                "a validator twice",
                changed(&|lie| lie.validators[1] = lie.validators[0].clone()),
                "validators",
            ),
            (
                "powers beyond 64 bits",
                changed(&|lie| lie.validators[0].power = u64::MAX),
                "validators",
            ),
        ];
        self.about_four(lies);
    }

    /// The set of height 5 has a fifth member.
    pub(super) fn changes(&mut self) {
        let five = self.light(5).header;
        let (four_set, five_set, many) = (self.set(4), self.set(5), self.set(TOP));
        let claimed = |stage: &Self, set: &ValidatorSet| {
            let validators_hash = set.hash();
            let header = Header {
                validators_hash,
                ..five.clone()
            };
            stage.signed(header, set, &quorum(set))
        };
        let heavier = five_set.iter().map(|v| (v.public_key.clone(), v.power + 1));
        let heavier = ValidatorSet::new(&*scheme(), heavier).unwrap();
        let mut old_shown = self.light(5);
        old_shown.validators = self.light(4).validators;
        let three = self.signed(five.clone(), &five_set, &[0, 1, 2]);
        let mut by_old = self.light(5);
        by_old.certificate = self.signed(five.clone(), &four_set, &[0, 1, 2]).certificate;
        let lies = vec![
            (
                "the set before a change",
                claimed(self, &four_set),
                "other_validators",
            ),
            (
                "a set that comes later",
                claimed(self, &many),
                "other_validators",
            ),
            (
                "the members with other powers",
                claimed(self, &heavier),
                "other_validators",
            ),
            (
                "a true header with the set before it",
                old_shown,
                "validators_hash",
            ),
            ("three of five", three, "no_quorum"),
            (
                "a certificate that only the set before would take",
                by_old,
                "no_quorum",
            ),
        ];
        for (name, lie, verdict) in lies {
            self.shows(name, (4, 5), lie, verdict);
        }
        let mut lie = self.light(4);
        lie.header.next_validators_hash = many.hash();
        let few = self.signed(lie.header.clone(), &four_set, &[0, 1]);
        self.about_four(vec![
            ("another name of the next set", lie, "certificate_of_other"),
            (
                "another name of the next set, signed by two",
                few,
                "no_quorum",
            ),
        ]);
    }

    /// Of the founders one is left at the top.
    pub(super) fn skips(&mut self) {
        let mut far = self.from("a header too far ahead", 1, "too_far_ahead");
        far.advance.push((TOP, format!("height {TOP}")));
        self.cases.push(far);
        let set = self.set(TOP);
        let founders = self.set(1);
        let old =
            (0..set.len()).filter(|i| founders.index_of(&set.get(*i).unwrap().address).is_some());
        let old: Vec<usize> = old.collect();
        let few = self.signed(self.light(TOP).header, &set, &old);
        self.shows(
            "a far header that only a founder signed",
            (1, TOP),
            few,
            "too_far_ahead",
        );
        let shape = {
            let mut lie = self.light(TOP);
            lie.certificate.signers = Signers::collect(&self.set(13), []);
            lie
        };
        self.shows(
            "a far header that nobody signed",
            (1, TOP),
            shape,
            "too_far_ahead",
        );
        // Two of five of the founders stand in for no quorum of the five.
        let six = self.set(9);
        let old =
            (0..six.len()).filter(|i| founders.index_of(&six.get(*i).unwrap().address).is_some());
        let old: Vec<usize> = old.take(2).collect();
        let few = self.signed(self.light(9).header, &six, &old);
        self.shows(
            "old validators do not make up for a quorum of the new",
            (1, 9),
            few,
            "no_quorum",
        );
    }
}
