//! A newcomer's word that it is ready: who may say it, how long it counts, and that nobody is added
//! without it.
use super::consent::{Bench, newest_power};
use super::validators::{OK, failed, grow, ready, sizes, vote, world};
use super::*;
use crate::ledger::declare_ready::{self, readiness_key};
use crate::limits::{READY_AGE_HEIGHTS_MAX, VOTE_AGE_HEIGHTS_MAX};
use crate::validators::set::Power;
use std::ops::Range;

/// The newcomer of these tests.
const NEW: u8 = 120;

/// The votes of these validators that `whom` gets this power.
fn votes(
    world: &World,
    node: &Node,
    by: Range<usize>,
    (whom, power): (u8, Power),
) -> Vec<Transaction> {
    by.map(|by| vote(world, node, by, whom, power)).collect()
}

fn word_stands(node: &Node, whom: u8) -> bool {
    let key = readiness_key(&address_of(&*signer(whom)));
    let version = node.ledger.head().state_version;
    let value = StateReader::value(&*node.state, &key, version).unwrap();
    value.is_some()
}

#[test]
fn votes_and_word_add_a_newcomer_whichever_comes_last() {
    let mut world = world(4);
    let [mut word_last, mut vote_last] = [world.node(), world.node()];
    let three = votes(&world, &word_last, 0..3, (NEW, 2));
    assert_eq!(grow(&mut world, &mut word_last, three), [OK; 3]);
    assert_eq!(sizes(&word_last, 1), [4, 4, 4], "its word is missing");
    let word = vec![ready(&world, &word_last, NEW)];
    assert_eq!(grow(&mut world, &mut word_last, word), [OK]);
    assert_eq!(sizes(&word_last, 1), [4, 4, 4, 5]);

    let mut early = votes(&world, &vote_last, 0..2, (NEW, 2));
    early.push(ready(&world, &vote_last, NEW));
    assert_eq!(grow(&mut world, &mut vote_last, early), [OK; 3]);
    assert_eq!(sizes(&vote_last, 1), [4, 4, 4], "a vote is missing");
    assert!(word_stands(&vote_last, NEW));
    let third = votes(&world, &vote_last, 2..3, (NEW, 2));
    assert_eq!(grow(&mut world, &mut vote_last, third), [OK]);
    for node in [&word_last, &vote_last] {
        assert_eq!(sizes(node, 1), [4, 4, 4, 5]);
        assert_eq!(node.ledger.validators().next().total(), 6);
        assert!(!word_stands(node, NEW), "it is used up");
    }
}

fn a_word_counts_for_a_hundred_heights_and_not_one_more() {
    let bench = Bench::new(4);
    for (late, power) in [(0, 1), (1, 0)] {
        let mut state = bench.overlay();
        let last = 7 + READY_AGE_HEIGHTS_MAX + late;
        for by in [0, 1] {
            bench.vote(&mut state, (by, 5), (NEW, 1));
        }
        assert_eq!(bench.declare(&mut state, 7, NEW), OK);
        assert_eq!(bench.vote(&mut state, (2, last), (NEW, 1)), OK);
        assert_eq!(newest_power(&state, NEW), power, "{late} too late");
        // Said again, it completes what the votes that stand have agreed on.
        let expected = if late == 0 {
            failed(FailureCode::AlreadyAValidator)
        } else {
            vec![OK]
        };
        assert_eq!(vec![bench.declare(&mut state, last, NEW)], expected);
        assert_eq!(newest_power(&state, NEW), 1);
    }
}

#[test]
fn a_word_counts_for_its_age_and_not_one_height_more() {
    a_word_counts_for_a_hundred_heights_and_not_one_more();
}

#[test]
#[cfg(feature = "mutants")]
fn a_word_that_counts_for_ever_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    let test = a_word_counts_for_a_hundred_heights_and_not_one_more;
    must_be_noticed(Mutation::OldReadinessCounts, test);
}

/// Four validators, however often and in whatever distance they ask for keys that never sign: with
/// both added, four of six would be left, and no block would come any more.
fn dead_newcomers_are_never_added_however_far_apart() {
    let mut world = world(4);
    let mut node = world.node();
    for dead in [120, 121] {
        let four = votes(&world, &node, 0..4, (dead, 1));
        assert_eq!(grow(&mut world, &mut node, four), [OK; 4]);
        for _ in 0..5 {
            grow(&mut world, &mut node, vec![]);
        }
        assert_eq!(node.ledger.validators().current().len(), 4);
    }
    // One that runs is added all the same.
    let mut alive = votes(&world, &node, 0..3, (122, 1));
    alive.push(ready(&world, &node, 122));
    assert_eq!(grow(&mut world, &mut node, alive), [OK; 4]);
    assert_eq!(node.ledger.validators().next().len(), 5);
}

#[test]
fn two_dead_newcomers_cannot_halt_a_chain_however_far_apart() {
    dead_newcomers_are_never_added_however_far_apart();
}

#[test]
#[cfg(feature = "mutants")]
fn a_newcomer_that_is_added_without_its_word_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    let test = dead_newcomers_are_never_added_however_far_apart;
    must_be_noticed(Mutation::ReadinessNotAsked, test);
}

#[test]
fn who_is_in_the_set_rises_without_a_word_and_has_none_to_say() {
    let mut world = world(4);
    let mut node = world.node();
    // Its own vote comes last.
    let rise = votes(&world, &node, 1..4, (104, 2));
    assert_eq!(grow(&mut world, &mut node, rise), [OK; 3]);
    assert_eq!(node.ledger.validators().next().total(), 5);
    let member = failed(FailureCode::AlreadyAValidator);
    let word = vec![ready(&world, &node, 104)];
    assert_eq!(grow(&mut world, &mut node, word), member);
    // Named, and not come yet.
    let mut join = votes(&world, &node, 0..4, (NEW, 1));
    join.push(ready(&world, &node, NEW));
    assert_eq!(grow(&mut world, &mut node, join), [OK; 5]);
    let again = vec![ready(&world, &node, NEW)];
    assert_eq!(grow(&mut world, &mut node, again), member);
}

#[test]
fn whoever_nobody_asks_for_has_nothing_to_say_and_leaves_nothing_behind() {
    let mut world = world(4);
    let mut node = world.node();
    let stranger = failed(FailureCode::NotACandidate);
    let word = vec![ready(&world, &node, NEW)];
    assert_eq!(grow(&mut world, &mut node, word), stranger);
    assert!(!word_stands(&node, NEW));
    // The last vote that is taken back takes the word with it.
    let mut asked = votes(&world, &node, 0..2, (NEW, 1));
    asked.push(ready(&world, &node, NEW));
    assert_eq!(grow(&mut world, &mut node, asked), [OK; 3]);
    for (by, stands) in [(0, true), (1, false)] {
        let back = vec![vote(&world, &node, by, NEW, 0)];
        assert_eq!(grow(&mut world, &mut node, back), [OK]);
        assert_eq!(word_stands(&node, NEW), stands);
    }
    let word = vec![ready(&world, &node, NEW)];
    assert_eq!(grow(&mut world, &mut node, word), stranger);

    let bench = Bench::new(4);
    let mut state = bench.overlay();
    bench.vote(&mut state, (0, 3), (NEW, 1));
    let last = 3 + VOTE_AGE_HEIGHTS_MAX;
    assert_eq!(bench.declare(&mut state, last, NEW), OK);
    let late = vec![bench.declare(&mut state, last + 1, NEW)];
    assert_eq!(late, stranger, "the only vote has expired");
}

#[test]
fn who_is_removed_and_comes_back_says_it_anew() {
    let mut world = world(4);
    let mut node = world.node();
    let mut join = votes(&world, &node, 0..3, (NEW, 1));
    join.push(ready(&world, &node, NEW));
    grow(&mut world, &mut node, join);
    for _ in 0..2 {
        grow(&mut world, &mut node, vec![]);
    }
    for (power, size) in [(0, 4), (1, 4)] {
        let four = votes(&world, &node, 0..4, (NEW, power));
        assert_eq!(grow(&mut world, &mut node, four), [OK; 4]);
        assert_eq!(node.ledger.validators().next().len(), size);
    }
    let word = vec![ready(&world, &node, NEW)];
    assert_eq!(grow(&mut world, &mut node, word), [OK]);
    assert_eq!(node.ledger.validators().next().len(), 5);
}

#[test]
fn a_word_that_is_replayed_or_of_another_chain_is_refused() {
    let mut world = world(4);
    let mut node = world.node();
    let asked = votes(&world, &node, 0..1, (NEW, 1));
    grow(&mut world, &mut node, asked);
    let word = ready(&world, &node, NEW);
    let refusal = |node: &Node, world: &World, word: &Transaction| {
        let refused = node.admit(world, word).unwrap_err();
        refused.code()
    };
    let mut other = World::new();
    other.genesis.chain_id = ChainId(8);
    let rules = ChainRules::new(&other.genesis, Arc::new(Simulated)).unwrap();
    let foreign = Transaction::sign(&*signer(NEW), &rules.context, word.body.clone()).unwrap();
    assert_eq!(refusal(&node, &world, &foreign), "bad_signature");
    assert_eq!(grow(&mut world, &mut node, vec![word.clone()]), [OK]);
    assert_eq!(refusal(&node, &world, &word), "nonce_too_low");
    // Of somebody else's key, it says nothing about the newcomer.
    let forged = Transaction {
        sender: address_of(&*signer(121)),
        ..word
    };
    assert_eq!(refusal(&node, &world, &forged), "foreign_key");
}

/// Bytes that no word has written are a fault of the disk, said and not read past.
#[test]
fn a_word_that_is_none_is_corruption() {
    let bench = Bench::new(4);
    let newcomer = address_of(&*signer(NEW));
    for bytes in [vec![], vec![7; 7], vec![7; 9]] {
        let mut state = bench.overlay();
        state.set_record(readiness_key(&newcomer), bytes);
        let read = declare_ready::is_ready(&state, Height(1), &newcomer);
        assert!(matches!(read, Err(ReadError::Corrupt(_))), "{read:?}");
    }
}
