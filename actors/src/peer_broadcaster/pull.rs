//! E5 on the way out: a question to one peer. What it answers goes the way of what it would have
//! pushed, signatures unverified.
use super::client::ExchangeError;
use super::link::Link;
use crate::block_sync::PeerAhead;
use crate::limits::PULL_TIMEOUT;
use crate::proposer::ProposalReceived;
use crate::round_driver::PullEnded;
use crate::vote_collector::VoteReceived;
use actix_web::web::Bytes;
use lockstep_protocol::limits::PULLED_BYTES_MAX;
use lockstep_protocol::pull::{Pull, Pulled};
use lockstep_protocol::types::Height;

impl Link {
    /// Asks, and hands over what comes. A peer that refuses to answer still gets everything else.
    pub(super) async fn pull(&self, pull: &Pull) -> Result<(), ExchangeError> {
        let (peer, wire) = (self.seed.peer.address, self.seed.wire);
        let _turn = self.short_question().await;
        let (way, body) = (self.way(), Bytes::from(wire.encode_pull(pull)));
        let uri = way.client.uri("/consensus/pull");
        let answer = way
            .client
            .post_for(uri, body, PULLED_BYTES_MAX, PULL_TIMEOUT);
        let pulled = answer.await.and_then(|bytes| {
            let decoded = wire.decode_pulled(&bytes);
            decoded.map_err(|error| ExchangeError::Answer(error.to_string()))
        });
        let is_answered = pulled.is_ok();
        let result = match pulled {
            Ok(pulled) => {
                self.hand_over(pull.height, pulled);
                Ok(())
            }
            Err(
                error @ (ExchangeError::Send(_) | ExchangeError::Body(_) | ExchangeError::Slow),
            ) => Err(error),
            Err(error) => {
                self.seed.metrics.peer_errors.inc();
                log::debug!("peer {} answers no pull: {error}", peer.short());
                Ok(())
            }
        };
        // Behind the messages, so that it does not ask again for what is on its way. Full or
        // closed: the brain gives a question up after a while.
        let _ = self
            .seed
            .ports
            .pull_ended
            .tell(PullEnded { peer, is_answered });
        result
    }

    /// Full or closed mailboxes lose messages; what is still missing is asked for again.
    fn hand_over(&self, height: Height, pulled: Pulled) {
        let ports = &self.seed.ports;
        self.seed
            .metrics
            .messages_pulled
            .inc_by(pulled.len() as u64);
        for proposal in pulled.proposals {
            let _ = ports.pulled_proposal.tell(ProposalReceived(proposal));
        }
        for vote in pulled.votes {
            let _ = ports.pulled_vote.tell(VoteReceived(vote));
        }
        if pulled.committed >= height {
            let works_on = pulled.committed.next();
            let _ = ports
                .ahead
                .tell(PeerAhead(self.seed.peer.address, works_on));
        }
    }
}
