//! Accuses everybody of everything: pairs what others sign with words that it has put into their
//! mouths, and gives them votes in earlier rounds that they never had. Its own double votes, some of
//! far rounds, it tells as well: they prove something, and cost whoever hears them a place.
use super::{Habit, Stage};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::vote::{SignedVote, Vote};
use lockstep_protocol::types::{Hash, Round};
use std::sync::Arc;

pub(super) struct FalseAccuser;

impl Habit for FalseAccuser {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        if let Payload::Vote(signed) = &payload
            && stage.random.chance(300)
        {
            let round = Round(stage.random.below(1_000) as u32);
            let mine = Vote {
                round,
                valid_round: None,
                ..signed.vote.clone()
            };
            tell(stage, accusation(stage, &mine));
        }
        stage.pass(to, payload);
    }

    fn hear(&mut self, stage: &mut Stage<'_>, payload: &Payload) {
        match payload {
            Payload::Vote(signed) if stage.random.chance(300) => {
                let invented = accusation(stage, &signed.vote);
                tell(stage, invented);
                tell(
                    stage,
                    Evidence::of_votes(other(stage, &signed.vote), (**signed).clone()),
                );
            }
            Payload::Proposal(message) if stage.random.chance(300) => {
                let mut proposal = message.proposal.clone();
                proposal.round = proposal.round.next();
                tell(stage, Evidence::WrongProposer(proposal));
            }
            _ => {}
        }
    }
}

fn tell(stage: &mut Stage<'_>, evidence: Evidence) {
    stage.pass(None, Payload::Evidence(Arc::new(evidence)));
}

/// Two votes in this place, both signed here.
fn accusation(stage: &Stage<'_>, like: &Vote) -> Evidence {
    let nil = Vote {
        block_id: None,
        valid_round: None,
        ..like.clone()
    };
    Evidence::of_votes(signed_here(stage, nil), other(stage, like))
}

/// A vote for something else in this place, signed here.
fn other(stage: &Stage<'_>, like: &Vote) -> SignedVote {
    let block_id = Some(Hash([7; 32]));
    signed_here(
        stage,
        Vote {
            block_id,
            ..like.clone()
        },
    )
}

fn signed_here(stage: &Stage<'_>, vote: Vote) -> SignedVote {
    let signature = stage.sign(&stage.context.vote(&vote));
    SignedVote { vote, signature }
}
