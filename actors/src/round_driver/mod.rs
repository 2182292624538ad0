//! **RoundDriver** owns height, round, step, locks and timers, and is the only one that signs.
//! Its brain is [`Driver`]; this shell carries its messages, its timers and its log lines.
use crate::clock::Clock;
use crate::live::Live;
use crate::messages::announcements::{ResendRound, RoundEntered};
use crate::messages::block_sync::RetellArrival;
use crate::messages::committer::{CommitDecision, PolkaSeen};
use crate::messages::mempool::RetellWaiting;
use crate::messages::peer_broadcaster::Broadcast;
use crate::messages::proposer::{BeginPull, BuildBlock, OwnProposal, RetellProposals};
use crate::messages::state_store::{PersistSignature, RecoverDriver, RememberHalt};
use crate::messages::vote_collector::{OwnVote, RetellFacts};
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Port};
use crate::shell::Deliver;
use crate::view::NodeView;
use actix::prelude::*;
use lockstep_protocol::consensus::driver::{
    Driver, DriverConfig, Input, Pacing, Signing, TickOutcome,
};
use lockstep_protocol::types::{Height, Round};
use std::sync::Arc;
use tokio::sync::oneshot;

mod handlers;
mod show;
#[cfg(test)]
mod tests;

/// What the driver tells.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// StateStore: where did I stop?
    pub(crate) recover: Port<RecoverDriver>,
    /// StateStore: before anything is sent.
    pub(crate) persist: Port<PersistSignature>,
    /// StateStore: it must not vote again, not even after a restart.
    pub(crate) remember_halt: Port<RememberHalt>,
    /// PeerBroadcaster.
    pub(crate) broadcast: Port<Broadcast>,
    /// VoteCollector: the round.
    pub(crate) votes_round: Port<RoundEntered>,
    /// VoteCollector: my vote.
    pub(crate) own_vote: Port<OwnVote>,
    /// VoteCollector: E6.
    pub(crate) resend_votes: Port<ResendRound>,
    /// VoteCollector: I have forgotten the facts.
    pub(crate) retell_facts: Port<RetellFacts>,
    /// Proposer: the round.
    pub(crate) proposals_round: Port<RoundEntered>,
    /// Proposer: it is my turn.
    pub(crate) build: Port<BuildBlock>,
    /// Proposer: my proposal.
    pub(crate) own_proposal: Port<OwnProposal>,
    /// Proposer: E6.
    pub(crate) resend_proposals: Port<ResendRound>,
    /// Proposer: I have forgotten the proposals.
    pub(crate) retell_proposals: Port<RetellProposals>,
    /// Committer: decided.
    pub(crate) decide: Port<CommitDecision>,
    /// Committer: what names whoever makes a fork.
    pub(crate) polka: Port<PolkaSeen>,
    /// Proposer: ask a peer for what is missing.
    pub(crate) pull: Port<BeginPull>,
    /// BlockSync: may I sign?
    pub(crate) retell_arrival: Port<RetellArrival>,
    /// Mempool: do transactions wait?
    pub(crate) retell_waiting: Port<RetellWaiting>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) config: DriverConfig,
    /// When heights begin; the configuration has what was so at the start.
    pub(crate) pacing: Live<Pacing>,
    /// Whether this node signs.
    pub(crate) signing: Signing,
    pub(crate) clock: Clock,
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ports: Ports,
}

/// The actor.
pub(crate) struct RoundDriver {
    seed: Seed,
    /// How often this actor has restarted.
    incarnation: u64,
    /// `None` until the store has answered: everything that comes before is told again.
    driver: Option<Driver>,
    /// The round that was entered last.
    entered: Option<(Height, Round)>,
    /// The height of its last precommit.
    precommitted: Option<Height>,
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
    pub(crate) fn new(seed: Seed) -> RoundDriver {
        let driver = None;
        let ticks = Vec::new();
        RoundDriver {
            seed,
            incarnation: 0,
            driver,
            entered: None,
            precommitted: None,
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
