//! Proposes blocks with one field wrong, sealed and signed as they should be.
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;
use lockstep_protocol::types::{Hash, Timestamp};

pub(super) struct InvalidBlock;

impl Habit for InvalidBlock {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let Payload::Proposal(message) = &payload else {
            return stage.pass(to, payload);
        };
        let which = stage.random.below(6);
        let wrong = Hash::of(&[b"wrong"]);
        let block = alter(&message.block, |header| match which {
            0 => header.state_root = wrong,
            1 => header.previous_block = wrong,
            2 => header.time = Timestamp(1),
            3 => header.time = header.time.plus_ms(3_600_000),
            4 => header.validators_hash = wrong,
            _ => header.height = header.height.next(),
        });
        let proposal = stage.propose(message, block);
        stage.pass(to, proposal);
    }
}
