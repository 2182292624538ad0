//! With everything that it says comes a flood: validly signed votes and proposals of rounds and
//! heights up to 10⁶ ahead, old ones, and the same message again and again.
use super::{Habit, Stage};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::proposal::Proposal;
use lockstep_protocol::nouns::vote::Vote;
use lockstep_protocol::types::{Height, Round};

pub(super) struct Flood;

/// Messages of the flood for each one of the brains.
const DROPS: u64 = 12;
const FAR: u64 = 1_000_000;

impl Habit for Flood {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        for _ in 0..DROPS {
            let (height, round) = (ahead(stage), ahead(stage));
            let drop = match &payload {
                Payload::Vote(signed) => vote(stage, &signed.vote, height, round),
                Payload::Proposal(message) => {
                    let like = Proposal {
                        round: Round(message.proposal.round.0.saturating_add(round as u32)),
                        valid_round: None,
                        ..message.proposal.clone()
                    };
                    stage.propose_like(&like, message.block.clone(), None)
                }
                _ => payload.clone(),
            };
            let again = stage.random.chance(300);
            let peer = stage.random.pick(&stage.peers());
            stage.pass(Some(peer), if again { payload.clone() } else { drop });
        }
        stage.pass(to, payload);
    }
}

/// 0 as often as not, else anything up to [`FAR`].
fn ahead(stage: &mut Stage<'_>) -> u64 {
    let far = stage.random.pick(&[0, 0, 0, 1, 2, 40, FAR, FAR]);
    stage.random.between(far / 2, far)
}

fn vote(stage: &Stage<'_>, like: &Vote, height: u64, round: u64) -> Payload {
    stage.vote(Vote {
        height: Height(like.height.0 + height),
        round: Round(like.round.0.saturating_add(round as u32)),
        ..like.clone()
    })
}
