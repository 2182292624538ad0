//! What the next block could carry: the best price first, each sender's in order of nonce.
//!
//! What a sender could not pay once its earlier ones have given its money away takes nobody's place:
//! the ledger would refuse it, and the block would stay empty there. It waits for the next block;
//! by then it is known whether somebody has paid in.
use super::entry::{Entry, FeeRate};
use super::limits::MISFITS_MAX;
use super::pool::Pool;
use crate::nouns::transaction::Transaction;
use crate::types::Address;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

type Rank = (FeeRate, Reverse<u64>, Address, u64);

/// At most `bytes_max` canonical bytes. What stands behind a gap takes nobody's place.
pub(super) fn choose(pool: &Pool, bytes_max: usize) -> Vec<Arc<Transaction>> {
    let heads = pool.heads().filter_map(|address| {
        let sender = pool.sender(address)?;
        sender.waiting.get(&sender.next)
    });
    let mut best: BinaryHeap<Rank> = heads.map(rank).collect();
    let (mut chosen, mut bytes, mut misfits) = (Vec::new(), 0usize, 0usize);
    let mut owned: BTreeMap<Address, u64> = BTreeMap::new();
    while misfits < MISFITS_MAX
        && let Some((.., address, nonce)) = best.pop()
    {
        let Some(entry) = pool.at(&address, nonce) else {
            continue;
        };
        let with = bytes.saturating_add(entry.bytes);
        if with > bytes_max {
            misfits = misfits.saturating_add(1);
            continue;
        }
        let owns = left(&owned, &address).or_else(|| Some(pool.sender(&address)?.balance));
        let Some(rest) = owns.and_then(|balance| balance.checked_sub(entry.fee())) else {
            continue;
        };
        // Who has too little to give away keeps it: such a transaction fails, in its block.
        let rest = rest.checked_sub(entry.gives_away()).unwrap_or(rest);
        owned.insert(address, rest);
        bytes = with;
        chosen.push(entry.transaction.clone());
        best.extend(pool.at(&entry.sender(), nonce.saturating_add(1)).map(rank));
    }
    chosen
}

/// What a sender owns after those of its transactions that are chosen, if any is.
fn left(owned: &BTreeMap<Address, u64>, sender: &Address) -> Option<u64> {
    planted!(DrainedTakePlaces => return None);
    owned.get(sender).copied()
}

fn rank(entry: &Entry) -> Rank {
    let arrival = Reverse(entry.arrival);
    (entry.rate(), arrival, entry.sender(), entry.nonce())
}
