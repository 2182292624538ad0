//! What each message does, and how what the brain then says is carried out.
use super::VoteCollector;
use crate::messages::announcements::{BlockCommitted, ResendRound, RoundEntered};
use crate::messages::block_sync::PeerAhead;
use crate::messages::committer::EvidenceFound;
use crate::messages::peer_broadcaster::{Broadcast, PullMessages};
use crate::messages::round_driver::{
    MessageRefused, OwnEquivocationSeen, OwnMessageSeen, QuorumReached,
};
use crate::messages::vote_collector::{
    FinishPull, GetSeen, GetVotes, GetVotesMissing, OwnVote, ProposalVerified, RetellFacts,
    VoteReceived, VotesMissing,
};
use crate::runtime::Ctx;
use crate::shell::{Deliver, answers, to_brain};
use crate::timelines::Note;
use actix::prelude::*;
use lockstep_protocol::consensus::tally::{Admission, Input, Output};
use lockstep_protocol::nouns::vote::{SignedVote, VoteKind};
use lockstep_protocol::types::Address;
use lockstep_protocol::validators::set::ValidatorSet;
use std::sync::Arc;
use std::time::Instant;

impl Handler<VoteReceived> for VoteCollector {
    type Result = MessageResult<VoteReceived>;

    fn handle(&mut self, VoteReceived(vote): VoteReceived, _: &mut Ctx<Self>) -> Self::Result {
        let kind = vote.vote.kind;
        let came = Note::received(&vote.vote);
        let came_at = Instant::now();
        let admission = self.step(Input::Vote(vote)).unwrap_or(Admission::Stale);
        if admission == Admission::Counted {
            self.seed.timelines.note_at(came_at, came);
        }
        self.seed.metrics.vote(kind, admission);
        MessageResult(admission)
    }
}

impl Handler<BlockCommitted> for VoteCollector {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, _: &mut Ctx<Self>) {
        let BlockCommitted(decided, validators) = message;
        if decided.block.height() == self.tally.height() {
            self.count_silent(validators.current());
        }
        self.step(Input::EnterHeight(validators));
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

answers! { VoteCollector as this:
    GetVotesMissing => VotesMissing {
        prevotes: this.tally.missing(VoteKind::Prevote),
        precommits: this.tally.missing(VoteKind::Precommit),
    },
    GetVotes(pull) => this.tally.answer(&pull),
    GetSeen(question) => this.tally.asked(this.seed.clock.now(), &question),
}

to_brain! { VoteCollector.step():
    ProposalVerified(proposal) => Input::Proposal(proposal),
    OwnVote(vote) => Input::OwnVote(SignedVote::clone(&vote)),
    RoundEntered(height, round) => Input::EnterRound(height, round),
    ResendRound(height, round) => Input::Resend(height, round),
    RetellFacts(height, round) => Input::Retell(height, round),
}

impl VoteCollector {
    /// Whose votes for this height have not come, if the votes here have decided it: a height that
    /// was fetched has none.
    fn count_silent(&self, set: &ValidatorSet) {
        let prevotes = self.tally.missing(VoteKind::Prevote);
        let precommits = self.tally.missing(VoteKind::Precommit);
        let came = set.iter().filter(|v| !precommits.contains(&v.address));
        if !set.is_quorum(came.map(|v| v.power).sum()) {
            return;
        }
        let is_silent = |address: &Address| precommits.contains(address);
        let silent: Vec<Address> = prevotes.into_iter().filter(is_silent).collect();
        self.seed.metrics.votes_missed(&silent, set);
    }

    /// Lets the brain take this, and does what it says. Answers what became of a message.
    pub(super) fn step(&mut self, input: Input) -> Option<Admission> {
        let mut admission = None;
        let ports = &self.seed.ports;
        for output in self.tally.step(self.seed.clock.now(), input) {
            match output {
                Output::Fact(height, fact) => {
                    ports.quorum.deliver(QuorumReached(height, fact));
                }
                Output::Ahead(validator, height) => {
                    ports.ahead.deliver(PeerAhead(validator, height));
                }
                Output::Evidence(evidence) => {
                    ports.evidence.deliver(EvidenceFound(evidence));
                }
                Output::OwnSeen(position) => {
                    ports.own_seen.deliver(OwnMessageSeen(position));
                }
                Output::OwnEquivocation(height) => {
                    let seen = OwnEquivocationSeen(height);
                    ports.own_equivocation.deliver(seen);
                }
                Output::Relay(votes) => {
                    for vote in votes {
                        ports.broadcast.deliver(Broadcast::Vote(Arc::new(vote)));
                    }
                }
                Output::Admission(what) => admission = Some(what),
                Output::Refused(sender, height) => {
                    let refused = MessageRefused(sender, height);
                    ports.refused.deliver(refused);
                }
            }
        }
        admission
    }
}
