//! What a height has heard.
use super::ValidValue;
use crate::consensus::facts::{CheckedProposal, Fact};
use crate::limits::{PROPOSALS_PER_ROUND_MAX, ROUNDS_KEPT_MAX};
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::vote::VoteKind;
use crate::types::{BlockId, Round};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
