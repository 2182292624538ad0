//! The reference node: Malachite's driver behind inputs and outputs that belong to neither side.
//!
//! The driver alone is not a node. Its owner must answer each `NewRound` with the proposer of that
//! round, and must hand a node's own proposals and votes back to it. [`Reference::apply`] does so
//! depth first, as Malachite's own engine does, and returns everything in the order of its causes.
//! The owner also drops what the driver does not expect: votes it holds already, timeouts of other
//! rounds, a built value nobody waits for.
//!
//! Left out on purpose: Malachite's engine forgets the votes of earlier rounds once it precommits a
//! value. The paper keeps them, and with them the late decision of an old round (L49).

use arc_malachitebft_core_driver as driver;
use arc_malachitebft_core_types as types;
use driver::{Driver, ThresholdParams};
use types::{Context, NilOrVal, Round, SignedMessage, Timeout, Validity, VoteType};

use crate::ctx::{self, Ctx};
use crate::neutral::{Held, Input, Output, Timer};

/// One validator of one height, run by the reference driver.
pub(crate) struct Reference {
    driver: Driver<Ctx>,
    set: ctx::ValidatorSet,
    height: ctx::Height,
    me: ctx::Address,
}

impl Reference {
    /// Validator `me` of a set with these powers.
    pub(crate) fn new(powers: &[u64], me: usize, height: u64) -> Self {
        let set = ctx::ValidatorSet::new(powers);
        let height = ctx::Height(height);
        let me = address(me);
        let thresholds = ThresholdParams::default();
        let driver = Driver::new(Ctx, height, set.clone(), me, thresholds);
        Self {
            driver,
            set,
            height,
            me,
        }
    }

    /// Lets one thing happen and returns all that follows from it, own messages included.
    pub(crate) fn apply(&mut self, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        if let Some(input) = self.admit(input) {
            self.process(input, &mut outputs);
        }
        outputs
    }

    /// The round the node stands in; none before the start.
    pub(crate) fn round(&self) -> Option<u32> {
        self.driver.round().as_u32()
    }

    /// Locked value and round.
    pub(crate) fn locked(&self) -> Held {
        self.driver.round_state().locked.as_ref().map(pair)
    }

    /// Valid value and round.
    pub(crate) fn valid(&self) -> Held {
        self.driver.round_state().valid.as_ref().map(pair)
    }

    /// Translates an input, or drops what the owner of the driver must not pass on.
    fn admit(&self, input: Input) -> Option<driver::Input<Ctx>> {
        use VoteType::{Precommit, Prevote};
        if input == Input::StartHeight {
            assert_eq!(self.round(), None, "a height starts once");
            return Some(self.start_round(Round::ZERO));
        }
        assert!(
            self.round().is_some(),
            "the driver has no proposer before its first round"
        );
        match input {
            Input::StartHeight => None,
            Input::Proposal {
                round,
                value,
                pol_round,
                valid,
            } => Some(self.proposal(round, value, pol_round, Validity::from_bool(valid))),
            Input::Prevote {
                validator,
                round,
                value,
            } => self.vote(Prevote, validator, round, value),
            Input::Precommit {
                validator,
                round,
                value,
            } => self.vote(Precommit, validator, round, value),
            Input::TimeoutPropose(round) => self.timeout(Timeout::propose(Round::new(round))),
            Input::TimeoutPrevote(round) => self.timeout(Timeout::prevote(Round::new(round))),
            Input::TimeoutPrecommit(round) => self.timeout(Timeout::precommit(Round::new(round))),
            Input::BuiltValue { round, value } => self.built(Round::new(round), value),
        }
    }

    /// Runs the driver and whatever its outputs call for.
    fn process(&mut self, input: driver::Input<Ctx>, outputs: &mut Vec<Output>) {
        let produced = self
            .driver
            .process(input)
            .expect("a well-formed input of this height");
        for output in produced {
            outputs.push(neutral(&output));
            if let Some(next) = self.feed_back(output) {
                self.process(next, outputs);
            }
        }
    }

    /// What the driver must hear next because of its own output.
    fn feed_back(&self, output: driver::Output<Ctx>) -> Option<driver::Input<Ctx>> {
        use driver::{Input, Output};
        match output {
            Output::NewRound(_, round) => Some(self.start_round(round)),
            Output::Propose(proposal) => Some(Input::Proposal(
                SignedMessage::new(proposal, ()),
                Validity::Valid,
            )),
            Output::Vote(vote) => Some(Input::Vote(SignedMessage::new(vote, ()))),
            Output::Decide(..) | Output::ScheduleTimeout(_) | Output::GetValue(..) => None,
        }
    }

    fn start_round(&self, round: Round) -> driver::Input<Ctx> {
        driver::Input::NewRound(self.height, round, self.proposer(round))
    }

    fn proposer(&self, round: Round) -> ctx::Address {
        *types::Validator::address(Ctx.select_proposer(&self.set, self.height, round))
    }

    fn proposal(
        &self,
        round: u32,
        value: u64,
        pol_round: Option<u32>,
        validity: Validity,
    ) -> driver::Input<Ctx> {
        let round = Round::new(round);
        let (value, pol_round) = (ctx::Value(value), Round::from(pol_round));
        let proposer = self.proposer(round);
        let proposal = Ctx.new_proposal(self.height, round, value, pol_round, proposer);
        driver::Input::Proposal(SignedMessage::new(proposal, ()), validity)
    }

    /// A vote, unless the driver holds the very same one.
    fn vote(
        &self,
        kind: VoteType,
        validator: usize,
        round: u32,
        value: Option<u64>,
    ) -> Option<driver::Input<Ctx>> {
        let vote = ctx::Vote {
            kind,
            height: self.height,
            round: Round::new(round),
            value: value.map_or(NilOrVal::Nil, NilOrVal::Val),
            voter: address(validator),
        };
        let vote = SignedMessage::new(vote, ());
        (!self.driver.votes().has_vote(&vote)).then_some(driver::Input::Vote(vote))
    }

    fn timeout(&self, timeout: Timeout) -> Option<driver::Input<Ctx>> {
        let current = timeout.round == self.driver.round();
        current.then_some(driver::Input::TimeoutElapsed(timeout))
    }

    /// A block of our own. The driver asserts that only the current proposer hands one in.
    fn built(&self, round: Round, value: u64) -> Option<driver::Input<Ctx>> {
        let ours = round == self.driver.round() && self.proposer(round) == self.me;
        ours.then_some(driver::Input::ProposeValue(round, ctx::Value(value)))
    }
}

fn address(validator: usize) -> ctx::Address {
    ctx::Address(u8::try_from(validator).expect("a test has few validators"))
}

fn number(round: Round) -> u32 {
    round.as_u32().expect("outputs belong to a round")
}

fn pair(held: &RoundValue) -> (u64, u32) {
    (held.value.0, number(held.round))
}

type RoundValue = arc_malachitebft_core_state_machine::state::RoundValue<ctx::Value>;

fn neutral(output: &driver::Output<Ctx>) -> Output {
    use driver::Output as From;
    match output {
        From::NewRound(_, round) => Output::NewRound(number(*round)),
        From::Propose(proposal) => Output::Propose {
            round: number(proposal.round),
            value: proposal.value.0,
            pol_round: proposal.pol_round.as_u32(),
        },
        From::Vote(vote) => neutral_vote(vote),
        From::Decide(_, proposal) => Output::Decide {
            round: number(proposal.round),
            value: proposal.value.0,
        },
        From::ScheduleTimeout(timeout) => {
            Output::ScheduleTimeout(timer(timeout.kind), number(timeout.round))
        }
        From::GetValue(_, round, _) => Output::GetValue(number(*round)),
    }
}

fn neutral_vote(vote: &ctx::Vote) -> Output {
    let round = number(vote.round);
    let value = match vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(value) => Some(value),
    };
    match vote.kind {
        VoteType::Prevote => Output::Prevote { round, value },
        VoteType::Precommit => Output::Precommit { round, value },
    }
}

fn timer(kind: types::TimeoutKind) -> Timer {
    match kind {
        types::TimeoutKind::Propose => Timer::Propose,
        types::TimeoutKind::Prevote => Timer::Prevote,
        types::TimeoutKind::Precommit => Timer::Precommit,
        other => panic!("the driver schedules no {other:?}"),
    }
}
