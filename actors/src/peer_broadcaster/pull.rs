//! E5 on the way out: a question to one peer. What it answers goes the way of what it would have
//! pushed, signatures unverified.
use super::Seed;
use super::client::ExchangeError;
use super::link::Link;
use crate::limits::PULL_TIMEOUT;
use crate::messages::block_sync::PeerAhead;
use crate::messages::proposer::ProposalReceived;
use crate::messages::round_driver::PullEnded;
use crate::messages::vote_collector::VoteReceived;
use crate::shell::Deliver;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::limits::PULLED_BYTES_MAX;
use lockstep_protocol::nouns::pull::{Pull, Pulled};
use lockstep_protocol::wire::Wire;

impl Link {
    /// Asks, and hands over what comes. A peer that refuses to answer still gets everything else.
    pub(super) async fn pull(&self, pull: &Pull) -> Result<(), ExchangeError> {
        let peer = self.peer.address;
        let question = self.seed.wire.encode_pull(pull);
        let limits = (PULLED_BYTES_MAX, PULL_TIMEOUT);
        let pulled = self.ask("/consensus/pull", question, limits, Wire::decode_pulled);
        let pulled = pulled.await;
        let is_answered = pulled.is_ok();
        let result = match pulled {
            Ok(pulled) => {
                let is_ahead = pulled.committed >= pull.height;
                let works_on = pulled.committed.next();
                let validators = self.seed.view.validators();
                let set = validators.at(pull.height).map_or(0, |set| set.len());
                // What is handed over waits for others than the peer.
                self.hand_over(pulled.about(pull.height, set)).await;
                if is_ahead {
                    self.seed.ports.ahead.deliver(PeerAhead(peer, works_on));
                }
                Ok(())
            }
            Err(error) => self.unanswered("pull", error),
        };
        // Behind the messages, so that it does not ask again for what is on its way.
        let ended = PullEnded { peer, is_answered };
        self.seed.ports.pull_ended.deliver(ended);
        result
    }

    /// One message after the other, up to the first with a forged signature: nobody honest answers
    /// with one. Full, closed or fallen mailboxes lose messages; what is still missing is asked for
    /// again.
    async fn hand_over(&self, pulled: Pulled) {
        let Seed { ports, metrics, .. } = &self.seed;
        for proposal in pulled.proposals {
            metrics.messages_pulled.inc();
            let taken = ports.pulled_proposal.ask(ProposalReceived(proposal));
            if taken.await == Ok(Admission::BadSignature) {
                return self.lied();
            }
        }
        for vote in pulled.votes {
            metrics.messages_pulled.inc();
            let taken = ports.pulled_vote.ask(VoteReceived(vote));
            if taken.await == Ok(Admission::BadSignature) {
                return self.lied();
            }
        }
    }

    fn lied(&self) {
        self.complain(format_args!("answers a pull with a forged message"));
    }
}
