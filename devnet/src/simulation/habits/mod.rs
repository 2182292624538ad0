//! Byzantine habits: what a faulty validator says instead of what its brains say. One file and one
//! line of [`ALL`] each.
//!
//! A faulty node runs the same brains; its habit sits between them and the network, with its key.
use super::message::Payload;
use super::random::Random;
use lockstep_protocol::block::{Block, SealedBlock};
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::sign_bytes::SignContext;
use lockstep_protocol::types::Address;
use lockstep_protocol::validator_set::ValidatorSet;
use lockstep_protocol::vote::{Signature, SignedVote, Vote};
use std::sync::Arc;

mod boaster;
mod equivocating_proposer;
mod equivocating_voter;
mod half_send;
mod invalid_block;
mod silence;
mod stale_replay;
mod two_faced;
mod wrong_proposer;

/// What a habit can use.
pub(crate) struct Stage<'a> {
    pub(crate) me: usize,
    pub(crate) signer: &'a dyn Signer,
    pub(crate) context: &'a SignContext,
    pub(crate) set: &'a ValidatorSet,
    /// Which nodes follow the rules.
    pub(crate) correct: &'a [bool],
    pub(crate) random: &'a mut Random,
    /// What really goes out.
    pub(crate) out: &'a mut Vec<(usize, Payload)>,
}

/// One way to misbehave.
pub(crate) trait Habit: Send {
    /// The brains want to say this, to one peer or to all.
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload);
    /// A message arrived.
    fn hear(&mut self, _stage: &mut Stage<'_>, _payload: &Payload) {}
}

/// A habit, by name.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) new: fn() -> Box<dyn Habit>,
}

/// All of them.
pub(crate) const ALL: &[Kind] = &[
    Kind {
        name: "equivocating proposer",
        new: || Box::new(equivocating_proposer::Proposer),
    },
    Kind {
        name: "equivocating voter",
        new: || Box::<equivocating_voter::Voter>::default(),
    },
    Kind {
        name: "two-faced",
        new: || Box::<two_faced::TwoFaced>::default(),
    },
    Kind {
        name: "silence",
        new: || Box::new(silence::Silence),
    },
    Kind {
        name: "half send",
        new: || Box::new(half_send::HalfSend),
    },
    Kind {
        name: "stale replay",
        new: || Box::<stale_replay::StaleReplay>::default(),
    },
    Kind {
        name: "invalid block",
        new: || Box::new(invalid_block::InvalidBlock),
    },
    Kind {
        name: "wrong proposer",
        new: || Box::<wrong_proposer::WrongProposer>::default(),
    },
    Kind {
        name: "boaster",
        new: || Box::new(boaster::Boaster),
    },
];

/// The kind with this name.
pub(crate) fn named(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name == name)
}

impl Stage<'_> {
    /// The other nodes.
    pub(crate) fn peers(&self) -> Vec<usize> {
        let me = self.me;
        (0..self.correct.len()).filter(|peer| *peer != me).collect()
    }

    /// Honest delivery.
    pub(crate) fn pass(&mut self, to: Option<usize>, payload: Payload) {
        match to {
            Some(peer) => self.out.push((peer, payload)),
            None => {
                let peers = self.peers().into_iter();
                self.out.extend(peers.map(|peer| (peer, payload.clone())));
            }
        }
    }

    pub(crate) fn address(&self) -> Address {
        self.set.get(self.me).map(|v| v.address).unwrap_or_default()
    }

    /// Signs any vote whatever.
    pub(crate) fn vote(&self, vote: Vote) -> Payload {
        let signature = self.signer.sign(&self.context.vote(&vote));
        let signature = Signature(signature.unwrap_or_default());
        Payload::Vote(Arc::new(SignedVote { vote, signature }))
    }

    /// Signs a proposal of `block` like this one.
    pub(crate) fn propose(&self, like: &ProposedBlock, block: SealedBlock) -> Payload {
        let mut proposal = Proposal {
            block_id: block.id(),
            proposer: self.address(),
            ..like.proposal.clone()
        };
        let signature = self.signer.sign(&proposal.sign_bytes(self.context));
        proposal.signature = Signature(signature.unwrap_or_default());
        Payload::Proposal(Arc::new(ProposedBlock {
            proposal,
            block: Arc::new(block),
            polka: like.polka.clone(),
        }))
    }
}

/// Another block in the same place, with the header changed.
pub(crate) fn alter(
    block: &SealedBlock,
    change: impl FnOnce(&mut lockstep_protocol::block::Header),
) -> SealedBlock {
    let Block {
        mut header,
        transactions,
        evidence,
        last_commit,
    } = block.block().clone();
    change(&mut header);
    SealedBlock::build(header, transactions, evidence, last_commit)
}
