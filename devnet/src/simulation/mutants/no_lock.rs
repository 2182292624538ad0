//! Without locks: where the rules prevote nil because of a lock, this node prevotes the proposal.
use super::Mutant;
use lockstep_protocol::consensus::driver::DriverConfig;
use lockstep_protocol::consensus::facts::{CheckedProposal, Verdict};
use lockstep_protocol::types::{BlockId, Height, Round};
use lockstep_protocol::vote::{Signature, SignedVote, Vote, VoteKind};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct NoLock {
    proposed: BTreeMap<(Height, Round), (BlockId, Option<Round>)>,
    cast: BTreeMap<(Height, Round), SignedVote>,
}

impl Mutant for NoLock {
    fn checked(&mut self, height: Height, proposal: &CheckedProposal) {
        if proposal.verdict == Verdict::Valid {
            let value = (proposal.block.id(), proposal.valid_round);
            self.proposed
                .entry((height, proposal.round))
                .or_insert(value);
        }
    }

    fn recast(&mut self, config: &DriverConfig, vote: SignedVote) -> SignedVote {
        let place = (vote.vote.height, vote.vote.round);
        if vote.vote.kind != VoteKind::Prevote || vote.vote.block_id.is_some() {
            return vote;
        }
        if let Some(cast) = self.cast.get(&place) {
            return cast.clone();
        }
        let recast = self
            .proposed
            .get(&place)
            .and_then(|(block_id, valid_round)| {
                let vote = Vote {
                    block_id: Some(*block_id),
                    valid_round: *valid_round,
                    ..vote.vote.clone()
                };
                let signature = config.signer.sign(&config.context.vote(&vote)).ok()?;
                Some(SignedVote {
                    vote,
                    signature: Signature(signature),
                })
            });
        let cast = recast.unwrap_or(vote);
        self.cast.insert(place, cast.clone());
        cast
    }
}
