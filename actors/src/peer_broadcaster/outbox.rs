//! What waits for one peer: bounded by count and bytes, the stalest dropped first, and everything
//! of decided heights forgotten (whoever still needs those heights gets whole blocks).
//!
//! Questions wait here as well, one of each kind, until the peer may be asked, and transactions and
//! evidence to pass on, within limits of their own: they never push out what consensus says.
use super::gossip::{Gossip, GossipQueue, Passing};
use actix_web::web::Bytes;
use lockstep_protocol::compact::Missing;
use lockstep_protocol::pull::Pull;
use lockstep_protocol::types::{Hash, Height};
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use tokio::sync::Notify;

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
    consensus: VecDeque<Frame>,
    gossip: GossipQueue,
    request: Option<(Height, u64)>,
    pull: Option<Pull>,
    missing: Option<Missing>,
    /// Of all frames: kept, because a full outbox is asked with each message.
    bytes: usize,
    may_ask: bool,
    below: Height,
    closed: bool,
}

impl Queue {
    fn take_frame(&mut self) -> Option<Frame> {
        let frame = self.consensus.pop_front();
        self.gone(frame)
    }

    fn take_gossip(&mut self) -> Option<Passing> {
        self.may_ask.then(|| self.gossip.take()).flatten()
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.body.len();
        self.consensus.push_back(frame);
    }

    fn push_back(&mut self, frame: Frame) {
        self.bytes += frame.body.len();
        self.consensus.push_front(frame);
    }

    fn gone(&mut self, frame: Option<Frame>) -> Option<Frame> {
        self.bytes -= frame.as_ref().map_or(0, |frame| frame.body.len());
        frame
    }

    fn take_request(&mut self) -> Option<(Height, u64)> {
        self.request.take_if(|_| self.may_ask)
    }

    fn take_pull(&mut self) -> Option<Pull> {
        self.pull.take_if(|_| self.may_ask)
    }

    fn take_missing(&mut self) -> Option<Missing> {
        self.missing.take_if(|_| self.may_ask)
    }

    fn len(&self) -> usize {
        self.consensus.len()
    }

    /// Gives up what matters least: stale heights before newer ones, of a height the oldest.
    fn drop_one(&mut self) -> bool {
        let frames = self.consensus.iter().enumerate();
        let stalest = frames.min_by_key(|(_, frame)| frame.height);
        let stalest = stalest.map(|(index, _)| index);
        let stalest = stalest.and_then(|index| self.consensus.remove(index));
        self.gone(stalest).is_some()
    }
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
        let known = |other: &Frame| other.height == frame.height && other.body == frame.body;
        if !queue.consensus.iter().any(known) {
            queue.push(frame);
        }
        self.woken.notify_waiters();
        self.shrink(&mut queue)
    }

    /// Puts a frame that could not be sent back to the front, unless it is stale by now; returns
    /// how many others had to go.
    pub(super) fn push_back(&self, frame: Frame) -> usize {
        let mut queue = self.queue.borrow_mut();
        if frame.height.is_none_or(|height| height >= queue.below) {
            queue.push_back(frame);
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
        let mut dropped = 0;
        while (queue.len() > self.frames_max || queue.bytes > self.bytes_max) && queue.drop_one() {
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
    pub(super) fn fetch(&self, missing: Missing) {
        self.queue.borrow_mut().missing = Some(missing);
        self.woken.notify_waiters();
    }

    /// Forgets frames of heights below `height`.
    pub(super) fn forget_below(&self, height: Height) {
        let mut queue = self.queue.borrow_mut();
        queue.below = height;
        queue.pull.take_if(|pull| pull.height <= height);
        queue.missing.take_if(|missing| missing.height <= height);
        let Queue {
            consensus, bytes, ..
        } = &mut *queue;
        consensus.retain(|frame| {
            let stays = frame.height.is_none_or(|h| h >= height);
            if !stays {
                *bytes -= frame.body.len();
            }
            stays
        });
    }

    /// Ends the link.
    pub(super) fn close(&self) {
        self.queue.borrow_mut().closed = true;
        self.woken.notify_waiters();
    }

    pub(super) fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Whether questions go out from now on, or wait.
    pub(super) fn allow_questions(&self, allowed: bool) {
        self.queue.borrow_mut().may_ask = allowed;
        self.woken.notify_waiters();
    }

    /// Waits for something to send.
    pub(super) async fn next_frame(&self) -> Frame {
        self.wait_for(Queue::take_frame).await
    }

    /// Waits for a question for blocks.
    pub(super) async fn next_request(&self) -> (Height, u64) {
        self.wait_for(Queue::take_request).await
    }

    /// Waits for a question for messages.
    pub(super) async fn next_pull(&self) -> Pull {
        self.wait_for(Queue::take_pull).await
    }

    /// Waits for a question for transactions.
    pub(super) async fn next_missing(&self) -> Missing {
        self.wait_for(Queue::take_missing).await
    }

    /// Waits for something to pass on.
    pub(super) async fn next_gossip(&self) -> Passing {
        self.wait_for(Queue::take_gossip).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use lockstep_protocol::types::Round;

    fn frame(height: u64, bytes: usize) -> Frame {
        let body = Bytes::from(vec![height as u8; bytes]);
        Frame {
            path: Path::Vote,
            height: Some(Height(height)),
            body,
        }
    }

    fn heights(outbox: &Outbox) -> Vec<u64> {
        let frames = std::iter::from_fn(|| take(outbox));
        frames.filter_map(|frame| Some(frame.height?.0)).collect()
    }

    fn take(outbox: &Outbox) -> Option<Frame> {
        outbox.next_frame().now_or_never()
    }

    #[test]
    fn the_oldest_frames_go_when_count_or_bytes_are_exceeded() {
        let outbox = Outbox::new(3, 100);
        assert_eq!((1..=5).map(|h| outbox.push(frame(h, 10))).sum::<usize>(), 2);
        assert_eq!(outbox.push(frame(6, 95)), 3);
        assert_eq!(heights(&outbox), [6]);
    }

    /// E6 sends what a restarted node lacks from rounds long past, after what is new.
    #[test]
    fn the_stalest_height_goes_first_even_if_it_came_last() {
        let outbox = Outbox::new(3, 100);
        for height in [7, 8, 9] {
            outbox.push(frame(height, 1));
        }
        assert_eq!(outbox.push(frame(2, 1)), 1);
        assert_eq!(outbox.push(frame(10, 1)), 1);
        assert_eq!(heights(&outbox), [8, 9, 10]);
    }

    #[test]
    fn what_waits_already_is_not_kept_twice_and_what_comes_back_keeps_the_bound() {
        let outbox = Outbox::new(2, 100);
        (0..5).for_each(|_| assert_eq!(outbox.push(frame(1, 1)), 0));
        assert_eq!(outbox.len(), 1);
        let taken = take(&outbox).expect("a frame waits");
        outbox.push(frame(2, 1));
        outbox.push(frame(3, 1));
        assert_eq!(outbox.push_back(taken), 1);
        assert_eq!(heights(&outbox), [2, 3]);
    }

    #[test]
    fn frames_of_decided_heights_are_forgotten_and_not_put_back() {
        let outbox = Outbox::new(10, 1000);
        (1..=4).for_each(|h| _ = outbox.push(frame(h, 1)));
        let taken = take(&outbox).expect("a frame waits");
        outbox.forget_below(Height(3));
        outbox.push_back(taken);
        outbox.push_back(frame(3, 1));
        assert_eq!(heights(&outbox), [3, 3, 4]);
    }

    #[test]
    fn transactions_take_no_place_of_votes_and_wait_until_the_peer_is_there() {
        let outbox = Outbox::new(2, 100);
        (1..=2).for_each(|h| _ = outbox.push(frame(h, 50)));
        let gossip = |number| Gossip {
            leaf: Hash([number; 32]),
            bytes: Bytes::from(vec![number; 90]),
        };
        (0..3).for_each(|number| _ = outbox.gossip(gossip(number)));
        let leaves = [1, 7].map(|number| Hash([number; 32]));
        assert_eq!(outbox.unheld(&leaves), BTreeSet::from([Hash([1; 32])]));
        assert_eq!(outbox.next_gossip().now_or_never(), None);
        assert_eq!(heights(&outbox), [1, 2]);
        outbox.allow_questions(true);
        let batch = outbox.next_gossip().now_or_never().expect("a batch");
        assert_eq!(batch, Passing::Transactions([0, 1, 2].map(gossip).to_vec()));
        assert_eq!(outbox.next_gossip().now_or_never(), None);
        assert_eq!(outbox.gossip_again(batch), 0);
        assert!(outbox.next_gossip().now_or_never().is_some());
    }

    #[test]
    fn evidence_takes_no_place_of_votes_goes_before_transactions_and_waits_once() {
        let outbox = Outbox::new(2, 100);
        (1..=2).for_each(|h| _ = outbox.push(frame(h, 50)));
        let transaction = Gossip {
            leaf: Hash([1; 32]),
            bytes: Bytes::from_static(b"t"),
        };
        _ = outbox.gossip(transaction.clone());
        let proof = Bytes::from_static(b"e");
        (0..3).for_each(|_| assert_eq!(outbox.accuse(proof.clone()), 0));
        assert_eq!(outbox.next_gossip().now_or_never(), None, "nobody is there");
        assert_eq!(heights(&outbox), [1, 2]);
        outbox.allow_questions(true);
        let next = || outbox.next_gossip().now_or_never();
        let told = next().expect("evidence");
        assert_eq!(told, Passing::Evidence(proof.clone()));
        assert_eq!(outbox.gossip_again(told), 0);
        assert_eq!(next(), Some(Passing::Evidence(proof)));
        assert_eq!(next(), Some(Passing::Transactions(vec![transaction])));
        assert_eq!(next(), None);
    }

    #[test]
    fn questions_wait_until_the_peer_may_be_asked_and_only_the_newest_of_a_kind_is_kept() {
        let outbox = Outbox::new(10, 1000);
        let request = || outbox.next_request().now_or_never();
        let pull = || outbox.next_pull().now_or_never().map(|pull| pull.round);
        outbox.request_blocks(Height(6), 100);
        outbox.request_blocks(Height(7), 100);
        outbox.pull(Pull::new(Height(1), Round(0)));
        outbox.pull(Pull::new(Height(1), Round(2)));
        assert_eq!((request(), pull()), (None, None));
        outbox.allow_questions(true);
        assert_eq!(request(), Some((Height(7), 100)));
        assert_eq!((pull(), request(), pull()), (Some(Round(2)), None, None));
        outbox.pull(Pull::new(Height(7), Round(0)));
        outbox.forget_below(Height(7));
        assert_eq!(pull(), None, "the height is over");
        let missing = |height| Missing {
            height: Height(height),
            block_id: Hash([1; 32]),
            wanted: vec![1],
        };
        let fetch = || outbox.next_missing().now_or_never();
        outbox.fetch(missing(8));
        outbox.fetch(missing(9));
        assert_eq!((fetch(), fetch()), (Some(missing(9)), None));
        outbox.fetch(missing(7));
        outbox.forget_below(Height(7));
        assert_eq!(fetch(), None, "the height is over");
        outbox.request_blocks(Height(9), 100);
        outbox.allow_questions(false);
        assert_eq!(request(), None, "it is refused by now");
    }

    #[test]
    fn everybody_who_waits_is_woken_and_closing_is_not_missed() {
        let outbox = Outbox::new(10, 1000);
        let mut waiting = Box::pin(futures_util::future::join4(
            outbox.next_frame(),
            outbox.next_request(),
            outbox.next_pull(),
            outbox.closed(),
        ));
        assert!((&mut waiting).now_or_never().is_none());
        outbox.allow_questions(true);
        outbox.push(frame(1, 1));
        outbox.request_blocks(Height(7), 100);
        outbox.pull(Pull::new(Height(1), Round(0)));
        assert!((&mut waiting).now_or_never().is_none());
        outbox.close();
        let (sent, asked, pulled, ()) = waiting.now_or_never().expect("all have come");
        assert_eq!((sent.height, asked.0), (Some(Height(1)), Height(7)));
        assert_eq!(pulled.height, Height(1));
    }

    #[test]
    fn the_bytes_that_are_kept_are_those_of_the_frames_that_wait() {
        let outbox = Outbox::new(20, 400);
        for step in 0..500_u64 {
            let frame = Frame {
                path: [Path::Vote, Path::Proposal][step as usize % 2],
                ..frame(step % 37, 1 + (step as usize * 31) % 90)
            };
            match step % 7 {
                0..=4 => _ = outbox.push(frame),
                5 => {
                    let taken = take(&outbox);
                    if let Some(taken) = taken.filter(|_| step % 2 == 0) {
                        outbox.push_back(taken);
                    }
                }
                _ => outbox.forget_below(Height(step % 29)),
            }
            let queue = outbox.queue.borrow();
            let all = queue.consensus.iter();
            let sum: usize = all.map(|frame| frame.body.len()).sum();
            assert_eq!(queue.bytes, sum, "step {step}");
            assert!(sum <= 400);
        }
    }
}
