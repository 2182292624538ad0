//! Accounts that a devnet funds at genesis. Their keys are public: anyone can spend.
use lockstep_protocol::crypto::{self, KeyError, SchemeId, Seed, Signer, SigningFailed};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Hash, Height};
use std::sync::Arc;

/// What each account holds at genesis.
const BALANCE: u64 = 1_000_000_000_000;

/// The latest expiry that a chain accepts from its first block on.
const EXPIRES_AT: Height = Height(EXPIRY_HEIGHTS_MAX);

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// An account with its public key pair.
#[derive(Clone)]
pub struct FundedAccount {
    /// By this name people know it.
    pub name: &'static str,
    /// Its address.
    pub address: Address,
    /// What it holds at genesis.
    pub balance: u64,
    signer: Arc<dyn Signer>,
}

/// The accounts that every devnet of a scheme funds.
pub fn funded_accounts(scheme: SchemeId) -> Result<Vec<FundedAccount>, KeyError> {
    let domain = b"lockstep/devnet/account/v1";
    let account = |name: &'static str| account(scheme, name, &[domain, name.as_bytes()]);
    NAMES.into_iter().map(account).collect()
}

/// Accounts without names of their own, for load: funded by
/// [`Builder::load_accounts`](crate::Builder::load_accounts) only.
pub fn load_accounts(scheme: SchemeId, count: u32) -> Result<Vec<FundedAccount>, KeyError> {
    let domain = b"lockstep/devnet/load/v1";
    let account = |number: u32| account(scheme, "load", &[domain, &number.to_le_bytes()]);
    (0..count).map(account).collect()
}

/// What each address of the crowd holds at genesis.
pub(crate) const CROWD_BALANCE: u64 = 1;

/// The address of one of many who only hold something: nobody has a key to it. Funded by
/// [`Builder::crowd`](crate::Builder::crowd) only.
pub fn crowd_address(number: u64) -> Address {
    let Hash(hash) = Hash::of(&[b"lockstep/devnet/crowd/v1", &number.to_le_bytes()]);
    Address(std::array::from_fn(|index| hash[index]))
}

fn account(
    scheme: SchemeId,
    name: &'static str,
    seed: &[&[u8]],
) -> Result<FundedAccount, KeyError> {
    let Hash(seed) = Hash::of(seed);
    let signer = crypto::scheme(scheme).signer(&Seed(seed))?;
    let address = Address::of(scheme, signer.public_key());
    Ok(FundedAccount {
        name,
        address,
        balance: BALANCE,
        signer,
    })
}

impl FundedAccount {
    /// Its key pair.
    pub fn signer(&self) -> Arc<dyn Signer> {
        self.signer.clone()
    }

    /// A signed transfer for the least fee of a devnet, good for a devnet's first
    /// [`EXPIRY_HEIGHTS_MAX`] heights. The key travels in the account's first transaction only.
    pub fn transfer(
        &self,
        context: &SignContext,
        nonce: u64,
        to: Address,
        amount: u64,
    ) -> Result<Transaction, SigningFailed> {
        let memo = String::new();
        self.act(context, nonce, Action::Transfer { to, amount, memo })
    }

    /// The same for any action.
    pub fn act(
        &self,
        context: &SignContext,
        nonce: u64,
        action: Action,
    ) -> Result<Transaction, SigningFailed> {
        self.act_until(context, nonce, EXPIRES_AT, action)
    }

    /// The same, good up to this height.
    pub fn act_until(
        &self,
        context: &SignContext,
        nonce: u64,
        expires_at: Height,
        action: Action,
    ) -> Result<Transaction, SigningFailed> {
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at,
            action,
        };
        let body = body.for_least_fee(&*self.signer, &Parameters::default());
        Transaction::sign(&*self.signer, context, body)
    }
}
