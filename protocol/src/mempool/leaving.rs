//! What a committed block takes out of the mempool, and what it makes impossible.
use super::Mempool;
use super::journal::Fate;
use super::refusal::MempoolRefusal;
use crate::ledger::{self, ReadError, StateReader, TransactionError};
use crate::nouns::transaction::Transaction;
use crate::types::{Address, Hash, Height};
use std::collections::BTreeMap;

impl Mempool {
    pub(super) fn committed(
        &mut self,
        state: &dyn StateReader,
        height: Height,
        transactions: &[Transaction],
    ) -> Result<(), ReadError> {
        self.height = self.height.max(height.next());
        let mut senders: BTreeMap<Address, u64> = BTreeMap::new();
        for transaction in transactions {
            let next = transaction.body.nonce.saturating_add(1);
            let known = senders.entry(transaction.sender).or_default();
            *known = next.max(*known);
        }
        for (sender, next) in &senders {
            for gone in self.pool.advance(*sender, *next) {
                let expected = *next;
                let actual = gone.nonce();
                let code = TransactionError::Nonce { expected, actual }.code();
                self.journal.note(gone.id, Fate::Dropped { code });
            }
        }
        for transaction in transactions {
            self.journal
                .note(transaction.id(), Fate::Committed { height });
        }
        // From the last down: nothing that stays is looked at once for each that goes.
        for (address, nonce) in self.pool.expired(self.height).into_iter().rev() {
            if let Some(entry) = self.pool.remove(address, nonce) {
                let expires_at = entry.expires_at();
                self.journal.note(entry.id, Fate::Expired { expires_at });
            }
        }
        for sender in senders.into_keys() {
            self.drop_unfunded(state, sender)?;
        }
        Ok(())
    }

    /// What a sender can no longer pay, once its balance has changed, and all that stands behind.
    fn drop_unfunded(
        &mut self,
        state: &dyn StateReader,
        address: Address,
    ) -> Result<(), ReadError> {
        let Some(sender) = self.pool.sender(&address) else {
            return Ok(());
        };
        let account = ledger::account(state, &address)?.unwrap_or_default();
        let mut left = Some(account.balance);
        let unpaid: Vec<Hash> = sender
            .waiting
            .values()
            .filter(|entry| {
                left = left.and_then(|left| left.checked_sub(entry.fee()));
                left.is_none()
            })
            .map(|entry| entry.id)
            .collect();
        let (needed, balance) = (sender.fees, account.balance);
        let code = MempoolRefusal::Overdrawn { needed, balance }.code();
        self.pool.note_balance(&address, balance);
        for id in unpaid.into_iter().rev() {
            self.drop_waiting(&id, Fate::Dropped { code });
        }
        Ok(())
    }

    pub(super) fn drop_waiting(&mut self, id: &Hash, fate: Fate) {
        let place = self.pool.by_id(id).map(|e| (e.sender(), e.nonce()));
        if let Some((sender, nonce)) = place {
            self.pool.remove(sender, nonce);
            self.journal.note(*id, fate);
        }
    }
}
