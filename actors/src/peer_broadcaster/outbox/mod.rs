//! What waits for one peer: bounded by count and bytes, the stalest dropped first, and everything
//! of decided heights forgotten (whoever still needs those heights gets whole blocks).
//!
//! Questions wait here as well, one of each kind, until the peer may be asked, and transactions and
//! evidence to pass on, within limits of their own: they never push out what consensus says.
use actix_web::web::Bytes;
use lockstep_protocol::nouns::compact::TransactionsWanted;
use lockstep_protocol::nouns::pull::Pull;
use lockstep_protocol::types::{Hash, Height};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use tokio::sync::Notify;

mod frames;
mod gossip;
#[cfg(test)]
mod tests;

use frames::Frames;
use gossip::GossipQueue;
pub(super) use gossip::{Gossip, Passing};

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Compact,
    Proposal,
    Vote,
}

/// One message, encoded once for all peers.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) path: Path,
    /// `None`: never stale.
    pub(super) height: Option<Height>,
    pub(super) body: Bytes,
}

#[derive(Debug, Default)]
struct Queue {
    consensus: Frames,
    gossip: GossipQueue,
    request: Option<(Height, u64)>,
    pull: Option<Pull>,
    missing: Option<TransactionsWanted>,
    may_ask: bool,
    is_validator: bool,
    below: Height,
    closed: bool,
}

/// Shared by the broadcaster and the link of one peer, on one thread.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    queue: Rc<RefCell<Queue>>,
    woken: Rc<Notify>,
    frames_max: usize,
    bytes_max: usize,
}

impl Outbox {
    pub(super) fn new(frames_max: usize, bytes_max: usize) -> Outbox {
        Outbox {
            queue: Rc::default(),
            woken: Rc::default(),
            frames_max,
            bytes_max,
        }
    }

    /// Appends a frame, unless the same one waits already (E6 says again what a peer may lack);
    /// returns how many others had to go.
    pub(super) fn push(&self, frame: Frame) -> usize {
        let mut queue = self.queue.borrow_mut();
        queue.consensus.push(frame);
        self.woken.notify_waiters();
        self.shrink(&mut queue)
    }

    /// Puts a frame that could not be sent back to the front, unless it is stale by now; returns
    /// how many others had to go.
    pub(super) fn push_back(&self, frame: Frame) -> usize {
        let mut queue = self.queue.borrow_mut();
        if frame.height.is_none_or(|height| height >= queue.below) {
            queue.consensus.push_front(frame);
        }
        self.shrink(&mut queue)
    }

    /// Appends a transaction; returns how many others had to go.
    pub(super) fn gossip(&self, transaction: Gossip) -> usize {
        let dropped = self.queue.borrow_mut().gossip.push(transaction);
        self.woken.notify_waiters();
        dropped
    }

    /// Appends a piece of evidence, unless it waits already; returns how many others had to go.
    pub(super) fn accuse(&self, evidence: Bytes) -> usize {
        let dropped = self.queue.borrow_mut().gossip.push_evidence(evidence);
        self.woken.notify_waiters();
        dropped
    }

    /// Puts back what could not be sent; returns how much of its kind had to go.
    pub(super) fn gossip_again(&self, passing: Passing) -> usize {
        self.queue.borrow_mut().gossip.put_back(passing)
    }

    /// The peer has answered the batch under way; true if what was given up should be said again.
    pub(super) fn gossip_arrived(&self) -> bool {
        self.queue.borrow_mut().gossip.arrived()
    }

    /// Those of these leaves that have not reached the peer from here.
    pub(super) fn unheld(&self, leaves: &[Hash]) -> BTreeSet<Hash> {
        let queue = self.queue.borrow();
        let unheld: BTreeSet<&Hash> = queue.gossip.unheld().collect();
        let named = leaves.iter().filter(|leaf| unheld.contains(leaf));
        named.copied().collect()
    }

    fn shrink(&self, queue: &mut Queue) -> usize {
        let frames = &mut queue.consensus;
        let mut dropped = 0;
        while (frames.len() > self.frames_max || frames.bytes() > self.bytes_max)
            && frames.drop_one()
        {
            dropped += 1;
        }
        dropped
    }

    /// Asks for blocks. A question that has waited in vain is replaced.
    pub(super) fn request_blocks(&self, from: Height, limit: u64) {
        self.queue.borrow_mut().request = Some((from, limit));
        self.woken.notify_waiters();
    }

    /// Asks for messages. A question that has waited in vain is replaced: the newest knows best what
    /// is lacking.
    pub(super) fn pull(&self, pull: Pull) {
        self.queue.borrow_mut().pull = Some(pull);
        self.woken.notify_waiters();
    }

    /// Asks for transactions of the peer's proposal. A question that has waited in vain is replaced.
    pub(super) fn fetch(&self, missing: TransactionsWanted) {
        self.queue.borrow_mut().missing = Some(missing);
        self.woken.notify_waiters();
    }

    /// Forgets frames of heights below `height`.
    pub(super) fn forget_below(&self, height: Height) {
        let mut queue = self.queue.borrow_mut();
        queue.below = height;
        queue.pull.take_if(|pull| pull.height <= height);
        queue.missing.take_if(|missing| missing.height <= height);
        queue.consensus.forget_below(height);
    }

    /// Ends the link.
    pub(super) fn close(&self) {
        self.queue.borrow_mut().closed = true;
        self.woken.notify_waiters();
    }

    pub(super) fn len(&self) -> usize {
        self.queue.borrow().consensus.len()
    }

    /// Whether questions go out from now on, or wait.
    pub(super) fn allow_questions(&self, allowed: bool) {
        self.queue.borrow_mut().may_ask = allowed;
        self.woken.notify_waiters();
    }

    /// Waits for something to send.
    pub(super) async fn next_frame(&self) -> Frame {
        self.wait_for(|queue| queue.consensus.pop()).await
    }

    /// Whether this node is a validator, or is about to become one.
    pub(super) fn set_validator(&self, is_validator: bool) {
        self.queue.borrow_mut().is_validator = is_validator;
        self.woken.notify_waiters();
    }

    /// Waits until the peer may be asked how far it is, and this node has to know: whoever is no
    /// validator signs nothing, and would be answered by nobody.
    pub(super) async fn standing_wanted(&self) {
        let is_wanted = |queue: &mut Queue| queue.may_ask && queue.is_validator;
        self.wait_for(|queue| is_wanted(queue).then_some(())).await;
    }

    /// Waits for a question for blocks.
    pub(super) async fn next_request(&self) -> (Height, u64) {
        self.wait_for(|queue| queue.request.take_if(|_| queue.may_ask))
            .await
    }

    /// Waits for a question for messages.
    pub(super) async fn next_pull(&self) -> Pull {
        self.wait_for(|queue| queue.pull.take_if(|_| queue.may_ask))
            .await
    }

    /// Waits for a question for transactions.
    pub(super) async fn next_missing(&self) -> TransactionsWanted {
        self.wait_for(|queue| queue.missing.take_if(|_| queue.may_ask))
            .await
    }

    /// Waits for something to pass on.
    pub(super) async fn next_gossip(&self) -> Passing {
        let take = |queue: &mut Queue| queue.may_ask.then(|| queue.gossip.take()).flatten();
        self.wait_for(take).await
    }

    /// Waits for the end.
    pub(super) async fn closed(&self) {
        self.wait_for(|queue| queue.closed.then_some(())).await;
    }

    async fn wait_for<T>(&self, take: impl Fn(&mut Queue) -> Option<T>) -> T {
        loop {
            // Before looking: from now on no wake-up is missed.
            let woken = self.woken.notified();
            let taken = take(&mut self.queue.borrow_mut());
            if let Some(taken) = taken {
                return taken;
            }
            woken.await;
        }
    }
}
