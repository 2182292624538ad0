//! What waits, and the orders in which it is asked for: by sender and nonce, by price, by expiry. By
//! price it says what the next block could carry.
//!
//! Invariants: a sender's waiting nonces are not below its next one; `heads` and `tails` hold one
//! key for each sender that has one; bytes and fees are the sums over what waits; each entry knows
//! the lowest price on the way to it.
use super::entry::{Entry, FeeRate};
use super::limits::{MISFITS_MAX, SENDER_ASSURED_BYTES_MAX, SENDER_ASSURED_MAX};
use crate::ledger::Account;
use crate::nouns::transaction::Transaction;
use crate::types::{Address, Hash, Height};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One sender's transactions.
#[derive(Clone, Debug, Default)]
pub(super) struct Sender {
    /// The nonce that the ledger executes next.
    pub(super) next: u64,
    pub(super) waiting: BTreeMap<u64, Entry>,
    pub(super) bytes: usize,
    pub(super) fees: u64,
    /// What it owned when that was last looked up: with its newest transaction, or with the newest
    /// block that carries one.
    pub(super) balance: u64,
}

/// The best first: price, then arrival. With sender and nonce.
type HeadKey = (Reverse<FeeRate>, u64, Address, u64);

fn head_key(entry: &Entry) -> HeadKey {
    let price = Reverse(entry.rate());
    (price, entry.arrival, entry.sender(), entry.nonce())
}

/// What gives way first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Another one is missing before it.
    BehindGap,
    /// A block may carry it, and whoever empties its sender's account takes it away with many more.
    InLine,
    /// Among the first of its sender.
    Assured,
}

/// What gives way first comes first: by standing, then the lowest price on the way to it, without
/// which no block gets it, then the newest.
pub(super) type Worth = (Rank, FeeRate, Reverse<u64>);

impl Sender {
    /// The transaction that a block can carry next.
    fn head(&self) -> Option<&Entry> {
        self.waiting.get(&self.next)
    }

    /// Those that can be carried one after the other from now on.
    pub(super) fn ready(&self) -> impl Iterator<Item = &Entry> {
        let from = self.next;
        let run = self.waiting.values().zip(from..);
        run.map_while(|(entry, nonce)| (entry.nonce() == nonce).then_some(entry))
    }

    /// Whether no gap lies before `nonce`.
    pub(super) fn reaches(&self, nonce: u64) -> bool {
        let last = self.waiting.last_key_value().map(|(last, _)| *last);
        let before = match last {
            // What is asked for most needs no counting.
            Some(last) if last == nonce => self.waiting.len().saturating_sub(1),
            Some(last) if last > nonce => self.waiting.range(self.next..nonce).count(),
            Some(_) | None => self.waiting.len(),
        };
        u64::try_from(before).is_ok_and(|before| self.next.saturating_add(before) == nonce)
    }

    /// The transaction that nothing else of the sender waits behind, and what it is worth.
    fn tail(&self) -> Option<(&Entry, Worth)> {
        let (_, entry) = self.waiting.last_key_value()?;
        Some((entry, self.worth(entry)))
    }

    /// What one of its transactions is worth to the pool, there or not yet.
    pub(super) fn worth(&self, entry: &Entry) -> Worth {
        let arrival = Reverse(entry.arrival);
        (self.standing(entry), self.lowest_to(entry), arrival)
    }

    fn lowest_to(&self, entry: &Entry) -> FeeRate {
        planted!(TailShields => return entry.rate());
        let lowest = self.lowest_before(entry.nonce());
        lowest.map_or(entry.rate(), |lowest| lowest.min(entry.rate()))
    }

    fn standing(&self, entry: &Entry) -> Rank {
        if !self.reaches(entry.nonce()) {
            return Rank::BehindGap;
        }
        if self.is_assured(entry) {
            Rank::Assured
        } else {
            Rank::InLine
        }
    }

    fn is_assured(&self, entry: &Entry) -> bool {
        planted!(ChainsCrowdOut => return true);
        let before = entry.nonce().saturating_sub(self.next);
        let is_early = usize::try_from(before).is_ok_and(|before| before < SENDER_ASSURED_MAX);
        let before = self.waiting.range(..entry.nonce()).map(|(_, e)| e.bytes);
        is_early && before.fold(entry.bytes, usize::saturating_add) <= SENDER_ASSURED_BYTES_MAX
    }

    fn lowest_before(&self, nonce: u64) -> Option<FeeRate> {
        let before = self.waiting.range(..nonce).next_back();
        before.map(|(_, entry)| entry.lowest)
    }

    /// The lowest prices from `from` on, once something there has changed. Where one is what it
    /// was, all behind it are.
    fn settle(&mut self, from: u64) {
        let mut lowest = self.lowest_before(from);
        for (nonce, entry) in self.waiting.range_mut(from..) {
            let rate = entry.rate();
            let settled = lowest.map_or(rate, |lowest| lowest.min(rate));
            if entry.lowest == settled && *nonce > from {
                break;
            }
            entry.lowest = settled;
            lowest = Some(settled);
        }
    }
}

/// Everything that waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    senders: BTreeMap<Address, Sender>,
    ids: BTreeMap<Hash, (Address, u64)>,
    leaves: BTreeMap<Hash, (Address, u64)>,
    heads: BTreeSet<HeadKey>,
    tails: BTreeSet<(Worth, Address)>,
    expiries: BTreeSet<(Height, Address, u64)>,
    bytes: usize,
    arrivals: u64,
}

impl Pool {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn sender(&self, address: &Address) -> Option<&Sender> {
        self.senders.get(address)
    }

    pub(super) fn at(&self, address: &Address, nonce: u64) -> Option<&Entry> {
        self.senders.get(address)?.waiting.get(&nonce)
    }

    pub(super) fn by_id(&self, id: &Hash) -> Option<&Entry> {
        let (address, nonce) = self.ids.get(id)?;
        self.at(address, *nonce)
    }

    pub(super) fn by_leaf(&self, leaf: &Hash) -> Option<&Entry> {
        let (address, nonce) = self.leaves.get(leaf)?;
        self.at(address, *nonce)
    }

    /// Whether a block could carry anything now.
    /// How many stand behind no gap.
    pub(super) fn ready(&self) -> usize {
        let senders = self.senders.values();
        senders.map(|sender| sender.ready().count()).sum()
    }

    pub(super) fn has_candidates(&self) -> bool {
        !self.heads.is_empty()
    }

    /// What the next block could carry, at most `bytes_max` canonical bytes: the best price first, each
    /// sender's in order of nonce. What stands behind a gap takes nobody's place.
    ///
    /// Nor does what a sender could not pay once its earlier ones have given its money away: the
    /// ledger would refuse it, and the block would stay empty there. It waits for the next block; by
    /// then it is known whether somebody has paid in.
    pub(super) fn candidates(&self, bytes_max: usize) -> Vec<Arc<Transaction>> {
        let mut best = self.heads.clone();
        let mut chosen = Vec::new();
        let mut bytes = 0usize;
        let mut misfits = 0usize;
        let mut owned: BTreeMap<Address, u64> = BTreeMap::new();
        while misfits < MISFITS_MAX
            && let Some((.., address, nonce)) = best.pop_first()
        {
            let Some(entry) = self.at(&address, nonce) else {
                continue;
            };
            let with = bytes.saturating_add(entry.bytes);
            if with > bytes_max {
                misfits = misfits.saturating_add(1);
                continue;
            }
            let owns = left(&owned, &address).or_else(|| Some(self.sender(&address)?.balance));
            let Some(rest) = owns.and_then(|balance| balance.checked_sub(entry.fee())) else {
                continue;
            };
            // Who has too little to give away keeps it: such a transaction fails, in its block.
            let rest = rest.checked_sub(entry.gives_away()).unwrap_or(rest);
            owned.insert(address, rest);
            bytes = with;
            chosen.push(entry.transaction.clone());
            let following = self.at(&address, nonce.saturating_add(1));
            best.extend(following.map(head_key));
        }
        chosen
    }

    /// What gives way first, one transaction of each sender.
    pub(super) fn tails(&self) -> impl Iterator<Item = (&Worth, &Address)> {
        self.tails.iter().map(|(worth, address)| (worth, address))
    }

    /// In order of sender and nonce, behind `after`.
    pub(super) fn listed(&self, after: Option<(Address, u64)>) -> impl Iterator<Item = &Entry> {
        let (first, behind) = after.unwrap_or_default();
        let senders = self.senders.range(first..);
        let all = senders.flat_map(|(_, sender)| sender.waiting.values());
        all.skip_while(move |entry| {
            after.is_some() && (entry.sender(), entry.nonce()) <= (first, behind)
        })
    }

    /// Those that may not stand in the block of height `next`.
    pub(super) fn expired(&self, next: Height) -> Vec<(Address, u64)> {
        let due = self.expiries.iter().take_while(|(last, ..)| *last < next);
        due.map(|(_, address, nonce)| (*address, *nonce)).collect()
    }

    /// Takes a transaction whose place is free; `account` is its sender's in the committed state.
    pub(super) fn insert(&mut self, mut entry: Entry, account: Account) {
        let address = entry.sender();
        let nonce = entry.nonce();
        let bytes = entry.bytes;
        self.arrivals = self.arrivals.saturating_add(1);
        entry.arrival = self.arrivals;
        self.ids.insert(entry.id, (address, nonce));
        self.leaves.insert(entry.leaf, (address, nonce));
        self.expiries.insert((entry.expires_at(), address, nonce));
        self.bytes = self.bytes.saturating_add(bytes);
        self.change(address, |sender| {
            sender.next = sender.next.max(account.nonce);
            sender.balance = account.balance;
            sender.bytes = sender.bytes.saturating_add(bytes);
            sender.fees = sender.fees.saturating_add(entry.fee());
            sender.waiting.insert(nonce, entry);
            sender.settle(nonce);
        });
    }

    pub(super) fn remove(&mut self, address: Address, nonce: u64) -> Option<Entry> {
        let entry = self.change(address, |sender| {
            let entry = sender.waiting.remove(&nonce)?;
            sender.bytes = sender.bytes.saturating_sub(entry.bytes);
            sender.fees = sender.fees.saturating_sub(entry.fee());
            sender.settle(nonce);
            Some(entry)
        })?;
        self.forget(&entry);
        Some(entry)
    }

    /// The ledger has executed everything of this sender below `next`. Returns what waited there.
    pub(super) fn advance(&mut self, address: Address, next: u64) -> Vec<Entry> {
        if !self.senders.contains_key(&address) {
            return Vec::new();
        }
        let gone: Vec<Entry> = self.change(address, |sender| {
            sender.next = sender.next.max(next);
            let above = sender.waiting.split_off(&next);
            let below = std::mem::replace(&mut sender.waiting, above);
            for entry in below.values() {
                sender.bytes = sender.bytes.saturating_sub(entry.bytes);
                sender.fees = sender.fees.saturating_sub(entry.fee());
            }
            sender.settle(next);
            below.into_values().collect()
        });
        gone.iter().for_each(|entry| self.forget(entry));
        gone
    }

    /// What a sender that has something waiting owns now.
    pub(super) fn note_balance(&mut self, address: &Address, balance: u64) {
        if let Some(sender) = self.senders.get_mut(address) {
            sender.balance = balance;
        }
    }

    fn forget(&mut self, entry: &Entry) {
        let (address, nonce) = (entry.sender(), entry.nonce());
        self.ids.remove(&entry.id);
        self.leaves.remove(&entry.leaf);
        self.expiries.remove(&(entry.expires_at(), address, nonce));
        self.bytes = self.bytes.saturating_sub(entry.bytes);
    }

    /// Changes one sender, and keeps the orders by price.
    fn change<T>(&mut self, address: Address, change: impl FnOnce(&mut Sender) -> T) -> T {
        let sender = self.senders.entry(address).or_default();
        if let Some(head) = sender.head() {
            self.heads.remove(&head_key(head));
        }
        if let Some((_, worth)) = sender.tail() {
            self.tails.remove(&(worth, address));
        }
        let changed = change(sender);
        if let Some(head) = sender.head() {
            self.heads.insert(head_key(head));
        }
        match sender.tail() {
            Some((_, worth)) => _ = self.tails.insert((worth, address)),
            None => _ = self.senders.remove(&address),
        }
        changed
    }
}

/// What a sender owns after those of its transactions that are chosen, if any is.
fn left(owned: &BTreeMap<Address, u64>, sender: &Address) -> Option<u64> {
    planted!(DrainedTakePlaces => return None);
    owned.get(sender).copied()
}
