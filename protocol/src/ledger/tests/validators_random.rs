//! Any votes of any validators, and words of newcomers: the set is what a model says that knows nothing of trees and
//! schedules, and never one that a chain cannot live with. The model has no rule of its own for
//! what is refused: it stops everybody of whom nothing is known, and looks whether blocks still come.
use super::validators::{OK, grow, ready, vote_for, world};
use super::*;
use crate::limits::{READY_AGE_HEIGHTS_MAX, VALIDATORS_MAX};
use crate::validators::set::Power;
use crate::validators::set::ValidatorSet;
use proptest::prelude::*;
use std::collections::BTreeMap;

const FOUNDERS: u8 = 4;
/// Founders and strangers, whose keys are numbered from 101.
const KEYS: u8 = 7;

/// What happens in a block.
#[derive(Clone, Debug)]
enum Wish {
    /// These ask for this power of that key.
    Votes(Vec<usize>, u8, Power),
    /// These say that they are ready.
    Words(Vec<u8>),
    /// Nothing, for so many heights.
    Pause(u64),
}

/// Mostly small powers, so that wishes meet; sometimes as large as they get.
fn power() -> impl Strategy<Value = Power> {
    prop_oneof![
        6 => 0..4u64,
        1 => Just(u64::MAX),
        1 => u64::MAX / 8..u64::MAX / 2,
    ]
}

fn blocks() -> impl Strategy<Value = Vec<Wish>> {
    // In one block several validators ask for the same.
    let votes = (
        prop::collection::vec(0..usize::from(KEYS), 1..6),
        0..KEYS,
        power(),
    );
    let votes = votes.prop_map(|(mut voters, whom, power)| {
        voters.sort_unstable();
        voters.dedup();
        Wish::Votes(voters, whom, power)
    });
    let words = prop::collection::vec(FOUNDERS - 1..KEYS, 1..4).prop_map(|mut keys| {
        keys.sort_unstable();
        keys.dedup();
        Wish::Words(keys)
    });
    let late = READY_AGE_HEIGHTS_MAX - 2..READY_AGE_HEIGHTS_MAX + 2;
    let wish = prop_oneof![
        20 => votes,
        10 => words,
        1 => late.prop_map(Wish::Pause),
    ];
    prop::collection::vec(wish, 1..20)
}

/// Powers by the number of the key.
type Set = BTreeMap<u8, Power>;

/// The sets of three heights, and the votes: by whom for whom.
struct Model {
    current: Set,
    next: Set,
    after: Set,
    votes: BTreeMap<u8, BTreeMap<u8, Power>>,
    /// When newcomers have said that they are ready.
    words: BTreeMap<u8, u64>,
    height: u64,
    /// Who has asked for the newest change of itself.
    asked: Option<u8>,
}

/// Who of `set` is known to run: whoever decides now, with no less power, and who has asked.
fn running(now: &Set, set: &Set, asked: Option<u8>) -> Vec<u8> {
    let mut keys: Vec<u8> = set.keys().copied().collect();
    keys.retain(|key| asked == Some(*key) || now.get(key).is_some_and(|held| *held >= set[key]));
    keys
}

/// Whether these alone decide the heights of `set`: nobody else says anything.
fn makes_blocks(set: &Set, running: &[u8]) -> bool {
    let votes: u128 = running.iter().map(|key| u128::from(set[key])).sum();
    votes * 3 > total(set) * 2
}

fn total(set: &Set) -> u128 {
    set.values().map(|power| u128::from(*power)).sum()
}

impl Model {
    fn new() -> Model {
        let set: Set = (0..FOUNDERS).map(|key| (key, 1)).collect();
        Model {
            current: set.clone(),
            next: set.clone(),
            after: set,
            votes: BTreeMap::new(),
            words: BTreeMap::new(),
            height: 1,
            asked: None,
        }
    }

    /// The newest set with this change.
    fn changed(&self, whom: u8, power: Power) -> Set {
        let mut changed = self.after.clone();
        changed.insert(whom, power);
        changed.retain(|_, power| *power > 0);
        changed
    }

    /// Whether the vote counts.
    fn vote(&mut self, by: u8, whom: u8, power: Power) -> bool {
        let changed = self.changed(whom, power);
        if !self.current.contains_key(&by) {
            return false;
        }
        if changed == self.after {
            // It takes its vote back, if it has one that counts.
            let votes = self.counted(whom);
            let had_one = votes.remove(&by).is_some();
            if had_one && votes.is_empty() {
                self.words.remove(&whom);
            }
            return had_one;
        }
        if changed.is_empty() || total(&changed) > u128::from(u64::MAX) {
            return false;
        }
        let votes = self.counted(whom);
        let old = votes.clone();
        votes.insert(by, power);
        let word = self.words.get(&whom);
        let is_ready = word.is_some_and(|said| self.height - said <= READY_AGE_HEIGHTS_MAX);
        if self.agreed(whom) != Some(power) || !(self.after.contains_key(&whom) || is_ready) {
            return true;
        }
        let is_made = self.make(whom, power);
        if !is_made {
            self.votes.insert(whom, old);
        }
        is_made
    }

    /// Whether the word counts.
    fn word(&mut self, whom: u8) -> bool {
        if self.after.contains_key(&whom) || self.counted(whom).is_empty() {
            return false;
        }
        match self.agreed(whom) {
            Some(power) => self.make(whom, power),
            None => {
                self.words.insert(whom, self.height);
                true
            }
        }
    }

    /// The votes for `whom` of those who have one.
    fn counted(&mut self, whom: u8) -> &mut BTreeMap<u8, Power> {
        let votes = self.votes.entry(whom).or_default();
        votes.retain(|voter, _| self.current.contains_key(voter));
        votes
    }

    /// What more than two thirds of the power want of `whom`.
    fn agreed(&self, whom: u8) -> Option<Power> {
        let votes = self.votes.get(&whom)?;
        let mut wanted = votes.values().copied();
        wanted.find(|power| {
            let agree = votes.iter().filter(|(_, wanted)| *wanted == power);
            let agree = agree.map(|(voter, _)| u128::from(self.current[voter]));
            3 * agree.sum::<u128>() > 2 * total(&self.current)
        })
    }

    /// Whether the change can be made.
    fn make(&mut self, whom: u8, power: Power) -> bool {
        let changed = self.changed(whom, power);
        if changed.is_empty() || total(&changed) > u128::from(u64::MAX) {
            return false;
        }
        let has_asked = !self.after.contains_key(&whom)
            || self.votes.get(&whom).and_then(|votes| votes.get(&whom)) == Some(&power);
        let asked = has_asked.then_some(whom);
        if !makes_blocks(&changed, &running(&self.current, &changed, asked)) {
            return false;
        }
        self.asked = asked;
        self.votes.remove(&whom);
        self.words.remove(&whom);
        self.after = changed;
        true
    }

    fn end_block(&mut self) {
        self.current = std::mem::replace(&mut self.next, self.after.clone());
        self.height += 1;
        self.asked = None;
    }
}

/// The set that decides a height, by the numbers of its keys.
fn set_of(node: &Node, height: Height) -> Set {
    let number = |address: Address| {
        let mut keys = 0..KEYS;
        keys.find(|key| address_of(&*signer(101 + key)) == address)
    };
    let set = node.ledger.validators().at(height).unwrap();
    set.iter()
        .map(|v| (number(v.address).unwrap(), v.power))
        .collect()
}

/// A world whose validators are all who might ever vote, so that votes of strangers are signed too.
fn with_strangers() -> (World, Node) {
    let mut world = world(KEYS);
    world.genesis.validators.truncate(usize::from(FOUNDERS));
    world.rules = Arc::new(ChainRules::new(&world.genesis, Arc::new(Simulated)).unwrap());
    let node = world.node();
    (world, node)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_voted_the_sets_are_the_models_and_a_chain_can_live_with_them(blocks in blocks()) {
        let (mut world, mut node) = with_strangers();
        let mut model = Model::new();
        // The newest word of each key, whatever became of it.
        let mut said = BTreeMap::new();
        for wish in blocks {
            let pauses = if let Wish::Pause(heights) = wish { heights } else { 1 };
            for _ in 1..pauses {
                grow(&mut world, &mut node, vec![]);
                model.end_block();
            }
            let transactions: Vec<Transaction> = match &wish {
                Wish::Votes(voters, whom, power) => {
                    let key = signer(101 + whom);
                    let ask = |by: &usize| vote_for(&world, &node, *by, key.public_key(), *power);
                    voters.iter().map(ask).collect()
                }
                Wish::Words(keys) => {
                    keys.iter().map(|key| ready(&world, &node, 101 + key)).collect()
                }
                Wish::Pause(_) => Vec::new(),
            };
            let before = node.ledger.validators().next().clone();
            let height = node.ledger.head().height.next();
            let decided_by = set_of(&node, height);
            let statuses = grow(&mut world, &mut node, transactions);
            let expected: Vec<bool> = match wish {
                Wish::Votes(voters, whom, power) => {
                    let by = voters.iter().map(|by| u8::try_from(*by).unwrap());
                    by.map(|by| model.vote(by, whom, power)).collect()
                }
                Wish::Words(keys) => {
                    said.extend(keys.iter().map(|key| (*key, height.0)));
                    keys.iter().map(|key| model.word(*key)).collect()
                }
                Wish::Pause(_) => Vec::new(),
            };
            let counted: Vec<bool> = statuses.iter().map(|status| *status == OK).collect();
            prop_assert_eq!(counted, expected);
            let asked = model.asked;
            model.end_block();
            let schedule = node.ledger.validators();
            let (height, newest) = (schedule.height(), schedule.next());
            prop_assert_eq!(&set_of(&node, height), &model.current);
            prop_assert_eq!(&set_of(&node, height.next()), &model.next);
            // What a chain can live with, by what the node says alone.
            let named = set_of(&node, height.next());
            let is_new = named != set_of(&node, height);
            let known = running(&decided_by, &named, asked);
            prop_assert!(!is_new || makes_blocks(&named, &known), "{:?} of {:?}", known, named);
            // Nobody comes without a word that is fresh.
            let old = set_of(&node, height);
            for key in named.keys().filter(|key| !old.contains_key(key)) {
                let age = said.get(key).map(|said| height.0 - 1 - said);
                prop_assert!(age.is_some_and(|age| age <= READY_AGE_HEIGHTS_MAX), "{key}: {age:?}");
            }
            prop_assert!((1..=VALIDATORS_MAX).contains(&newest.len()));
            prop_assert!(newest.iter().all(|validator| validator.power > 0));
            let sum: u128 = newest.iter().map(|v| u128::from(v.power)).sum();
            prop_assert_eq!(sum, u128::from(newest.total()));
            // Equal sets have equal hashes, and only they; a vote that changes nothing names none.
            let members = |set: &ValidatorSet| set.iter().cloned().collect::<Vec<_>>();
            let is_same = members(newest) == members(&before);
            prop_assert_eq!(newest.hash() == before.hash(), is_same);
            let first = schedule.changes().next_back().map(|(first, _)| first);
            prop_assert_eq!(first == Some(height.next()), !is_same || height == Height(0));
        }
    }

    /// Whatever powers a genesis gives: the sum is checked, and the hash names members and powers.
    #[test]
    fn a_set_adds_up_or_is_refused(powers in prop::collection::vec(any::<Power>(), 1..9)) {
        let members = || powers.iter().enumerate().map(|(i, power)| {
            (signer(u8::try_from(i).unwrap()).public_key().to_vec(), *power)
        });
        let sum: u128 = powers.iter().map(|power| u128::from(*power)).sum();
        let fits = sum <= u128::from(u64::MAX) && !powers.contains(&0);
        let set = ValidatorSet::new(&Simulated, members());
        prop_assert_eq!(set.is_ok(), fits);
        let halved = powers.iter().map(|power| power / 16 + 1);
        let halved = members().zip(halved).map(|((key, _), power)| (key, power));
        let halved = ValidatorSet::new(&Simulated, halved).unwrap();
        prop_assert!(halved.is_quorum(halved.total()));
        let two_thirds = u64::try_from(u128::from(halved.total()) * 2 / 3).unwrap();
        prop_assert!(!halved.is_quorum(two_thirds));
        prop_assert!(halved.is_quorum(two_thirds + 1));
        let reversed = members().collect::<Vec<_>>().into_iter().rev();
        if let Ok(set) = set {
            let same = ValidatorSet::new(&Simulated, reversed).unwrap();
            prop_assert_eq!(same.hash(), set.hash());
        }
    }
}
