//! Transactions and evidence on their way to one peer, on a connection of their own, transactions in
//! batches. The next goes when the peer has checked the last, so a slow peer sets its own pace.
use super::client::ExchangeError;
use super::link::Link;
use super::outbox::Passing;
use crate::messages::mempool::PassOnAgain;
use crate::shell::Deliver;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;

impl Link {
    pub(super) async fn keep_gossiping(&self) {
        let mut back_off = self.back_off();
        loop {
            let passing = self.outbox.next_gossip().await;
            let sent = self.pass_on(passing).await;
            self.asked("gossip", sent, &mut back_off).await;
        }
    }

    /// What the peer had no time for, or did not reach it, goes again. What it refuses does not:
    /// every transaction and every proof is in order here, and a block from here will carry it.
    async fn pass_on(&self, passing: Passing) -> Result<(), ExchangeError> {
        let way = self.way();
        let (uri, body) = match &passing {
            Passing::Evidence(evidence) => (&way.evidence, evidence.clone()),
            Passing::Transactions(batch) => {
                let body = self.seed.wire.encode_transactions(batch);
                (&way.gossip, Bytes::from(body))
            }
        };
        let error = match way.client.post(uri, body).await {
            Ok(StatusCode::ACCEPTED) => {
                self.arrived(&passing);
                return Ok(());
            }
            Ok(busy @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)) => {
                ExchangeError::Status(busy)
            }
            Ok(refused) => {
                self.complain(format_args!("refused what was passed on: {refused}"));
                self.arrived(&passing);
                return Ok(());
            }
            Err(error) => error,
        };
        let counted = match &passing {
            Passing::Evidence(_) => &self.seed.metrics.frames_dropped,
            Passing::Transactions(_) => &self.seed.metrics.gossip_dropped,
        };
        counted.inc_by(self.outbox.gossip_again(passing) as u64);
        Err(error)
    }

    /// What had to be given up while the peer was away, or slow, is passed on now.
    fn arrived(&self, passing: &Passing) {
        if matches!(passing, Passing::Transactions(_)) && self.outbox.gossip_arrived() {
            let peer = self.peer.address;
            let again = PassOnAgain(Some(peer));
            self.seed.ports.pass_on_again.deliver(again);
        }
    }
}
