//! The task of one peer. Consensus messages go one at a time, retried with back-off, after a
//! handshake. Beside them, on connections of their own, go questions: for blocks and for messages,
//! of each kind one at a time. So no answer, however late, delays a vote or a proposal. A question
//! that fails delays the next of its kind only; whether the peer is there, messages and handshakes
//! find out.
use super::back_off::BackOff;
use super::client::{ExchangeError, PeerClient};
use super::outbox::{Frame, Outbox, Path};
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
    pub(super) validators: usize,
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
        }
    }

    /// Until the outbox is closed: then whatever is under way is given up. Whoever has asked has
    /// patience of its own, as with a broadcaster that falls.
    pub(super) async fn run(self) {
        tokio::select! {
            biased;
            () = self.outbox.closed() => (),
            () = self.keep_sending() => (),
            () = self.keep_requesting() => (),
            () = self.keep_pulling() => (),
        }
    }

    async fn keep_sending(&self) {
        let mut back_off = self.back_off();
        loop {
            match self.shake_hands().await {
                Ok(Ok(())) => {
                    back_off.reset();
                    self.talk(&mut back_off).await;
                }
                Ok(Err(mismatch)) => self.refuse(&mismatch).await,
                Err(error) => self.failed("handshake", &error, &mut back_off).await,
            }
        }
    }

    /// Sends until something fails or the next handshake is due.
    async fn talk(&self, back_off: &mut BackOff) {
        self.outbox.allow_questions(true);
        self.seed.view.update_peer(&self.seed.peer.address, |peer| {
            (peer.reachable, peer.refused) = (true, None);
        });
        let mut busy = self.back_off();
        // Then it is asked again how far it is, whether it was busy or idle meanwhile.
        let until = tokio::time::Instant::now() + HANDSHAKE_EVERY;
        while tokio::time::Instant::now() < until {
            let next = tokio::time::timeout_at(until, self.outbox.next_frame());
            let Ok(frame) = next.await else {
                return;
            };
            if let Err(error) = self.send(frame, &mut busy).await {
                return self.failed("exchange", &error, back_off).await;
            }
        }
    }

    async fn keep_requesting(&self) {
        let mut back_off = self.back_off();
        loop {
            let (from, limit) = self.outbox.next_request().await;
            let asked = self.request_blocks(from, limit).await;
            self.asked("a question for blocks", asked, &mut back_off)
                .await;
        }
    }

    async fn keep_pulling(&self) {
        let mut back_off = self.back_off();
        loop {
            let pull = self.outbox.next_pull().await;
            let asked = self.pull(&pull).await;
            self.asked("a pull", asked, &mut back_off).await;
        }
    }

    /// A question is over: after a failure the next of its kind waits.
    async fn asked(&self, what: &str, done: Result<(), ExchangeError>, back_off: &mut BackOff) {
        match done {
            Ok(()) => back_off.reset(),
            Err(error) => self.wait_after(what, &error, back_off).await,
        }
    }

    fn back_off(&self) -> BackOff {
        let (me, peer) = (&self.seed.handshake.validator, &self.seed.peer.address);
        BackOff::new(me, peer, Clock::salt())
    }

    /// `busy`: how often in a row the peer had no room.
    async fn send(&self, frame: Frame, busy: &mut BackOff) -> Result<(), ExchangeError> {
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
                busy.reset();
                kill_points::sent(&self.seed.wire, me, &frame.body);
                Ok(())
            }
            // The peer is there and has no room: it gets the same again, without a handshake.
            StatusCode::SERVICE_UNAVAILABLE if !is_transaction => {
                self.put_back(frame);
                self.seed.metrics.peer_errors.inc();
                tokio::time::sleep(busy.next()).await;
                Ok(())
            }
            // The peer will never take this one, or its signer has said too much there (E6 says
            // again what matters), or it is a transaction that it has no room for now: it is not
            // sent again, because nothing may hold up votes.
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

    async fn request_blocks(&self, from: Height, limit: u64) -> Result<(), ExchangeError> {
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

    async fn shake_hands(&self) -> Result<Result<(), Mismatch>, ExchangeError> {
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
        self.outbox.allow_questions(false);
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

    /// The peer is not there: nothing goes out before the next handshake.
    async fn failed(&self, what: &str, error: &ExchangeError, back_off: &mut BackOff) {
        self.outbox.allow_questions(false);
        let waiting = self.outbox.len();
        self.seed.view.update_peer(&self.seed.peer.address, |view| {
            (view.reachable, view.outbox) = (false, waiting);
        });
        self.wait_after(what, error, back_off).await;
    }

    /// Says the first failure in a row, and waits.
    async fn wait_after(&self, what: &str, error: &ExchangeError, back_off: &mut BackOff) {
        let peer = &self.seed.peer;
        if back_off.is_fresh() {
            log::info!(
                "peer {} at {}: {what} failed: {error}",
                peer.address,
                peer.listens
            );
        }
        self.seed.metrics.peer_errors.inc();
        tokio::time::sleep(back_off.next()).await;
    }
}
