//! Speaks in the names of all others with its own signature: votes for one value to some and for
//! another to the rest, proposals, and polkas made of nothing else. Also passes off what others
//! have signed as its own, and signatures of the wrong length as anybody's.
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::commit::{PolkaCertificate, Signers};
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::vote::{SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Address, BlockId, Height, Round};
use std::sync::Arc;

#[derive(Default)]
pub(super) struct ForgedSender {
    proposed: Option<Arc<ProposedBlock>>,
    /// The last proposal that was answered: two of this habit would answer each other for ever.
    answered: (Height, Round),
}

impl Habit for ForgedSender {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        match &payload {
            Payload::Vote(signed) => self.in_all_names(stage, &signed.vote),
            Payload::Proposal(message) => {
                self.proposed = Some(message.clone());
                let forged = with_forged_polka(stage, message);
                forged.into_iter().for_each(|forged| stage.pass(to, forged));
            }
            _ => {}
        }
        stage.pass(to, payload);
    }

    fn hear(&mut self, stage: &mut Stage<'_>, payload: &Payload) {
        match payload {
            Payload::Proposal(message) => {
                self.proposed = Some(message.clone());
                let place = (message.proposal.height, message.proposal.round);
                if place > self.answered {
                    self.answered = place;
                    let forged = in_its_name(stage, message);
                    stage.pass(None, forged);
                }
            }
            Payload::Vote(signed) if stage.random.chance(200) => {
                let mut stolen = SignedVote::clone(signed);
                stolen.vote.validator = stage.address();
                stage.pass(None, Payload::Vote(Arc::new(stolen)));
            }
            _ => {}
        }
    }
}

impl ForgedSender {
    fn in_all_names(&self, stage: &mut Stage<'_>, vote: &Vote) {
        let last = self.proposed.as_deref().map(|message| &message.proposal);
        let last = last.filter(|proposal| proposal.height == vote.height);
        let values: Vec<Option<BlockId>> = vec![last.map(|p| p.block_id), vote.block_id, None];
        for peer in stage.peers() {
            let block_id = stage.random.pick(&values);
            for name in names(stage) {
                for kind in [VoteKind::Prevote, VoteKind::Precommit] {
                    let vote = Vote {
                        kind,
                        block_id,
                        valid_round: None,
                        validator: name,
                        ..vote.clone()
                    };
                    let length = stage.random.pick(&[8, 8, 8, 0, 7, 4_000]);
                    let mut signature = stage.sign(&stage.context.vote(&vote));
                    signature.0.resize(length, 0);
                    let forged = SignedVote { vote, signature };
                    stage.pass(Some(peer), Payload::Vote(Arc::new(forged)));
                }
            }
        }
    }
}

/// Everybody else in the set.
fn names(stage: &Stage<'_>) -> Vec<Address> {
    let me = stage.address();
    let names = stage.set.iter().map(|validator| validator.address);
    names.filter(|name| *name != me).collect()
}

/// Another block as if this proposer had proposed it.
fn in_its_name(stage: &Stage<'_>, message: &ProposedBlock) -> Payload {
    let block = alter(&message.block, |h| h.time = h.time.plus_ms(11));
    let mut proposal = Proposal {
        block_id: block.id(),
        ..message.proposal.clone()
    };
    proposal.signature = stage.sign(&proposal.sign_bytes(stage.context));
    Payload::Proposal(Arc::new(ProposedBlock {
        proposal,
        block: Arc::new(block),
        polka: message.polka.clone(),
    }))
}

/// The same block with a polka that nobody voted for, as soon as there is an earlier round.
fn with_forged_polka(stage: &Stage<'_>, message: &ProposedBlock) -> Option<Payload> {
    let Proposal { height, round, .. } = message.proposal;
    let valid_round = Round(round.0.checked_sub(1)?);
    let block = alter(&message.block, |h| h.time = h.time.plus_ms(5));
    let mut polka = PolkaCertificate {
        height,
        round: valid_round,
        block_id: block.id(),
        valid_round: None,
        signers: Signers::default(),
        by_proposal: None,
    };
    let bytes = stage.context.vote(&Vote {
        kind: VoteKind::Prevote,
        height,
        round: valid_round,
        block_id: Some(block.id()),
        valid_round: None,
        validator: stage.address(),
    });
    polka.signers = stage.sign_for_all(&bytes);
    let mut proposal = Proposal {
        block_id: block.id(),
        valid_round: Some(valid_round),
        ..message.proposal.clone()
    };
    proposal.signature = stage.sign(&proposal.sign_bytes(stage.context));
    Some(Payload::Proposal(Arc::new(ProposedBlock {
        proposal,
        block: Arc::new(block),
        polka: Some(Arc::new(polka)),
    })))
}
