//! Whether those heard weigh enough.
use crate::validators::set::{Power, least_quorum};

/// The powers that the rule weighs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub(super) total: Power,
    pub(super) own: Power,
    /// What faulty validators may weigh: all but a least quorum.
    pub(super) faulty: Power,
    /// Others whose claims this node has reached.
    pub(super) heard: Power,
}

impl Weights {
    pub(super) fn decides_alone(self) -> bool {
        self.own >= least_quorum(self.total)
    }

    /// Whether it is itself more than the chain bears.
    pub(super) fn must_hear_all(self) -> bool {
        planted!(OwnWeightCounts => return false);
        let thrice = u128::from(self.own).saturating_mul(3);
        thrice > u128::from(self.total)
    }

    pub(super) fn has_heard_all(self) -> bool {
        self.heard.saturating_add(self.own) >= self.total
    }

    /// `is_rearmed`: an operator vouches for a validator that would have to hear all others. Then it
    /// hears those without whom it could decide nothing.
    pub(super) fn has_heard_enough(self, is_rearmed: bool) -> bool {
        planted!(OwnWeightCounts => return self.is_quorum_with_them());
        if self.must_hear_all() && is_rearmed {
            return self.is_quorum_with_them();
        }
        self.can_believe_them()
    }

    fn is_quorum_with_them(self) -> bool {
        self.heard.saturating_add(self.own) >= least_quorum(self.total)
    }

    fn can_believe_them(self) -> bool {
        planted!(OneWordIsEnough => return self.heard > 0);
        if self.must_hear_all() {
            return self.has_heard_all();
        }
        let liars = self.faulty.saturating_sub(self.own);
        self.heard > self.faulty.saturating_add(liars)
    }

    /// Whether the others are a quorum.
    pub(super) fn others_decide_alone(self) -> bool {
        self.own <= self.faulty
    }
}
