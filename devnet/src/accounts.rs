//! Accounts that a devnet funds at genesis. Their keys are public: anyone can spend.
use lockstep_protocol::crypto::{self, KeyError, SchemeId, Seed, Signer, SigningFailed};
use lockstep_protocol::sign_bytes::SignContext;
use lockstep_protocol::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Hash};
use lockstep_protocol::vote::Signature;
use std::sync::Arc;

/// What each account holds at genesis.
const BALANCE: u64 = 1_000_000_000_000;

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
    let keys = crypto::scheme(scheme);
    let account = |name: &'static str| {
        let Hash(seed) = Hash::of(&[b"lockstep/devnet/account/v1", name.as_bytes()]);
        let signer = keys.signer(&Seed(seed))?;
        let address = Address::of(scheme, signer.public_key());
        Ok(FundedAccount {
            name,
            address,
            balance: BALANCE,
            signer,
        })
    };
    NAMES.into_iter().map(account).collect()
}

impl FundedAccount {
    /// A signed transfer. The key travels in the account's first transaction only.
    pub fn transfer(
        &self,
        context: &SignContext,
        nonce: u64,
        to: Address,
        amount: u64,
    ) -> Result<Transaction, SigningFailed> {
        let body = TransactionBody {
            nonce,
            action: Action::Transfer { to, amount },
        };
        let signature = self
            .signer
            .sign(&context.transaction(&self.address, &body))?;
        let public_key = (nonce == 0).then(|| self.signer.public_key().to_vec());
        let (sender, signature) = (self.address, Signature(signature));
        Ok(Transaction {
            sender,
            body,
            public_key,
            signature,
        })
    }
}
