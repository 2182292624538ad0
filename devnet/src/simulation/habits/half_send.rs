//! Each message reaches a random half of the peers.
use super::{Habit, Stage};
use crate::simulation::message::Payload;

pub(super) struct HalfSend;

impl Habit for HalfSend {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        for peer in to.map_or_else(|| stage.peers(), |peer| vec![peer]) {
            if stage.random.chance(500) {
                stage.pass(Some(peer), payload.clone());
            }
        }
    }
}
