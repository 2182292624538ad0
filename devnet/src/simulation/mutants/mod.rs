//! Planted bugs: each must be caught, or the simulator is blind (P6). One line of [`ALL`] each.
//!
//! A bug is exactly one guard of the protocol that is taken away where it stands
//! ([`lockstep_protocol::mutation`]), and nothing else; it is no wrapper around a brain. What is
//! tested is that *this* guard is needed, and that its loss is seen. All nodes have the bug; the
//! properties judge by the rules as they are.
//!
//! Some guards have no line here: with each of them gone alone, 300 seeds of eight families showed
//! nothing, because another rule steps in. Unit tests hold them, with the bug planted under each:
//! - `PrecommitsEndRound`: E3 on precommits only ends a round early, as L61 and L65 may at any time
//!   (`round_machine::tests::extensions::e3_on_precommits_is_noticed`);
//! - `NoOlderPolka`, `LockOnOlderPolka` (`…::e8_that_never_fires_or_locks_is_noticed`) and
//!   `NobodyFurtherOn` (`tally::tests::thresholds::that_nobody_further_on_counts_is_noticed`): E6
//!   and E5 bring the same votes a little later;
//! - `ClockNotAwaited`: a height that begins too early fails in rounds that E12 paces
//!   (`driver::tests::clocks::a_genesis_that_is_not_waited_for_is_noticed`);
//! - `DiscardUnreported` (`committer::tests::that_a_discarded_block_is_not_reported_is_noticed`): whoever
//!   is asked for it next has the true block;
//! - `ProvenByAnySet` (`catch_up::tests::answers::that_any_set_proves_what_there_is_to_reach_is_noticed`)
//!   and `ForeignBlockDisplaces`
//!   (`committer::writing::tests::that_a_foreign_block_displaces_a_decision_is_noticed`): a thousand worlds of
//!   old keys show nothing;
//! - `LiarsHoldUpAll` (`catch_up::tests::schedules::that_liars_hold_up_all_is_noticed`): it takes five
//!   liars and a peer whose answers keep time with them;
//! - `LeastAtOnce` (`catch_up::tests::arrivals::noticed`): with at most f faulty the least is safe;
//! - `ClaimsLastForEver` and `AloneAtOnce` (`catch_up::tests::arrivals::noticed`): no liar of these worlds
//!   serves all that there is and claims more, and no home is put back to a time when its key decided
//!   alone;
//! - `PolkaNotWaitedFor` (`tally::tests::silence::a_polka_that_nobody_waits_for_is_noticed`): the
//!   round that is left too early is made up for by the next;
//! - `TallyStaysAhead` (`tally::tests::thresholds::a_tally_that_stays_ahead_is_noticed`): no world has
//!   shown it yet;
//! - `UnsignedStanding` (`standing::tests::an_unsigned_standing_is_noticed`): nobody here answers in the
//!   name of another;
//! - `RefusedLeavesTrace`: users of the simulator send little that a block refuses
//!   (`ledger::tests::prepared::a_refused_candidate_that_leaves_a_trace_is_noticed`);
//! - `NeverExpires`, `OldReadinessCounts`: no world is so long that a vote expires, and none has a
//!   newcomer wait for a hundred heights (`ledger::tests::consent::a_vote_that_never_expires_is_noticed`,
//!   `ledger::tests::readiness::a_word_that_counts_for_ever_is_noticed`);
//! - `TailShields`, `ChainsCrowdOut`, `DrainedTakePlaces`: there is no mempool in the simulator
//!   (`mempool::tests::worth::a_tail_that_shields_is_noticed` and its neighbours);
//! - `BadPolkaFree`: what a signature check costs is no part of a world
//!   (`proposals::tests::polka::that_bad_polkas_are_free_is_noticed`);
//! - `SignAnything`: the sign guard is never needed while the rules hold
//!   (`sign_guard::tests::a_guard_that_lets_everything_pass_is_noticed`). It has its line here
//!   together with a rule that breaks (`PrecommitTwice`, `PrecommitTwiceUnguarded`);
//! - `TrustedUnchecked`: no node here has been told which block to trust, as its world has one chain
//!   (`consensus::trusted::tests::a_trusted_block_that_nobody_looks_at_is_noticed`).
//!
//! A duplicate signer cannot even be written down: a certificate is a bitmap.
use super::profile::Profile;
use super::{Violation, Worlds, world};
use Profile::{All, Byzantine, Clocks, Flaky, OldDisks, OldKeys, Partition};
use lockstep_protocol::mutation::Mutation as M;

pub(crate) mod one_phase;

/// A bug, and who must notice.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// What is wrong.
    pub bug: M,
    /// The worlds in which it shows.
    pub profile: Profile,
    /// The properties that judge these worlds: one of them must notice.
    pub caught_by: &'static [&'static str],
}

const fn planted(bug: M, profile: Profile, caught_by: &'static [&'static str]) -> Planted {
    Planted {
        bug,
        profile,
        caught_by,
    }
}

const AMNESIA: Profile = Profile::Habit("amnesia");
const VOTER: Profile = Profile::Habit("equivocating-voter");
const FORGED: Profile = Profile::Habit("forged-sender");
const INVALID: Profile = Profile::Habit("invalid-block");
const ACCUSER: Profile = Profile::Habit("false-accuser");
const BOASTER: Profile = Profile::Habit("boaster");
const UNHELD: Profile = Profile::Habit("unheld");

const AGREEMENT: &[&str] = &["agreement"];
const VALIDITY: &[&str] = &["validity"];
const DOUBLE: &[&str] = &["no double sign"];
const LOCK: &[&str] = &["lock rule"];
const CERTIFICATES: &[&str] = &["certificate validity"];
const TROUBLE: &[&str] = &["no trouble"];
const PROGRESS: &[&str] = &["progress"];
const SETS: &[&str] = &["validator sets"];
const KEY: &[&str] = &["key guard"];
const EVIDENCE: &[&str] = &["evidence completeness"];
const RESTORED: &[&str] = &["agreement", "restored sign"];
const FORKS: &[&str] = &["old forks told"];
const EXECUTION: &[&str] = &["execution"];
const PACING: &[&str] = &["pacing"];

/// All of them.
pub const ALL: &[Planted] = &[
    planted(M::LowQuorum, All, AGREEMENT),
    planted(M::LooseQuorum, All, CERTIFICATES),
    planted(M::LowSkipSet, Profile::Habit("flood"), PROGRESS),
    planted(M::NoLockInL22, All, LOCK),
    planted(M::NoLockInL28, AMNESIA, LOCK),
    planted(M::NoPolkaInL28, Byzantine, LOCK),
    planted(M::UnlockOnPolka, AMNESIA, LOCK),
    planted(M::LockPerRound, All, LOCK),
    planted(M::PrecommitTwice, All, TROUBLE),
    planted(M::PrecommitTwiceUnguarded, All, DOUBLE),
    planted(M::PrecommitWithoutPolka, All, LOCK),
    planted(M::StaleFirstTimes, All, PROGRESS),
    planted(M::DecideOnAny, Byzantine, AGREEMENT),
    planted(M::DecideThisRoundOnly, AMNESIA, PROGRESS),
    planted(M::OnePhase, Flaky, AGREEMENT),
    planted(M::ProposeAnew, All, LOCK),
    planted(M::LateProposal, All, TROUBLE),
    planted(M::AnyValidRound, AMNESIA, CERTIFICATES),
    planted(M::NoSkip, AMNESIA, PROGRESS),
    planted(M::NoProposeTimeout, All, PROGRESS),
    planted(M::NoPrevoteTimeout, All, PROGRESS),
    planted(M::NoPrecommitTimeout, All, PROGRESS),
    planted(M::NoResend, Partition, PROGRESS),
    planted(M::SendBeforeDurable, All, DOUBLE),
    planted(M::LockNotPersisted, All, LOCK),
    planted(M::RecordForgotten, Flaky, DOUBLE),
    planted(M::LockNotRestored, All, LOCK),
    planted(M::EvidenceDropped, VOTER, EVIDENCE),
    planted(M::EvidenceKeptToOneself, All, EVIDENCE),
    planted(M::UnverifiedEvidence, ACCUSER, EVIDENCE),
    planted(M::FirstVoteWins, VOTER, EVIDENCE),
    planted(M::ForeignKeyIgnored, Profile::Twins, KEY),
    planted(M::ForeignKeyForgotten, Profile::Twins, KEY),
    planted(M::SignsBeforeArrival, OldDisks, RESTORED),
    planted(M::UnverifiedVotes, FORGED, AGREEMENT),
    planted(M::UnverifiedProposals, FORGED, CERTIFICATES),
    planted(
        M::AnyProposer,
        Profile::Habit("wrong-proposer"),
        CERTIFICATES,
    ),
    planted(M::EveryBlockValid, INVALID, TROUBLE),
    planted(M::FailedCallWrites, All, EXECUTION),
    planted(M::EventsOutsideLeaf, All, EXECUTION),
    planted(M::UncheckedLastCommit, INVALID, VALIDITY),
    planted(M::UncheckedCertificate, BOASTER, AGREEMENT),
    planted(M::CertificateOfFew, BOASTER, AGREEMENT),
    planted(M::SetTooEarly, Profile::Validators, SETS),
    planted(M::OldSetCounts, Profile::Validators, CERTIFICATES),
    planted(M::ChangeByFew, Profile::Validators, SETS),
    planted(M::UncheckedLeaves, UNHELD, VALIDITY),
    planted(M::UncheckedFilling, UNHELD, TROUBLE),
    planted(M::OldForkStops, OldKeys, TROUBLE),
    planted(M::OldForkUntold, OldKeys, FORKS),
    planted(M::OneWordIsEnough, OldDisks, RESTORED),
    planted(M::OwnWeightCounts, OldDisks, RESTORED),
    planted(M::ClaimsNotReached, OldDisks, RESTORED),
    planted(M::EveryRoundBelieved, BOASTER, PROGRESS),
    planted(M::RoundsNotAsked, OldDisks, RESTORED),
    planted(M::SignsInOldRounds, OldDisks, RESTORED),
    planted(M::ResumesInOldRound, Profile::OldRounds, PROGRESS),
    planted(M::UnpacedRounds, Clocks, PACING),
    planted(M::ReadinessNotAsked, Profile::Validators, SETS),
    planted(M::WithdrawalIgnored, Profile::Validators, SETS),
];

/// Bugs that the sequences of partitions of P4 must notice: a lock that does not count or does not
/// last, what a quorum is, and the second phase. (`UnlockOnPolka` is not among them: the sequences are
/// too short for a second polka, and a sample of 3,943 did not fork.)
pub const TWINS: &[Planted] = &[
    planted(M::NoLockInL22, Profile::TwinsAll, AGREEMENT),
    planted(M::LockPerRound, Profile::TwinsAll, AGREEMENT),
    planted(M::LowQuorum, Profile::TwinsAll, AGREEMENT),
    planted(M::OnePhase, Profile::TwinsAll, AGREEMENT),
];

impl Planted {
    /// The first of these seeds in whose world the bug was noticed, and how.
    pub fn hunt(&self, seeds: impl IntoIterator<Item = u64>) -> Option<(u64, Violation)> {
        seeds.into_iter().find_map(|seed| {
            let world = world::build(seed, Worlds::from(self.profile));
            let outcome = world.with_bug(self.bug, self.caught_by).run(true);
            Some((seed, outcome.violations.into_iter().next()?))
        })
    }
}
