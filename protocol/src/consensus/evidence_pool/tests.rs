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
        let cast = Cast::of(4);
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
