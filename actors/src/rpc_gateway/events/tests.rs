//! The ring, its readers, and what they miss.
use super::happened::ReceiptEvent;
use super::*;
use crate::limits::{EVENTS_BYTES_MAX, EVENTS_KEPT_MAX};
use crate::view::HeadView;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::{CommitCertificate, Signers};
use lockstep_protocol::types::{Address, Hash, Round};

const FIRST: u64 = 1_000;

fn events() -> Events {
    Events::new(FIRST, Height(0), Parameters::default())
}

fn round(events: &Events, round: u32) {
    let height = Height(1);
    let round = Round(round);
    let step = None;
    let what = What::Round {
        height,
        round,
        step,
    };
    events.ring.lock().push(what);
}

/// A block with so many receipts, each of a transaction from address n to address n + 1.
fn block(events: &Events, receipts: u8) {
    block_at(events, 1, receipts);
}

fn block_at(events: &Events, height: u64, receipts: u8) {
    let event = |n: u8| ReceiptEvent {
        sender: Address([n; 20]),
        to: Some(Address([n + 1; 20])),
        receipt: crate::rpc_gateway::fixture::receipt(Hash([n; 32])),
    };
    let event = BlockEvent {
        id: Hash([9; 32]),
        header: crate::rpc_gateway::fixture::header(Height(height)),
        round: Round(0),
        transaction_bytes: 0,
        receipts: (0..receipts).map(event).collect(),
    };
    events.ring.lock().push(What::Block(Arc::new(event)));
}

/// The numbers of all that is told from `from` on.
fn told(events: &Events, from: u64, topic: Topic) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut next = from;
    while next < events.next() {
        let (told, after) = events.since(next, &[topic]).expect("it is kept");
        assert!(after > next);
        numbers.extend(told.iter().map(|told| told.seq));
        next = after;
    }
    numbers
}

#[test]
fn a_block_takes_a_number_for_itself_and_one_for_each_receipt() {
    let events = events();
    round(&events, 1);
    block(&events, 3);
    round(&events, 2);
    assert_eq!(events.next(), FIRST + 6);
    assert_eq!(told(&events, FIRST, Topic::Rounds), [FIRST, FIRST + 5]);
    assert_eq!(told(&events, FIRST, Topic::NewBlocks), [FIRST + 1]);
    let all = told(&events, FIRST, Topic::Receipts(None));
    assert_eq!(all, [FIRST + 2, FIRST + 3, FIRST + 4]);
    let ones = Topic::Receipts(Some(Address([1; 20])));
    assert_eq!(told(&events, FIRST, ones), [FIRST + 2, FIRST + 3]);
}

#[test]
fn a_reader_that_stopped_within_a_block_hears_the_rest_of_it_and_nothing_twice() {
    let events = events();
    block(&events, 3);
    let rest = told(&events, FIRST + 2, Topic::Receipts(None));
    assert_eq!(rest, [FIRST + 2, FIRST + 3]);
    assert!(told(&events, FIRST + 1, Topic::NewBlocks).is_empty());
}

#[test]
fn the_ring_is_bounded_and_says_what_it_no_longer_holds() {
    let events = events();
    for n in 0..3 * EVENTS_KEPT_MAX {
        round(&events, u32::try_from(n).expect("small"));
    }
    assert_eq!(events.ring.lock().kept.len(), EVENTS_KEPT_MAX);
    let oldest = FIRST + 2 * EVENTS_KEPT_MAX as u64;
    let gone = |asked| Err(OutOfReach::Gone { asked, oldest });
    for asked in [0, FIRST, oldest - 1] {
        assert_eq!(events.since(asked, &[]), gone(asked));
    }
    assert_eq!(told(&events, oldest, Topic::Rounds).len(), EVENTS_KEPT_MAX);
    let next = events.next();
    assert_eq!(events.since(next, &[]), Ok((Vec::new(), next)));
    let asked = next + 1;
    let future = events.since(next + 1, &[]);
    assert_eq!(future, Err(OutOfReach::Future { asked, next }));
}

#[test]
fn large_blocks_leave_room_for_fewer() {
    let events = events();
    (0..2_000).for_each(|_| block(&events, 255 - 1));
    let ring = events.ring.lock();
    assert!(ring.bytes <= EVENTS_BYTES_MAX);
    assert!(ring.kept.len() < EVENTS_KEPT_MAX);
    let held: usize = ring.kept.iter().map(|kept| kept.what.bytes()).sum();
    assert_eq!(ring.bytes, held);
}

/// A node that shows the head of this height, and its store, which holds no block.
fn node(height: u64) -> (NodeView, Store, tempfile::TempDir) {
    let (world, dir, store) = crate::fixture::opened();
    let view = NodeView::new(head(height), store.schedule(&world.rules));
    (view, store, dir)
}

fn head(height: u64) -> HeadView {
    HeadView {
        height: Height(height),
        block_id: Hash([9; 32]),
        state_root: Hash([9; 32]),
        time: lockstep_protocol::types::Timestamp(1),
    }
}

fn grow(view: &NodeView, height: u64) {
    view.set_head(head(height), view.validators().clone());
}

/// Whoever commits has the block and its receipts at hand: the store is not asked for them.
#[test]
fn the_newest_block_is_told_without_being_read_back() {
    let (view, store, _dir) = node(0);
    let events = events();
    let header = crate::rpc_gateway::fixture::header(Height(1));
    let block = Arc::new(SealedBlock::build(header, vec![], vec![], None));
    let certificate = Arc::new(CommitCertificate {
        height: Height(1),
        round: Round(3),
        block_id: block.id(),
        signers: Signers::default(),
    });
    let (decided, receipts) = (DecidedBlock { block, certificate }, Arc::default());
    view.set_newest(Some(NewestBlock { decided, receipts }));
    grow(&view, 1);
    events.take_down(&view, &store).expect("nothing is read");
    let (at_hand, _) = events
        .since(FIRST, &[Topic::NewBlocks])
        .expect("it is kept");
    assert_eq!(at_hand[0].seq, FIRST);
    assert_eq!(at_hand[0].content["round"], 3, "in which it was decided");
    view.set_newest(None);
    grow(&view, 2);
    events.take_down(&view, &store).expect("it holds no block");
    assert_eq!(told(&events, FIRST, Topic::NewBlocks), [FIRST]);
}

#[test]
fn the_newest_blocks_are_those_behind_a_height_as_they_were_told() {
    let events = events();
    for height in 1..=5 {
        round(&events, 0);
        block_at(&events, height, 1);
    }
    round(&events, 1);
    let heights = |after, limit| -> Vec<u64> {
        let newest = events.newest_blocks(Height(after), limit);
        let height = |block: &Value| block["header"]["height"].as_u64().expect("a height");
        newest.iter().map(height).collect()
    };
    assert_eq!(heights(0, 100), [1, 2, 3, 4, 5]);
    assert_eq!(heights(0, 2), [4, 5], "the newest of too many");
    assert_eq!(heights(3, 100), [4, 5]);
    assert_eq!(heights(5, 100), [0u64; 0]);
    assert_eq!(heights(u64::MAX, 100), [0u64; 0]);
    assert_eq!(heights(0, 0), [0u64; 0]);
    let last = FIRST + 4 * 3 + 1;
    let (told, _) = events.since(last, &[Topic::NewBlocks]).expect("it is kept");
    let newest = events.newest_blocks(Height(4), 100);
    assert_eq!([told[0].content.clone()], *newest);
}

/// Of several at once only the newest is at hand: what is read back says the same.
#[test]
fn a_block_that_is_read_back_is_told_as_one_at_hand() {
    let (world, _dir, store) = crate::fixture::opened();
    let view = NodeView::new(head(0), store.schedule(&world.rules));
    let batch = world.grow(&store, &mut world.ledger(&store), vec![]);
    let decided = DecidedBlock {
        block: batch.block.clone(),
        certificate: batch.certificate.clone(),
    };
    grow(&view, 1);
    let told = |newest: Option<NewestBlock>| {
        let events = events();
        view.set_newest(newest);
        events.take_down(&view, &store).expect("it reads");
        let (told, _) = events
            .since(FIRST, &[Topic::NewBlocks])
            .expect("it is kept");
        told
    };
    let receipts = batch.receipts.clone();
    let at_hand = told(Some(NewestBlock { decided, receipts }));
    assert_eq!(at_hand.len(), 1);
    assert_eq!(told(None), at_hand);
}

#[test]
fn blocks_that_are_never_told_leave_a_gap_that_every_reader_hears_of() {
    let (view, store, _dir) = node(0);
    let events = events();
    round(&events, 1);
    let asked = events.next();
    grow(&view, EVENTS_MISSED_MAX);
    events.take_down(&view, &store).expect("it reads");
    assert!(events.since(asked, &[]).is_ok(), "all of them can be told");
    let asked = events.next();
    grow(&view, EVENTS_MISSED_MAX + 1);
    events.take_down(&view, &store).expect("it reads");
    let oldest = asked + 1;
    for asked in [FIRST, asked] {
        let gone = Err(OutOfReach::Gone { asked, oldest });
        assert_eq!(events.since(asked, &[]), gone);
    }
    assert_eq!(told(&events, oldest, Topic::Rounds), [oldest]);
}
