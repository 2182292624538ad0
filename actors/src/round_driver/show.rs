//! What the node shows of its driver: in its view, its log and its metrics.
use super::RoundDriver;
use crate::clock::words::Awaited;
use crate::limits::CLOCK_SAID_EVERY;
use crate::messages::state_store::RememberHalt;
use crate::shell::Deliver;
use crate::timelines::{Did, Note};
use lockstep_protocol::consensus::driver::{ClockWait, Driver, Halt, Signing};
use lockstep_protocol::types::{Height, Round};

impl RoundDriver {
    pub(super) fn halt(&self, reason: Halt) {
        log::error!("{reason}");
        if reason.outlives_restart() {
            let remember = RememberHalt(reason.clone());
            self.seed.ports.remember_halt.deliver(remember);
        }
        self.seed.view.set_halted(reason);
    }

    /// Shows whether this node signs, and if it does not, why. A node that never may has said so
    /// when it started.
    pub(super) fn show_voice(&self) {
        let Some(driver) = &self.driver else { return };
        if driver.signs() {
            self.seed.view.set_observing(None);
        } else if !driver.is_validator() && self.seed.signing != Signing::Never {
            let reason = format!(
                "{} is no validator at height {}: it follows, and signs once the validators have \
                 added it",
                self.seed.config.me,
                driver.height()
            );
            if self.seed.view.copy().observing.is_none() {
                log::info!("this node observes: {reason}");
            }
            self.seed.view.set_observing(Some(reason));
        }
    }

    /// Shows what a node waits for whose clock lies behind the newest block; says so when that
    /// begins and ends, and now and then while it lasts.
    pub(super) fn show_clock(&mut self, wait: Option<ClockWait>) {
        self.seed.view.set_clock_wait(wait);
        let now = tokio::time::Instant::now();
        match (wait, self.clock_said) {
            (Some(_), Some(said)) if now - said < CLOCK_SAID_EVERY => {}
            (Some(wait), _) => {
                log::warn!("{}", Awaited(wait));
                self.clock_said = Some(now);
            }
            (None, Some(_)) => {
                log::info!("this node's clock is no longer behind the newest block");
                self.clock_said = None;
            }
            (None, None) => {}
        }
    }

    /// Counts the height that has just been decided, if this validator had not precommitted there.
    pub(super) fn count_missed(&self, before: Option<(Height, Round)>, height: Height) {
        let was_here = before.is_some_and(|(before, _)| before.next() == height);
        let signs = self.driver.as_ref().is_some_and(Driver::signs);
        if was_here && signs && self.precommitted != Some(height.previous()) {
            self.seed.metrics.own_votes_late.inc();
        }
    }

    pub(super) fn note(&self, note: Note) {
        self.seed.view.timelines.note(note);
    }

    pub(super) fn note_round(&self, before: Option<(Height, Round)>, height: Height, round: Round) {
        if before.is_none_or(|(before, _)| before != height) {
            self.note(Note::new(Did::Began, height, round));
        }
        if round > Round::ZERO {
            self.note(Note::new(Did::RoundBegan, height, round));
        }
    }

    pub(super) fn show_round(&self, height: Height, round: Round) {
        self.seed.metrics.rounds.inc();
        if round == Round::ZERO {
            self.seed.view.begin_height();
        } else {
            self.seed.metrics.rounds_skipped.inc();
            log::debug!("height {height} enters round {round}");
        }
        self.seed.metrics.round.set(i64::from(round.0));
    }
}
