//! Signs for another chain: another number, another genesis, or one kind of vote with the bytes of
//! the other kind; and hands round what was said on that chain.
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::vote::{SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{ChainId, Hash};
use std::sync::Arc;

pub(super) struct WrongChain;

impl Habit for WrongChain {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let foreign = foreign(stage);
        let wrong = match &payload {
            Payload::Vote(signed) => vote(stage, &foreign, signed),
            Payload::Proposal(message) => {
                let block = match stage.random.chance(500) {
                    true => alter(&message.block, |header| header.chain_id = foreign.chain_id),
                    false => alter(&message.block, |header| {
                        header.previous_block = foreign.genesis_hash
                    }),
                };
                Stage {
                    context: &foreign,
                    out: &mut Vec::new(),
                    random: stage.random,
                    ..*stage
                }
                .propose(message, block)
            }
            _ => payload.clone(),
        };
        stage.pass(to, wrong);
        // On its own chain it is silent half of the time.
        if stage.random.chance(500) {
            stage.pass(to, payload);
        }
    }
}

fn foreign(stage: &mut Stage<'_>) -> SignContext {
    let mut foreign = *stage.context;
    match stage.random.chance(500) {
        true => foreign.chain_id = ChainId(foreign.chain_id.0 + 1),
        false => foreign.genesis_hash = Hash::of(&[b"another genesis"]),
    }
    foreign
}

fn vote(stage: &mut Stage<'_>, foreign: &SignContext, signed: &SignedVote) -> Payload {
    let vote = &signed.vote;
    let bytes = match stage.random.chance(700) {
        true => foreign.vote(vote),
        // Right chain, wrong kind: a prevote's bytes under a precommit and the other way round.
        false => stage.context.vote(&Vote {
            kind: match vote.kind {
                VoteKind::Prevote => VoteKind::Precommit,
                VoteKind::Precommit => VoteKind::Prevote,
            },
            valid_round: None,
            ..vote.clone()
        }),
    };
    Payload::Vote(Arc::new(SignedVote {
        vote: vote.clone(),
        signature: stage.sign(&bytes),
    }))
}
