//! Who may fall how often, what a fall means, and why a node ends.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How many falls a node bears, and how long a fallen actor waits for its restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Falls within [`Policy::within`] that are answered by a restart; one more ends the node.
    pub falls: usize,
    /// The span in which falls are counted, over all actors of the node together: a fault that
    /// moves from one to the next is still one fault.
    pub within: Duration,
    /// The wait before the first restart; it doubles with every further fall in the span.
    pub first_delay: Duration,
    /// The longest wait.
    pub longest_delay: Duration,
    /// How long the supervisor waits for one actor to stop before it goes on with the next.
    pub stop_patience: Duration,
}

impl Default for Policy {
    /// Three restarts in five seconds, after 5, 10 and 20 ms.
    fn default() -> Self {
        Policy {
            falls: 3,
            within: Duration::from_secs(5),
            first_delay: Duration::from_millis(5),
            longest_delay: Duration::from_millis(500),
            stop_patience: Duration::from_secs(2),
        }
    }
}

impl Policy {
    /// The wait after the `recent`-th fall in the span (the first is 1); none: no more restarts.
    pub fn delay(&self, recent: usize) -> Option<Duration> {
        let doublings = u32::try_from(recent.saturating_sub(1)).unwrap_or(u32::MAX);
        let delay = self
            .first_delay
            .saturating_mul(2u32.saturating_pow(doublings));
        (recent <= self.falls).then(|| delay.min(self.longest_delay))
    }
}

/// Falls not older than the span of a policy.
#[derive(Debug, Default)]
pub(super) struct Falls(VecDeque<Instant>);

impl Falls {
    /// Counts a fall at `now`; returns how many there are in the span, this one included.
    pub(super) fn count(&mut self, now: Instant, within: Duration) -> usize {
        self.0.push_back(now);
        while self
            .0
            .front()
            .is_some_and(|fall| now.duration_since(*fall) > within)
        {
            self.0.pop_front();
        }
        self.0.len()
    }
}

/// What a fall of an actor means for the node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFall {
    /// It is restarted; too many falls end the node.
    #[default]
    Restart,
    /// It is never restarted: its first fall ends the node. For the error kernel, whose state nobody
    /// could rebuild.
    StopNode,
    /// It is restarted; after too many falls of its own it stays fallen, its ports are closed, and
    /// the node goes on without it. Its falls do not count against the others. For an actor that
    /// the node can do without.
    Close,
}

/// What sort of error an actor ended its node for: how the process should end, and so what whoever
/// runs it should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FatalKind {
    /// Starting it again may help: a full disk, a system that refused.
    Retry,
    /// It ends again until its configuration changes.
    Configuration,
    /// The data directory holds bytes that no node has written: never start it again as it is.
    Corrupt,
    /// Going on would be unsafe: somebody must look first.
    Safety,
}

impl FatalKind {
    /// 1 may be retried, 2 configuration, 3 corrupt data, 4 safety stop.
    pub fn exit_code(self) -> u8 {
        match self {
            FatalKind::Retry => 1,
            FatalKind::Configuration => 2,
            FatalKind::Corrupt => 3,
            FatalKind::Safety => 4,
        }
    }
}

/// What to do after a fault of this program, which the next start may not meet.
const NEXT: &str = "start it again, and if it ends like this again, report it with its log";

/// Why a node ended. Its text is made to be the last line of the node's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// Somebody asked for it: no failure.
    #[error("it was asked to stop")]
    Asked,
    /// Somebody killed it, without any good order.
    #[error("it was killed")]
    Killed,
    /// Somebody asked for it, and before that it had stopped voting for good, for this reason and with
    /// this next step, and only served reads.
    #[error("it was asked to stop, after a safety stop: {0}")]
    Halted(String),
    /// More falls than the policy bears.
    #[error(
        "{actor} fell; the node's actors fell {falls} times within {within:?}; last: {last}; \
         {next}",
        next = NEXT
    )]
    TooManyFalls {
        /// The actor that fell last.
        actor: String,
        /// Falls in the span, over all actors.
        falls: usize,
        /// The span.
        within: Duration,
        /// Text of the last panic.
        last: String,
    },
    /// The error kernel fell.
    #[error("{actor} fell, and it is never restarted in place: {last}; {next}", next = NEXT)]
    KernelFell {
        /// The actor.
        actor: String,
        /// Text of its panic.
        last: String,
    },
    /// An actor could not be made, or the thread that it lived on ended under it.
    #[error("{actor} is gone and cannot be restarted: {last}; {next}", next = NEXT)]
    Lost {
        /// The actor.
        actor: String,
        /// What is known about it.
        last: String,
    },
    /// An actor ended the node on purpose: see [`Fatal`](super::Fatal).
    #[error("{text}")]
    Fatal {
        /// What sort of error, for the exit code.
        kind: FatalKind,
        /// What happened, and the next step.
        text: String,
    },
    /// The supervisor panicked; nobody watches it.
    #[error("the supervisor itself panicked; {next}", next = NEXT)]
    SupervisorDied,
}

impl EndReason {
    /// Of a node that was asked to stop, if it had stopped voting for good because of `halt`.
    pub fn asked(halt: Option<String>) -> EndReason {
        halt.map_or(EndReason::Asked, EndReason::Halted)
    }

    /// True unless somebody wanted the node to end, and nothing was wrong with it.
    pub fn is_failure(&self) -> bool {
        !matches!(self, EndReason::Asked | EndReason::Killed)
    }

    /// How the process should end: 0 clean, 1 may be retried, 2 configuration, 3 corrupt data,
    /// 4 safety stop. A fall is a bug of ours that the next start may not meet.
    pub fn exit_code(&self) -> u8 {
        match self {
            EndReason::Asked | EndReason::Killed => 0,
            EndReason::Halted(_) => FatalKind::Safety.exit_code(),
            EndReason::Fatal { kind, .. } => kind.exit_code(),
            EndReason::TooManyFalls { .. }
            | EndReason::KernelFell { .. }
            | EndReason::Lost { .. }
            | EndReason::SupervisorDied => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_and_is_capped_and_then_there_is_no_restart() {
        let policy = Policy {
            falls: 9,
            ..Policy::default()
        };
        let waits: Vec<_> = (1..=10)
            .map(|n| policy.delay(n).map(|d| d.as_millis()))
            .collect();
        let want = [5, 10, 20, 40, 80, 160, 320, 500, 500].map(Some);
        assert_eq!(waits[..9], want);
        assert_eq!(waits[9], None);
    }

    #[test]
    fn every_reason_has_its_exit_code() {
        let fatal = |kind| EndReason::Fatal {
            kind,
            text: "why".into(),
        };
        let (actor, last) = (String::from("A"), String::from("why"));
        let (other, why) = (actor.clone(), last.clone());
        let lost = EndReason::Lost { actor, last };
        let (actor, last) = (other.clone(), why.clone());
        let fell = EndReason::KernelFell { actor, last };
        let many = EndReason::TooManyFalls {
            actor: other,
            falls: 4,
            within: Duration::from_secs(5),
            last: why,
        };
        for ours in [&lost, &fell, &many, &EndReason::SupervisorDied] {
            assert!(ours.to_string().ends_with(NEXT), "{ours}");
        }
        let codes = [
            (EndReason::asked(None), 0),
            (EndReason::asked(Some("why".into())), 4),
            (EndReason::SupervisorDied, 1),
            (fell, 1),
            (many, 1),
            (lost, 1),
            (fatal(FatalKind::Retry), 1),
            (fatal(FatalKind::Configuration), 2),
            (fatal(FatalKind::Corrupt), 3),
            (fatal(FatalKind::Safety), 4),
        ];
        for (reason, code) in codes {
            assert_eq!(reason.exit_code(), code, "{reason:?}");
            assert_eq!(reason.is_failure(), code != 0);
        }
    }

    #[test]
    fn a_wait_never_overflows() {
        let policy = Policy {
            falls: usize::MAX,
            ..Policy::default()
        };
        assert_eq!(policy.delay(usize::MAX), Some(policy.longest_delay));
    }

    #[test]
    fn a_fall_older_than_the_span_is_forgotten() {
        let start = Instant::now();
        let within = Duration::from_secs(5);
        let at = |ms| start + Duration::from_millis(ms);
        let mut falls = Falls::default();
        assert_eq!(falls.count(at(0), within), 1);
        assert_eq!(falls.count(at(4_000), within), 2);
        assert_eq!(falls.count(at(5_000), within), 3);
        assert_eq!(falls.count(at(5_001), within), 3, "the one at 0 is gone");
        assert_eq!(falls.count(at(20_000), within), 1);
    }
}
