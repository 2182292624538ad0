//! Claims to be far ahead, in heights or in rounds, and answers whoever asks for those blocks with nothing at all, with
//! blocks whose certificates belong to other blocks, or with other blocks whose certificates it has
//! made itself: its own signature in the names of all, or alone.
use super::{Habit, Stage, alter};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::commit::{CommitCertificate, Signers};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Height, Round};
use std::sync::Arc;

pub(super) struct Boaster;

impl Habit for Boaster {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        match &payload {
            Payload::Vote(signed) => {
                let mut vote = signed.vote.clone();
                vote.height = Height(vote.height.0 + stage.random.between(2, 1_000_000));
                let boast = stage.vote(vote);
                stage.pass(to, boast);
                stage.pass(to, payload);
            }
            Payload::Standing(said) => {
                let further = stage.random.between(2, 1_000_000);
                let of_rounds = stage.random.chance(500);
                let boast = stage.stand(said, |standing| match of_rounds {
                    true => standing.signed = Some(Round(further as u32)),
                    false => standing.committed.0 += further,
                });
                stage.pass(to, boast);
            }
            Payload::Blocks(from, blocks) => match stage.random.below(5) {
                0 => {}
                1 => stage.pass(to, Payload::Blocks(*from, Arc::new(Vec::new()))),
                2 => stage.pass(to, Payload::Blocks(*from, Arc::new(shifted(blocks)))),
                kind => {
                    let invented = invented(stage, blocks, kind == 3);
                    stage.pass(to, Payload::Blocks(*from, Arc::new(invented)));
                }
            },
            _ => stage.pass(to, payload),
        }
    }
}

/// Each block with the certificate of its successor.
fn shifted(blocks: &[DecidedBlock]) -> Vec<DecidedBlock> {
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    let shift = |(block, next): (&DecidedBlock, &DecidedBlock)| DecidedBlock {
        block: block.block.clone(),
        certificate: next.certificate.clone(),
    };
    pairs.map(shift).collect()
}

/// The first block a little later, with a certificate that only this node has signed.
fn invented(stage: &Stage<'_>, blocks: &[DecidedBlock], in_all_names: bool) -> Vec<DecidedBlock> {
    let Some(decided) = blocks.first() else {
        return Vec::new();
    };
    let block = alter(&decided.block, |h| h.time = h.time.plus_ms(13));
    let mut certificate = CommitCertificate {
        height: block.height(),
        round: decided.certificate.round,
        block_id: block.id(),
        signers: Signers::default(),
    };
    let bytes = stage.context.vote(&certificate.vote());
    certificate.signers = match in_all_names {
        true => stage.sign_for_all(&bytes),
        false => Signers::collect(stage.set, [(stage.me, &stage.sign(&bytes))]),
    };
    vec![DecidedBlock {
        block: Arc::new(block),
        certificate: Arc::new(certificate),
    }]
}
