//! Compact proposals: filled with what was passed on to this node, and with what it asks for. There
//! is no mempool here: users hand their transactions to whoever builds the next block, and it passes
//! each on to some of the others.
use super::{Effects, Node};
use crate::simulation::message::Payload;
use lockstep_protocol::consensus::proposals;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::compact::{Assembly, CompactProposal, TransactionsWanted};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::Address;
use std::sync::Arc;

/// Transactions that a node keeps of those that were passed on to it.
const HEARD_MAX: usize = 16;
/// Of a thousand, so many are passed on to a peer before they are proposed.
const PASSED_ON_PERMILLE: u64 = 600;

impl Node {
    pub(super) fn pass_on(&mut self, block: &SealedBlock, out: &mut Effects) {
        for transaction in &block.block().transactions {
            let transaction = Arc::new(transaction.clone());
            for peer in 0..self.setup.addresses.len() {
                if self.random.chance(PASSED_ON_PERMILLE) {
                    out.send(Some(peer), Payload::Transaction(transaction.clone()));
                }
            }
        }
    }

    pub(super) fn hear(&mut self, transaction: Arc<Transaction>) {
        if self.heard.len() >= HEARD_MAX {
            self.heard.pop_front();
        }
        self.heard.push_back((transaction.leaf(), transaction));
    }

    pub(super) fn assemble(&mut self, message: &CompactProposal, out: &mut Effects) {
        let Ok(mut assembly) = Assembly::new(message.clone()) else {
            return;
        };
        let held = assembly.leaves().iter().map(|leaf| {
            let mut heard = self.heard.iter();
            let (_, transaction) = heard.find(|(heard, _)| heard == leaf)?;
            Some(transaction.clone())
        });
        assembly.fill_held(held.collect());
        self.post_proposals(proposals::Input::Compact(Box::new(assembly)), out);
    }

    pub(super) fn fetch(&mut self, peer: &Address, missing: TransactionsWanted, out: &mut Effects) {
        out.send(self.index(peer), Payload::Fetch(Arc::new(missing)));
    }

    pub(super) fn answer_fetch(
        &mut self,
        from: usize,
        missing: &TransactionsWanted,
        out: &mut Effects,
    ) {
        let Some(brains) = &self.brains else { return };
        let block = brains.proposals.proposed(missing.height, &missing.block_id);
        let picked = block.as_deref().map(|block| missing.pick(block));
        let picked = picked.unwrap_or_default().into_iter();
        let transactions = picked.cloned().map(Arc::new).collect();
        out.send(Some(from), Payload::Fetched(missing.block_id, transactions));
    }
}
