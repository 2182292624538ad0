//! Sign, persist, send: in this order, each position once.
use super::halt::Halt;
use super::{Driver, Output, Pending};
use crate::consensus::durable::{LockRecord, Persist, Position, SignStep, SignedMessage};
use crate::consensus::round_machine::CastVote;
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::PolkaCertificate;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::nouns::vote::{Signature, SignedVote, Vote};
use crate::types::{Height, Round};
use std::sync::Arc;

impl Driver {
    pub(super) fn sign_proposal(
        &mut self,
        round: Round,
        block: Arc<SealedBlock>,
        polka: Option<Arc<PolkaCertificate>>,
        out: &mut Vec<Output>,
    ) -> Result<(), Halt> {
        self.guard
            .reserve((self.height, round, SignStep::Propose))?;
        let height = self.height;
        let block_id = block.id();
        let valid_round = polka.as_ref().map(|polka| polka.round);
        let bytes = self
            .config
            .context
            .proposal(height, round, &block_id, valid_round);
        let signature = Signature(self.config.signer.sign(&bytes)?);
        let proposer = self.config.me;
        let proposal = Proposal {
            height,
            round,
            block_id,
            valid_round,
            proposer,
            signature,
        };
        let signed = SignedMessage::Proposal(proposal.clone());
        let persist = Persist {
            signed,
            lock: None,
            block: Some(block.clone()),
        };
        let message = Arc::new(ProposedBlock {
            proposal,
            block,
            polka,
        });
        self.persist_then_send(persist, Output::SendProposal(message), out);
        Ok(())
    }

    pub(super) fn sign_vote(&mut self, cast: CastVote, out: &mut Vec<Output>) -> Result<(), Halt> {
        let CastVote {
            kind,
            round,
            block_id,
            valid_round,
            lock,
        } = cast;
        let validator = self.config.me;
        let vote = Vote {
            kind,
            height: self.height,
            round,
            block_id,
            valid_round,
            validator,
        };
        let step = match kind {
            crate::nouns::vote::VoteKind::Prevote => SignStep::Prevote,
            crate::nouns::vote::VoteKind::Precommit => SignStep::Precommit,
        };
        self.guard.reserve((self.height, round, step))?;
        let signature = Signature(self.config.signer.sign(&self.config.context.vote(&vote))?);
        let signed = SignedVote { vote, signature };
        let block = lock.as_ref().map(|value| value.block.clone());
        let lock = lock.map(|value| LockRecord {
            height: self.height,
            round,
            block_id: value.block.id(),
            polka: PolkaCertificate::clone(&value.polka),
        });
        let persist = Persist {
            signed: SignedMessage::Vote(signed.clone()),
            lock,
            block,
        };
        self.persist_then_send(persist, Output::SendVote(Arc::new(signed)), out);
        Ok(())
    }

    fn persist_then_send(&mut self, persist: Persist, send: Output, out: &mut Vec<Output>) {
        let position = persist.signed.position();
        self.pending.push_back(Pending { position, send });
        out.push(Output::Persist(Box::new(persist)));
        planted!(SendBeforeDurable => self.persisted(position, out));
    }

    /// Everything up to this position is durable and may go out.
    pub(super) fn persisted(&mut self, position: Position, out: &mut Vec<Output>) {
        while let Some(pending) = self.pending.pop_front_if(|p| p.position <= position) {
            if pending.position.0 != self.height {
                continue;
            }
            // Of a message of the same kind only the newest is ever said again.
            let kind = |output: &Output| match output {
                Output::SendVote(vote) => Some(vote.vote.kind),
                _ => None,
            };
            self.said.retain(|said| kind(said) != kind(&pending.send));
            self.said.push(pending.send.clone());
            out.push(pending.send);
        }
    }

    /// A message of this key that this node has not signed is its own old one, if its disk is an old
    /// one, or somebody else's. Others say at its arrival how far they have seen its key sign: what
    /// comes from beyond that is not old. So until then it is only remembered.
    pub(super) fn own_seen(&mut self, position: Position, out: &mut Vec<Output>) {
        if self.guard.covers(position) {
            return;
        }
        match self.arrival {
            Some(arrival) if arrival.may_have_signed(position.0, position.1) => {}
            Some(_) => self.signed_elsewhere(position.0, out),
            None => self.met = self.met.max(Some(position)),
        }
    }

    /// Somebody else has this key. Whoever goes on signing makes a second signature for a position
    /// some day; who has no voice loses nothing and goes on following. What counts is the height of
    /// the message: its signer was a validator then, and this node may be about to become one.
    pub(super) fn signed_elsewhere(&mut self, height: Height, out: &mut Vec<Output>) {
        planted!(ForeignKeyIgnored => return);
        if self.halted || !self.may_sign(height) {
            return;
        }
        self.halted = true;
        self.pending.clear();
        self.said.clear();
        out.push(Output::Halt(Halt::SignedElsewhere(height)));
    }
}
