//! What each message does.
use super::VoteCollector;
use crate::messages::announcements::{BlockCommitted, ResendRound, RoundEntered};
use crate::messages::peer_broadcaster::PullMessages;
use crate::messages::vote_collector::{
    FinishPull, GetSeen, GetVotes, GetVotesMissing, OwnVote, ProposalVerified, RetellFacts,
    VoteReceived, VotesMissing,
};
use crate::runtime::Ctx;
use crate::shell::{Deliver, to_brain};
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

impl Handler<GetVotesMissing> for VoteCollector {
    type Result = MessageResult<GetVotesMissing>;

    fn handle(&mut self, _: GetVotesMissing, _: &mut Ctx<Self>) -> Self::Result {
        MessageResult(VotesMissing {
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

to_brain! { VoteCollector:
    ProposalVerified(proposal) => Input::Proposal(proposal),
    OwnVote(vote) => Input::OwnVote(SignedVote::clone(&vote)),
    RoundEntered(height, round) => Input::EnterRound(height, round),
    ResendRound(height, round) => Input::Resend(height, round),
    RetellFacts(height, round) => Input::Retell(height, round),
}
