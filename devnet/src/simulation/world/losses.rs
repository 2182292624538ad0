//! What is left of a message where proposals are lost.
use super::Payload;
use lockstep_protocol::nouns::pull::Pulled;
use std::sync::Arc;

/// Nothing of a proposal, and of an answer to a pull all but the proposals in it.
pub(super) fn without_proposals(payload: Payload) -> Option<Payload> {
    match payload {
        Payload::Proposal(_) | Payload::Compact(_) => None,
        Payload::Pulled(height, pulled) if !pulled.proposals.is_empty() => {
            let mut pulled = Pulled::clone(&pulled);
            pulled.proposals.clear();
            Some(Payload::Pulled(height, Arc::new(pulled)))
        }
        other => Some(other),
    }
}
