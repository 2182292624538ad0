//! The proposals of one height: the brain of the Proposer.
//!
//! *My turn?* This node has a block built: the Mempool says which transactions wait, the Committer
//! executes them. *Not my turn?* It skips, and waits for the proposer's message. What was asked for
//! in a round that is over is forgotten, and nothing that belongs to it is asked for or passed on
//! any more.
//!
//! What others propose is admitted cheapest check first, verified, sent to be executed, and told to
//! the round machine with its verdict (`kept`). Its admission mirrors that of the
//! [tally](super::tally): size and envelope have been checked by the gateway; here follow height,
//! round, turn, duplicates, and the signature last.
use super::durable::Position;
use super::facts::{CheckedProposal, Fact};
use super::tally::Admission;
use crate::budget::{Budgets, Rate};
use crate::limits::ROUNDS_KEPT_MAX;
use crate::nouns::block::SealedBlock;
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

mod kept;
mod partial;
mod polka;
mod pulled;
mod refuse;
mod screen;
#[cfg(test)]
mod tests;

use kept::Kept;
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

/// A block of this node that is being built.
#[derive(Clone, Copy, Debug)]
struct Building {
    height: Height,
    round: Round,
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

    /// The round machine wants a new block. It is asked for once in a round, if the turn is this
    /// node's.
    fn build(&mut self, height: Height, round: Round, out: &mut Vec<Output>) {
        let is_here = (height, round) == (self.height, self.round);
        let is_mine = self.set.proposer(height, round) == self.me;
        if is_here && is_mine && self.building.is_none() {
            self.building = Some(Building { height, round });
            out.push(Output::Fill(height, round));
        }
    }

    /// What the Mempool has for it.
    fn filled(
        &mut self,
        height: Height,
        round: Round,
        candidates: Vec<Transaction>,
        out: &mut Vec<Output>,
    ) {
        if self.is_building(height, round) {
            out.push(Output::Prepare(height, round, candidates));
        }
    }

    /// The Committer has executed it.
    fn prepared(
        &mut self,
        height: Height,
        round: Round,
        block: Arc<SealedBlock>,
        out: &mut Vec<Output>,
    ) {
        if self.is_building(height, round) {
            self.building = None;
            out.push(Output::Built(height, round, block));
        }
    }

    /// Mempool or Committer has fallen: whichever had the question has forgotten it.
    fn fill_again(&self, out: &mut Vec<Output>) {
        let building = self.building.iter();
        out.extend(building.map(|it| Output::Fill(it.height, it.round)));
    }

    /// A round begins: what was built for another is of no use, and whose turn it is, is known.
    fn turn(&mut self, out: &mut Vec<Output>) {
        self.building = None;
        let proposer = self.set.proposer(self.height, self.round);
        if proposer != self.me {
            out.push(Output::Skip(self.height, self.round, proposer));
        }
    }

    fn is_building(&self, height: Height, round: Round) -> bool {
        let asked = self.building.map(|it| (it.height, it.round));
        asked == Some((height, round))
    }
}
