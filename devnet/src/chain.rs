//! A long chain on disk in a short time, for benchmarks and tests of catching up: built and signed
//! with the public keys of a devnet, without rounds and without a network. What is written is what
//! the nodes themselves would have written.
use crate::accounts::{FundedAccount, funded_accounts};
use crate::builder::{Builder, DEVNET_GENESIS_TIME};
use crate::devnet::{data_dir, seed_index};
use lockstep_actors::node::devnet_keys;
use lockstep_actors::state_store::{Store, StoreError};
use lockstep_protocol::crypto::{self, Signer};
use lockstep_protocol::ledger::{ChainRules, CommitBatch, Draft, Ledger};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::{CommitCertificate, certify};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Address, Height, Round};
use std::path::Path;
use std::sync::Arc;

/// Why no chain could be made: a sentence for people.
pub type ChainError = Box<dyn std::error::Error + Send + Sync>;

/// One block in so many carries a transfer.
const TRANSFER_EVERY: u64 = 10;

impl Builder {
    /// Writes the same chain of `blocks` heights into the data directories, below `home`, of these
    /// nodes. Boot the devnet with that home afterwards.
    pub fn make_chain(&self, home: &Path, nodes: &[usize], blocks: u64) -> Result<(), ChainError> {
        let people = funded_accounts(self.scheme)?;
        match Maker::open(self, home, nodes)? {
            Some((maker, stores)) => maker.write(&stores, &people, blocks),
            None => Ok(()),
        }
    }
}

fn address(signer: &dyn Signer) -> Address {
    Address::of(signer.scheme(), signer.public_key())
}

/// A ledger, and the keys of all validators.
pub(crate) struct Maker {
    pub(crate) rules: Arc<ChainRules>,
    signers: Vec<Arc<dyn Signer>>,
    pub(crate) ledger: Ledger,
}

impl Maker {
    /// Opens the data directories of `nodes`, equal ones; the ledger is on the first of them.
    /// `None`: there is none.
    pub(crate) fn open(
        builder: &Builder,
        home: &Path,
        nodes: &[usize],
    ) -> Result<Option<(Maker, Vec<Store>)>, ChainError> {
        let genesis = builder.genesis()?;
        let scheme = crypto::scheme(builder.scheme);
        let rules = Arc::new(ChainRules::with(&genesis, scheme, &builder.known())?);
        let changes = rules.genesis_changes(&genesis)?;
        let mut signers = Vec::new();
        for index in 0..builder.validators {
            signers.push(devnet_keys::signer(builder.scheme, seed_index(index))?);
        }
        let mut stores = Vec::new();
        for node in nodes {
            let dir = data_dir(home, *node);
            let validator = address(&*signers[*node]);
            let mode = builder.durability;
            let map_bytes = builder.map_of_a_node_bytes();
            let store = Store::open(&dir, mode, map_bytes, &genesis, validator, &changes)?;
            stores.push(store);
        }
        let Some(first) = stores.first() else {
            return Ok(None);
        };
        let ledger = Ledger::new(rules.clone(), Arc::new(first.clone()), first.head()?)
            .map_err(StoreError::from)?;
        let maker = Maker {
            rules,
            signers,
            ledger,
        };
        Ok(Some((maker, stores)))
    }

    fn write(
        mut self,
        stores: &[Store],
        people: &[FundedAccount],
        blocks: u64,
    ) -> Result<(), ChainError> {
        for height in 1..=blocks {
            let transfer = self.transfer(people, Height(height))?;
            let block = self.block(transfer.into_iter().collect())?;
            let votes = self.votes(&block)?;
            let lowest = self.certificate(votes.iter())?;
            let highest = self.certificate(votes.iter().rev())?;
            let batch = self.ledger.commit(&block, Arc::new(highest))?;
            for store in stores {
                store.commit_block(&batch)?;
            }
            // The next proposer has counted other votes than the nodes, as it happens.
            self.ledger.committed(&CommitBatch {
                certificate: Arc::new(lowest),
                ..(*batch).clone()
            });
        }
        Ok(())
    }

    /// The next one, with those of `transactions` that can be included.
    pub(crate) fn block(
        &mut self,
        transactions: Vec<Transaction>,
    ) -> Result<Arc<SealedBlock>, ChainError> {
        let height = self.ledger.head().height.next();
        let draft = Draft {
            proposer: self
                .ledger
                .validators()
                .current()
                .proposer(height, Round::ZERO),
            now: DEVNET_GENESIS_TIME.plus_ms(height.0),
            transactions,
            evidence: Vec::new(),
        };
        Ok(self.ledger.prepare(draft)?.block)
    }

    fn transfer(
        &self,
        people: &[FundedAccount],
        height: Height,
    ) -> Result<Option<Transaction>, ChainError> {
        let (Some(alice), Some(bob)) = (people.first(), people.get(1)) else {
            return Ok(None);
        };
        if !height.0.is_multiple_of(TRANSFER_EVERY) {
            return Ok(None);
        }
        let nonce = height.0 / TRANSFER_EVERY - 1;
        Ok(Some(alice.transfer(
            &self.rules.context,
            nonce,
            bob.address,
            1,
        )?))
    }

    /// Everybody's precommit, in order of address.
    pub(crate) fn votes(&self, block: &SealedBlock) -> Result<Vec<SignedVote>, ChainError> {
        let mut votes = Vec::new();
        for signer in &self.signers {
            let vote = Vote {
                kind: VoteKind::Precommit,
                height: block.height(),
                round: Round::ZERO,
                block_id: Some(block.id()),
                valid_round: None,
                validator: address(&**signer),
            };
            let signature = Signature(signer.sign(&self.rules.context.vote(&vote))?);
            votes.push(SignedVote { vote, signature });
        }
        votes.sort_by_key(|vote| vote.vote.validator);
        Ok(votes)
    }

    /// Of the first votes that are a quorum.
    pub(crate) fn certificate<'a>(
        &self,
        votes: impl Iterator<Item = &'a SignedVote>,
    ) -> Result<CommitCertificate, ChainError> {
        let set = self.ledger.validators().current();
        let mut taken: Vec<&SignedVote> = Vec::new();
        for vote in votes {
            taken.push(vote);
            if let Some(certificate) = certify(set, &taken) {
                return Ok(certificate);
            }
        }
        // Never with the keys of all validators.
        Err("the votes are no quorum".into())
    }
}
