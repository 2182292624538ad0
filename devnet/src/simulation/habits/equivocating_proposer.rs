//! Proposes `a` to some and `b` to the others; sometimes `b` to all a moment later.
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;

pub(super) struct Proposer;

impl Habit for Proposer {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let Payload::Proposal(message) = &payload else {
            return stage.pass(to, payload);
        };
        let other = alter(&message.block, |header| {
            header.time = header.time.plus_ms(1)
        });
        let other = stage.propose(message, other);
        for peer in stage.peers() {
            let accomplice = !stage.correct[peer];
            let first = stage.random.chance(500);
            if first || accomplice {
                stage.pass(Some(peer), payload.clone());
            }
            if !first || accomplice {
                stage.pass(Some(peer), other.clone());
            }
        }
        if stage.random.chance(300) {
            stage.pass(None, other);
        }
    }
}
