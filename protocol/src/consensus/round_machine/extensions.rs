//! Our own rules, beside the paper's: each may only end a wait early, pace what would spin, or
//! propose a better value (E3, E4, E8, E11, E12). What changes a rule of the paper itself (E1, E9)
//! stands there.
//!
//! **E12**: rounds that fail in a row are paced. A round that ends in nil (E3), or whose every vote is
//! there and decides nothing (E11), costs its validators a few messages and no time. So a height on
//! which nobody can agree, such as one whose time lies ahead of every clock, would spin: hundreds of
//! rounds a second, each of them written to the disk of every validator. Of n validators f may be
//! faulty and have their turns one after another, and one turn more may be lost to the network: so
//! many rounds are left at once. After each further one the machine waits, first
//! [`NIL_PAUSE_MIN_MS`], then twice as long each time, at most as long as it would wait for a
//! proposal of that round: so long the others wait for one of this node. L49, L55 and L65 do not wait
//! for the pause to end.
//!
//! A polka on a value says that this chain can agree, and ends the row. One polka ends it once: an
//! old one that is told again with every proposal would else undo the pace.
use super::{Output, RoundMachine, Rules, Step, ValidValue};
use crate::consensus::facts::{Fact, Verdict};
use crate::consensus::timeouts::TimeoutKind;
use crate::limits::NIL_PAUSE_MIN_MS;
use crate::nouns::vote::VoteKind;
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
    /// E3: Q prevoted nil, so nobody can lock a value in this round: leave it, after the own nil
    /// votes that others may need; at once, unless E12 says that too many have ended like this.
    pub(super) fn e3_leave_nil_round(&mut self, out: &mut Vec<Output>) -> bool {
        if !self.ends_in_nil(self.round) || self.first.pause {
            return false;
        }
        if self.step == Step::Propose {
            self.prevote(None, None, out);
            self.precommit_nil(out);
        }
        self.leave_or_pause(out);
        true
    }

    /// E4: a timeout may fire at any time without hurting safety; for a silent proposer it fires
    /// now. This node's own turn is never skipped.
    pub(super) fn e4_silent_proposer(&mut self, out: &mut Vec<Output>) -> bool {
        let enabled = self.step == Step::Propose
            && !self.is_proposer()
            && self.log.silent.contains(&self.round);
        if enabled {
            self.prevote(None, None, out);
        }
        enabled
    }

    /// E11: L34 and L47 wait for more votes, and a timeout may fire at any time without hurting
    /// safety: where nobody is left to wait for, it fires now, or after a pause of E12.
    pub(super) fn e11_nobody_left(&mut self, out: &mut Vec<Output>) -> bool {
        let is_over = |kind| self.log.nobody_left.contains(&(self.round, kind));
        if is_over(VoteKind::Precommit) && self.first.precommit_timeout {
            let leaves = !self.first.pause;
            if leaves {
                self.leave_or_pause(out);
            }
            return leaves;
        }
        let enabled =
            is_over(VoteKind::Prevote) && self.first.prevote_timeout && self.step == Step::Prevote;
        if enabled {
            self.precommit_nil(out);
        }
        enabled
    }

    /// E8: a polka of an earlier round, newer than the valid value, found late: propose that value
    /// next time. Never lock from it.
    pub(super) fn e8_older_polka(&mut self, _: &mut Vec<Output>) -> bool {
        planted!(NoOlderPolka | LockOnOlderPolka | UnlockOnPolka => return self.broken_e8());
        if self.rules == Rules::Paper {
            return false;
        }
        let newer = |round| {
            self.valid
                .as_ref()
                .is_none_or(|valid| valid.polka.round < round)
        };
        let older = self
            .log
            .polkas
            .iter()
            .filter(|p| p.round < self.round && newer(p.round));
        let known = older.filter_map(|polka| {
            let proposal = self.log.with_value(&polka.block_id)?;
            let value = ValidValue {
                block: proposal.block.clone(),
                polka: polka.clone(),
            };
            (proposal.verdict != Verdict::Invalid).then_some(value)
        });
        let found = known.max_by_key(|value| value.polka.round);
        let fires = found.is_some();
        if fires {
            self.valid = found;
        }
        fires
    }

    /// Leaves a round that has ended without a decision, now or after its pause.
    fn leave_or_pause(&mut self, out: &mut Vec<Output>) {
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
