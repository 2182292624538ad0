//! The brain of the RoundDriver: the round machine, the signature guard, the order *sign, persist,
//! send*, and when a height begins.
//!
//! One actor signs everything. A proposal counts as its sender's prevote (E1), so a proposer and a
//! voter with keys of their own could contradict each other within one round; one guard cannot.
use super::catch_up::arrival::Arrival;
use super::durable::{Persist, Position, Recovery};
use super::facts::{CheckedProposal, Fact};
use super::pull::{self, Puller};
use super::round_machine::{self, Resume, RoundMachine, Step};
use super::sign_guard::SignGuard;
use super::timeouts::{TimeoutKind, Timeouts};
use crate::crypto::Signer;
use crate::limits::EARLY_INPUTS_MAX;
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::proposal::ProposedBlock;
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::SignedVote;
use crate::types::{Address, Height, Instant, Round, Timestamp};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;
use std::collections::VecDeque;
use std::sync::Arc;

mod clock;
mod halt;
mod pacing;
mod pulling;
mod recover;
mod signing;
mod standing;
#[cfg(test)]
mod tests;

pub use clock::ClockWait;
pub use halt::Halt;
pub use pacing::{Pacing, TickOutcome};

/// What a driver is made with.
#[derive(Clone)]
pub struct DriverConfig {
    /// Binds signatures to the chain.
    pub context: SignContext,
    /// This validator.
    pub me: Address,
    /// This validator's key.
    pub signer: Arc<dyn Signer>,
    /// How long each step waits.
    pub timeouts: Timeouts,
    /// When a height begins, until [`Input::Pace`] says otherwise.
    pub pacing: Pacing,
    /// No height after this one begins.
    pub last_height: Option<Height>,
    /// E5: how many milliseconds a step may last before a peer is asked for what is missing here.
    /// `None`: nobody is ever asked.
    pub pull_patience_ms: Option<u64>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The actors are wired: begin, or go on where the sign record left off.
    Start,
    /// This node has what the others had when it started: from here on it may sign.
    Arrived(Arrival),
    /// A proposal of another validator, signature and block checked.
    Proposal(Height, CheckedProposal),
    /// The tally found a quorum.
    Fact(Height, Fact),
    /// A timer that [`Output::Schedule`] asked for.
    Timeout(Height, Round, TimeoutKind),
    /// The block that [`Output::BuildBlock`] asked for.
    BlockBuilt(Height, Round, Arc<SealedBlock>),
    /// A [`Persist`] whose message stands at this position is durable.
    Persisted(Position),
    /// A block of this time is durable: the height under decision is that of this schedule.
    Committed(ValidatorSchedule, Timestamp),
    /// Produce the block of this height now (manual pacing). It names the height, so that a tick
    /// that is late makes no block more.
    Tick(Height),
    /// A timer that [`Output::WakeAt`] asked for.
    Wake(Height),
    /// Heights begin by this pacing from now on.
    Pace(Pacing),
    /// Transactions wait for the block of this height.
    TransactionsWaiting(Height),
    /// Another actor has restarted: say again where this node stands, what it has said, and what
    /// was decided but is not committed yet.
    Announce,
    /// A block of this height carries a valid certificate but is invalid here.
    InvalidDecision(Height),
    /// E5: something that the pull must know; where this node stands it is told after each step.
    Pull(pull::Input),
    /// A verified message under this validator's key has come in, at this position.
    OwnSeen(Position),
    /// Two verified messages under this validator's key contradict each other at this height.
    OwnEquivocation(Height),
    /// A height has two decisions; the sentence names it and whoever is proved faulty.
    Forked(String),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Tell tally and proposals.
    EnterRound(Height, Round),
    /// Build a new block for this round.
    BuildBlock(Height, Round),
    /// Write, then report [`Input::Persisted`].
    Persist(Box<Persist>),
    /// Durable: send to all peers, and to the own proposals.
    SendProposal(Arc<ProposedBlock>),
    /// Durable: send to all peers, and to the own tally.
    SendVote(Arc<SignedVote>),
    /// Set a timer of this many milliseconds.
    Schedule(Height, Round, TimeoutKind, u64),
    /// The timers that run are of a machine that is gone: they are not to fire.
    CancelTimers,
    /// Wake up for this height in this many milliseconds.
    WakeAt(Height, u64),
    /// This machine is new, or has been put back: tally and proposals tell it again all that they
    /// know, as seen from this round.
    Retell(Height, Round),
    /// E6: tally and proposals send again what they hold of this round.
    Resend(Height, Round),
    /// Q of prevotes, verified: tell the Committer, in case that a fork comes to light.
    Polka(Arc<PolkaCertificate>),
    /// A height is decided: commit it.
    Decide(Arc<SealedBlock>, Arc<CommitCertificate>),
    /// What became of an [`Input::Tick`].
    Ticked(TickOutcome),
    /// Stop voting for good and say why.
    Halt(Halt),
    /// E5: ask a peer, or wake the pull up.
    Pull(pull::Output),
}

/// Whether a driver signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// From this height on. Below it the node follows.
    From(Height),
    /// Never: the node follows the chain, and has no voice in it.
    Never,
}

/// A signed message that waits for its record to be durable.
#[derive(Clone, Debug)]
struct Pending {
    position: Position,
    send: Output,
}

/// The consensus state of one validator.
pub struct Driver {
    config: DriverConfig,
    guard: SignGuard,
    signing: Signing,
    /// From where on something is signed; nowhere as long as it is not known.
    arrival: Option<Arrival>,
    /// The furthest message of its key that it has met before, and not signed.
    met: Option<Position>,
    height: Height,
    set: Arc<ValidatorSet>,
    machine: RoundMachine,
    running: bool,
    halted: bool,
    /// When a height last began; nothing, if none has since this driver was made.
    begun_at: Option<Instant>,
    /// Transactions have waited for the block of this height.
    wanted: Height,
    /// The round of which the block waits for a transaction.
    held: Option<Round>,
    pending: VecDeque<Pending>,
    said: Vec<Output>,
    early: Vec<Input>,
    recovered: Option<Resume>,
    decision: Option<Output>,
    /// This height was entered without having decided the one before: others may be far in it.
    joined: bool,
    puller: Option<Puller>,
    /// Of the newest committed block.
    parent_time: Timestamp,
    wall: Option<Timestamp>,
    clock_was_behind: bool,
    /// When the clock is looked at again.
    clock_look_at: Option<Instant>,
}

impl Driver {
    /// At the height under decision of `validators`, with what the sign record held. It follows, and
    /// signs nothing new before [`Input::Arrived`] ([`arrival`](super::catch_up::arrival) says why).
    /// What the sign record holds is said again: those are the same bytes.
    pub fn new(config: DriverConfig, validators: &ValidatorSchedule, recovery: Recovery) -> Driver {
        let height = validators.height();
        let set = validators.current().clone();
        let machine = RoundMachine::new(height, config.me, set.clone(), config.timeouts);
        let guard = SignGuard::new(recovery.position());
        let said = recover::said(&config, height, &recovery);
        let recovered = recover::resume(height, &recovery);
        let puller = Driver::puller(&config, &set);
        let driver = Driver {
            config,
            guard,
            signing: Signing::From(Height(0)),
            arrival: None,
            met: None,
            height,
            set,
            machine,
            running: false,
            halted: false,
            begun_at: None,
            wanted: Height(0),
            held: None,
            pending: VecDeque::new(),
            said,
            early: Vec::new(),
            recovered,
            decision: None,
            joined: true,
            puller,
            parent_time: Timestamp::default(),
            wall: None,
            clock_was_behind: false,
            clock_look_at: None,
        };
        driver.with_signing(Signing::From(Height(0)))
    }

    /// The same driver with less of a voice. What the sign record holds of the height is not said
    /// again where nothing may be signed.
    #[must_use]
    pub fn with_signing(mut self, signing: Signing) -> Driver {
        self.signing = signing;
        if !self.signs() {
            self.said.clear();
            self.recovered = None;
        }
        self
    }

    /// Whether this node has a voice at the height under decision: it may sign, and is a validator
    /// of that height. One that has yet to arrive counts as one that has.
    pub fn signs(&self) -> bool {
        self.may_sign(self.height) && self.is_validator()
    }

    /// Whether something may be signed at the height under decision, in some round.
    fn has_arrived(&self) -> bool {
        planted!(SignsBeforeArrival => return true);
        self.arrival.is_some_and(|it| it.covers(self.height))
    }

    /// Whether something may be signed in this round of the height under decision.
    fn may_sign_in(&self, round: Round) -> bool {
        self.signs() && self.has_arrived_in(round)
    }

    fn has_arrived_in(&self, round: Round) -> bool {
        planted!(SignsBeforeArrival | SignsInOldRounds => return self.has_arrived());
        self.arrival.is_some_and(|it| it.allows(self.height, round))
    }

    /// Whether this node is a validator of the height under decision.
    pub fn is_validator(&self) -> bool {
        self.set.index_of(&self.config.me).is_some()
    }

    /// Whether this node signs at this height if it is a validator then.
    fn may_sign(&self, height: Height) -> bool {
        match self.signing {
            Signing::From(first) => height >= first,
            Signing::Never => false,
        }
    }

    /// Takes one input and says what to do, in order. `now` is monotonic.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Start => self.start(now, &mut out),
            Input::Arrived(arrival) => self.arrived(now, arrival, &mut out),
            Input::Proposal(height, proposal) if height == self.height => {
                self.awake(now, &mut out);
                self.machine(round_machine::Input::Proposal(proposal), &mut out);
            }
            Input::Fact(height, fact) if height == self.height => {
                self.tell_polka(&fact, &mut out);
                self.awake(now, &mut out);
                self.machine(round_machine::Input::Fact(fact), &mut out);
            }
            Input::Fact(height, ref fact) => {
                self.tell_polka(fact, &mut out);
                self.keep_early(height, input);
            }
            Input::Proposal(height, _) => self.keep_early(height, input),
            Input::Timeout(height, round, kind) if height == self.height => {
                self.machine(round_machine::Input::Timeout(kind, round), &mut out);
            }
            Input::BlockBuilt(height, round, block) if height == self.height => {
                self.machine(round_machine::Input::BlockBuilt(round, block), &mut out);
            }
            Input::Timeout(..) | Input::BlockBuilt(..) => {}
            Input::Persisted(position) => self.persisted(position, &mut out),
            Input::Committed(validators, time) => {
                self.committed(now, &validators, time, &mut out);
            }
            Input::Tick(height) => self.tick(now, height, &mut out),
            Input::Wake(height) => self.wake(now, height, &mut out),
            Input::Pace(pacing) => {
                self.config.pacing = pacing;
                self.pace(now, &mut out);
                if pacing != Pacing::OnDemand {
                    self.build_held(&mut out);
                }
            }
            Input::TransactionsWaiting(wanted) => self.transactions_waiting(now, wanted, &mut out),
            Input::Announce => self.announce(&mut out),
            Input::InvalidDecision(height) => {
                self.halted = true;
                out.push(Output::Halt(Halt::InvalidDecision(height)));
            }
            Input::Pull(input) => self.pull(now, input, &mut out),
            Input::OwnSeen(position) => self.own_seen(position, &mut out),
            Input::OwnEquivocation(height) => self.signed_elsewhere(height, &mut out),
            Input::Forked(sentence) => {
                self.halted = true;
                out.push(Output::Halt(Halt::Forked(sentence)));
            }
        }
        self.look_at_clock(now, &mut out);
        self.pull_from_here(now, &mut out);
        out
    }

    /// Feeds the machine and carries out what it says.
    fn machine(&mut self, input: round_machine::Input, out: &mut Vec<Output>) {
        if !self.running || self.halted {
            return;
        }
        let outputs = self.machine.step(input);
        self.carry_out(outputs, out);
    }

    fn carry_out(&mut self, outputs: Vec<round_machine::Output>, out: &mut Vec<Output>) {
        use round_machine::Output as M;
        for output in outputs {
            let speaks_in = match &output {
                M::Propose(round, ..) | M::BuildBlock(round) => Some(*round),
                M::CastVote(cast) => Some(cast.round),
                _ => None,
            };
            if speaks_in.is_some_and(|round| !self.may_sign_in(round)) {
                continue;
            }
            let carried_out = match output {
                M::Propose(round, block, polka) => self.sign_proposal(round, block, polka, out),
                M::CastVote(cast) => self.sign_vote(cast, out),
                M::BuildBlock(round) => {
                    self.build(round, out);
                    Ok(())
                }
                M::InvalidDecision(certificate) => Err(Halt::InvalidDecision(certificate.height)),
                other => {
                    out.extend(self.pass_on(other));
                    Ok(())
                }
            };
            if let Err(halt) = carried_out {
                self.halted = true;
                return out.push(Output::Halt(halt));
            }
        }
    }

    /// What goes on to others as it is, with its height.
    fn pass_on(&mut self, output: round_machine::Output) -> Option<Output> {
        use round_machine::Output as M;
        let height = self.height;
        match output {
            M::EnterRound(round) => Some(Output::EnterRound(height, round)),
            M::Schedule(kind, round, ms) => Some(Output::Schedule(height, round, kind, ms)),
            M::Resend(round) => Some(Output::Resend(height, round)),
            M::Decide(block, certificate) => {
                self.decision = Some(Output::Decide(block, certificate));
                self.decision.clone()
            }
            M::BuildBlock(_) | M::Propose(..) | M::CastVote(_) | M::InvalidDecision(_) => None,
        }
    }

    fn committed(
        &mut self,
        now: Instant,
        validators: &ValidatorSchedule,
        time: Timestamp,
        out: &mut Vec<Output>,
    ) {
        if validators.height() <= self.height {
            return;
        }
        let set = validators.current().clone();
        self.height = validators.height();
        self.parent_time = time;
        self.clock_look_at = None;
        self.set = set.clone();
        if let Some(puller) = &mut self.puller {
            // Nobody is asked who has left, and whoever has come is.
            puller.set_peers(Driver::others(&self.config, &set));
        }
        self.machine = RoundMachine::new(self.height, self.config.me, set, self.config.timeouts);
        self.running = false;
        self.held = None;
        self.said.clear();
        self.joined = self.decision.take().is_none();
        self.recovered = None;
        self.pace(now, out);
        for input in std::mem::take(&mut self.early) {
            out.extend(self.step(now, input));
        }
    }

    fn tell_polka(&self, fact: &Fact, out: &mut Vec<Output>) {
        if let Fact::Polka(polka) = fact {
            out.push(Output::Polka(polka.clone()));
        }
    }

    fn keep_early(&mut self, height: Height, input: Input) {
        if height == self.height.next() && self.early.len() < EARLY_INPUTS_MAX {
            self.early.push(input);
        }
    }

    fn announce(&self, out: &mut Vec<Output>) {
        if self.running {
            out.push(Output::EnterRound(self.height, self.machine.round()));
        }
        out.extend(self.said.iter().cloned());
        out.extend(self.decision.clone());
    }

    /// The height under decision.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The current round.
    pub fn round(&self) -> Round {
        self.machine.round()
    }

    /// The current step, or `None` between two heights.
    pub fn current_step(&self) -> Option<Step> {
        self.running.then(|| self.machine.current_step())
    }

    /// Whether this node has stopped voting for good.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// The lock, valid value and step, for the simulator's checks.
    pub fn round_machine(&self) -> &RoundMachine {
        &self.machine
    }
}
