//! From the first look at a transaction to its place: cheapest check first, the signature last.
//!
//! Who gives way when the mempool is full: behind a gap first, then what is not among the first of
//! its sender, then the lowest fee per byte, and of one sender always the last nonce. That is worth
//! the lowest fee per byte on its way: no block gets it without those before it, so a dear one
//! shields no cheap ones. Nobody gives way to a transaction that is worth less.
use super::checks::{Check, Checked, UnderCheck};
use super::entry::Entry;
use super::journal::Fate;
use super::pool::{Pool, Sender, Worth};
use super::refusal::MempoolRefusal;
use super::{Mempool, Output, Source, Submission, Ticket, limits};
use crate::crypto::SignatureError;
use crate::ledger::limits::NONCES_AHEAD_MAX;
use crate::ledger::{self, Account, ReadError, StateReader, TransactionError};
use crate::nouns::transaction::Transaction;
use crate::types::{Address, Hash};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Mempool {
    pub(super) fn submit(
        &mut self,
        state: &dyn StateReader,
        transaction: Arc<Transaction>,
        source: Source,
        ticket: Ticket,
    ) -> Result<Option<Output>, ReadError> {
        let scheme = &self.rules.scheme;
        let (expected, actual) = (scheme.signature_bytes(), transaction.signature.0.len());
        if actual != expected {
            // Before anything is hashed or looked up: such bytes cost their sender nothing.
            let error = SignatureError::Length { expected, actual };
            let refusal = TransactionError::Signature(error).into();
            return Ok(Some(Output::Answer(ticket, Err(refusal))));
        }
        let entry = Entry::new(transaction);
        let leaf = entry.leaf;
        if self.checks.join(&entry.sender(), &leaf, ticket) {
            return Ok(None);
        }
        let answer = |what| Ok(Some(Output::Answer(ticket, what)));
        if self.is_known(&entry.id) {
            return answer(Ok(Submission::Known));
        }
        if let Some(refusal) = self.checks.refused(&leaf) {
            return answer(Err(refusal.clone()));
        }
        let account = ledger::account(state, &entry.sender())?.unwrap_or_default();
        if let Err(refusal) = self.judge(&entry, account) {
            return answer(Err(refusal));
        }
        let public_key = match self.key_for(state, &entry)? {
            Ok(key) => key,
            Err(refusal) => return answer(Err(refusal)),
        };
        if !self.checks.has_room(source) {
            return answer(Err(MempoolRefusal::Busy));
        }
        let transaction = entry.transaction.clone();
        let check = UnderCheck {
            entry,
            public_key: public_key.clone(),
            source,
            tickets: vec![ticket],
        };
        self.checks.begin(leaf, check);
        Ok(Some(Output::Check(Check {
            leaf,
            transaction,
            public_key,
        })))
    }

    /// Whether it waits, or a block carries it: then its nonce is used up by itself, and whoever is
    /// told so as a refusal pays with another one.
    fn is_known(&self, id: &Hash) -> bool {
        let is_committed = matches!(self.journal.get(id), Some(Fate::Committed { .. }));
        is_committed || self.pool.by_id(id).is_some()
    }

    /// From the record, from the transaction, or from the sender's first one, which came before it.
    fn key_for(
        &self,
        state: &dyn StateReader,
        entry: &Entry,
    ) -> Result<Result<Arc<[u8]>, MempoolRefusal>, ReadError> {
        let sender = entry.sender();
        let recorded = ledger::public_key(state, &sender)?;
        let is_first = recorded.is_none() && entry.nonce() == 0;
        Ok(match (recorded, &entry.transaction.public_key) {
            (Some(key), None) => Ok(key.into()),
            (None, Some(key)) if is_first => {
                let actual = Address::of(self.rules.scheme.id(), key);
                let is_own = actual == sender;
                is_own
                    .then(|| key.as_slice().into())
                    .ok_or(TransactionError::ForeignKey(actual).into())
            }
            (Some(_), Some(_)) => Err(TransactionError::KeyOnRecord.into()),
            (None, Some(_)) => Err(MempoolRefusal::KeyTooLate),
            (None, None) if is_first => Err(TransactionError::UnknownKey.into()),
            (None, None) => {
                let first = self.pool.at(&sender, 0);
                let waiting = first.and_then(|first| first.transaction.public_key.as_deref());
                let waiting = waiting.map(Arc::from);
                waiting
                    .or_else(|| self.checks.key_of(&sender))
                    .ok_or(TransactionError::UnknownKey.into())
            }
        })
    }

    /// Everything but the signature. Asked again after the check, because blocks and other
    /// transactions may have come meanwhile.
    fn judge(&self, entry: &Entry, account: Account) -> Result<(), MempoolRefusal> {
        ledger::check_form(&self.rules, self.height, &entry.transaction)?;
        let sender = self.pool.sender(&entry.sender());
        let expected = account.nonce.max(sender.map_or(0, |sender| sender.next));
        let actual = entry.nonce();
        if actual < expected || actual >= expected.saturating_add(NONCES_AHEAD_MAX) {
            return Err(self.out_of_line(entry, expected));
        }
        judge_sender(entry, account.balance, sender)?;
        let room = self.room_for(entry, expected);
        room.map(|_| ()).ok_or(MempoolRefusal::MempoolFull)
    }

    /// Its nonce is used up, or too far ahead of the `next` one that the ledger executes: what waits is
    /// as little to be sent again.
    fn out_of_line(&self, entry: &Entry, next: u64) -> MempoolRefusal {
        let actual = entry.nonce();
        let waiting = self.pool.sender(&entry.sender());
        let waiting = waiting.map_or(0, |sender| sender.waiting.len());
        if actual > next && waiting >= limits::SENDER_TRANSACTIONS_MAX {
            return MempoolRefusal::SenderFull;
        }
        let expected = self.next_nonce(&entry.sender(), next);
        TransactionError::Nonce { expected, actual }.into()
    }

    pub(super) fn checked(
        &mut self,
        state: &dyn StateReader,
        checked: Checked,
    ) -> Result<Vec<Output>, ReadError> {
        let Checked {
            sender,
            leaf,
            verdict,
        } = checked;
        let Some(check) = self.checks.end(&sender, &leaf) else {
            return Ok(Vec::new());
        };
        let UnderCheck {
            entry,
            public_key,
            source,
            tickets,
        } = check;
        let answer = match verdict {
            Err(refusal) => {
                self.checks.remember(leaf, refusal.clone());
                Err(refusal)
            }
            Ok(()) => self.admit(state, &entry)?,
        };
        let is_new = matches!(answer, Ok(Submission::Pending | Submission::Queued));
        let admitted = is_new.then_some(Output::Admitted(entry, public_key, source));
        let answers = tickets.into_iter();
        let answers = answers.map(|ticket| Output::Answer(ticket, answer.clone()));
        Ok(admitted.into_iter().chain(answers).collect())
    }

    /// It takes its place again, unless the state or what waits by now speaks against it.
    pub(super) fn restored(
        &mut self,
        state: &dyn StateReader,
        transaction: Arc<Transaction>,
    ) -> Result<(), ReadError> {
        let entry = Entry::new(transaction);
        if let Err(refusal) = self.admit(state, &entry)? {
            let code = refusal.code();
            self.journal.note(entry.id, Fate::Dropped { code });
        }
        Ok(())
    }

    fn admit(
        &mut self,
        state: &dyn StateReader,
        entry: &Entry,
    ) -> Result<Result<Submission, MempoolRefusal>, ReadError> {
        let (sender, nonce) = (entry.sender(), entry.nonce());
        if self.is_known(&entry.id) {
            // The same body with another signature was quicker, or a block.
            return Ok(Ok(Submission::Known));
        }
        let account = ledger::account(state, &sender)?.unwrap_or_default();
        if let Err(refusal) = self.judge(entry, account) {
            return Ok(Err(refusal));
        }
        let leaving = self.room_for(entry, account.nonce).unwrap_or_default();
        if let Some(replaced) = self.pool.remove(sender, nonce) {
            self.journal
                .note(replaced.id, Fate::Replaced { by: entry.id });
        }
        for (address, nonce) in leaving {
            if let Some(evicted) = self.pool.remove(address, nonce) {
                self.journal.note(evicted.id, Fate::Evicted);
            }
        }
        self.pool.insert(entry.clone(), account);
        let is_ready = self.is_ready(entry);
        Ok(Ok(if is_ready {
            Submission::Pending
        } else {
            Submission::Queued
        }))
    }

    /// What has to leave so that `entry` fits; `None`: it is worth less than what waits. `next` is the
    /// sender's next nonce in the committed state.
    fn room_for(&self, entry: &Entry, next: u64) -> Option<Vec<(Address, u64)>> {
        let (pool, limit) = (&self.pool, &self.room);
        let replaced = pool.at(&entry.sender(), entry.nonce());
        let (taken, freed) = replaced.map_or((1, 0), |old| (0, old.bytes));
        let mut count = pool.len().saturating_add(taken);
        let bytes = pool.bytes().saturating_sub(freed);
        let mut bytes = bytes.saturating_add(entry.bytes);
        let worth = worth(pool, entry, next);
        let mut leaving = Leaving::default();
        while count > limit.transactions_max || bytes > limit.bytes_max {
            let (least, victim) = leaving.next(pool, &entry.sender())?;
            if least >= worth {
                return None;
            }
            count = count.saturating_sub(1);
            bytes = bytes.saturating_sub(victim.bytes);
            leaving.take(victim);
        }
        Some(leaving.places)
    }
}

/// The place among the sender's own transactions, and whether it can pay for all of them.
fn judge_sender(
    entry: &Entry,
    balance: u64,
    sender: Option<&Sender>,
) -> Result<(), MempoolRefusal> {
    let replaced = sender.and_then(|sender| sender.waiting.get(&entry.nonce()));
    let (fees, bytes, count) = sender.map_or((0, 0, 0), |sender| {
        (sender.fees, sender.bytes, sender.waiting.len())
    });
    if let Some(replaced) = replaced {
        let least = replaced.replacement_fee(entry.bytes);
        if entry.fee() < least {
            return Err(MempoolRefusal::ReplacementUnderpriced(least));
        }
    } else if count >= limits::SENDER_TRANSACTIONS_MAX {
        return Err(MempoolRefusal::SenderFull);
    }
    let (fee_freed, bytes_freed) = replaced.map_or((0, 0), |old| (old.fee(), old.bytes));
    let bytes = bytes
        .saturating_sub(bytes_freed)
        .saturating_add(entry.bytes);
    if bytes > limits::SENDER_BYTES_MAX {
        return Err(MempoolRefusal::SenderFull);
    }
    let needed = fees.saturating_sub(fee_freed).saturating_add(entry.fee());
    if needed > balance {
        let fee = entry.fee();
        return Err(if fee > balance {
            TransactionError::Unfunded { fee, balance }.into()
        } else {
            MempoolRefusal::Overdrawn { needed, balance }
        });
    }
    Ok(())
}

fn worth(pool: &Pool, entry: &Entry, next: u64) -> Worth {
    let nobody = Sender {
        next,
        ..Sender::default()
    };
    pool.sender(&entry.sender()).unwrap_or(&nobody).worth(entry)
}

/// Places that are being given up, each sender's from the last nonce down.
#[derive(Default)]
struct Leaving {
    places: Vec<(Address, u64)>,
    /// The lowest nonce given up of each sender.
    down_to: BTreeMap<Address, u64>,
}

impl Leaving {
    /// Who goes next. Never somebody of the sender for whom room is made: its earlier ones must
    /// stay, and its later ones are worth nothing without them.
    fn next<'a>(&self, pool: &'a Pool, own: &Address) -> Option<(Worth, &'a Entry)> {
        let is_other = |address: &Address| address != own;
        let untouched = pool
            .tails()
            .filter(|(_, address)| is_other(address) && !self.down_to.contains_key(address))
            .find_map(|(worth, address)| {
                let (_, entry) = pool.sender(address)?.waiting.last_key_value()?;
                Some((*worth, entry))
            });
        let touched = self.down_to.iter().filter_map(|(address, down_to)| {
            let sender = pool.sender(address)?;
            let (_, entry) = sender.waiting.range(..down_to).next_back()?;
            Some((sender.worth(entry), entry))
        });
        touched.chain(untouched).min_by_key(|(worth, _)| *worth)
    }

    fn take(&mut self, entry: &Entry) {
        self.places.push((entry.sender(), entry.nonce()));
        self.down_to.insert(entry.sender(), entry.nonce());
    }
}
