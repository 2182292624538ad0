//! A correct node among at most f faulty ones never halts, and never decides what it cannot commit.
use super::{Property, Scene, Sight};

pub(super) struct NoTrouble;

impl Property for NoTrouble {
    fn name(&self) -> &'static str {
        "no trouble"
    }

    fn see(&mut self, _: &Scene, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Trouble { node, what } => Err(format!("node {node}: {what}")),
            _ => Ok(()),
        }
    }
}
