//! Evidence in blocks: which may stand there, and what it leaves in the state.
use super::super::offences::accusing_set;
use super::*;
use crate::limits::{
    EVIDENCE_AGE_MAX, EVIDENCE_PER_BLOCK_MAX, EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX,
    EVIDENCE_PER_VALIDATOR_MAX,
};
use crate::nouns::evidence::{Evidence, EvidenceError, Offence};

impl World {
    /// Validator `by` precommits two values at `height`, `round`.
    fn offence(&self, by: usize, height: u64, round: u32) -> Evidence {
        let signer = &self.validators[by];
        let precommit = |block_id| {
            let vote = Vote {
                kind: VoteKind::Precommit,
                height: Height(height),
                round: Round(round),
                block_id,
                valid_round: None,
                validator: address_of(&**signer),
            };
            let signature = Signature(signer.sign(&self.rules.context.vote(&vote)).unwrap());
            SignedVote { vote, signature }
        };
        Evidence::of_votes(precommit(None), precommit(Some(Hash([7; 32]))))
    }

    /// A node of height 1, and an empty block of height 2 by a neighbour.
    fn second(&self) -> (Node, Arc<SealedBlock>) {
        let mut node = self.node();
        node.grow(self, vec![]);
        let block = node.prepare(self, vec![]).block;
        (node, block)
    }
}

fn with(block: &SealedBlock, evidence: Vec<Evidence>) -> Arc<SealedBlock> {
    changed(block, |block| block.evidence = evidence)
}

fn refusal(node: &mut Node, block: &Arc<SealedBlock>) -> EvidenceRefusal {
    match node.ledger.check(block) {
        Err(InvalidBlock::Evidence { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

impl Node {
    /// A block with what may stand in it of `evidence`.
    fn accuse(&mut self, world: &World, evidence: Vec<Evidence>) -> Arc<SealedBlock> {
        let draft = Draft {
            proposer: world.proposer(),
            now: Timestamp(0),
            transactions: vec![],
            evidence,
        };
        self.ledger.prepare(draft).unwrap().block
    }
}

#[test]
fn a_block_with_evidence_is_valid_everywhere_and_the_state_remembers_the_offence() {
    let world = World::new();
    let (mut builder, _) = world.second();
    let (mut other, _) = world.second();
    let evidence = world.offence(2, 1, 3);
    let offence = evidence.offence();
    let before = builder.ledger.head().state_root;
    let block = builder.accuse(&world, vec![evidence.clone()]);
    assert_eq!(block.block().evidence, std::slice::from_ref(&evidence));
    assert_eq!(other.ledger.check(&block), Ok(()));
    let named = other.ledger.explain(&block).unwrap().changed;
    let accused = offence.validator;
    assert_eq!(
        named.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            format!("offence/{accused}/1/3/double_precommit"),
            format!("offences/{accused}"),
        ]
    );
    for node in [&mut builder, &mut other] {
        node.commit(&world, &block);
        assert_ne!(node.ledger.head().state_root, before, "the root covers it");
        let record = super::offence(&*node.state, &offence).unwrap().unwrap();
        let expected = OffenceRecord {
            committed_at: Height(2),
            offence,
            evidence: evidence.hash(),
        };
        assert_eq!(record, expected);
        let summary = offences(&*node.state, &offence.validator).unwrap();
        let (count, newest) = (1, expected);
        assert_eq!(summary, Some(OffenceSummary { count, newest }));
        assert_eq!(node.ledger.is_committed(&offence), Ok(true));
    }
}

#[test]
fn an_offence_is_carried_once_whatever_its_proof() {
    let world = World::new();
    let (mut node, _) = world.second();
    let first = node.accuse(&world, vec![world.offence(2, 1, 3)]);
    node.commit(&world, &first);
    let empty = node.prepare(&world, vec![]).block;
    // The same offence, proved by another pair of votes.
    let Evidence::ConflictingVotes(nil, mut other) = world.offence(2, 1, 3) else {
        panic!("two votes")
    };
    other.vote.block_id = Some(Hash([8; 32]));
    let bytes = world.rules.context.vote(&other.vote);
    other.signature = Signature(world.validators[2].sign(&bytes).unwrap());
    let again = Evidence::of_votes(nil, other);
    assert_eq!(
        again.verify(&world.rules.genesis_validators, &world.rules.context),
        Ok(())
    );
    let refused = refusal(&mut node, &with(&empty, vec![again.clone()]));
    assert_eq!(refused, EvidenceRefusal::Committed(Height(2)));
    assert_eq!(node.accuse(&world, vec![again]).block().evidence, []);
    let next = node.accuse(&world, vec![world.offence(2, 2, 0)]);
    node.commit(&world, &next);
    let summary = offences(&*node.state, &world.offence(2, 2, 0).validator());
    assert_eq!(summary.unwrap().unwrap().count, 2);
}

#[test]
fn evidence_rises_by_offence_each_once() {
    let world = World::new();
    let (mut node, empty) = world.second();
    let mut all = [(0, 0), (1, 0), (2, 1)].map(|(by, r)| world.offence(by, 1, r));
    all.sort_by_key(Evidence::offence);
    let [a, b, c] = all;
    for wrong in [
        vec![b.clone(), a.clone()],
        vec![a.clone(), a.clone()],
        vec![a.clone(), c.clone(), b.clone()],
    ] {
        assert_eq!(
            refusal(&mut node, &with(&empty, wrong)),
            EvidenceRefusal::Order
        );
    }
    let built = node.accuse(&world, vec![c.clone(), a.clone(), b.clone(), a.clone()]);
    assert_eq!(built.block().evidence, [a, b, c]);
}

#[test]
fn only_heights_that_are_over_and_not_too_old_are_accused() {
    let world = World::new();
    let (mut node, empty) = world.second();
    let now = with(&empty, vec![world.offence(1, 2, 0)]);
    assert_eq!(refusal(&mut node, &now), EvidenceRefusal::TooEarly);
    let just_over = with(&empty, vec![world.offence(1, 1, 0)]);
    assert!(matches!(
        node.ledger.check(&just_over),
        Err(InvalidBlock::StateRoot { .. }),
    ));
    let at = |height| Offence {
        height: Height(5),
        ..world.offence(1, height, 0).offence()
    };
    let validators = world.schedule(5 + EVIDENCE_AGE_MAX);
    let refused = |height| accusing_set(&validators, Height(height), &at(5)).err();
    assert_eq!(refused(5 + EVIDENCE_AGE_MAX), None);
    let too_old = Some(EvidenceRefusal::TooOld);
    assert_eq!(refused(6 + EVIDENCE_AGE_MAX), too_old);
}

#[test]
fn forged_evidence_makes_its_block_invalid() {
    let world = World::new();
    let (mut node, empty) = world.second();
    let Evidence::ConflictingVotes(a, mut b) = world.offence(1, 1, 0) else {
        panic!("two votes")
    };
    b.signature.0[0] ^= 1;
    let forged = Evidence::of_votes(a.clone(), b);
    let refused = refusal(&mut node, &with(&empty, vec![forged]));
    assert_eq!(refused, EvidenceError::Signature.into());
    let equal = Evidence::ConflictingVotes(a.clone(), a);
    let refused = refusal(&mut node, &with(&empty, vec![equal]));
    assert_eq!(refused, EvidenceError::NoContradiction.into());
}

#[test]
fn a_block_carries_so_many_pieces_of_evidence_and_so_many_bytes_and_no_more() {
    let world = World::new();
    let (mut node, empty) = world.second();
    let rounds = 0..=EVIDENCE_PER_BLOCK_MAX as u32;
    let all: Vec<Evidence> = rounds.map(|round| world.offence(1, 1, round)).collect();
    let actual = all.len();
    let refused = node.ledger.check(&with(&empty, all));
    assert_eq!(refused, Err(InvalidBlock::EvidenceCount(actual)));
    let Evidence::ConflictingVotes(a, mut b) = world.offence(1, 1, 0) else {
        panic!("two votes")
    };
    b.signature.0 = vec![0; crate::limits::BLOCK_EVIDENCE_BYTES_MAX];
    let refused = node
        .ledger
        .check(&with(&empty, vec![Evidence::of_votes(a, b)]));
    assert!(matches!(refused, Err(InvalidBlock::EvidenceBytes { .. })));
}

/// A key that accuses itself of ever older offences filled every place of every block.
#[test]
fn a_block_accuses_one_validator_so_many_times_and_no_more() {
    let world = World::new();
    let (mut node, empty) = world.second();
    let each = EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX;
    let of = |by: usize| (0..=each as u32).map(move |round| (by, round));
    let offences = |all: &mut dyn Iterator<Item = (usize, u32)>| {
        let mut all: Vec<_> = all.map(|(by, round)| world.offence(by, 1, round)).collect();
        all.sort_by_key(Evidence::offence);
        all
    };
    let crowd = offences(&mut of(1));
    let refused = refusal(&mut node, &with(&empty, crowd.clone()));
    assert_eq!(refused, EvidenceRefusal::Crowded);
    let all = offences(&mut of(1).chain(of(2)));
    let built = node.accuse(&world, all.clone());
    assert_eq!(built.block().evidence.len(), 2 * each);
    for by in [1, 2] {
        let accused = world.offence(by, 1, 0).validator();
        let times = built.block().evidence.iter();
        let times = times.filter(|evidence| evidence.validator() == accused);
        assert_eq!(times.count(), each);
    }
    assert_eq!(node.ledger.check(&built), Ok(()));
}

/// Each record of an offence stands in the state for ever, and nobody pays for it.
#[test]
fn the_chain_names_one_validator_so_many_times_and_no_more() {
    let world = World::new();
    let (mut node, _) = world.second();
    let accused = world.offence(1, 1, 0).validator();
    for round in 0..EVIDENCE_PER_VALIDATOR_MAX as u32 - 1 {
        let block = node.accuse(&world, vec![world.offence(1, 1, round)]);
        assert_eq!(block.block().evidence.len(), 1);
        node.commit(&world, &block);
    }
    assert_eq!(node.ledger.accusations_left(&accused), Ok(1));
    let more: Vec<Evidence> = [100, 101].map(|round| world.offence(1, 1, round)).to_vec();
    let empty = node.prepare(&world, vec![]).block;
    let refused = refusal(&mut node, &with(&empty, more.clone()));
    assert_eq!(refused, EvidenceRefusal::Exhausted, "the second of them");
    let last = node.accuse(&world, more.clone());
    assert_eq!(last.block().evidence, more[..1]);
    node.commit(&world, &last);
    assert_eq!(node.ledger.accusations_left(&accused), Ok(0));
    let empty = node.prepare(&world, vec![]).block;
    let refused = refusal(&mut node, &with(&empty, more[1..].to_vec()));
    assert_eq!(refused, EvidenceRefusal::Exhausted);
    assert_eq!(node.accuse(&world, more).block().evidence, []);
    let of_another = node.accuse(&world, vec![world.offence(2, 1, 0)]);
    assert_eq!(of_another.block().evidence.len(), 1);
}
