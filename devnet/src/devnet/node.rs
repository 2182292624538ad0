//! One node of a devnet, by its number.
use super::{Devnet, DevnetError};
use lockstep_actors::node::NodeHandle;
use lockstep_actors::runtime::EndReason;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::Address;
use std::path::PathBuf;

/// A node of a devnet, whether it runs or not. Of a number that there is not, every question is
/// answered as of a node that is down, and every order is refused.
#[derive(Clone, Copy)]
pub struct DevnetNode<'a> {
    devnet: &'a Devnet,
    index: usize,
}

impl Devnet {
    /// The node with this number, from 0 on.
    pub fn node(&self, index: usize) -> DevnetNode<'_> {
        DevnetNode {
            devnet: self,
            index,
        }
    }
}

impl DevnetNode<'_> {
    pub(super) fn devnet(&self) -> &Devnet {
        self.devnet
    }

    /// Its number.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Kills it as if it were a process, abruptly: nobody is told, nothing that waits is handled, and
    /// what was not durable is gone. The others go on.
    pub fn kill(&self) -> Result<EndReason, DevnetError> {
        self.devnet
            .inner
            .end(self.index, "killed", NodeHandle::kill)
    }

    /// Stops it in good order. The others go on.
    pub fn stop(&self) -> Result<EndReason, DevnetError> {
        self.devnet
            .inner
            .end(self.index, "stopped", NodeHandle::stop)
    }

    /// Starts it again, once it is down, on its data directory and its ports.
    pub fn restart(&self) -> Result<(), DevnetError> {
        super::Inner::restart(&self.devnet.inner, self.index)
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.devnet.inner.runs(self.index).unwrap_or(false)
    }

    /// Its committed height; `None` if it is down.
    pub fn height(&self) -> Option<u64> {
        let node = self.devnet.inner.node(self.index).ok()?;
        Some(node.view().head().height.0)
    }

    /// Block `height` as it stores it.
    pub fn block(&self, height: u64) -> Result<Option<DecidedBlock>, DevnetError> {
        self.devnet.block(self.index, height)
    }

    /// Where it answers people; `None` if there is no such node.
    pub fn url(&self) -> Option<String> {
        let listens = self.devnet.inner.public.get(self.index)?;
        Some(format!("http://{listens}"))
    }

    /// Its validator; `None` if there is no such node.
    pub fn validator(&self) -> Option<Address> {
        self.devnet.inner.peers.get(self.index).map(|peer| peer.0)
    }

    /// Where it keeps its data.
    pub fn data_dir(&self) -> PathBuf {
        self.devnet.inner.data_dir(self.index)
    }
}
