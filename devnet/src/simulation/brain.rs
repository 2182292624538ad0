//! Which part of a node acts.

/// The brains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Brain {
    Driver,
    Tally,
    Proposals,
    Committer,
    CatchUp,
}

impl Brain {
    pub(crate) const ALL: [Brain; 5] = [
        Brain::Driver,
        Brain::Tally,
        Brain::Proposals,
        Brain::Committer,
        Brain::CatchUp,
    ];
}
