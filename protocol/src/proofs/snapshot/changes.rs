//! The changes of validators that a snapshot shows, against those that its state lists. Between two
//! sets the hashes alone leave a choice: where a set comes back, a maker could leave out the way
//! there, or show a later one, and a node that began with such a file could hand out none itself.
//!
//! The state is proven by its root only when it has ended, so what its leaves say is kept until then.
//! Bounded: two heights for each change that was proven.
use super::error::SnapshotError;
use crate::codec;
use crate::ledger::{self, KeyHash, ValidatorSetRecord};
use crate::limits::VALIDATOR_SET_BYTES_MAX;
use crate::types::Height;
use std::collections::BTreeMap;

/// The set of the genesis decides from here on.
const FIRST: Height = Height(1);

#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The first height of each set that was shown but the first, rising.
    shown: Vec<Height>,
    /// Where in the state the sets stand that may be listed there → their first height.
    places: BTreeMap<KeyHash, Height>,
    /// First height → that of the set before it, as the state says.
    listed: BTreeMap<Height, Option<Height>>,
    /// The first height of the newest set, as the state says.
    newest: Option<Height>,
}

impl Changes {
    /// Other validators decide from here on, by a proven header.
    pub(super) fn show(&mut self, first: Height) {
        self.shown.push(first);
    }

    /// All have been shown up to the block of `head`, whose state may name sets two heights ahead.
    pub(super) fn expect(&mut self, head: Height) {
        let next = head.next();
        let last = head.next().next();
        let firsts = self.shown.iter().copied().chain([FIRST, next, last]);
        let places = firsts.map(|first| (ledger::validator_set_key(first), first));
        self.places = places.collect();
    }

    /// Looks whether a leaf of the state lists a set.
    pub(super) fn look(&mut self, key: &KeyHash, value: &[u8]) -> Result<(), SnapshotError> {
        if *key == ledger::newest_validator_set_key() {
            self.newest = Some(codec::decode("newest validator set", value, 8)?);
        } else if let Some(first) = self.places.get(key) {
            let set = codec::decode("validator set", value, VALIDATOR_SET_BYTES_MAX)?;
            let ValidatorSetRecord { previous, .. } = set;
            self.listed.insert(*first, previous);
        }
        Ok(())
    }

    /// Whether the state of the block of `head` lists the sets that were shown, and no others.
    pub(super) fn are_those_of_the_state(&self, head: Height) -> bool {
        let mut listed = Vec::new();
        let mut next = self.newest;
        while let Some(first) = next {
            let Some(previous) = self.listed.get(&first) else {
                return false;
            };
            if first <= head && first > FIRST {
                listed.push(first);
            }
            next = previous.filter(|previous| *previous < first);
        }
        listed.reverse();
        self.newest.is_some() && listed == self.shown
    }
}
