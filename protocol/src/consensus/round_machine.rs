//! The upon-rules L11–L67 of Tendermint (Algorithm 1, arXiv 1807.04938) for one height, with E1,
//! E3, E4, E8, E9, E11 and E12, over facts instead of messages.
//!
//! The machine neither signs nor counts votes: the tally says which quorums exist, the driver signs
//! what the machine wants to say. A lock is never dropped, only overwritten by L36.
//!
//! Among enabled rules the order is fixed, so that a replay takes the same path: L49, L36, L44, E3,
//! L28, L22, E4, L34, L47, E11, L55, E8.
use super::facts::{CheckedProposal, Fact, Verdict};
use super::timeouts::{TimeoutKind, Timeouts};
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::vote::VoteKind;
use crate::types::{Address, BlockId, Height, Round};
use crate::validators::set::ValidatorSet;
use std::sync::Arc;

mod extensions;
#[cfg(feature = "mutants")]
mod planted;
mod rules;
#[cfg(test)]
mod tests;

use extensions::NilRounds;
use rules::Log;

/// Where this node stands within a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Waiting for (or making) the proposal.
    Propose,
    /// Has prevoted.
    Prevote,
    /// Has precommitted.
    Precommit,
}

/// The lock: a value that this node has precommitted, and the round of its polka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The value.
    pub block_id: BlockId,
    /// The round of the polka.
    pub round: Round,
}

/// The newest value with a polka that this node knows: what it would propose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidValue {
    /// The value.
    pub block: Arc<SealedBlock>,
    /// The polka; its round is the valid round.
    pub polka: Arc<PolkaCertificate>,
}

impl ValidValue {
    /// The proposal that the polka answered.
    fn as_proposed(&self) -> CheckedProposal {
        CheckedProposal {
            round: self.polka.round,
            valid_round: self.polka.valid_round,
            block: self.block.clone(),
            verdict: Verdict::Valid,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin this round (L11).
    StartRound(Round),
    /// A checked proposal of another validator.
    Proposal(CheckedProposal),
    /// The block that [`Output::BuildBlock`] asked for.
    BlockBuilt(Round, Arc<SealedBlock>),
    /// The tally found a quorum.
    Fact(Fact),
    /// A timer that [`Output::Schedule`] asked for.
    Timeout(TimeoutKind, Round),
    /// E12: what made rounds fail is over, so their row is, and its pause.
    RowOver,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A new round began.
    EnterRound(Round),
    /// Build a new block for this round: it is my turn and I know no valid value.
    BuildBlock(Round),
    /// Sign and send PROPOSAL(h, r, v, vr). Counts as my prevote (E1).
    Propose(Round, Arc<SealedBlock>, Option<Arc<PolkaCertificate>>),
    /// Sign and send a prevote or precommit.
    CastVote(CastVote),
    /// Set a timer.
    Schedule(TimeoutKind, Round, u64),
    /// E6: send again what this round holds.
    Resend(Round),
    /// L49: the height is decided.
    Decide(Arc<SealedBlock>, Arc<CommitCertificate>),
    /// Q precommitted a block that is not valid here: more than f validators are faulty, or this
    /// node executes differently. It must stop voting.
    InvalidDecision(Arc<CommitCertificate>),
}

/// A vote that the rules want to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CastVote {
    /// The phase.
    pub kind: VoteKind,
    /// The round.
    pub round: Round,
    /// `None` is nil.
    pub block_id: Option<BlockId>,
    /// E9: the proposal's valid round, in a prevote for a value.
    pub valid_round: Option<Round>,
    /// The lock that goes to disk with a precommit for a value.
    pub lock: Option<ValidValue>,
}

/// What a validator takes up again after a restart.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The round of the newest own signature.
    pub round: Round,
    /// What was signed last; [`Step::Propose`] is the own proposal, which is then given.
    pub step: Step,
    /// The lock (at that moment also the valid value), if there was one.
    pub lock: Option<ValidValue>,
    /// The own proposal of that round, if there was one.
    pub proposal: Option<CheckedProposal>,
}

/// Which rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// With the extensions E1, E3, E4, E7 to E12: what nodes run.
    Extended,
    /// Algorithm 1 to the letter: what the differential test against another implementation runs.
    Paper,
}

/// The state of one height.
#[derive(Clone, Debug)]
pub struct RoundMachine {
    rules: Rules,
    height: Height,
    me: Address,
    set: Arc<ValidatorSet>,
    timeouts: Timeouts,
    round: Round,
    step: Step,
    locked: Option<Locked>,
    valid: Option<ValidValue>,
    decided: bool,
    log: Log,
    first: FirstTimes,
    nil_rounds: NilRounds,
}

/// The "first time" guards, reset with every round.
#[derive(Clone, Copy, Debug, Default)]
struct FirstTimes {
    prevote_timeout: bool,
    precommit_timeout: bool,
    polka: bool,
    own_proposal: bool,
    pause: bool,
}

impl RoundMachine {
    /// A height that has not begun; [`Input::StartRound`] begins it.
    pub fn new(
        height: Height,
        me: Address,
        set: Arc<ValidatorSet>,
        timeouts: Timeouts,
    ) -> RoundMachine {
        RoundMachine {
            rules: Rules::Extended,
            height,
            me,
            set,
            timeouts,
            round: Round::ZERO,
            step: Step::Propose,
            locked: None,
            valid: None,
            decided: false,
            log: Log::default(),
            first: FirstTimes::default(),
            nil_rounds: NilRounds::default(),
        }
    }

    /// The same height under other rules.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> RoundMachine {
        self.rules = rules;
        self
    }

    /// Takes up a height where the sign record left it: same round, same step, same lock.
    pub fn resume(mut self, resume: Resume) -> (RoundMachine, Vec<Output>) {
        self.round = resume.round;
        self.step = resume.step;
        if let Some(value) = resume.lock {
            self.log.add_proposal(value.as_proposed());
            self.log.polkas.push(value.polka.clone());
            let block_id = value.block.id();
            let round = value.polka.round;
            self.locked = Some(Locked { block_id, round });
            self.valid = Some(value);
        }
        let mut out = vec![Output::EnterRound(self.round)];
        if let Some(proposal) = resume.proposal {
            self.say_own_prevote(&proposal, &mut out);
            self.first.own_proposal = true;
            self.log.add_proposal(proposal);
        }
        self.schedule(TimeoutKind::Resend, &mut out);
        (self, out)
    }

    /// E1: the proposal was the prevote. It may be lost everywhere by now, and cannot always be
    /// sent again (its polka is not on disk), so the same prevote goes out as a vote: the value is
    /// the proposal's, and equal statements are no equivocation.
    fn say_own_prevote(&mut self, proposal: &CheckedProposal, out: &mut Vec<Output>) {
        if self.step == Step::Propose && self.rules == Rules::Extended {
            self.prevote(Some(proposal.block.id()), proposal.valid_round, out);
        }
    }

    /// Takes one input and says what to do, in order.
    pub fn step(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        if self.decided {
            return out;
        }
        match input {
            Input::StartRound(round) => self.start_round(round, &mut out),
            Input::Proposal(proposal) => self.log.add_proposal(proposal),
            Input::BlockBuilt(round, block) => self.block_built(round, block, &mut out),
            Input::Fact(fact) => {
                self.nil_rounds.hear(&fact);
                self.log.add_fact(fact);
            }
            Input::Timeout(kind, round) => self.timeout(kind, round, &mut out),
            Input::RowOver => self.end_row(&mut out),
        }
        self.apply_rules(&mut out);
        self.check_invariants();
        out
    }

    /// L11: round ← r, step ← Propose; the proposer proposes, the others set a timer.
    fn start_round(&mut self, round: Round, out: &mut Vec<Output>) {
        planted!(LockPerRound | StaleFirstTimes => return self.start_broken_round(round, out));
        self.round = round;
        self.step = Step::Propose;
        self.first = FirstTimes::default();
        self.log.forget_before(round, self.valid.as_ref());
        out.push(Output::EnterRound(round));
        self.schedule(TimeoutKind::Resend, out);
        if !self.is_proposer() || self.ends_in_nil(round) {
            return self.schedule(TimeoutKind::Propose, out);
        }
        // The newest polka of the rounds before goes first, whichever rule brought us here.
        while self.e8_older_polka(out) {}
        if !self.propose_again(out) {
            out.push(Output::BuildBlock(round));
            self.schedule(TimeoutKind::Propose, out);
        }
    }

    /// E3 leaves such a round at once, with a nil prevote: a proposal would contradict it (E1).
    fn ends_in_nil(&self, round: Round) -> bool {
        self.rules == Rules::Extended && self.log.nil_polkas.contains(&round)
    }

    fn block_built(&mut self, round: Round, block: Arc<SealedBlock>, out: &mut Vec<Output>) {
        let is_wanted = round == self.round && self.is_proposer() && !self.first.own_proposal;
        // A polka of an earlier round may have come to light meanwhile (E8): its value goes first.
        if is_wanted && !self.is_too_late() && !self.propose_again(out) {
            self.propose(block, None, out);
        }
    }

    /// The nil prevote is out, and a proposal would contradict it (E1).
    fn is_too_late(&self) -> bool {
        planted!(LateProposal => return false);
        self.step != Step::Propose
    }

    /// L15–L16: what has a polka is proposed again, never merely what is locked. Whether anything
    /// has one.
    fn propose_again(&mut self, out: &mut Vec<Output>) -> bool {
        planted!(ProposeAnew => return false);
        let Some(valid) = self.valid.clone() else {
            return false;
        };
        self.propose(valid.block, Some(valid.polka), out);
        true
    }

    /// L19. The own proposal is in the own log before any rule is tried again.
    fn propose(
        &mut self,
        block: Arc<SealedBlock>,
        polka: Option<Arc<PolkaCertificate>>,
        out: &mut Vec<Output>,
    ) {
        self.first.own_proposal = true;
        let valid_round = polka.as_ref().map(|polka| polka.round);
        let verdict = Verdict::Valid;
        let proposal = CheckedProposal {
            round: self.round,
            valid_round,
            block: block.clone(),
            verdict,
        };
        self.log.add_proposal(proposal);
        out.push(Output::Propose(self.round, block, polka));
    }

    /// L57, L61, L65: a timer of another round has no meaning any more.
    fn timeout(&mut self, kind: TimeoutKind, round: Round, out: &mut Vec<Output>) {
        #[cfg(feature = "mutants")]
        if planted::never_fires(kind) {
            return;
        }
        if round != self.round {
            return;
        }
        match (kind, self.step) {
            // L57
            (TimeoutKind::Propose, Step::Propose) => self.prevote(None, None, out),
            // L61
            (TimeoutKind::Prevote, Step::Prevote) => self.precommit_nil(out),
            // L65: in any step
            (TimeoutKind::Precommit, _) => self.start_round(round.next(), out),
            // E12
            (TimeoutKind::Pause, _) if self.first.pause => self.start_round(round.next(), out),
            // E6
            (TimeoutKind::Resend, _) => {
                out.push(Output::Resend(round));
                self.schedule(TimeoutKind::Resend, out);
            }
            _ => {}
        }
    }

    fn schedule(&self, kind: TimeoutKind, out: &mut Vec<Output>) {
        let ms = self.timeouts.after_ms(kind, self.round);
        out.push(Output::Schedule(kind, self.round, ms));
    }

    fn prevote(
        &mut self,
        block_id: Option<BlockId>,
        valid_round: Option<Round>,
        out: &mut Vec<Output>,
    ) {
        self.step = Step::Prevote;
        let kind = VoteKind::Prevote;
        let round = self.round;
        out.push(Output::CastVote(CastVote {
            kind,
            round,
            block_id,
            valid_round,
            lock: None,
        }));
    }

    fn precommit_nil(&mut self, out: &mut Vec<Output>) {
        self.precommit(None, out);
        planted!(PrecommitWithoutPolka => self.name_the_proposal(out));
    }

    /// For a value on which this node is locked now, or for nil.
    fn precommit(&mut self, lock: Option<ValidValue>, out: &mut Vec<Output>) {
        self.step = Step::Precommit;
        let kind = VoteKind::Precommit;
        let round = self.round;
        let valid_round = None;
        let block_id = lock.as_ref().map(|value| value.block.id());
        out.push(Output::CastVote(CastVote {
            kind,
            round,
            block_id,
            valid_round,
            lock,
        }));
    }

    /// Whether it is this node's turn in the current round.
    pub fn is_proposer(&self) -> bool {
        self.set.proposer(self.height, self.round) == self.me
    }

    /// The current round.
    pub fn round(&self) -> Round {
        self.round
    }

    /// The current step.
    pub fn current_step(&self) -> Step {
        self.step
    }

    /// The lock, if there is one.
    pub fn locked(&self) -> Option<Locked> {
        self.locked
    }

    /// The valid value, if there is one.
    pub fn valid(&self) -> Option<&ValidValue> {
        self.valid.as_ref()
    }

    fn check_invariants(&self) {
        if let Some(locked) = self.locked {
            let Some(valid) = &self.valid else {
                unreachable!("a lock is set together with the valid value")
            };
            assert!(
                valid.polka.round >= locked.round,
                "valid.round ≥ locked.round"
            );
            assert!(
                valid.polka.round > locked.round || valid.block.id() == locked.block_id,
                "equal rounds mean equal values"
            );
        }
    }
}
