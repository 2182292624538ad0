//! When a height begins: at a tick, after an interval, or because others have begun; by its own
//! pacing not before this node's clock is near the newest block ([`ClockWait`](super::ClockWait)).
use super::{Driver, Output};
use crate::consensus::catch_up::arrival::Arrival;
use crate::consensus::round_machine::{self, Resume, RoundMachine, Step};
use crate::consensus::timeouts::TimeoutKind;
use crate::types::{Address, Height, Instant, Round};

/// When a new height begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// At [`Input::Tick`](super::Input::Tick). A node whose turn it is not waits for the proposer's
    /// message.
    Manual,
    /// This many milliseconds after the previous height began; at once if that is over, after a
    /// start, if transactions wait on the proposer, or if others have begun. 0: as fast as it goes.
    Interval(u64),
    /// When transactions wait here, whoever's turn it is, or if others have begun: no block is empty
    /// for nothing. Whoever waits for a proposer that is down goes on to the next round with the others.
    /// Votes may overtake the transaction that they are for: a proposer to whom none has come gives it
    /// a third of the time that the others wait for a first proposal, before it builds without it.
    OnDemand,
}

/// What a tick did on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum TickOutcome {
    /// It is this node's turn: it builds a block.
    Building,
    /// It is somebody else's turn: this node waits for its proposal.
    Skipped {
        /// Whose turn it is.
        proposer: Address,
    },
    /// This node's clock lies too far behind the newest block: nobody could propose in time.
    WaitingForClock {
        /// How far that block lies ahead of it, in milliseconds.
        ahead_ms: u64,
    },
    /// The height had begun already, or is over.
    AlreadyRunning,
    /// The configured last height is reached, or this node has stopped voting.
    Stopped,
}

impl Driver {
    pub(super) fn start(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.recovered.is_some() {
            self.begin(now, out);
        } else {
            self.pace(now, out);
        }
        self.retell(out);
    }

    /// Decides when the height begins.
    pub(super) fn pace(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.running || !self.may_begin() || self.clock_wait().is_some() {
            return;
        }
        let interval_ms = match self.config.pacing {
            Pacing::Manual => return,
            Pacing::OnDemand if self.wanted >= self.height => return self.begin(now, out),
            Pacing::OnDemand => return,
            Pacing::Interval(interval_ms) => interval_ms,
        };
        // The first height after a start begins at once: how long ago the one before began, nobody
        // here knows, and others may wait for this node.
        let due = self.begun_at.map(|at| at.plus_ms(interval_ms));
        match due.filter(|due| *due > now) {
            Some(due) => out.push(Output::WakeAt(self.height, due.0.saturating_sub(now.0))),
            None => self.begin(now, out),
        }
    }

    pub(super) fn tick(&mut self, now: Instant, height: Height, out: &mut Vec<Output>) {
        let under_way = self.running || height != self.height;
        if height == self.height {
            // It wants this block, transactions or not.
            self.wanted = self.wanted.max(height);
            self.build_held(out);
        }
        let outcome = if under_way && !self.halted {
            TickOutcome::AlreadyRunning
        } else if !self.may_begin() {
            TickOutcome::Stopped
        } else if let Some(wait) = self.clock_wait() {
            let ahead_ms = wait.ahead_ms;
            TickOutcome::WaitingForClock { ahead_ms }
        } else {
            let afresh = self.recovered.is_none();
            self.begin(now, out);
            match self.set.proposer(self.height, Round::ZERO) {
                _ if !afresh => TickOutcome::AlreadyRunning,
                me if me == self.config.me => TickOutcome::Building,
                proposer => TickOutcome::Skipped { proposer },
            }
        };
        out.push(Output::Ticked(outcome));
    }

    pub(super) fn wake(&mut self, now: Instant, height: Height, out: &mut Vec<Output>) {
        if height == self.height {
            // Due, or the clock is to be looked at again, or no transaction has come for a block.
            self.pace(now, out);
            self.build_held(out);
        }
    }

    /// The round machine wants a block. On demand it waits a moment for what it is made for.
    pub(super) fn build(&mut self, round: Round, out: &mut Vec<Output>) {
        let is_wanted = self.config.pacing != Pacing::OnDemand || self.wanted >= self.height;
        if is_wanted {
            out.push(Output::BuildBlock(self.height, round));
        } else {
            self.held = Some(round);
            // The same in each round: what a later round waits longer is there for a slow network.
            let first_ms = self.config.timeouts.propose_ms;
            out.push(Output::WakeAt(self.height, first_ms / 3));
        }
    }

    /// What the block waited for has come, or the moment is over.
    pub(super) fn build_held(&mut self, out: &mut Vec<Output>) {
        let held = self.held.take();
        let current = held.filter(|round| *round == self.machine.round() && !self.halted);
        out.extend(current.map(|round| Output::BuildBlock(self.height, round)));
    }

    /// Transactions wait for the block of this height: of the one under decision, or of one that this
    /// node has yet to enter.
    pub(super) fn transactions_waiting(
        &mut self,
        now: Instant,
        wanted: Height,
        out: &mut Vec<Output>,
    ) {
        self.wanted = self.wanted.max(wanted);
        let my_turn = self.set.proposer(self.height, Round::ZERO) == self.config.me;
        match self.config.pacing {
            Pacing::Manual => {}
            Pacing::OnDemand => {
                self.pace(now, out);
                if self.wanted >= self.height {
                    self.build_held(out);
                }
            }
            Pacing::Interval(_) if my_turn && self.clock_wait().is_none() => self.awake(now, out),
            Pacing::Interval(_) => {}
        }
    }

    /// Others have begun this height, or it is due: so does this node.
    pub(super) fn awake(&mut self, now: Instant, out: &mut Vec<Output>) {
        if !self.running && self.may_begin() {
            self.begin(now, out);
        }
    }

    pub(super) fn may_begin(&self) -> bool {
        !self.halted
            && self
                .config
                .last_height
                .is_none_or(|last| self.height <= last)
    }

    /// Begins the height; where the sign record left it, if it holds anything of this height. That
    /// is so whoever asks, because a fact may overtake the start.
    fn begin(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.running = true;
        self.begun_at = Some(now);
        self.begin_in(Round::ZERO, out);
    }

    /// Begins the height in this round, or in the first in which this node may sign if that comes
    /// later: in the rounds before it, it would only be waited for.
    fn begin_in(&mut self, round: Round, out: &mut Vec<Output>) {
        // Whoever has yet to arrive begins this height once more, then with a voice.
        let recovered = match self.has_arrived() {
            true => self.recovered.take(),
            false => self.recovered.clone(),
        };
        let round = round.max(self.first_round());
        match recovered {
            Some(resume) => {
                self.resume(resume, out);
                self.follow_to(round, out);
            }
            None => self.machine(round_machine::Input::StartRound(round), out),
        }
    }

    /// Beyond the round to which it has followed the others no proposal comes before this node speaks,
    /// and they may wait for its word: the time for a proposal is over at once, as any timeout may be
    /// at any time. Unless the proposal is its own; or the last that it has signed is a prevote, perhaps
    /// such a word: then restarts that follow each other would run away from the others.
    fn speak_first(&mut self, followed_to: Round, out: &mut Vec<Output>) {
        let round = self.machine.round();
        if round > followed_to && round == self.first_round() && !self.machine.is_proposer() {
            let timeout = round_machine::Input::Timeout(TimeoutKind::Propose, round);
            self.machine(timeout, out);
        }
    }

    fn first_round(&self) -> Round {
        planted!(SignsInOldRounds => return Round::ZERO);
        let arrival = self.arrival.filter(|_| self.signs());
        let first = arrival.map(|arrival| arrival.first_round_of(self.height));
        first.unwrap_or_default()
    }

    fn follow_to(&mut self, round: Round, out: &mut Vec<Output>) {
        planted!(ResumesInOldRound => return);
        if self.machine.round() < round {
            self.machine(round_machine::Input::StartRound(round), out);
        }
    }

    /// What this node has looked on at without a voice, its machine takes for said: a height that
    /// is under way begins again, as after a restart of its actor, in the furthest round that it has
    /// followed to, and with timers of its own: those of the onlooker would end the time of its own
    /// proposal early. Not if it is decided: then nothing is left to say.
    pub(super) fn arrived(&mut self, now: Instant, arrival: Arrival, out: &mut Vec<Output>) {
        if self.has_arrived() {
            return;
        }
        self.arrival.get_or_insert(arrival);
        if let Some(met) = self.met.take() {
            self.own_seen(met, out);
        }
        let is_under_way = self.running && !self.halted && self.decision.is_none();
        if is_under_way && self.signs() && self.has_arrived() {
            let height = self.height;
            let round = self.machine.round();
            let set = self.set.clone();
            self.machine = RoundMachine::new(height, self.config.me, set, self.config.timeouts);
            self.begun_at = Some(now);
            out.push(Output::CancelTimers);
            let last = self.recovered.as_ref().map(|recovered| recovered.step);
            self.begin_in(round, out);
            if last != Some(Step::Prevote) {
                self.speak_first(round, out);
            }
            self.retell(out);
        }
    }

    /// Others tell each fact once, and this machine has forgotten them, or is in an earlier round
    /// than the one from which they looked.
    pub(super) fn retell(&self, out: &mut Vec<Output>) {
        out.push(Output::Retell(self.height, self.machine.round()));
    }

    fn resume(&mut self, resume: Resume, out: &mut Vec<Output>) {
        let height = self.height;
        let me = self.config.me;
        let fresh = RoundMachine::new(height, me, self.set.clone(), self.config.timeouts);
        let (machine, outputs) = fresh.resume(resume);
        self.machine = machine;
        self.carry_out(outputs, out);
        out.extend(self.said.iter().cloned());
    }
}
