//! Families of worlds, by name.
use super::habits::{self, Kind};
use super::random::Random;
use lockstep_protocol::validators::set::Power;
use std::fmt;
use std::str::FromStr;

mod family;
mod faults;

pub(crate) use family::Family;

/// Which worlds the seeds describe.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Everything at once: 1 to 10 validators with equal and unequal powers, at most f of them
    /// Byzantine or running twice, crashes of nodes and of single brains, old disks that are
    /// restored, late joiners, loss, duplicates, cuts, partitions, wrong clocks; now and then what
    /// `OldKeys`, `OldDisks`, `OldRounds` or `Clocks` are about.
    All,
    /// Correct nodes on bad wires and bad machines: delay, loss, duplicates, crashes of nodes and
    /// of single brains, disks that keep a prefix or a subset of what was not reported, late
    /// joiners.
    Flaky,
    /// Correct nodes on a network that falls apart: 2/2, 3/1, 1/1/1/1, flapping, one-way cuts, late
    /// joiners.
    Partition,
    /// At most f validators with a Byzantine habit each, lossy wires, wrong clocks.
    Byzantine,
    /// At most f validators whose key runs on two nodes, partitions, loss, crashes (P4).
    Twins,
    /// Four validators, one of them twice: the seed is the number of a sequence of partitions, one
    /// of [`twins::COUNT`](super::twins::COUNT) (P4).
    TwinsAll,
    /// As `All`, and always with validators that are added, removed and given other powers.
    Validators,
    /// Validators that once had more than two thirds of the power, and sign second decisions of those
    /// heights when they have it no more.
    OldKeys,
    /// Homes that are put back to an earlier state at any moment, with unequal powers, and liars that
    /// say less than they have.
    OldDisks,
    /// Heights of a hundred rounds and more, with crashes and restarts on the way.
    OldRounds,
    /// Clocks that are wrong, that are set while nodes run, one or all; a genesis in the future.
    Clocks,
    /// Correct nodes and nothing but delay.
    Calm,
    /// Four validators, two of them Byzantine: more than the protocol bears. A fork must be found.
    Canary,
    /// The same two forget their locks, and the two correct ones are apart: a fork between two
    /// rounds must be found.
    Amnesiacs,
    /// As many validators as the protocol bears have this one habit (P3); lossy wires, partitions.
    Habit(&'static str),
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no profile is called {0:?}: use one of {names}", names = Profile::names().join(", "))]
pub struct UnknownProfile(pub String);

impl Profile {
    const PLAIN: [(Profile, &str); 14] = [
        (Profile::Flaky, "flaky"),
        (Profile::Partition, "partition"),
        (Profile::Byzantine, "byzantine"),
        (Profile::Twins, "twins"),
        (Profile::All, "all"),
        (Profile::TwinsAll, "twins-all"),
        (Profile::Validators, "validators"),
        (Profile::OldKeys, "old-keys"),
        (Profile::OldDisks, "old-disks"),
        (Profile::OldRounds, "old-rounds"),
        (Profile::Clocks, "clocks"),
        (Profile::Calm, "calm"),
        (Profile::Canary, "canary"),
        (Profile::Amnesiacs, "amnesiacs"),
    ];

    /// All names.
    pub fn names() -> Vec<String> {
        Profile::all().map(|profile| profile.to_string()).collect()
    }

    fn all() -> impl Iterator<Item = Profile> {
        let plain = Profile::PLAIN.map(|(profile, _)| profile);
        plain.into_iter().chain(Profile::habits())
    }

    /// One profile for each Byzantine habit.
    pub fn habits() -> Vec<Profile> {
        let names = habits::ALL.iter().map(|kind| kind.name);
        names.map(Profile::Habit).collect()
    }

    /// Whether a violation of agreement is what these worlds are for.
    pub fn must_fork(&self) -> bool {
        matches!(self, Profile::Canary | Profile::Amnesiacs)
    }

    pub(crate) fn validators(&self, random: &mut Random) -> usize {
        let usual = [1, 2, 3, 4, 4, 4, 4, 4, 4, 5, 5, 6, 7, 7, 10];
        match self {
            Profile::Canary | Profile::Amnesiacs => 4,
            Profile::Habit(_) | Profile::Twins => random.pick(&[4, 4, 4, 5, 7]),
            Profile::OldKeys => random.pick(&[4, 4, 5, 7, 10]),
            Profile::OldDisks => random.pick(&[3, 4, 4, 4, 5, 7, 7, 10]),
            Profile::OldRounds | Profile::Clocks => random.pick(&[3, 4, 4, 4, 5, 7]),
            Profile::Validators => random.pick(&[3, 4, 5, 5, 6, 7]),
            _ => random.pick(&usual),
        }
    }

    /// Voting powers: mostly equal; else small numbers, one giant, or as large as they get.
    pub(crate) fn powers(&self, n: usize, random: &mut Random) -> Vec<Power> {
        // Powers as large as they get leave no room for changes.
        let kinds = if *self == Profile::Validators { 9 } else { 10 };
        let kind = match self {
            // Somebody with more than a third may be put back, too.
            Profile::OldDisks => random.pick(&[0, 6]),
            _ => random.below(kinds),
        };
        if self.must_fork() || *self == Profile::Calm || kind < 6 {
            return vec![1; n];
        }
        let giant = random.index(n);
        let power = |node| match kind {
            6 | 7 => random.between(1, 10),
            8 if node == giant => 97,
            8 => 1,
            _ => random.between(u64::MAX / 2 / n as u64, u64::MAX / n as u64),
        };
        (0..n).map(power).collect()
    }

    /// The habit of each validator that has one.
    pub(crate) fn habit_of(
        &self,
        powers: &[Power],
        random: &mut Random,
    ) -> Vec<Option<&'static Kind>> {
        let mut chosen = vec![None; powers.len()];
        let order = random.order(powers.len());
        let bearable = bearable(powers, &order);
        match self {
            Profile::All | Profile::Byzantine | Profile::Validators => {
                let least = usize::from(*self == Profile::Byzantine).min(bearable.len());
                let most = random.between(least as u64, bearable.len() as u64);
                for node in bearable.into_iter().take(most as usize) {
                    chosen[node] = habits::ALL.get(random.index(habits::ALL.len()));
                }
            }
            // The restored one is faulty, too.
            Profile::OldDisks => {
                for node in bearable.into_iter().skip(1) {
                    let is_liar = random.chance(500);
                    chosen[node] = habits::named("understater").filter(|_| is_liar);
                }
            }
            Profile::OldKeys => {
                for node in bearable {
                    chosen[node] = Some(&habits::OLD_KING);
                }
            }
            Profile::Habit(name) => {
                for node in bearable {
                    chosen[node] = habits::named(name);
                }
            }
            Profile::Canary | Profile::Amnesiacs => {
                let kind = match self {
                    Profile::Canary => habits::named("two-faced"),
                    _ => Some(&habits::FORGETFUL),
                };
                for node in order.into_iter().take(faulty_max(powers.len()) + 1) {
                    chosen[node] = kind;
                }
            }
            _ => {}
        }
        chosen
    }

    /// Validators whose key runs on two nodes, within what the habits leave of f.
    pub(crate) fn twins(
        &self,
        powers: &[Power],
        habits: &[Option<&'static Kind>],
        random: &mut Random,
    ) -> Vec<usize> {
        let order = random.order(powers.len());
        let mut bearable = bearable(powers, &order);
        let none_yet = habits.iter().all(Option::is_none);
        let wanted = match self {
            Profile::Twins => 1 + random.index(bearable.len().max(1)),
            Profile::All | Profile::Validators if none_yet && random.chance(300) => 1,
            _ => 0,
        };
        bearable.truncate(wanted);
        bearable
    }

    /// How long faults last.
    pub(crate) fn fault_time_us(&self, n: usize, random: &mut Random) -> u64 {
        let budget_us = match n {
            1 => 2_000_000,
            2..=4 => 5_000_000,
            5 | 6 => 4_000_000,
            7 => 2_500_000,
            _ => 2_000_000,
        };
        // Worlds in which everything happens need time for it.
        let times = match self {
            Profile::All => 3,
            Profile::Validators => 2,
            _ => 1,
        };
        random.between(times * budget_us / 2, times * budget_us * 3 / 2)
    }

    /// Whether the validator set of this world changes.
    pub(crate) fn has_changes(&self, random: &mut Random) -> bool {
        match self {
            Profile::Validators => true,
            Profile::All => random.chance(300),
            _ => false,
        }
    }
}

/// The largest number of faulty validators that the protocol bears: f < n/3.
pub(crate) fn faulty_max(validators: usize) -> usize {
    (validators - 1) / 3
}

/// Of the validators in this order, as many as may be faulty together: f of the power, and never
/// more than f of as many equal ones, because progress within so many timeouts needs turns of
/// correct proposers.
fn bearable(powers: &[Power], order: &[usize]) -> Vec<usize> {
    let total: u128 = powers.iter().map(|power| u128::from(*power)).sum();
    let mut held = 0;
    let mut fits = |node: &usize| {
        let power = held + u128::from(powers[*node]);
        let fits = 3 * power < total;
        held = if fits { power } else { held };
        fits
    };
    let fitting = order.iter().copied().filter(|node| fits(node));
    fitting.take(faulty_max(powers.len())).collect()
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Profile::Habit(name) = self {
            return write!(f, "habit-{name}");
        }
        let mut plain = Profile::PLAIN.into_iter();
        let named = plain.find(|(profile, _)| profile == self);
        f.write_str(named.map_or("without a name", |(_, name)| name))
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Profile, UnknownProfile> {
        Profile::all()
            .find(|profile| profile.to_string() == name)
            .ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_a_wrong_one_is_told_the_right_ones() {
        for name in Profile::names() {
            assert_eq!(name.parse::<Profile>().map(|p| p.to_string()), Ok(name));
        }
        let error = "falky"
            .parse::<Profile>()
            .expect_err("a typing error")
            .to_string();
        assert!(
            error.contains("flaky, partition, byzantine, twins, all"),
            "{error}"
        );
    }

    #[test]
    fn the_faulty_hold_less_than_a_third_of_the_power() {
        for (powers, order, expected) in [
            (vec![1; 4], vec![2, 0, 1, 3], vec![2]),
            (vec![1; 3], vec![0, 1, 2], vec![]),
            (vec![1; 7], vec![6, 5, 4, 0, 1, 2, 3], vec![6, 5]),
            (vec![1, 1, 1, 97], vec![3, 2, 1, 0], vec![2]),
            (vec![u64::MAX / 4; 4], vec![0, 1, 2, 3], vec![0]),
        ] {
            assert_eq!(bearable(&powers, &order), expected, "{powers:?}");
        }
    }
}
