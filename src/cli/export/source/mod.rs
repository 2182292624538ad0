//! Where blocks come from: a node that answers people, or the data directory of one.
use super::rows::BlockRows;
use crate::failure::Failure;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::types::{ChainId, Hash};
use serde::{Deserialize, Serialize};

mod home;
mod rpc;

pub(super) use home::HomeSource;
pub(super) use rpc::RpcSource;

/// Which chain it is. A target remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chain {
    pub(super) chain_id: ChainId,
    pub(super) genesis_hash: Hash,
    pub(super) scheme: SchemeId,
}

/// What a source has for a height.
#[derive(Debug)]
pub(super) enum Found {
    Block(Box<BlockRows>),
    /// Not kept any more; the lowest that is, if it is known.
    Pruned(Option<u64>),
    /// Not committed yet.
    NotYet,
}

pub(super) trait Source {
    fn chain(&self) -> &Chain;
    /// The height of the newest block, at this moment.
    fn newest(&self) -> Result<u64, Failure>;
    fn at(&self, height: u64) -> Result<Found, Failure>;
    /// Whether blocks may still come.
    fn may_grow(&self) -> Result<(), Failure>;
}
