//! What the validators have agreed to: their votes for one key, as they stand in the state.
//!
//! At most one of each validator stands, with the height at which it was given; a newer one takes
//! the place of the older. It counts for [`VOTE_AGE_HEIGHTS_MAX`] heights and as long as its sender
//! validates, with the power that it has at the height of the block: consent does not outlive its
//! purpose, and what was agreed to long ago does not complete a change that nobody wants any more.
//! Whoever touches the votes of a key leaves out those that no longer count.
use super::overlay::Overlay;
use super::state::{KeyHash, ReadError};
use crate::codec;
use crate::limits::{VALIDATORS_MAX, VOTE_AGE_HEIGHTS_MAX};
use crate::types::{Address, Hash, Height};
use crate::validators::set::Power;
use crate::validators::set::ValidatorSet;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// Which power a validator wants the key to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Given {
    power: Power,
    /// The block that holds the vote.
    height: Height,
}

/// A vote of every validator there can be, rounded up.
const VOTES_BYTES_MAX: usize = VALIDATORS_MAX * 40 + 64;

/// Where the votes for a key stand in the tree.
pub fn validator_votes_key(public_key: &[u8]) -> KeyHash {
    Hash::of(&[b"validators/votes/", public_key]).0
}

/// The votes for one key that count at one height.
pub(super) struct Consent {
    key: KeyHash,
    votes: BTreeMap<Address, Given>,
}

impl Consent {
    /// The votes for `public_key` that count in a block of `height`, which `electors` decide.
    pub(super) fn read(
        state: &Overlay<'_>,
        height: Height,
        electors: &ValidatorSet,
        public_key: &[u8],
    ) -> Result<Consent, ReadError> {
        let key = validator_votes_key(public_key);
        let mut votes: BTreeMap<Address, Given> = match state.record(&key)? {
            Some(bytes) => codec::decode("votes for a validator", &bytes, VOTES_BYTES_MAX)
                .map_err(|error| ReadError::Corrupt(error.to_string()))?,
            None => BTreeMap::new(),
        };
        votes.retain(|voter, given| {
            electors.index_of(voter).is_some() && counts(given.height, height)
        });
        Ok(Consent { key, votes })
    }

    /// The vote of `voter` takes the place of its older one.
    pub(super) fn give(&mut self, voter: Address, power: Power, height: Height) {
        self.votes.insert(voter, Given { power, height });
    }

    /// Takes the vote of `voter` back; whether there was one.
    pub(super) fn withdraw(&mut self, voter: &Address) -> bool {
        planted!(WithdrawalIgnored => return self.votes.contains_key(voter));
        self.votes.remove(voter).is_some()
    }

    /// Whether no vote counts.
    pub(super) fn is_empty(&self) -> bool {
        self.votes.is_empty()
    }

    /// Whether `voter` asks for `power`.
    pub(super) fn asks(&self, voter: &Address, power: Power) -> bool {
        self.votes
            .get(voter)
            .is_some_and(|given| given.power == power)
    }

    /// Whether more than two thirds of the power of `electors` ask for `power`.
    pub(super) fn agrees(&self, electors: &ValidatorSet, power: Power) -> bool {
        let agree = self.votes.iter().filter(|(_, given)| given.power == power);
        let agree = agree.filter_map(|(voter, _)| electors.index_of(voter));
        let agreed = electors.power_of(agree);
        planted!(ChangeByFew => return electors.is_skip_set(agreed));
        electors.is_quorum(agreed)
    }

    /// The power that they have agreed on; two cannot be, as each validator has one vote.
    pub(super) fn agreed(&self, electors: &ValidatorSet) -> Option<Power> {
        let mut asked = self.votes.values().map(|given| given.power);
        asked.find(|power| self.agrees(electors, *power))
    }

    /// Leaves the votes in the state, or nothing if there are none.
    pub(super) fn write(self, state: &mut Overlay<'_>) {
        if self.votes.is_empty() {
            state.remove_record(self.key);
        } else {
            state.set_record(self.key, codec::encode(&self.votes));
        }
    }

    /// They have served their purpose.
    pub(super) fn end(self, state: &mut Overlay<'_>) {
        state.remove_record(self.key);
    }
}

/// Whether a vote of the block of `given` counts in that of `height`.
fn counts(given: Height, height: Height) -> bool {
    planted!(NeverExpires => return true);
    height.0.saturating_sub(given.0) <= VOTE_AGE_HEIGHTS_MAX
}
