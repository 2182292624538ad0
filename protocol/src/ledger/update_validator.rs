//! `Action::UpdateValidator`: a validator's vote to add another one, to remove one, or to give one
//! another power.
//!
//! Votes for one key stand together in the state ([`consent`](super::consent)) until they are taken
//! back or expire. As soon as more than two thirds of the power of the block's height have asked for
//! the same, it is decided: the set of the height two further on has it, and the votes are gone. A
//! validator takes its vote for a key back by asking for the power that the key has in the newest set
//! already: none, for a key that is not in it. Without a vote to take back that is nothing to change.
//!
//! A newcomer, a key that the newest set does not have, needs more than votes: its own word that it
//! is ready, not older than 100 heights ([`declare_ready`]). If it is missing the votes stand, and the
//! word completes the change when it comes. Who is in the set needs none to rise.
//!
//! What is decided may not stop the chain. So a set is never empty, never larger than certificates
//! carry, and its power always fits. And of each changed set those must be a quorum who are known to
//! run: who validates at the block's own height, with no less power than the changed set gives; and
//! the one whom the change is about, if it has asked for that power itself: by its own vote, or, as a
//! newcomer, by its word. All others may have stopped before they ever had that power.
//!
//! Why that is enough while several changes are under way. Of the three sets that a block h sees,
//! those of h and h + 1 are settled, and that of h + 2 begins as that of h + 1. Each change of it,
//! also a removal and a power that falls, is judged as the whole set that comes of it against the
//! set of h, not against the one that it changes: other newcomers that earlier blocks have named, or
//! earlier transactions of this one, are left out, and each removal takes one of those away who are
//! known. So whatever comes of many changes in one block, or in blocks that follow each other, is
//! judged by its last step like a single one. A set that no change touches is that of the height
//! before, and was judged when it was decided. Thus, by induction, each set that ever comes has a
//! quorum of those who validated two heights before it, or asked for their power themselves. Who is
//! refused for that may try again two heights later, when the changes under way have settled: then a
//! set counts in full, and a removal, or a power that falls, always passes.
//!
//! Why two newcomers that do not run cannot halt a chain, however far apart they are added: they are
//! not added. A set gains a member in [`decide`] alone, and there only with the word of its own key
//! in the block's state or in the block itself. A key that is mistyped or lost, or whose node was
//! never started, signs no transaction, so there is no word of it, and however many ask for it, its
//! votes stand until they expire and no set has it. Thus each member of every set is one of the
//! genesis, or had a node with its key at most 102 heights before the first height that it decides.
//! Without that, a chain of four could add one dead key, which leaves four of five; two heights later
//! it counts as one that validates, the next dead one passes as well, and four of six are no quorum.
//! What stops after it has said that it is ready is a validator that fails, like any other: the chain
//! bears as many of these as hold less than a third of the power, and a founder that is down counts
//! until it is removed. (CometBFT bounded the power that a block moves by a third, for light clients
//! that skip heights; ours follow each height, by the next set's hash in its header.)
use super::consent::Consent;
use super::declare_ready;
use super::overlay::Overlay;
use super::state::ReadError;
use super::succession::{Succession, power_in};
use crate::crypto::Scheme;
use crate::nouns::receipt::{FailureCode, Status};
use crate::types::{Address, Height};
use crate::validators::set::Power;
use crate::validators::set::{Validator, ValidatorSet, ValidatorSetError};
use std::sync::Arc;

/// Counts the vote, or takes it back, and changes the succession if nothing else was missing.
pub(super) fn execute(
    scheme: &dyn Scheme,
    state: &mut Overlay<'_>,
    height: Height,
    sender: &Address,
    (public_key, power): (&[u8], Power),
) -> Result<Status, ReadError> {
    let failed = |code| Ok(Status::Failed { code });
    let Succession {
        current,
        after_next,
        ..
    } = state.succession().clone();
    if current.index_of(sender).is_none() {
        return failed(FailureCode::NotAValidator);
    }
    let whom = Address::of(scheme.id(), public_key);
    let mut consent = Consent::read(state, height, &current, public_key)?;
    if power_in(&after_next, &whom) == power {
        if !consent.withdraw(sender) {
            return failed(FailureCode::NothingToChange);
        }
        if consent.is_empty() {
            declare_ready::forget(state, &whom);
        }
        consent.write(state);
        return Ok(Status::Success);
    }
    if let Err(code) = change(scheme, &after_next, public_key, power) {
        return failed(code);
    }
    consent.give(*sender, power, height);
    let is_newcomer = after_next.index_of(&whom).is_none();
    let is_complete = consent.agrees(&current, power)
        && (!is_newcomer || declare_ready::is_ready(state, height, &whom)?);
    if is_complete {
        return decide(scheme, state, consent, (public_key, power));
    }
    consent.write(state);
    Ok(Status::Success)
}

/// Makes the change that `consent` has agreed on; a newcomer has said that it is ready.
pub(super) fn decide(
    scheme: &dyn Scheme,
    state: &mut Overlay<'_>,
    consent: Consent,
    (public_key, power): (&[u8], Power),
) -> Result<Status, ReadError> {
    let failed = |code| Ok(Status::Failed { code });
    let mut succession = state.succession().clone();
    let changed = match change(scheme, &succession.after_next, public_key, power) {
        Ok(changed) => changed,
        Err(code) => return failed(code),
    };
    let whom = Address::of(scheme.id(), public_key);
    let has_asked = !succession.has_named(&whom) || consent.asks(&whom, power);
    let asked = has_asked.then_some(&whom);
    if !has_known_quorum(&changed, &succession.current, asked) {
        return failed(FailureCode::ValidatorTooPowerful);
    }
    succession.after_next = Arc::new(changed);
    state.set_succession(succession);
    declare_ready::forget(state, &whom);
    consent.end(state);
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
    let runs = |validator: &&Validator| {
        let address = &validator.address;
        validator.power <= power_in(current, address) || asked == Some(address)
    };
    let known = changed.iter().filter(runs);
    let known = known.fold(0, |sum: Power, it| sum.saturating_add(it.power));
    changed.is_quorum(known)
}
