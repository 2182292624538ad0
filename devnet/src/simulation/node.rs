//! One validator: the brains, a mailbox for each, and a disk, wired as the actors are.
//!
//! A brain handles one message at a time; which brain of which node is next, the world draws. A
//! brain that dies loses the message in hand and is rebuilt from disk; its mailbox stays.
use super::brain::Brain;
use super::disk::{Disk, Write};
use super::message::Payload;
use super::random::Random;
use super::users::Users;
use lockstep_protocol::consensus::catch_up::{self, Arrival, CatchUp, CatchUpConfig};
use lockstep_protocol::consensus::committer::{self as brain, Committer};
use lockstep_protocol::consensus::driver::{self, Driver, DriverConfig};
use lockstep_protocol::consensus::durable::Position;
use lockstep_protocol::consensus::proposals::{self, Proposals};
use lockstep_protocol::consensus::tally::{self, Tally};
use lockstep_protocol::consensus::timeouts::TimeoutKind;
use lockstep_protocol::ledger::{ChainRules, CommitBatch, Ledger};
use lockstep_protocol::nouns::commit::PolkaCertificate;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::proposal::ProposedBlock;
use lockstep_protocol::nouns::standing::{Nonce, Question};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Hash, Height, Instant, Round, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

mod committer;
mod compact;
mod life;
mod pulling;
mod routing;
mod standing;

/// What a timer was set for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TimerMail {
    /// How often the driver had cancelled its timers before, and what this one is for.
    Timeout(u32, Height, Round, TimeoutKind),
    Wake(Height),
    CatchUp,
    Pull,
    Greet,
}

/// A message to one peer, or to all.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) to: Option<usize>,
    pub(crate) payload: Payload,
    /// Signed by this node and said for the first time, or again after a restart; not a relay.
    pub(crate) own: bool,
}

/// What a node wants from the world after one message.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) ready: Vec<Brain>,
    pub(crate) sends: Vec<Send>,
    pub(crate) timers: Vec<(Brain, TimerMail, u64)>,
    pub(crate) committed: Vec<Arc<CommitBatch>>,
    /// Rounds that the driver has entered.
    pub(crate) entered: Vec<(Height, Round)>,
    pub(crate) evidence: Vec<Evidence>,
    /// Durable.
    pub(crate) kept: Vec<Evidence>,
    /// Second decisions that it tells people about: their heights.
    pub(crate) forks: Vec<Height>,
    /// For whoever looks for the makers of a fork.
    pub(crate) polkas: Vec<Arc<PolkaCertificate>>,
    pub(crate) troubles: Vec<String>,
    /// The driver has been shown a message of its key that this node has not signed.
    pub(crate) key_seen_elsewhere: bool,
    /// The node has begun; whether its disk remembers that.
    pub(crate) began: Option<bool>,
}

impl Effects {
    /// A message that says nothing new with this node's signature, to one peer or to all.
    fn send(&mut self, to: Option<usize>, payload: Payload) {
        let own = false;
        self.sends.push(Send { to, payload, own });
    }
}

/// What does not change while the world lasts.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) driver: DriverConfig,
    /// Whose key each node has.
    pub(crate) addresses: Arc<[Address]>,
    pub(crate) rules: Arc<ChainRules>,
    /// Whether messages of the own key that were not signed here stop it.
    pub(crate) looks_for_own: bool,
    /// E4's T_silent.
    pub(crate) silent_after_ms: u64,
    /// How long one height behind is nothing to act on.
    pub(crate) grace_ms: u64,
    /// How long a node that has started waits for all others.
    pub(crate) arrival_wait_ms: u64,
    /// Whether an operator would vouch for its disk: not for one that is put back.
    pub(crate) is_rearmed: bool,
    /// The most blocks in one sync answer.
    pub(crate) sync_blocks_max: usize,
    pub(crate) users: Users,
}

impl Setup {
    /// Nothing is encoded here, so only blocks are counted.
    fn catch_up(&self) -> CatchUpConfig {
        let range_blocks_max = self.sync_blocks_max as u64;
        CatchUpConfig {
            me: self.driver.me,
            grace_ms: self.grace_ms,
            range_blocks_max,
            answer_bytes_max: 0,
            answer_bytes_full: usize::MAX,
            window_blocks_max: 4 * range_blocks_max,
            window_bytes_max: 0,
            arrival_wait_ms: self.arrival_wait_ms,
            is_rearmed: self.is_rearmed,
        }
    }
}

#[derive(Default)]
pub(super) struct Mailboxes {
    driver: VecDeque<driver::Input>,
    tally: VecDeque<tally::Input>,
    proposals: VecDeque<ToProposals>,
    pub(super) committer: VecDeque<committer::Input>,
    catch_up: VecDeque<catch_up::Input>,
}

/// What the brain of the Proposer is shown.
enum ToProposals {
    /// A proposal whose block has yet to come.
    Screen(Arc<ProposedBlock>),
    Step(proposals::Input),
}

/// The living part of a node.
pub(super) struct Brains {
    /// `None` while it waits for its sign record.
    driver: Option<Driver>,
    tally: Tally,
    proposals: Proposals,
    pub(super) committer: Committer,
    catch_up: CatchUp,
}

/// The two clocks of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    pub(crate) monotonic: Instant,
    pub(crate) wall: Timestamp,
}

/// A validator.
pub(crate) struct Node {
    pub(crate) setup: Setup,
    pub(crate) disk: Disk,
    pub(crate) lives: [u32; Brain::ALL.len()],
    pub(crate) life: u32,
    pub(super) brains: Option<Brains>,
    pub(super) mail: Mailboxes,
    /// How often the driver has cancelled its timers.
    timers: u32,
    /// The newest position that this life of the node has signed, durable or not.
    signed: Option<Position>,
    /// Since when this life of the node has arrived.
    pub(crate) arrival: Option<Arrival>,
    /// What this life has asked the others, and not been answered yet.
    asked: BTreeMap<Nonce, Arc<Question>>,
    /// Who has asked this node, and waits until it has looked at what came before.
    askers: Vec<(usize, Arc<Question>)>,
    /// Transactions that were passed on to this node, the newest ones.
    heard: VecDeque<(Hash, Arc<Transaction>)>,
    pub(super) random: Random,
}

impl Node {
    pub(crate) fn new(setup: Setup, disk: Disk, random: Random) -> Node {
        Node {
            setup,
            disk,
            lives: [0; Brain::ALL.len()],
            life: 0,
            brains: None,
            mail: Mailboxes::default(),
            timers: 0,
            signed: None,
            arrival: None,
            asked: BTreeMap::new(),
            askers: Vec::new(),
            heard: VecDeque::new(),
            random,
        }
    }

    /// Whether the node runs.
    pub(crate) fn is_up(&self) -> bool {
        self.brains.is_some()
    }

    /// Whether this life of that brain is the current one.
    pub(crate) fn is_current(&self, brain: Brain, life: u32) -> bool {
        self.is_up() && self.lives[brain as usize] == life
    }

    /// The round that the driver is in.
    pub(crate) fn place(&self) -> Option<String> {
        let driver = self.brains.as_ref()?.driver.as_ref()?;
        let (height, round) = (driver.height(), driver.round());
        let machine = driver.round_machine();
        let locked = machine.locked();
        let valid = machine.valid().map(|v| v.polka.round);
        Some(format!(
            "height {height} round {round} step {:?} locked {locked:?} valid {valid:?}",
            driver.current_step()
        ))
    }

    /// The node that has this key: the first, if there are two.
    fn index(&self, address: &Address) -> Option<usize> {
        self.setup.addresses.iter().position(|a| a == address)
    }

    fn address(&self, index: usize) -> Address {
        let address = self.setup.addresses.get(index);
        address.copied().unwrap_or_default()
    }

    /// Lets one brain handle its next message. Whether more wait, or `None` if none did.
    pub(crate) fn handle(
        &mut self,
        brain: Brain,
        clocks: Clocks,
        out: &mut Effects,
    ) -> Option<bool> {
        let brains = self.brains.as_mut()?;
        let now = clocks.monotonic;
        match brain {
            Brain::Driver => {
                let driver = brains.driver.as_mut()?;
                let input = self.mail.driver.pop_front()?;
                let more = !self.mail.driver.is_empty();
                if let driver::Input::OwnSeen(position) = &input {
                    let signed = self.signed.max(self.disk.durable.recovery_position());
                    let is_old = |it: Arrival| it.may_have_signed(position.0, position.1);
                    let is_new = self.arrival.is_some_and(|it| !is_old(it));
                    out.key_seen_elsewhere |= Some(*position) > signed && is_new;
                }
                driver.see_clock(clocks.wall);
                let outputs = driver.step(now, input);
                self.route_driver(outputs, out);
                Some(more)
            }
            Brain::Tally => {
                let input = self.mail.tally.pop_front()?;
                let more = !self.mail.tally.is_empty();
                let outputs = brains.tally.step(now, input);
                self.route_tally(outputs, out);
                self.answer_askers(clocks, out);
                Some(more)
            }
            Brain::Proposals => {
                let input = self.mail.proposals.pop_front()?;
                self.handle_proposal(input, clocks, out);
                self.answer_askers(clocks, out);
                Some(!self.mail.proposals.is_empty())
            }
            Brain::Committer => self.handle_committer(clocks, out),
            Brain::CatchUp => {
                let input = self.mail.catch_up.pop_front()?;
                let more = !self.mail.catch_up.is_empty();
                let outputs = brains.catch_up.step(now, input);
                self.route_catch_up(outputs, out);
                Some(more)
            }
        }
    }

    /// The block of a proposal is only read if its head passes the screen.
    fn handle_proposal(&mut self, input: ToProposals, clocks: Clocks, out: &mut Effects) {
        let Some(brains) = self.brains.as_mut() else {
            return;
        };
        let (message, outputs) = match input {
            ToProposals::Screen(message) => {
                let head = Box::new(message.proposal.clone());
                let screen = proposals::Input::Screen(head);
                let outputs = brains.proposals.step(clocks.wall, screen);
                (Some(message), outputs)
            }
            ToProposals::Step(input) => (None, brains.proposals.step(clocks.wall, input)),
        };
        let refuses = |output: &_| matches!(output, proposals::Output::Admission(_));
        let passed = message.filter(|_| !outputs.iter().any(refuses));
        self.route_proposals(outputs, out);
        if let Some(message) = passed {
            let received = proposals::Input::Received(message);
            self.mail.proposals.push_back(ToProposals::Step(received));
        }
    }

    /// A sync of the disk is over: report what it made durable.
    pub(crate) fn synced(&mut self, clocks: Clocks, out: &mut Effects) {
        let mut reported = self.disk.durable.height();
        for write in self.disk.end_sync() {
            match write {
                Write::Sign(persist) => {
                    let position = persist.signed.position();
                    self.post_driver(driver::Input::Persisted(position), out);
                }
                Write::Commit(batch) if batch.block.height() > reported => {
                    reported = batch.block.height();
                    self.committed(&batch, out);
                }
                Write::Commit(_) | Write::DistrustKey | Write::Fork(_) | Write::Forget(_) => {}
                Write::Evidence(evidence, _) => {
                    out.kept.push((*evidence).clone());
                    self.post_committer(brain::Input::EvidenceFound(evidence), out);
                }
                Write::ReadSignRecord(life) => self.revive_driver(life, clocks, out),
            }
        }
    }

    /// BlockCommitted → all.
    fn committed(&mut self, batch: &Arc<CommitBatch>, out: &mut Effects) {
        let validators = batch.validators.clone();
        out.committed.push(batch.clone());
        self.post_committer(brain::Input::Stored(vec![batch.clone()]), out);
        let time = batch.block.header().time;
        self.post_driver(driver::Input::Committed(validators.clone(), time), out);
        self.post_tally(tally::Input::EnterHeight(validators.clone()), out);
        let enter = proposals::Input::EnterHeight(validators.clone());
        self.post_proposals(enter, out);
        self.post_catch_up(catch_up::Input::Committed(validators), out);
    }

    fn new_ledger(&self) -> Ledger {
        let durable = &self.disk.durable;
        let rules = self.setup.rules.clone();
        let (state, head) = (durable.state.clone(), durable.head.clone());
        Ledger::new(rules, state, head).expect("memory reads")
    }
}
