//! Byzantine habits: what a faulty validator says instead of what its brains say. One file and one
//! line of [`ALL`] each.
//!
//! A faulty node runs the same brains; its habit sits between them and the network, with its key.
use super::message::Payload;
use super::random::Random;
use super::succession::Succession;
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::nouns::block::{Block, Header, SealedBlock};
use lockstep_protocol::nouns::commit::{CommitCertificate, PolkaCertificate, Signers};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::standing::{Standing, Statement};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote};
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validators::set::ValidatorSet;
use std::sync::Arc;

mod amnesia;
mod boaster;
mod equivocating_proposer;
mod equivocating_voter;
mod false_accuser;
mod flood;
mod forged_sender;
mod forgetful;
mod half_send;
mod invalid_block;
mod old_king;
mod silence;
mod stale_replay;
mod two_faced;
mod understater;
mod unheld;
mod wrong_chain;
mod wrong_proposer;

/// What a habit can use.
pub(crate) struct Stage<'a> {
    pub(crate) me: usize,
    pub(crate) signer: &'a dyn Signer,
    pub(crate) context: &'a SignContext,
    pub(crate) set: &'a ValidatorSet,
    /// Which nodes follow the rules.
    pub(crate) correct: &'a [bool],
    /// Who decides which height.
    pub(crate) sets: &'a Succession,
    /// What is on this node's disk: the blocks from height 1 on.
    pub(crate) chain: &'a [DecidedBlock],
    /// The old kings, and their keys: they share them.
    pub(crate) court: &'a [(usize, Arc<dyn Signer>)],
    /// What every node that is not faulty has committed.
    pub(crate) lowest: Height,
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

const fn kind(name: &'static str, new: fn() -> Box<dyn Habit>) -> Kind {
    Kind { name, new }
}

/// All of them.
pub(crate) const ALL: &[Kind] = &[
    kind("equivocating-proposer", || {
        Box::new(equivocating_proposer::Proposer)
    }),
    kind("equivocating-voter", || {
        Box::<equivocating_voter::Voter>::default()
    }),
    kind("two-faced", || Box::<two_faced::TwoFaced>::default()),
    kind("silence", || Box::new(silence::Silence)),
    kind("half-send", || Box::new(half_send::HalfSend)),
    kind("stale-replay", || {
        Box::<stale_replay::StaleReplay>::default()
    }),
    kind("invalid-block", || Box::new(invalid_block::InvalidBlock)),
    kind("wrong-proposer", || {
        Box::<wrong_proposer::WrongProposer>::default()
    }),
    kind("amnesia", || Box::<amnesia::Amnesia>::default()),
    kind("wrong-chain", || Box::new(wrong_chain::WrongChain)),
    kind("forged-sender", || {
        Box::<forged_sender::ForgedSender>::default()
    }),
    kind("flood", || Box::new(flood::Flood)),
    kind("boaster", || Box::new(boaster::Boaster)),
    kind("false-accuser", || Box::new(false_accuser::FalseAccuser)),
    kind("unheld", || Box::new(unheld::Unheld)),
    kind("understater", || Box::new(understater::Understater)),
];

/// Only of use to whoever has had more power than it has: worlds of old keys have it.
pub(crate) const OLD_KING: Kind = kind("old-king", || Box::<old_king::OldKing>::default());

/// Only of use to more validators than the protocol bears: no world of at most f has it.
pub(crate) const FORGETFUL: Kind = kind("forgetful", || Box::<forgetful::Forgetful>::default());

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

    /// Signs any bytes whatever.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.signer.sign(bytes).unwrap_or_default())
    }

    /// This node's signature in the name of every validator.
    pub(crate) fn sign_for_all(&self, bytes: &[u8]) -> Signers {
        let signature = self.sign(bytes);
        let members = (0..self.set.len()).map(|index| (index, &signature));
        Signers::collect(self.set, members)
    }

    /// Signs any vote whatever.
    pub(crate) fn vote(&self, vote: Vote) -> Payload {
        let signature = self.sign(&self.context.vote(&vote));
        Payload::Vote(Arc::new(SignedVote { vote, signature }))
    }

    /// Signs another answer to whoever has asked how far this node is.
    pub(crate) fn stand(&self, said: &Statement, change: impl FnOnce(&mut Standing)) -> Payload {
        let mut said = said.clone();
        change(&mut said.standing);
        said.signature = self.sign(&self.context.standing(&said));
        Payload::Standing(Arc::new(said))
    }

    /// Signs a proposal of `block` like this one.
    pub(crate) fn propose(&self, like: &ProposedBlock, block: SealedBlock) -> Payload {
        self.propose_like(&like.proposal, Arc::new(block), like.polka.clone())
    }

    /// The same, as a new value.
    pub(crate) fn propose_anew(&self, like: &ProposedBlock, block: SealedBlock) -> Payload {
        let mut proposal = like.proposal.clone();
        proposal.valid_round = None;
        self.propose_like(&proposal, Arc::new(block), None)
    }

    /// Signs `block` in the place of this proposal, under the own name.
    pub(crate) fn propose_like(
        &self,
        like: &Proposal,
        block: Arc<SealedBlock>,
        polka: Option<Arc<PolkaCertificate>>,
    ) -> Payload {
        let mut proposal = Proposal {
            block_id: block.id(),
            proposer: self.address(),
            ..like.clone()
        };
        proposal.signature = self.sign(&proposal.sign_bytes(self.context));
        Payload::Proposal(Arc::new(ProposedBlock {
            proposal,
            block,
            polka,
        }))
    }
}

/// Another block in the same place, with the header changed.
pub(crate) fn alter(block: &SealedBlock, change: impl FnOnce(&mut Header)) -> SealedBlock {
    rebuild(block, |header, _, _| change(header))
}

/// Another block in the same place, with anything changed.
pub(crate) fn rebuild(
    block: &SealedBlock,
    change: impl FnOnce(&mut Header, &mut Vec<Transaction>, &mut Option<CommitCertificate>),
) -> SealedBlock {
    let Block {
        mut header,
        mut transactions,
        evidence,
        mut last_commit,
    } = block.block().clone();
    change(&mut header, &mut transactions, &mut last_commit);
    SealedBlock::build(header, transactions, evidence, last_commit)
}
