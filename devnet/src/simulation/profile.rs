//! Families of worlds, by name.
use super::habits::{self, Kind};
use super::mutants::{self, Planted};
use super::plan::faulty_max;
use super::random::Random;
use std::fmt;
use std::str::FromStr;

/// Which worlds the seeds describe.
#[derive(Clone, Copy)]
pub enum Profile {
    /// Everything at once: 1 to 10 validators, at most f of them Byzantine, crashes of nodes and
    /// of single brains, loss, duplicates, cuts, partitions, wrong clocks.
    Mixed,
    /// Correct nodes and nothing but delay.
    Calm,
    /// Four validators, two of them Byzantine: more than the protocol bears. A fork must be found.
    Canary,
    /// Four correct validators with a planted bug, by its name.
    Mutant(&'static str),
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no profile is called {0:?}: use one of {names}", names = Profile::names().join(", "))]
pub struct UnknownProfile(pub String);

impl Profile {
    /// All names.
    pub fn names() -> Vec<String> {
        let plain = [Profile::Mixed, Profile::Calm, Profile::Canary];
        let planted = Profile::mutants().into_iter();
        plain
            .into_iter()
            .chain(planted)
            .map(|p| p.to_string())
            .collect()
    }

    /// One profile for each planted bug.
    pub fn mutants() -> Vec<Profile> {
        let names = mutants::ALL.iter().map(|planted| planted.name);
        names.map(Profile::Mutant).collect()
    }

    /// The properties one of which must be violated in a batch of such worlds; none if all hold.
    pub fn must_violate(&self) -> &'static [&'static str] {
        match self {
            Profile::Mixed | Profile::Calm => &[],
            Profile::Canary => &["agreement"],
            Profile::Mutant(_) => self.planted().map_or(&[], |planted| planted.caught_by),
        }
    }

    pub(crate) fn planted(&self) -> Option<&'static Planted> {
        match self {
            Profile::Mutant(name) => mutants::ALL.iter().find(|planted| planted.name == *name),
            _ => None,
        }
    }

    pub(crate) fn validators(&self, random: &mut Random) -> usize {
        match self {
            Profile::Mixed | Profile::Calm => random.pick(&[1, 4, 4, 4, 4, 5, 5, 7, 7, 10]),
            Profile::Canary | Profile::Mutant(_) => 4,
        }
    }

    pub(crate) fn habits(&self, n: usize, random: &mut Random) -> Vec<Option<&'static Kind>> {
        let mut chosen = vec![None; n];
        let order = random.order(n);
        match self {
            Profile::Mixed => {
                let faulty = random.index(faulty_max(n) + 1);
                for node in order.into_iter().take(faulty) {
                    chosen[node] = habits::ALL.get(random.index(habits::ALL.len()));
                }
            }
            Profile::Canary => {
                for node in order.into_iter().take(faulty_max(n) + 1) {
                    chosen[node] = habits::named("two-faced");
                }
            }
            Profile::Calm | Profile::Mutant(_) => {}
        }
        chosen
    }

    /// How long faults last.
    pub(crate) fn fault_time_us(&self, n: usize, random: &mut Random) -> u64 {
        let budget_us = match n {
            1 => 2_000_000,
            4 => 5_000_000,
            5 => 4_000_000,
            7 => 2_500_000,
            _ => 2_000_000,
        };
        random.between(budget_us / 2, budget_us * 3 / 2)
    }

    pub(crate) fn is_lossless(&self) -> bool {
        matches!(self, Profile::Calm)
    }

    pub(crate) fn has_crashes(&self) -> bool {
        matches!(self, Profile::Mixed | Profile::Mutant(_))
    }

    pub(crate) fn has_partitions(&self) -> bool {
        matches!(self, Profile::Mixed | Profile::Mutant(_))
    }

    pub(crate) fn has_skew(&self) -> bool {
        matches!(self, Profile::Mixed)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Profile::Mixed => f.write_str("mixed"),
            Profile::Calm => f.write_str("calm"),
            Profile::Canary => f.write_str("canary"),
            Profile::Mutant(name) => write!(f, "mutant-{name}"),
        }
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
        let plain = [Profile::Mixed, Profile::Calm, Profile::Canary];
        let mut all = plain.into_iter().chain(Profile::mutants());
        all.find(|profile| profile.to_string() == name)
            .ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}
