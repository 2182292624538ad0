//! A correct node among at most f faulty ones never halts, and never decides what it cannot commit.
use super::{Property, Scene, Sight};

pub(super) struct NoTrouble;

impl Property for NoTrouble {
    fn see(&mut self, _: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Trouble(what) => Err(format!("node {node}: {what}")),
            _ => Ok(()),
        }
    }
}
