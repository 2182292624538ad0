//! Tests.
use super::*;
use crate::block::{Block, Header};
use crate::commit::Signers;
use crate::crypto::simulated::Simulated;
use crate::crypto::{Scheme, Seed};
use crate::types::{ChainId, Hash, Timestamp};

const H: Height = Height(5);

fn set_of(count: u8) -> Arc<ValidatorSet> {
    let signers = (0..count).map(|i| Simulated.signer(&Seed([i; 32])).unwrap());
    let members = signers.map(|signer| (signer.public_key().to_vec(), 1));
    Arc::new(ValidatorSet::new(&Simulated, members).unwrap())
}

fn block() -> Arc<SealedBlock> {
    let header = Header {
        chain_id: ChainId(7),
        height: H,
        time: Timestamp(1),
        proposer: Address::default(),
        previous_block: Hash::default(),
        last_commit_hash: Hash::default(),
        transactions_root: Block::transactions_root(&[]),
        state_root: Hash::default(),
        validators_hash: Hash::default(),
    };
    Arc::new(SealedBlock::build(header, Vec::new(), None))
}

fn polka(block: &SealedBlock) -> Arc<PolkaCertificate> {
    Arc::new(PolkaCertificate {
        height: H,
        round: Round::ZERO,
        block_id: block.id(),
        valid_round: None,
        signers: Signers::default(),
        by_proposal: None,
    })
}

/// E3 left a round with a nil polka by a nil prevote, even right after this node had proposed in
/// it: proposal and prevote contradicted each other (E1). A tally that tells everything again after
/// a restart, or a vote of a validator with most of the power, shows the nil polka of a later round
/// before it shows that the round was reached.
#[test]
fn a_round_that_is_known_to_end_in_nil_is_not_proposed_in() {
    let set = set_of(4);
    let me = set.proposer(H, Round(1));
    let mut machine = RoundMachine::new(H, me, set, Timeouts::DEVNET);
    let block = block();
    machine.step(Input::StartRound(Round::ZERO));
    machine.step(Input::Proposal(CheckedProposal {
        round: Round::ZERO,
        valid_round: None,
        block: block.clone(),
        verdict: Verdict::Valid,
    }));
    machine.step(Input::Fact(Fact::Polka(polka(&block))));
    assert!(machine.valid().is_some());
    machine.step(Input::Fact(Fact::NilPolka(Round(1))));
    let out = machine.step(Input::Fact(Fact::Reached(Round(1))));
    let proposes = out
        .iter()
        .any(|o| matches!(o, Output::Propose(Round(1), ..)));
    let votes = |kind| {
        let cast = out.iter().filter_map(|o| match o {
            Output::CastVote(cast) if cast.kind == kind => Some((cast.round, cast.block_id)),
            _ => None,
        });
        cast.collect::<Vec<_>>()
    };
    assert!(!proposes, "{out:?}");
    assert_eq!(votes(VoteKind::Prevote), [(Round(1), None)]);
    assert_eq!(votes(VoteKind::Precommit), [(Round(1), None)]);
    assert_eq!(machine.round(), Round(2));
}
