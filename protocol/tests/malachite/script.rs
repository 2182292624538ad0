//! Words for hand-written sequences: four validators of equal power at height 1, so that the
//! proposers of rounds 0, 1, 2, 3 are the validators 1, 2, 3, 0.

use crate::neutral::{Input, Output};
use crate::reference::Reference;

/// Two valid values and one that valid(v) refuses.
pub(crate) const A: u64 = 1;
pub(crate) const B: u64 = 2;
pub(crate) const INVALID: u64 = 3;

/// Validator `me` of four, its height started.
pub(crate) fn started(me: usize) -> Reference {
    let mut node = Reference::new(&[1; 4], me, 1);
    node.apply(Input::StartHeight);
    node
}

/// A proposal without an earlier polka.
pub(crate) fn fresh(round: u32, value: u64) -> Input {
    Input::Proposal {
        round,
        value,
        pol_round: None,
        valid: value != INVALID,
    }
}

/// A proposal that names the round of an earlier polka.
pub(crate) fn again(round: u32, value: u64, pol_round: u32) -> Input {
    Input::Proposal {
        round,
        value,
        pol_round: Some(pol_round),
        valid: value != INVALID,
    }
}

/// The same prevote from each of `voters`; all outputs in order.
pub(crate) fn prevotes(
    node: &mut Reference,
    voters: &[usize],
    round: u32,
    value: Option<u64>,
) -> Vec<Output> {
    let prevote = |&validator| {
        node.apply(Input::Prevote {
            validator,
            round,
            value,
        })
    };
    voters.iter().flat_map(prevote).collect()
}

/// The same precommit from each of `voters`; all outputs in order.
pub(crate) fn precommits(
    node: &mut Reference,
    voters: &[usize],
    round: u32,
    value: Option<u64>,
) -> Vec<Output> {
    let precommit = |&validator| {
        node.apply(Input::Precommit {
            validator,
            round,
            value,
        })
    };
    voters.iter().flat_map(precommit).collect()
}
