//! Proposes by leaves that lie: of transactions that nobody holds, other leaves than the header's,
//! and, to some, a transaction with another signature under the same id.
use super::{Habit, Stage};
use crate::simulation::message::Payload;
use lockstep_protocol::crypto::merkle;
use lockstep_protocol::nouns::compact::CompactProposal;
use lockstep_protocol::nouns::proposal::ProposedBlock;
use lockstep_protocol::types::Hash;
use std::sync::Arc;

pub(super) struct Unheld;

impl Habit for Unheld {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let Payload::Proposal(message) = &payload else {
            return stage.pass(to, payload);
        };
        if message.block.leaves().is_empty() {
            let lie = match stage.random.below(3) {
                0 => names_what_nobody_holds(stage, message),
                1 => names_others_than_its_header(stage, message),
                _ => return stage.pass(to, payload),
            };
            return stage.pass(to, Payload::Compact(Arc::new(lie)));
        }
        for peer in stage.peers() {
            let mut compact = CompactProposal::of(message, |_| true);
            if stage.random.chance(500) {
                let first = compact.transactions.first_mut();
                first.into_iter().for_each(|t| t.signature.0.reverse());
            }
            stage.pass(Some(peer), Payload::Compact(Arc::new(compact)));
        }
    }
}

/// Whoever is told so waits for what never comes.
fn names_what_nobody_holds(stage: &Stage<'_>, message: &ProposedBlock) -> CompactProposal {
    let mut compact = CompactProposal::of(message, |_| false);
    compact.leaves = vec![Hash::of(&[b"nobody's", &message.block.id().0])];
    compact.header.transactions_root = merkle::root(&compact.leaves);
    signed(stage, compact)
}

/// Whoever does not compare them with the header takes another body under the same id.
fn names_others_than_its_header(stage: &Stage<'_>, message: &ProposedBlock) -> CompactProposal {
    let mut compact = CompactProposal::of(message, |_| false);
    compact.header.transactions_root = Hash::of(&[b"nobody's", &message.block.id().0]);
    signed(stage, compact)
}

fn signed(stage: &Stage<'_>, mut compact: CompactProposal) -> CompactProposal {
    let proposal = &mut compact.proposal;
    proposal.block_id = compact.header.id();
    proposal.valid_round = None;
    compact.polka = None;
    proposal.signature = stage.sign(&proposal.sign_bytes(stage.context));
    compact
}
