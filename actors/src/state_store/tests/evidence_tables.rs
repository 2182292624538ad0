//! Evidence waits on disk until a block carries it.
use super::*;
use lockstep_protocol::consensus::committer::forks::KnownFork;
use lockstep_protocol::ledger::{Draft, offence};
use lockstep_protocol::limits::EVIDENCE_AGE_MAX;
use lockstep_protocol::nouns::block::Header;
use lockstep_protocol::nouns::evidence::fork::{self, Polkas};
use lockstep_protocol::nouns::evidence::{Evidence, Offence};

fn empty(ledger: &mut Ledger, now: u64) -> Arc<SealedBlock> {
    let draft = Draft {
        proposer: address(101),
        now: Timestamp(now),
        transactions: vec![],
        evidence: vec![],
    };
    ledger.prepare(draft).unwrap().block
}

/// Two precommits of a validator for two blocks of height 1.
pub(super) fn double(world: &World, ledger: &mut Ledger, number: u8, round: u32) -> Evidence {
    let vote = |block: Arc<SealedBlock>| world.vote(VoteKind::Precommit, number, 1, round, &block);
    let [a, b] = [5_000, 6_000].map(|now| vote(empty(ledger, now)));
    Evidence::of_votes(a, b)
}

/// A block that carries it.
pub(super) fn grow_accusing(
    world: &World,
    store: &Store,
    ledger: &mut Ledger,
    evidence: Vec<Evidence>,
) -> Arc<CommitBatch> {
    let batch = carry(world, ledger, evidence);
    store.commit_block(&batch).unwrap();
    ledger.committed(&batch);
    batch
}

/// Two decisions of height 1, by everybody.
pub(super) fn fork_of(world: &World, ledger: &mut Ledger) -> KnownFork {
    let [a, b] = [5_000, 6_000].map(|now| world.certificate(&empty(ledger, now)));
    let (set, context) = (&world.rules.genesis_validators, &world.rules.context);
    let fork = fork::find(set, context, &a, &b, Polkas::Some(&[])).unwrap();
    let stops = true;
    KnownFork { fork, stops }
}

fn carry(world: &World, ledger: &mut Ledger, evidence: Vec<Evidence>) -> Arc<CommitBatch> {
    let draft = Draft {
        proposer: address(101),
        now: Timestamp(0),
        transactions: vec![],
        evidence,
    };
    let block = ledger.prepare(draft).unwrap().block;
    let certificate = world.certificate(&block);
    ledger.commit(&block, certificate).unwrap()
}

#[test]
fn evidence_waits_across_a_restart_once_and_gives_way_when_told() {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let (first, second) = (
        double(&world, &mut ledger, 102, 0),
        double(&world, &mut ledger, 102, 1),
    );
    for _ in 0..2 {
        store.keep_evidence(&second, &[]).unwrap();
        store.keep_evidence(&first, &[]).unwrap();
    }
    drop((store, ledger));
    let store = world.open(dir.path(), address(101)).unwrap();
    let both = vec![first.clone(), second.clone()];
    assert_eq!(store.pending_evidence(9), Ok(both), "the oldest first");
    assert_eq!(store.pending_evidence(1), Ok(vec![first.clone()]));
    let forget: [Offence; 1] = [second.offence()];
    store.keep_evidence(&first, &forget).unwrap();
    assert_eq!(store.pending_evidence(9), Ok(vec![first]));
}

/// The block may be written before the store hears that the offence was found: what is kept after
/// that would wait for ever.
#[test]
fn what_a_block_carries_waits_no_more_even_if_it_is_found_again() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let evidence = double(&world, &mut ledger, 102, 0);
    world.grow(&store, &mut ledger, vec![]);
    store.keep_evidence(&evidence, &[]).unwrap();
    ledger.note_evidence(&evidence);
    let batch = carry(&world, &mut ledger, vec![evidence.clone()]);
    store.commit_block(&batch).unwrap();
    ledger.committed(&batch);
    assert_eq!(store.pending_evidence(9), Ok(vec![]));
    store.keep_evidence(&evidence, &[]).unwrap();
    assert_eq!(store.pending_evidence(9), Ok(vec![]));
    let committed = vec![(Height(2), evidence.clone())];
    assert_eq!(store.committed_evidence(9), Ok(committed));
    let record = offence(&store, &evidence.offence()).unwrap().unwrap();
    assert_eq!(record.committed_at, Height(2));
    world.grow(&store, &mut ledger, vec![]);
    let later = double(&world, &mut ledger, 103, 0);
    let batch = carry(&world, &mut ledger, vec![later.clone()]);
    store.commit_block(&batch).unwrap();
    let newest_first = vec![(Height(4), later), (Height(2), evidence)];
    assert_eq!(store.committed_evidence(9).as_ref(), Ok(&newest_first));
    assert_eq!(store.committed_evidence(1), Ok(newest_first[..1].to_vec()));
}

/// Two votes that contradict each other at this height; the store does not ask whether they verify.
fn at_height(world: &World, block: &Arc<SealedBlock>, height: u64, round: u32) -> Evidence {
    let vote = |kind_of| {
        let mut vote = world.vote(VoteKind::Precommit, 102, height, round, block);
        vote.vote.block_id = kind_of;
        vote
    };
    Evidence::of_votes(vote(None), vote(Some(block.id())))
}

/// A block is written: what the next one may no longer carry is gone from disk in the same
/// transaction, to the height exactly.
#[test]
fn what_is_too_old_for_the_next_block_is_forgotten_with_the_block() {
    let (world, _dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let block = empty(&mut ledger, 5_000);
    let kept: Vec<Evidence> = [(7, 0), (7, 9), (8, 0), (9, 3), (300, 0)]
        .map(|(height, round)| at_height(&world, &block, height, round))
        .into();
    for evidence in &kept {
        store.keep_evidence(evidence, &[]).unwrap();
    }
    let write = |height: u64| {
        let header = Header {
            height: Height(height),
            ..block.header().clone()
        };
        let block = SealedBlock::build(header, vec![], vec![], None);
        let written = store.write("a block", |tables, txn| {
            super::super::evidence_tables::committed(tables, txn, &block)
        });
        written.unwrap();
    };
    for (height, left) in [
        (200, 5),
        (6 + EVIDENCE_AGE_MAX, 5),
        (7 + EVIDENCE_AGE_MAX, 3),
        (8 + EVIDENCE_AGE_MAX, 2),
        (298 + EVIDENCE_AGE_MAX, 1),
        (299 + EVIDENCE_AGE_MAX, 1),
        (300 + EVIDENCE_AGE_MAX, 0),
    ] {
        write(height);
        let waiting = store.pending_evidence(9).unwrap();
        assert_eq!(waiting, kept[5 - left..], "after block {height}");
    }
}

#[test]
fn the_proof_of_a_fork_is_kept_and_the_first_of_a_height_stays() {
    let (world, dir, store) = opened();
    let mut ledger = world.ledger(&store);
    let blocks = [5_000, 6_000, 7_000].map(|now| empty(&mut ledger, now));
    let [a, b, c] = blocks.map(|block| world.certificate(&block));
    let (set, context) = (&world.rules.genesis_validators, &world.rules.context);
    let find = |other| fork::find(set, context, &a, other, Polkas::Some(&[])).unwrap();
    let known = |other, stops| {
        let fork = find(other);
        KnownFork { fork, stops }
    };
    let (first, second) = (known(&b, false), known(&c, true));
    store.keep_fork(&first).unwrap();
    store.keep_fork(&second).unwrap();
    drop((store, ledger));
    let store = world.open(dir.path(), address(101)).unwrap();
    assert_eq!(store.forks(), Ok(vec![first]));
}
