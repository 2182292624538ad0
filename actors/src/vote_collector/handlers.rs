//! What each message does.
use super::VoteCollector;
use crate::messages::announcements::{BlockCommitted, ResendRound, RoundEntered};
use crate::messages::peer_broadcaster::PullMessages;
use crate::messages::vote_collector::{
    FinishPull, GetSeen, GetVotes, GetVotesMissing, OwnVote, ProposalVerified, RetellFacts,
    VoteReceived, VotesMissing,
};
use crate::runtime::Ctx;
use crate::shell::{Deliver, answers, to_brain};
use actix::prelude::*;
use lockstep_protocol::consensus::tally::{Admission, Input};
use lockstep_protocol::nouns::vote::{SignedVote, VoteKind};

impl Handler<VoteReceived> for VoteCollector {
    type Result = MessageResult<VoteReceived>;

    fn handle(&mut self, VoteReceived(vote): VoteReceived, _: &mut Ctx<Self>) -> Self::Result {
        let kind = vote.vote.kind;
        let admission = self.step(Input::Vote(vote)).unwrap_or(Admission::Stale);
        self.seed.metrics.vote(kind, admission);
        MessageResult(admission)
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
    BlockCommitted(_decided, validators) => Input::EnterHeight(validators),
    ProposalVerified(proposal) => Input::Proposal(proposal),
    OwnVote(vote) => Input::OwnVote(SignedVote::clone(&vote)),
    RoundEntered(height, round) => Input::EnterRound(height, round),
    ResendRound(height, round) => Input::Resend(height, round),
    RetellFacts(height, round) => Input::Retell(height, round),
}
