//! Accounts that a devnet funds at genesis. Their keys are public: anyone can spend.
use lockstep_protocol::crypto::{self, KeyError, SchemeId, Seed, Signer, SigningFailed};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Hash, Height};
use std::sync::Arc;

/// What each account holds at genesis, unless somebody says otherwise.
const BALANCE: u64 = 1_000_000_000_000;

/// The latest expiry that a chain accepts from its first block on.
const EXPIRES_AT: Height = Height(EXPIRY_HEIGHTS_MAX);

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// Which accounts a devnet funds. Equal ones have equal keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// How many: alice, bob, carol and dave, then account4, account5 and so on.
    pub count: usize,
    /// What each of them holds at genesis.
    pub balance: u64,
    /// From which word their keys come; without one they are those of every devnet. They are
    /// public either way.
    pub seed: Option<String>,
}

impl Default for Accounts {
    fn default() -> Accounts {
        Accounts {
            count: NAMES.len(),
            balance: BALANCE,
            seed: None,
        }
    }
}

impl Accounts {
    /// Each with its key pair.
    pub fn funded(&self, scheme: SchemeId) -> Result<Vec<FundedAccount>, KeyError> {
        let accounts = (0..self.count).map(|number| {
            let named = NAMES.get(number).map(|name| (*name).to_owned());
            let name = named.unwrap_or_else(|| format!("account{number}"));
            let common = b"lockstep/devnet/account/v1";
            let seed = match &self.seed {
                None => Hash::of(&[common, name.as_bytes()]),
                Some(word) => {
                    let Hash(word) = Hash::of(&[b"lockstep/devnet/word/v1", word.as_bytes()]);
                    Hash::of(&[b"lockstep/devnet/seeded/v1", &word, name.as_bytes()])
                }
            };
            account(scheme, name, self.balance, seed)
        });
        accounts.collect()
    }
}

/// An account with its public key pair.
#[derive(Clone)]
pub struct FundedAccount {
    /// By this name people know it.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// What it holds at genesis.
    pub balance: u64,
    /// Its key comes from these bytes, which are as public as the key.
    pub seed: [u8; 32],
    signer: Arc<dyn Signer>,
}

/// The accounts that every devnet of a scheme funds, unless somebody says otherwise.
pub fn funded_accounts(scheme: SchemeId) -> Result<Vec<FundedAccount>, KeyError> {
    Accounts::default().funded(scheme)
}

/// Accounts without names of their own, for load: funded by
/// [`Builder::load_accounts`](crate::Builder::load_accounts) only.
pub fn load_accounts(scheme: SchemeId, count: u32) -> Result<Vec<FundedAccount>, KeyError> {
    let domain = b"lockstep/devnet/load/v1";
    let account = |number: u32| {
        let seed = Hash::of(&[domain, &number.to_le_bytes()]);
        account(scheme, "load".into(), BALANCE, seed)
    };
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
    name: String,
    balance: u64,
    Hash(seed): Hash,
) -> Result<FundedAccount, KeyError> {
    let signer = crypto::scheme(scheme).signer(&Seed(seed))?;
    let address = Address::of(scheme, signer.public_key());
    Ok(FundedAccount {
        name,
        address,
        balance,
        seed,
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
        self.sign(
            context,
            body.for_least_fee(&*self.signer, &Parameters::default()),
        )
    }

    /// Signed as it is.
    pub fn sign(
        &self,
        context: &SignContext,
        body: TransactionBody,
    ) -> Result<Transaction, SigningFailed> {
        Transaction::sign(&*self.signer, context, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(accounts: &Accounts) -> Vec<Address> {
        let funded = accounts.funded(SchemeId::MlDsa65).expect("accounts");
        funded.iter().map(|account| account.address).collect()
    }

    #[test]
    fn more_accounts_begin_with_the_same_ones_and_all_have_the_balance_that_was_asked_for() {
        let many = Accounts {
            count: 6,
            balance: 7,
            seed: None,
        };
        let funded = many.funded(SchemeId::MlDsa65).expect("accounts");
        let names: Vec<&str> = funded.iter().map(|account| &*account.name).collect();
        assert_eq!(
            names,
            ["alice", "bob", "carol", "dave", "account4", "account5"]
        );
        assert!(funded.iter().all(|account| account.balance == 7));
        assert_eq!(addresses(&many)[..4], addresses(&Accounts::default()));
    }

    #[test]
    fn another_word_makes_other_keys_and_the_same_word_the_same_ones() {
        let seeded = |word: &str| Accounts {
            seed: Some(word.into()),
            ..Accounts::default()
        };
        assert_eq!(addresses(&seeded("rain")), addresses(&seeded("rain")));
        for other in [seeded("snow"), seeded(""), Accounts::default()] {
            let (rain, other) = (addresses(&seeded("rain")), addresses(&other));
            assert!(rain.iter().all(|address| !other.contains(address)));
        }
    }
}
