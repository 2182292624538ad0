//! E5: after each step, tells the pull where this node stands.
use super::{Driver, DriverConfig, Output};
use crate::consensus::pull::{self, Puller, StandsAt};
use crate::consensus::timeouts::TimeoutKind;
use crate::types::{Address, Instant, Round};
use crate::validators::set::ValidatorSet;

impl Driver {
    pub(super) fn puller(config: &DriverConfig, set: &ValidatorSet) -> Option<Puller> {
        let patience_ms = config.pull_patience_ms?;
        let peers = Driver::others(config, set);
        // No longer than the paper's own patience with a proposer.
        let most_ms = config.timeouts.after_ms(TimeoutKind::Propose, Round::ZERO);
        Some(Puller::new(peers, patience_ms, most_ms))
    }

    /// Whoever else decides with this node.
    pub(super) fn others(
        config: &DriverConfig,
        set: &ValidatorSet,
    ) -> impl Iterator<Item = Address> {
        let others = set.iter().map(|validator| validator.address);
        others.filter(|address| *address != config.me)
    }

    /// Nothing is missing between two heights, nor while a decision waits for its commit.
    fn place(&self) -> Option<StandsAt> {
        let stands = self.running && !self.halted && self.decision.is_none();
        stands.then(|| StandsAt {
            height: self.height,
            round: self.machine.round(),
            step: self.machine.current_step(),
            proposer: self.set.proposer(self.height, self.machine.round()),
            joined: self.joined,
        })
    }

    pub(super) fn pull(&mut self, now: Instant, input: pull::Input, out: &mut Vec<Output>) {
        let Some(puller) = &mut self.puller else {
            return;
        };
        let outputs = puller.step(now, input);
        out.extend(outputs.into_iter().map(Output::Pull));
    }

    pub(super) fn pull_from_here(&mut self, now: Instant, out: &mut Vec<Output>) {
        let place = self.place();
        self.pull(now, pull::Input::Stands(place), out);
    }
}
