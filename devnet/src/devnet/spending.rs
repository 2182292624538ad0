//! What the public accounts send: their nonces are found, their fees are the least.
use super::included::Sent;
use super::{Devnet, DevnetError, Inner};
use crate::accounts::FundedAccount;
use lockstep_actors::limits::NAMED_MAX;
use lockstep_protocol::ledger::Account;
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::transaction::{Action, TransactionBody};
use lockstep_protocol::types::{Address, Hash, Height};
use std::fmt::Display;
use std::sync::Arc;

impl Devnet {
    /// A payment from an account with a name to another, or to an address.
    pub fn transfer(&self, from: impl Display, to: impl Display, amount: u64) -> Unsent<'_> {
        let to = to.to_string();
        self.unsent(from, What::Transfer { to, amount })
    }

    /// A record that an account with a name keeps.
    pub fn record(&self, from: impl Display, key: &[u8], value: &[u8]) -> Unsent<'_> {
        let (key, value) = (key.to_vec(), value.to_vec());
        self.act(from, Action::Put { key, value })
    }

    /// What somebody needs to begin, from the last of the accounts: the first stand as people expect.
    pub fn faucet(&self, to: impl Display, amount: u64) -> Unsent<'_> {
        self.transfer(self.inner.giver(), to, amount)
    }

    /// Anything else that an account with a name does.
    pub fn act(&self, from: impl Display, action: Action) -> Unsent<'_> {
        self.unsent(from, What::Action(action))
    }

    fn unsent(&self, from: impl Display, what: What) -> Unsent<'_> {
        Unsent {
            devnet: self,
            from: from.to_string(),
            what,
            terms: Terms::default(),
        }
    }

    /// The accounts that have names, each with its key.
    pub fn accounts(&self) -> &[FundedAccount] {
        &self.inner.accounts
    }

    /// The account of this name, with its key.
    pub fn account(&self, name: &str) -> Result<&FundedAccount, DevnetError> {
        self.inner.account(name)
    }

    /// What somebody holds, by name or address, after the newest block that any node has.
    pub fn balance(&self, of: impl Display) -> Result<u64, DevnetError> {
        Ok(self.inner.newest_account(&of.to_string())?.balance)
    }

    /// The nonce that the ledger expects next of somebody, by name or address, after the newest block
    /// that any node has. What waits for a block does not count.
    pub fn nonce(&self, of: impl Display) -> Result<u64, DevnetError> {
        Ok(self.inner.newest_account(&of.to_string())?.nonce)
    }
}

/// A transaction that is not signed yet. Unless they are named it gets the next nonce of its account,
/// behind those that wait, and the least fee.
#[must_use = "nothing is sent before send()"]
#[derive(Clone)]
pub struct Unsent<'a> {
    devnet: &'a Devnet,
    from: String,
    what: What,
    terms: Terms,
}

#[derive(Clone)]
pub(super) enum What {
    Transfer { to: String, amount: u64 },
    Action(Action),
}

/// What is said of a transaction besides what it does.
#[derive(Clone, Copy, Default)]
pub(super) struct Terms {
    /// The node that is given it; otherwise all that run.
    pub(super) at: Option<usize>,
    nonce: Option<u64>,
    fee: Option<u64>,
}

impl<'a> Unsent<'a> {
    /// Hands it in at this node alone, which tells the others as it does with everybody's; otherwise
    /// every node that runs is given it, so that the next block has it, whoever builds that.
    pub fn at(mut self, node: usize) -> Unsent<'a> {
        self.terms.at = Some(node);
        self
    }

    /// With this nonce.
    pub fn nonce(mut self, nonce: u64) -> Unsent<'a> {
        self.terms.nonce = Some(nonce);
        self
    }

    /// For this fee in all.
    pub fn fee(mut self, fee: u64) -> Unsent<'a> {
        self.terms.fee = Some(fee);
        self
    }

    /// Signs it and hands it in.
    pub fn send(self) -> Result<Sent<'a>, DevnetError> {
        let id = self.devnet.inner.send(self.terms, &self.from, self.what)?;
        Ok(Sent::new(self.devnet, id))
    }
}

impl Inner {
    pub(super) fn faucet(&self, at: usize, to: String, amount: u64) -> Result<Hash, DevnetError> {
        self.send_at(at, self.giver(), What::Transfer { to, amount })
    }

    pub(super) fn send_at(&self, at: usize, from: &str, what: What) -> Result<Hash, DevnetError> {
        let at = Some(at);
        let terms = Terms {
            at,
            ..Terms::default()
        };
        self.send(terms, from, what)
    }

    fn giver(&self) -> &str {
        self.accounts.last().map_or("", |account| &account.name)
    }

    fn account(&self, name: &str) -> Result<&FundedAccount, DevnetError> {
        let found = self.accounts.iter().find(|account| account.name == name);
        found.ok_or_else(|| {
            let names = self.accounts.iter().map(|account| &*account.name);
            let mut named = names.take(NAMED_MAX).collect::<Vec<_>>().join(", ");
            if let Some(more @ 1..) = self.accounts.len().checked_sub(NAMED_MAX) {
                named += &format!(" or one of {more} more");
            }
            DevnetError::NoAccount(name.into(), named)
        })
    }

    fn receiver(&self, text: &str) -> Result<Address, DevnetError> {
        let named = self.accounts.iter().find(|account| account.name == text);
        let address = named.map_or_else(|| text.parse(), |account| Ok(account.address));
        address.map_err(|error| DevnetError::NoReceiver(text.into(), error))
    }

    /// Signs an action and hands it in, at one node or at all that run. The first of these decides
    /// whether it is taken: another one may be behind, or know it from the first.
    pub(super) fn send(&self, terms: Terms, from: &str, what: What) -> Result<Hash, DevnetError> {
        let from = self.account(from)?;
        let action = match what {
            What::Action(action) => action,
            What::Transfer { to, amount } => Action::Transfer {
                to: self.receiver(&to)?,
                amount,
                memo: String::new(),
            },
        };
        let _one_at_a_time = self.spending.lock();
        let running = self.running();
        let asked = terms.at.map_or_else(|| running.clone(), |node| vec![node]);
        let (at, others) = asked.split_first().ok_or(DevnetError::Down(0))?;
        let at = *at;
        let nonce = match terms.nonce {
            Some(nonce) => nonce,
            None => self.next_nonce(&running, from.address)?,
        };
        let height = self.node(at)?.view().head().height;
        let body = TransactionBody {
            nonce,
            fee: terms.fee.unwrap_or(0),
            // Other nodes may stand a few blocks behind.
            expires_at: Height(height.0.saturating_add(EXPIRY_HEIGHTS_MAX / 2)),
            action,
        };
        let body = match terms.fee {
            Some(_) => body,
            None => body.for_least_fee(&*from.signer(), &self.genesis.parameters),
        };
        let transaction = from.sign(&self.genesis.sign_context(), body)?;
        let transaction = Arc::new(transaction);
        let taken = self.node(at)?.submit(transaction.clone());
        taken.map_err(|error| DevnetError::Submit(at, error))?;
        for other in others {
            if let Ok(node) = self.node(*other)
                && let Err(error) = node.submit(transaction.clone())
            {
                log::debug!("node {other} does not take {}: {error}", transaction.id());
            }
        }
        Ok(transaction.id())
    }

    /// The nodes that run.
    fn running(&self) -> Vec<usize> {
        let running = self.each(|_| ()).into_iter().enumerate();
        running
            .filter_map(|(node, runs)| runs.map(|()| node))
            .collect()
    }

    /// The node that has committed the most.
    pub(super) fn furthest(&self) -> Result<usize, DevnetError> {
        let heights = self.heights().into_iter().enumerate();
        let furthest = heights.filter_map(|(node, height)| Some((height?, node)));
        let (_, node) = furthest.max().ok_or(DevnetError::Down(0))?;
        Ok(node)
    }

    /// An account as the furthest of the nodes knows it.
    fn newest_account(&self, who: &str) -> Result<Account, DevnetError> {
        let of = self.receiver(who)?;
        let node = self.furthest()?;
        let account = self.node(node)?.account(&of);
        account.map_err(|error| DevnetError::Account(node, error))
    }

    /// The furthest that any of them knows: what waits at one is on its way to the others.
    fn next_nonce(&self, nodes: &[usize], of: Address) -> Result<u64, DevnetError> {
        let mut furthest = 0;
        for index in nodes {
            let Ok(node) = self.node(*index) else {
                continue;
            };
            let account = node.account(&of);
            let account = account.map_err(|error| DevnetError::Account(*index, error))?;
            let next = node.next_nonce(of, account.nonce);
            furthest = furthest.max(next.map_err(|error| DevnetError::Ask(*index, error))?);
        }
        Ok(furthest)
    }
}
