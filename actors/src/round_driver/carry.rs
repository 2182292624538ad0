//! What the brain says, carried out: messages and timers.
use super::RoundDriver;
use crate::kill_points::{self, Point};
use crate::messages::announcements::{ResendRound, RoundEntered};
use crate::messages::committer::{CommitDecision, PolkaSeen};
use crate::messages::peer_broadcaster::Broadcast;
use crate::messages::proposer::{BeginPull, BuildBlock, OwnProposal, RetellProposals};
use crate::messages::state_store::PersistSignature;
use crate::messages::vote_collector::{OwnVote, RetellFacts};
use crate::runtime::Ctx;
use crate::shell::Deliver;
use actix::prelude::*;
use lockstep_protocol::consensus::driver::{Input, Output, TickOutcome};
use lockstep_protocol::consensus::pull;
use lockstep_protocol::consensus::timeouts::TimeoutKind;
use lockstep_protocol::types::{Height, Round};
use std::time::Duration;

impl RoundDriver {
    pub(super) fn step(&mut self, input: Input, ctx: &mut Ctx<Self>) -> Option<TickOutcome> {
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
