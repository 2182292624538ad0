//! A fork names its makers: from what correct nodes have heard, said and decided, more than a third
//! of the power, and nobody who followed the rules.
use super::{Figures, Property, Scene, Sight};
use crate::simulation::message::Payload;
use lockstep_protocol::commit::{CommitCertificate, PolkaCertificate, Signers, cut_to_quorum};
use lockstep_protocol::evidence::fork::{self, Polkas};
use lockstep_protocol::proposal::Proposal;
use lockstep_protocol::types::{BlockId, Height, Round};
use lockstep_protocol::vote::{Signature, SignedVote, VoteKind};
use std::collections::BTreeMap;
use std::sync::Arc;

type Value = (BlockId, Option<Round>);
/// A signature, and whether it is that of a proposal.
type Prevotes = BTreeMap<usize, (Signature, bool)>;

#[derive(Default)]
pub(super) struct Accountability {
    prevotes: BTreeMap<Height, BTreeMap<(Round, Value), Prevotes>>,
    decided: BTreeMap<Height, Arc<CommitCertificate>>,
    explained: u64,
}

/// Heights whose traffic is kept: a slow node may decide long after the others.
const HEIGHTS_KEPT: usize = 64;

impl Property for Accountability {
    fn name(&self) -> &'static str {
        "accountability"
    }

    fn see(&mut self, scene: &Scene, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            // With at most f faulty validators nothing ever forks: agreement judges that.
            _ if !scene.may_fork() => Ok(()),
            Sight::Heard { payload } | Sight::Said { payload, .. } => {
                self.listen(scene, payload);
                Ok(())
            }
            Sight::Committed { decided, .. } => self.decided(scene, &decided.certificate),
            _ => Ok(()),
        }
    }

    fn figures(&self) -> Figures {
        Figures {
            forks_explained: self.explained,
            ..Figures::default()
        }
    }
}

impl Accountability {
    fn listen(&mut self, scene: &Scene, payload: &Payload) {
        match payload {
            Payload::Proposal(message) => self.proposal(scene, &message.proposal),
            Payload::Vote(vote) => self.vote(scene, vote),
            Payload::Votes(votes) => votes.iter().for_each(|vote| self.vote(scene, vote)),
            Payload::Pulled(_, pulled) => {
                let proposals = pulled.proposals.iter();
                proposals.for_each(|message| self.proposal(scene, &message.proposal));
                pulled.votes.iter().for_each(|vote| self.vote(scene, vote));
            }
            Payload::BlocksWanted(..) | Payload::Blocks(_) | Payload::Pull(_) => {}
        }
    }

    fn proposal(&mut self, scene: &Scene, proposal: &Proposal) {
        let in_turn = scene.set.proposer(proposal.height, proposal.round) == proposal.proposer;
        if in_turn && proposal.verify(&scene.set, &scene.context).is_ok() {
            let value = (proposal.block_id, proposal.valid_round);
            let index = scene.set.index_of(&proposal.proposer);
            let at = (proposal.height, proposal.round, value);
            self.keep(at, index, (proposal.signature.clone(), true));
        }
    }

    fn vote(&mut self, scene: &Scene, signed: &SignedVote) {
        let vote = &signed.vote;
        let Some(id) = vote.block_id.filter(|_| vote.kind == VoteKind::Prevote) else {
            return;
        };
        if signed.verify(&scene.set, &scene.context).is_ok() {
            let index = scene.set.index_of(&vote.validator);
            let at = (vote.height, vote.round, (id, vote.valid_round));
            self.keep(at, index, (signed.signature.clone(), false));
        }
    }

    fn keep(
        &mut self,
        (height, round, value): (Height, Round, Value),
        index: Option<usize>,
        said: (Signature, bool),
    ) {
        let Some(index) = index else { return };
        let places = self.prevotes.entry(height).or_default();
        let members = places.entry((round, value)).or_default();
        members.entry(index).or_insert(said);
        if self.prevotes.len() > HEIGHTS_KEPT {
            self.prevotes.pop_first();
        }
    }

    fn decided(&mut self, scene: &Scene, theirs: &Arc<CommitCertificate>) -> Result<(), String> {
        let height = theirs.height;
        let ours = self.decided.entry(height).or_insert_with(|| theirs.clone());
        if ours.block_id == theirs.block_id {
            return Ok(());
        }
        let ours = ours.clone();
        let polkas = self.polkas(scene, height);
        let polkas = Polkas::All(&polkas);
        let fork = fork::find(&scene.set, &scene.context, &ours, theirs, polkas);
        let fork = fork.ok_or_else(|| format!("no proof of the fork at height {height}"))?;
        let index = |(accused, _): &(_, _)| scene.set.index_of(accused);
        let honest = fork.accused.iter().filter_map(index);
        let honest: Vec<usize> = honest.filter(|node| scene.correct[*node]).collect();
        if !honest.is_empty() {
            return Err(format!("{honest:?} are correct: {}", fork.sentence()));
        }
        if !scene.set.is_skip_set(fork.power(&scene.set)) {
            return Err(format!("too few are named: {}", fork.sentence()));
        }
        for evidence in &fork.evidence {
            let verified = evidence.verify(&scene.set, &scene.context);
            verified.map_err(|error| format!("{error}: {evidence:?}"))?;
        }
        self.explained += 1;
        Ok(())
    }

    fn polkas(&self, scene: &Scene, height: Height) -> Vec<PolkaCertificate> {
        let places = self.prevotes.get(&height).into_iter().flatten();
        let polka = |((round, (block_id, valid_round)), said): (&(Round, Value), &Prevotes)| {
            let votes = said
                .iter()
                .map(|(index, (signature, _))| (*index, signature));
            let taken = cut_to_quorum(&scene.set, votes)?;
            let mut proposers = taken.iter().filter(|(index, _)| said[index].1);
            let by_proposal = proposers.next().map(|(index, _)| *index as u16);
            Some(PolkaCertificate {
                height,
                round: *round,
                block_id: *block_id,
                valid_round: *valid_round,
                signers: Signers::collect(&scene.set, taken),
                by_proposal,
            })
        };
        places.filter_map(polka).collect()
    }
}
