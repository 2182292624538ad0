//! How far are you? Asked by a node that has just started, and answered.
use super::{Brain, Clocks, Effects, Node, TimerMail};
use crate::simulation::message::Payload;
use lockstep_protocol::consensus::catch_up;
use lockstep_protocol::nouns::standing::{Nonce, Question, Statement, sets_of};
use std::sync::Arc;

/// How often it asks again: as often as it may, if nobody has answered.
const EVERY_MS: u64 = 250;

impl Node {
    /// Asks all others how far they are, again and again until this node has arrived.
    pub(super) fn greet(&mut self, out: &mut Effects) {
        let driver = self
            .brains
            .as_ref()
            .and_then(|brains| brains.driver.as_ref());
        if self.arrival.is_some() {
            return self.asked.clear();
        }
        out.timers
            .push((Brain::CatchUp, TimerMail::Greet, EVERY_MS));
        let Some(driver) = driver else { return };
        let me = self.setup.driver.me;
        for (to, address) in self.setup.addresses.iter().enumerate() {
            let [first, second] = [(); 2].map(|()| self.random.below(u64::MAX).to_le_bytes());
            let mut nonce = Nonce::default();
            nonce[..8].copy_from_slice(&first);
            nonce[8..].copy_from_slice(&second);
            if *address == me {
                continue;
            }
            if let Some(question) = driver.question(*address, nonce) {
                let question = Arc::new(question);
                self.asked.insert(nonce, question.clone());
                out.send(Some(to), Payload::Greeting(question));
            }
        }
    }

    /// Whoever asks is answered when this node has looked at all that came before.
    pub(super) fn greeted(
        &mut self,
        from: usize,
        question: Arc<Question>,
        clocks: Clocks,
        out: &mut Effects,
    ) {
        self.askers.push((from, question));
        self.answer_askers(clocks, out);
    }

    pub(super) fn answer_askers(&mut self, clocks: Clocks, out: &mut Effects) {
        if !self.mail.tally.is_empty() || !self.mail.proposals.is_empty() {
            return;
        }
        for (from, question) in std::mem::take(&mut self.askers) {
            if let Some(statement) = self.answer_to(&question, clocks) {
                out.send(Some(from), Payload::Standing(Arc::new(statement)));
            }
        }
    }

    fn answer_to(&mut self, question: &Question, clocks: Clocks) -> Option<Statement> {
        let brains = self.brains.as_mut()?;
        let seen = brains.tally.asked(clocks.monotonic, question).ok()?;
        let durable = &self.disk.durable;
        let block_id = durable.committed(durable.height());
        let genesis = self.setup.rules.context.genesis_hash;
        let block_id = block_id.map_or(genesis, |decided| decided.block.id());
        let head = (durable.height(), block_id);
        brains.driver.as_ref()?.standing(question, seen, head)
    }

    pub(super) fn answered(&mut self, statement: &Statement, out: &mut Effects) {
        let Some(question) = self.asked.remove(&statement.nonce) else {
            return;
        };
        let (context, known) = (&self.setup.rules.context, &self.disk.durable.validators);
        if let Ok(standing) = statement.answers(&question, context, sets_of(known)) {
            let stands = catch_up::Input::Stands(statement.sayer, standing);
            self.post_catch_up(stands, out);
        }
    }

    /// Nobody listens at that node.
    pub(crate) fn refused_by(&mut self, node: usize, out: &mut Effects) {
        if self.is_up() {
            let gone = catch_up::Input::Gone(self.address(node));
            self.post_catch_up(gone, out);
        }
    }
}
