//! Whole runs at random: peers of every kind, delays, falls of the Committer. With one honest peer
//! sync finishes, whatever the others do, and never has more under way than it may.
use super::*;
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};
use proptest::prelude::*;
use std::collections::BTreeSet;

const CHAIN: u64 = 300;
/// The longest that any run may take: by far more than the honest peer alone needs.
const DEADLINE_MS: u64 = 240_000;

/// What a peer does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Honest,
    /// Claims a million heights and has none.
    Boaster,
    /// Answers with what proves nothing.
    Forger,
    /// Never answers.
    Staller,
    /// Gives one valid block, just before it counts as late.
    Trickler,
    /// Answers with nothing.
    Empty,
    /// Breaks every connection.
    Breaker,
    /// First one block, then lies.
    HalfLiar,
    /// Certifies blocks of heights that nobody can judge yet with keys of long ago.
    OldKing,
}

const LIARS: [Kind; 8] = [
    Kind::Boaster,
    Kind::Forger,
    Kind::Staller,
    Kind::Trickler,
    Kind::Empty,
    Kind::Breaker,
    Kind::HalfLiar,
    Kind::OldKing,
];

enum Event {
    Tell(Input),
    /// Blocks reach the Committer, which takes what follows its head.
    Commit(std::ops::Range<u64>),
    /// The same of blocks that another set has certified.
    Claim(std::ops::Range<u64>, Address),
    /// Every peer tells its height.
    Handshake,
}

/// A node that catches up, its peers, and a queue of what happens when.
struct Run {
    desk: Desk,
    kinds: Vec<Kind>,
    delay_ms: u64,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    count: u64,
    here: BTreeSet<u64>,
    claimed: BTreeMap<u64, Address>,
    committed: u64,
    falls_at: Option<u64>,
    asked: Vec<u64>,
    lied: BTreeSet<usize>,
}

impl Run {
    fn new(kinds: Vec<Kind>, delay_ms: u64, falls_at: Option<u64>) -> Run {
        let mut run = Run {
            desk: Desk::of(&vec![1; kinds.len() + 1], 0),
            delay_ms,
            now: 1,
            events: BTreeMap::new(),
            count: 0,
            here: BTreeSet::new(),
            claimed: BTreeMap::new(),
            committed: 0,
            falls_at,
            asked: vec![0; kinds.len()],
            lied: BTreeSet::new(),
            kinds,
        };
        run.after(0, Event::Handshake);
        run
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.count += 1;
        self.events.insert((self.now + ms, self.count), event);
    }

    fn finish(&mut self) -> Result<(), TestCaseError> {
        while self.committed < CHAIN {
            let Some(((now, _), event)) = self.events.pop_first() else {
                return Err(TestCaseError::fail("it stands still"));
            };
            self.now = now;
            prop_assert!(now < DEADLINE_MS, "{} after {now} ms", self.committed);
            match event {
                Event::Tell(input) => self.tell(input)?,
                Event::Commit(blocks) => self.commit(blocks)?,
                Event::Claim(blocks, peer) => {
                    let new = blocks.filter(|height| !self.here.contains(height));
                    let new: Vec<u64> = new.collect();
                    for height in new {
                        self.claimed.entry(height).or_insert(peer);
                    }
                    self.commit(0..0)?;
                }
                Event::Handshake => self.shake_hands()?,
            }
        }
        Ok(())
    }

    fn shake_hands(&mut self) -> Result<(), TestCaseError> {
        self.after(2_000, Event::Handshake);
        for peer in 0..self.kinds.len() {
            let has = match self.kinds[peer] {
                Kind::Boaster => 1_000_000,
                _ => CHAIN,
            };
            let peer = self.desk.cast.address(peer);
            self.tell(Input::Ahead(peer, Height(has + 1)))?;
        }
        Ok(())
    }

    /// The first block of a height that comes stays, until its turn shows that it is none.
    fn commit(&mut self, blocks: std::ops::Range<u64>) -> Result<(), TestCaseError> {
        let new = blocks.filter(|height| !self.claimed.contains_key(height));
        self.here.extend(new);
        if self.falls_at.take_if(|at| self.committed >= *at).is_some() {
            self.here.clear();
            self.claimed.clear();
        }
        loop {
            let next = self.committed + 1;
            if self.here.remove(&next) {
                self.committed = next;
                let validators = self.desk.cast.schedule(Height(next + 1));
                self.tell(Input::Committed(validators))?;
            } else if let Some(peer) = self.claimed.get(&next).copied() {
                self.claimed.split_off(&next);
                self.here.split_off(&next);
                self.tell(Input::Discarded(Height(next), peer))?;
            } else {
                return Ok(());
            }
        }
    }

    fn tell(&mut self, input: Input) -> Result<(), TestCaseError> {
        for output in self.desk.sync.step(Instant(self.now), input) {
            match output {
                Output::WakeAt(ms) => self.after(ms, Event::Tell(Input::Wake)),
                Output::Arrived(_) => {}
                Output::Lied(peer) => self.lied.extend(self.desk.cast.set.index_of(&peer)),
                Output::Request(peer, from, blocks) => {
                    prop_assert!((1..=CONFIG.range_blocks_max).contains(&blocks));
                    let end = self.committed + CONFIG.window_blocks_max;
                    prop_assert!((self.committed + 1..=end).contains(&from.0));
                    let index = self.desk.cast.set.index_of(&peer).unwrap();
                    self.asked[index] += 1;
                    self.answer(index, peer, from.0, blocks);
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, index: usize, peer: Address, from: u64, wanted: u64) {
        let has = CHAIN.saturating_sub(from - 1);
        let is_known = from <= self.committed + 2;
        let (blocks, flawed, ms) = match self.kinds[index] {
            Kind::OldKing if is_known => (0, true, 1),
            Kind::OldKing => (wanted, false, 1),
            Kind::Honest => (wanted.min(has), false, self.delay_ms),
            Kind::Boaster | Kind::Empty => (0, false, 1),
            Kind::Forger => (0, true, 1),
            Kind::Trickler => (has.min(1), false, 390),
            Kind::HalfLiar => (has.min(1), true, 1),
            Kind::Staller => return,
            Kind::Breaker => return self.after(1, Event::Tell(Input::Failed(peer))),
        };
        let is_claim = self.kinds[index] == Kind::OldKing;
        let answer = Answer {
            first: Height(from),
            blocks,
            judged: if is_claim { 0 } else { blocks },
            bytes: 10,
            flawed,
            unknown_from: None,
        };
        self.after(ms, Event::Tell(Input::Answered(peer, answer)));
        let blocks = from..from + blocks;
        self.after(
            ms + 1,
            if is_claim {
                Event::Claim(blocks, peer)
            } else {
                Event::Commit(blocks)
            },
        );
    }
}

#[test]
fn one_liar_of_each_kind_among_honest_peers_costs_little() {
    for liar in LIARS {
        let mut run = Run::new(vec![liar, Kind::Honest, Kind::Honest], 5, None);
        run.finish().unwrap();
        println!("{liar:?}: {} ms, asked {:?}", run.now, run.asked);
        assert!(run.asked[0] < run.asked[1] + run.asked[2], "{liar:?}");
        assert!(run.now < 4_000, "{liar:?}: {} ms", run.now);
        let named = matches!(liar, Kind::Forger | Kind::HalfLiar | Kind::OldKing);
        assert_eq!(run.lied.contains(&0), named, "{liar:?}");
    }
}

#[test]
fn all_liars_at_once_and_one_honest_peer_still_finish() {
    let mut kinds = LIARS.to_vec();
    kinds.push(Kind::Honest);
    let mut run = Run::new(kinds, 20, None);
    run.finish().unwrap();
    println!("{} ms, asked {:?}", run.now, run.asked);
}

/// The next block was asked of a liar each time that the honest peer was free, for minutes: the
/// delays of its answers, of the penalties and of the handshakes went round together.
fn a_slow_honest_peer_takes_turns_with_quick_liars() {
    use Kind::{Boaster, Breaker, Empty, Forger, Honest};
    let kinds = vec![Empty, Boaster, Breaker, Forger, Boaster, Honest];
    let mut run = Run::new(kinds, 1_500, None);
    run.finish().unwrap();
    println!("{} ms, asked {:?}", run.now, run.asked);
}

#[test]
fn a_slow_honest_peer_is_asked_for_the_next_block_before_quick_liars() {
    a_slow_honest_peer_takes_turns_with_quick_liars();
}

#[cfg(feature = "mutants")]
#[test]
fn that_liars_hold_up_all_is_noticed() {
    must_be_noticed(
        Mutation::LiarsHoldUpAll,
        a_slow_honest_peer_takes_turns_with_quick_liars,
    );
}

fn peers() -> impl Strategy<Value = Vec<Kind>> {
    let any = prop_oneof![
        2 => Just(Kind::Honest),
        5 => (0..LIARS.len()).prop_map(|i| LIARS[i]),
    ];
    (proptest::collection::vec(any, 0..6), 0usize..6).prop_map(|(mut kinds, at)| {
        kinds.insert(at.min(kinds.len()), Kind::Honest);
        kinds
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The Committer may fall once and forget what waits in it.
    #[test]
    fn with_one_honest_peer_sync_finishes_and_its_requests_are_bounded(
        kinds in peers(),
        delay_ms in 0u64..1_900,
        falls_at in proptest::option::of(0u64..CHAIN),
    ) {
        let mut run = Run::new(kinds, delay_ms, falls_at);
        run.finish()?;
        // Nobody is asked in a tight loop.
        for (kind, asked) in run.kinds.iter().zip(&run.asked) {
            let most = CHAIN + run.now / CONFIG.grace_ms;
            prop_assert!(*asked <= most, "{kind:?} was asked {asked} times in {} ms", run.now);
        }
    }
}
