//! What each message does.
use super::RoundDriver;
use crate::limits::TICKS_WAITING_MAX;
use crate::messages::announcements::BlockCommitted;
use crate::messages::block_sync::RetellArrival;
use crate::messages::round_driver::{
    AnnounceRound, Arrived, BlockBuilt, DriverRecovered, ForkDetected, MessageRefused,
    OwnEquivocationSeen, OwnMessageSeen, ProposalChecked, PullEnded, QuorumReached, SignQuestion,
    SignStanding, SignaturePersisted, StopVoting, Tick, TransactionsWaiting,
};
use crate::runtime::Ctx;
use crate::shell::{Deliver, answers, to_brain};
use actix::prelude::*;
use lockstep_protocol::consensus::driver::{Driver, Halt, Input, TickOutcome};
use lockstep_protocol::consensus::pull;
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
        let driver = Driver::new(self.seed.config.clone(), &validators, recovery);
        let driver = driver.after(parent_time);
        self.driver = Some(driver.with_signing(self.seed.signing));
        self.show_voice();
        self.step(Input::Start, ctx);
        self.seed.ports.retell_arrival.deliver(RetellArrival);
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
    TransactionsWaiting => Input::TransactionsWaiting,
    AnnounceRound => Input::Announce,
    MessageRefused(sender, height) => Input::Pull(pull::Input::Refused(sender, height)),
    OwnMessageSeen(position) => Input::OwnSeen(position),
    OwnEquivocationSeen(height) => Input::OwnEquivocation(height),
}
