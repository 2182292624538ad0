//! Planted bugs, for the tests of the tests (P6): the simulator must catch each of them, or it is
//! blind. Each variant of `Mutation` takes away one guard of the protocol, and nothing else.
//!
//! No rule speaks of them. A guard that can be taken away is a function, and one line of it, which
//! stands alone, says what a planted bug makes of it. Below that line the rule is whole:
//!
//! ```ignore
//! pub fn is_skip_set(power: Power, total: Power) -> bool {
//!     planted!(LowSkipSet => return power > 0);
//!     u128::from(power).saturating_mul(3) > u128::from(total)
//! }
//! ```
//!
//! What needs more than a line is a function that only the build with the bugs has. The round machine
//! has a file of them, `planted.rs`: it replaces a rule in the table of the rules, so that the rules
//! have no such line (but E8, which is asked outside of the table as well).
//!
//! A guard whose loss no world shows, because another rule steps in, is held by a unit test: its
//! neighbour of the same name plants the bug under it and must see it fail. (They run where the
//! feature is on: `cargo test --workspace`, or `-p lockstep-protocol --features mutants`.)
//!
//! Without the feature `mutants` the line is nothing, and `planted.rs` is not compiled. No normal
//! build has that feature; `.ci/run` looks. With it, a bug is planted on one thread until the guard
//! that `plant` gives is dropped.

/// `planted!(Bug => return answer);`: what is done where this bug is planted, or one of several
/// (`A | B`). Nothing, in a build without the feature `mutants`.
#[cfg(feature = "mutants")]
#[macro_export]
macro_rules! planted {
    ($($bug:ident)|+ => $does:expr) => {
        if $($crate::mutation::planted($crate::mutation::Mutation::$bug))||+ {
            $does;
        }
    };
}

/// Nothing: a build without the feature `mutants` has no planted bugs.
#[cfg(not(feature = "mutants"))]
#[macro_export]
macro_rules! planted {
    ($($bug:ident)|+ => $does:expr) => {};
}

/// A bug that can be planted, named for what is wrong.
#[cfg(feature = "mutants")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// The quorum is a skip set: more than a third.
    LowQuorum,
    /// The quorum is two thirds, not more.
    LooseQuorum,
    /// Any single validator is a skip set.
    LowSkipSet,
    /// L22 accepts a new value whatever is locked.
    NoLockInL22,
    /// L28 accepts an old value whatever is locked.
    NoLockInL28,
    /// L28 believes that the polka of the valid round exists.
    NoPolkaInL28,
    /// A newer polka for another value unlocks.
    UnlockOnPolka,
    /// The lock ends with its round.
    LockPerRound,
    /// L36 precommits in step Precommit again.
    PrecommitTwice,
    /// … and the sign guard lets it.
    PrecommitTwiceUnguarded,
    /// L61 precommits the proposal, not nil.
    PrecommitWithoutPolka,
    /// The first-time flags survive their round.
    StaleFirstTimes,
    /// L49 counts precommits for anything.
    DecideOnAny,
    /// L49 looks at precommits of the current round only.
    DecideThisRoundOnly,
    /// Q prevotes decide; there is no second phase and no lock.
    OnePhase,
    /// A proposer with a valid value proposes a new one all the same.
    ProposeAnew,
    /// E1: a block that is built too late is proposed after the nil prevote.
    LateProposal,
    /// E9: prevotes with another valid round count for the same polka.
    AnyValidRound,
    /// E3 acts on Q precommits for anything.
    PrecommitsEndRound,
    /// E12: however many rounds have ended in nil, the next begins at once.
    UnpacedRounds,
    /// A height begins however far its parent lies ahead of this node's clock.
    ClockNotAwaited,
    /// E8 never fires: a polka of an earlier round is not proposed.
    NoOlderPolka,
    /// E8 locks.
    LockOnOlderPolka,
    /// L34, L47: whoever is further on does not count.
    NobodyFurtherOn,
    /// E11 never fires: timeouts run out where nobody is left to wait for.
    WaitsForNobody,
    /// E11 ends a round in which somebody has seen a polka.
    PolkaNotWaitedFor,
    /// The sign guard lets everything pass.
    SignAnything,
    /// A message under the own key that this node has not signed changes nothing.
    ForeignKeyIgnored,
    /// … or is forgotten with the next restart.
    ForeignKeyForgotten,
    /// A node that has just started signs before it knows how far the others are.
    SignsBeforeArrival,
    /// It believes whatever round one of the others names.
    EveryRoundBelieved,
    /// It signs in rounds in which its key may have signed before the start.
    SignsInOldRounds,
    /// After its arrival it stays in the round of its record, wherever it has followed to.
    ResumesInOldRound,
    /// A tally that is further on than a machine that was put back stays there.
    TallyStaysAhead,
    /// Its own weight counts when it weighs the others that it has heard.
    OwnWeightCounts,
    /// One of the others is enough to hear, whatever it weighs.
    OneWordIsEnough,
    /// What the others have is not fetched first: it is enough that they have said it.
    ClaimsNotReached,
    /// What one alone claims keeps it waiting for as long as it is not refuted.
    ClaimsLastForEver,
    /// A disk that says that its key decides alone is believed at once.
    AloneAtOnce,
    /// It does not wait for more others than it must have heard.
    LeastAtOnce,
    /// It signs at the height under decision whatever the others have signed, or seen, there.
    RoundsNotAsked,
    /// What is said of how far others are counts without its signature.
    UnsignedStanding,
    /// L55 never fires.
    NoSkip,
    /// L57 never fires.
    NoProposeTimeout,
    /// L61 never fires.
    NoPrevoteTimeout,
    /// L65 never fires.
    NoPrecommitTimeout,
    /// E6: nothing is ever sent again.
    NoResend,
    /// Messages leave before their record is durable.
    SendBeforeDurable,
    /// The lock does not go to disk.
    LockNotPersisted,
    /// A restarted node does not read its sign record.
    RecordForgotten,
    /// A restarted node takes up its step, not its lock.
    LockNotRestored,
    /// Two votes that contradict each other are counted, and not kept as evidence.
    EvidenceDropped,
    /// Evidence that no block carries is not told to the others.
    EvidenceKeptToOneself,
    /// Evidence counts without its signatures.
    UnverifiedEvidence,
    /// E10: of an equivocator's votes the first counts, and the second is not looked at.
    FirstVoteWins,
    /// Votes count without their signature.
    UnverifiedVotes,
    /// Proposals count without their signature.
    UnverifiedProposals,
    /// Anybody may propose.
    AnyProposer,
    /// Every block is valid(v).
    EveryBlockValid,
    /// A block may carry any commit of its parent, or none.
    UncheckedLastCommit,
    /// A candidate that cannot stand in a block leaves its sender's nonce changed.
    RefusedLeavesTrace,
    /// What a call has written before it failed stays.
    FailedCallWrites,
    /// A receipt's leaf does not cover the events of a call.
    EventsOutsideLeaf,
    /// Synced blocks count without looking at their certificate.
    UncheckedCertificate,
    /// A certificate needs no quorum.
    CertificateOfFew,
    /// A changed validator set holds from the next height on, for all but certificates.
    SetTooEarly,
    /// Votes are counted by the set that decided the first height.
    OldSetCounts,
    /// More than a third of the power changes the validator set.
    ChangeByFew,
    /// A vote for a change of the validator set counts for ever.
    NeverExpires,
    /// Newcomers are added without their own word that they are ready.
    ReadinessNotAsked,
    /// A newcomer's word that it is ready counts for ever.
    OldReadinessCounts,
    /// A vote for a change of the validator set that is taken back still counts.
    WithdrawalIgnored,
    /// A second decision of any height stops a node, however old.
    OldForkStops,
    /// … or one of an old height is not told to anybody.
    OldForkUntold,
    /// The first block of a height that comes stays, whoever has certified it.
    ForeignBlockDisplaces,
    /// Blocks of far heights count as proven by any set that the chain ever had.
    ProvenByAnySet,
    /// That a block was discarded is not told to whoever asks for blocks.
    DiscardUnreported,
    /// The leaves of a compact proposal count without the header's root.
    UncheckedLeaves,
    /// A transaction fills a compact proposal whatever its leaf is.
    UncheckedFilling,
    /// Whoever answers in vain keeps the next block to itself, however good whoever is free.
    LiarsHoldUpAll,
    /// Another block than the trusted one is committed at its height.
    TrustedUnchecked,
    /// A polka that does not verify costs its proposer nothing.
    BadPolkaFree,
    /// A sender's last transaction is worth its own price, whatever waits before it.
    TailShields,
    /// All of a sender's transactions are worth as much as its first.
    ChainsCrowdOut,
    /// What its sender will not be able to pay is offered for a block.
    DrainedTakePlaces,
}

#[cfg(feature = "mutants")]
mod plot {
    use super::Mutation;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// The bug that is planted on this thread.
    pub(crate) fn bug() -> Option<Mutation> {
        PLANTED.get()
    }

    /// Whether it is this one.
    pub fn planted(mutation: Mutation) -> bool {
        bug() == Some(mutation)
    }

    /// Takes out what is planted until the answer is dropped: so a broken function can run the
    /// whole one.
    pub(crate) fn uproot() -> Planted {
        Planted(PLANTED.take())
    }

    /// Plants a bug on this thread until the answer is dropped.
    pub fn plant(mutation: Mutation) -> Planted {
        Planted(PLANTED.replace(Some(mutation)))
    }

    /// Plants a bug under a unit test: it must fail, or it does not hold the guard.
    #[cfg(test)]
    pub(crate) fn must_be_noticed(bug: Mutation, test: fn()) {
        test();
        let planted = plant(bug);
        let failed = std::panic::catch_unwind(test).is_err();
        drop(planted);
        assert!(failed, "the test does not notice {bug:?}");
    }

    /// A bug is planted as long as this lives; then what was planted before is again.
    #[derive(Debug)]
    #[must_use = "a bug is planted only as long as this lives"]
    pub struct Planted(Option<Mutation>);

    impl Drop for Planted {
        fn drop(&mut self) {
            PLANTED.set(self.0);
        }
    }
}

#[cfg(all(test, feature = "mutants"))]
pub(crate) use plot::must_be_noticed;
#[cfg(feature = "mutants")]
pub use plot::{Planted, plant, planted};
#[cfg(feature = "mutants")]
pub(crate) use plot::{bug, uproot};
