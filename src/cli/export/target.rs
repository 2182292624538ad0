//! Where blocks go. A target remembers whose chain it holds, and says itself how far it got: no file
//! beside it can be ahead of it or behind.
use super::rows::BlockRows;
use super::source::Chain;
use super::table::FORMAT;
use crate::failure::Failure;
use lockstep_protocol::types::Hash;
use serde::{Deserialize, Serialize};

/// What stands at the head of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: u64,
    #[serde(flatten)]
    pub(super) chain: Chain,
    /// The height it begins with.
    pub(super) first: u64,
}

/// How far a target got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) first: u64,
    /// Height and id of its newest block.
    pub(super) newest: Option<(u64, Hash)>,
}

impl Standing {
    /// The height that comes next.
    pub(super) fn next(&self) -> u64 {
        self.newest
            .map_or(self.first, |(height, _)| height.saturating_add(1))
    }
}

pub(super) trait Target {
    /// What people call it; nothing secret.
    fn name(&self) -> String;
    /// How far it got, all that a kill has left half-written taken away. `None`: it is new.
    fn standing(&mut self, chain: &Chain) -> Result<Option<Standing>, Failure>;
    /// Makes it one that begins at this height.
    fn begin(&mut self, head: &Head) -> Result<(), Failure>;
    /// Adds blocks that follow its newest, all of them or none.
    fn put(&mut self, blocks: &[BlockRows]) -> Result<(), Failure>;
}

impl Head {
    pub(super) fn new(chain: &Chain, first: u64) -> Head {
        Head {
            format: FORMAT,
            chain: chain.clone(),
            first,
        }
    }

    /// Refuses a target of another chain or another release.
    pub(super) fn check(&self, chain: &Chain, name: &str) -> Result<(), Failure> {
        if self.format != FORMAT {
            return Err(Failure::usage(format!(
                "{name} has format {}, this program writes {FORMAT}: name another target, or use the \
                 program that began it",
                self.format
            )));
        }
        if self.first == 0 {
            return Err(Failure::corrupt(format!(
                "{name} is damaged: it begins with block 0, and there is none; move it away as a whole and \
                 export anew"
            )));
        }
        if self.chain == *chain {
            return Ok(());
        }
        Err(Failure::safety(format!(
            "{name} holds the chain {} with genesis {}, the source is chain {} with genesis {}: name \
             another target, or the other source",
            self.chain.chain_id, self.chain.genesis_hash, chain.chain_id, chain.genesis_hash
        )))
    }
}
