//! Who gives way when the mempool is full: behind a gap first, then what is not among the first of
//! its sender, then the lowest fee per byte, and of one sender always the last nonce. That is worth
//! the lowest fee per byte on its way: no block gets it without those before it, so a dear one
//! shields no cheap ones. Nobody gives way to a transaction that is worth less.
use super::Mempool;
use super::entry::Entry;
use super::pool::{Pool, Sender, Worth};
use crate::types::Address;
use std::collections::BTreeMap;

/// What has to leave so that `entry` fits; `None`: it is worth less than what waits. `next` is the
/// sender's next nonce in the committed state.
pub(super) fn make(mempool: &Mempool, entry: &Entry, next: u64) -> Option<Vec<(Address, u64)>> {
    let (pool, limit) = (&mempool.pool, &mempool.room);
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
