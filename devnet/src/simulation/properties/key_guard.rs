//! A node that has met a message of its own key that it has not signed says nothing with that key any
//! more; nor after a restart, if that it has is on its disk by then. (If it is not, it begins to
//! vote, and stops when it meets the next.)
use super::{Property, Scene, Sight};
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct KeyGuard {
    must_be_silent: BTreeSet<usize>,
}

impl Property for KeyGuard {
    fn judges_twins(&self) -> bool {
        true
    }

    fn see(&mut self, _: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::KeySeenElsewhere => _ = self.must_be_silent.insert(node),
            Sight::Began { remembers } if *remembers => {
                self.must_be_silent.insert(node);
            }
            Sight::Began { .. } => _ = self.must_be_silent.remove(&node),
            Sight::Said { statement, .. } if self.must_be_silent.contains(&node) => {
                return Err(format!(
                    "node {node} knows that its key is at work elsewhere, and says {statement:?}"
                ));
            }
            _ => {}
        }
        Ok(())
    }
}
