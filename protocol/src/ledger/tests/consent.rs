//! Votes for a change of the set: how long they count, and how they are taken back.
use super::validators::{OK, failed, grow, vote, world};
use super::*;
use crate::ledger::consent::{Consent, validator_votes_key};
use crate::ledger::overlay::Overlay;
use crate::ledger::{declare_ready, update_validator};
use crate::limits::VOTE_AGE_HEIGHTS_MAX;
use crate::validators::set::Power;

/// The newcomer of these tests.
const NEW: u8 = 120;

/// The state of a chain, and its transactions at whatever heights: no test makes 10,000 blocks.
pub(super) struct Bench {
    pub(super) world: World,
    node: Node,
}

impl Bench {
    pub(super) fn new(validators: u8) -> Bench {
        let world = world(validators);
        let node = world.node();
        Bench { world, node }
    }

    pub(super) fn overlay(&self) -> Overlay<'_> {
        let ledger = &self.node.ledger;
        let version = ledger.head().state_version;
        Overlay::new(&*self.node.state, version, ledger.validators())
    }

    /// What becomes of the vote of validator `by` in the block of `height`.
    pub(super) fn vote(
        &self,
        state: &mut Overlay<'_>,
        (by, height): (usize, u64),
        (whom, power): (u8, Power),
    ) -> Status {
        let sender = address_of(&*self.world.validators[by]);
        let whom = signer(whom);
        let wish = (whom.public_key(), power);
        let scheme = &*self.world.rules.scheme;
        update_validator::execute(scheme, state, Height(height), &sender, wish).unwrap()
    }

    /// What becomes of the word of `whom` in the block of `height`.
    pub(super) fn declare(&self, state: &mut Overlay<'_>, height: u64, whom: u8) -> Status {
        let whom = signer(whom);
        let address = address_of(&*whom);
        state.set_public_key(address, whom.public_key().to_vec());
        let scheme = &*self.world.rules.scheme;
        declare_ready::execute(scheme, state, Height(height), &address).unwrap()
    }
}

/// The power of `whom` in the newest set.
pub(super) fn newest_power(state: &Overlay<'_>, whom: u8) -> Power {
    state.succession().newest_power(&address_of(&*signer(whom)))
}

fn a_vote_counts_for_ten_thousand_heights_and_not_one_more() {
    let bench = Bench::new(4);
    for (late, power) in [(0, 3), (1, 1)] {
        let mut state = bench.overlay();
        // A member, so that nobody has to be ready.
        let wish = (104, 3);
        let last = 7 + VOTE_AGE_HEIGHTS_MAX + late;
        assert_eq!(bench.vote(&mut state, (0, 7), wish), OK);
        assert_eq!(bench.vote(&mut state, (1, last), wish), OK);
        assert_eq!(bench.vote(&mut state, (3, last), wish), OK);
        assert_eq!(newest_power(&state, 104), power, "{late} too late");
    }
}

#[test]
fn a_vote_counts_for_its_age_and_not_one_height_more() {
    a_vote_counts_for_ten_thousand_heights_and_not_one_more();
}

#[test]
#[cfg(feature = "mutants")]
fn a_vote_that_never_expires_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    let test = a_vote_counts_for_ten_thousand_heights_and_not_one_more;
    must_be_noticed(Mutation::NeverExpires, test);
}

#[test]
fn expired_votes_are_dropped_by_the_next_and_a_vote_given_again_is_as_good_as_new() {
    let bench = Bench::new(4);
    let mut state = bench.overlay();
    let later = 1 + VOTE_AGE_HEIGHTS_MAX;
    let wish = (NEW, 1);
    let standing = |state: &Overlay<'_>, height: u64| {
        let electors = bench.node.ledger.validators().current();
        let key = signer(NEW);
        let consent = Consent::read(state, Height(height), electors, key.public_key()).unwrap();
        let voters = bench.world.validators.iter();
        let standing = voters.map(|voter| consent.asks(&address_of(&**voter), 1));
        standing.collect::<Vec<bool>>()
    };
    for by in [0, 1] {
        bench.vote(&mut state, (by, 1), wish);
    }
    bench.vote(&mut state, (1, later), wish);
    assert_eq!(standing(&state, later), [true, true, false, false]);
    bench.vote(&mut state, (2, later + 1), wish);
    // Read as if no time had passed: the first is not merely out of count, it is gone.
    assert_eq!(standing(&state, 1), [false, true, true, false]);
}

fn who_takes_its_vote_back_is_counted_no_more() {
    let mut world = world(4);
    let mut node = world.node();
    let votes = (0..2).map(|by| vote(&world, &node, by, 104, 3)).collect();
    grow(&mut world, &mut node, votes);
    // It asks for what the key has.
    let back = vec![vote(&world, &node, 0, 104, 1)];
    assert_eq!(grow(&mut world, &mut node, back), [OK]);
    let third = vec![vote(&world, &node, 2, 104, 3)];
    assert_eq!(grow(&mut world, &mut node, third), [OK]);
    let total = |node: &Node| node.ledger.validators().next().total();
    assert_eq!(total(&node), 4, "two of four");
    let fourth = vec![vote(&world, &node, 3, 104, 3)];
    grow(&mut world, &mut node, fourth);
    assert_eq!(total(&node), 6, "three of four");
}

#[test]
fn a_vote_that_is_taken_back_counts_no_more() {
    who_takes_its_vote_back_is_counted_no_more();
}

#[test]
#[cfg(feature = "mutants")]
fn a_vote_that_is_taken_back_and_counts_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    let test = who_takes_its_vote_back_is_counted_no_more;
    must_be_noticed(Mutation::WithdrawalIgnored, test);
}

#[test]
fn a_vote_for_a_stranger_is_taken_back_by_asking_for_none_and_leaves_nothing_behind() {
    let mut world = world(4);
    let mut node = world.node();
    let stands = |node: &Node| {
        let key = validator_votes_key(signer(NEW).public_key());
        let version = node.ledger.head().state_version;
        StateReader::value(&*node.state, &key, version)
            .unwrap()
            .is_some()
    };
    let nothing = failed(FailureCode::NothingToChange);
    let given = vec![vote(&world, &node, 0, NEW, 1)];
    grow(&mut world, &mut node, given);
    assert!(stands(&node));
    let foreign = vec![vote(&world, &node, 1, NEW, 0)];
    assert_eq!(grow(&mut world, &mut node, foreign), nothing, "not its own");
    assert!(stands(&node));
    let back = vec![vote(&world, &node, 0, NEW, 0)];
    assert_eq!(grow(&mut world, &mut node, back), [OK]);
    assert!(!stands(&node));
    let again = vec![vote(&world, &node, 0, NEW, 0)];
    assert_eq!(grow(&mut world, &mut node, again), nothing, "once only");
}

#[test]
fn an_expired_vote_is_none_that_could_be_taken_back() {
    let bench = Bench::new(4);
    let mut state = bench.overlay();
    bench.vote(&mut state, (0, 1), (NEW, 1));
    let late = 2 + VOTE_AGE_HEIGHTS_MAX;
    let status = bench.vote(&mut state, (0, late), (NEW, 0));
    assert_eq!(vec![status], failed(FailureCode::NothingToChange));
}

/// Bytes that no vote has written are a fault of the disk, said and not read past.
#[test]
fn votes_that_are_none_are_corruption() {
    let bench = Bench::new(4);
    let me = address_of(&*bench.world.validators[0]);
    let key = signer(NEW);
    for bytes in [vec![7; 3], vec![0xff; 9_000], Vec::new()] {
        let mut state = bench.overlay();
        state.set_record(validator_votes_key(key.public_key()), bytes);
        let scheme = &*bench.world.rules.scheme;
        let wish = (key.public_key(), 1);
        let read = update_validator::execute(scheme, &mut state, Height(1), &me, wish);
        assert!(matches!(read, Err(ReadError::Corrupt(_))), "{read:?}");
    }
}
