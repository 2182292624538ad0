//! Votes differently to each peer: what its brains say, nil, or another value of the round.
use super::{Habit, Stage};
use crate::simulation::message::Payload;
use lockstep_protocol::types::{BlockId, Height, Round};

#[derive(Default)]
pub(super) struct Voter {
    proposed: Vec<(Height, Round, BlockId)>,
}

const KEPT: usize = 16;

impl Habit for Voter {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let Payload::Vote(signed) = &payload else {
            return stage.pass(to, payload);
        };
        let mut values = vec![signed.vote.block_id, None];
        values.extend(self.proposed.iter().map(|(_, _, id)| Some(*id)));
        for peer in stage.peers() {
            let mut vote = signed.vote.clone();
            vote.block_id = stage.random.pick(&values);
            if vote.block_id != signed.vote.block_id {
                vote.valid_round = None;
            }
            let vote = stage.vote(vote);
            stage.pass(Some(peer), vote);
        }
    }

    fn hear(&mut self, _: &mut Stage<'_>, payload: &Payload) {
        if let Payload::Proposal(message) = payload {
            let p = &message.proposal;
            self.proposed.insert(0, (p.height, p.round, p.block_id));
            self.proposed.truncate(KEPT);
            self.proposed.retain(|(height, _, _)| *height == p.height);
        }
    }
}
