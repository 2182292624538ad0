//! E12: rounds that fail in a row are paced.
//!
//! A round that ends in nil (E3), or whose every vote is there and decides nothing (E11), costs its
//! validators a few messages and no time. So a height on which nobody can agree, such as one whose
//! time lies ahead of every clock, would spin: hundreds
//! of rounds a second, each of them written to the disk of every validator. Of n validators f may be
//! faulty and have their turns one after another, and one turn more may be lost to the network: so
//! many rounds are left at once. After each further one the machine waits, first [`NIL_PAUSE_MIN_MS`],
//! then twice as long each time, at most as long as it would wait for a proposal of that round: so
//! long the others wait for one of this node. L49, L55 and L65 do not wait for the pause to end.
//!
//! A polka on a value says that this chain can agree, and ends the row. One polka ends it once: an
//! old one that is told again with every proposal would else undo the pace.
use super::{Output, RoundMachine, Rules};
use crate::consensus::facts::Fact;
use crate::consensus::timeouts::TimeoutKind;
use crate::limits::NIL_PAUSE_MIN_MS;
use crate::types::Round;

/// Rounds that this machine has left by E3 or E11 since the newest polka.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NilRounds {
    in_a_row: u32,
    newest_polka: Option<Round>,
}

impl NilRounds {
    pub(super) fn hear(&mut self, fact: &Fact) {
        if let Fact::Polka(polka) = fact
            && Some(polka.round) > self.newest_polka
        {
            (self.in_a_row, self.newest_polka) = (0, Some(polka.round));
        }
    }
}

impl RoundMachine {
    /// Leaves a round that has ended without a decision, now or after its pause.
    pub(super) fn leave_or_pause(&mut self, out: &mut Vec<Output>) {
        self.nil_rounds.in_a_row = self.nil_rounds.in_a_row.saturating_add(1);
        match self.pause_ms() {
            Some(ms) => {
                self.first.pause = true;
                out.push(Output::Schedule(TimeoutKind::Pause, self.round, ms));
            }
            None => self.start_round(self.round.next(), out),
        }
    }

    /// The next rounds are left at once again, and the one that pauses now.
    pub(super) fn end_row(&mut self, out: &mut Vec<Output>) {
        self.nil_rounds.in_a_row = 0;
        if self.first.pause {
            self.start_round(self.round.next(), out);
        }
    }

    fn pause_ms(&self) -> Option<u64> {
        planted!(UnpacedRounds => return None);
        let faulty = self.set.len().saturating_sub(1) / 3;
        let free = u32::try_from(faulty).unwrap_or(u32::MAX).saturating_add(1);
        let doubled = self.nil_rounds.in_a_row.checked_sub(free)?.checked_sub(1)?;
        if self.rules == Rules::Paper {
            return None;
        }
        let ms = NIL_PAUSE_MIN_MS.saturating_mul(1u64.checked_shl(doubled).unwrap_or(u64::MAX));
        Some(ms.min(self.timeouts.after_ms(TimeoutKind::Pause, self.round)))
    }
}
