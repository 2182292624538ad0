//! Who made a fork: two commit certificates of one height for different blocks prove that more than
//! a third of the power is faulty. This names them, each with what convicts it. Pure.
//!
//! Source: *Accountable Tendermint* (T-Tendermint, E9 in our numbers: a prevote carries the valid
//! round that it relies on). Let `v` be committed in round r and `w ≠ v` in round r′ ≥ r.
//!
//! - r = r′: whoever stands in both certificates has signed two precommits of one round.
//! - r < r′: a correct validator that precommitted `v` in r is locked on it, and prevotes another
//!   value later only with a polka of a round ≥ r. The precommits for `w` rest on a polka for `w` in
//!   r′; if its valid round is not below r, then on one in that valid round, and so on downwards.
//!   So the *first* polka after r for another value than `v` has a valid round below r, and whoever
//!   stands in it and in the certificate of `v` has forgotten its lock (**amnesia**). Or it has the
//!   valid round r: then both values have a polka in r, and whoever stands in both prevoted twice.
//!
//! Two quorums share more than a third of the power, so each of these names as much.
//!
//! It must be the first: a correct validator whose lock has moved on to `w` prevotes `w` also where
//! its proposer claims no valid round (L22), and the polka that moved the lock is its defence. In the
//! round right after r no defence is possible; later, amnesia is certain only with
//! [all polkas](Polkas::All) that correct validators have seen. A node holds those that it has seen
//! itself ([`super::polka_book`]) and cannot tell which others there are. So it names whoever a
//! defence must be asked of ([`Guilt::AmnesiaUnlessExcused`]), and which polka would be one. If
//! there is such a defence, it is a polka of a lower round, and names the true makers in its turn.
//!
//! Whoever has decided the later value has seen a polka for it, as has every correct validator that
//! precommitted it; who decided the earlier one need not have. Such a node proves the fork all the
//! same, and names nobody: the others do.
use super::Evidence;
use crate::nouns::commit::{CommitCertificate, PolkaCertificate, Signers};
use crate::nouns::proposal::{Proposal, SignedMessage};
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use crate::types::{Address, Height};
use crate::validators::set::Power;
use crate::validators::set::{ValidatorIndex, ValidatorSet};
use borsh::{BorshDeserialize, BorshSerialize};

/// What a member of both quorums did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guilt {
    /// Two precommits of one round.
    DoublePrecommit,
    /// Two prevotes of one round.
    DoublePrevote,
    /// A precommit, and a later prevote for another value without a newer polka.
    Amnesia,
    /// The same, unless it shows the polka that moved its lock in between. A correct validator that
    /// is named so has seen that polka.
    AmnesiaUnlessExcused,
}

impl Guilt {
    /// Whether no defence is possible.
    pub fn is_certain(self) -> bool {
        self != Guilt::AmnesiaUnlessExcused
    }
}

/// Two verified decisions of one height, and who is to blame.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fork {
    /// The decision of the earlier round (of two in one round, the lower id).
    pub first: CommitCertificate,
    /// The other decision.
    pub second: CommitCertificate,
    /// Who, and what of. Empty if the rounds differ and no polka of a later round for another value
    /// is at hand; otherwise more than a third of the power.
    pub accused: Vec<(Address, Guilt)>,
    /// Offences that a block can carry: of all the accused but amnesiacs.
    pub evidence: Vec<Evidence>,
}

impl Fork {
    /// The height with two decisions.
    pub fn height(&self) -> Height {
        self.first.height
    }

    /// The voting power of the accused.
    pub fn power(&self, set: &ValidatorSet) -> Power {
        let indices = self.accused.iter().filter_map(|(a, _)| set.index_of(a));
        set.power_of(indices)
    }

    /// One line for logs and operators.
    pub fn sentence(&self) -> String {
        let Fork { first, second, .. } = self;
        let names = |certain| {
            let named = self
                .accused
                .iter()
                .filter(|(_, g)| g.is_certain() == certain);
            let names: Vec<String> = named.map(|(a, _)| a.to_string()).collect();
            Some(names.join(", ")).filter(|names| !names.is_empty())
        };
        let certain = names(true).map(|names| format!("faulty: {names}"));
        let excusable = names(false).map(|names| {
            format!(
                "faulty: {names}, each unless it shows a polka for the later block of a round after \
                 {}",
                first.round
            )
        });
        let blame = certain
            .into_iter()
            .chain(excusable)
            .collect::<Vec<_>>()
            .join("; ");
        let blame = Some(blame).filter(|blame| !blame.is_empty()).unwrap_or_else(|| {
            "the prevotes that would name the faulty are not at hand; ask /evidence of the nodes that \
             hold the later block"
                .to_owned()
        });
        format!(
            "height {} was decided twice, {} in round {} and {} in round {}: {blame}",
            first.height, first.block_id, first.round, second.block_id, second.round
        )
    }
}

/// Polkas of the height in question, in any order. Those that do not verify are ignored.
#[derive(Clone, Copy, Debug)]
pub enum Polkas<'a> {
    /// Every polka that a correct validator has seen there: who looks at all traffic has them.
    All(&'a [PolkaCertificate]),
    /// What one node has seen.
    Some(&'a [PolkaCertificate]),
}

/// Two decisions of one height? Verifies both certificates; `None` if there is no fork.
pub fn find(
    set: &ValidatorSet,
    context: &SignContext,
    a: &CommitCertificate,
    b: &CommitCertificate,
    polkas: Polkas<'_>,
) -> Option<Fork> {
    if a.height != b.height || a.block_id == b.block_id {
        return None;
    }
    a.verify(set, context).ok()?;
    b.verify(set, context).ok()?;
    let (first, second) = if (a.round, a.block_id) <= (b.round, b.block_id) {
        (a.clone(), b.clone())
    } else {
        (b.clone(), a.clone())
    };
    let mut fork = Fork {
        first,
        second,
        accused: Vec::new(),
        evidence: Vec::new(),
    };
    if fork.first.round == fork.second.round {
        fork.double_precommits(set);
        return Some(fork);
    }
    let (Polkas::All(known) | Polkas::Some(known)) = polkas;
    let are_all = matches!(polkas, Polkas::All(_));
    let mut polkas: Vec<&PolkaCertificate> = known
        .iter()
        .filter(|polka| polka.height == fork.first.height && polka.verify(set, context).is_ok())
        .collect();
    polkas.sort_by_key(|polka| (polka.round, polka.block_id, polka.valid_round));
    fork.amnesia(set, &polkas, are_all);
    fork.double_prevotes(set, &polkas);
    fork.drop_excusable_unless_needed(set);
    Some(fork)
}

impl Fork {
    fn double_precommits(&mut self, set: &ValidatorSet) {
        let (first, second) = (&self.first, &self.second);
        let precommit = |certificate: &CommitCertificate, who, signature: &Signature| SignedVote {
            vote: Vote {
                validator: who,
                ..certificate.vote()
            },
            signature: signature.clone(),
        };
        let mut found = Vec::new();
        for (who, a, b) in in_both(set, &first.signers, &second.signers) {
            let (a, b) = (precommit(first, who, a), precommit(second, who, b));
            found.push((who, Evidence::of_votes(a, b)));
        }
        for (who, evidence) in found {
            self.accused.push((who, Guilt::DoublePrecommit));
            self.evidence.push(evidence);
        }
    }

    /// The first polka after the earlier decision, if none of its lock may have been part of it.
    fn amnesia(&mut self, set: &ValidatorSet, polkas: &[&PolkaCertificate], are_all: bool) {
        let first = &self.first;
        let mut later = polkas
            .iter()
            .filter(|polka| polka.round > first.round && polka.block_id != first.block_id);
        let Some(next) = later.clone().map(|polka| polka.round).min() else {
            return;
        };
        let forgets = |polka: &&&PolkaCertificate| {
            polka.round == next && polka.valid_round.is_none_or(|valid| valid < first.round)
        };
        let guilt = if are_all || next == first.round.next() {
            Guilt::Amnesia
        } else {
            Guilt::AmnesiaUnlessExcused
        };
        let Some(polka) = later.find(forgets) else {
            return;
        };
        let members = in_both(set, &first.signers, &polka.signers);
        let members = members.into_iter().map(|(who, _, _)| (who, guilt));
        self.accused = members.collect();
    }

    /// Where others have certainly made the fork, nobody is asked for a defence.
    fn drop_excusable_unless_needed(&mut self, set: &ValidatorSet) {
        let certain = self.accused.iter().filter(|(_, guilt)| guilt.is_certain());
        let indices = certain.filter_map(|(who, _)| set.index_of(who));
        if set.is_skip_set(set.power_of(indices)) {
            self.accused.retain(|(_, guilt)| guilt.is_certain());
        }
    }

    /// Two polkas of one round.
    fn double_prevotes(&mut self, set: &ValidatorSet, polkas: &[&PolkaCertificate]) {
        let pairs = polkas.iter().zip(polkas.iter().skip(1));
        let value = |p: &PolkaCertificate| (p.block_id, p.valid_round);
        let mut pairs = pairs.filter(|(a, b)| a.round == b.round && value(a) != value(b));
        let Some((a, b)) = pairs.next() else {
            return;
        };
        for (who, of_a, of_b) in in_both(set, &a.signers, &b.signers) {
            self.evidence
                .extend(prevotes(set, who, (a, of_a), (b, of_b)));
            let known = self.accused.iter_mut().find(|(accused, _)| *accused == who);
            match known {
                Some((_, guilt)) if guilt.is_certain() => {}
                Some((_, guilt)) => *guilt = Guilt::DoublePrevote,
                None => self.accused.push((who, Guilt::DoublePrevote)),
            }
        }
    }
}

/// Who signed both, with the two signatures.
fn in_both<'a>(
    set: &ValidatorSet,
    a: &'a Signers,
    b: &'a Signers,
) -> Vec<(Address, &'a Signature, &'a Signature)> {
    // Both were verified, so their shapes fit.
    let a = a.members(set).unwrap_or_default();
    let b = b.members(set).unwrap_or_default();
    let both = |(index, of_a): (ValidatorIndex, &'a Signature)| {
        let (_, of_b) = b.iter().find(|(other, _)| *other == index)?;
        Some((set.get(index)?.address, of_a, *of_b))
    };
    a.into_iter().filter_map(both).collect()
}

/// One validator's two prevotes, either of which may be its proposal (E1).
fn prevotes(
    set: &ValidatorSet,
    who: Address,
    (a, of_a): (&PolkaCertificate, &Signature),
    (b, of_b): (&PolkaCertificate, &Signature),
) -> Option<Evidence> {
    let index = u16::try_from(set.index_of(&who)?).ok();
    let said = |polka: &PolkaCertificate, signature: &Signature| {
        let height = polka.height;
        let round = polka.round;
        let valid_round = polka.valid_round;
        let signature = signature.clone();
        if polka.by_proposal.is_some() && polka.by_proposal == index {
            return SignedMessage::Proposal(Proposal {
                height,
                round,
                block_id: polka.block_id,
                valid_round,
                proposer: who,
                signature,
            });
        }
        let vote = Vote {
            kind: VoteKind::Prevote,
            height,
            round,
            block_id: Some(polka.block_id),
            valid_round,
            validator: who,
        };
        SignedMessage::Vote(SignedVote { vote, signature })
    };
    Some(Evidence::of(said(a, of_a), said(b, of_b)))
}

#[cfg(test)]
mod tests;
