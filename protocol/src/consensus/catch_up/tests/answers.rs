//! What an answer proves.
use super::*;
use crate::consensus::testkit::{block, block_by};
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};
use crate::nouns::decided::DecidedBlock;

/// A block and the certificate of a block, its own or another.
fn decided(cast: &Cast, height: u64, certificate_of: u64, signers: &[usize]) -> DecidedBlock {
    let certified = block(Height(certificate_of), certificate_of);
    DecidedBlock {
        block: block(Height(height), height),
        certificate: Arc::new(cast.commit(&certified, 0, signers)),
    }
}

/// How many leading blocks are proven, and whether something else follows.
fn prove(cast: &Cast, from: u64, answer: Vec<DecidedBlock>) -> (usize, bool) {
    let validators = cast.schedule(Height(from));
    let proven = Proven::of(&validators, &cast.context, Height(from), answer);
    (proven.blocks.len(), proven.flawed)
}

#[test]
fn blocks_in_a_row_with_certificates_of_their_own_are_proven() {
    let cast = Cast::of(4);
    let good = |height| decided(&cast, height, height, &[0, 1, 2]);
    let chain = || (5..9).map(good).collect::<Vec<_>>();
    assert_eq!(prove(&cast, 5, chain()), (4, false));
    assert_eq!(prove(&cast, 5, Vec::new()), (0, false));
    let elsewhere = prove(&cast, 4, chain());
    assert_eq!(elsewhere, (0, true), "another height than asked for");
}

#[test]
fn what_comes_before_the_first_flaw_is_proven_still() {
    let cast = Cast::of(4);
    let good = |height| decided(&cast, height, height, &[0, 1, 2]);
    let flaws = [
        good(8),
        decided(&cast, 7, 9, &[0, 1, 2]),
        decided(&cast, 7, 7, &[0, 1]),
        decided(&cast, 7, 7, &[]),
        decided(&Cast::of(5), 7, 7, &[0, 1, 2, 3]),
    ];
    for flaw in flaws {
        let answer = vec![good(5), good(6), flaw, good(8)];
        assert_eq!(prove(&cast, 5, answer), (2, true));
    }
}

#[test]
fn what_a_set_of_later_heights_has_decided_is_neither_proven_nor_a_lie() {
    let cast = Cast::of(5);
    let good = |height| decided(&cast, height, height, &[0, 1, 2, 3]);
    // The blocks name the set of the first four, whose schedule knows heights up to 6.
    let four = Cast::of(4);
    let prove = |validators: &ValidatorSchedule, from| {
        let answer = (from..from + 4).map(good).collect();
        let proven = Proven::of(validators, &cast.context, Height(from), answer);
        (proven.blocks.len(), proven.flawed, proven.unknown_from)
    };
    let stranger = cast.schedule(Height(5));
    assert_eq!(prove(&stranger, 7), (0, false, Some(Height(7))));
    assert_eq!(
        prove(&stranger, 6),
        (0, true, None),
        "the set of height 6 is known"
    );
    assert_eq!(
        prove(&four.schedule(Height(5)), 7),
        (0, true, None),
        "not signed by the four"
    );
}

/// One validator decided the first four heights alone; four equal ones decide since. The chain is at
/// 13, and this node was away since 10.
struct Away {
    founders: Cast,
    today: Cast,
    sync: CatchUp,
}

impl Away {
    fn new() -> Away {
        let founders = Cast::with_powers(&[10, 1, 1, 1]);
        let today = Cast::of(4);
        let me = today.address(3);
        let config = CatchUpConfig { me, ..CONFIG };
        let sync = CatchUp::new(config, &Away::schedule(&founders, &today, 10));
        Away {
            founders,
            today,
            sync,
        }
    }

    fn schedule(founders: &Cast, today: &Cast, head: u64) -> ValidatorSchedule {
        let changes = [
            (Height(1), founders.set.clone()),
            (Height(5), today.set.clone()),
        ];
        ValidatorSchedule::of_changes(Height(head), changes).unwrap()
    }

    /// The true blocks up to 13, and false ones behind them, by the key that once was enough.
    fn answer(&self) -> Answer {
        let by = |cast: &Cast, height: u64, signers: &[usize]| {
            let block = block_by(cast.set.hash(), Height(height), height);
            let certificate = Arc::new(cast.commit(&block, 0, signers));
            DecidedBlock { block, certificate }
        };
        let honest = (11..=13).map(|height| by(&self.today, height, &[0, 1, 2]));
        let forged = (14..=20).map(|height| by(&self.founders, height, &[0]));
        let validators = Away::schedule(&self.founders, &self.today, 10);
        let blocks = honest.chain(forged).collect();
        let proven = Proven::of(&validators, &self.today.context, Height(11), blocks);
        Answer {
            first: Height(11),
            blocks: proven.blocks.len() as u64,
            judged: proven.judged,
            bytes: 10,
            flawed: proven.flawed,
            unknown_from: proven.unknown_from,
        }
    }

    fn step(&mut self, now: u64, input: Input) -> Vec<Output> {
        self.sync.step(Instant(now), input)
    }

    /// It hears the others, and the old king answers. What follows when 13 is committed.
    fn catch_up(&mut self) -> Vec<Output> {
        let king = self.today.address(0);
        self.step(0, Input::Ahead(king, Height(1_000)));
        for i in 0..3 {
            let peer = self.today.address(i);
            let standing = Standing {
                committed: Height(13),
                remembers: true,
                ..Standing::default()
            };
            self.step(0, Input::Stands(peer, standing));
        }
        let answer = self.answer();
        assert_eq!((answer.blocks, answer.flawed), (10, false), "claims");
        self.step(1, Input::Answered(king, answer));
        let validators = Away::schedule(&self.founders, &self.today, 13);
        self.step(2, Input::Committed(validators))
    }
}

fn a_forged_future_keeps_nobody_away() {
    let mut away = Away::new();
    let out = away.catch_up();
    let arrives = |output: &Output| match output {
        Output::Arrived(arrival) => arrival.committed == Height(13),
        _ => false,
    };
    assert!(out.iter().any(arrives), "{out:?}");
}

/// It never arrived: a block of a far height, by a set of long ago, raised what there was to reach,
/// irrevocably.
#[test]
fn blocks_of_far_heights_by_an_old_set_keep_a_started_node_from_nothing() {
    a_forged_future_keeps_nobody_away();
}

#[cfg(feature = "mutants")]
#[test]
fn that_any_set_proves_what_there_is_to_reach_is_noticed() {
    must_be_noticed(Mutation::ProvenByAnySet, a_forged_future_keeps_nobody_away);
}

#[test]
fn discarded_blocks_are_asked_for_anew_and_their_sender_is_asked_last() {
    let mut away = Away::new();
    away.catch_up();
    let king = away.today.address(0);
    for i in 1..3 {
        let peer = away.today.address(i);
        away.step(3, Input::Ahead(peer, Height(16)));
    }
    assert_eq!(away.sync.target(), Height(20), "claimed with certificates");
    let out = away.step(4, Input::Discarded(Height(14), king));
    assert!(out.contains(&Output::Lied(king)), "{out:?}");
    assert_eq!(away.sync.target(), Height(15));
    let asked = out.iter().filter_map(|output| match output {
        Output::Request(peer, from, _) => Some((*peer, *from)),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    assert!(asked.iter().any(|(_, from)| *from == Height(14)), "{out:?}");
    assert!(asked.iter().all(|(peer, _)| *peer != king), "{out:?}");
}
