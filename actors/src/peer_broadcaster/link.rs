//! The task of one peer: handshake, then one request in flight at a time, retried with back-off.
use super::back_off::BackOff;
use super::client::{ExchangeError, PeerClient};
use super::outbox::{Frame, Outbox, Path, Work};
use super::{Handshake, Mismatch, Peer, Ports};
use crate::block_sync::{BlocksArrived, PeerAhead};
use crate::clock::Clock;
use crate::kill_points;
use crate::limits::{HANDSHAKE_BYTES_MAX, HANDSHAKE_EVERY, PEER_TIMEOUT, REFUSED_PEER_WAIT};
use crate::metrics::Metrics;
use crate::view::NodeView;
use actix_web::http::{StatusCode, Uri};
use lockstep_protocol::types::Height;
use lockstep_protocol::wire::Wire;
use std::sync::Arc;

pub(super) struct LinkSeed {
    pub(super) peer: Peer,
    pub(super) handshake: Handshake,
    pub(super) wire: Wire,
    pub(super) view: Arc<NodeView>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) ports: Ports,
}

pub(super) struct Link {
    pub(super) seed: LinkSeed,
    outbox: Outbox,
    pub(super) client: PeerClient,
    proposal: Uri,
    vote: Uri,
    transaction: Uri,
    back_off: BackOff,
}

impl Link {
    pub(super) fn new(seed: LinkSeed, outbox: Outbox) -> Link {
        let client = PeerClient::new(seed.peer.listens);
        let (proposal, vote) = (
            client.uri("/consensus/proposal"),
            client.uri("/consensus/vote"),
        );
        let transaction = client.uri("/transactions");
        let (me, peer) = (&seed.handshake.validator, &seed.peer.address);
        let back_off = BackOff::new(me, peer, Clock::salt());
        Link {
            seed,
            outbox,
            client,
            proposal,
            vote,
            transaction,
            back_off,
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
        self.back_off.reset();
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
                Ok(Work::Pull(pull)) => self.pull(&pull).await,
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
                self.put_back(frame);
                return Err(error);
            }
        };
        match status {
            StatusCode::ACCEPTED => {
                let me = &self.seed.handshake.validator;
                kill_points::sent(&self.seed.wire, me, &frame.body);
                Ok(())
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if !is_transaction => {
                self.put_back(frame);
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

    fn put_back(&self, frame: Frame) {
        let dropped = self.outbox.push_back(frame);
        self.seed.metrics.frames_dropped.inc_by(dropped as u64);
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

    /// Says the first failure in a row, and waits.
    async fn failed(&mut self, what: &str, error: &ExchangeError) {
        let peer = &self.seed.peer;
        if self.back_off.is_fresh() {
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
        tokio::time::sleep(self.back_off.next()).await;
    }
}
