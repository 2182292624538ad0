//! E5: what this node holds of the proposals, for its own question, and what it answers to
//! another's.
use super::Proposals;
use crate::limits::PULL_PROPOSALS_MAX;
use crate::nouns::proposal::ProposedBlock;
use crate::nouns::pull::Pull;
use std::sync::Arc;

impl Proposals {
    /// Writes into this node's question which proposals it holds.
    pub fn hold(&self, pull: &mut Pull) {
        if pull.height != self.height {
            return;
        }
        for held in &mut pull.rounds {
            let kept = self.rounds.get(&held.round).into_iter().flatten();
            let proposals = kept.map(|kept| &kept.message.proposal);
            held.proposals = proposals.map(|p| (p.block_id, p.valid_round)).collect();
        }
    }

    /// The proposals that the asker lacks, of this node's round, of the asker's, and of those after
    /// them; at most [`PULL_PROPOSALS_MAX`]. Each carries the polka of its valid round.
    pub fn answer(&self, pull: &Pull) -> Vec<Arc<ProposedBlock>> {
        if pull.height != self.height {
            return Vec::new();
        }
        let mut rounds = vec![self.round];
        for round in [pull.round, self.round.next(), pull.round.next()] {
            if !rounds.contains(&round) {
                rounds.push(round);
            }
        }
        let kept = rounds.iter().filter_map(|round| self.rounds.get(round));
        let messages = kept.flatten().map(|kept| &kept.message);
        let lacking = messages.filter(|message| !pull.holds_proposal(&message.proposal));
        lacking.take(PULL_PROPOSALS_MAX).cloned().collect()
    }
}
