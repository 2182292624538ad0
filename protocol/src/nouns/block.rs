//! Header, block, block id.
use crate::crypto::merkle;
use crate::ledger::Receipt;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::evidence::Evidence;
use crate::nouns::transaction::Transaction;
use crate::types::{Address, BlockId, ChainId, Hash, Height, Timestamp};
use borsh::{BorshDeserialize, BorshSerialize};

/// What a block id covers. It names no round: a valid value that is proposed again in a later
/// round keeps its id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
pub struct Header {
    /// The chain's number.
    pub chain_id: ChainId,
    /// Position in the chain, from 1.
    pub height: Height,
    /// The builder's clock; later than the parent's time.
    pub time: Timestamp,
    /// The validator that built the block (not always the one that proposed it last).
    pub proposer: Address,
    /// Id of the parent; the genesis hash for height 1.
    pub previous_block: BlockId,
    /// Hash of the parent's commit certificate as this block carries it; zero for height 1.
    pub last_commit_hash: Hash,
    /// Merkle root over the leaves of the transactions: their ids, keys and signatures.
    pub transactions_root: Hash,
    /// Merkle root over the hashes of the evidence.
    pub evidence_root: Hash,
    /// Root of the ledger's state *after* this block.
    pub state_root: Hash,
    /// Merkle root over the leaves of the receipts, one for each transaction.
    pub receipts_root: Hash,
    /// Hash of the validator set of this height.
    pub validators_hash: Hash,
    /// Hash of the validator set of the next height, which the parent's state has named.
    pub next_validators_hash: Hash,
}

impl Header {
    /// The block id.
    pub fn id(&self) -> BlockId {
        Hash::of(&[b"lockstep/header/v1", &crate::codec::encode(self)])
    }

    /// Whether this is the header of a body whose transactions have these leaves.
    pub(crate) fn names(
        &self,
        leaves: &[Hash],
        evidence: &[Evidence],
        last_commit: Option<&CommitCertificate>,
    ) -> bool {
        Block::last_commit_hash(last_commit) == self.last_commit_hash
            && merkle::root(leaves) == self.transactions_root
            && Block::evidence_root(evidence) == self.evidence_root
    }
}

/// A header and all that its hashes name.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// What the id covers.
    pub header: Header,
    /// In order of execution.
    pub transactions: Vec<Transaction>,
    /// Rising by [offence](Evidence::offence), each once in a chain.
    pub evidence: Vec<Evidence>,
    /// Exactly a quorum of precommits for the parent; `None` only at height 1.
    pub last_commit: Option<CommitCertificate>,
}

impl Block {
    /// Merkle root over the [leaves](Transaction::leaf) of `transactions`.
    pub fn transactions_root(transactions: &[Transaction]) -> Hash {
        merkle::root(&leaves(transactions))
    }

    /// Merkle root over the [leaves](Receipt::leaf) of `receipts`.
    pub fn receipts_root(receipts: &[Receipt]) -> Hash {
        let leaves: Vec<Hash> = receipts.iter().map(Receipt::leaf).collect();
        merkle::root(&leaves)
    }

    /// Merkle root over the [hashes](Evidence::hash) of `evidence`, which cover its signatures.
    pub fn evidence_root(evidence: &[Evidence]) -> Hash {
        let leaves: Vec<Hash> = evidence.iter().map(Evidence::hash).collect();
        merkle::root(&leaves)
    }

    /// The value of [`Header::last_commit_hash`] for a certificate.
    pub fn last_commit_hash(last_commit: Option<&CommitCertificate>) -> Hash {
        last_commit.map_or(Hash::default(), CommitCertificate::hash)
    }

    /// Whether the body is the one that the header names.
    pub fn body_matches_header(&self) -> bool {
        self.header.names(
            &leaves(&self.transactions),
            &self.evidence,
            self.last_commit.as_ref(),
        )
    }
}

fn leaves(transactions: &[Transaction]) -> Vec<Hash> {
    transactions.iter().map(Transaction::leaf).collect()
}

/// A block whose id is known and whose body matches it. Shared, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBlock {
    id: BlockId,
    /// Of its transactions: made once, for the root, and kept for whoever names them.
    leaves: Vec<Hash>,
    block: Block,
}

/// The body of a block is not the one that its header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the block's body is not the one that its header names")]
pub struct BodyMismatch;

impl SealedBlock {
    /// Computes the id and checks that the body belongs to it.
    pub fn new(block: Block) -> Result<SealedBlock, BodyMismatch> {
        let leaves = leaves(&block.transactions);
        let last_commit = block.last_commit.as_ref();
        if !block.header.names(&leaves, &block.evidence, last_commit) {
            return Err(BodyMismatch);
        }
        Ok(SealedBlock {
            id: block.header.id(),
            leaves,
            block,
        })
    }

    /// The same for a body whose transactions the caller has compared with `leaves`, and these with
    /// the header.
    pub(crate) fn of_known_leaves(block: Block, leaves: Vec<Hash>) -> SealedBlock {
        SealedBlock {
            id: block.header.id(),
            leaves,
            block,
        }
    }

    /// Builds a block: `header` gets the hashes of this body, whatever it held before.
    pub fn build(
        header: Header,
        transactions: Vec<Transaction>,
        evidence: Vec<Evidence>,
        last_commit: Option<CommitCertificate>,
    ) -> SealedBlock {
        let leaves = leaves(&transactions);
        SealedBlock::build_named(header, (transactions, leaves), evidence, last_commit)
    }

    /// The same with the transactions' leaves, which the caller knows already.
    pub(crate) fn build_named(
        header: Header,
        (transactions, leaves): (Vec<Transaction>, Vec<Hash>),
        evidence: Vec<Evidence>,
        last_commit: Option<CommitCertificate>,
    ) -> SealedBlock {
        let header = Header {
            last_commit_hash: Block::last_commit_hash(last_commit.as_ref()),
            transactions_root: merkle::root(&leaves),
            evidence_root: Block::evidence_root(&evidence),
            ..header
        };
        SealedBlock {
            id: header.id(),
            leaves,
            block: Block {
                header,
                transactions,
                evidence,
                last_commit,
            },
        }
    }

    /// The block id.
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.block.header
    }

    /// The block's height.
    pub fn height(&self) -> Height {
        self.block.header.height
    }

    /// The [leaves](Transaction::leaf) of its transactions, in their order.
    pub fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// The whole block.
    pub fn block(&self) -> &Block {
        &self.block
    }
}

#[cfg(test)]
mod tests;
