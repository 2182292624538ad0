//! Claims to be far ahead, and answers whoever asks for those blocks with nothing at all or with
//! blocks whose certificates belong to other blocks.
use super::{Habit, Stage};
use crate::simulation::message::Payload;
use lockstep_protocol::types::Height;
use lockstep_protocol::wire::DecidedBlock;
use std::sync::Arc;

pub(super) struct Boaster;

impl Habit for Boaster {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        match &payload {
            Payload::Vote(signed) => {
                let mut vote = signed.vote.clone();
                vote.height = Height(vote.height.0 + stage.random.between(2, 1_000_000));
                let boast = stage.vote(vote);
                stage.pass(to, boast);
                stage.pass(to, payload);
            }
            Payload::Blocks(blocks) => match stage.random.below(3) {
                0 => {}
                1 => stage.pass(to, Payload::Blocks(Arc::new(Vec::new()))),
                _ => stage.pass(to, Payload::Blocks(Arc::new(shifted(blocks)))),
            },
            _ => stage.pass(to, payload),
        }
    }
}

/// Each block with the certificate of its successor.
fn shifted(blocks: &[DecidedBlock]) -> Vec<DecidedBlock> {
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    let shift = |(block, next): (&DecidedBlock, &DecidedBlock)| DecidedBlock {
        block: block.block.clone(),
        certificate: next.certificate.clone(),
    };
    pairs.map(shift).collect()
}
