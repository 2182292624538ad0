//! The task of one peer. Consensus messages go one at a time, retried with back-off, after a
//! handshake. Beside them, on connections of their own, go questions: one at a time for blocks, and
//! one at a time for messages, for transactions of a proposal or how far the peer is; and
//! transactions and evidence to pass on. So no answer,
//! however late, delays a vote or a proposal. A question that fails delays the next of its kind
//! only; whether the peer is there, messages and handshakes find out. If it is not, its name is
//! looked up again.
use super::back_off::BackOff;
use super::client::{ExchangeError, PeerClient};
use super::outbox::{Frame, Outbox, Path};
use super::resolve::{self, Resolve};
use super::{Handshake, Mismatch, Peer, Ports};
use crate::block_sync::{BlocksArrived, PeerKeeps, PeerStands};
use crate::clock::Clock;
use crate::kill_points;
use crate::limits::{
    HANDSHAKE_BYTES_MAX, HANDSHAKE_EVERY, PEER_TIMEOUT, REFUSED_PEER_WAIT, RESOLVE_EVERY,
    SYNC_TIMEOUT,
};
use crate::metrics::Metrics;
use crate::view::NodeView;
use actix_web::http::{StatusCode, Uri};
use lockstep_protocol::types::Height;
use lockstep_protocol::wire::Wire;
use parking_lot::RwLock;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard, Notify};

pub(super) struct LinkSeed {
    pub(super) peer: Peer,
    /// All of them: where this one has moved is noted there, too.
    pub(super) peers: Arc<RwLock<Vec<Peer>>>,
    pub(super) resolve: Resolve,
    pub(super) handshake: Handshake,
    pub(super) wire: Wire,
    pub(super) view: Arc<NodeView>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) ports: Ports,
}

/// The way to where the peer is now.
pub(super) struct Way {
    listens: SocketAddr,
    pub(super) client: PeerClient,
    compact: Uri,
    proposal: Uri,
    vote: Uri,
    pub(super) gossip: Uri,
    pub(super) evidence: Uri,
}

impl Way {
    fn new(listens: SocketAddr) -> Way {
        let client = PeerClient::new(listens);
        Way {
            listens,
            compact: client.uri("/consensus/compact"),
            proposal: client.uri("/consensus/proposal"),
            vote: client.uri("/consensus/vote"),
            gossip: client.uri("/mempool/transactions"),
            evidence: client.uri("/consensus/evidence"),
            client,
        }
    }
}

pub(super) struct Link {
    pub(super) seed: LinkSeed,
    pub(super) outbox: Outbox,
    way: RefCell<Rc<Way>>,
    /// Handshakes, pulls and questions for transactions, all short, share a connection: each waits
    /// for the others to end.
    short_question: Mutex<()>,
    /// The peer is not where it was.
    lost: Notify,
}

/// Why messages do not go on.
enum Break {
    Failed(&'static str, ExchangeError),
    Refused(Mismatch),
}

impl Link {
    pub(super) fn new(seed: LinkSeed, outbox: Outbox) -> Link {
        let way = RefCell::new(Rc::new(Way::new(seed.peer.listens)));
        Link {
            seed,
            outbox,
            way,
            short_question: Mutex::new(()),
            lost: Notify::new(),
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
            () = self.keep_fetching() => (),
            () = self.keep_gossiping() => (),
            () = self.keep_finding() => (),
        }
    }

    /// What is under way stays on the way that it took.
    pub(super) fn way(&self) -> Rc<Way> {
        self.way.borrow().clone()
    }

    async fn keep_sending(&self) {
        let mut back_off = self.back_off();
        loop {
            let broken = match self.shake_hands().await {
                Ok(Ok(())) => {
                    back_off.reset();
                    self.talk().await
                }
                Ok(Err(mismatch)) => Break::Refused(mismatch),
                Err(error) => Break::Failed("handshake", error),
            };
            match broken {
                Break::Refused(mismatch) => self.refuse(&mismatch).await,
                Break::Failed(what, error) => self.failed(what, &error, &mut back_off).await,
            }
        }
    }

    /// Sends until something fails.
    async fn talk(&self) -> Break {
        self.reached();
        tokio::select! {
            biased;
            error = self.send_frames() => Break::Failed("exchange", error),
            broken = self.keep_greeting() => broken,
        }
    }

    async fn send_frames(&self) -> ExchangeError {
        let mut busy = self.back_off();
        loop {
            let frame = self.outbox.next_frame().await;
            if let Err(error) = self.send(frame, &mut busy).await {
                return error;
            }
        }
    }

    /// Asks now and then how far the peer is, whether it is busy or idle. Whoever takes too long to
    /// say so may still take messages: they go on, and only the answer is waited for.
    async fn keep_greeting(&self) -> Break {
        let mut back_off = self.back_off();
        tokio::time::sleep(HANDSHAKE_EVERY).await;
        loop {
            match self.shake_hands().await {
                Ok(Ok(())) => {
                    back_off.reset();
                    self.reached();
                    tokio::time::sleep(HANDSHAKE_EVERY).await;
                }
                Ok(Err(mismatch)) => return Break::Refused(mismatch),
                Err(error) if error.is_slow() => {
                    self.failed("handshake", &error, &mut back_off).await;
                }
                Err(error) => return Break::Failed("handshake", error),
            }
        }
    }

    /// Looks a name up again after each failure, but not all the time.
    async fn keep_finding(&self) {
        let Some(name) = self.seed.peer.name.clone() else {
            return std::future::pending().await;
        };
        loop {
            self.lost.notified().await;
            let now = self.way().listens;
            let found = resolve::look_up(self.seed.resolve.clone(), name.clone(), now);
            match found.await {
                Ok(listens) if listens == now => {}
                Ok(listens) => self.move_to(listens, &name),
                Err(error) => log::debug!("{name} cannot be resolved: {error}"),
            }
            tokio::time::sleep(RESOLVE_EVERY).await;
        }
    }

    fn move_to(&self, listens: SocketAddr, name: &str) {
        let address = self.seed.peer.address;
        log::info!("peer {address}: {name} is at {listens} now");
        *self.way.borrow_mut() = Rc::new(Way::new(listens));
        self.seed.view.update_peer(&address, |peer| {
            peer.url = format!("http://{listens}");
        });
        let mut peers = self.seed.peers.write();
        if let Some(peer) = peers.iter_mut().find(|peer| peer.address == address) {
            peer.listens = listens;
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
    pub(super) async fn asked(
        &self,
        what: &str,
        done: Result<(), ExchangeError>,
        back_off: &mut BackOff,
    ) {
        match done {
            Ok(()) => back_off.reset(),
            Err(error) => self.wait_after(what, &error, back_off).await,
        }
    }

    pub(super) fn back_off(&self) -> BackOff {
        let (me, peer) = (&self.seed.handshake.validator, &self.seed.peer.address);
        BackOff::new(me, peer, Clock::salt())
    }

    /// `busy`: how often in a row the peer had no room.
    async fn send(&self, frame: Frame, busy: &mut BackOff) -> Result<(), ExchangeError> {
        let way = self.way();
        let uri = match frame.path {
            Path::Compact => &way.compact,
            Path::Proposal => &way.proposal,
            Path::Vote => &way.vote,
        };
        let status = match way.client.post(uri, frame.body.clone()).await {
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
            StatusCode::SERVICE_UNAVAILABLE => {
                self.put_back(frame);
                self.seed.metrics.peer_errors.inc();
                tokio::time::sleep(busy.next()).await;
                Ok(())
            }
            // The peer will never take this one, or its signer has said too much there (E6 says
            // again what matters): it is not sent again, because nothing may hold up votes.
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
        let way = self.way();
        let client = &way.client;
        let answer = client.get_blocks(client.uri(&path), SYNC_TIMEOUT).await;
        let (answer, result) = match answer {
            Ok(blocks) => {
                // Before the answer: an empty one is no fault of whoever says why.
                if let Some(earliest) = blocks.earliest {
                    self.tell_earliest(earliest);
                }
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
        let _ = self.seed.ports.stands.tell(PeerStands(address, height));
    }

    /// The peer keeps no block below this height.
    fn tell_earliest(&self, earliest: Height) {
        let address = self.seed.peer.address;
        self.seed
            .view
            .update_peer(&address, |peer| peer.earliest_height = earliest);
        // Full or closed: it is told again at the next handshake.
        let _ = self.seed.ports.keeps.tell(PeerKeeps(address, earliest));
    }

    /// Until it is given back no other handshake or pull goes out.
    pub(super) async fn short_question(&self) -> MutexGuard<'_, ()> {
        self.short_question.lock().await
    }

    async fn shake_hands(&self) -> Result<Result<(), Mismatch>, ExchangeError> {
        let _turn = self.short_question().await;
        let way = self.way();
        let client = &way.client;
        let uri = client.uri("/handshake");
        let bytes = client.get(uri, HANDSHAKE_BYTES_MAX, PEER_TIMEOUT).await?;
        let theirs: Handshake = serde_json::from_slice(&bytes)
            .map_err(|error| ExchangeError::Answer(error.to_string()))?;
        let address = self.seed.peer.address;
        let accepted = self.seed.handshake.accept(&theirs, address);
        if accepted.is_ok() {
            let waiting = self.outbox.len();
            self.seed
                .view
                .update_peer(&address, |peer| peer.outbox = waiting);
            self.tell_earliest(theirs.earliest_height);
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
            self.way().listens,
            REFUSED_PEER_WAIT.as_secs()
        );
        self.seed.view.update_peer(&peer.address, |view| {
            (view.reachable, view.refused) = (false, Some(mismatch.to_string()));
        });
        tokio::time::sleep(REFUSED_PEER_WAIT).await;
    }

    /// The peer answers.
    fn reached(&self) {
        self.outbox.allow_questions(true);
        self.seed.view.update_peer(&self.seed.peer.address, |peer| {
            (peer.reachable, peer.refused) = (true, None);
        });
    }

    /// The peer does not answer: nothing is asked of it before a handshake has worked again.
    async fn failed(&self, what: &str, error: &ExchangeError, back_off: &mut BackOff) {
        self.outbox.allow_questions(false);
        self.lost.notify_one();
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
                self.way().listens
            );
        }
        self.seed.metrics.peer_errors.inc();
        tokio::time::sleep(back_off.next()).await;
    }
}
