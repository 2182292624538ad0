//! Named points between persisting and sending, at which a test ends the process as `kill -9` does.
//!
//! Without the feature `kill-points` nothing of this is built: [`reach`] is empty, and no normal
//! dependency switches the feature on. With it, `KILL_AT=after-persist-prevote:3` in the environment
//! kills the process when it reaches that point for the third time.
use lockstep_protocol::consensus::durable::SignStep;
use lockstep_protocol::nouns::vote::VoteKind;

/// Where a process may be killed.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "kill-points"), allow(dead_code))] // nobody reads it there
pub(crate) enum Point {
    /// A signature is about to be written.
    BeforePersist(SignStep),
    /// It is durable; nobody has been told.
    AfterPersist(SignStep),
    /// Its message is about to go to the links.
    BeforeSend(SignStep),
    /// A peer has taken its message.
    #[cfg(feature = "kill-points")]
    AfterSend(SignStep),
    /// A block's transaction is about to be written.
    BeforeCommit,
    /// It is durable; nobody has been told.
    AfterCommit,
    /// The RoundDriver is about to hear where it stopped.
    Recovery,
}

impl Point {
    /// An own proposal is about to go to the links.
    pub(crate) const BEFORE_PROPOSAL: Point = Point::BeforeSend(SignStep::Propose);

    /// An own vote is about to go to the links.
    pub(crate) fn before_vote(kind: VoteKind) -> Point {
        Point::BeforeSend(step(kind))
    }
}

fn step(kind: VoteKind) -> SignStep {
    match kind {
        VoteKind::Prevote => SignStep::Prevote,
        VoteKind::Precommit => SignStep::Precommit,
    }
}

#[cfg(not(feature = "kill-points"))]
pub(crate) use off::{reach, sent};
#[cfg(feature = "kill-points")]
pub(crate) use on::{reach, sent};

#[cfg(not(feature = "kill-points"))]
mod off {
    use lockstep_protocol::types::Address;
    use lockstep_protocol::wire::Wire;

    #[inline(always)]
    pub(crate) fn reach(_: super::Point) {}

    #[inline(always)]
    pub(crate) fn sent(_: &Wire, _: &Address, _: &[u8]) {}
}

#[cfg(feature = "kill-points")]
mod on {
    use super::{Point, SignStep};
    use lockstep_protocol::types::Address;
    use lockstep_protocol::wire::Wire;
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    const VARIABLE: &str = "KILL_AT";

    /// The point that was asked for, and how often it has yet to be reached.
    struct Wanted {
        point: String,
        left: AtomicU64,
    }

    fn wanted() -> Option<&'static Wanted> {
        static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
        let read = || {
            let text = std::env::var(VARIABLE).ok()?;
            let (point, times) = text.split_once(':')?;
            Some(Wanted {
                point: point.to_owned(),
                left: AtomicU64::new(times.parse().ok()?),
            })
        };
        WANTED.get_or_init(read).as_ref()
    }

    fn name(point: Point) -> String {
        let step = |step| match step {
            SignStep::Propose => "proposal",
            SignStep::Prevote => "prevote",
            SignStep::Precommit => "precommit",
        };
        match point {
            Point::BeforePersist(of) => format!("before-persist-{}", step(of)),
            Point::AfterPersist(of) => format!("after-persist-{}", step(of)),
            Point::BeforeSend(of) => format!("before-send-{}", step(of)),
            Point::AfterSend(of) => format!("after-send-{}", step(of)),
            Point::BeforeCommit => "before-commit".into(),
            Point::AfterCommit => "after-commit".into(),
            Point::Recovery => "recovery".into(),
        }
    }

    /// Ends the process here if this is the point, and the time, that was asked for.
    pub(crate) fn reach(point: Point) {
        let Some(wanted) = wanted() else { return };
        if wanted.point == name(point) && wanted.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let killed = kill_process(getpid(), Signal::KILL);
            unreachable!("the process lives on after SIGKILL: {killed:?}");
        }
    }

    /// A peer has taken this body: a point, if it is a message of this validator itself.
    pub(crate) fn sent(wire: &Wire, me: &Address, body: &[u8]) {
        if wanted().is_none() {
            return;
        }
        if let Ok(signed) = wire.decode_vote(body) {
            if signed.vote.validator == *me {
                reach(Point::AfterSend(super::step(signed.vote.kind)));
            }
        } else if let Ok(proposal) = wire
            .decode_proposal(body)
            .map(|whole| whole.proposal)
            .or_else(|_| wire.decode_compact(body).map(|compact| compact.proposal))
            && proposal.proposer == *me
        {
            reach(Point::AfterSend(SignStep::Propose));
        }
    }
}
