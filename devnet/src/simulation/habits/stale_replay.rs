//! Says again what anybody said earlier, whole heights later.
use super::{Habit, Stage};
use crate::simulation::message::Payload;

const KEPT: usize = 128;

#[derive(Default)]
pub(super) struct StaleReplay {
    kept: Vec<Payload>,
}

impl StaleReplay {
    fn keep(&mut self, stage: &mut Stage<'_>, payload: &Payload) {
        if self.kept.len() < KEPT {
            self.kept.push(payload.clone());
        } else if stage.random.chance(100) {
            let slot = stage.random.index(KEPT);
            self.kept[slot] = payload.clone();
        }
    }
}

impl Habit for StaleReplay {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        self.keep(stage, &payload);
        stage.pass(to, payload);
        let old = self.kept[stage.random.index(self.kept.len())].clone();
        stage.pass(None, old);
    }

    fn hear(&mut self, stage: &mut Stage<'_>, payload: &Payload) {
        self.keep(stage, payload);
    }
}
