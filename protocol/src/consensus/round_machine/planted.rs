//! What a planted bug makes of the machine. Each rule here runs the whole one, with something put
//! in its way that is taken out again.
use super::rules::Rule;
use super::{FirstTimes, Locked, Output, RoundMachine, Step};
use crate::consensus::timeouts::TimeoutKind;
use crate::mutation::{Mutation as M, bug, uproot};
use crate::types::Round;

/// The table of the rules, with the broken one in its place.
pub(super) fn broken(mut rules: [Rule; 12]) -> [Rule; 12] {
    let [l49, l36, _, e3, l28, l22, _, _, _, e11, l55, _] = &mut rules;
    match bug() {
        Some(M::DecideThisRoundOnly) => *l49 = l49_this_round_only,
        Some(M::PrecommitTwice | M::PrecommitTwiceUnguarded) => *l36 = l36_again,
        Some(M::PrecommitsEndRound) => *e3 = e3_on_any_precommits,
        Some(M::NoLockInL28) => *l28 = |it, out| unlocked(it, RoundMachine::l28_old_polka, out),
        Some(M::NoLockInL22) => *l22 = |it, out| unlocked(it, RoundMachine::l22_new_value, out),
        Some(M::WaitsForNobody) => *e11 = |_, _| false,
        Some(M::NoSkip) => *l55 = |_, _| false,
        _ => {}
    }
    rules
}

fn l49_this_round_only(it: &mut RoundMachine, out: &mut Vec<Output>) -> bool {
    let round = it.round;
    let commits = it.log.commits.clone();
    it.log.commits.retain(|commit| commit.round == round);
    let acts = it.l49_decide(out);
    it.log.commits = commits;
    acts
}

fn l36_again(it: &mut RoundMachine, out: &mut Vec<Output>) -> bool {
    let step = it.step;
    it.step = step.min(Step::Prevote);
    let acts = it.l36_polka(out);
    if !acts {
        it.step = step;
    }
    acts
}

fn e3_on_any_precommits(it: &mut RoundMachine, out: &mut Vec<Output>) -> bool {
    let nil_polkas = it.log.nil_polkas.clone();
    let ended = it.log.precommits_any.get(&it.round);
    it.log.nil_polkas.extend(ended);
    let acts = it.e3_leave_nil_round(out);
    it.log.nil_polkas = nil_polkas;
    acts
}

fn unlocked(it: &mut RoundMachine, rule: Rule, out: &mut Vec<Output>) -> bool {
    let locked = it.locked.take();
    let acts = rule(it, out);
    it.locked = locked;
    acts
}

impl RoundMachine {
    /// E8 never fires, or the lock does not stay what it is.
    pub(super) fn broken_e8(&mut self) -> bool {
        let (bug, _whole) = (bug(), uproot());
        let acts = bug != Some(M::NoOlderPolka) && self.e8_older_polka(&mut Vec::new());
        if acts {
            let valid = self.valid.as_ref();
            let valid = valid.filter(|_| bug == Some(M::LockOnOlderPolka));
            self.locked = valid.map(|value| Locked {
                block_id: value.block.id(),
                round: value.polka.round,
            });
        }
        acts
    }

    /// The lock does not outlive its round, or the first-time flags do.
    pub(super) fn start_broken_round(&mut self, round: Round, out: &mut Vec<Output>) {
        let first = self.first;
        let bug = bug();
        let _whole = uproot();
        self.start_round(round, out);
        match bug {
            Some(M::LockPerRound) => self.locked = None,
            _ => {
                let own_proposal = first.own_proposal || self.first.own_proposal;
                self.first = FirstTimes {
                    own_proposal,
                    ..first
                };
            }
        }
    }

    /// The nil precommit that was said last names a proposal.
    pub(super) fn name_the_proposal(&self, out: &mut [Output]) {
        if let Some(Output::CastVote(nil)) = out.last_mut() {
            let proposal = self.log.of_round(self.round).first();
            nil.block_id = proposal.map(|proposal| proposal.block.id());
        }
    }
}

/// Whether timers of this kind never fire.
pub(super) fn never_fires(kind: TimeoutKind) -> bool {
    let never = match bug() {
        Some(M::NoProposeTimeout) => TimeoutKind::Propose,
        Some(M::NoPrevoteTimeout) => TimeoutKind::Prevote,
        Some(M::NoPrecommitTimeout) => TimeoutKind::Precommit,
        Some(M::NoResend) => TimeoutKind::Resend,
        _ => return false,
    };
    kind == never
}
