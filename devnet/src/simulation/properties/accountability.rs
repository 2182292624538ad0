//! A fork names its makers: from what correct nodes have heard, said and decided, more than a third
//! of the power, and nobody who followed the rules. The polkas that these nodes keep are enough for
//! that, and those of one of them are enough to name as many, though perhaps not without asking them
//! for a defence.
use super::{Figures, Property, Scene, Sight};
use crate::simulation::message::Payload;
use lockstep_protocol::nouns::commit::{
    CommitCertificate, PolkaCertificate, Signers, cut_to_quorum,
};
use lockstep_protocol::nouns::evidence::fork::{self, Fork, Polkas};
use lockstep_protocol::nouns::evidence::polka_book::PolkaBook;
use lockstep_protocol::nouns::proposal::Proposal;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, VoteKind};
use lockstep_protocol::types::{BlockId, Height, Round};
use std::collections::BTreeMap;
use std::sync::Arc;

type Value = (BlockId, Option<Round>);
/// A signature, and whether it is that of a proposal.
type Prevotes = BTreeMap<usize, (Signature, bool)>;

#[derive(Default)]
pub(super) struct Accountability {
    prevotes: BTreeMap<Height, BTreeMap<(Round, Value), Prevotes>>,
    decided: BTreeMap<Height, Arc<CommitCertificate>>,
    /// What each correct node keeps.
    books: BTreeMap<usize, PolkaBook>,
    explained: u64,
    across_rounds: u64,
}

/// Heights whose traffic is kept: a slow node may decide long after the others.
const HEIGHTS_KEPT: usize = 64;

impl Property for Accountability {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            // With at most f faulty validators nothing ever forks: agreement judges that.
            _ if !scene.may_fork() => Ok(()),
            Sight::Heard(payload) | Sight::Said { payload, .. } => {
                self.listen(scene, payload);
                Ok(())
            }
            Sight::Polka(polka) => {
                self.books.entry(node).or_default().note(Arc::clone(polka));
                Ok(())
            }
            Sight::Committed(decided) => self.decided(scene, &decided.certificate),
            _ => Ok(()),
        }
    }

    fn figures(&self) -> Figures {
        Figures {
            forks_explained: self.explained,
            forks_across_rounds: self.across_rounds,
            ..Figures::default()
        }
    }
}

impl Accountability {
    fn listen(&mut self, scene: &Scene, payload: &Payload) {
        let pulled = match payload {
            Payload::Pulled(_, pulled) => &pulled.proposals[..],
            _ => &[],
        };
        let pulled = pulled.iter().map(|message| &message.proposal);
        let proposals = payload.proposal().into_iter().chain(pulled);
        proposals.for_each(|proposal| self.proposal(scene, proposal));
        payload
            .votes()
            .iter()
            .for_each(|vote| self.vote(scene, vote));
    }

    fn proposal(&mut self, scene: &Scene, proposal: &Proposal) {
        let set = scene.at(proposal.height);
        let in_turn = set.proposer(proposal.height, proposal.round) == proposal.proposer;
        if in_turn && proposal.verify(set, &scene.context).is_ok() {
            let value = (proposal.block_id, proposal.valid_round);
            let index = set.index_of(&proposal.proposer);
            let at = (proposal.height, proposal.round, value);
            self.keep(at, index, (proposal.signature.clone(), true));
        }
    }

    fn vote(&mut self, scene: &Scene, signed: &SignedVote) {
        let vote = &signed.vote;
        let Some(id) = vote.block_id.filter(|_| vote.kind == VoteKind::Prevote) else {
            return;
        };
        let set = scene.at(vote.height);
        if signed.verify(set, &scene.context).is_ok() {
            let index = set.index_of(&vote.validator);
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
        let machines = self.prevotes.entry(height).or_default();
        let members = machines.entry((round, value)).or_default();
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
        let heard = self.polkas(scene, height);
        let heard = explain(scene, &ours, theirs, Polkas::All(&heard))?;
        check_named(scene, &heard)?;
        self.check_books(scene, &ours, theirs)?;
        self.explained += 1;
        self.across_rounds += u64::from(ours.round != theirs.round);
        Ok(())
    }

    /// What the nodes keep, together and each alone.
    fn check_books(
        &self,
        scene: &Scene,
        ours: &CommitCertificate,
        theirs: &CommitCertificate,
    ) -> Result<(), String> {
        let books = self.books.values();
        let kept: Vec<_> = books.map(|book| book.of(ours.height)).collect();
        check_named(
            scene,
            &explain(scene, ours, theirs, Polkas::All(&kept.concat()))?,
        )?;
        let mut alone = Vec::new();
        for kept in &kept {
            alone.push(explain(scene, ours, theirs, Polkas::Some(kept))?);
        }
        let set = scene.at(ours.height);
        let names = |fork: &Fork| set.is_skip_set(fork.power(set));
        if alone.iter().any(names) {
            return Ok(());
        }
        let sentence = alone.first().map(Fork::sentence).unwrap_or_default();
        Err(format!("no node names enough alone: {sentence}"))
    }

    fn polkas(&self, scene: &Scene, height: Height) -> Vec<PolkaCertificate> {
        let set = scene.at(height);
        let machines = self.prevotes.get(&height).into_iter().flatten();
        let polka = |((round, (block_id, valid_round)), said): (&(Round, Value), &Prevotes)| {
            let votes = said
                .iter()
                .map(|(index, (signature, _))| (*index, signature));
            let taken = cut_to_quorum(set, votes)?;
            let mut proposers = taken.iter().filter(|(index, _)| said[index].1);
            let by_proposal = proposers.next().map(|(index, _)| *index as u16);
            Some(PolkaCertificate {
                height,
                round: *round,
                block_id: *block_id,
                valid_round: *valid_round,
                signers: Signers::collect(set, taken),
                by_proposal,
            })
        };
        machines.filter_map(polka).collect()
    }
}

/// Nobody is certainly faulty who is not, and all evidence verifies.
fn explain(
    scene: &Scene,
    ours: &CommitCertificate,
    theirs: &CommitCertificate,
    polkas: Polkas<'_>,
) -> Result<Fork, String> {
    let set = scene.at(ours.height);
    let fork = fork::find(set, &scene.context, ours, theirs, polkas);
    let fork = fork.ok_or_else(|| format!("no proof of the fork at height {}", ours.height))?;
    let certain = fork.accused.iter().filter(|(_, guilt)| guilt.is_certain());
    let honest = certain.filter_map(|(accused, _)| scene.node_of(accused));
    let honest: Vec<usize> = honest.filter(|node| scene.correct[*node]).collect();
    if !honest.is_empty() {
        return Err(format!("{honest:?} are correct: {}", fork.sentence()));
    }
    for evidence in &fork.evidence {
        let verified = evidence.verify(set, &scene.context);
        verified.map_err(|error| format!("{error}: {evidence:?}"))?;
    }
    Ok(fork)
}

/// More than a third of the power, for certain.
fn check_named(scene: &Scene, fork: &Fork) -> Result<(), String> {
    let certain = fork.accused.iter().all(|(_, guilt)| guilt.is_certain());
    let set = scene.at(fork.height());
    if !certain || !set.is_skip_set(fork.power(set)) {
        return Err(format!("too few are named: {}", fork.sentence()));
    }
    Ok(())
}
