use super::*;
use crate::consensus::testkit::{Cast, block, precommit};
use crate::crypto::simulated::Simulated;
use crate::ledger::{ChainRules, Head, MemoryState, StateChanges};
use crate::types::{Hash, Round, Timestamp};
use std::sync::Arc;

struct Desk {
    cast: Cast,
    ledger: Ledger,
    pool: EvidencePool,
}

impl Desk {
    /// At this committed height, nothing waiting.
    fn at(height: u64) -> Desk {
        Desk::of(4, height)
    }

    /// The same with so many validators.
    fn of(validators: usize, height: u64) -> Desk {
        let cast = Cast::of(validators);
        let rules = ChainRules {
            parameters: crate::parameters::Parameters::default(),
            scheme: Arc::new(Simulated),
            context: cast.context,
            genesis_validators: cast.set.clone(),
        };
        let state = MemoryState::new(&StateChanges::none(0, Hash::default()));
        let head = Head {
            height: Height(height),
            block_id: Hash::default(),
            time: Timestamp(0),
            state_root: Hash::default(),
            state_version: 0,
            certificate: None,
        };
        let validators = cast.schedule(Height(height + 1));
        let ledger = Ledger::on(Arc::new(rules), Arc::new(state), head, validators);
        let pool = EvidencePool::default();
        Desk { cast, ledger, pool }
    }

    fn offence(&self, by: usize, height: u64, round: u32) -> Evidence {
        let id = Some(block(Height(height), 1).id());
        let vote = |value| self.cast.vote(by, precommit(Height(height), round, value));
        Evidence::of_votes(vote(None), vote(id))
    }

    fn add(&mut self, evidence: &Evidence) -> Added {
        self.pool.add(evidence.clone(), &mut self.ledger).unwrap()
    }
}

const NEW: Added = Added::New {
    displaced: Vec::new(),
};

#[test]
fn an_offence_waits_once_and_is_offered_oldest_first_when_its_height_is_over() {
    let mut desk = Desk::at(7);
    let (old, new, open) = (
        desk.offence(1, 5, 0),
        desk.offence(0, 7, 2),
        desk.offence(2, 8, 0),
    );
    for evidence in [&open, &new, &old] {
        assert_eq!(desk.add(evidence), NEW);
        assert_eq!(desk.add(evidence), Added::Known);
    }
    assert_eq!(desk.pool.candidates(Height(7)), [old, new]);
    assert_eq!(desk.pool.candidates(Height(8)).len(), 3);
}

#[test]
fn what_a_block_has_carried_waits_no_more() {
    let mut desk = Desk::at(7);
    let (carried, other) = (desk.offence(1, 5, 0), desk.offence(1, 5, 1));
    desk.add(&carried);
    desk.add(&other);
    desk.pool.committed(Height(8), &[carried]);
    assert_eq!(desk.pool.candidates(Height(8)), [other]);
}

#[test]
fn what_proves_nothing_or_is_too_old_does_not_wait() {
    let mut desk = Desk::at(5 + EVIDENCE_AGE_MAX);
    let Evidence::ConflictingVotes(a, mut b) = desk.offence(1, 9, 0) else {
        panic!("two votes")
    };
    b.signature.0[0] ^= 1;
    let forged = Evidence::of_votes(a, b);
    assert_eq!(desk.add(&forged), Added::Refused(EvidenceError::Signature));
    let old = desk.offence(1, 5, 0);
    assert_eq!(desk.add(&old), Added::Dropped);
    let last_moment = desk.offence(1, 6, 0);
    assert_eq!(desk.add(&last_moment), NEW);
    desk.pool.committed(Height(6 + EVIDENCE_AGE_MAX), &[]);
    assert!(desk.pool.is_empty());
}

#[test]
fn one_validator_fills_its_own_places_only_and_its_oldest_offences_stay() {
    let mut desk = Desk::at(9);
    let max = EVIDENCE_PENDING_PER_VALIDATOR_MAX as u32;
    for round in 1..=max {
        let evidence = desk.offence(1, 5, round);
        assert_eq!(desk.add(&evidence), NEW);
    }
    let later = desk.offence(1, 5, max + 1);
    assert_eq!(desk.add(&later), Added::Dropped);
    let earlier = desk.offence(1, 5, 0);
    let displaced = vec![desk.offence(1, 5, max).offence()];
    assert_eq!(desk.add(&earlier), Added::New { displaced });
    let of_another = desk.offence(2, 5, 0);
    assert_eq!(desk.add(&of_another), NEW);
    assert_eq!(desk.pool.len(), EVIDENCE_PENDING_PER_VALIDATOR_MAX + 1);
    let rounds: Vec<Round> = desk
        .pool
        .of(&desk.cast.address(1))
        .map(|o| o.round)
        .collect();
    assert_eq!(rounds, (0..max).map(Round).collect::<Vec<_>>());
}

/// The pool is full of the offences of sixteen validators, as many of each as one may have. Whoever
/// misbehaves for the first time still gets in; its place is that of the newest offence of one who
/// has most.
#[test]
fn in_a_full_pool_whoever_has_most_gives_way_first() {
    let each = EVIDENCE_PENDING_PER_VALIDATOR_MAX;
    let many = EVIDENCE_PENDING_MAX / each;
    let mut desk = Desk::of(many + 2, 9);
    for by in 0..many {
        for round in 0..each as u32 {
            let evidence = desk.offence(by, 5, round);
            assert_eq!(desk.add(&evidence), NEW);
        }
    }
    assert_eq!(desk.pool.len(), EVIDENCE_PENDING_MAX);
    let mut gave_way = Vec::new();
    for (by, round) in [(many, 0), (many, 1), (many + 1, 0)] {
        let newcomer = desk.offence(by, 5, round);
        let Added::New { displaced } = desk.add(&newcomer) else {
            panic!("{by} is kept out");
        };
        let [gone] = displaced[..] else {
            panic!("{displaced:?}");
        };
        assert_eq!(gone.round, Round(each as u32 - 1), "its newest");
        assert_eq!(desk.pool.of(&gone.validator).count(), each - 1);
        gave_way.push(gone.validator);
        assert_eq!(desk.pool.len(), EVIDENCE_PENDING_MAX);
        assert_eq!(desk.add(&newcomer), Added::Known);
    }
    gave_way.sort();
    gave_way.dedup();
    assert_eq!(gave_way.len(), 3, "each time another one");
}

/// What has waited for too long leaves its place to others.
#[test]
fn offences_that_expire_make_room() {
    let mut desk = Desk::at(9);
    for round in 0..EVIDENCE_PENDING_PER_VALIDATOR_MAX as u32 {
        let evidence = desk.offence(1, 5 + u64::from(round % 2), round);
        assert_eq!(desk.add(&evidence), NEW);
    }
    let another = desk.offence(1, 7, 0);
    assert_eq!(desk.add(&another), Added::Dropped);
    desk.pool.committed(Height(5 + EVIDENCE_AGE_MAX), &[]);
    let half = EVIDENCE_PENDING_PER_VALIDATOR_MAX / 2;
    assert_eq!(
        desk.pool.len(),
        half,
        "those of height 6 have one block more"
    );
    assert_eq!(desk.add(&another), NEW);
    desk.pool.committed(Height(6 + EVIDENCE_AGE_MAX), &[]);
    assert_eq!(desk.pool.candidates(Height(7)), [another]);
}
