//! Says less than it has: of how far it is, of what it has committed, and of what it was asked for.
use super::{Habit, Stage};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::pull::Pulled;
use lockstep_protocol::types::Height;
use std::sync::Arc;

pub(super) struct Understater;

impl Habit for Understater {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let less = match &payload {
            Payload::Standing(said) => {
                let committed = less_than(stage, said.standing.committed);
                let keeps_height = stage.random.chance(300);
                stage.stand(said, |standing| {
                    if !keeps_height {
                        standing.committed = committed;
                    }
                    // Nor has it signed or seen anything there.
                    (standing.signed, standing.seen) = (None, None);
                    standing.is_locked = false;
                })
            }
            Payload::Blocks(from, blocks) => {
                let shown = stage.random.index(blocks.len() + 1);
                Payload::Blocks(*from, Arc::new(blocks[..shown].to_vec()))
            }
            Payload::Pulled(height, pulled) => {
                let committed = less_than(stage, pulled.committed);
                let (mut proposals, mut votes) = (pulled.proposals.clone(), pulled.votes.clone());
                proposals.truncate(stage.random.index(proposals.len() + 1));
                votes.truncate(stage.random.index(votes.len() + 1));
                let pulled = Pulled {
                    committed,
                    proposals,
                    votes,
                };
                Payload::Pulled(*height, Arc::new(pulled))
            }
            _ => payload,
        };
        stage.pass(to, less);
    }
}

/// Mostly a few heights less, or as if it had just begun.
fn less_than(stage: &mut Stage<'_>, height: Height) -> Height {
    match stage.random.chance(300) {
        true => Height(0),
        false => Height(height.0.saturating_sub(stage.random.between(1, 8))),
    }
}
