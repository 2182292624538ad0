//! What is old or wrong in a world: keys, disks, rounds, clocks. A profile of that name has it always,
//! the profile of all faults now and then.
use super::Profile;
use crate::simulation::random::Random;

/// At most one of these in each world, beside all other faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    OldKeys,
    OldDisks,
    OldRounds,
    Clocks,
}

/// Worlds of all faults that have one of these, of a thousand.
const PERMILLE: u64 = 300;

impl Profile {
    /// Draws it, from a stream of its own: a world without it is the same as ever.
    pub(crate) fn family(&self, random: &mut Random) -> Option<Family> {
        let all = [
            Family::OldKeys,
            Family::OldDisks,
            Family::OldRounds,
            Family::Clocks,
        ];
        match self {
            Profile::OldKeys => Some(Family::OldKeys),
            Profile::OldDisks => Some(Family::OldDisks),
            Profile::OldRounds => Some(Family::OldRounds),
            Profile::Clocks => Some(Family::Clocks),
            Profile::All if random.chance(PERMILLE) => Some(random.pick(&all)),
            _ => None,
        }
    }
}
