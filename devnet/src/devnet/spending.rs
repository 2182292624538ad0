//! What the public accounts send: their nonces are found, their fees are the least.
use super::{Devnet, DevnetError, Inner};
use crate::accounts::FundedAccount;
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::types::{Address, Hash, Height};
use std::sync::Arc;

/// Who pays what the faucet gives: the last of them, so that the first stand as people expect.
const FAUCET: &str = "dave";

impl Devnet {
    /// Pays from an account with a name to another, or to an address; returns the transaction's id.
    /// Whether it is carried out, its receipt says.
    pub fn transfer(&self, from: &str, to: &str, amount: u64) -> Result<Hash, DevnetError> {
        self.inner.transfer(None, from, to, amount)
    }

    /// Keeps a record of an account with a name; returns the transaction's id.
    pub fn record(&self, from: &str, key: &[u8], value: &[u8]) -> Result<Hash, DevnetError> {
        self.inner.record(None, from, key.to_vec(), value.to_vec())
    }

    /// Gives somebody what is needed to begin; returns the transaction's id.
    pub fn faucet(&self, to: &str, amount: u64) -> Result<Hash, DevnetError> {
        self.inner.transfer(None, FAUCET, to, amount)
    }
}

impl Inner {
    pub(super) fn faucet(&self, at: usize, to: &str, amount: u64) -> Result<Hash, DevnetError> {
        self.transfer(Some(at), FAUCET, to, amount)
    }

    pub(super) fn transfer(
        &self,
        at: Option<usize>,
        from: &str,
        to: &str,
        amount: u64,
    ) -> Result<Hash, DevnetError> {
        let from = self.account(from)?;
        let to = self.receiver(to)?;
        let memo = String::new();
        self.send(at, from, Action::Transfer { to, amount, memo })
    }

    pub(super) fn record(
        &self,
        at: Option<usize>,
        from: &str,
        key: Vec<u8>,
        value: Vec<u8>,
    ) -> Result<Hash, DevnetError> {
        self.send(at, self.account(from)?, Action::Put { key, value })
    }

    fn account(&self, name: &str) -> Result<&FundedAccount, DevnetError> {
        let found = self.accounts.iter().find(|account| account.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.accounts.iter().map(|account| account.name).collect();
            DevnetError::NoAccount(name.into(), names.join(", "))
        })
    }

    fn receiver(&self, text: &str) -> Result<Address, DevnetError> {
        let named = self.accounts.iter().find(|account| account.name == text);
        let address = named.map_or_else(|| text.parse(), |account| Ok(account.address));
        address.map_err(|error| DevnetError::NoReceiver(text.into(), error))
    }

    /// Signs an action and hands it in at one node, which tells the others: at this one, or at the
    /// first that runs.
    fn send(
        &self,
        at: Option<usize>,
        from: &FundedAccount,
        action: Action,
    ) -> Result<Hash, DevnetError> {
        let _one_at_a_time = self.spending.lock();
        let running = self.each(|_| ());
        let running: Vec<usize> = (0..running.len())
            .filter(|node| running[*node].is_some())
            .collect();
        let first = running.first().copied();
        let at = at.or(first).ok_or(DevnetError::Down(0))?;
        let nonce = self.next_nonce(&running, from.address)?;
        let height = self.node(at)?.view().head().height;
        // Other nodes may stand a few blocks behind.
        let expires_at = Height(height.0.saturating_add(EXPIRY_HEIGHTS_MAX / 2));
        let context = self.genesis.sign_context();
        let transaction = from.act_until(&context, nonce, expires_at, action)?;
        let id = transaction.id();
        let taken = self.node(at)?.submit(Arc::new(transaction));
        taken.map_err(|error| DevnetError::Submit(at, error))?;
        Ok(id)
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
