//! What this node knows of the clocks of others: fed by the links, read by pages, the log and the
//! round driver. Its brain is [`Clocks`].
use super::Clock;
use super::words::signed;
use crate::limits::{CLOCK_NEWS_EVERY, CLOCK_SAID_EVERY, CLOCKS_NAMED_MAX, UNTIMELY_SAID_EVERY};
use crate::times::Span;
use lockstep_protocol::consensus::clocks::{Clocks, Exchange, Report};
use lockstep_protocol::types::{Address, Height, Timestamp};
use lockstep_protocol::validators::set::ValidatorSet;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// A proposal that this node's clock refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Untimely {
    /// For which height.
    pub(crate) height: Height,
    /// Who proposed it.
    pub(crate) proposer: Address,
    /// How far its time lay ahead of this node's clock.
    pub(crate) ahead_ms: u64,
}

impl Untimely {
    /// For people.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "block time is {} ahead of this node's clock: {} proposed it for height {}, and it was \
             refused; set the clock that is wrong",
            Span(self.ahead_ms),
            self.proposer,
            self.height
        )
    }
}

/// How clocks stand, for the log: which line is news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Agree,
    /// Those of some peers are apart.
    Apart,
    /// This node's own is wrong: it is behind the others.
    Behind,
    /// … it is ahead of them.
    Ahead,
}

impl State {
    fn of(report: &Report) -> State {
        match (report.own_is_off(), report.median_ms > 0) {
            (true, true) => State::Behind,
            (true, false) => State::Ahead,
            (false, _) if report.apart().next().is_some() => State::Apart,
            (false, _) => State::Agree,
        }
    }

    /// Whether to say so, when this was said so long ago. News wait a moment, too: a peer may say
    /// another clock with each answer.
    fn is_due(self, said: Option<(Duration, State)>) -> bool {
        match said {
            None => self != State::Agree,
            Some((ago, state)) if state == self => self != State::Agree && ago >= CLOCK_SAID_EVERY,
            Some((ago, _)) => ago >= CLOCK_NEWS_EVERY,
        }
    }
}

#[derive(Debug, Default)]
struct Parts {
    clocks: Clocks,
    untimely: Option<Untimely>,
    /// When it was last said how the clocks stand, and how.
    said: Option<(Instant, State)>,
    untimely_said: Option<Instant>,
}

/// The clocks of others, and what was said of them.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch(Mutex<Parts>);

impl ClockWatch {
    /// A peer has said its clock.
    pub(crate) fn heard(&self, exchange: &Exchange) {
        self.0.lock().clocks.heard(exchange);
    }

    /// How the clocks stand now.
    pub(crate) fn report(&self, clock: &Clock, me: &Address, set: &ValidatorSet) -> Report {
        let seen = (clock.now(), clock.wall());
        self.0.lock().clocks.report(seen, me, set)
    }

    /// Says in the log how the clocks stand: when that changes, and now and then while they are apart.
    pub(crate) fn say(&self, report: &Report) {
        let mut parts = self.0.lock();
        let now = Instant::now();
        let state = State::of(report);
        let said = parts.said.map(|(when, state)| (now - when, state));
        if !state.is_due(said) {
            return;
        }
        parts.said = Some((now, state));
        match sentence(report) {
            Some(apart) => log::warn!("{apart}"),
            None => log::info!("the clocks of this node and its peers agree again"),
        }
    }

    /// A proposal was refused for its time: shown as long as its height lasts, said now and then.
    pub(crate) fn refused(&self, untimely: Untimely) {
        let mut parts = self.0.lock();
        parts.untimely = Some(untimely);
        let now = Instant::now();
        let is_due = |said: Instant| now - said >= UNTIMELY_SAID_EVERY;
        if parts.untimely_said.is_none_or(is_due) {
            log::warn!("{}", untimely.sentence());
            parts.untimely_said = Some(now);
        }
    }

    /// The newest refusal at this height.
    pub(crate) fn untimely(&self, height: Height) -> Option<Untimely> {
        let untimely = self.0.lock().untimely;
        untimely.filter(|untimely| untimely.height == height)
    }

    /// The wall clock of this node, or that of the validators if they are known to be ahead.
    pub(crate) fn furthest(&self, clock: &Clock, me: &Address, set: &ValidatorSet) -> Timestamp {
        self.report(clock, me, set).furthest(clock.wall())
    }
}

/// Whose clock is wrong, if one is.
pub(crate) fn sentence(report: &Report) -> Option<String> {
    if report.own_is_off() {
        return Some(format!(
            "this node's clock is {} that of the validators: set it; its proposals, or those of \
             others, are refused meanwhile",
            signed(report.median_ms.saturating_neg())
        ));
    }
    let apart: Vec<String> = report
        .apart()
        .take(CLOCKS_NAMED_MAX)
        .map(|(peer, ms)| format!("that of {peer} is {} this node's", signed(ms)))
        .collect();
    (!apart.is_empty()).then(|| format!("clocks are apart: {}", apart.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Address = Address([7; 20]);
    const HOUR_MS: i64 = 3_600_000;

    fn report(peer_ms: i64, median_ms: i64) -> Report {
        let peers = [(PEER, peer_ms)].into();
        Report { peers, median_ms }
    }

    #[test]
    fn a_clock_that_is_apart_is_named_and_the_own_one_first() {
        assert_eq!(sentence(&report(900, 0)), None);
        let other = sentence(&report(-3_588_000, 0)).unwrap();
        assert_eq!(
            other,
            format!("clocks are apart: that of {PEER} is 59 min 48 s behind this node's")
        );
        let own = sentence(&report(3_588_000, 3_588_000)).unwrap();
        assert!(
            own.starts_with("this node's clock is 59 min 48 s behind that of the validators"),
            "{own}"
        );
        let own = sentence(&report(-45_000, -45_000)).unwrap();
        assert!(own.contains("45 s ahead of that"), "{own}");
    }

    /// Its clock was an hour ahead, then an hour behind: the second was not said for a minute.
    #[test]
    fn what_has_changed_is_said_soon_and_what_has_not_now_and_then() {
        let (ahead, behind) = (State::Ahead, State::Behind);
        assert_eq!(State::of(&report(-HOUR_MS, -HOUR_MS)), ahead);
        assert_eq!(State::of(&report(HOUR_MS, HOUR_MS)), behind);
        assert_eq!(State::of(&report(HOUR_MS, 0)), State::Apart);
        assert_eq!(State::of(&report(0, 0)), State::Agree);
        let moment = Duration::from_secs(1);
        assert!(!State::Agree.is_due(None));
        assert!(ahead.is_due(None));
        assert!(!ahead.is_due(Some((CLOCK_NEWS_EVERY, ahead))));
        assert!(ahead.is_due(Some((CLOCK_SAID_EVERY, ahead))));
        assert!(!behind.is_due(Some((moment, ahead))));
        for news in [behind, State::Apart, State::Agree] {
            assert!(news.is_due(Some((CLOCK_NEWS_EVERY, ahead))));
        }
        assert!(!State::Agree.is_due(Some((CLOCK_SAID_EVERY, State::Agree))));
    }

    #[test]
    fn a_refusal_is_shown_as_long_as_its_height_lasts() {
        let watch = ClockWatch::default();
        let height = Height(4);
        assert_eq!(watch.untimely(height), None);
        let untimely = Untimely {
            height,
            proposer: PEER,
            ahead_ms: 3_588_000,
        };
        watch.refused(untimely);
        assert_eq!(watch.untimely(height), Some(untimely));
        assert_eq!(watch.untimely(height.next()), None);
        let said = untimely.sentence();
        let expected = "block time is 59 min 48 s ahead of this node's clock";
        assert!(said.starts_with(expected), "{said}");
    }
}
