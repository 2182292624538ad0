//! A cast for the tests of this crate: validators of any powers, who sign whatever they are told.
use crate::consensus::facts::{CheckedProposal, Verdict};
use crate::crypto::simulated::Simulated;
use crate::crypto::{KeyError, Scheme, SchemeId, Seed, SignatureError, Signer, VerifyingKey};
use crate::nouns::block::{Block, Header, SealedBlock};
use crate::nouns::commit::{CommitCertificate, PolkaCertificate, Signers};
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::VoteKind::{Precommit, Prevote};
use crate::nouns::vote::{Signature, SignedVote, Vote};
use crate::types::{Address, BlockId, ChainId, Hash, Height, Round, Timestamp};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::Power;
use crate::validators::set::{ValidatorIndex, ValidatorSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The height that most tests decide.
pub(crate) const H: Height = Height(5);
/// The one after it.
pub(crate) const NEXT: Height = Height(6);

/// Validators by their position in the set.
pub(crate) struct Cast {
    pub(crate) context: SignContext,
    pub(crate) set: Arc<ValidatorSet>,
    signers: Vec<Arc<dyn Signer>>,
}

impl Cast {
    /// `count` validators of equal power.
    pub(crate) fn of(count: usize) -> Cast {
        Cast::with_powers(&vec![1; count])
    }

    /// The validator at position `i` of the sorted set has `powers[i]`.
    pub(crate) fn with_powers(powers: &[Power]) -> Cast {
        Cast::under(&Simulated, powers)
    }

    /// The same validators, their keys prepared by another scheme.
    pub(crate) fn under(scheme: &dyn Scheme, powers: &[Power]) -> Cast {
        let signer = |i: usize| Simulated.signer(&Seed([i as u8 + 1; 32])).unwrap();
        let mut signers: Vec<_> = (0..powers.len()).map(signer).collect();
        signers.sort_by_key(|signer| Address::of(signer.scheme(), signer.public_key()));
        let keys = signers.iter().map(|signer| signer.public_key().to_vec());
        let set = ValidatorSet::new(scheme, keys.zip(powers.iter().copied())).unwrap();
        let context = SignContext {
            chain_id: ChainId(7),
            genesis_hash: Hash::of(&[b"genesis"]),
        };
        Cast {
            context,
            set: Arc::new(set),
            signers,
        }
    }

    pub(crate) fn address(&self, i: ValidatorIndex) -> Address {
        self.set.get(i).unwrap().address
    }

    /// With `height` under decision, by this set as all before it.
    pub(crate) fn schedule(&self, height: Height) -> ValidatorSchedule {
        ValidatorSchedule::unchanged(height.previous(), self.set.clone())
    }

    /// With `height` under decision by these members, and the next one by those.
    pub(crate) fn changing(
        &self,
        height: Height,
        now: &[ValidatorIndex],
        then: &[ValidatorIndex],
    ) -> ValidatorSchedule {
        let set = |members: &[ValidatorIndex]| {
            let members = members.iter().map(|i| self.set.get(*i).unwrap());
            let members = members.map(|v| (v.public_key.clone(), v.power));
            Arc::new(ValidatorSet::new(&Simulated, members).unwrap())
        };
        let changes = [(Height(1), set(now)), (height.next(), set(then))];
        ValidatorSchedule::of_changes(height.previous(), changes).unwrap()
    }

    pub(crate) fn signer(&self, i: ValidatorIndex) -> Arc<dyn Signer> {
        self.signers[i].clone()
    }

    /// The position of `proposer(h, r)`.
    pub(crate) fn turn(&self, height: Height, round: u32) -> ValidatorIndex {
        let proposer = self.set.proposer(height, Round(round));
        self.set.index_of(&proposer).unwrap()
    }

    /// A validator whose turn it is not, and who is not `but`.
    pub(crate) fn other(&self, height: Height, round: u32) -> ValidatorIndex {
        (self.turn(height, round) + 1) % self.set.len()
    }

    pub(crate) fn sign(&self, i: ValidatorIndex, bytes: &[u8]) -> Signature {
        Signature(self.signers[i].sign(bytes).unwrap())
    }

    /// Signs `vote` as validator `i`, who is written into it.
    pub(crate) fn vote(&self, i: ValidatorIndex, vote: Vote) -> SignedVote {
        let vote = Vote {
            validator: self.address(i),
            ..vote
        };
        let signature = self.sign(i, &self.context.vote(&vote));
        SignedVote { vote, signature }
    }

    /// PREVOTE(H, r, value, −1).
    pub(crate) fn prevote(&self, i: ValidatorIndex, r: u32, value: Option<BlockId>) -> SignedVote {
        self.vote(i, prevote(H, r, value, None))
    }

    /// PRECOMMIT(H, r, value).
    pub(crate) fn precommit(
        &self,
        i: ValidatorIndex,
        r: u32,
        value: Option<BlockId>,
    ) -> SignedVote {
        self.vote(i, precommit(H, r, value))
    }

    /// PROPOSAL(block.height, r, id, vr) signed by validator `i`, turn or not.
    pub(crate) fn proposal(
        &self,
        i: ValidatorIndex,
        r: u32,
        block: &SealedBlock,
        valid_round: Option<u32>,
    ) -> Proposal {
        let height = block.height();
        let round = Round(r);
        let block_id = block.id();
        let valid_round = valid_round.map(Round);
        let bytes = self.context.proposal(height, round, &block_id, valid_round);
        Proposal {
            height,
            round,
            block_id,
            valid_round,
            proposer: self.address(i),
            signature: self.sign(i, &bytes),
        }
    }

    /// What the proposer of round `r` sends; a valid round brings the polka of everybody.
    pub(crate) fn proposed(
        &self,
        r: u32,
        block: &Arc<SealedBlock>,
        valid_round: Option<u32>,
    ) -> ProposedBlock {
        let everybody: Vec<_> = (0..self.set.len()).collect();
        let polka = |vr| Arc::new(self.polka(block, vr, &everybody));
        ProposedBlock {
            proposal: self.proposal(self.turn(block.height(), r), r, block, valid_round),
            block: block.clone(),
            polka: valid_round.map(polka),
        }
    }

    /// PREVOTE(h, r, id, −1) of these members, however few.
    pub(crate) fn polka(
        &self,
        block: &SealedBlock,
        r: u32,
        members: &[ValidatorIndex],
    ) -> PolkaCertificate {
        let (height, block_id) = (block.height(), block.id());
        let vote = prevote(height, r, Some(block_id), None);
        PolkaCertificate {
            height,
            round: Round(r),
            block_id,
            valid_round: None,
            signers: self.signers(&vote, members),
            by_proposal: None,
        }
    }

    /// PRECOMMIT(h, r, id) of these members, however few.
    pub(crate) fn commit(
        &self,
        block: &SealedBlock,
        r: u32,
        members: &[ValidatorIndex],
    ) -> CommitCertificate {
        let (height, block_id) = (block.height(), block.id());
        CommitCertificate {
            height,
            round: Round(r),
            block_id,
            signers: self.signers(&precommit(height, r, Some(block_id)), members),
        }
    }

    fn signers(&self, vote: &Vote, members: &[ValidatorIndex]) -> Signers {
        let bytes = self.context.vote(vote);
        let signatures: Vec<_> = members.iter().map(|i| self.sign(*i, &bytes)).collect();
        Signers::collect(&self.set, members.iter().copied().zip(&signatures))
    }
}

/// An unsigned prevote of nobody yet.
pub(crate) fn prevote(height: Height, r: u32, value: Option<BlockId>, vr: Option<u32>) -> Vote {
    Vote {
        kind: Prevote,
        height,
        round: Round(r),
        block_id: value,
        valid_round: vr.map(Round),
        validator: Address::default(),
    }
}

/// An unsigned precommit of nobody yet.
pub(crate) fn precommit(height: Height, r: u32, value: Option<BlockId>) -> Vote {
    let kind = Precommit;
    Vote {
        kind,
        ..prevote(height, r, value, None)
    }
}

/// An empty block; another `tag` makes another block. Its time is `tag` milliseconds.
pub(crate) fn block(height: Height, tag: u64) -> Arc<SealedBlock> {
    block_by(Cast::of(4).set.hash(), height, tag)
}

/// The same, naming these validators.
pub(crate) fn block_by(validators: Hash, height: Height, tag: u64) -> Arc<SealedBlock> {
    let header = Header {
        chain_id: ChainId(7),
        height,
        time: Timestamp(tag),
        proposer: Address::default(),
        previous_block: Hash::default(),
        last_commit_hash: Hash::default(),
        transactions_root: Block::transactions_root(&[]),
        evidence_root: Block::evidence_root(&[]),
        state_root: Hash::default(),
        receipts_root: Block::receipts_root(&[]),
        validators_hash: validators,
        next_validators_hash: validators,
    };
    let transactions = Vec::new();
    let evidence = Vec::new();
    let last_commit = None;
    let block = Block {
        header,
        transactions,
        evidence,
        last_commit,
    };
    Arc::new(SealedBlock::new(block).unwrap())
}

/// A proposal as the round machine hears of it.
pub(crate) fn checked(r: u32, block: &Arc<SealedBlock>, verdict: Verdict) -> CheckedProposal {
    CheckedProposal {
        round: Round(r),
        valid_round: None,
        block: block.clone(),
        verdict,
    }
}

/// The simulator's scheme with keys that count how often they were asked to verify.
#[derive(Clone, Default)]
pub(crate) struct Counting(Arc<AtomicUsize>);

#[derive(Debug)]
struct CountingKey(Arc<AtomicUsize>, Arc<dyn VerifyingKey>);

impl Counting {
    /// Signature checks since the last time of asking.
    pub(crate) fn checks(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Scheme for Counting {
    fn id(&self) -> SchemeId {
        Simulated.id()
    }

    fn public_key_bytes(&self) -> usize {
        Simulated.public_key_bytes()
    }

    fn signature_bytes(&self) -> usize {
        Simulated.signature_bytes()
    }

    fn prepare(&self, public_key: &[u8]) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        let key = Simulated.prepare(public_key)?;
        Ok(Arc::new(CountingKey(self.0.clone(), key)))
    }

    fn signer(&self, seed: &Seed) -> Result<Arc<dyn Signer>, KeyError> {
        Simulated.signer(seed)
    }
}

impl VerifyingKey for CountingKey {
    fn public_key(&self) -> &[u8] {
        self.1.public_key()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.verify(message, signature)
    }
}
