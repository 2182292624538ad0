//! The quorum lowered to a skip set: more than a third is taken for more than two thirds.
use super::Mutant;
use lockstep_protocol::commit::{CommitCertificate, PolkaCertificate, Signers};
use lockstep_protocol::consensus::facts::Fact;
use lockstep_protocol::consensus::tally;
use lockstep_protocol::types::{BlockId, Height, Round};
use lockstep_protocol::validator_set::{ValidatorIndex, ValidatorSet};
use lockstep_protocol::vote::{Signature, VoteKind};
use std::collections::BTreeMap;
use std::sync::Arc;

type Value = (Height, Round, VoteKind, BlockId, Option<Round>);

#[derive(Default)]
pub(super) struct LowQuorum {
    voters: BTreeMap<Value, BTreeMap<ValidatorIndex, Signature>>,
}

impl Mutant for LowQuorum {
    fn heard(&mut self, set: &ValidatorSet, input: &tally::Input) -> Vec<(Height, Fact)> {
        let (value, voter, signature) = match input {
            tally::Input::Vote(signed) | tally::Input::OwnVote(signed) => {
                let v = &signed.vote;
                let Some(id) = v.block_id else {
                    return Vec::new();
                };
                let value = (v.height, v.round, v.kind, id, v.valid_round);
                (value, v.validator, &signed.signature)
            }
            tally::Input::Proposal(p) => {
                let kind = VoteKind::Prevote;
                let value = (p.height, p.round, kind, p.block_id, p.valid_round);
                (value, p.proposer, &p.signature)
            }
            _ => return Vec::new(),
        };
        let Some(index) = set.index_of(&voter) else {
            return Vec::new();
        };
        let voters = self.voters.entry(value).or_default();
        voters.insert(index, signature.clone());
        if !set.is_skip_set(set.power_of(voters.keys().copied())) {
            return Vec::new();
        }
        let signers = Signers::collect(set, voters.iter().map(|(index, s)| (*index, s)));
        vec![(value.0, fact(value, signers))]
    }
}

fn fact((height, round, kind, block_id, valid_round): Value, signers: Signers) -> Fact {
    match kind {
        VoteKind::Prevote => Fact::Polka(Arc::new(PolkaCertificate {
            height,
            round,
            block_id,
            valid_round,
            signers,
            by_proposal: None,
        })),
        VoteKind::Precommit => Fact::Commit(Arc::new(CommitCertificate {
            height,
            round,
            block_id,
            signers,
        })),
    }
}
