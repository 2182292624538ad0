//! **RoundDriver** owns height, round, step, locks and timers, and is the only one that signs.
//! Its brain is [`Driver`]; this shell carries its messages, its timers and its log lines.
use crate::block_sync::RetellArrival;
use crate::clock::Clock;
use crate::clock::words::Awaited;
use crate::committer::{BlockCommitted, CommitDecision, PolkaSeen};
use crate::delivery::Deliver;
use crate::kill_points::{self, Point};
use crate::limits::{CLOCK_SAID_EVERY, TICKS_WAITING_MAX};
use crate::metrics::Metrics;
use crate::peer_broadcaster::Broadcast;
use crate::proposer::{BeginPull, BuildBlock, OwnProposal, RetellProposals};
use crate::runtime::{Ctx, Port};
use crate::state_store::{PersistSignature, RecoverDriver, RememberHalt};
use crate::view::NodeView;
use crate::vote_collector::{OwnVote, RetellFacts};
use actix::prelude::*;
use lockstep_protocol::consensus::driver::{
    ClockWait, Driver, DriverConfig, Halt, Input, Output, Signing, TickOutcome,
};
use lockstep_protocol::consensus::pull;
use lockstep_protocol::consensus::timeouts::TimeoutKind;
use lockstep_protocol::types::{Height, Round};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

mod handlers;
mod messages;
#[cfg(test)]
mod tests;

pub use messages::*;

/// What the driver tells.
#[derive(Clone)]
pub struct Ports {
    /// StateStore: where did I stop?
    pub recover: Port<RecoverDriver>,
    /// StateStore: before anything is sent.
    pub persist: Port<PersistSignature>,
    /// StateStore: it must not vote again, not even after a restart.
    pub remember_halt: Port<RememberHalt>,
    /// PeerBroadcaster.
    pub broadcast: Port<Broadcast>,
    /// VoteCollector: the round.
    pub votes_round: Port<RoundEntered>,
    /// VoteCollector: my vote.
    pub own_vote: Port<OwnVote>,
    /// VoteCollector: E6.
    pub resend_votes: Port<ResendRound>,
    /// VoteCollector: I have forgotten the facts.
    pub retell_facts: Port<RetellFacts>,
    /// Proposer: the round.
    pub proposals_round: Port<RoundEntered>,
    /// Proposer: it is my turn.
    pub build: Port<BuildBlock>,
    /// Proposer: my proposal.
    pub own_proposal: Port<OwnProposal>,
    /// Proposer: E6.
    pub resend_proposals: Port<ResendRound>,
    /// Proposer: I have forgotten the proposals.
    pub retell_proposals: Port<RetellProposals>,
    /// Committer: decided.
    pub decide: Port<CommitDecision>,
    /// Committer: what names whoever makes a fork.
    pub polka: Port<PolkaSeen>,
    /// Proposer: ask a peer for what is missing.
    pub pull: Port<BeginPull>,
    /// BlockSync: may I sign?
    pub retell_arrival: Port<RetellArrival>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// The brain's configuration.
    pub config: DriverConfig,
    /// Whether this node signs.
    pub signing: Signing,
    /// The node's clocks.
    pub clock: Clock,
    /// What the node shows of itself.
    pub view: Arc<NodeView>,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// What it tells.
    pub ports: Ports,
}

/// The actor.
pub struct RoundDriver {
    seed: Seed,
    /// How often this actor has restarted.
    incarnation: u64,
    /// `None` until the store has answered: everything that comes before is told again.
    driver: Option<Driver>,
    /// The round that was entered last.
    entered: Option<(Height, Round)>,
    /// Timers of the current round. They are cancelled with it: actix polls every timer whenever
    /// the actor wakes, and fast blocks would leave hundreds of them behind.
    timers: Vec<SpawnHandle>,
    /// Ticks for a height that the driver has not entered yet.
    ticks: Vec<(Height, oneshot::Sender<TickOutcome>)>,
    /// When it was last said that this node's clock lies behind the newest block, as long as it does.
    clock_said: Option<tokio::time::Instant>,
}

impl RoundDriver {
    /// An incarnation that knows nothing yet.
    pub fn new(seed: Seed) -> RoundDriver {
        let (driver, ticks) = (None, Vec::new());
        RoundDriver {
            seed,
            incarnation: 0,
            driver,
            entered: None,
            timers: Vec::new(),
            ticks,
            clock_said: None,
        }
    }

    /// Answers the ticks whose height is there: who has seen a block and asks for the next is heard
    /// even if this actor has yet to hear of that block.
    fn answer_ticks(&mut self, ctx: &mut Ctx<Self>) {
        let Some(here) = self.driver.as_ref().map(Driver::height) else {
            return;
        };
        let due = |tick: &mut (Height, oneshot::Sender<TickOutcome>)| tick.0 <= here;
        for (height, tick) in self.ticks.extract_if(.., due).collect::<Vec<_>>() {
            let outcome = self.step(Input::Tick(height), ctx);
            // Whoever does not wait for the answer has still made the tick.
            let _ = tick.send(outcome.unwrap_or(TickOutcome::Stopped));
        }
    }

    fn step(&mut self, input: Input, ctx: &mut Ctx<Self>) -> Option<TickOutcome> {
        let driver = self.driver.as_mut()?;
        driver.see_clock(self.seed.clock.wall());
        if driver.clock_wait().is_some() {
            // Unless the others' clocks are known to be right, and this one to be wrong.
            let (me, validators) = (self.seed.config.me, self.seed.view.validators());
            let clocks = &self.seed.view.clocks;
            driver.see_clock(clocks.furthest(self.seed.clock, &me, validators.current()));
        }
        let outputs = driver.step(self.seed.clock.now(), input);
        // Without an output, too: a height that waits for a tick has none.
        self.seed
            .view
            .set_round(driver.round(), driver.current_step());
        let wait = driver.clock_wait();
        self.show_clock(wait);
        outputs
            .into_iter()
            .filter_map(|output| self.carry_out(output, ctx))
            .last()
    }

    fn carry_out(&mut self, output: Output, ctx: &mut Ctx<Self>) -> Option<TickOutcome> {
        let ports = &self.seed.ports;
        match output {
            Output::EnterRound(height, round) => {
                // Said again to an actor that has restarted, it is no new round.
                if self.entered.replace((height, round)) != Some((height, round)) {
                    cancel(&mut self.timers, ctx);
                    self.show_round(height, round);
                }
                ports.votes_round.deliver(RoundEntered(height, round));
                ports.proposals_round.deliver(RoundEntered(height, round));
            }
            Output::BuildBlock(height, round) => ports.build.deliver(BuildBlock { height, round }),
            Output::Persist(persist) => ports.persist.deliver(PersistSignature(persist)),
            Output::SendProposal(message) => {
                kill_points::reach(Point::BEFORE_PROPOSAL);
                ports.own_proposal.deliver(OwnProposal(message.clone()));
                ports.broadcast.deliver(Broadcast::NewProposal(message));
            }
            Output::SendVote(vote) => {
                kill_points::reach(Point::before_vote(vote.vote.kind));
                ports.own_vote.deliver(OwnVote(vote.clone()));
                ports.broadcast.deliver(Broadcast::Vote(vote));
            }
            Output::Schedule(height, round, kind, ms) => {
                self.schedule(Input::Timeout(height, round, kind), ms, ctx);
            }
            Output::CancelTimers => cancel(&mut self.timers, ctx),
            Output::WakeAt(height, ms) => self.schedule(Input::Wake(height), ms, ctx),
            Output::Retell(height, round) => {
                ports.retell_facts.deliver(RetellFacts(height, round));
                ports.retell_proposals.deliver(RetellProposals);
            }
            Output::Resend(height, round) => {
                log::debug!("height {height} sits in round {round}: sending it again");
                ports.resend_votes.deliver(ResendRound(height, round));
                ports.resend_proposals.deliver(ResendRound(height, round));
            }
            Output::Polka(polka) => ports.polka.deliver(PolkaSeen(polka)),
            Output::Decide(block, certificate) => {
                ports.decide.deliver(CommitDecision { block, certificate });
            }
            Output::Pull(output) => self.pull(output, ctx),
            Output::Ticked(outcome) => return Some(outcome),
            Output::Halt(reason) => self.halt(reason),
        }
        None
    }

    fn halt(&self, reason: Halt) {
        log::error!("{reason}");
        if reason.outlives_restart() {
            let remember = RememberHalt(reason.clone());
            self.seed.ports.remember_halt.deliver(remember);
        }
        self.seed.view.set_halted(reason);
    }

    /// Shows whether this node signs, and if it does not, why. A node that never may has said so
    /// when it started.
    fn show_voice(&self) {
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
            if self.seed.view.snapshot().observing.is_none() {
                log::info!("this node observes: {reason}");
            }
            self.seed.view.set_observing(Some(reason));
        }
    }

    /// Shows what a node waits for whose clock lies behind the newest block; says so when that
    /// begins and ends, and now and then while it lasts.
    fn show_clock(&mut self, wait: Option<ClockWait>) {
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

    fn show_round(&self, height: Height, round: Round) {
        if round == Round::ZERO {
            self.seed.view.begin_height();
        } else {
            self.seed.metrics.rounds_skipped.inc();
            log::info!("height {height} enters round {round}");
        }
        self.seed.metrics.round.set(i64::from(round.0));
    }

    fn schedule(&mut self, input: Input, ms: u64, ctx: &mut Ctx<Self>) {
        let time = Duration::from_millis(ms);
        // The runtime's clock, by which the timer itself goes.
        let set = tokio::time::Instant::now();
        let timer = ctx.run_later(time, move |this, ctx| {
            let late = set.elapsed().saturating_sub(time);
            this.seed.metrics.timeout_late.observe(late.as_secs_f64());
            if let Input::Timeout(height, round, kind) = input {
                this.log_timeout(height, round, kind);
            }
            this.step(input, ctx);
        });
        self.timers.push(timer);
    }

    fn pull(&self, output: pull::Output, ctx: &mut Ctx<Self>) {
        match output {
            pull::Output::Ask(peer, height, round) => {
                log::debug!(
                    "height {height} round {round}: asking {} for what is missing",
                    peer.short()
                );
                self.seed.metrics.pulls.inc();
                let begin = BeginPull {
                    peer,
                    height,
                    round,
                };
                self.seed.ports.pull.deliver(begin);
            }
            pull::Output::WakeAt(ms) => {
                ctx.run_later(Duration::from_millis(ms), |this, ctx| {
                    this.step(Input::Pull(pull::Input::Wake), ctx);
                });
            }
        }
    }

    fn log_timeout(&self, height: Height, round: Round, kind: TimeoutKind) {
        let here = self.driver.as_ref().map(|d| (d.height(), d.round()));
        if here == Some((height, round)) {
            log::debug!("{kind:?} timeout at height {height} round {round}");
        }
    }
}

fn cancel(timers: &mut Vec<SpawnHandle>, ctx: &mut Ctx<RoundDriver>) {
    for timer in timers.drain(..) {
        ctx.cancel_future(timer);
    }
}

impl Actor for RoundDriver {
    type Context = Ctx<Self>;

    fn started(&mut self, _: &mut Ctx<Self>) {
        self.seed
            .ports
            .recover
            .deliver(RecoverDriver(self.incarnation));
    }
}

impl Supervised for RoundDriver {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        let incarnation = self.incarnation + 1;
        *self = RoundDriver {
            incarnation,
            ..RoundDriver::new(self.seed.clone())
        };
    }
}
