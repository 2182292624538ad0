use super::*;
use crate::consensus::durable::{LockRecord, SignStep, SignedMessage};
use crate::consensus::facts::Verdict;
use crate::consensus::testkit::{Cast, H, NEXT, block, checked};
use crate::nouns::proposal::Proposal;
use crate::nouns::vote::{Vote, VoteKind};
use crate::types::BlockId;
use crate::validators::set::ValidatorIndex;

mod arriving;
mod clocks;
mod crash;
mod durable;
mod heights;
mod observing;
mod pacing;
mod pulling;
mod standing;

/// One of four validators at height 5, whose turns are 1, 2, 3, 0.
struct Node {
    cast: Cast,
    driver: Driver,
    now: Instant,
}

/// Whose turn it is in round 0 of height 5, and of height 6.
const PROPOSER: ValidatorIndex = 1;
const PROPOSER_OF_NEXT: ValidatorIndex = 2;

fn config(cast: &Cast, me: ValidatorIndex, pacing: Pacing) -> DriverConfig {
    DriverConfig {
        context: cast.context,
        me: cast.address(me),
        signer: cast.signer(me),
        timeouts: Timeouts::DEVNET,
        pacing,
        last_height: None,
        pull_patience_ms: None,
    }
}

/// It has nothing to wait for: most tests are about what comes after that.
fn long_arrived(mut driver: Driver) -> Driver {
    driver.arrival = Some(at(Height(0)));
    driver
}

/// Everything after this height may be signed.
fn at(committed: Height) -> Arrival {
    from(committed, 0)
}

/// … and of the next height the rounds from this one on.
fn from(committed: Height, first_round: u32) -> Arrival {
    Arrival {
        first_round: Round(first_round),
        ..Arrival::free_after(committed)
    }
}

impl Node {
    /// Not started yet.
    fn new(me: ValidatorIndex, pacing: Pacing) -> Node {
        Node::recovered(me, pacing, Recovery::default())
    }

    fn recovered(me: ValidatorIndex, pacing: Pacing, recovery: Recovery) -> Node {
        Node::with(recovery, |cast| config(cast, me, pacing))
    }

    fn with(recovery: Recovery, config: impl Fn(&Cast) -> DriverConfig) -> Node {
        let cast = Cast::of(4);
        let driver = Driver::new(config(&cast), &cast.schedule(H), recovery);
        let driver = long_arrived(driver);
        let now = Instant(0);
        Node { cast, driver, now }
    }

    /// Running in round 0 of height 5.
    fn running(me: ValidatorIndex) -> Node {
        let mut node = Node::new(me, Pacing::Interval(0));
        assert!(entered(&node.step(Input::Start)).is_some());
        node
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        self.driver.step(self.now, input)
    }

    fn propose(&mut self, r: u32, block: &Arc<SealedBlock>) -> Vec<Output> {
        let proposal = checked(r, block, Verdict::Valid);
        self.step(Input::Proposal(block.height(), proposal))
    }

    fn polka(&self, block: &SealedBlock, r: u32) -> Fact {
        Fact::Polka(Arc::new(self.cast.polka(block, r, &[0, 1, 2])))
    }

    fn commit(&self, block: &SealedBlock, r: u32) -> Fact {
        Fact::Commit(Arc::new(self.cast.commit(block, r, &[0, 1, 2])))
    }

    fn fact(&mut self, fact: Fact) -> Vec<Output> {
        let height = self.driver.height();
        self.step(Input::Fact(height, fact))
    }

    fn persisted(&mut self, r: u32, step: SignStep) -> Vec<Output> {
        self.step(Input::Persisted((H, Round(r), step)))
    }

    fn committed(&mut self, height: Height) -> Vec<Output> {
        let validators = self.cast.schedule(height.next());
        self.step(Input::Committed(validators, Timestamp(0)))
    }
}

fn persists(out: &[Output]) -> Vec<&Persist> {
    out.iter()
        .filter_map(|output| match output {
            Output::Persist(persist) => Some(&**persist),
            _ => None,
        })
        .collect()
}

/// The only write among these outputs.
fn persist(out: &[Output]) -> &Persist {
    match persists(out)[..] {
        [persist] => persist,
        _ => panic!("not one write: {out:?}"),
    }
}

fn sends(out: &[Output]) -> Vec<SignedMessage> {
    out.iter()
        .filter_map(|output| match output {
            Output::SendProposal(p) => Some(SignedMessage::Proposal(p.proposal.clone())),
            Output::SendVote(vote) => Some(SignedMessage::Vote(SignedVote::clone(vote))),
            _ => None,
        })
        .collect()
}

fn entered(out: &[Output]) -> Option<(Height, Round)> {
    out.iter().find_map(|output| match output {
        Output::EnterRound(height, round) => Some((*height, *round)),
        _ => None,
    })
}

fn decided(out: &[Output]) -> Option<BlockId> {
    out.iter().find_map(|output| match output {
        Output::Decide(block, _) => Some(block.id()),
        _ => None,
    })
}

fn vote_of(message: &SignedMessage) -> &Vote {
    match message {
        SignedMessage::Vote(vote) => &vote.vote,
        SignedMessage::Proposal(_) => panic!("not a vote: {message:?}"),
    }
}
