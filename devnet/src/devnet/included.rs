//! What became of a transaction.
use super::{Devnet, DevnetError, Inner};
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::nouns::receipt::{Receipt, Status};
use lockstep_protocol::types::{Hash, Height};
use std::time::{Duration, Instant};

/// How long [`Sent::wait`] waits, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(2);

/// A transaction that stands in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// Which transaction.
    pub id: Hash,
    /// The block's height.
    pub height: u64,
    /// How it ended, and what it cost.
    pub receipt: Receipt,
}

/// A transaction that a node has taken.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    devnet: &'a Devnet,
    id: Hash,
}

impl<'a> Sent<'a> {
    pub(super) fn new(devnet: &'a Devnet, id: Hash) -> Sent<'a> {
        Sent { devnet, id }
    }

    /// Its id.
    pub fn id(&self) -> Hash {
        self.id
    }

    /// Waits, half a minute at the most, until it stands in a block; an error if it did not do what
    /// it says. With manual pacing somebody has to make that block: [`Devnet::tick`].
    pub fn wait(&self) -> Result<Included, DevnetError> {
        self.wait_within(PATIENCE)
    }

    /// The same with another patience.
    pub fn wait_within(&self, patience: Duration) -> Result<Included, DevnetError> {
        let until = Instant::now() + patience;
        loop {
            if let Some(included) = self.devnet.receipt(self.id)? {
                return match included.receipt.status {
                    Status::Success => Ok(included),
                    Status::Failed { code } => Err(DevnetError::Failed {
                        id: self.id,
                        height: included.height,
                        code,
                    }),
                };
            }
            self.devnet.check_running()?;
            if Instant::now() >= until {
                return Err(DevnetError::NotIncluded {
                    id: self.id,
                    patience,
                    is_manual: self.devnet.pacing() == Pacing::Manual,
                });
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Devnet {
    /// What became of the transaction with this id; `None` if no block of a running node holds it.
    pub fn receipt(&self, id: Hash) -> Result<Option<Included>, DevnetError> {
        let nodes = 0..self.inner.nodes.len();
        for index in nodes {
            if let Some(included) = self.inner.included(index, id)? {
                return Ok(Some(included));
            }
        }
        Ok(None)
    }
}

impl Inner {
    /// As one node knows it, if it runs: a block that it shows by now.
    fn included(&self, index: usize, id: Hash) -> Result<Option<Included>, DevnetError> {
        let Ok(node) = self.node(index) else {
            return Ok(None);
        };
        let failed = |error| DevnetError::Store(index, error);
        let store = node.store();
        let Some(location) = store.location(&id).map_err(failed)? else {
            return Ok(None);
        };
        let shown = node.view().head().height;
        let (Some(place), Height(height)) = (location.transaction, location.height) else {
            return Ok(None);
        };
        let receipts = store.receipts(location.height).map_err(failed)?;
        let receipt = receipts.and_then(|all| all.into_iter().nth(usize::try_from(place).ok()?));
        let receipt = receipt.filter(|_| location.height <= shown);
        Ok(receipt.map(|receipt| Included {
            id,
            height,
            receipt,
        }))
    }
}
