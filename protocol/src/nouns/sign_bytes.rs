//! What a signature covers: tag (8 ASCII bytes per kind) ‖ chain id ‖ genesis hash ‖ payload.
//!
//! The tag keeps a vote from being read as any other kind of message; chain id and genesis hash
//! keep it from being read on another chain. The first byte is never zero, because FIPS 204 with a
//! context prefixes a zero byte: no message of ours is also a message of that form.
use crate::nouns::standing::{Nonce, Statement};
use crate::nouns::vote::{Vote, VoteKind};
use crate::types::{Address, BlockId, ChainId, Hash, Height, Round};

/// The chain that signatures are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignContext {
    /// The chain's number.
    pub chain_id: ChainId,
    /// Hash of the genesis document.
    pub genesis_hash: Hash,
}

impl SignContext {
    /// The bytes under a PROPOSAL(h, r, id, vr).
    pub fn proposal(
        &self,
        height: Height,
        round: Round,
        block_id: &BlockId,
        valid_round: Option<Round>,
    ) -> Vec<u8> {
        self.preimage(b"LS-PROPO", &(height, round, block_id, valid_round))
    }

    /// The bytes under a PREVOTE(h, r, id | nil, vr) or a PRECOMMIT(h, r, id | nil).
    ///
    /// The validator is not covered: its key is what verifies. So the members of a certificate
    /// have signed equal bytes.
    pub fn vote(&self, vote: &Vote) -> Vec<u8> {
        match vote.kind {
            VoteKind::Prevote => self.preimage(
                b"LS-PREVO",
                &(vote.height, vote.round, vote.block_id, vote.valid_round),
            ),
            VoteKind::Precommit => {
                self.preimage(b"LS-PRECO", &(vote.height, vote.round, vote.block_id))
            }
        }
    }

    /// The bytes under a transaction: its unsigned body, by its sender.
    pub fn transaction<B: borsh::BorshSerialize>(&self, sender: &Address, body: &B) -> Vec<u8> {
        self.preimage(b"LS-TRANS", &(sender, body))
    }

    /// The bytes under the question of a validator that has just started.
    pub fn question(&self, asker: &Address, to: &Address, nonce: &Nonce) -> Vec<u8> {
        self.preimage(b"LS-ASKST", &(asker, to, nonce))
    }

    /// The bytes under the answer to it.
    pub fn standing(&self, said: &Statement) -> Vec<u8> {
        self.preimage(
            b"LS-STAND",
            &(
                said.sayer,
                said.asker,
                said.nonce,
                said.standing,
                said.block_id,
            ),
        )
    }

    fn preimage<P: borsh::BorshSerialize>(&self, tag: &[u8; 8], payload: &P) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(tag);
        bytes.extend_from_slice(&self.chain_id.0.to_le_bytes());
        bytes.extend_from_slice(&self.genesis_hash.0);
        bytes.extend_from_slice(&crate::codec::encode(payload));
        bytes
    }
}

#[cfg(test)]
mod tests;
