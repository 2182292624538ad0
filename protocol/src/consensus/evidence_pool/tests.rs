use super::*;
use crate::consensus::testkit::{Cast, block, precommit};
use crate::crypto::simulated::Simulated;
use crate::ledger::{
    ChainRules, Head, MemoryState, OffenceRecord, OffenceSummary, StateChanges, offences_key,
};
use crate::limits::EVIDENCE_PER_VALIDATOR_MAX;
use crate::types::{Hash, Round, Timestamp};
use crate::validators::schedule::ValidatorSchedule;
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
        let ledger = ledger_of(&cast, height);
        let pool = EvidencePool::default();
        Desk { cast, ledger, pool }
    }

    /// The block of this height is committed, and carries this. Says what waits no more, too.
    fn commit(&mut self, height: u64, carried: &[Evidence]) -> Vec<Offence> {
        self.stand_at(height);
        self.pool.committed(carried, &self.ledger).unwrap()
    }

    fn stand_at(&mut self, height: u64) {
        self.ledger = ledger_of(&self.cast, height);
    }

    fn offence(&self, by: usize, height: u64, round: u32) -> Evidence {
        let id = Some(block(Height(height), 1).id());
        let vote = |value| self.cast.vote(by, precommit(Height(height), round, value));
        Evidence::of_votes(vote(None), vote(id))
    }

    fn receive(&mut self, evidence: &Evidence) -> Added {
        let received = self.pool.receive(evidence.clone(), &mut self.ledger);
        received.unwrap()
    }

    /// The head moves on, past a block that carries nothing.
    fn advance(&mut self, to: u64) -> Vec<Evidence> {
        self.commit(to, &[]);
        self.pool.to_tell(Height(to))
    }

    fn add(&mut self, evidence: &Evidence) -> Added {
        self.pool.add(evidence.clone(), &mut self.ledger).unwrap()
    }
}

/// A ledger whose newest block is of this height.
fn ledger_of(cast: &Cast, height: u64) -> Ledger {
    let validators = cast.schedule(Height(height + 1));
    ledger_with(
        cast,
        height,
        validators,
        StateChanges::none(0, Hash::default()),
    )
}

/// The same, and blocks have named the accused of `newest` so often.
fn ledger_after(cast: &Cast, height: u64, newest: &Evidence, count: u64) -> Ledger {
    let newest = OffenceRecord {
        committed_at: Height(height),
        offence: newest.offence(),
        evidence: newest.hash(),
    };
    let summary = codec::encode(&OffenceSummary { count, newest });
    let mut state = StateChanges::none(0, Hash::default());
    let key = offences_key(&newest.offence.validator);
    state.values.push((key, Some(summary)));
    // A state without nodes has not changed.
    state.nodes.push((vec![0], vec![0]));
    ledger_with(cast, height, cast.schedule(Height(height + 1)), state)
}

fn ledger_with(
    cast: &Cast,
    height: u64,
    validators: ValidatorSchedule,
    state: StateChanges,
) -> Ledger {
    let rules = ChainRules {
        parameters: crate::nouns::parameters::Parameters::default(),
        scheme: Arc::new(Simulated),
        context: cast.context,
        genesis_validators: cast.set.clone(),
        applications: crate::application::Applications::none(),
    };
    let head = Head {
        height: Height(height),
        block_id: Hash::default(),
        time: Timestamp(0),
        state_root: Hash::default(),
        state_version: 0,
        certificate: None,
    };
    let state = Arc::new(MemoryState::new(&state));
    Ledger::on(Arc::new(rules), state, head, validators)
}

const NEW: Added = Added::New {
    displaced: Vec::new(),
};

#[test]
fn an_offence_waits_once_and_is_offered_oldest_first_when_its_height_is_over() {
    let mut desk = Desk::at(7);
    let old = desk.offence(1, 5, 0);
    let new = desk.offence(0, 7, 2);
    let open = desk.offence(2, 8, 0);
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
    desk.commit(8, &[carried]);
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
    desk.commit(6 + EVIDENCE_AGE_MAX, &[]);
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
    desk.commit(5 + EVIDENCE_AGE_MAX, &[]);
    let half = EVIDENCE_PENDING_PER_VALIDATOR_MAX / 2;
    assert_eq!(
        desk.pool.len(),
        half,
        "those of height 6 have one block more"
    );
    assert_eq!(desk.add(&another), NEW);
    desk.commit(6 + EVIDENCE_AGE_MAX, &[]);
    assert_eq!(desk.pool.candidates(Height(7)), [another]);
}

#[test]
fn what_the_next_block_has_not_carried_is_told_and_again_every_few_heights() {
    let mut desk = Desk::at(7);
    let (over, open) = (desk.offence(1, 6, 0), desk.offence(2, 8, 0));
    desk.add(&over);
    desk.add(&open);
    let only = |evidence: &Evidence| vec![evidence.clone()];
    assert_eq!(desk.pool.to_tell(Height(7)), only(&over));
    assert_eq!(desk.pool.to_tell(Height(7)), [], "once");
    assert_eq!(desk.advance(8), [], "block 9 may carry it");
    assert_eq!(desk.advance(9), only(&open));
    assert_eq!(desk.advance(10), []);
    assert_eq!(desk.advance(7 + EVIDENCE_TELL_EVERY_HEIGHTS), [over]);
    desk.commit(12, std::slice::from_ref(&open));
    assert_eq!(desk.advance(9 + EVIDENCE_TELL_EVERY_HEIGHTS), []);
}

#[test]
fn no_more_is_told_at_a_time_than_a_block_carries_and_in_the_end_all_of_it() {
    let mut desk = Desk::at(7);
    let many = 2 * EVIDENCE_PER_BLOCK_MAX as u32 + 3;
    (0..many).for_each(|round| assert_eq!(desk.add(&desk.offence(1, 5, round)), NEW));
    let rounds = |told: Vec<Evidence>| told.iter().map(|e| e.offence().round.0).collect();
    let told: [Vec<u32>; 4] = [7, 8, 9, 10].map(|head| rounds(desk.advance(head)));
    assert_eq!(told.concat(), (0..many).collect::<Vec<_>>());
    assert!(told.iter().all(|told| told.len() <= EVIDENCE_PER_BLOCK_MAX));
}

/// A validator that accuses itself of many old offences kept the proof against its accomplice out of
/// each block, until that expired.
#[test]
fn whoever_accuses_itself_keeps_no_proof_against_another_waiting() {
    let mut desk = Desk::at(9);
    for round in 0..EVIDENCE_PENDING_PER_VALIDATOR_MAX as u32 {
        desk.add(&desk.offence(1, 5, round));
    }
    let of_accomplice = desk.offence(2, 8, 0);
    desk.add(&of_accomplice);
    let candidates = desk.pool.candidates(Height(9));
    let each = EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX;
    let oldest: Vec<Evidence> = (0..each as u32)
        .map(|round| desk.offence(1, 5, round))
        .collect();
    assert_eq!(candidates.len(), each + 1);
    assert!(oldest.iter().all(|evidence| candidates.contains(evidence)));
    assert!(candidates.contains(&of_accomplice));
    let told = desk.pool.to_tell(Height(9));
    assert_eq!(told.len(), EVIDENCE_PER_BLOCK_MAX);
    assert!(told.contains(&of_accomplice));
}

/// Of whom blocks have carried enough, nothing waits and nothing is taken.
#[test]
fn whoever_was_named_often_enough_is_not_accused_any_more() {
    let mut desk = Desk::at(9);
    let (named, other) = (desk.offence(1, 5, 0), desk.offence(2, 5, 0));
    let last = desk.offence(1, 5, 1);
    for evidence in [&named, &other, &last] {
        assert_eq!(desk.add(evidence), NEW);
    }
    desk.ledger = ledger_after(&desk.cast, 10, &last, EVIDENCE_PER_VALIDATOR_MAX - 1);
    let carried = [last.clone()];
    let forgotten = desk.pool.committed(&carried, &desk.ledger).unwrap();
    assert_eq!(forgotten, [], "one place is left");
    desk.ledger = ledger_after(&desk.cast, 11, &last, EVIDENCE_PER_VALIDATOR_MAX);
    let forgotten = desk.pool.committed(&carried, &desk.ledger).unwrap();
    assert_eq!(forgotten, [named.offence()]);
    assert_eq!(desk.pool.candidates(Height(11)), [other]);
    assert_eq!(desk.receive(&named), Added::Dropped);
    assert_eq!(desk.add(&named), Added::Dropped);
}

/// So many changes of the set later nobody knows who decided then: it stood first among the
/// candidates for as long as it could expire, and no block could carry it.
#[test]
fn what_nobody_can_judge_any_more_waits_no_more() {
    let mut desk = Desk::at(9);
    let (old, new) = (desk.offence(1, 5, 0), desk.offence(1, 9, 0));
    desk.add(&old);
    desk.add(&new);
    let later = [(Height(8), desk.cast.set.clone())];
    let later = ValidatorSchedule::of_changes(Height(10), later).unwrap();
    desk.ledger = ledger_with(
        &desk.cast,
        10,
        later,
        StateChanges::none(0, Hash::default()),
    );
    let forgotten = desk.pool.committed(&[], &desk.ledger).unwrap();
    assert_eq!(forgotten, [old.offence()]);
    assert_eq!(desk.pool.candidates(Height(10)), [new]);
}

#[test]
fn what_another_has_told_waits_like_the_own_and_is_not_told_back_at_once() {
    let mut desk = Desk::at(7);
    let evidence = desk.offence(1, 5, 0);
    assert_eq!(desk.receive(&evidence), NEW);
    assert_eq!(desk.receive(&evidence), Added::Known);
    assert_eq!(desk.add(&evidence), Added::Known);
    let waiting = std::slice::from_ref(&evidence);
    assert_eq!(desk.pool.candidates(Height(7)), waiting);
    assert_eq!(desk.pool.to_tell(Height(7)), []);
    assert_eq!(desk.advance(7 + EVIDENCE_TELL_EVERY_HEIGHTS), [evidence]);
}

/// Signatures that do not verify show which checks came before them.
#[test]
fn what_others_tell_is_refused_before_its_signatures_are_looked_at() {
    let mut desk = Desk::at(5 + EVIDENCE_AGE_MAX);
    let forged = |desk: &Desk, by: usize, height: u64| {
        let Evidence::ConflictingVotes(mut a, mut b) = desk.offence(by, height, 0) else {
            panic!("two votes")
        };
        (a.signature.0, b.signature.0) = (vec![1], vec![2]);
        Evidence::of_votes(a, b)
    };
    let head = desk.ledger.head().height.0;
    let known = desk.offence(2, head, 0);
    assert_eq!(desk.add(&known), NEW);
    for (by, height, expected) in [
        (2, head, Added::Known),
        (1, head + 2, Added::TooEarly),
        (1, 5, Added::Dropped),
        (1, head + 1, Added::Refused(EvidenceError::Signature)),
    ] {
        assert_eq!(desk.receive(&forged(&desk, by, height)), expected);
    }
    let stranger = Desk::of(5, head);
    let members: Vec<Address> = (0..4).map(|index| desk.cast.address(index)).collect();
    let outside = (0..5).find(|index| !members.contains(&stranger.cast.address(*index)));
    let outside = forged(&stranger, outside.expect("one of five"), head);
    assert_eq!(desk.receive(&outside), Added::UnknownValidator);
    let Evidence::ConflictingVotes(a, _) = forged(&desk, 1, head) else {
        panic!("two votes")
    };
    let twice = Evidence::ConflictingVotes(a.clone(), a);
    let no_proof = Added::Refused(EvidenceError::NoContradiction);
    assert_eq!(desk.receive(&twice), no_proof);
    for round in 1..=EVIDENCE_PENDING_PER_VALIDATOR_MAX as u32 {
        desk.add(&desk.offence(3, head - 1, round));
    }
    for height in [head, head - 2] {
        let told = desk.receive(&forged(&desk, 3, height));
        assert_eq!(told, Added::Dropped, "no room for {height}");
    }
}

/// Who accuses itself of ever older offences, each of which would displace the one before, had each
/// of them written: hundreds a second, before a signature that waits for the disk.
#[test]
fn what_others_tell_displaces_nothing_and_what_this_node_has_seen_does() {
    let mut desk = Desk::at(9);
    let max = EVIDENCE_PENDING_PER_VALIDATOR_MAX as u32;
    for round in 1..=max {
        assert_eq!(desk.add(&desk.offence(1, 8, round)), NEW);
    }
    for round in 0..1_000 {
        let older = desk.offence(1, 7, round);
        assert_eq!(desk.receive(&older), Added::Dropped);
    }
    assert_eq!(desk.receive(&desk.offence(2, 7, 0)), NEW);
    let seen = desk.offence(1, 8, 0);
    let displaced = vec![desk.offence(1, 8, max).offence()];
    assert_eq!(desk.add(&seen), Added::New { displaced });
}

#[test]
fn in_a_full_pool_there_is_no_room_for_what_others_tell() {
    let each = EVIDENCE_PENDING_PER_VALIDATOR_MAX;
    let many = EVIDENCE_PENDING_MAX / each;
    let mut desk = Desk::of(many + 1, 9);
    for by in 0..many {
        (0..each as u32).for_each(|round| assert_eq!(desk.add(&desk.offence(by, 5, round)), NEW));
    }
    let newcomer = desk.offence(many, 5, 0);
    assert_eq!(desk.receive(&newcomer), Added::Dropped);
    assert!(matches!(desk.add(&newcomer), Added::New { .. }));
}

/// Who accuses itself, through whomever, has what it costs to check and to write bounded; whoever
/// only claims to prove something spends nothing of it.
#[test]
fn what_is_taken_about_one_validator_is_bounded_by_heights_and_nobody_else_can_spend_it() {
    let mut desk = Desk::at(9);
    let Evidence::ConflictingVotes(a, mut b) = desk.offence(1, 8, 0) else {
        panic!("two votes")
    };
    b.signature.0[0] ^= 1;
    let forged = Evidence::of_votes(a, b);
    for _ in 0..2 * EVIDENCE_TOLD_BURST_MAX {
        assert!(matches!(desk.receive(&forged), Added::Refused(_)));
    }
    let all: Vec<Evidence> = (0..100).map(|round| desk.offence(1, 8, round)).collect();
    let taken = |desk: &mut Desk| {
        let new = all.iter().filter(|told| desk.receive(told) == NEW);
        new.count() as u64
    };
    assert_eq!(taken(&mut desk), EVIDENCE_TOLD_BURST_MAX);
    assert_eq!(desk.receive(&all[99]), Added::OverBudget);
    let of_another = desk.offence(2, 8, 0);
    assert_eq!(desk.receive(&of_another), NEW);
    desk.stand_at(11);
    assert_eq!(taken(&mut desk), 2 * EVIDENCE_TOLD_PER_HEIGHT);
}
