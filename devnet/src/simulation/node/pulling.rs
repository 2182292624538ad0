//! E5: the question to a peer, and its answer. Brains write and answer them in one go: what they
//! hold at different moments between two messages says nothing more.
#[cfg(test)]
use super::Round;
use super::{Brain, Effects, Node, TimerMail};
use crate::simulation::message::Payload;
use lockstep_protocol::consensus::{catch_up, driver, proposals, pull, tally};
use lockstep_protocol::nouns::pull::{Pull, Pulled};
use lockstep_protocol::types::{Address, Height};
use std::sync::Arc;

impl Node {
    pub(super) fn route_pull(&mut self, output: pull::Output, out: &mut Effects) {
        match output {
            pull::Output::Ask(peer, height, round) => {
                let Some(brains) = &self.brains else { return };
                let mut question = Pull::new(height, round);
                brains.proposals.hold(&mut question);
                brains.tally.hold(&mut question);
                out.send(self.index(&peer), Payload::Pull(Arc::new(question)));
            }
            pull::Output::WakeAt(ms) => out.timers.push((Brain::Driver, TimerMail::Pull, ms)),
        }
    }

    pub(super) fn answer_pull(&mut self, from: usize, question: &Pull, out: &mut Effects) {
        let Some(brains) = &self.brains else { return };
        let durable = &self.disk.durable;
        let decided = durable.committed(question.height);
        let set = durable.validators.at(question.height);
        let pulled = match decided.zip(set) {
            Some((decided, set)) => Pulled::decided(durable.height(), &decided.certificate, set),
            None => Pulled {
                committed: durable.height(),
                proposals: brains.proposals.answer(question),
                votes: brains.tally.answer(question),
            },
        };
        out.send(
            Some(from),
            Payload::Pulled(question.height, Arc::new(pulled)),
        );
    }

    pub(super) fn pulled(
        &mut self,
        from: usize,
        height: Height,
        pulled: &Pulled,
        out: &mut Effects,
    ) {
        for proposal in &pulled.proposals {
            self.post_proposals(proposals::Input::Received(proposal.clone()), out);
        }
        for vote in &pulled.votes {
            self.post_tally(tally::Input::Vote(vote.clone()), out);
        }
        let peer = self.address(from);
        if pulled.committed >= height {
            let works_on = pulled.committed.next();
            self.post_catch_up(catch_up::Input::Ahead(peer, works_on), out);
        }
        let answered = driver::Input::Pull(pull::Input::Answered(peer));
        self.post_driver(answered, out);
    }

    /// The driver must ask for it once it gets there.
    pub(super) fn refused(&mut self, sender: Address, height: Height, out: &mut Effects) {
        let refused = driver::Input::Pull(pull::Input::Refused(sender, height));
        self.post_driver(refused, out);
    }

    #[cfg(test)]
    pub(crate) fn round(&self) -> Option<Round> {
        let driver = self.brains.as_ref()?.driver.as_ref()?;
        Some(driver.round())
    }
}
