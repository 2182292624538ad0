//! What actors read that are being built, or rebuilt after a fall.
use super::{Store, StoreError};
use lockstep_protocol::ledger::{ChainRules, Ledger};
use lockstep_protocol::types::Height;
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::sync::Arc;

impl Store {
    /// The newest committed height, for an actor that is being rebuilt. A store that cannot be
    /// read fells the actor again, until its supervisor ends the node.
    pub(crate) fn committed_height(&self) -> Height {
        or_fall(self.head()).height
    }

    /// Who decides which height, for an actor that is being rebuilt; as above.
    pub(crate) fn schedule(&self, rules: &ChainRules) -> ValidatorSchedule {
        or_fall(self.validators(rules))
    }

    /// Whether a certified block was invalid here, for an actor that is being built: as above.
    pub(crate) fn has_halted(&self) -> bool {
        or_fall(self.halt()).is_some()
    }

    /// Whether the chain begins here and nothing has been signed, for an actor that is being built: as
    /// above.
    pub(crate) fn is_untouched(&self) -> bool {
        let untouched = self.read(|reading| {
            let has_signed = reading.recovery()?.position().is_some();
            Ok(reading.head()?.height == Height(0) && !has_signed)
        });
        or_fall(untouched)
    }

    /// A ledger on the committed head.
    pub(crate) fn ledger(&self, rules: Arc<ChainRules>) -> Result<Ledger, StoreError> {
        Ok(Ledger::new(rules, Arc::new(self.clone()), self.head()?)?)
    }
}

/// What cannot be read fells whoever asks.
fn or_fall<T>(read: Result<T, StoreError>) -> T {
    read.unwrap_or_else(|error| panic!("{error}"))
}
