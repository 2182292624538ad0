//! The task of one peer: handshake, then one request in flight at a time, retried with back-off.
use super::client::{ExchangeError, PeerClient};
use super::outbox::{Frame, Outbox, Path, Work};
use super::{Handshake, Mismatch, Peer, Ports};
use crate::block_sync::{BlocksArrived, PeerAhead};
use crate::limits::{
    BACK_OFF_MAX, BACK_OFF_MIN, HANDSHAKE_BYTES_MAX, HANDSHAKE_EVERY, PEER_TIMEOUT,
    REFUSED_PEER_WAIT,
};
use crate::metrics::Metrics;
use crate::view::NodeView;
use actix_web::http::{StatusCode, Uri};
use lockstep_protocol::types::Height;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct LinkSeed {
    pub(super) peer: Peer,
    pub(super) handshake: Handshake,
    pub(super) view: Arc<NodeView>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) ports: Ports,
}

pub(super) struct Link {
    seed: LinkSeed,
    outbox: Outbox,
    client: PeerClient,
    proposal: Uri,
    vote: Uri,
    transaction: Uri,
    failures: u32,
}

impl Link {
    pub(super) fn new(seed: LinkSeed, outbox: Outbox) -> Link {
        let client = PeerClient::new(seed.peer.listens);
        let (proposal, vote) = (
            client.uri("/consensus/proposal"),
            client.uri("/consensus/vote"),
        );
        let transaction = client.uri("/transactions");
        Link {
            seed,
            outbox,
            client,
            proposal,
            vote,
            transaction,
            failures: 0,
        }
    }

    /// Until the outbox is closed.
    pub(super) async fn run(mut self) {
        while !self.outbox.is_closed() {
            match self.shake_hands().await {
                Ok(Ok(())) => self.talk().await,
                Ok(Err(mismatch)) => self.refuse(&mismatch).await,
                Err(error) => self.failed("handshake", &error).await,
            }
        }
    }

    /// Sends until something fails or the next handshake is due.
    async fn talk(&mut self) {
        self.failures = 0;
        self.seed.view.update_peer(&self.seed.peer.address, |peer| {
            (peer.reachable, peer.refused) = (true, None);
        });
        // Then it is asked again how far it is, whether it was busy or idle meanwhile.
        let until = tokio::time::Instant::now() + HANDSHAKE_EVERY;
        while tokio::time::Instant::now() < until {
            let done = match tokio::time::timeout_at(until, self.outbox.next()).await {
                Ok(Work::Closed) | Err(_) => return,
                Ok(Work::Send(frame)) => self.send(frame).await,
                Ok(Work::RequestBlocks(from, limit)) => self.request_blocks(from, limit).await,
            };
            if let Err(error) = done {
                return self.failed("exchange", &error).await;
            }
        }
    }

    async fn send(&mut self, frame: Frame) -> Result<(), ExchangeError> {
        let is_transaction = frame.path == Path::Transaction;
        let uri = match frame.path {
            Path::Proposal => &self.proposal,
            Path::Vote => &self.vote,
            Path::Transaction => &self.transaction,
        };
        let status = match self.client.post(uri, frame.body.clone()).await {
            Ok(status) => status,
            Err(error) => {
                self.outbox.push_back(frame);
                return Err(error);
            }
        };
        match status {
            StatusCode::ACCEPTED => Ok(()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if !is_transaction => {
                self.outbox.push_back(frame);
                Err(ExchangeError::Status(status))
            }
            // The peer will never take this one, or it is a transaction that it has no room for now:
            // it is not sent again, because nothing may hold up votes.
            refused => {
                self.seed.metrics.peer_errors.inc();
                log::debug!("peer {} refused: {refused}", self.seed.peer.address.short());
                Ok(())
            }
        }
    }

    async fn request_blocks(&mut self, from: Height, limit: u64) -> Result<(), ExchangeError> {
        let peer = self.seed.peer.address;
        let path = format!("/sync/blocks?from={from}&limit={limit}");
        let answer = self.client.get_blocks(self.client.uri(&path)).await;
        let (answer, result) = match answer {
            Ok(blocks) => {
                if let Some(height) = blocks.height {
                    self.tell_height(height);
                }
                (Some(blocks.bytes), Ok(()))
            }
            // It answers others: no trouble of this link.
            Err(ExchangeError::Status(StatusCode::SERVICE_UNAVAILABLE)) => (None, Ok(())),
            Err(error) => (None, Err(error)),
        };
        // Full or closed: BlockSync's own patience covers it.
        let _ = self
            .seed
            .ports
            .blocks
            .tell(BlocksArrived { peer, from, answer });
        result
    }

    /// The peer has committed this height, so it works on the next.
    fn tell_height(&self, height: Height) {
        let address = self.seed.peer.address;
        self.seed
            .view
            .update_peer(&address, |peer| peer.height = height);
        // Full or closed: it is told again at the next handshake.
        let _ = self
            .seed
            .ports
            .ahead
            .tell(PeerAhead(address, height.next()));
    }

    async fn shake_hands(&mut self) -> Result<Result<(), Mismatch>, ExchangeError> {
        let uri = self.client.uri("/handshake");
        let bytes = self
            .client
            .get(uri, HANDSHAKE_BYTES_MAX, PEER_TIMEOUT)
            .await?;
        let theirs: Handshake = serde_json::from_slice(&bytes)
            .map_err(|error| ExchangeError::Answer(error.to_string()))?;
        let address = self.seed.peer.address;
        let accepted = self.seed.handshake.accept(&theirs, address);
        if accepted.is_ok() {
            let waiting = self.outbox.len();
            self.seed
                .view
                .update_peer(&address, |peer| peer.outbox = waiting);
            self.tell_height(theirs.height);
        }
        Ok(accepted)
    }

    async fn refuse(&self, mismatch: &Mismatch) {
        let peer = &self.seed.peer;
        log::error!(
            "refusing peer {} at {}: {mismatch}; looking again in {} s",
            peer.address,
            peer.listens,
            REFUSED_PEER_WAIT.as_secs()
        );
        self.seed.view.update_peer(&peer.address, |view| {
            (view.reachable, view.refused) = (false, Some(mismatch.to_string()));
        });
        tokio::time::sleep(REFUSED_PEER_WAIT).await;
    }

    /// Waits longer with each failure in a row, up to a limit, and a little differently from the
    /// other links.
    async fn failed(&mut self, what: &str, error: &ExchangeError) {
        let peer = &self.seed.peer;
        if self.failures == 0 {
            log::info!(
                "peer {} at {}: {what} failed: {error}",
                peer.address,
                peer.listens
            );
        }
        self.seed.metrics.peer_errors.inc();
        let waiting = self.outbox.len();
        self.seed.view.update_peer(&peer.address, |view| {
            (view.reachable, view.outbox) = (false, waiting);
        });
        tokio::time::sleep(back_off(self.failures, peer.address.0[0])).await;
        self.failures = self.failures.saturating_add(1);
    }
}

fn back_off(failures: u32, salt: u8) -> Duration {
    let doubled = BACK_OFF_MIN
        .saturating_mul(1 << failures.min(10))
        .min(BACK_OFF_MAX);
    // Up to a quarter less, spread by who the peer is and how often it failed.
    let spread = u32::from(salt).wrapping_add(failures.wrapping_mul(37)) % 64;
    doubled - doubled / 256 * spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_to_its_limit_and_never_falls_below_three_quarters() {
        for salt in [0, 17, 255] {
            let waits: Vec<Duration> = (0..20).map(|n| back_off(n, salt)).collect();
            assert!(waits[0] <= BACK_OFF_MIN && waits[0] >= BACK_OFF_MIN * 3 / 4);
            assert!(waits.iter().all(|wait| *wait <= BACK_OFF_MAX));
            assert!(waits[10..].iter().all(|wait| *wait >= BACK_OFF_MAX * 3 / 4));
        }
    }
}
