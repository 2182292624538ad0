//! Forgets its lock: prevotes and precommits another value of the height than its brains do, and
//! names a valid round that never was. One value for all peers: no equivocation, but a lie.
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::vote::{SignedVote, VoteKind};
use lockstep_protocol::types::{BlockId, Height, Round};

#[derive(Default)]
pub(super) struct Amnesia {
    height: Height,
    proposed: Vec<BlockId>,
}

const KEPT: usize = 8;

impl Habit for Amnesia {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let payload = match &payload {
            Payload::Vote(signed) => self.other_value(stage, signed).unwrap_or(payload),
            // A valid value is forgotten as well: something new instead.
            Payload::Proposal(message) if message.polka.is_some() => {
                let block = alter(&message.block, |h| h.time = h.time.plus_ms(2));
                stage.propose_anew(message, block)
            }
            _ => payload,
        };
        stage.pass(to, payload);
    }

    fn hear(&mut self, _: &mut Stage<'_>, payload: &Payload) {
        if let Payload::Proposal(message) = payload {
            let proposal = &message.proposal;
            if proposal.height > self.height {
                self.height = proposal.height;
                self.proposed.clear();
            }
            if proposal.height == self.height && self.proposed.len() < KEPT {
                self.proposed.push(proposal.block_id);
            }
        }
    }
}

impl Amnesia {
    fn other_value(&self, stage: &mut Stage<'_>, signed: &SignedVote) -> Option<Payload> {
        let mut vote = signed.vote.clone();
        let others = self.proposed.iter().copied();
        let others: Vec<BlockId> = others.filter(|id| Some(*id) != vote.block_id).collect();
        let same_height = vote.height == self.height && !others.is_empty();
        if same_height && stage.random.chance(700) {
            vote.block_id = Some(stage.random.pick(&others));
        }
        let lies = vote.kind == VoteKind::Prevote && vote.round > Round::ZERO;
        vote.valid_round = (lies && vote.block_id.is_some())
            .then(|| Round(stage.random.below(u64::from(vote.round.0)) as u32));
        Some(stage.vote(vote))
    }
}
