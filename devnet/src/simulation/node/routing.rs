//! Who hears what: the wiring of the actors, in one place. Every mailbox is first in, first out.
use super::{Brain, Clocks, Effects, Node, Send, TimerMail, ToProposals, committer};
use crate::simulation::disk::Write;
use crate::simulation::message::Payload;
#[cfg(feature = "mutants")]
use crate::simulation::mutants;
use lockstep_protocol::consensus::committer as brain;
use lockstep_protocol::consensus::driver::Halt;
use lockstep_protocol::consensus::durable::Persist;
use lockstep_protocol::consensus::{catch_up, driver, proposals, pull, tally};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::types::Height;
use std::collections::VecDeque;
use std::sync::Arc;

impl Node {
    pub(super) fn route_driver(&mut self, outputs: Vec<driver::Output>, out: &mut Effects) {
        use driver::Output as O;
        for output in outputs {
            match output {
                O::EnterRound(height, round) => {
                    out.entered.push((height, round));
                    self.post_tally(tally::Input::EnterRound(height, round), out);
                    self.post_proposals(proposals::Input::EnterRound(height, round), out);
                }
                O::BuildBlock(h, r) => self.post_proposals(proposals::Input::Build(h, r), out),
                O::Persist(persist) => self.persist(persist),
                O::SendProposal(message) => {
                    self.say(Payload::Proposal(message.clone()), out);
                    self.post_proposals(proposals::Input::Own(message), out);
                }
                O::SendVote(vote) => {
                    self.say(Payload::Vote(vote.clone()), out);
                    self.post_tally(tally::Input::OwnVote((*vote).clone()), out);
                }
                O::Schedule(height, round, kind, ms) => {
                    let mail = TimerMail::Timeout(self.timers, height, round, kind);
                    out.timers.push((Brain::Driver, mail, ms));
                }
                O::CancelTimers => self.timers += 1,
                O::WakeAt(height, ms) => {
                    out.timers
                        .push((Brain::Driver, TimerMail::Wake(height), ms));
                }
                O::Retell(height, round) => {
                    self.post_tally(tally::Input::Retell(height, round), out);
                    self.post_proposals(proposals::Input::Retell, out);
                }
                O::Resend(height, round) => {
                    self.post_tally(tally::Input::Resend(height, round), out);
                    self.post_proposals(proposals::Input::Resend(height, round), out);
                }
                O::Polka(polka) => {
                    out.polkas.push(polka.clone());
                    self.post_committer(brain::Input::Polka(polka), out);
                }
                O::Decide(block, certificate) => {
                    let decided = DecidedBlock { block, certificate };
                    self.post_committer(brain::Input::Decided(decided), out);
                }
                O::Pull(output) => self.route_pull(output, out),
                O::Ticked(_) => {}
                O::Halt(halt) => {
                    if matches!(halt, Halt::SignedElsewhere(_)) {
                        self.disk.write(Write::DistrustKey);
                    }
                    out.troubles.push(format!("halted: {halt}"));
                }
            }
        }
    }

    fn persist(&mut self, persist: Box<Persist>) {
        let position = persist.signed.position();
        self.signed = self.signed.max(Some(position));
        self.disk.write(Write::Sign(persist));
    }

    fn say(&mut self, payload: Payload, out: &mut Effects) {
        let to = None;
        let own = true;
        out.sends.push(Send { to, payload, own });
    }

    fn relay(&mut self, payload: Payload, out: &mut Effects) {
        out.send(None, payload);
    }

    pub(super) fn route_tally(&mut self, outputs: Vec<tally::Output>, out: &mut Effects) {
        use tally::Output as O;
        for output in outputs {
            match output {
                O::Fact(height, fact) => {
                    #[cfg(feature = "mutants")]
                    let fact = mutants::one_phase::tell(&self.setup.rules, fact);
                    self.post_driver(driver::Input::Fact(height, fact), out);
                }
                O::Ahead(peer, height) => {
                    self.post_catch_up(catch_up::Input::Ahead(peer, height), out);
                }
                O::Evidence(evidence) => self.accuse(evidence, out),
                O::OwnSeen(position) => self.own(driver::Input::OwnSeen(position), out),
                O::OwnEquivocation(height) => {
                    self.own(driver::Input::OwnEquivocation(height), out);
                }
                O::Relay(votes) => self.relay(Payload::Votes(Arc::new(votes)), out),
                O::Admission(_) => {}
                O::Refused(sender, height) => self.refused(sender, height, out),
            }
        }
    }

    /// Something about messages under the own key, if this node looks for them.
    fn own(&mut self, seen: driver::Input, out: &mut Effects) {
        if self.setup.looks_for_own {
            self.post_driver(seen, out);
        }
    }

    fn accuse(&mut self, evidence: Box<Evidence>, out: &mut Effects) {
        out.evidence.push((*evidence).clone());
        self.post_committer(brain::Input::EvidenceFound(evidence), out);
    }

    pub(super) fn route_proposals(&mut self, outputs: Vec<proposals::Output>, out: &mut Effects) {
        use proposals::Output as O;
        for output in outputs {
            match output {
                O::Admission(_) => {}
                O::Fetch(peer, missing) => self.fetch(&peer, missing, out),
                O::Execute(block) => self.post_committer(brain::Input::Execute(block), out),
                O::Skip(..) => {}
                // There is no mempool: users fill the block when the Committer makes it.
                O::Fill(h, r) => {
                    self.post_proposals(proposals::Input::Filled(h, r, Vec::new()), out);
                }
                O::Prepare(h, r, _) => self.ask_committer(committer::Input::Build(h, r), out),
                O::Built(height, round, block) => {
                    self.post_driver(driver::Input::BlockBuilt(height, round, block), out);
                }
                O::Checked(height, checked) => {
                    self.post_driver(driver::Input::Proposal(height, checked), out);
                }
                O::Fact(height, fact) => self.post_driver(driver::Input::Fact(height, fact), out),
                O::Prevote(proposal) => {
                    self.post_tally(tally::Input::Proposal(proposal), out);
                }
                O::Evidence(evidence) => self.accuse(evidence, out),
                O::OwnSeen(position) => self.own(driver::Input::OwnSeen(position), out),
                O::Ahead(peer, height) => {
                    self.post_catch_up(catch_up::Input::Ahead(peer, height), out);
                }
                O::Relay(message) => self.relay(Payload::Proposal(message), out),
                O::Refused(sender, height) => self.refused(sender, height, out),
            }
        }
    }

    pub(crate) fn route_committer(&mut self, outputs: Vec<brain::Output>, out: &mut Effects) {
        use brain::Output as O;
        for output in outputs {
            match output {
                O::Executed(block, verdict) => {
                    let executed = proposals::Input::Executed(block.id(), verdict.is_ok());
                    self.post_proposals(executed, out);
                }
                O::Prepared(height, round, block) => {
                    self.pass_on(&block, out);
                    self.post_proposals(proposals::Input::Prepared(height, round, block), out);
                }
                O::Write(batches) => {
                    // What is one transaction on a real disk are as many writes here: after a crash
                    // any prefix of them may be found.
                    let writes = batches.into_iter().map(Write::Commit);
                    writes.for_each(|write| self.disk.write(write));
                }
                O::Discarded(height, from) => {
                    self.post_catch_up(catch_up::Input::Discarded(height, from), out);
                }
                O::StopVoting(height) => {
                    self.post_driver(driver::Input::InvalidDecision(height), out);
                }
                O::StopSync => self.post_catch_up(catch_up::Input::Halted, out),
                O::Fork(known) => {
                    out.forks.push(known.fork.height());
                    if known.stops {
                        let sentence = known.fork.sentence();
                        self.post_driver(driver::Input::Forked(sentence), out);
                    }
                    self.disk.write(Write::Fork(known));
                }
                O::OwnEquivocation(height) => {
                    self.own(driver::Input::OwnEquivocation(height), out);
                }
                O::KeepEvidence(Some(evidence), displaced) => {
                    self.disk.write(Write::Evidence(evidence, displaced));
                }
                O::KeepEvidence(None, forget) => self.disk.write(Write::Forget(forget)),
                O::TellEvidence(due) => {
                    for evidence in due {
                        self.relay(Payload::Evidence(Arc::new(evidence)), out);
                    }
                }
                O::NotPrepared(_, error) | O::DeadEnd(error) => {
                    out.troubles.push(format!("cannot build: {error}"));
                }
                O::Unreadable(error) => out.troubles.push(format!("cannot read: {error}")),
                O::InvalidDecision(_, error, _) => {
                    out.troubles.push(format!("a decided block fails: {error}"));
                }
                O::OtherThanTrusted(other) => out.troubles.push(other.to_string()),
                O::Committed(_) | O::Refused(_) | O::Told(_) | O::NoRoom(_) => {}
                O::Broken(trouble) => out.troubles.push(trouble),
            }
        }
    }

    pub(super) fn route_catch_up(&mut self, outputs: Vec<catch_up::Output>, out: &mut Effects) {
        for output in outputs {
            match output {
                catch_up::Output::Request(peer, from, limit) => {
                    out.send(self.index(&peer), Payload::BlocksWanted(from, limit));
                }
                catch_up::Output::WakeAt(ms) => {
                    out.timers.push((Brain::CatchUp, TimerMail::CatchUp, ms));
                }
                catch_up::Output::Lied(_) => {}
                catch_up::Output::Arrived(arrival) => {
                    self.arrival = Some(arrival);
                    self.post_driver(driver::Input::Arrived(arrival), out);
                }
            }
        }
    }

    /// A message from the network.
    pub(crate) fn receive(
        &mut self,
        from: usize,
        payload: Payload,
        clocks: Clocks,
        out: &mut Effects,
    ) {
        match payload {
            Payload::Proposal(message) => {
                let screen = ToProposals::Screen(message);
                post(&mut self.mail.proposals, Brain::Proposals, screen, out);
            }
            Payload::Compact(message) => self.assemble(&message, out),
            Payload::Transaction(transaction) => self.hear(transaction),
            Payload::Fetch(missing) => self.answer_fetch(from, &missing, out),
            Payload::Fetched(id, transactions) => {
                self.post_proposals(proposals::Input::Fetched(id, transactions), out);
            }
            Payload::Vote(vote) => self.post_tally(tally::Input::Vote((*vote).clone()), out),
            Payload::Votes(votes) => {
                for vote in votes.iter() {
                    self.post_tally(tally::Input::Vote(vote.clone()), out);
                }
            }
            Payload::BlocksWanted(height, limit) => {
                let payload = Payload::Blocks(height, Arc::new(self.blocks_from(height, limit)));
                out.send(Some(from), payload);
            }
            Payload::Blocks(height, blocks) => {
                self.ask_committer(committer::Input::Synced(from, height, blocks), out);
            }
            Payload::Greeting(question) => self.greeted(from, question, clocks, out),
            Payload::Standing(statement) => self.answered(&statement, out),
            Payload::Pull(pull) => self.answer_pull(from, &pull, out),
            Payload::Pulled(height, pulled) => self.pulled(from, height, &pulled, out),
            Payload::Evidence(evidence) => {
                let told = Box::new(Evidence::clone(&evidence));
                self.post_committer(brain::Input::EvidenceTold(told), out);
            }
        }
    }

    fn blocks_from(&self, height: Height, limit: u64) -> Vec<DecidedBlock> {
        let chain = &self.disk.durable.chain;
        let first = usize::try_from(height.0.saturating_sub(1)).unwrap_or(usize::MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let limit = limit.min(self.setup.sync_blocks_max);
        let blocks = chain.iter().skip(first).take(limit);
        blocks.cloned().collect()
    }

    /// A timer has fired.
    pub(crate) fn timer(&mut self, mail: TimerMail, out: &mut Effects) {
        match mail {
            TimerMail::Timeout(set, ..) if set < self.timers => {}
            TimerMail::Timeout(_, h, r, kind) => {
                self.post_driver(driver::Input::Timeout(h, r, kind), out)
            }
            TimerMail::Wake(height) => self.post_driver(driver::Input::Wake(height), out),
            TimerMail::Pull => {
                let wake = driver::Input::Pull(pull::Input::Wake);
                self.post_driver(wake, out);
            }
            TimerMail::CatchUp => self.post_catch_up(catch_up::Input::Wake, out),
            TimerMail::Greet => self.greet(out),
        }
    }

    pub(super) fn post_driver(&mut self, input: driver::Input, out: &mut Effects) {
        post(&mut self.mail.driver, Brain::Driver, input, out);
    }

    pub(super) fn post_tally(&mut self, input: tally::Input, out: &mut Effects) {
        post(&mut self.mail.tally, Brain::Tally, input, out);
    }

    pub(super) fn post_proposals(&mut self, input: proposals::Input, out: &mut Effects) {
        let step = ToProposals::Step(input);
        post(&mut self.mail.proposals, Brain::Proposals, step, out);
    }

    pub(super) fn post_committer(&mut self, input: brain::Input, out: &mut Effects) {
        self.ask_committer(committer::Input::Brain(input), out);
    }

    fn ask_committer(&mut self, input: committer::Input, out: &mut Effects) {
        post(&mut self.mail.committer, Brain::Committer, input, out);
    }

    pub(crate) fn post_catch_up(&mut self, input: catch_up::Input, out: &mut Effects) {
        post(&mut self.mail.catch_up, Brain::CatchUp, input, out);
    }
}

/// A brain whose mailbox was empty becomes ready.
fn post<T>(mailbox: &mut VecDeque<T>, brain: Brain, input: T, out: &mut Effects) {
    if mailbox.is_empty() {
        out.ready.push(brain);
    }
    mailbox.push_back(input);
}
