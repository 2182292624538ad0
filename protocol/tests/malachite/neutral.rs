//! Inputs and outputs of a node at one height, in words that belong to no implementation: rounds
//! and values are numbers, a validator is its index in the sorted set, nil is `None`.

/// Which of the three timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Propose,
    Prevote,
    Precommit,
}

/// A locked or a valid value, with its round.
pub(crate) type Held = Option<(u64, u32)>;

/// What can happen to a node at its height. The sender of a proposal is the round's proposer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Starts round 0. First and once; no `NewRound(0)` answers it.
    StartHeight,
    /// A complete proposal; `valid` is the answer of valid(v), one and the same for a value.
    Proposal {
        round: u32,
        value: u64,
        pol_round: Option<u32>,
        valid: bool,
    },
    /// A verified prevote; `None` is nil.
    Prevote {
        validator: usize,
        round: u32,
        value: Option<u64>,
    },
    /// A verified precommit; `None` is nil.
    Precommit {
        validator: usize,
        round: u32,
        value: Option<u64>,
    },
    /// L57.
    TimeoutPropose(u32),
    /// L61.
    TimeoutPrevote(u32),
    /// L65.
    TimeoutPrecommit(u32),
    /// The answer to [`Output::GetValue`]; too late an answer is ignored.
    BuiltValue { round: u32, value: u64 },
}

/// What a node does in answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Output {
    Prevote {
        round: u32,
        value: Option<u64>,
    },
    Precommit {
        round: u32,
        value: Option<u64>,
    },
    Propose {
        round: u32,
        value: u64,
        pol_round: Option<u32>,
    },
    /// The node entered this round by L55 or L65.
    NewRound(u32),
    /// `round` is the round of the decided proposal, not the one the node stands in.
    Decide {
        round: u32,
        value: u64,
    },
    ScheduleTimeout(Timer, u32),
    /// L18: a new block is wanted; the propose timer was scheduled right before.
    GetValue(u32),
}

impl Input {
    /// A vote of the step that `timer` ends.
    pub(crate) fn vote(timer: Timer, validator: usize, round: u32, value: Option<u64>) -> Self {
        match timer {
            Timer::Prevote => Self::Prevote {
                validator,
                round,
                value,
            },
            Timer::Precommit => Self::Precommit {
                validator,
                round,
                value,
            },
            Timer::Propose => unreachable!("nobody votes in the propose step"),
        }
    }

    /// The end of a timer.
    pub(crate) fn expired(timer: Timer, round: u32) -> Self {
        match timer {
            Timer::Propose => Self::TimeoutPropose(round),
            Timer::Prevote => Self::TimeoutPrevote(round),
            Timer::Precommit => Self::TimeoutPrecommit(round),
        }
    }
}
