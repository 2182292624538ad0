//! The task of one peer. Consensus messages go one at a time, retried with back-off, after a
//! handshake. Beside them, on connections of their own, go questions: one at a time for blocks, and
//! one at a time for messages, for transactions of a proposal or how far the peer is; and
//! transactions and evidence to pass on. So no answer,
//! however late, delays a vote or a proposal. A question that fails delays the next of its kind
//! only; whether the peer is there, messages and handshakes find out. If it is not, its name is
//! looked up again.
use super::Seed;
use super::back_off::BackOff;
use super::client::{ExchangeError, PeerClient};
use super::outbox::{Frame, Outbox, Path};
use crate::clock::Clock;
use crate::kill_points;
use crate::limits::{PEER_FAILURE_SAID_EVERY, RESOLVE_EVERY, SYNC_TIMEOUT};
use crate::messages::block_sync::{BlocksArrived, PeerGone};
use crate::peers::{Mismatch, Peer, PeerAddress, look_up};
use crate::shell::Deliver;
use actix_web::http::{StatusCode, Uri};
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::wire::{Wire, WireError};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio::time::Instant;

mod greeting;
#[cfg(test)]
mod tests;

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
    pub(super) peer: Peer,
    pub(super) seed: Seed,
    pub(super) outbox: Outbox,
    way: RefCell<Rc<Way>>,
    /// Handshakes, pulls and questions for transactions, all short, share a connection: each waits
    /// for the others to end.
    short_question: Mutex<()>,
    /// The peer is not where it was.
    lost: Notify,
    /// Its name leads somewhere else now.
    moved: Notify,
    /// It has answered as a peer does, since the last failure.
    proven: Cell<bool>,
    /// When a failure was last said in the log.
    said: Said,
}

/// When a link last said a failure: whoever fails after each success fills no log.
#[derive(Debug, Default)]
struct Said(Cell<Option<Instant>>);

impl Said {
    fn may_say(&self, now: Instant) -> bool {
        let last = self.0.get();
        let is_due = last.is_none_or(|last| now - last >= PEER_FAILURE_SAID_EVERY);
        if is_due {
            self.0.set(Some(now));
        }
        is_due
    }
}

/// Why messages do not go on.
enum Break {
    Failed(&'static str, ExchangeError),
    Refused(Mismatch),
}

/// Until the outbox is closed: then whatever is under way is given up. Whoever has asked has
/// patience of its own, as with a broadcaster that falls.
pub(super) async fn run(peer: Peer, seed: Seed, outbox: Outbox) {
    let closed = outbox.clone();
    let talk = async move {
        let listens = match &peer.listens_at {
            PeerAddress::At(listens) => *listens,
            PeerAddress::Named { name, found } => match found {
                Some(listens) => *listens,
                None => seed.find(peer.address, name).await,
            },
        };
        Link::new(peer, seed, outbox, listens).talk_always().await;
    };
    tokio::select! {
        biased;
        () = closed.closed() => (),
        () = talk => (),
    }
}

impl Seed {
    /// Looks the name of a peer up until it leads somewhere. Meanwhile everything for it waits in
    /// its outbox: a question does not go out before a handshake has worked.
    async fn find(&self, address: Address, name: &Arc<str>) -> SocketAddr {
        loop {
            match look_up(self.resolve.clone(), name.clone(), None).await {
                Ok(listens) => {
                    self.note_place(address, listens, name);
                    return listens;
                }
                Err(error) => {
                    self.metrics.peer_errors.inc();
                    log::debug!("{name} cannot be resolved: {error}");
                }
            }
            tokio::time::sleep(RESOLVE_EVERY).await;
        }
    }

    /// Shows where the peer is now, to whoever looks at the node and to its listener.
    fn note_place(&self, address: Address, listens: SocketAddr, name: &Arc<str>) {
        log::info!("peer {address}: {name} is at {listens} now");
        let moved = Peer::named(address, name, Some(listens));
        self.view
            .update_peer(&address, |peer| peer.url = moved.url());
        let mut peers = self.peers.write();
        if let Some(peer) = peers.iter_mut().find(|peer| peer.address == address) {
            *peer = moved;
        }
    }
}

impl Link {
    fn new(peer: Peer, seed: Seed, outbox: Outbox, listens: SocketAddr) -> Link {
        Link {
            peer,
            seed,
            outbox,
            way: RefCell::new(Rc::new(Way::new(listens))),
            short_question: Mutex::new(()),
            lost: Notify::new(),
            moved: Notify::new(),
            proven: Cell::new(false),
            said: Said::default(),
        }
    }

    async fn talk_always(self) {
        tokio::select! {
            biased;
            () = self.keep_sending() => (),
            () = self.keep_requesting() => (),
            () = self.keep_pulling() => (),
            () = self.keep_fetching() => (),
            () = self.keep_gossiping() => (),
            () = self.keep_finding() => (),
            () = self.keep_asking_how_far() => (),
        }
    }

    /// What is under way stays on the way that it took.
    pub(super) fn way(&self) -> Rc<Way> {
        self.way.borrow().clone()
    }

    async fn keep_sending(&self) {
        let mut back_off = self.back_off();
        let mut refusals = 0;
        loop {
            let broken = match self.shake_hands().await {
                Ok(Ok(())) => {
                    refusals = 0;
                    self.talk().await
                }
                Ok(Err(mismatch)) => Break::Refused(mismatch),
                Err(error) => Break::Failed("handshake", error),
            };
            // A handshake is no proof: whoever greets and takes nothing would be asked in a tight
            // loop.
            if self.proven.replace(false) {
                back_off.reset();
            }
            match broken {
                Break::Refused(mismatch) => {
                    self.refuse(&mismatch, refusals).await;
                    refusals = refusals.saturating_add(1);
                }
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
        let me = &self.seed.handshake.validator;
        let peer = &self.peer.address;
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
                self.proven.set(true);
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
                self.complain(format_args!("refused: {refused}"));
                Ok(())
            }
        }
    }

    fn put_back(&self, frame: Frame) {
        let dropped = self.outbox.push_back(frame);
        self.seed.metrics.frames_dropped.inc_by(dropped as u64);
    }

    async fn request_blocks(&self, from: Height, limit: u64) -> Result<(), ExchangeError> {
        let peer = self.peer.address;
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
        let arrived = BlocksArrived { peer, from, answer };
        self.seed.ports.blocks.deliver(arrived);
        result
    }

    /// Posts a short question and decodes its answer. Meanwhile no other short question goes out.
    pub(super) async fn ask<T>(
        &self,
        path: &str,
        question: Vec<u8>,
        (bytes_max, patience): (usize, Duration),
        decode: impl FnOnce(&Wire, &[u8]) -> Result<T, WireError>,
    ) -> Result<T, ExchangeError> {
        let _turn = self.short_question().await;
        let way = self.way();
        let client = &way.client;
        let answer = client.post_for(client.uri(path), question.into(), bytes_max, patience);
        let decoded = decode(&self.seed.wire, &answer.await?);
        decoded.map_err(|error| ExchangeError::Answer(error.to_string()))
    }

    /// Counts that the peer did what it should not, or did not what it should.
    pub(super) fn complain(&self, what: std::fmt::Arguments<'_>) {
        self.seed.metrics.peer_errors.inc();
        log::debug!("peer {} {what}", self.peer.address.short());
    }

    /// After a question without a usable answer: an error if the exchange failed; if the peer only
    /// answers otherwise than it should, that is said, and no trouble of this link.
    pub(super) fn unanswered(&self, what: &str, error: ExchangeError) -> Result<(), ExchangeError> {
        if let ExchangeError::Send(_) | ExchangeError::Body(_) | ExchangeError::Slow = error {
            return Err(error);
        }
        self.complain(format_args!("answers no {what}: {error}"));
        Ok(())
    }

    /// Until it is given back no other handshake or pull goes out.
    pub(super) async fn short_question(&self) -> MutexGuard<'_, ()> {
        self.short_question.lock().await
    }

    /// The peer answers.
    fn reached(&self) {
        self.outbox.allow_questions(true);
        self.seed.view.update_peer(&self.peer.address, |peer| {
            peer.set_reachable(true);
            peer.refused = None;
        });
    }

    /// The peer does not answer: nothing is asked of it before a handshake has worked again.
    async fn failed(&self, what: &str, error: &ExchangeError, back_off: &mut BackOff) {
        self.outbox.allow_questions(false);
        self.lost.notify_one();
        if error.is_refusal() {
            self.seed.ports.gone.deliver(PeerGone(self.peer.address));
        }
        let waiting = self.outbox.len();
        let trouble = format!("{what} failed: {error}");
        self.seed.view.update_peer(&self.peer.address, |view| {
            view.set_reachable(false);
            view.outbox = waiting;
            view.trouble = Some(trouble);
        });
        self.wait_after(what, error, back_off).await;
    }

    /// Says the first failure in a row, if none was said just before, and waits.
    async fn wait_after(&self, what: &str, error: &ExchangeError, back_off: &mut BackOff) {
        let peer = &self.peer;
        if back_off.is_fresh() && self.said.may_say(Instant::now()) {
            log::debug!(
                "peer {} at {}: {what} failed: {error}",
                peer.address,
                self.way().listens
            );
        }
        self.seed.metrics.peer_errors.inc();
        tokio::time::sleep(back_off.next()).await;
    }
}
