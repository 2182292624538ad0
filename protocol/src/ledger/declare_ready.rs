//! `Action::DeclareReady`: a newcomer's own word, signed by its validator key, that its node runs and
//! follows the chain.
//!
//! Nobody is added without it: neither a mistyped key nor one that is lost ever signs anything. The
//! word stands in the state under the newcomer's address, with its height, and counts for
//! [`READY_AGE_HEIGHTS_MAX`] heights; a newer one takes the place of the older. Whatever comes last,
//! it or the votes, completes the change ([`update_validator`]); then it is used up and gone, and who
//! is removed and comes back says it anew. The fee is paid by the account of the validator key, which
//! somebody has to fund before.
//!
//! Only a candidate has something to say: a key for which a vote stands. So what strangers send costs
//! them their fee and leaves nothing in the state, and no more words stand there than keys are asked
//! for; the last vote that is taken back takes the word with it.
use super::consent::Consent;
use super::overlay::Overlay;
use super::state::{KeyHash, ReadError};
use super::update_validator;
use crate::codec;
use crate::crypto::Scheme;
use crate::limits::READY_AGE_HEIGHTS_MAX;
use crate::nouns::receipt::{FailureCode, Status};
use crate::types::{Address, Hash, Height};

/// A height, as it is stored.
const READINESS_BYTES: usize = 8;

/// Where a newcomer's word stands in the tree: the height of the block that holds it.
pub fn readiness_key(newcomer: &Address) -> KeyHash {
    Hash::of(&[b"validators/ready/", &newcomer.0]).0
}

/// Notes the word, and adds the newcomer if nothing else was missing.
pub(super) fn execute(
    scheme: &dyn Scheme,
    state: &mut Overlay<'_>,
    height: Height,
    sender: &Address,
) -> Result<Status, ReadError> {
    let failed = |code| Ok(Status::Failed { code });
    let succession = state.succession();
    if succession.has_named(sender) {
        return failed(FailureCode::AlreadyAValidator);
    }
    let electors = succession.electors().clone();
    // The signature of this transaction was checked by it.
    let public_key = state.public_key(sender)?;
    let public_key =
        public_key.ok_or_else(|| ReadError::Corrupt(format!("the key of {sender} is gone")))?;
    let consent = Consent::read(state, height, &electors, &public_key)?;
    if consent.is_empty() {
        return failed(FailureCode::NotACandidate);
    }
    if let Some(power) = consent.agreed(&electors) {
        return update_validator::decide(scheme, state, consent, (&public_key, power));
    }
    state.set_record(readiness_key(sender), codec::encode(&height));
    Ok(Status::Success)
}

/// Whether the word of `newcomer` counts in a block of `height`.
pub(super) fn is_ready(
    state: &Overlay<'_>,
    height: Height,
    newcomer: &Address,
) -> Result<bool, ReadError> {
    planted!(ReadinessNotAsked => return Ok(true));
    let Some(bytes) = state.record(&readiness_key(newcomer))? else {
        return Ok(false);
    };
    let said: Height = codec::decode("readiness", &bytes, READINESS_BYTES)
        .map_err(|error| ReadError::Corrupt(error.to_string()))?;
    Ok(counts(said, height))
}

/// Whether what was said in a block of `said` counts in that of `height`.
fn counts(said: Height, height: Height) -> bool {
    planted!(OldReadinessCounts => return true);
    height.0.saturating_sub(said.0) <= READY_AGE_HEIGHTS_MAX
}

/// It is used up, or nobody asks for it any more.
pub(super) fn forget(state: &mut Overlay<'_>, newcomer: &Address) {
    state.remove_record(readiness_key(newcomer));
}
