use super::*;
use crate::consensus::testkit::{Cast, Counting, H, NEXT, block, precommit, prevote};
use crate::validators::set::Power;

mod admission;
mod bounds;
mod equivocation;
mod pulled;
mod seen;
mod sets;
mod silence;
mod thresholds;

/// E4 in these tests.
const SILENT_MS: u64 = 1_000;

/// A tally of height 5 in round 0, its cast, and a count of its signature checks.
struct Desk {
    cast: Cast,
    checks: Counting,
    tally: Tally,
    now: Instant,
}

impl Desk {
    fn of(count: usize) -> Desk {
        Desk::with_powers(&vec![1; count])
    }

    fn with_powers(powers: &[Power]) -> Desk {
        let checks = Counting::default();
        let cast = Cast::under(&checks, powers);
        let me = cast.address(0);
        let tally = Tally::new(cast.context, me, &cast.schedule(H), SILENT_MS);
        let now = Instant(0);
        let mut desk = Desk {
            cast,
            checks,
            tally,
            now,
        };
        desk.enter_round(0);
        desk
    }

    fn tell(&mut self, input: Input) -> Vec<Output> {
        self.tally.step(self.now, input)
    }

    fn enter_round(&mut self, r: u32) -> Vec<Fact> {
        facts(self.tell(Input::EnterRound(H, Round(r))))
    }

    fn enter_next_height(&mut self) -> Vec<Fact> {
        facts(self.tell(Input::EnterHeight(self.cast.schedule(NEXT))))
    }

    /// What became of a vote that came over the network.
    fn admit(&mut self, vote: SignedVote) -> Admission {
        admission(&self.tell(Input::Vote(vote)))
    }

    /// The facts that a vote tells, which must have been counted.
    fn count(&mut self, vote: SignedVote) -> Vec<Fact> {
        let out = self.tell(Input::Vote(vote));
        assert_eq!(admission(&out), Admission::Counted);
        facts(out)
    }

    /// Votes of these members for one value in round `r`, as [`Cast::prevote`] or
    /// [`Cast::precommit`] make them.
    fn count_all(&mut self, members: &[ValidatorIndex], r: u32, by: By, value: Value) -> Vec<Fact> {
        let votes = members.iter().map(|i| by(&self.cast, *i, r, value));
        let votes: Vec<_> = votes.collect();
        votes
            .into_iter()
            .flat_map(|vote| self.count(vote))
            .collect()
    }

    /// Ballots, seen rounds and told facts: everything that grows.
    fn size(&self) -> usize {
        let ballots = |b: &Ballots| b.0.values().map(Vec::len).sum::<usize>();
        let rounds = self.tally.rounds.values();
        let kept: usize = rounds
            .map(|r| 1 + ballots(&r.prevotes) + ballots(&r.precommits))
            .sum();
        let (early, told) = (self.tally.early.len(), self.tally.told.len());
        kept + self.tally.max_round.len() + early + told
    }
}

type Value = Option<BlockId>;
type By = fn(&Cast, ValidatorIndex, u32, Value) -> SignedVote;

fn id(tag: u64) -> Value {
    Some(block(H, tag).id())
}

fn facts(out: Vec<Output>) -> Vec<Fact> {
    out.into_iter()
        .filter_map(|output| match output {
            Output::Fact(_, fact) => Some(fact),
            _ => None,
        })
        .collect()
}

fn evidence(out: &[Output]) -> Vec<Evidence> {
    let pieces = out.iter().filter_map(|output| match output {
        Output::Evidence(evidence) => Some(Evidence::clone(evidence)),
        _ => None,
    });
    pieces.collect()
}

fn admission(out: &[Output]) -> Admission {
    match out.last() {
        Some(Output::Admission(admission)) => *admission,
        other => panic!("no admission, but {other:?}"),
    }
}

fn forged(mut vote: SignedVote) -> SignedVote {
    vote.signature.0[0] ^= 1;
    vote
}
