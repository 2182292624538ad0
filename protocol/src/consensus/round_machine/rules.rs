//! The rules that fire on what the log holds. Each returns whether it acted.
#[cfg(feature = "mutants")]
use super::planted;
use super::{CheckedProposal, Locked, Output, RoundMachine, Rules, Step, ValidValue, Verdict};
use crate::consensus::timeouts::TimeoutKind;
use crate::nouns::commit::CommitCertificate;
use crate::nouns::vote::VoteKind;

pub(super) type Rule = fn(&mut RoundMachine, &mut Vec<Output>) -> bool;

/// In this order among enabled rules.
const RULES: [Rule; 12] = [
    RoundMachine::l49_decide,
    RoundMachine::l36_polka,
    RoundMachine::l44_nil_polka,
    RoundMachine::e3_leave_nil_round,
    RoundMachine::l28_old_polka,
    RoundMachine::l22_new_value,
    RoundMachine::e4_silent_proposer,
    RoundMachine::l34_any_prevotes,
    RoundMachine::l47_any_precommits,
    RoundMachine::e11_nobody_left,
    RoundMachine::l55_skip_round,
    RoundMachine::e8_older_polka,
];

impl RoundMachine {
    /// Applies rules until none is enabled. Each rule disables itself by acting: it changes the
    /// step, a first-time guard, the valid round or the round, and all of these only rise.
    pub(super) fn apply_rules(&mut self, out: &mut Vec<Output>) {
        let rules = RULES;
        #[cfg(feature = "mutants")]
        let rules = planted::broken(rules);
        while !self.decided && rules.iter().any(|rule| rule(self, out)) {}
    }

    /// L49: a proposal and Q precommits for it, of *any* round, decide the height.
    pub(super) fn l49_decide(&mut self, out: &mut Vec<Output>) -> bool {
        let mut decision = self.log.commits.iter().filter_map(|certificate| {
            let proposal = self.decided_proposal(certificate)?;
            Some(match proposal.verdict {
                Verdict::Invalid => Output::InvalidDecision(certificate.clone()),
                _ => Output::Decide(proposal.block.clone(), certificate.clone()),
            })
        });
        let Some(decision) = decision.next() else {
            return false;
        };
        self.decided = true;
        out.push(decision);
        true
    }

    /// The paper waits for the proposal of the precommits' round. But the id names the block, so
    /// that one that was proposed in any round will do.
    fn decided_proposal(&self, certificate: &CommitCertificate) -> Option<&CheckedProposal> {
        let CommitCertificate {
            round, block_id, ..
        } = certificate;
        match self.rules {
            Rules::Extended => self.log.with_value(block_id),
            Rules::Paper => {
                let mut proposals = self.log.of_round(*round).iter();
                proposals.find(|proposal| proposal.block.id() == *block_id)
            }
        }
    }

    /// L36: a proposal of this round and its polka. In step Prevote: lock and precommit. In step
    /// Precommit too: remember the valid value, else the lock of others stays hidden from us.
    pub(super) fn l36_polka(&mut self, out: &mut Vec<Output>) -> bool {
        if self.step < Step::Prevote || self.first.polka {
            return false;
        }
        let Some(value) = self.polka_of_this_round() else {
            return false;
        };
        self.first.polka = true;
        if self.step == Step::Prevote {
            let block_id = value.block.id();
            let round = self.round;
            self.locked = Some(Locked { block_id, round });
            self.precommit(Some(value.clone()), out);
        }
        self.valid = Some(value);
        true
    }

    fn polka_of_this_round(&self) -> Option<ValidValue> {
        self.log.of_round(self.round).iter().find_map(|proposal| {
            // E9: only prevotes that carry this proposal's valid round make its polka.
            let polka = self.log.polkas.iter().find(|polka| {
                (polka.round, polka.block_id, polka.valid_round)
                    == (self.round, proposal.block.id(), proposal.valid_round)
            })?;
            let value = ValidValue {
                block: proposal.block.clone(),
                polka: polka.clone(),
            };
            (proposal.verdict != Verdict::Invalid).then_some(value)
        })
    }

    /// L44: Q prevoted nil.
    fn l44_nil_polka(&mut self, out: &mut Vec<Output>) -> bool {
        let enabled = self.step == Step::Prevote && self.log.nil_polkas.contains(&self.round);
        if enabled {
            self.precommit_nil(out);
        }
        enabled
    }

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

    /// L28: a value proposed again, with its polka of an earlier round.
    pub(super) fn l28_old_polka(&mut self, out: &mut Vec<Output>) -> bool {
        if self.step != Step::Propose {
            return false;
        }
        let ready = self.log.of_round(self.round).iter().find_map(|proposal| {
            let valid_round = proposal.valid_round.filter(|vr| *vr < self.round)?;
            let has_polka = self.log.has_polka(valid_round, &proposal.block.id());
            has_polka.then(|| (proposal.clone(), valid_round))
        });
        let Some((proposal, valid_round)) = ready else {
            return false;
        };
        let free = self.locked.is_none_or(|locked| {
            locked.round <= valid_round || locked.block_id == proposal.block.id()
        });
        self.answer(&proposal, free && proposal.verdict != Verdict::Invalid, out);
        true
    }

    /// L22: a new value. The local clock may refuse it here, and only here.
    pub(super) fn l22_new_value(&mut self, out: &mut Vec<Output>) -> bool {
        if self.step != Step::Propose {
            return false;
        }
        let proposals = self.log.of_round(self.round);
        let Some(proposal) = proposals.iter().find(|p| p.valid_round.is_none()).cloned() else {
            return false;
        };
        let locked = self.locked;
        let free = locked.is_none_or(|locked| locked.block_id == proposal.block.id());
        self.answer(&proposal, free && proposal.verdict == Verdict::Valid, out);
        true
    }

    /// Prevotes a proposal or nil. The own proposal *was* the prevote (E1), so there is nothing more
    /// to say in this round, not even if a twin with the same key proposed something else first.
    fn answer(&mut self, proposal: &CheckedProposal, accept: bool, out: &mut Vec<Output>) {
        if self.first.own_proposal && self.rules == Rules::Extended {
            self.step = Step::Prevote;
        } else if accept {
            self.prevote(Some(proposal.block.id()), proposal.valid_round, out);
        } else {
            self.prevote(None, None, out);
        }
    }

    /// E4: a timeout may fire at any time without hurting safety; for a silent proposer it fires
    /// now. This node's own turn is never skipped.
    fn e4_silent_proposer(&mut self, out: &mut Vec<Output>) -> bool {
        let enabled = self.step == Step::Propose
            && !self.is_proposer()
            && self.log.silent.contains(&self.round);
        if enabled {
            self.prevote(None, None, out);
        }
        enabled
    }

    /// L34: Q prevoted, whatever: a polka may still come, but not for ever.
    fn l34_any_prevotes(&mut self, out: &mut Vec<Output>) -> bool {
        let enabled = self.step == Step::Prevote
            && !self.first.prevote_timeout
            && self.log.prevotes_any.contains(&self.round);
        if enabled {
            self.first.prevote_timeout = true;
            self.schedule(TimeoutKind::Prevote, out);
        }
        enabled
    }

    /// L47: Q precommitted, whatever, in any step of ours.
    fn l47_any_precommits(&mut self, out: &mut Vec<Output>) -> bool {
        let enabled =
            !self.first.precommit_timeout && self.log.precommits_any.contains(&self.round);
        if enabled {
            self.first.precommit_timeout = true;
            self.schedule(TimeoutKind::Precommit, out);
        }
        enabled
    }

    /// E11: L34 and L47 wait for more votes, and a timeout may fire at any time without hurting
    /// safety: where nobody is left to wait for, it fires now, or after a pause of E12.
    fn e11_nobody_left(&mut self, out: &mut Vec<Output>) -> bool {
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

    /// L55: at least one correct validator is in a later round.
    fn l55_skip_round(&mut self, out: &mut Vec<Output>) -> bool {
        let later = self.log.reached.filter(|reached| *reached > self.round);
        let Some(later) = later else {
            return false;
        };
        self.start_round(later, out);
        true
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
}
