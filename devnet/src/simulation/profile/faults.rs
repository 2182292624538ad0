//! Which faults the worlds of a profile have.
use super::Profile;

impl Profile {
    pub(crate) fn is_lossless(&self) -> bool {
        matches!(
            self,
            Profile::Calm | Profile::Partition | Profile::Amnesiacs
        )
    }

    pub(crate) fn has_crashes(&self) -> bool {
        matches!(
            self,
            Profile::All
                | Profile::Flaky
                | Profile::Twins
                | Profile::Validators
                | Profile::OldKeys
                | Profile::OldDisks
                | Profile::OldRounds
                | Profile::Clocks
        )
    }

    pub(crate) fn has_partitions(&self) -> bool {
        !matches!(self, Profile::Calm | Profile::Flaky | Profile::Byzantine) && !self.must_fork()
    }

    pub(crate) fn has_late_joiners(&self) -> bool {
        matches!(
            self,
            Profile::All
                | Profile::Flaky
                | Profile::Partition
                | Profile::Validators
                | Profile::OldRounds
                | Profile::Clocks
        )
    }

    /// Of a thousand worlds, so many have a home that is put back.
    pub(crate) fn restored_permille(&self) -> u64 {
        match self {
            Profile::OldDisks => 1_000,
            Profile::All => 250,
            _ => 0,
        }
    }

    pub(crate) fn has_skew(&self) -> bool {
        matches!(
            self,
            Profile::All | Profile::Byzantine | Profile::Validators | Profile::Clocks
        )
    }
}
