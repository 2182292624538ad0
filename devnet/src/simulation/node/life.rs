//! How a node and its brains begin, die and come back.
use super::{Brain, Brains, Clocks, Effects, Mailboxes, Node};
use crate::simulation::disk::Write;
use lockstep_actors::limits::WAITING_BLOCKS_MAX;
use lockstep_protocol::consensus::catch_up::CatchUp;
use lockstep_protocol::consensus::committer::{self as brain, Committer, CommitterConfig, Kept};
use lockstep_protocol::consensus::driver::{Driver, Signing};
use lockstep_protocol::consensus::proposals::Proposals;
use lockstep_protocol::consensus::tally::Tally;
use lockstep_protocol::consensus::trusted::TrustedBlock;
use lockstep_protocol::consensus::{catch_up, driver, proposals};
use lockstep_protocol::planted;
use lockstep_protocol::types::Height;

impl Node {
    /// Starts the node from its disk, as the supervisor does.
    pub(crate) fn start(&mut self, clocks: Clocks, out: &mut Effects) {
        if self.is_up() {
            return;
        }
        self.life += 1;
        self.lives = self.lives.map(|life| life + 1);
        let driver = Some(self.new_driver());
        let brains = Brains {
            driver,
            tally: self.new_tally(),
            proposals: self.new_proposals(),
            committer: self.new_committer(),
            catch_up: self.new_catch_up(),
        };
        self.brains = Some(brains);
        self.setup.users.wishes.begun(&self.setup.driver.me);
        out.began = Some(self.disk.durable.distrusts_key);
        self.start_driver(clocks, out);
        self.post_catch_up(catch_up::Input::Retell, out);
        self.greet(out);
        self.restore_committer(out);
    }

    /// Kills the node: mailboxes and unsynced writes are lost.
    pub(crate) fn crash(&mut self) {
        if self.brains.take().is_some() {
            self.setup.users.wishes.ended(&self.setup.driver.me);
        }
        self.mail = Mailboxes::default();
        self.signed = None;
        self.arrival = None;
        self.asked.clear();
        self.askers.clear();
        self.heard.clear();
        self.disk.crash(&mut self.random);
    }

    /// Whether it has met its key elsewhere, and says nothing any more.
    pub(crate) fn has_stopped_signing(&self) -> bool {
        let driver = self
            .brains
            .as_ref()
            .and_then(|brains| brains.driver.as_ref());
        self.disk.durable.distrusts_key || driver.is_some_and(Driver::is_halted)
    }

    /// Kills one brain in the middle of a message, and rebuilds it as its actor would.
    pub(crate) fn crash_brain(&mut self, brain: Brain, out: &mut Effects) {
        let Some(mut brains) = self.brains.take() else {
            return;
        };
        self.lives[brain as usize] += 1;
        match brain {
            Brain::Driver => brains.driver = None,
            Brain::Tally => brains.tally = self.new_tally(),
            Brain::Proposals => brains.proposals = self.new_proposals(),
            Brain::Committer => brains.committer = self.new_committer(),
            Brain::CatchUp => brains.catch_up = self.new_catch_up(),
        }
        self.brains = Some(brains);
        match brain {
            Brain::Driver => {
                // The record is read behind all writes before it: what the old driver has signed
                // is then durable, and known to the new one.
                self.mail.driver.pop_front();
                let life = self.lives[Brain::Driver as usize];
                return self.disk.write(Write::ReadSignRecord(life));
            }
            Brain::CatchUp => {
                self.mail.catch_up.pop_front();
                self.post_catch_up(catch_up::Input::Retell, out);
                return self.greet(out);
            }
            Brain::Tally => _ = self.mail.tally.pop_front(),
            Brain::Proposals => _ = self.mail.proposals.pop_front(),
            Brain::Committer => {
                self.mail.committer.pop_front();
                self.restore_committer(out);
                self.post_proposals(proposals::Input::AskAgain, out);
            }
        }
        self.post_driver(driver::Input::Announce, out);
    }

    /// What was kept on disk for it.
    fn restore_committer(&mut self, out: &mut Effects) {
        let kept = Kept {
            evidence: self.disk.durable.evidence(),
            forks: self.disk.durable.forks(),
            has_halted: false,
        };
        if let Some(brains) = self.brains.as_mut() {
            let restored = brain::Input::Restored(kept);
            let outputs = brains.committer.step(&self.disk.durable, restored);
            self.route_committer(outputs, out);
        }
    }

    pub(super) fn revive_driver(&mut self, life: u32, clocks: Clocks, out: &mut Effects) {
        if !self.is_current(Brain::Driver, life) {
            return;
        }
        let driver = self.new_driver();
        if let Some(brains) = self.brains.as_mut() {
            brains.driver = Some(driver);
        }
        out.ready.push(Brain::Driver);
        self.start_driver(clocks, out);
        self.post_catch_up(catch_up::Input::Retell, out);
    }

    fn start_driver(&mut self, clocks: Clocks, out: &mut Effects) {
        let driver = self
            .brains
            .as_mut()
            .and_then(|brains| brains.driver.as_mut());
        if let Some(driver) = driver {
            driver.see_clock(clocks.wall);
            let outputs = driver.step(clocks.monotonic, driver::Input::Start);
            self.route_driver(outputs, out);
        }
    }

    fn new_driver(&self) -> Driver {
        let durable = &self.disk.durable;
        let config = self.setup.driver.clone();
        let driver = Driver::new(config, &durable.validators, durable.recovery());
        let driver = driver.after(durable.head.time);
        planted!(ForeignKeyForgotten => return driver);
        if durable.distrusts_key {
            return driver.with_signing(Signing::Never);
        }
        driver
    }

    fn new_tally(&self) -> Tally {
        let context = self.setup.rules.context;
        let silent_after_ms = self.setup.silent_after_ms;
        let me = self.setup.driver.me;
        let durable = &self.disk.durable;
        let tally = Tally::new(context, me, &durable.validators, silent_after_ms);
        let has_signed = durable.recovery_position().is_some();
        if durable.height() == Height(0) && !has_signed {
            return tally.in_a_new_home();
        }
        tally
    }

    fn new_proposals(&self) -> Proposals {
        let (context, me) = (self.setup.rules.context, self.setup.driver.me);
        Proposals::new(context, me, &self.disk.durable.validators)
    }

    fn new_committer(&self) -> Committer {
        let config = CommitterConfig {
            me: self.setup.driver.me,
            waiting_blocks_max: WAITING_BLOCKS_MAX,
            trusted: TrustedBlock::default(),
        };
        Committer::new(config, self.new_ledger())
    }

    fn new_catch_up(&self) -> CatchUp {
        let catch_up = CatchUp::new(self.setup.catch_up(), &self.disk.durable.validators);
        let catch_up = catch_up.expecting(self.setup.addresses.iter().copied());
        catch_up.having_arrived(self.arrival)
    }
}
