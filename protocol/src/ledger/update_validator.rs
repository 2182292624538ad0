//! `Action::UpdateValidator`: a validator's vote to add another one, to remove one, or to give one
//! another power.
//!
//! Votes for one key stand together in the state, at most one of each validator: a newer one takes
//! the place of the older. A vote counts as long as its sender is a validator of the block's height,
//! with the power that it has there. As soon as more than two thirds of the power have asked for the
//! same, it is decided: the set of the height two further on has it, and the votes are gone.
//!
//! What is decided may not stop the chain. So a set is never empty, never larger than certificates
//! carry, and its power always fits. And of each changed set those must be a quorum who are known to
//! run: who validates at the block's own height, with no less power than the changed set gives; and
//! the one whom the vote is about, if it has asked for that power itself, by its own signature. All
//! others may not run yet, or never: their keys may be mistyped or lost.
//!
//! Why that is enough while several changes are under way. Of the three sets that a block h sees,
//! those of h and h + 1 are settled, and that of h + 2 begins as that of h + 1. Each change of it,
//! also a removal and a power that falls, is judged as the whole set that comes of it against the
//! set of h, not against the one that it changes: newcomers that earlier blocks have named, or
//! earlier transactions of this one, are still unknown, and each removal takes one of those away who
//! are known. So whatever comes of many changes in one block, or in blocks that follow each other,
//! is judged by its last step like a single one. A set that no change touches is that of the height
//! before, and was judged when it was decided. Thus, by induction, each set that ever comes has a
//! quorum of those who validated two heights before it, or asked for more themselves. Who is refused
//! for that may try again two heights later, when the changes under way have settled: then a set
//! counts in full, and a removal, or a power that falls, always passes.
//!
//! Two things the rule does not see. A validator whose set has come counts as one that runs: whoever
//! adds several waits until each has signed blocks. And a founder that is down counts until it is
//! removed. A key need not have signed anything to be added: a newcomer owns nothing that could pay
//! for a transaction before the others let it in. (CometBFT bounded the power that a block moves by
//! a third, for light clients that skip heights; ours follow each height, by the next set's hash in
//! its header.)
use super::overlay::Overlay;
use super::receipt::{FailureCode, Status};
use super::state::{KeyHash, ReadError};
use crate::codec;
use crate::crypto::Scheme;
use crate::limits::VALIDATORS_MAX;
use crate::mutation::{Mutation, planted};
use crate::quorum::Power;
use crate::types::{Address, Hash, Height};
use crate::validator_schedule::ValidatorSchedule;
use crate::validator_set::{Validator, ValidatorSet, ValidatorSetError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sets that a block's transactions see and change.
#[derive(Clone)]
pub(super) struct Succession {
    /// The first height that the block can give another set: two after its own.
    first: Height,
    /// Who decides the block, and votes.
    current: Arc<ValidatorSet>,
    /// Who decides the next height, whatever this block says.
    next: Arc<ValidatorSet>,
    /// Who decides the one after that, so far.
    after_next: Arc<ValidatorSet>,
}

impl Succession {
    pub(super) fn new(validators: &ValidatorSchedule) -> Succession {
        Succession {
            first: validators.height().next().next(),
            current: validators.current().clone(),
            next: validators.next().clone(),
            after_next: validators.next().clone(),
        }
    }

    /// The set that the block names and the first height that it decides, if it is another than
    /// the one before it.
    pub(super) fn changed(&self) -> Option<(Height, Arc<ValidatorSet>)> {
        let changed = self.after_next.hash() != self.next.hash();
        changed.then(|| (self.first, self.after_next.clone()))
    }
}

/// Votes for one key: who wants it to have which power.
type Votes = BTreeMap<Address, Power>;

/// A vote of every validator there can be, rounded up.
const VOTES_BYTES_MAX: usize = VALIDATORS_MAX * 32 + 64;

/// Where the votes for a key stand in the tree.
pub fn validator_votes_key(public_key: &[u8]) -> KeyHash {
    Hash::of(&[b"validators/votes/", public_key]).0
}

/// Counts the vote, and changes the succession if it is the one that was missing.
pub(super) fn execute(
    scheme: &dyn Scheme,
    state: &mut Overlay<'_>,
    sender: &Address,
    (public_key, power): (&[u8], Power),
) -> Result<Status, ReadError> {
    let failed = |code| Ok(Status::Failed { code });
    let mut succession = state.succession().clone();
    if succession.current.index_of(sender).is_none() {
        return failed(FailureCode::NotAValidator);
    }
    let changed = match change(scheme, &succession.after_next, public_key, power) {
        Ok(changed) => changed,
        Err(code) => return failed(code),
    };
    let key = validator_votes_key(public_key);
    let mut votes: Votes = match state.record(&key)? {
        Some(bytes) => codec::decode("votes for a validator", &bytes, VOTES_BYTES_MAX)
            .map_err(|error| ReadError::Corrupt(error.to_string()))?,
        None => Votes::new(),
    };
    votes.insert(*sender, power);
    votes.retain(|voter, _| succession.current.index_of(voter).is_some());
    let agree = votes.iter().filter(|(_, wanted)| **wanted == power);
    let agree = agree.filter_map(|(voter, _)| succession.current.index_of(voter));
    let power_agreed = succession.current.power_of(agree);
    let by_few = planted(Mutation::ChangeByFew) && succession.current.is_skip_set(power_agreed);
    if by_few || succession.current.is_quorum(power_agreed) {
        let address = Address::of(scheme.id(), public_key);
        let asked = (votes.get(&address) == Some(&power)).then_some(&address);
        if !has_known_quorum(&changed, &succession.current, asked) {
            return failed(FailureCode::ValidatorTooPowerful);
        }
        succession.after_next = Arc::new(changed);
        state.set_succession(succession);
        state.remove_record(key);
    } else {
        state.set_record(key, codec::encode(&votes));
    }
    Ok(Status::Success)
}

/// The set with this validator at this power; without it at none.
fn change(
    scheme: &dyn Scheme,
    set: &ValidatorSet,
    public_key: &[u8],
    power: Power,
) -> Result<ValidatorSet, FailureCode> {
    let address = Address::of(scheme.id(), public_key);
    let known = set.index_of(&address).map_or(0, |index| set.power(index));
    if known == power {
        return Err(FailureCode::NothingToChange);
    }
    let others = set.iter().filter(|validator| validator.address != address);
    let others = others.map(|validator| (validator.public_key.clone(), validator.power));
    let it = (power > 0).then(|| (public_key.to_vec(), power));
    ValidatorSet::like(Some(set), scheme, others.chain(it)).map_err(|error| match error {
        ValidatorSetError::Size(0) => FailureCode::LastValidator,
        ValidatorSetError::Size(_) => FailureCode::TooManyValidators,
        ValidatorSetError::TotalPower => FailureCode::PowerOverflow,
        ValidatorSetError::Key(_)
        | ValidatorSetError::NoPower(_)
        | ValidatorSetError::Duplicate(_) => FailureCode::InvalidValidatorKey,
    })
}

/// Whether those who are known to run are a quorum of `changed`: who has no more power in it than in
/// `current`, which decides now, and who has `asked` for it itself.
fn has_known_quorum(
    changed: &ValidatorSet,
    current: &ValidatorSet,
    asked: Option<&Address>,
) -> bool {
    let held = |who: &Address| {
        current
            .index_of(who)
            .map_or(0, |index| current.power(index))
    };
    let runs = |validator: &&Validator| {
        validator.power <= held(&validator.address) || asked == Some(&validator.address)
    };
    let known = changed.iter().filter(runs);
    let known = known.fold(0, |sum: Power, it| sum.saturating_add(it.power));
    changed.is_quorum(known)
}
