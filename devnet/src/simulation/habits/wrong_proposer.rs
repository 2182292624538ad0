//! Proposes in rounds that belong to others.
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::proposal::ProposedBlock;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct WrongProposer {
    last: Option<Arc<ProposedBlock>>,
}

impl Habit for WrongProposer {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        stage.pass(to, payload);
        if let Some(last) = self.last.take() {
            let block = alter(&last.block, |header| header.time = header.time.plus_ms(3));
            let proposal = stage.propose(&last, block);
            stage.pass(None, proposal);
        }
    }

    fn hear(&mut self, _: &mut Stage<'_>, payload: &Payload) {
        if let Payload::Proposal(message) = payload {
            self.last = Some(message.clone());
        }
    }
}
