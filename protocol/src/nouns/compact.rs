//! Compact proposals: a new block as it is first told, its transactions named by their leaves. Most
//! of them have been passed on before, so most nodes fill the block from what waits with them, and
//! ask for the rest (the idea of Bitcoin's BIP 152).
//!
//! A transaction is named by its [leaf](Transaction::leaf), never by its id: the block id names
//! every byte of its body, and the same id may come with another signature. That the leaves are
//! those of the header is checked first and costs some hashes; from then on whatever has a named
//! leaf belongs into the block, whoever sends it. So nobody can fill it wrongly, and no transaction
//! is hashed again that has been hashed when it began to wait.
//!
//! Only the first telling of a proposal is compact. What is sent again (E6), answered to a pull
//! (E5) or synced is the whole block: an unfilled compact proposal costs no more than a lost one.
use crate::limits::{BLOCK_TRANSACTION_BYTES_MAX, BLOCK_TRANSACTIONS_MAX};
use crate::nouns::block::{Block, BodyMismatch, Header, SealedBlock};
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::evidence::Evidence;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::nouns::transaction::Transaction;
use crate::types::{BlockId, Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// A proposal as it is first told.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CompactProposal {
    /// The signed part; the first, as in a whole proposal.
    pub proposal: Proposal,
    /// The block's; its id is the proposal's.
    pub header: Header,
    /// The leaves of the block's transactions, in their order.
    pub leaves: Vec<Hash>,
    /// The block's evidence.
    pub evidence: Vec<Evidence>,
    /// The block's last commit.
    pub last_commit: Option<CommitCertificate>,
    /// Present exactly when the proposal has a valid round.
    pub polka: Option<PolkaCertificate>,
    /// Some of the block's transactions, in its order: those that the receiver is not believed to
    /// hold.
    pub transactions: Vec<Transaction>,
}

impl CompactProposal {
    /// Of a whole one; the transactions whose leaves are `unheld` go with it.
    pub fn of(message: &ProposedBlock, unheld: impl Fn(&Hash) -> bool) -> CompactProposal {
        let block = message.block.block();
        let named = message.block.leaves().iter().zip(&block.transactions);
        let whole = named.filter(|(leaf, _)| unheld(leaf));
        CompactProposal {
            proposal: message.proposal.clone(),
            header: block.header.clone(),
            leaves: message.block.leaves().to_vec(),
            evidence: block.evidence.clone(),
            last_commit: block.last_commit.clone(),
            polka: message.polka.as_deref().cloned(),
            transactions: whole.map(|(_, transaction)| transaction.clone()).collect(),
        }
    }
}

/// Which transactions of a block that was proposed at `height` are missing?
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct TransactionsWanted {
    /// The height that is decided.
    pub height: Height,
    /// The block.
    pub block_id: BlockId,
    /// One bit per transaction of the block, whole bytes.
    #[borsh(deserialize_with = "crate::codec::read_bytes")]
    pub wanted: Vec<u8>,
}

impl TransactionsWanted {
    /// The transactions of `block` that are asked for, in its order; none if it is another block,
    /// or has not so many.
    pub fn pick<'a>(&self, block: &'a SealedBlock) -> Vec<&'a Transaction> {
        let transactions = &block.block().transactions;
        if block.id() != self.block_id || self.wanted.len() != transactions.len().div_ceil(8) {
            return Vec::new();
        }
        let asked = transactions.iter().enumerate();
        asked
            .filter_map(|(index, transaction)| self.wants(index).then_some(transaction))
            .collect()
    }

    fn wants(&self, index: usize) -> bool {
        let byte = self.wanted.get(index / 8).copied().unwrap_or(0);
        byte & (1 << (index % 8)) != 0
    }
}

/// A compact proposal that is being filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembly {
    proposal: Proposal,
    header: Header,
    evidence: Vec<Evidence>,
    last_commit: Option<CommitCertificate>,
    polka: Option<Arc<PolkaCertificate>>,
    leaves: Vec<Hash>,
    slots: Vec<Option<Arc<Transaction>>>,
    missing: usize,
    bytes: usize,
}

impl Assembly {
    /// Checks that the proposal's id names this header, the header these leaves, evidence and last
    /// commit, and that the transactions that came along have leaves among them.
    pub fn new(compact: CompactProposal) -> Result<Assembly, BodyMismatch> {
        let CompactProposal {
            proposal,
            header,
            leaves,
            evidence,
            last_commit,
            polka,
            transactions,
        } = compact;
        let is_named = header.id() == proposal.block_id;
        let names = names(&header, &leaves, &evidence, last_commit.as_ref());
        if leaves.len() > BLOCK_TRANSACTIONS_MAX || !is_named || !names {
            return Err(BodyMismatch);
        }
        let missing = leaves.len();
        let mut assembly = Assembly {
            proposal,
            header,
            evidence,
            last_commit,
            polka: polka.map(Arc::new),
            slots: vec![None; missing],
            leaves,
            missing,
            bytes: 0,
        };
        let fit = assembly.fill(transactions.into_iter().map(Arc::new));
        fit.then_some(assembly).ok_or(BodyMismatch)
    }

    /// The signed part.
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The height in the block's header.
    pub fn block_height(&self) -> Height {
        self.header.height
    }

    /// The polka that came with it.
    pub fn polka(&self) -> Option<&Arc<PolkaCertificate>> {
        self.polka.as_ref()
    }

    /// What the block's transactions are called, in its order.
    pub fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// How many transactions are not here yet.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Whether what is here is more than a block may carry: then it cannot be valid.
    pub fn is_oversize(&self) -> bool {
        self.bytes > BLOCK_TRANSACTION_BYTES_MAX
    }

    /// What waits in this node's own mempool under each of the [leaves](Self::leaves), if anything
    /// does. Nothing is hashed again.
    pub fn fill_held(&mut self, held: Vec<Option<Arc<Transaction>>>) {
        for (index, transaction) in held.into_iter().enumerate() {
            if let Some(transaction) = transaction {
                self.put(index, transaction);
            }
        }
    }

    /// What somebody else sent, in the block's order; each is compared with its leaf. Whether all
    /// of them belong into the block.
    pub fn fill(&mut self, transactions: impl IntoIterator<Item = Arc<Transaction>>) -> bool {
        let mut index = 0;
        for transaction in transactions {
            let leaf = transaction.leaf();
            let rest = self.leaves.get(index..).unwrap_or_default();
            let Some(ahead) = rest.iter().position(|named| fits(named, &leaf)) else {
                return false;
            };
            index = index.saturating_add(ahead);
            self.put(index, transaction);
            index = index.saturating_add(1);
        }
        true
    }

    fn put(&mut self, index: usize, transaction: Arc<Transaction>) {
        if let Some(slot @ None) = self.slots.get_mut(index) {
            self.bytes = self.bytes.saturating_add(transaction.bytes());
            self.missing = self.missing.saturating_sub(1);
            *slot = Some(transaction);
        }
    }

    /// The question for what is missing.
    pub fn question(&self) -> TransactionsWanted {
        let mut wanted = vec![0u8; self.slots.len().div_ceil(8)];
        let missing = self.slots.iter().enumerate();
        for (index, _) in missing.filter(|(_, slot)| slot.is_none()) {
            if let Some(byte) = wanted.get_mut(index / 8) {
                *byte |= 1 << (index % 8);
            }
        }
        TransactionsWanted {
            height: self.proposal.height,
            block_id: self.proposal.block_id,
            wanted,
        }
    }

    /// The whole proposal, if nothing is missing and it is not [oversize](Self::is_oversize).
    pub fn seal(&self) -> Option<ProposedBlock> {
        if self.is_oversize() {
            return None;
        }
        let slots = self.slots.iter();
        let transactions = slots.map(|slot| Some(Transaction::clone(slot.as_deref()?)));
        let block = Block {
            header: self.header.clone(),
            transactions: transactions.collect::<Option<_>>()?,
            evidence: self.evidence.clone(),
            last_commit: self.last_commit.clone(),
        };
        Some(self.with_block(Arc::new(SealedBlock::of_known_leaves(
            block,
            self.leaves.clone(),
        ))))
    }

    /// The whole proposal, its block being known already. The caller has compared the ids.
    pub fn with_block(&self, block: Arc<SealedBlock>) -> ProposedBlock {
        ProposedBlock {
            proposal: self.proposal.clone(),
            block,
            polka: self.polka.clone(),
        }
    }
}

fn names(
    header: &Header,
    leaves: &[Hash],
    evidence: &[Evidence],
    last_commit: Option<&CommitCertificate>,
) -> bool {
    planted!(UncheckedLeaves => return true);
    header.names(leaves, evidence, last_commit)
}

fn fits(named: &Hash, leaf: &Hash) -> bool {
    planted!(UncheckedFilling => return true);
    named == leaf
}

#[cfg(test)]
mod tests;
