//! A light client: it keeps no ledger and executes nothing, and yet takes nobody's word. From one
//! block that its owner trusts it follows the chain by commit certificates, and checks an account
//! by the Merkle proof below a state root that it has followed.
//!
//! ```text
//! mod         LightClient: the newest header that it trusts, and how it takes the next one
//! checkpoint  HASH@HEIGHT, what its owner has from a source that is trusted
//! bisection   which header to ask for next
//! age         how old the trusted block, and the newest one that is shown, may be
//! ```
//!
//! A header counts if its own validators signed it, more than two thirds of their power, and if
//! these validators are known: because the trusted header names their hash for the height after it,
//! or because more than a third of the trusted set's power signed too. One of those is correct, and
//! a correct validator signs no block of a foreign set. The header right after the trusted one must
//! name it as its parent as well. (The rules are those of
//! [arXiv 2010.07031](https://arxiv.org/abs/2010.07031), sections 3 and 4. Witnesses, other servers
//! that must show the same header, are asked by whoever asks the servers.)
//!
//! Not promised: that the header is the *newest* (a server may show an old one), and anything at all
//! if the checkpoint is so old that a third of its validators' keys have been lost since. Whoever
//! uses a client asks both of [`Trusted::no_older_than`], after the start and at the goal. Equal to what a node knows is only
//! what was asked for: nothing is executed here.
//!
//! The headers, certificates, sets and proofs are claims, from anybody. `state_root` in the header
//! of height h is the root *after* block h.
//!
//! ```
//! use lockstep_protocol::ledger::Account;
//! use lockstep_protocol::proofs::light_client::{
//!     Bisection, Chain, Checkpoint, LightBlock, LightClient, LightError, ProvedAccount,
//! };
//! use lockstep_protocol::types::{Address, Height, Timestamp};
//!
//! /// What the chain holds of `address`, whoever answers `ask` and `prove`.
//! fn balance(
//!     chain: Chain,
//!     trusted: Checkpoint,
//!     now: Timestamp,
//!     ask: impl Fn(Height) -> LightBlock,
//!     prove: impl Fn(Address) -> ProvedAccount,
//!     address: Address,
//! ) -> Result<Option<Account>, LightError> {
//!     let mut client = LightClient::start(chain, trusted, &ask(trusted.height), now)?;
//!     let proved = prove(address);
//!     let mut path = Bisection::to(proved.height);
//!     while let Some(height) = path.wanted(&client) {
//!         path.take(&mut client, &ask(height), now)?;
//!     }
//!     client.account(&address, &proved)
//! }
//! ```
mod age;
mod bisection;
mod checkpoint;
mod error;
#[cfg(test)]
mod tests;

pub use age::{TooOld, Whose};
pub use bisection::Bisection;
pub use checkpoint::{Checkpoint, MalformedCheckpoint};
pub use error::LightError;

use crate::crypto::Scheme;
use crate::ledger::{Account, AccountProof, ApplicationProof, Record, RecordProof};
use crate::limits::CLOCK_DRIFT_MS;
use crate::nouns::block::Header;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::sign_bytes::SignContext;
use crate::types::{Address, BlockId, Hash, Height, Timestamp, demand};
use crate::validators::set::{Validator, ValidatorSet};
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// The chain that a light client follows. A server may say which: the certificate of the trusted
/// block is one of this chain, or the client does not start.
#[derive(Clone)]
pub struct Chain {
    /// How its validators sign.
    pub scheme: Arc<dyn Scheme>,
    /// Its number and its genesis hash.
    pub context: SignContext,
}

/// What a server shows of one height; every part of it is a claim.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LightBlock {
    /// The header.
    pub header: Header,
    /// More than two thirds of the power of `validators`, for this header.
    pub certificate: CommitCertificate,
    /// The validators of this height, in order of address.
    pub validators: Vec<Validator>,
}

impl LightBlock {
    /// What a node shows of a height that it has committed; `set` are the validators of it.
    pub fn of(header: &Header, certificate: &CommitCertificate, set: &ValidatorSet) -> LightBlock {
        LightBlock {
            header: header.clone(),
            certificate: certificate.clone(),
            validators: set.iter().cloned().collect(),
        }
    }
}

/// What a server shows of one account: its claim, and the height that it claims it for.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct ProvedAccount {
    /// The proof leads to the state root in the header of this height.
    pub height: Height,
    /// The claim with its path.
    pub proof: AccountProof,
}

/// What a server shows of one key of one account.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct ProvedRecord {
    /// The proof leads to the state root in the header of this height.
    pub height: Height,
    /// The claim with its path.
    pub proof: RecordProof,
}

/// What a server shows of one key of an application.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct ProvedApplication {
    /// The proof leads to the state root in the header of this height.
    pub height: Height,
    /// The claim with its path.
    pub proof: ApplicationProof,
}

/// A header that counts, with the set that signed it.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// The header.
    pub header: Header,
    /// Its id.
    pub id: BlockId,
    /// The validators of its height.
    pub validators: Arc<ValidatorSet>,
}

impl Trusted {
    /// The hash of the set of the height after it.
    pub fn next_validators_hash(&self) -> Hash {
        self.header.next_validators_hash
    }
}

/// Follows one chain from one checkpoint on.
pub struct LightClient {
    chain: Chain,
    trusted: Trusted,
}

impl LightClient {
    /// Begins at a checkpoint: `shown` is its block, signed by its validators on this chain.
    /// `now` is the owner's wall clock.
    pub fn start(
        chain: Chain,
        checkpoint: Checkpoint,
        shown: &LightBlock,
        now: Timestamp,
    ) -> Result<LightClient, LightError> {
        let id = shown.header.id();
        demand(checkpoint.id, id, LightError::NotTheCheckpoint)?;
        let validators = check(&chain, checkpoint.height, shown, now)?;
        shown.certificate.verify(&validators, &chain.context)?;
        let header = shown.header.clone();
        let validators = Arc::new(validators);
        let trusted = Trusted {
            header,
            id,
            validators,
        };
        Ok(LightClient { chain, trusted })
    }

    /// The newest header that it trusts.
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// Takes what is shown of height `asked`, higher than the trusted one, as the newest trusted
    /// header; or refuses it and keeps the one it has. [`LightError::TooFarAhead`] is no lie: the
    /// validators have changed, and a header between the two may help ([`Bisection`]).
    pub fn advance(
        &mut self,
        asked: Height,
        shown: &LightBlock,
        now: Timestamp,
    ) -> Result<(), LightError> {
        if asked <= self.trusted.header.height {
            return Err(LightError::NotAhead {
                trusted: self.trusted.header.height,
                asked,
            });
        }
        let validators = check(&self.chain, asked, shown, now)?;
        self.follows(shown, &validators)?;
        shown.certificate.verify(&validators, &self.chain.context)?;
        self.trusted = Trusted {
            header: shown.header.clone(),
            id: shown.certificate.block_id,
            validators: Arc::new(validators),
        };
        Ok(())
    }

    /// What the chain holds of `address` after the trusted header: the account, or that there is
    /// none.
    pub fn account(
        &self,
        address: &Address,
        proved: &ProvedAccount,
    ) -> Result<Option<Account>, LightError> {
        let header = &self.trusted.header;
        demand(header.height, proved.height, LightError::OtherHeight)?;
        Ok(proved.proof.verify(&header.state_root, address)?)
    }

    /// What the chain holds under `key` of `owner` after the trusted header: the record, or that
    /// there is none.
    pub fn record<'a>(
        &self,
        owner: &Address,
        key: &[u8],
        proved: &'a ProvedRecord,
    ) -> Result<Option<&'a Record>, LightError> {
        let header = &self.trusted.header;
        demand(header.height, proved.height, LightError::OtherHeight)?;
        Ok(proved.proof.verify(&header.state_root, owner, key)?)
    }

    /// What the chain holds under `key` of the application `name` after the trusted header: the value,
    /// or that there is none.
    pub fn application<'a>(
        &self,
        name: &str,
        key: &[u8],
        proved: &'a ProvedApplication,
    ) -> Result<Option<&'a [u8]>, LightError> {
        let header = &self.trusted.header;
        demand(header.height, proved.height, LightError::OtherHeight)?;
        Ok(proved.proof.verify(&header.state_root, name, key)?)
    }

    /// Whether `shown`, of a later height, can be of this chain and this set of this chain.
    fn follows(&self, shown: &LightBlock, set: &ValidatorSet) -> Result<(), LightError> {
        let (trusted, header) = (&self.trusted, &shown.header);
        if header.time <= trusted.header.time {
            return Err(LightError::TimeGoesBack {
                trusted: trusted.header.time,
                actual: header.time,
            });
        }
        let named = set.hash() == trusted.next_validators_hash();
        if header.height == trusted.header.height.next() {
            let parent = header.previous_block;
            demand(trusted.id, parent, LightError::OtherParent)?;
            let (expected, actual) = (trusted.next_validators_hash(), set.hash());
            demand(expected, actual, LightError::OtherValidators)?;
        }
        let power = if named { 0 } else { self.overlap(shown, set)? };
        if named || trusted.validators.is_skip_set(power) {
            Ok(())
        } else {
            Err(LightError::TooFarAhead {
                power,
                total: trusted.validators.total(),
            })
        }
    }

    /// The power, in the trusted set, of those who signed. An address is the hash of a key, so a
    /// signature that verifies under one set does so under the other.
    fn overlap(&self, shown: &LightBlock, set: &ValidatorSet) -> Result<u64, LightError> {
        let signers = shown.certificate.signers.members(set)?;
        let known = &self.trusted.validators;
        let members = signers
            .into_iter()
            .filter_map(|(index, _)| known.index_of(&set.get(index)?.address));
        Ok(known.power_of(members))
    }
}

/// All that can be said of `shown` without what came before it and before any signature is checked.
fn check(
    chain: &Chain,
    asked: Height,
    shown: &LightBlock,
    now: Timestamp,
) -> Result<ValidatorSet, LightError> {
    let (header, certificate) = (&shown.header, &shown.certificate);
    let Chain { context, scheme } = chain;
    demand(context.chain_id, header.chain_id, LightError::OtherChain)?;
    demand(asked, header.height, LightError::OtherHeight)?;
    demand(asked, certificate.height, LightError::OtherHeight)?;
    if header.height == Height(1) {
        let parent = header.previous_block;
        demand(context.genesis_hash, parent, LightError::OtherGenesis)?;
    }
    demand(
        header.id(),
        certificate.block_id,
        LightError::CertificateOfOther,
    )?;
    if header.time > now.plus_ms(CLOCK_DRIFT_MS) {
        return Err(LightError::Future {
            now,
            actual: header.time,
        });
    }
    let members = shown.validators.iter();
    let members = members.map(|v| (v.public_key.clone(), v.power));
    let set = ValidatorSet::new(&**scheme, members)?;
    demand(
        header.validators_hash,
        set.hash(),
        LightError::ValidatorsHash,
    )?;
    Ok(set)
}
