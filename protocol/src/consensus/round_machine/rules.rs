//! What a height has heard, and the rules of the paper that wait for it. Each rule returns whether it
//! acted. The rules that are not the paper's are in `extensions`.
#[cfg(feature = "mutants")]
use super::planted;
use super::{Locked, Output, RoundMachine, Rules, Step, ValidValue};
use crate::consensus::facts::{CheckedProposal, Fact, Verdict};
use crate::consensus::timeouts::TimeoutKind;
use crate::limits::{PROPOSALS_PER_ROUND_MAX, ROUNDS_KEPT_MAX};
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::vote::VoteKind;
use crate::types::{BlockId, Round};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

    /// L55: at least one correct validator is in a later round.
    fn l55_skip_round(&mut self, out: &mut Vec<Output>) -> bool {
        let later = self.log.reached.filter(|reached| *reached > self.round);
        let Some(later) = later else {
            return false;
        };
        self.start_round(later, out);
        true
    }
}

/// What is known of this height.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) proposals: BTreeMap<Round, Vec<CheckedProposal>>,
    pub(super) polkas: Vec<Arc<PolkaCertificate>>,
    pub(super) nil_polkas: BTreeSet<Round>,
    pub(super) prevotes_any: BTreeSet<Round>,
    pub(super) precommits_any: BTreeSet<Round>,
    pub(super) commits: Vec<Arc<CommitCertificate>>,
    pub(super) reached: Option<Round>,
    pub(super) silent: BTreeSet<Round>,
    pub(super) nobody_left: BTreeSet<(Round, VoteKind)>,
}

impl Log {
    pub(super) fn add_proposal(&mut self, proposal: CheckedProposal) {
        let kept = self.proposals.entry(proposal.round).or_default();
        let value = |p: &CheckedProposal| (p.block.id(), p.valid_round);
        if let Some(known) = kept.iter_mut().find(|p| value(p) == value(&proposal)) {
            known.verdict = proposal.verdict;
        } else if kept.len() < PROPOSALS_PER_ROUND_MAX {
            kept.push(proposal);
        }
    }

    pub(super) fn add_fact(&mut self, fact: Fact) {
        match fact {
            Fact::Polka(polka) => {
                let key = |p: &PolkaCertificate| (p.round, p.block_id, p.valid_round);
                if !self.polkas.iter().any(|known| key(known) == key(&polka)) {
                    self.polkas.push(polka);
                }
            }
            Fact::NilPolka(round) => _ = self.nil_polkas.insert(round),
            Fact::PrevotesAny(round) => _ = self.prevotes_any.insert(round),
            Fact::PrecommitsAny(round) => _ = self.precommits_any.insert(round),
            Fact::Commit(certificate) => {
                let key = |commit: &CommitCertificate| (commit.round, commit.block_id);
                let known = |other: &Arc<CommitCertificate>| key(other) == key(&certificate);
                if !self.commits.iter().any(known) {
                    self.commits.push(certificate);
                }
            }
            Fact::Reached(round) => self.reached = self.reached.max(Some(round)),
            Fact::ProposerSilent(round) => _ = self.silent.insert(round),
            Fact::NobodyLeft(kind, round) => _ = self.nobody_left.insert((round, kind)),
        }
    }

    /// Keeps what later rounds can still refer to: the valid value, whose polka the own proposals
    /// name, and the polkas that kept proposals name.
    pub(super) fn forget_before(&mut self, round: Round, valid: Option<&ValidValue>) {
        let oldest = Round(round.0.saturating_sub(ROUNDS_KEPT_MAX));
        self.proposals.retain(|r, _| *r >= oldest);
        if let Some(value) = valid {
            self.add_proposal(value.as_proposed());
        }
        let valid = valid.map(|value| (value.polka.round, value.block.id()));
        let proposals = self.proposals.values().flatten();
        let named = proposals.filter_map(|p| Some((p.valid_round?, p.block.id())));
        let needed: BTreeSet<_> = named.chain(valid).collect();
        self.polkas
            .retain(|p| p.round >= oldest || needed.contains(&(p.round, p.block_id)));
        for set in [
            &mut self.nil_polkas,
            &mut self.prevotes_any,
            &mut self.precommits_any,
            &mut self.silent,
        ] {
            set.retain(|r| *r >= oldest);
        }
        self.nobody_left.retain(|(r, _)| *r >= oldest);
    }

    pub(super) fn of_round(&self, round: Round) -> &[CheckedProposal] {
        self.proposals.get(&round).map_or(&[], Vec::as_slice)
    }

    /// Any proposal of this height with this value: whether a value is valid does not depend on
    /// the round in which it was proposed.
    pub(super) fn with_value(&self, block_id: &BlockId) -> Option<&CheckedProposal> {
        self.proposals
            .values()
            .flatten()
            .find(|proposal| proposal.block.id() == *block_id)
    }

    pub(super) fn has_polka(&self, round: Round, block_id: &BlockId) -> bool {
        planted!(NoPolkaInL28 => return true);
        self.polkas
            .iter()
            .any(|polka| polka.round == round && polka.block_id == *block_id)
    }
}
