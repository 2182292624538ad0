//! Who the peer is, how far it is, and where it is if not here.
use super::super::client::ExchangeError;
use super::{Break, Link, Seed, Way};
use crate::limits::{
    HANDSHAKE_BYTES_MAX, HANDSHAKE_EVERY, PEER_TIMEOUT, REFUSED_PEER_WAIT, RESOLVE_EVERY,
};
use crate::messages::block_sync::{PeerAhead, PeerKeeps};
use crate::peers::{Handshake, Mismatch, PeerAddress, look_up};
use crate::shell::Deliver;
use lockstep_protocol::consensus::clocks::Exchange;
use lockstep_protocol::types::{Height, Instant as Monotonic};
use std::rc::Rc;

impl Link {
    /// Asks now and then how far the peer is, whether it is busy or idle. Whoever takes too long to
    /// say so may still take messages: they go on, and only the answer is waited for.
    pub(super) async fn keep_greeting(&self) -> Break {
        let mut back_off = self.back_off();
        tokio::time::sleep(HANDSHAKE_EVERY).await;
        loop {
            match self.shake_hands().await {
                Ok(Ok(())) => {
                    back_off.reset();
                    self.proven.set(true);
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
    pub(super) async fn keep_finding(&self) {
        let PeerAddress::Named { name, .. } = &self.peer.listens_at else {
            return std::future::pending().await;
        };
        loop {
            self.lost.notified().await;
            let now = self.way().listens;
            let found = look_up(self.seed.resolve.clone(), name.clone(), Some(now));
            match found.await {
                Ok(listens) if listens == now => {}
                Ok(listens) => {
                    *self.way.borrow_mut() = Rc::new(Way::new(listens));
                    self.seed.note_place(self.peer.address, listens, name);
                    self.moved.notify_waiters();
                }
                Err(error) => log::debug!("{name} cannot be resolved: {error}"),
            }
            tokio::time::sleep(RESOLVE_EVERY).await;
        }
    }

    pub(super) async fn shake_hands(&self) -> Result<Result<(), Mismatch>, ExchangeError> {
        let _turn = self.short_question().await;
        let way = self.way();
        let client = &way.client;
        let uri = client.uri("/handshake");
        let asked = self.seed.clock.now();
        let answer = client.get(uri, HANDSHAKE_BYTES_MAX, PEER_TIMEOUT).await;
        let bytes = answer.map_err(ExchangeError::of_handshake)?;
        let answered = self.seed.clock.now();
        let theirs: Handshake = serde_json::from_slice(&bytes)
            .map_err(|error| ExchangeError::Answer(error.to_string()))?;
        let address = self.peer.address;
        let accepted = self.seed.handshake.accept(&theirs, address);
        if accepted.is_ok() {
            self.hear_clock(&theirs, asked, answered);
            let waiting = self.outbox.len();
            self.seed
                .view
                .update_peer(&address, |peer| peer.outbox = waiting);
            self.tell_earliest(theirs.earliest_height);
            self.tell_height(theirs.height);
        }
        Ok(accepted)
    }

    /// The peer has said its wall clock.
    fn hear_clock(&self, theirs: &Handshake, asked: Monotonic, answered: Monotonic) {
        let Some(theirs) = theirs.time_ms else { return };
        let Seed {
            view,
            clock,
            metrics,
            ..
        } = &self.seed;
        let peer = self.peer.address;
        view.clocks.heard(&Exchange {
            peer,
            asked,
            answered,
            theirs,
        });
        let me = self.seed.handshake.validator;
        let validators = view.validators();
        let report = view.clocks.report(clock, &me, validators.current());
        let difference = report.peers.get(&peer).copied();
        view.update_peer(&peer, |peer| peer.clock_difference_ms = difference);
        metrics.clock_difference(report.median_ms);
        view.clocks.say(&report);
    }

    /// `before`: how often in a row it was refused already.
    pub(super) async fn refuse(&self, mismatch: &Mismatch, before: u32) {
        self.outbox.allow_questions(false);
        let peer = &self.peer;
        log::error!(
            "refusing peer {} at {}: {mismatch}; looking again in {} s, or where its name leads, if \
             it has one that leads somewhere else",
            peer.address,
            self.way().listens,
            REFUSED_PEER_WAIT.as_secs()
        );
        self.seed.view.update_peer(&peer.address, |view| {
            view.set_reachable(false);
            view.refused = Some(mismatch.to_string());
        });
        tokio::select! {
            () = tokio::time::sleep(REFUSED_PEER_WAIT) => (),
            () = self.found_elsewhere(before) => (),
        }
    }

    /// Who was found here may have got this address from the peer: its name is looked up, again and
    /// again, because a resolver's word may be old. One that leads to several strangers is followed
    /// at growing intervals only.
    pub(super) async fn found_elsewhere(&self, before: u32) {
        if before > 0 {
            let wait = RESOLVE_EVERY.saturating_mul(1 << before.min(10));
            tokio::time::sleep(wait.min(REFUSED_PEER_WAIT)).await;
        }
        let keep_looking = async {
            loop {
                self.lost.notify_one();
                tokio::time::sleep(RESOLVE_EVERY).await;
            }
        };
        tokio::select! {
            biased;
            () = self.moved.notified() => (),
            () = keep_looking => (),
        }
    }

    /// The peer has committed this height, so it works on the next: a claim, good to know whom to ask
    /// for blocks.
    pub(super) fn tell_height(&self, height: Height) {
        let address = self.peer.address;
        self.seed
            .view
            .update_peer(&address, |peer| peer.height = height);
        let ahead = PeerAhead(address, height.next());
        self.seed.ports.ahead.deliver(ahead);
    }

    /// The peer keeps no block below this height.
    pub(super) fn tell_earliest(&self, earliest: Height) {
        let address = self.peer.address;
        self.seed
            .view
            .update_peer(&address, |peer| peer.earliest_height = earliest);
        let keeps = PeerKeeps(address, earliest);
        self.seed.ports.keeps.deliver(keeps);
    }
}
