//! The proposals of one height: admitted cheapest check first, verified, sent to be executed, and
//! told to the round machine with their verdict. The brain of the Proposer for what others propose.
//!
//! Its admission mirrors that of the [tally](super::tally): size and envelope have been checked by
//! the gateway; here follow height, round, turn, duplicates, and the signature last.
use super::durable::Position;
use super::facts::{CheckedProposal, Fact, Verdict};
use super::tally::Admission;
use crate::budget::{Budgets, Rate};
use crate::limits::{CLOCK_DRIFT_MS, ROUNDS_KEPT_MAX};
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::PolkaCertificate;
use crate::nouns::compact::{Assembly, TransactionsWanted};
use crate::nouns::evidence::Evidence;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::transaction::Transaction;
use crate::types::{Address, BlockId, Height, Round, Timestamp};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod building;
mod partial;
mod polka;
mod pulled;
mod refuse;
mod screen;
#[cfg(test)]
mod tests;

use building::Building;
use polka::BadPolkas;
use screen::Screen;

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The height under decision is that of this schedule.
    EnterHeight(ValidatorSchedule),
    /// The round machine entered a round. Told again when the tally has restarted: it then lacks
    /// the prevotes that proposals stand for (E1).
    EnterRound(Height, Round),
    /// The signed part of a proposal has come, its block not yet: is that worth reading? Says why
    /// not as [`Output::Admission`]; nothing: read on, its signature verifies.
    Screen(Box<Proposal>),
    /// The same of one that comes by its leaves: one that waits for its rest already, or finds no
    /// place to, is not read either.
    ScreenCompact(Box<Proposal>),
    /// A proposal of another validator, unverified.
    Received(Arc<ProposedBlock>),
    /// The same by its leaves, filled as far as this node could by itself.
    Compact(Box<Assembly>),
    /// What somebody answered to [`Output::Fetch`] about this block, in its order.
    Fetched(BlockId, Vec<Arc<Transaction>>),
    /// The round machine knows no valid value, and it is this node's turn: have a block built.
    Build(Height, Round),
    /// What waits in the Mempool for it, in order of preference.
    Filled(Height, Round, Vec<Transaction>),
    /// The block, executed on an overlay.
    Prepared(Height, Round, Arc<SealedBlock>),
    /// A proposal of this node, durable and on its way.
    Own(Arc<ProposedBlock>),
    /// The ledger executed a block: `true` if it is valid(v).
    Executed(BlockId, bool),
    /// The ledger has forgotten what it was asked: ask again.
    AskAgain,
    /// The round machine has forgotten the proposals: tell them again.
    Retell,
    /// E6: say what to send again for this round.
    Resend(Height, Round),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// What became of the proposal of this input.
    Admission(Admission),
    /// Ask this validator for transactions of its proposal.
    Fetch(Address, TransactionsWanted),
    /// Execute this block and compare its roots.
    Execute(Arc<SealedBlock>),
    /// It is another's turn in this round: this node skips, and waits for its message.
    Skip(Height, Round, Address),
    /// This node's turn: ask the Mempool what waits for a block.
    Fill(Height, Round),
    /// Have the Committer build a block of these.
    Prepare(Height, Round, Vec<Transaction>),
    /// Tell the RoundDriver: the block that it wanted.
    Built(Height, Round, Arc<SealedBlock>),
    /// Tell the round machine.
    Checked(Height, CheckedProposal),
    /// Tell the round machine: the polka that came with a proposal (E5).
    Fact(Height, Fact),
    /// Tell the tally: its sender's prevote (E1).
    Prevote(Proposal),
    /// A provable misbehaviour.
    Evidence(Box<Evidence>),
    /// Out of turn, a verified proposal under this node's key has come in, at this position. Tell the
    /// RoundDriver. (One in turn the tally sees.)
    OwnSeen(Position),
    /// Somebody works on a height beyond the one that this node can take part in.
    Ahead(Address, Height),
    /// Send this proposal to everybody again.
    Relay(Arc<ProposedBlock>),
    /// A proposal that names this sender and height came too early to be kept. Tell the round
    /// machine: once it gets there it must ask for it (E5).
    Refused(Address, Height),
}

#[derive(Clone, Debug)]
struct Kept {
    message: Arc<ProposedBlock>,
    verdict: Option<Verdict>,
}

/// The proposals of the height under decision, and the few of the next one that came early.
#[derive(Clone, Debug)]
pub struct Proposals {
    context: SignContext,
    me: Address,
    height: Height,
    set: Arc<ValidatorSet>,
    /// Of the next height: whose proposals may come early.
    next_set: Arc<ValidatorSet>,
    round: Round,
    /// Whether the round machine has entered a round of this height.
    has_begun: bool,
    rounds: BTreeMap<Round, Vec<Kept>>,
    early: Vec<Arc<ProposedBlock>>,
    /// Compact ones that wait for transactions, of this height and the next.
    partial: Vec<Assembly>,
    building: Option<Building>,
    accused: BTreeSet<Address>,
    /// Per proposer the furthest round beyond the next that it proposed in: no such message costs a
    /// signature check twice (E7).
    far: BTreeMap<Address, Round>,
    seen_before: Screen,
    budgets: Budgets,
    bad_polkas: BadPolkas,
}

impl Proposals {
    /// Proposals for the height under decision, none known yet.
    pub fn new(context: SignContext, me: Address, validators: &ValidatorSchedule) -> Proposals {
        let height = validators.height();
        let set = validators.current().clone();
        Proposals {
            context,
            me,
            height,
            set,
            next_set: validators.next().clone(),
            round: Round::ZERO,
            has_begun: false,
            rounds: BTreeMap::new(),
            early: Vec::new(),
            partial: Vec::new(),
            building: None,
            accused: BTreeSet::new(),
            far: BTreeMap::new(),
            seen_before: Screen::default(),
            budgets: Budgets::new(Rate::USELESS),
            bad_polkas: BadPolkas::default(),
        }
    }

    /// Takes one input and says what follows. `now` is the wall clock.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::EnterHeight(validators) => self.enter_height(&validators, &mut out),
            Input::EnterRound(height, round) => self.enter_round(height, round, &mut out),
            Input::Screen(proposal) => self.screen(now, &proposal, &mut out),
            Input::ScreenCompact(proposal) => self.screen_compact(now, &proposal, &mut out),
            Input::Received(message) => {
                let admission = self.received(message, now, &mut out);
                out.push(Output::Admission(admission));
            }
            Input::Compact(assembly) => {
                let admission = self.compact(*assembly, now, &mut out);
                out.push(Output::Admission(admission));
            }
            Input::Fetched(id, transactions) => self.fetched(id, &transactions, &mut out),
            Input::Build(height, round) => self.build(height, round, &mut out),
            Input::Filled(height, round, candidates) => {
                self.filled(height, round, candidates, &mut out);
            }
            Input::Prepared(height, round, block) => {
                self.prepared(height, round, block, &mut out);
            }
            Input::Own(message) => self.own(message, &mut out),
            Input::Executed(id, valid) => self.executed(now, id, valid, &mut out),
            Input::AskAgain => self.ask_again(&mut out),
            Input::Retell => self.retell(&mut out),
            Input::Resend(height, round) if height == self.height => {
                let kept = self.rounds.get(&round).map_or(&[][..], Vec::as_slice);
                out.extend(kept.iter().map(|kept| Output::Relay(kept.message.clone())));
            }
            Input::Resend(..) => {}
        }
        out
    }

    /// The height under decision.
    pub fn height(&self) -> Height {
        self.height
    }

    /// Who may propose at the height under decision, or early at a later one. Of heights beyond the
    /// next nothing is kept.
    fn set_of(&self, height: Height) -> &ValidatorSet {
        if height > self.height {
            &self.next_set
        } else {
            &self.set
        }
    }

    fn enter_height(&mut self, validators: &ValidatorSchedule, out: &mut Vec<Output>) {
        let height = validators.height();
        if height <= self.height {
            return;
        }
        self.height = height;
        self.set = validators.current().clone();
        self.next_set = validators.next().clone();
        let (set, next) = (&self.set, &self.next_set);
        let stays = |who: &Address| set.index_of(who).or_else(|| next.index_of(who)).is_some();
        self.budgets.retain(stays);
        self.bad_polkas.enter_height(stays);
        self.round = Round::ZERO;
        (self.building, self.has_begun) = (None, false);
        self.rounds.clear();
        self.accused.clear();
        self.far.clear();
        self.partial
            .retain(|partial| partial.proposal().height >= height);
        for message in std::mem::take(&mut self.early) {
            if message.proposal.height == height {
                // Verified when it came.
                self.keep(message, None, out);
            }
        }
    }

    fn enter_round(&mut self, height: Height, round: Round, out: &mut Vec<Output>) {
        if height != self.height || round < self.round {
            return;
        }
        if round == self.round {
            let kept = self.rounds.values().flatten();
            out.extend(kept.map(|kept| Output::Prevote(kept.message.proposal.clone())));
            // Of far ones only their round is here: they count anew when they come again (E6).
            self.far.clear();
            self.fill_again(out);
        }
        let is_new = round > self.round || !self.has_begun;
        (self.round, self.has_begun) = (round, true);
        if is_new {
            self.turn(out);
        }
        let oldest = Round(round.0.saturating_sub(ROUNDS_KEPT_MAX));
        self.rounds.retain(|r, _| *r >= oldest);
        self.bad_polkas.enter_round(round);
    }

    /// Cheapest check first; the signatures are the last.
    fn received(
        &mut self,
        message: Arc<ProposedBlock>,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) -> Admission {
        let block = (message.block.id(), message.block.height());
        if !is_well_formed(&message.proposal, block, message.polka.as_deref()) {
            return Admission::Malformed;
        }
        if let Some(refusal) = self.refuse(now, &message.proposal, out) {
            return refusal;
        }
        if let Some(refusal) = self.refuse_polka(now, &message.proposal, message.polka.as_ref()) {
            return refusal;
        }
        self.admit(message, out)
    }

    fn admit(&mut self, message: Arc<ProposedBlock>, out: &mut Vec<Output>) -> Admission {
        out.push(Output::Prevote(message.proposal.clone()));
        if message.proposal.height > self.height {
            let proposal = &message.proposal;
            out.push(Output::Ahead(proposal.proposer, proposal.height));
            self.forget_partial(&message.proposal);
            self.early.push(message);
            return Admission::Counted;
        }
        if message.proposal.round > self.round.next() {
            // The tally notes that its sender is there; the block comes again (E6).
            self.far
                .insert(message.proposal.proposer, message.proposal.round);
            return Admission::TooEarly;
        }
        self.keep(message, None, out);
        Admission::Counted
    }

    fn own(&mut self, message: Arc<ProposedBlock>, out: &mut Vec<Output>) {
        let proposal = &message.proposal;
        let kept = self.rounds.get(&proposal.round);
        let known = kept.is_some_and(|kept| kept.iter().any(|k| k.message.proposal == *proposal));
        if proposal.height == self.height && proposal.proposer == self.me && !known {
            out.push(Output::Prevote(proposal.clone()));
            self.keep(message, Some(Verdict::Valid), out);
        }
    }

    fn keep(
        &mut self,
        message: Arc<ProposedBlock>,
        verdict: Option<Verdict>,
        out: &mut Vec<Output>,
    ) {
        self.forget_partial(&message.proposal);
        if let Some(polka) = &message.polka {
            out.push(Output::Fact(self.height, Fact::Polka(polka.clone())));
        }
        if verdict.is_none() {
            out.push(Output::Execute(message.block.clone()));
        }
        let round = message.proposal.round;
        self.rounds
            .entry(round)
            .or_default()
            .push(Kept { message, verdict });
    }

    fn executed(&mut self, now: Timestamp, id: BlockId, valid: bool, out: &mut Vec<Output>) {
        let height = self.height;
        for kept in self.rounds.values_mut().flatten() {
            if kept.message.block.id() != id || kept.verdict.is_some() {
                continue;
            }
            let timely = kept.message.block.header().time <= now.plus_ms(CLOCK_DRIFT_MS);
            let if_valid = if timely {
                Verdict::Valid
            } else {
                Verdict::Untimely
            };
            kept.verdict = Some(judge(valid, if_valid));
            out.extend(
                kept.checked()
                    .map(|checked| Output::Checked(height, checked)),
            );
        }
    }

    fn ask_again(&self, out: &mut Vec<Output>) {
        let unchecked = self
            .rounds
            .values()
            .flatten()
            .filter(|kept| kept.verdict.is_none());
        out.extend(unchecked.map(|kept| Output::Execute(kept.message.block.clone())));
        self.fill_again(out);
    }

    fn retell(&self, out: &mut Vec<Output>) {
        for kept in self.rounds.values().flatten() {
            let polka = kept.message.polka.clone().map(Fact::Polka);
            out.extend(polka.map(|fact| Output::Fact(self.height, fact)));
            out.extend(
                kept.checked()
                    .map(|checked| Output::Checked(self.height, checked)),
            );
        }
    }
}

impl Kept {
    fn checked(&self) -> Option<CheckedProposal> {
        let proposal = &self.message.proposal;
        Some(CheckedProposal {
            round: proposal.round,
            valid_round: proposal.valid_round,
            block: self.message.block.clone(),
            verdict: self.verdict?,
        })
    }
}

/// Whether block, valid round and polka belong to the proposal.
fn is_well_formed(
    proposal: &Proposal,
    (block_id, height): (BlockId, Height),
    polka: Option<&PolkaCertificate>,
) -> bool {
    let block = block_id == proposal.block_id && height == proposal.height;
    let polka = match (proposal.valid_round, polka) {
        (None, None) => true,
        (Some(valid_round), Some(polka)) => {
            let PolkaCertificate {
                height,
                round,
                block_id,
                ..
            } = polka;
            valid_round < proposal.round
                && (*height, *round, *block_id) == (proposal.height, valid_round, proposal.block_id)
        }
        _ => false,
    };
    block && polka
}

fn judge(valid: bool, if_valid: Verdict) -> Verdict {
    planted!(EveryBlockValid => return if_valid);
    if valid { if_valid } else { Verdict::Invalid }
}
