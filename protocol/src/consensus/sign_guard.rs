//! The last line of defence against a double signature: own positions strictly increase.
use super::durable::Position;

/// What stands on disk as signed last.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignGuard {
    last: Option<Position>,
}

/// This position, or a later one, has been signed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refusing to sign {wanted:?}: {last:?} has been signed already")]
pub struct AlreadySigned {
    /// What the rules wanted to sign.
    pub wanted: Position,
    /// What has been signed last.
    pub last: Position,
}

impl SignGuard {
    /// Continues after the newest position that the sign record holds.
    pub fn new(last: Option<Position>) -> SignGuard {
        SignGuard { last }
    }

    /// Reserves `wanted`: it can be signed now, and never again.
    pub fn reserve(&mut self, wanted: Position) -> Result<(), AlreadySigned> {
        self.check(wanted)?;
        self.last = Some(wanted);
        Ok(())
    }

    fn check(&self, wanted: Position) -> Result<(), AlreadySigned> {
        planted!(PrecommitTwiceUnguarded | SignAnything => return Ok(()));
        match self.last {
            Some(last) if wanted <= last => Err(AlreadySigned { wanted, last }),
            _ => Ok(()),
        }
    }

    /// What stands on disk as signed last, or is on its way there.
    pub fn last(&self) -> Option<Position> {
        self.last
    }

    /// Whether this node's own signatures go as far as this position. A message of its key beyond
    /// it was signed by somebody else.
    pub fn covers(&self, position: Position) -> bool {
        self.last.is_some_and(|last| position <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::durable::SignStep::{Precommit, Prevote, Propose};
    use crate::types::{Height, Round};

    #[test]
    fn positions_strictly_increase_by_height_then_round_then_step() {
        let mut guard = SignGuard::default();
        let at = |h, r, s| (Height(h), Round(r), s);
        for (position, allowed) in [
            (at(1, 0, Propose), true),
            (at(1, 0, Propose), false),
            (at(1, 0, Precommit), true),
            (at(1, 0, Prevote), false),
            (at(1, 1, Prevote), true),
            (at(1, 0, Precommit), false),
            (at(2, 0, Propose), true),
            (at(1, 9, Precommit), false),
        ] {
            assert_eq!(guard.reserve(position).is_ok(), allowed, "{position:?}");
        }
    }

    #[cfg(feature = "mutants")]
    #[test]
    fn a_guard_that_lets_everything_pass_is_noticed() {
        use crate::mutation::{Mutation, must_be_noticed};
        must_be_noticed(
            Mutation::SignAnything,
            positions_strictly_increase_by_height_then_round_then_step,
        );
        must_be_noticed(
            Mutation::SignAnything,
            a_restarted_guard_refuses_what_its_record_holds,
        );
    }

    #[test]
    fn it_covers_what_was_signed_and_nothing_beyond() {
        let at = |r, s| (Height(5), Round(r), s);
        assert!(!SignGuard::default().covers(at(0, Propose)));
        let guard = SignGuard::new(Some(at(1, Prevote)));
        assert!(guard.covers(at(1, Prevote)) && guard.covers(at(0, Precommit)));
        assert!(!guard.covers(at(1, Precommit)) && !guard.covers(at(2, Propose)));
    }

    #[test]
    fn a_restarted_guard_refuses_what_its_record_holds() {
        let last = (Height(5), Round(1), Prevote);
        let mut guard = SignGuard::new(Some(last));
        assert_eq!(
            guard.reserve(last),
            Err(AlreadySigned { wanted: last, last })
        );
        assert!(guard.reserve((Height(5), Round(1), Precommit)).is_ok());
    }
}
