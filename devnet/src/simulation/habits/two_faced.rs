//! Keeps two worlds apart: proposes and votes one value to the even peers and another to the odd
//! ones. With f + 1 of these a fork must be found (the canary).
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::proposal::ProposedBlock;
use lockstep_protocol::nouns::vote::{Vote, VoteKind};
use lockstep_protocol::types::{BlockId, Height, Round};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct TwoFaced {
    answered: BTreeSet<(Height, Round)>,
}

impl Habit for TwoFaced {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        match &payload {
            Payload::Proposal(message) if message.proposal.valid_round.is_none() => {
                let faces = faces(stage, message);
                self.play(stage, message, &faces);
            }
            // Its true votes would spoil the game; its proposals and answers go on.
            Payload::Vote(_) | Payload::Votes(_) => {}
            _ => stage.pass(to, payload),
        }
    }

    fn hear(&mut self, stage: &mut Stage<'_>, payload: &Payload) {
        let Payload::Proposal(message) = payload else {
            return;
        };
        let p = &message.proposal;
        let by_accomplice = stage
            .set
            .index_of(&p.proposer)
            .is_some_and(|i| !stage.correct[i]);
        if by_accomplice && p.valid_round.is_none() {
            // The accomplice has sent the first face; the second follows from it.
            let faces = faces(stage, message);
            self.play(stage, message, &faces);
        }
    }
}

/// The value itself, and the same a little later, signed by whoever calls.
fn faces(stage: &Stage<'_>, message: &Arc<ProposedBlock>) -> [(BlockId, Payload); 2] {
    let other = alter(&message.block, |header| {
        header.time = header.time.plus_ms(7)
    });
    let id = other.id();
    [
        (message.block.id(), Payload::Proposal(message.clone())),
        (id, stage.propose(message, other)),
    ]
}

impl TwoFaced {
    fn play(
        &mut self,
        stage: &mut Stage<'_>,
        message: &ProposedBlock,
        faces: &[(BlockId, Payload); 2],
    ) {
        let p = &message.proposal;
        if !self.answered.insert((p.height, p.round)) {
            return;
        }
        let mine = p.proposer == stage.address();
        for peer in stage.peers() {
            let face = if stage.correct[peer] { peer % 2 } else { 0 };
            let (id, proposal) = &faces[face];
            if mine {
                stage.pass(Some(peer), proposal.clone());
            }
            for kind in [VoteKind::Prevote, VoteKind::Precommit] {
                let vote = stage.vote(Vote {
                    kind,
                    height: p.height,
                    round: p.round,
                    block_id: Some(*id),
                    valid_round: None,
                    validator: stage.address(),
                });
                stage.pass(Some(peer), vote);
            }
        }
    }
}
