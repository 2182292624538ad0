//! Once had more than two thirds of the power, alone or with others like it, and keeps its key. As
//! long as it reigns, it follows the rules: then it could do whatever it likes. Once every correct node
//! has committed what came after its reign, it signs second decisions of its old heights and shows them
//! wherever somebody may look: as the last commit of a block on a wrong parent that it proposes in
//! its turn, and in answers to whoever lacks blocks, for heights ahead that its old set never decided.
use super::{Habit, Stage, alter, rebuild};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::{CommitCertificate, Signers, cut_to_quorum};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Height, Round};
use lockstep_protocol::validators::set::ValidatorSet;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct OldKing {
    /// Whether it votes when its reign is over: drawn then. If not, everybody else is needed.
    votes: Option<bool>,
}

/// Of the newest heights of its reign, so many are looked up more often than all others: of those
/// everybody remembers the decision.
const NEWEST: u64 = 48;
/// Blocks that it invents behind true ones.
const INVENTED_MAX: u64 = 8;

impl Habit for OldKing {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let Some(reign) = reign(stage) else {
            return stage.pass(to, payload);
        };
        let votes = *self.votes.get_or_insert_with(|| stage.random.chance(500));
        match &payload {
            Payload::Vote(_) | Payload::Votes(_) if !votes => {}
            Payload::Proposal(message) if stage.random.chance(700) => {
                let Some(second) = second_decision(stage, reign) else {
                    return stage.pass(to, payload);
                };
                let on_it = stage.random.chance(800);
                let block = rebuild(&message.block, |header, _, last_commit| {
                    *last_commit = Some(CommitCertificate::clone(&second.certificate));
                    if on_it {
                        header.previous_block = second.block.id();
                    }
                });
                let proposal = stage.propose_anew(message, block);
                stage.pass(to, proposal);
            }
            Payload::Blocks(from, blocks) if stage.random.chance(800) => {
                let answer = invented(stage, reign, *from, blocks);
                stage.pass(to, Payload::Blocks(*from, Arc::new(answer)));
            }
            // So that it is asked.
            Payload::Standing(said) if stage.random.chance(300) => {
                let further = stage.random.between(1, 100);
                let boast = stage.stand(said, |standing| standing.committed.0 += further);
                stage.pass(to, boast);
            }
            _ => stage.pass(to, payload),
        }
    }
}

/// The last height of the reign, if it is over for everybody.
fn reign(stage: &Stage<'_>) -> Option<Height> {
    let last = stage.sets.last(|set| reigns(stage, set))?;
    (stage.lowest > last && stage.chain.len() as u64 > last.0).then_some(last)
}

fn reigns(stage: &Stage<'_>, set: &ValidatorSet) -> bool {
    let keys = stage
        .court
        .iter()
        .filter_map(|(king, _)| stage.set.get(*king));
    let members = keys.filter_map(|key| set.index_of(&key.address));
    set.is_quorum(set.power_of(members))
}

/// Another block of an old height, and a certificate that holds.
fn second_decision(stage: &mut Stage<'_>, reign: Height) -> Option<DecidedBlock> {
    let oldest = match stage.random.chance(800) {
        true => reign.0.saturating_sub(NEWEST).max(1),
        false => 1,
    };
    let height = Height(stage.random.between(oldest, reign.0));
    let first = stage
        .chain
        .get(usize::try_from(height.previous().0).ok()?)?;
    let later_ms = stage.random.between(1, 50);
    let block = alter(&first.block, |header| {
        header.time = header.time.plus_ms(later_ms);
    });
    let round = match stage.random.chance(500) {
        true => first.certificate.round,
        false => Round(stage.random.below(4) as u32),
    };
    let set = stage.sets.at(height);
    reigns(stage, set).then(|| certified(stage, set, block, round))
}

/// By the whole court.
fn certified(
    stage: &Stage<'_>,
    set: &ValidatorSet,
    block: SealedBlock,
    round: Round,
) -> DecidedBlock {
    let mut certificate = CommitCertificate {
        height: block.height(),
        round,
        block_id: block.id(),
        signers: Signers::default(),
    };
    let bytes = stage.context.vote(&certificate.vote());
    let signed = stage.court.iter().filter_map(|(king, signer)| {
        let index = set.index_of(&stage.set.get(*king)?.address)?;
        Some((index, signer.sign(&bytes).ok()?))
    });
    let signed = signed.map(|(index, bytes)| (index, Signature(bytes)));
    let signed: Vec<_> = signed.collect();
    let members = signed.iter().map(|(index, signature)| (*index, signature));
    let members = cut_to_quorum(set, members).unwrap_or_default();
    certificate.signers = Signers::collect(set, members);
    DecidedBlock {
        block: Arc::new(block),
        certificate: Arc::new(certificate),
    }
}

/// Some true blocks, and behind them what the old set never decided.
fn invented(
    stage: &mut Stage<'_>,
    reign: Height,
    from: Height,
    blocks: &[DecidedBlock],
) -> Vec<DecidedBlock> {
    let Some(like) = blocks.first().or(stage.chain.last()).cloned() else {
        return Vec::new();
    };
    let true_ones = stage.random.index(blocks.len().min(3) + 1);
    let mut answer = blocks[..true_ones].to_vec();
    let old = stage.sets.at(reign).clone();
    let mut parent = answer.last().map(|last| last.block.id());
    for ahead in 0..stage.random.between(1, INVENTED_MAX) {
        let block = alter(&like.block, |header| {
            header.height = Height(from.0 + true_ones as u64 + ahead);
            (header.validators_hash, header.next_validators_hash) = (old.hash(), old.hash());
            header.previous_block = parent.unwrap_or(header.previous_block);
        });
        parent = Some(block.id());
        answer.push(certified(stage, &old, block, Round::ZERO));
    }
    answer
}
