//! **VoteCollector** owns the votes of the height under decision. Its brain is [`Tally`].
use crate::block_sync::PeerAhead;
use crate::clock::Clock;
use crate::committer::{BlockCommitted, EvidenceFound};
use crate::delivery::Deliver;
use crate::limits::SILENT_AFTER_MS;
use crate::metrics::Metrics;
use crate::peer_broadcaster::{Broadcast, PullMessages};
use crate::round_driver::{
    AnnounceRound, MessageRefused, OwnEquivocationSeen, OwnMessageSeen, QuorumReached, ResendRound,
    RoundEntered,
};
use crate::runtime::{Ctx, Port};
use crate::state_store::Store;
use actix::prelude::*;
use lockstep_protocol::consensus::tally::{Admission, Input, Output, Tally};
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::proposal::Proposal;
use lockstep_protocol::pull::Pull;
use lockstep_protocol::standing::{Question, Refused, Seen};
use lockstep_protocol::types::{Address, Height, Round};
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use lockstep_protocol::vote::{SignedVote, VoteKind};
use std::sync::Arc;

/// A vote came in over HTTP. Answers what became of it.
#[derive(Debug)]
pub struct VoteReceived(pub SignedVote);

/// This node's vote, durable and on its way.
#[derive(Debug)]
pub struct OwnVote(pub Arc<SignedVote>);

/// A verified proposal: its sender's prevote (E1).
#[derive(Debug)]
pub struct ProposalVerified(pub Proposal);

/// The round machine has forgotten the facts of this height.
#[derive(Debug)]
pub struct RetellFacts(pub Height, pub Round);

/// Whose votes of the round under way are missing?
#[derive(Debug)]
pub struct GetMissing;

/// Answer to [`GetMissing`].
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Missing {
    /// Validators whose prevote has not come.
    pub prevotes: Vec<Address>,
    /// Validators whose precommit has not come.
    pub precommits: Vec<Address>,
}

/// Write into this question what votes are held here, and send it.
#[derive(Debug)]
pub struct FinishPull {
    /// Who is asked.
    pub peer: Address,
    /// The question, proposals filled in.
    pub pull: Pull,
}

/// Which votes does a peer lack?
#[derive(Debug)]
pub struct GetVotes(pub Arc<Pull>);

/// A validator asks how far this node is. Answers what was seen of that one, or why it is not
/// answered.
#[derive(Debug)]
pub struct GetSeen(pub Arc<Question>);

crate::message! {
    VoteReceived => Admission, OwnVote => (), ProposalVerified => (), RetellFacts => (),
    GetMissing => Missing, FinishPull => (), GetVotes => Vec<SignedVote>,
    GetSeen => Result<Seen, Refused>,
}

/// What the collector tells.
#[derive(Clone)]
pub struct Ports {
    /// RoundDriver: quorums.
    pub quorum: Port<QuorumReached>,
    /// RoundDriver: I have restarted.
    pub announce: Port<AnnounceRound>,
    /// RoundDriver: a message under its key.
    pub own_seen: Port<OwnMessageSeen>,
    /// RoundDriver: its key has contradicted itself.
    pub own_equivocation: Port<OwnEquivocationSeen>,
    /// PeerBroadcaster: E6.
    pub broadcast: Port<Broadcast>,
    /// BlockSync.
    pub ahead: Port<PeerAhead>,
    /// RoundDriver: this I did not keep.
    pub refused: Port<MessageRefused>,
    /// PeerBroadcaster: a question, finished.
    pub pull: Port<PullMessages>,
    /// Committer.
    pub evidence: Port<EvidenceFound>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
    /// This validator.
    pub me: Address,
    /// Where the height is read at a restart.
    pub store: Store,
    /// The node's clocks.
    pub clock: Clock,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// What it tells.
    pub ports: Ports,
}

/// The actor.
pub struct VoteCollector {
    seed: Seed,
    tally: Tally,
}

impl VoteCollector {
    /// Counts for the height after `committed`.
    pub fn new(seed: Seed, validators: &ValidatorSchedule) -> VoteCollector {
        let mut tally = Tally::new(seed.rules.context, seed.me, validators, SILENT_AFTER_MS);
        if seed.store.is_untouched() {
            tally = tally.in_a_new_home();
        }
        VoteCollector { seed, tally }
    }

    fn step(&mut self, input: Input) -> Option<Admission> {
        let mut admission = None;
        for output in self.tally.step(self.seed.clock.now(), input) {
            match output {
                Output::Fact(height, fact) => {
                    self.seed.ports.quorum.deliver(QuorumReached(height, fact));
                }
                Output::Ahead(validator, height) => {
                    // Whoever repeats far heights may fill that mailbox: they are told again.
                    let _ = self.seed.ports.ahead.tell(PeerAhead(validator, height));
                }
                Output::Evidence(evidence) => {
                    self.seed.ports.evidence.deliver(EvidenceFound(evidence));
                }
                Output::OwnSeen(position) => {
                    self.seed.ports.own_seen.deliver(OwnMessageSeen(position));
                }
                Output::OwnEquivocation(height) => {
                    let seen = OwnEquivocationSeen(height);
                    self.seed.ports.own_equivocation.deliver(seen);
                }
                Output::Relay(votes) => {
                    for vote in votes {
                        self.seed
                            .ports
                            .broadcast
                            .deliver(Broadcast::Vote(Arc::new(vote)));
                    }
                }
                Output::Admission(what) => admission = Some(what),
                Output::Refused(sender, height) => {
                    // Whoever is not told asks all the same, when its patience is over.
                    let _ = self.seed.ports.refused.tell(MessageRefused(sender, height));
                }
            }
        }
        admission
    }
}

impl Actor for VoteCollector {
    type Context = Ctx<Self>;
}

impl Supervised for VoteCollector {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        let validators = self.seed.store.schedule(&self.seed.rules);
        *self = VoteCollector::new(self.seed.clone(), &validators);
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}

impl Handler<VoteReceived> for VoteCollector {
    type Result = MessageResult<VoteReceived>;

    fn handle(&mut self, VoteReceived(vote): VoteReceived, _: &mut Ctx<Self>) -> Self::Result {
        let kind = vote.vote.kind;
        let admission = self.step(Input::Vote(vote)).unwrap_or(Admission::Stale);
        self.seed.metrics.vote(kind, admission);
        MessageResult(admission)
    }
}

impl Handler<GetMissing> for VoteCollector {
    type Result = MessageResult<GetMissing>;

    fn handle(&mut self, _: GetMissing, _: &mut Ctx<Self>) -> Self::Result {
        MessageResult(Missing {
            prevotes: self.tally.missing(VoteKind::Prevote),
            precommits: self.tally.missing(VoteKind::Precommit),
        })
    }
}

impl Handler<FinishPull> for VoteCollector {
    type Result = ();

    fn handle(&mut self, message: FinishPull, _: &mut Ctx<Self>) {
        let FinishPull { peer, mut pull } = message;
        self.tally.hold(&mut pull);
        self.seed.ports.pull.deliver(PullMessages { peer, pull });
    }
}

impl Handler<GetVotes> for VoteCollector {
    type Result = MessageResult<GetVotes>;

    fn handle(&mut self, GetVotes(pull): GetVotes, _: &mut Ctx<Self>) -> Self::Result {
        MessageResult(self.tally.answer(&pull))
    }
}

impl Handler<GetSeen> for VoteCollector {
    type Result = MessageResult<GetSeen>;

    fn handle(&mut self, GetSeen(question): GetSeen, _: &mut Ctx<Self>) -> Self::Result {
        let now = self.seed.clock.now();
        MessageResult(self.tally.asked(now, &question))
    }
}

impl Handler<BlockCommitted> for VoteCollector {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, _: &mut Ctx<Self>) {
        self.step(Input::EnterHeight(message.1));
    }
}

/// A handler that only hands its message to the brain.
macro_rules! to_brain {
    ($($message:ident $(($($field:ident),*))? => $input:expr),* $(,)?) => {$(
        impl Handler<$message> for VoteCollector {
            type Result = ();

            fn handle(&mut self, message: $message, _: &mut Ctx<Self>) {
                let $message $(($($field),*))? = message;
                self.step($input);
            }
        }
    )*};
}

to_brain! {
    ProposalVerified(proposal) => Input::Proposal(proposal),
    OwnVote(vote) => Input::OwnVote(SignedVote::clone(&vote)),
    RoundEntered(height, round) => Input::EnterRound(height, round),
    ResendRound(height, round) => Input::Resend(height, round),
    RetellFacts(height, round) => Input::Retell(height, round),
}

#[cfg(test)]
mod tests;
