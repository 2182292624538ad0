//! What is shown to a light client, and every lie about it. The founders validate heights 1 to 4, the
//! first newcomer from 5 on; from 7 to 15 three founders leave one after another.
use super::light::{Case, Shown};
use super::verdict::ACCEPTED;
use super::world::{World, quorum};
use lockstep_protocol::ledger::{Record, prove_account, prove_application, prove_record};
use lockstep_protocol::limits::CLOCK_DRIFT_MS;
use lockstep_protocol::nouns::block::Header;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::proofs::light_client::{
    Checkpoint, LightBlock, ProvedAccount, ProvedApplication, ProvedRecord,
};
use lockstep_protocol::types::{Address, ChainId, Hash, Height, Round, Timestamp};
use lockstep_protocol::validators::set::ValidatorSet;
use lockstep_protocol::wire::Wire;

/// The newest block.
pub(super) const TOP: u64 = 16;

pub(super) fn cases(world: &World) -> (Vec<Case>, Shown) {
    let mut stage = Stage {
        world,
        shown: (1..=TOP)
            .map(|at| (format!("height {at}"), light(world, at)))
            .collect(),
        cases: vec![],
    };
    stage.honest();
    stage.starts();
    stage.certificates();
    stage.headers();
    stage.heights();
    stage.sets();
    stage.changes();
    stage.skips();
    stage.accounts();
    stage.records();
    stage.applications();
    (stage.cases, stage.shown)
}

/// What a node shows.
fn light(world: &World, height: u64) -> LightBlock {
    let committed = world.at(height);
    LightBlock::of(
        committed.block.header(),
        &committed.certificate,
        &committed.set,
    )
}

pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    pub(super) shown: Shown,
    pub(super) cases: Vec<Case>,
}

impl Stage<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.light(TOP).header.time.plus_ms(5_000)
    }

    pub(super) fn light(&self, height: u64) -> LightBlock {
        light(self.world, height)
    }

    pub(super) fn set(&self, height: u64) -> ValidatorSet {
        (*self.world.at(height).set).clone()
    }

    /// A header with the certificate of these members of a set, which is shown with it.
    pub(super) fn signed(
        &self,
        header: Header,
        set: &ValidatorSet,
        members: &[usize],
    ) -> LightBlock {
        let signed = (header.height, Round::ZERO, header.id());
        LightBlock::of(&header, &self.world.certify(signed, set, members), set)
    }

    /// The header of a height with a change, signed by a quorum that lies.
    pub(super) fn forged(&self, height: u64, change: impl FnOnce(&mut Header)) -> LightBlock {
        let mut header = self.light(height).header;
        change(&mut header);
        let set = self.set(height);
        self.signed(header, &set, &quorum(&set))
    }

    /// From a height that is trusted.
    pub(super) fn from(&self, name: &str, height: u64, verdict: &'static str) -> Case {
        Case {
            name: name.into(),
            context: None,
            now: self.now(),
            trusted: Checkpoint {
                id: self.light(height).header.id(),
                height: Height(height),
            },
            start: format!("height {height}"),
            advance: vec![],
            goal: None,
            account: None,
            record: None,
            application: None,
            trusted_max_ms: None,
            shown_max_ms: None,
            verdict,
        }
    }

    /// What is shown of `asked` to a client that trusts `from`; the lie goes by the case's name.
    pub(super) fn shows(
        &mut self,
        name: &str,
        (from, asked): (u64, u64),
        lie: LightBlock,
        verdict: &'static str,
    ) {
        self.shown.insert(name.into(), lie);
        let mut case = self.from(name, from, verdict);
        case.advance.push((asked, name.into()));
        self.cases.push(case);
    }

    fn honest(&mut self) {
        let mut header_by_header = self.from("each header after the other", 1, ACCEPTED);
        header_by_header.advance = (2..=TOP).map(|at| (at, format!("height {at}"))).collect();
        let mut at_once = self.from("a far header of the same validators at once", 1, ACCEPTED);
        at_once.advance.push((4, "height 4".into()));
        let mut far = self.from(
            "the way to a header whose validators are others",
            1,
            ACCEPTED,
        );
        far.goal = Some(TOP);
        let mut trusted = self.from("a goal that is trusted already", 3, ACCEPTED);
        trusted.goal = Some(3);
        self.cases.extend([header_by_header, at_once, far, trusted]);
        let last = self.now().plus_ms(CLOCK_DRIFT_MS);
        let ahead = self.forged(4, |header| header.time = last);
        self.shows(
            "a header as far ahead of the clock as may be",
            (3, 4),
            ahead,
            ACCEPTED,
        );
    }

    fn starts(&mut self) {
        let right = self.light(3).header;
        let few = self.signed(right.clone(), &self.set(3), &[0, 1]);
        let forged = self.forged(3, |header| header.time.0 += 1);
        for (name, lie, verdict) in [
            ("two of four signed the trusted block", few, "no_quorum"),
            (
                "another block of the trusted height",
                forged,
                "not_the_checkpoint",
            ),
            (
                "a block of another height than the trusted one",
                self.light(4),
                "not_the_checkpoint",
            ),
        ] {
            self.shown.insert(name.into(), lie);
            let mut case = self.from(name, 3, verdict);
            case.start = name.into();
            self.cases.push(case);
        }
        self.starts_elsewhere();
        self.starts_of_an_age();
    }

    /// On another chain.
    fn starts_elsewhere(&mut self) {
        let right = *self.world.context();
        let genesis_hash = Hash::of(&[b"another genesis"]);
        let number = SignContext {
            chain_id: ChainId(8),
            ..right
        };
        let genesis = SignContext {
            genesis_hash,
            ..right
        };
        for (name, height, context, verdict) in [
            ("a chain with another number", 3, number, "other_chain"),
            ("a chain with another genesis", 3, genesis, "signature"),
            (
                "the first block of a chain with another genesis",
                1,
                genesis,
                "other_genesis",
            ),
        ] {
            let context = Some(context);
            let case = Case {
                context,
                ..self.from(name, height, verdict)
            };
            self.cases.push(case);
        }
    }

    /// With another height, and of some age.
    fn starts_of_an_age(&mut self) {
        let height = Height(4);
        let mut other = self.from("a trusted id of another height", 3, "other_height");
        other.trusted.height = height;
        let old = self.now().0 - self.light(3).header.time.0;
        let max = |name: &str, max, verdict| Case {
            trusted_max_ms: Some(max),
            ..self.from(name, 3, verdict)
        };
        let young = max("a trusted block that is just young enough", old, ACCEPTED);
        let too_old = max(
            "a trusted block that is too old",
            old - 1,
            "trusted_too_old",
        );
        self.cases.extend([other, young, too_old]);
    }

    fn heights(&mut self) {
        for (name, asked, shown, verdict) in [
            (
                "a header of the height after the one that was asked for",
                4,
                5,
                "other_height",
            ),
            ("the trusted height again", 3, 3, "not_ahead"),
            ("a height before the trusted one", 1, 1, "not_ahead"),
        ] {
            let mut case = self.from(name, 3, verdict);
            case.advance.push((asked, format!("height {shown}")));
            self.cases.push(case);
        }
        let top = self.light(TOP).header.time;
        for (name, max, verdict) in [
            ("a newest header that is just young enough", 5_000, ACCEPTED),
            ("a newest header that is too old", 4_999, "stale"),
        ] {
            let mut case = self.from(name, TOP - 1, verdict);
            case.advance.push((TOP, format!("height {TOP}")));
            case.shown_max_ms = Some(max);
            assert_eq!(case.now, top.plus_ms(5_000));
            self.cases.push(case);
        }
    }

    fn proved(&self, height: u64, address: &Address) -> ProvedAccount {
        ProvedAccount {
            height: Height(height),
            proof: prove_account(&*self.world.state, address).unwrap(),
        }
    }

    fn accounts(&mut self) {
        let alice = self.world.people[0].address;
        let nobody = Address([1; 20]);
        let right = self.proved(TOP, &alice);
        let changed = |change: &dyn Fn(&mut ProvedAccount)| {
            let mut lie = right.clone();
            change(&mut lie);
            lie
        };
        let wire = Wire::new(self.world.context().genesis_hash);
        let cases: Vec<(&str, Address, ProvedAccount, &'static str)> = vec![
            ("an account", alice, right.clone(), ACCEPTED),
            ("no account", nobody, self.proved(TOP, &nobody), ACCEPTED),
            (
                "an account with another balance",
                alice,
                changed(&|lie| {
                    lie.proof.account.as_mut().unwrap().balance += 1;
                }),
                "proof",
            ),
            (
                "an account that is said not to be",
                alice,
                changed(&|lie| lie.proof.account = None),
                "proof",
            ),
            ("the account of another", nobody, right.clone(), "proof"),
            (
                "an account of another height",
                alice,
                self.proved(TOP - 1, &alice),
                "other_height",
            ),
        ];
        for (name, address, proved, verdict) in cases {
            let mut case = self.from(name, TOP, verdict);
            case.account = Some((address, wire.encode_proved_account(&proved)));
            self.cases.push(case);
        }
        let whole = wire.encode_proved_account(&right);
        let mut cut = self.from("an account with a byte less", TOP, "malformed");
        cut.account = Some((alice, whole[..whole.len() - 1].to_vec()));
        self.cases.push(cut);
    }

    fn records(&mut self) {
        let owner = self.world.people[0].address;
        let wire = Wire::new(self.world.context().genesis_hash);
        let proved = |key: &[u8]| ProvedRecord {
            height: Height(TOP),
            proof: prove_record(&*self.world.state, &owner, key).unwrap(),
        };
        let (deed, none) = (b"deed/1", b"deed/2");
        let mut claimed = proved(none);
        claimed.proof.record = Some(Record {
            value: b"a house".into(),
            height: Height(1),
        });
        let mut later = proved(deed);
        later.proof.record.as_mut().unwrap().height = Height(2);
        for (name, key, proved, verdict) in [
            ("a record", deed, proved(deed), ACCEPTED),
            ("no record", none, proved(none), ACCEPTED),
            ("a record that is not there", none, claimed, "proof"),
            (
                "a record that is said to be of a later height",
                deed,
                later,
                "proof",
            ),
            ("the record of another key", none, proved(deed), "proof"),
        ] {
            let mut case = self.from(name, TOP, verdict);
            case.record = Some((owner, key.to_vec(), wire.encode_proved_record(&proved)));
            self.cases.push(case);
        }
    }

    fn applications(&mut self) {
        let wire = Wire::new(self.world.context().genesis_hash);
        let proved = |key: &[u8]| ProvedApplication {
            height: Height(TOP),
            proof: prove_application(&*self.world.state, "notes", key).unwrap(),
        };
        let (milk, none) = (&b"milk"[..], &b"bread"[..]);
        let mut claimed = proved(none);
        claimed.proof.value = Some(b"2".into());
        let mut other = proved(milk);
        other.proof.value = Some(b"9".into());
        for (name, of, key, proved, verdict) in [
            (
                "a value of an application",
                "notes",
                milk,
                proved(milk),
                ACCEPTED,
            ),
            (
                "no value of an application",
                "notes",
                none,
                proved(none),
                ACCEPTED,
            ),
            ("a value that is not there", "notes", none, claimed, "proof"),
            ("a value that is another", "notes", milk, other, "proof"),
            (
                "the value of another application",
                "note",
                milk,
                proved(milk),
                "proof",
            ),
        ] {
            let mut case = self.from(name, TOP, verdict);
            let proved = wire.encode_proved_application(&proved);
            case.application = Some((of.into(), key.into(), proved));
            self.cases.push(case);
        }
    }
}
