//! A finished sequence: plain data that any implementation of the rules can replay.

use crate::generator;
use crate::neutral::{Input, Output};
use crate::reference::Reference;

/// A sequence of inputs with the answers of the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) me: usize,
    pub(crate) height: u64,
    /// Some validator signed two different votes or proposals of one kind and round.
    pub(crate) equivocates: bool,
    pub(crate) inputs: Vec<Input>,
    /// What the reference did in answer to each input.
    pub(crate) answers: Vec<Vec<Output>>,
}

impl Scenario {
    /// The sequence of a seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        generator::Generator::new(seed).run(seed)
    }

    /// A reference node at the beginning of the sequence.
    pub(crate) fn reference(&self) -> Reference {
        Reference::new(&[1; generator::VALIDATORS], self.me, self.height)
    }
}
