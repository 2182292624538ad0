//! Who runs, who is down, since when and why; and the way from one to the other.
use super::{Devnet, DevnetError, Inner, boot};
use lockstep_actors::node::NodeHandle;
use lockstep_actors::runtime::EndReason;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is known of a node besides its handle.
#[derive(Clone)]
pub(super) struct Life {
    /// Of the wall clock: when it began, or when it was first seen that it is down.
    pub(super) since_ms: u64,
    /// Why it is down.
    pub(super) reason: Option<String>,
}

impl Life {
    pub(super) fn begun() -> Life {
        Life {
            since_ms: now_ms(),
            reason: None,
        }
    }

    fn ended(reason: impl Into<String>) -> Life {
        Life {
            since_ms: now_ms(),
            reason: Some(reason.into()),
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

impl Devnet {
    /// Stops node `index` in good order; the others go on. It says why it had ended, if it had by
    /// itself. `None` if it was down.
    pub fn stop(&self, index: usize) -> Option<EndReason> {
        self.inner.end(index, "stopped", NodeHandle::stop).ok()
    }

    /// Kills node `index` as if it were a process; the others go on. Nobody is told, nothing that
    /// waits is handled, and what was not durable is gone. It says why it had ended, if it had by
    /// itself. `None` if it was down.
    pub fn kill(&self, index: usize) -> Option<EndReason> {
        self.inner.end(index, "killed", NodeHandle::kill).ok()
    }

    /// Whether each node runs.
    pub fn running(&self) -> Vec<bool> {
        self.inner
            .each(|_| ())
            .iter()
            .map(Option::is_some)
            .collect()
    }

    /// Starts node `index`, which is down, again on its data directory and its ports.
    pub fn restart(&self, index: usize) -> Result<(), DevnetError> {
        Inner::restart(&self.inner, index)
    }
}

impl Inner {
    /// Ends a node by one of its handle's ways.
    pub(super) fn end(
        &self,
        index: usize,
        word: &str,
        way: impl FnOnce(NodeHandle) -> EndReason,
    ) -> Result<EndReason, DevnetError> {
        let _orders = self.orders.lock();
        let slot = self.nodes.get(index).ok_or(DevnetError::NoNode(index))?;
        let handle = slot.lock().take().ok_or(DevnetError::Down(index))?;
        let by_itself = handle.ended();
        self.lives.lock()[index] =
            Life::ended(by_itself.map_or(word.into(), |why| why.to_string()));
        log::info!("node {index} is being {word}");
        Ok(way(handle))
    }

    pub(super) fn restart(this: &Arc<Inner>, index: usize) -> Result<(), DevnetError> {
        let going = this.orders.lock();
        if *going {
            return Err(DevnetError::Going);
        }
        let ports = this.peers.get(index).zip(this.public.get(index));
        let ((_, peer), rpc) = ports.ok_or(DevnetError::NoNode(index))?;
        let ended = {
            let mut slot = this.nodes[index].lock();
            if slot.as_ref().is_some_and(|node| !node.has_ended()) {
                return Err(DevnetError::Running(index));
            }
            slot.take()
        };
        drop(ended);
        let bound = boot::Listeners::bind_again(index, *peer, *rpc)?;
        let handle = Inner::start(this, index, bound)?;
        *this.nodes[index].lock() = Some(handle);
        this.lives.lock()[index] = Life::begun();
        Ok(())
    }

    /// Whether a node runs; an error if there is none.
    pub(super) fn runs(&self, index: usize) -> Result<bool, DevnetError> {
        let slot = self.nodes.get(index).ok_or(DevnetError::NoNode(index))?;
        Ok(slot.lock().as_ref().is_some_and(|node| !node.has_ended()))
    }

    /// The height and the life of each node; of one that has ended by itself, from when that is seen.
    pub(super) fn standing(&self) -> Vec<(Option<u64>, Life)> {
        let heights = self.heights();
        let endings = self.endings();
        let mut lives = self.lives.lock();
        for (index, why) in endings {
            if lives[index].reason.is_none() {
                lives[index] = Life::ended(why.to_string());
            }
        }
        heights.into_iter().zip(lives.iter().cloned()).collect()
    }
}
