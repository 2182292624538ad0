//! Keys, blocks and validators under the numbers of the neutral language: validator `i` is the one
//! at position `i` of Lockstep's sorted set, and every value is a block of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, Seed, Signer};
use lockstep_protocol::nouns::block::{Block, Header, SealedBlock};
use lockstep_protocol::nouns::proposal::Proposal;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{
    Address, BlockId, DEVNET_CHAIN_ID, Hash, Height, Instant, Round, Timestamp,
};
use lockstep_protocol::validators::set::Power;
use lockstep_protocol::validators::set::ValidatorSet;

use crate::generator::VALIDATORS;
use crate::script::{A, B, INVALID};

/// No time passes: the brains only compare the moments they are given.
pub(crate) const NOW: Instant = Instant(0);

/// One height of one chain, with all secret keys.
pub(crate) struct World {
    pub(crate) height: Height,
    pub(crate) context: SignContext,
    pub(crate) set: Arc<ValidatorSet>,
    signers: Vec<Arc<dyn Signer>>,
    blocks: BTreeMap<u64, Arc<SealedBlock>>,
}

impl World {
    /// Four validators of equal power.
    pub(crate) fn new(height: u64) -> Self {
        let chain_id = DEVNET_CHAIN_ID;
        let genesis_hash = Hash::of(&[b"differential test"]);
        let context = SignContext {
            chain_id,
            genesis_hash,
        };
        let set = Arc::new(validators([1; VALIDATORS]));
        let height = Height(height);
        let of_value = |value| (value, Arc::new(block(height, &set, value)));
        Self {
            blocks: [A, B, INVALID].into_iter().map(of_value).collect(),
            signers: sorted_signers(),
            height,
            context,
            set,
        }
    }

    /// The block that stands for a value.
    pub(crate) fn block(&self, value: u64) -> Arc<SealedBlock> {
        self.blocks[&value].clone()
    }

    /// The value that a block stands for.
    pub(crate) fn value(&self, id: BlockId) -> u64 {
        let mut blocks = self.blocks.iter();
        let of_id = blocks.find(|(_, block)| block.id() == id);
        *of_id.expect("only blocks of this world occur").0
    }

    /// The address of the validator at this position.
    pub(crate) fn address(&self, validator: usize) -> Address {
        self.set
            .get(validator)
            .expect("a scenario names validators of the set")
            .address
    }

    /// The position of `proposer(h, round)`.
    pub(crate) fn proposer(&self, round: u32) -> usize {
        let address = self.set.proposer(self.height, Round(round));
        self.set.index_of(&address).expect("a member proposes")
    }

    /// A vote with its signature.
    pub(crate) fn vote(
        &self,
        (kind, round, validator): (VoteKind, u32, usize),
        value: Option<u64>,
        valid_round: Option<u32>,
    ) -> SignedVote {
        let vote = Vote {
            kind,
            height: self.height,
            round: Round(round),
            block_id: value.map(|value| self.block(value).id()),
            valid_round: valid_round.map(Round),
            validator: self.address(validator),
        };
        let signature = self.sign(validator, &self.context.vote(&vote));
        SignedVote { vote, signature }
    }

    /// The proposal of the round's proposer, with its signature.
    pub(crate) fn proposal(&self, round: u32, value: u64, valid_round: Option<u32>) -> Proposal {
        let height = self.height;
        let proposer = self.proposer(round);
        let round = Round(round);
        let valid_round = valid_round.map(Round);
        let block_id = self.block(value).id();
        let bytes = self.context.proposal(height, round, &block_id, valid_round);
        Proposal {
            height,
            round,
            block_id,
            valid_round,
            proposer: self.address(proposer),
            signature: self.sign(proposer, &bytes),
        }
    }

    fn sign(&self, validator: usize, bytes: &[u8]) -> Signature {
        let signed = self.signers[validator].sign(bytes);
        Signature(signed.expect("the simulated scheme always signs"))
    }
}

/// The four validators, with these powers in order of their positions.
pub(crate) fn validators(powers: [Power; VALIDATORS]) -> ValidatorSet {
    let keys = sorted_signers();
    let members = keys.iter().map(|key| key.public_key().to_vec()).zip(powers);
    ValidatorSet::new(&Simulated, members).expect("a valid set")
}

fn sorted_signers() -> Vec<Arc<dyn Signer>> {
    let signer = |seed: u8| {
        let signer = Simulated.signer(&Seed([seed; 32]));
        signer.expect("the simulated scheme takes every seed")
    };
    let mut signers: Vec<_> = (0u8..).take(VALIDATORS).map(signer).collect();
    signers.sort_by_key(|signer| Address::of(signer.scheme(), signer.public_key()));
    signers
}

/// Blocks of different times have different ids; nobody executes them here.
fn block(height: Height, set: &ValidatorSet, value: u64) -> SealedBlock {
    let header = Header {
        chain_id: DEVNET_CHAIN_ID,
        height,
        time: Timestamp(value),
        proposer: Address::default(),
        previous_block: Hash::default(),
        last_commit_hash: Block::last_commit_hash(None),
        transactions_root: Block::transactions_root(&[]),
        evidence_root: Block::evidence_root(&[]),
        state_root: Hash::default(),
        receipts_root: Block::receipts_root(&[]),
        validators_hash: set.hash(),
        next_validators_hash: set.hash(),
    };
    let transactions = Vec::new();
    let evidence = Vec::new();
    let last_commit = None;
    SealedBlock::new(Block {
        header,
        transactions,
        evidence,
        last_commit,
    })
    .expect("an empty body matches")
}
