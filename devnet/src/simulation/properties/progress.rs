//! P2: after the faults have stopped, every correct node gains ten heights in time.
use super::{Property, Scene, Sight};

pub(super) struct Progress;

impl Property for Progress {
    fn see(&mut self, _: &Scene, _: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Ended { wanted, reached } = sight else {
            return Ok(());
        };
        let late = reached.iter().filter(|(_, height, _)| height < wanted);
        let late: Vec<String> = late
            .map(|(node, height, place)| format!("node {node} at {height} ({place})"))
            .collect();
        if late.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "height {wanted} was not reached: {}",
                late.join("; ")
            ))
        }
    }
}
