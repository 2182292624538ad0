//! Says nothing, but listens.
use super::{Habit, Stage};
use crate::simulation::message::Payload;

pub(super) struct Silence;

impl Habit for Silence {
    fn say(&mut self, _: &mut Stage<'_>, _: Option<usize>, _: Payload) {}
}
