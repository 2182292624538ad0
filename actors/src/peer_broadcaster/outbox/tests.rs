//! What waits for one peer, and for how long.
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
    let missing = |height| TransactionsWanted {
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
        assert_eq!(queue.consensus.bytes(), sum, "step {step}");
        assert!(sum <= 400);
    }
}

/// Until the next block its first turn would be over.
#[test]
fn whoever_becomes_a_validator_asks_at_once_how_far_the_others_are() {
    let outbox = Outbox::new(1, 1);
    outbox.allow_questions(true);
    let mut wanted = std::pin::pin!(outbox.standing_wanted());
    assert_eq!((&mut wanted).now_or_never(), None);
    outbox.set_validator(true);
    assert_eq!(wanted.now_or_never(), Some(()));
}
