//! The ledger once more, in a few lines and on its own: what a chain of blocks comes to. It shares
//! no arithmetic with the nodes.
use lockstep_protocol::nouns::transaction::{Action, Transaction};
use lockstep_protocol::types::{Address, Hash};
use std::collections::BTreeMap;

/// A block as the chain has it.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) height: u64,
    pub(crate) id: Hash,
    pub(crate) parent: Hash,
    pub(crate) builder: Address,
    /// After this block.
    pub(crate) state_root: Hash,
    pub(crate) transactions: Vec<Entry>,
}

/// A transaction in a block.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: Hash,
    pub(crate) sender: Address,
    pub(crate) nonce: u64,
    pub(crate) fee: u64,
    pub(crate) action: Action,
}

impl From<&Transaction> for Entry {
    fn from(transaction: &Transaction) -> Entry {
        Entry {
            id: transaction.id(),
            sender: transaction.sender,
            nonce: transaction.body.nonce,
            fee: transaction.body.fee,
            action: transaction.body.action.clone(),
        }
    }
}

/// Balance and nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) balance: u64,
    pub(crate) nonce: u64,
}

/// A value, and the height since which it stands.
type Value = (Vec<u8>, u64);

/// What everybody holds after a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    accounts: BTreeMap<Address, Account>,
    records: BTreeMap<(Address, Vec<u8>), Value>,
}

/// How a transaction ended: the code of its failure, if it has failed.
pub(crate) type Outcome = Option<&'static str>;

impl Ledger {
    pub(crate) fn of(genesis: &BTreeMap<Address, u64>) -> Ledger {
        let accounts = genesis.iter().map(|(address, balance)| {
            (
                *address,
                Account {
                    balance: *balance,
                    nonce: 0,
                },
            )
        });
        Ledger {
            accounts: accounts.collect(),
            records: BTreeMap::new(),
        }
    }

    pub(crate) fn account(&self, address: &Address) -> Account {
        self.accounts.get(address).copied().unwrap_or_default()
    }

    pub(crate) fn record(&self, owner: &Address, key: &[u8]) -> Option<&Value> {
        self.records.get(&(*owner, key.to_vec()))
    }

    /// Executes one; an error if it may not stand where it stands.
    pub(crate) fn execute(&mut self, block: &Block, entry: &Entry) -> Result<Outcome, String> {
        let sender = self.accounts.entry(entry.sender).or_default();
        if sender.nonce != entry.nonce {
            return Err(format!(
                "nonce {} where {} is next",
                entry.nonce, sender.nonce
            ));
        }
        let rest = sender.balance.checked_sub(entry.fee);
        sender.balance = rest.ok_or("nobody could pay its fee")?;
        sender.nonce += 1;
        self.accounts.entry(block.builder).or_default().balance += entry.fee;
        Ok(self.act(block.height, entry))
    }

    fn act(&mut self, height: u64, entry: &Entry) -> Outcome {
        match &entry.action {
            Action::Transfer { to, amount, .. } => {
                let sender = self.accounts.entry(entry.sender).or_default();
                let Some(rest) = sender.balance.checked_sub(*amount) else {
                    return Some("insufficient_balance");
                };
                sender.balance = rest;
                self.accounts.entry(*to).or_default().balance += amount;
            }
            Action::Put { key, value } => {
                let place = (entry.sender, key.clone());
                self.records.insert(place, (value.clone(), height));
            }
            Action::Delete { key } => {
                let place = (entry.sender, key.clone());
                if self.records.remove(&place).is_none() {
                    return Some("no_such_record");
                }
            }
            #[allow(unreachable_patterns)] // clients here send no other kind
            other => panic!("nobody has sent {other:?}"),
        }
        None
    }
}
