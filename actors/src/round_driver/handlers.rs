//! What each message does, and how what the brain then says is carried out.
use super::RoundDriver;
use crate::kill_points::{self, Point};
use crate::limits::TICKS_WAITING_MAX;
use crate::messages::announcements::{BlockCommitted, ResendRound, RoundEntered};
use crate::messages::block_sync::RetellArrival;
use crate::messages::committer::{CommitDecision, PolkaSeen};
use crate::messages::mempool::RetellWaiting;
use crate::messages::peer_broadcaster::Broadcast;
use crate::messages::proposer::{BeginPull, BuildBlock, OwnProposal, RetellProposals};
use crate::messages::round_driver::{
    AnnounceRound, Arrived, BlockBuilt, ChangePace, DriverRecovered, ForkDetected, MessageRefused,
    OwnEquivocationSeen, OwnMessageSeen, ProposalChecked, PullEnded, QuorumReached, SignQuestion,
    SignStanding, SignaturePersisted, StopVoting, Tick, TransactionsWaiting,
};
use crate::messages::state_store::PersistSignature;
use crate::messages::vote_collector::{OwnVote, RetellFacts};
use crate::runtime::Ctx;
use crate::shell::{Deliver, answers, to_brain};
use crate::timelines::{Did, Note, Stage};
use actix::prelude::*;
use lockstep_protocol::consensus::driver::{
    Driver, DriverConfig, Halt, Input, Output, TickOutcome,
};
use lockstep_protocol::consensus::pull;
use lockstep_protocol::consensus::timeouts::TimeoutKind;
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::{Height, Round};
use std::time::Duration;
use tokio::sync::oneshot;

impl Handler<DriverRecovered> for RoundDriver {
    type Result = ();

    fn handle(&mut self, message: DriverRecovered, ctx: &mut Ctx<Self>) {
        let DriverRecovered {
            incarnation,
            validators,
            parent_time,
            recovery,
        } = message;
        if incarnation != self.incarnation || self.driver.is_some() {
            return;
        }
        if self.seed.view.copy().halted.is_some() {
            // Stopped voting for good: a fall does not change that.
            return self.ticks.clear();
        }
        let config = DriverConfig {
            pacing: *self.seed.pacing.get(),
            ..self.seed.config.clone()
        };
        let driver = Driver::new(config, &validators, recovery);
        let driver = driver.after(parent_time);
        self.driver = Some(driver.with_signing(self.seed.signing));
        self.show_voice();
        self.step(Input::Start, ctx);
        self.seed.ports.retell_arrival.deliver(RetellArrival);
        // On demand it may be what the height is to begin for.
        self.seed.ports.retell_waiting.deliver(RetellWaiting);
        self.answer_ticks(ctx);
    }
}

impl Handler<Tick> for RoundDriver {
    type Result = ResponseFuture<TickOutcome>;

    fn handle(&mut self, Tick(height): Tick, ctx: &mut Ctx<Self>) -> Self::Result {
        let (tick, answer) = oneshot::channel();
        let for_good = self.driver.is_none() && self.seed.view.copy().halted.is_some();
        if !for_good && self.ticks.len() < TICKS_WAITING_MAX {
            self.ticks.push((height, tick));
        }
        self.answer_ticks(ctx);
        // An error says that this incarnation fell before it was ready, that too many wait, or that
        // this node has stopped voting for good.
        Box::pin(async { answer.await.unwrap_or(TickOutcome::Stopped) })
    }
}

impl Handler<ChangePace> for RoundDriver {
    type Result = ();

    /// A driver that is being recovered begins with it.
    fn handle(&mut self, _: ChangePace, ctx: &mut Ctx<Self>) {
        let pacing = *self.seed.pacing.get();
        self.step(Input::Pace(pacing), ctx);
    }
}

impl Handler<BlockCommitted> for RoundDriver {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, ctx: &mut Ctx<Self>) {
        let BlockCommitted(decided, validators) = message;
        let time = decided.block.header().time;
        self.step(Input::Committed(validators, time), ctx);
        self.show_voice();
        self.answer_ticks(ctx);
    }
}

impl Handler<StopVoting> for RoundDriver {
    type Result = ();

    fn handle(&mut self, StopVoting(height): StopVoting, ctx: &mut Ctx<Self>) {
        if self.driver.is_none() {
            // There is no brain yet, and after this there will be none.
            return self.halt(Halt::InvalidDecision(height));
        }
        self.step(Input::InvalidDecision(height), ctx);
    }
}

impl Handler<ForkDetected> for RoundDriver {
    type Result = ();

    fn handle(&mut self, ForkDetected(sentence): ForkDetected, ctx: &mut Ctx<Self>) {
        if self.driver.is_none() {
            // Told again at a start: the driver that is being recovered will not begin.
            return self.halt(Halt::Forked(sentence));
        }
        self.step(Input::Forked(sentence), ctx);
    }
}

answers! { RoundDriver as this:
    SignQuestion(to, nonce) => this.driver.as_ref().and_then(|driver| driver.question(to, nonce)),
    SignStanding { question, seen, head } => {
        let driver = this.driver.as_ref();
        driver.and_then(|driver| driver.standing(&question, seen, head))
    },
}

to_brain! { RoundDriver.step(ctx):
    Arrived(arrival) => Input::Arrived(arrival),
    PullEnded { peer, is_answered } => Input::Pull(match is_answered {
        true => pull::Input::Answered(peer),
        false => pull::Input::Failed(peer),
    }),
    ProposalChecked(height, proposal) => Input::Proposal(height, proposal),
    QuorumReached(height, fact) => Input::Fact(height, fact),
    BlockBuilt(height, round, block) => Input::BlockBuilt(height, round, block),
    SignaturePersisted(position) => Input::Persisted(position),
    TransactionsWaiting(wanted) => Input::TransactionsWaiting(wanted),
    AnnounceRound => Input::Announce,
    MessageRefused(sender, height) => Input::Pull(pull::Input::Refused(sender, height)),
    OwnMessageSeen(position) => Input::OwnSeen(position),
    OwnEquivocationSeen(height) => Input::OwnEquivocation(height),
}

impl RoundDriver {
    pub(super) fn step(&mut self, input: Input, ctx: &mut Ctx<Self>) -> Option<TickOutcome> {
        let driver = self.driver.as_mut()?;
        driver.see_clock(self.seed.clock.wall());
        if driver.clock_wait().is_some() {
            // Unless the others' clocks are known to be right, and this one to be wrong.
            let me = self.seed.config.me;
            let validators = self.seed.view.validators();
            let clocks = &self.seed.view.clocks;
            driver.see_clock(clocks.furthest(&self.seed.clock, &me, validators.current()));
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
            Output::EnterRound(height, round) => self.enter_round(height, round, ctx),
            Output::BuildBlock(height, round) => ports.build.deliver(BuildBlock { height, round }),
            Output::Persist(persist) => {
                self.note(Note::own(Stage::Signed, &persist.signed));
                ports.persist.deliver(PersistSignature(persist));
            }
            Output::SendProposal(message) => {
                kill_points::reach(Point::BEFORE_PROPOSAL);
                self.note(Note::proposal(Did::ProposalSent, &message.proposal));
                ports.own_proposal.deliver(OwnProposal(message.clone()));
                ports.broadcast.deliver(Broadcast::NewProposal(message));
            }
            Output::SendVote(vote) => {
                kill_points::reach(Point::before_vote(vote.vote.kind));
                if vote.vote.kind == VoteKind::Precommit {
                    self.precommitted = Some(vote.vote.height);
                }
                self.note(Note::sent(&vote.vote));
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
            Output::Polka(polka) => {
                self.note(Note::new(Did::Polka, polka.height, polka.round));
                ports.polka.deliver(PolkaSeen(polka));
            }
            Output::Decide(block, certificate) => {
                self.note(Note::new(Did::Decided, block.height(), certificate.round));
                ports.decide.deliver(CommitDecision { block, certificate });
            }
            Output::Pull(output) => self.pull(output, ctx),
            Output::Ticked(outcome) => return Some(outcome),
            Output::Halt(reason) => self.halt(reason),
        }
        None
    }

    fn enter_round(&mut self, height: Height, round: Round, ctx: &mut Ctx<Self>) {
        // Said again to an actor that has restarted, it is no new round.
        let before = self.entered.replace((height, round));
        if before != Some((height, round)) {
            cancel(&mut self.timers, ctx);
            self.count_missed(before, height);
            self.show_round(height, round);
            self.note_round(before, height, round);
        }
        let ports = &self.seed.ports;
        ports.votes_round.deliver(RoundEntered(height, round));
        ports.proposals_round.deliver(RoundEntered(height, round));
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
            self.note(Note::new(Did::Timeout, height, round));
        }
    }
}

fn cancel(timers: &mut Vec<SpawnHandle>, ctx: &mut Ctx<RoundDriver>) {
    for timer in timers.drain(..) {
        ctx.cancel_future(timer);
    }
}
