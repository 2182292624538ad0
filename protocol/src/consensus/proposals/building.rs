//! *My turn?* This node has a block built: the Mempool says which transactions wait, the Committer
//! executes them. *Not my turn?* It skips, and waits for the proposer's message. What was asked for
//! in a round that is over is forgotten, and nothing that belongs to it is asked for or passed on
//! any more.
use super::{Output, Proposals};
use crate::nouns::block::SealedBlock;
use crate::nouns::transaction::Transaction;
use crate::types::{Height, Round};
use std::sync::Arc;

/// A block of this node that is being built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Building {
    height: Height,
    round: Round,
}

impl Proposals {
    /// The round machine wants a new block. It is asked for once in a round, if the turn is this
    /// node's.
    pub(super) fn build(&mut self, height: Height, round: Round, out: &mut Vec<Output>) {
        let is_here = (height, round) == (self.height, self.round);
        let is_mine = self.set.proposer(height, round) == self.me;
        if is_here && is_mine && self.building.is_none() {
            self.building = Some(Building { height, round });
            out.push(Output::Fill(height, round));
        }
    }

    /// What the Mempool has for it.
    pub(super) fn filled(
        &mut self,
        height: Height,
        round: Round,
        candidates: Vec<Transaction>,
        out: &mut Vec<Output>,
    ) {
        if self.is_building(height, round) {
            out.push(Output::Prepare(height, round, candidates));
        }
    }

    /// The Committer has executed it.
    pub(super) fn prepared(
        &mut self,
        height: Height,
        round: Round,
        block: Arc<SealedBlock>,
        out: &mut Vec<Output>,
    ) {
        if self.is_building(height, round) {
            self.building = None;
            out.push(Output::Built(height, round, block));
        }
    }

    /// Mempool or Committer has fallen: whichever had the question has forgotten it.
    pub(super) fn fill_again(&self, out: &mut Vec<Output>) {
        let building = self.building.iter();
        out.extend(building.map(|it| Output::Fill(it.height, it.round)));
    }

    /// A round begins: what was built for another is of no use, and whose turn it is, is known.
    pub(super) fn turn(&mut self, out: &mut Vec<Output>) {
        self.building = None;
        let proposer = self.set.proposer(self.height, self.round);
        if proposer != self.me {
            out.push(Output::Skip(self.height, self.round, proposer));
        }
    }

    fn is_building(&self, height: Height, round: Round) -> bool {
        let asked = self.building.map(|it| (it.height, it.round));
        asked == Some((height, round))
    }
}
