//! Forgets what it has decided: follows the rules with everybody but one correct node, which hears
//! nothing of that. When that node is rounds further in a height that is long over, it gets the
//! prevotes and precommits for the block that it proposes itself. No equivocation, but amnesia; with
//! f + 1 of these, and the two correct sides apart, a fork between two rounds must be found.
use super::{Habit, Stage};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::vote::{SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{BlockId, Height, Round};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Forgetful {
    /// The last round of each height in which the brains have voted.
    voted: BTreeMap<Height, Round>,
    answered: BTreeSet<(Height, Round, VoteKind)>,
}

/// Heights that it remembers, the lowest: the victim stays in its first.
const HEIGHTS_KEPT: usize = 64;

impl Habit for Forgetful {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        if let Payload::Vote(signed) = &payload {
            let (height, round) = (signed.vote.height, signed.vote.round);
            let last = self.voted.entry(height).or_default();
            *last = round.max(*last);
            while self.voted.len() > HEIGHTS_KEPT {
                // The newest but one: that there is a later height must stay known.
                let last = self.voted.keys().rev().nth(1).copied();
                last.map(|height| self.voted.remove(&height));
            }
        }
        if matches!(payload, Payload::Standing(_)) {
            // The victim must begin to vote, and does so once it has heard how far others are.
            return stage.pass(to, payload);
        }
        let victim = victim(stage);
        let all = stage.peers().into_iter();
        let peers = all.filter(|peer| Some(*peer) != victim && to.is_none_or(|to| to == *peer));
        peers.for_each(|peer| stage.pass(Some(peer), payload.clone()));
    }

    fn hear(&mut self, stage: &mut Stage<'_>, payload: &Payload) {
        match payload {
            Payload::Vote(vote) => self.vote(stage, vote),
            Payload::Votes(votes) => votes.iter().for_each(|vote| self.vote(stage, vote)),
            Payload::Proposal(message) => {
                let p = &message.proposal;
                if self.is_of_victim(stage, p.height, &p.proposer) {
                    let voted = self.voted.get(&p.height).copied();
                    // The next round is the one that this node has already voted nil in.
                    if voted.is_some_and(|voted| p.round > voted.next()) {
                        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
                            self.answer(stage, kind, p.height, p.round, Some(p.block_id));
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// The last of the correct nodes.
fn victim(stage: &Stage<'_>) -> Option<usize> {
    stage.correct.iter().rposition(|is_correct| *is_correct)
}

impl Forgetful {
    /// A message of the victim about a height that is over here.
    fn is_of_victim(
        &self,
        stage: &Stage<'_>,
        height: Height,
        sender: &lockstep_protocol::types::Address,
    ) -> bool {
        let is_over = self.voted.keys().next_back().is_some_and(|h| *h > height);
        is_over && stage.set.index_of(sender) == victim(stage)
    }

    fn vote(&mut self, stage: &mut Stage<'_>, signed: &SignedVote) {
        let vote = &signed.vote;
        let voted = self.voted.get(&vote.height).copied();
        let Some(voted) = voted.filter(|_| self.is_of_victim(stage, vote.height, &vote.validator))
        else {
            return;
        };
        let next = voted.next();
        if vote.round <= voted {
            // Brings it after this node (L55), to a round in which nothing was signed yet.
            self.answer(stage, VoteKind::Prevote, vote.height, next, None);
        } else if vote.block_id.is_none() {
            self.answer(stage, vote.kind, vote.height, vote.round, None);
        }
    }

    fn answer(
        &mut self,
        stage: &mut Stage<'_>,
        kind: VoteKind,
        height: Height,
        round: Round,
        block_id: Option<BlockId>,
    ) {
        if !self.answered.insert((height, round, kind)) {
            return;
        }
        let vote = stage.vote(Vote {
            kind,
            height,
            round,
            block_id,
            valid_round: None,
            validator: stage.address(),
        });
        stage.pass(victim(stage), vote);
    }
}
