//! `timeoutX(r) = initX + r·deltaX`, reset with every height, capped.
use crate::types::Round;

/// What a timer was set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutKind {
    /// L57: no acceptable proposal came.
    Propose,
    /// L61: prevotes came, but no polka.
    Prevote,
    /// L65: precommits came, but no decision.
    Precommit,
    /// E6: this node has sat in one round for the three timeouts together.
    Resend,
    /// E12: too many rounds have ended in nil, one after another.
    Pause,
}

/// The first timeouts and what each further round adds, in milliseconds.
///
/// `propose_delta_ms` must exceed `precommit_delta_ms`: with equal deltas the proposal of a slow
/// network never catches up with the round change (Lemma 6 of the paper).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Timeouts {
    /// Round 0: wait for the proposal.
    pub propose_ms: u64,
    /// Each further round: wait longer by this.
    pub propose_delta_ms: u64,
    /// Round 0: wait for more prevotes after a quorum of any.
    pub prevote_ms: u64,
    /// Each further round: wait longer by this.
    pub prevote_delta_ms: u64,
    /// Round 0: wait for more precommits after a quorum of any.
    pub precommit_ms: u64,
    /// Each further round: wait longer by this.
    pub precommit_delta_ms: u64,
    /// No single wait is longer.
    pub cap_ms: u64,
}

impl Timeouts {
    /// Between machines.
    pub const NETWORK: Timeouts = Timeouts {
        propose_ms: 1000,
        propose_delta_ms: 500,
        prevote_ms: 500,
        prevote_delta_ms: 250,
        precommit_ms: 500,
        precommit_delta_ms: 250,
        cap_ms: 60_000,
    };

    /// In one process.
    pub const DEVNET: Timeouts = Timeouts {
        propose_ms: 300,
        propose_delta_ms: 100,
        prevote_ms: 100,
        prevote_delta_ms: 50,
        precommit_ms: 100,
        precommit_delta_ms: 50,
        cap_ms: 60_000,
    };

    /// How long to wait in `round`, in milliseconds; of a pause, how long at most.
    pub fn after_ms(&self, kind: TimeoutKind, round: Round) -> u64 {
        let wait = |init: u64, delta: u64| {
            init.saturating_add(delta.saturating_mul(u64::from(round.0)))
                .min(self.cap_ms)
        };
        match kind {
            TimeoutKind::Propose | TimeoutKind::Pause => {
                wait(self.propose_ms, self.propose_delta_ms)
            }
            TimeoutKind::Prevote => wait(self.prevote_ms, self.prevote_delta_ms),
            TimeoutKind::Precommit => wait(self.precommit_ms, self.precommit_delta_ms),
            TimeoutKind::Resend => [TimeoutKind::Propose, TimeoutKind::Prevote]
                .into_iter()
                .fold(self.after_ms(TimeoutKind::Precommit, round), |sum, kind| {
                    sum.saturating_add(self.after_ms(kind, round))
                }),
        }
    }

    /// How long the first `rounds` rounds of a height may take together by their timeouts, in
    /// milliseconds.
    pub fn rounds_ms(&self, rounds: u32) -> u64 {
        (0..rounds).fold(0, |sum: u64, round| {
            sum.saturating_add(self.after_ms(TimeoutKind::Resend, Round(round)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_take_what_their_timeouts_add_up_to() {
        let t = Timeouts::NETWORK;
        assert_eq!(t.rounds_ms(0), 0);
        assert_eq!(t.rounds_ms(1), 2_000);
        assert_eq!(t.rounds_ms(2), 2_000 + 3_000);
        let endless = Timeouts {
            propose_ms: u64::MAX,
            cap_ms: u64::MAX,
            ..t
        };
        assert_eq!(endless.rounds_ms(3), u64::MAX);
    }

    #[test]
    fn a_timeout_grows_by_its_delta_each_round_up_to_the_cap() {
        let t = Timeouts::NETWORK;
        assert_eq!(t.after_ms(TimeoutKind::Propose, Round(0)), 1000);
        assert_eq!(t.after_ms(TimeoutKind::Propose, Round(3)), 2500);
        assert_eq!(t.after_ms(TimeoutKind::Precommit, Round(2)), 1000);
        assert_eq!(t.after_ms(TimeoutKind::Resend, Round(0)), 2000);
        assert_eq!(t.after_ms(TimeoutKind::Prevote, Round(u32::MAX)), 60_000);
    }

    #[test]
    fn waiting_for_a_proposal_grows_faster_than_waiting_for_precommits() {
        for t in [Timeouts::NETWORK, Timeouts::DEVNET] {
            assert!(t.propose_delta_ms > t.precommit_delta_ms);
        }
    }
}
