//! The world: nodes, wires, virtual time, and the draw of who acts next.
use super::brain::Brain;
use super::habits::{Habit, Stage};
use super::message::Payload;
use super::network::Network;
use super::node::{Clocks, Effects, Node, Send};
use super::plan::Plan;
use super::properties::{Named, Scene, Sight};
use super::queue::{Event, Queue};
use super::random::Random;
use super::trace::Trace;
use super::twins::Split;
use super::{Faults, Outcome, Tell, Violation};
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::nouns::compact::CompactProposal;
use lockstep_protocol::types::{Hash, Height, Round};
use std::sync::Arc;

mod build;
mod clocks;
mod faults;
mod judge;
mod losses;
#[cfg(test)]
mod pulls;

pub(crate) use build::build;

/// When the simulated chain begins.
const EPOCH_MS: u64 = 1_700_000_000_000;
/// Events after which a world counts as running in circles…
const EVENTS_MAX: u64 = 3_000_000;
/// … beyond what its heights take: a validator with more than two thirds of the power may decide
/// ten thousands of them alone.
const EVENTS_OF_HEIGHT: u64 = 100;
/// More violations of one world say nothing new.
const VIOLATIONS_MAX: usize = 16;

/// A node in its place: its habit if it is faulty, its clock, its part of the sight.
pub(crate) struct Machine {
    node: Node,
    habit: Option<Box<dyn Habit>>,
    skew_ms: i64,
}

/// Everything.
pub(crate) struct World {
    plan: Plan,
    scene: Scene,
    machines: Vec<Machine>,
    network: Network,
    queue: Queue,
    ready: Vec<(usize, Brain)>,
    properties: Vec<Named>,
    violations: Vec<Violation>,
    trace: Trace,
    faults: Faults,
    evidence: u64,
    schedule: Random,
    chance: Random,
    wanted: Option<Height>,
    /// How many blocks the last of the correct nodes lacked when the faults stopped.
    behind: u64,
    split: Option<Split>,
    loses_proposals: bool,
    /// How far all clocks together have been set, and the furthest they have ever been: nobody sets
    /// them back for good.
    time_ms: i64,
    latest_ms: i64,
    court: Vec<(usize, Arc<dyn Signer>)>,
    /// The highest round that a correct node has entered.
    highest_round: Round,
    tell: Option<Tell>,
    #[cfg(feature = "mutants")]
    bug: Option<lockstep_protocol::mutation::Mutation>,
}

impl World {
    /// The same world, told event by event.
    pub(crate) fn told(mut self, tell: Tell) -> World {
        self.tell = Some(tell);
        self
    }

    /// The same world with a bug in all nodes, judged by these properties only: a bug often breaks
    /// something else first, and the world goes on until what it is meant to break has noticed.
    #[cfg(feature = "mutants")]
    pub(crate) fn with_bug(
        mut self,
        bug: lockstep_protocol::mutation::Mutation,
        judges: &[&str],
    ) -> World {
        self.bug = Some(bug);
        self.properties.retain(|(name, _)| judges.contains(name));
        self
    }

    /// Runs until the recovery is over, or failed.
    pub(crate) fn run(mut self, stop_at_first: bool) -> Outcome {
        for node in 0..self.machines.len() {
            if self.plan.late.contains(&node) {
                continue;
            }
            self.start(node);
        }
        while self.queue.now_us() <= self.plan.deadline_us(self.behind)
            && self.trace.events() < self.events_max()
        {
            let enough = if stop_at_first { 1 } else { VIOLATIONS_MAX };
            if self.violations.len() >= enough || self.has_recovered() || !self.step() {
                break;
            }
        }
        self.end()
    }

    fn events_max(&self) -> u64 {
        let heights = self.correct().map(|node| self.height(node).0);
        EVENTS_MAX + heights.max().unwrap_or(0) * EVENTS_OF_HEIGHT
    }

    /// One brain handles one message, or time moves on to the next event. False if nothing will
    /// ever happen again.
    fn step(&mut self) -> bool {
        let hurry = self.schedule.chance(self.plan.hurry_permille);
        if self.ready.is_empty() || hurry {
            let event = self.queue.next();
            let goes_on = event.is_some() || !self.ready.is_empty();
            event.into_iter().for_each(|event| self.happen(event));
            return goes_on;
        }
        let chosen = self.schedule.index(self.ready.len());
        let (node, brain) = self.ready.swap_remove(chosen);
        let mut more = None;
        self.with_node(node, |node, clocks, out| {
            more = node.handle(brain, clocks, out);
        });
        if let Some(more) = more {
            self.trace.event(self.queue.now_us(), node, brain as u64);
            if more {
                self.ready.push((node, brain));
            }
        }
        true
    }

    fn happen(&mut self, event: Event) {
        let now_us = self.queue.now_us();
        if let Some(tell) = &mut self.tell {
            tell(&format!("{:>10.3} ms  {event}", now_us as f64 / 1000.0));
        }
        match event {
            Event::Deliver { from, to, payload } => {
                self.trace.event(now_us, to, 8);
                payload.trace(&mut self.trace);
                self.deliver(from, to, payload);
            }
            Event::Timer {
                node,
                brain,
                life,
                mail,
            } => {
                if self.machines[node].node.is_current(brain, life) {
                    self.trace.event(now_us, node, 9);
                    self.with_node(node, |node, _, out| node.timer(mail, out));
                }
            }
            Event::Synced { node, life } => {
                if self.machines[node].node.is_up() && self.machines[node].node.life == life {
                    self.trace.event(now_us, node, 10);
                    self.with_node(node, |node, clocks, out| node.synced(clocks, out));
                }
            }
            Event::Fault(fault) => {
                self.trace.event(now_us, 0, 11);
                self.fault(fault);
            }
        }
    }

    fn deliver(&mut self, from: usize, to: usize, payload: Payload) {
        if !self.machines[to].node.is_up() {
            if matches!(payload, Payload::Greeting(_)) {
                self.with_node(from, |node, _, out| node.refused_by(to, out));
            }
            return;
        }
        self.see(to, &Sight::Heard(&payload));
        self.misbehave(to, |habit, stage| habit.hear(stage, &payload));
        self.with_node(to, |node, clocks, out| {
            node.receive(from, payload, clocks, out)
        });
    }

    /// Lets a node act, then carries out what it wants.
    fn with_node(&mut self, node: usize, act: impl FnOnce(&mut Node, Clocks, &mut Effects)) {
        let clocks = self.clocks(node);
        let mut effects = Effects::default();
        // Only nodes have the bug; the properties judge by the rules.
        #[cfg(feature = "mutants")]
        let planted = self.bug.map(lockstep_protocol::mutation::plant);
        act(&mut self.machines[node].node, clocks, &mut effects);
        #[cfg(feature = "mutants")]
        drop(planted);
        self.carry_out(node, effects);
    }

    fn carry_out(&mut self, node: usize, effects: Effects) {
        let ready = effects.ready.into_iter();
        self.ready.extend(ready.map(|brain| (node, brain)));
        for (brain, mail, delay_ms) in effects.timers {
            let life = self.machines[node].node.lives[brain as usize];
            let timer = Event::Timer {
                node,
                brain,
                life,
                mail,
            };
            self.queue.after_us(delay_ms * 1000, timer);
        }
        for (height, round) in &effects.entered {
            self.see_entered(node, *height, *round);
        }
        for polka in &effects.polkas {
            self.see(node, &Sight::Polka(polka));
        }
        for batch in effects.committed {
            self.see_committed(node, batch.block.height());
        }
        for evidence in &effects.evidence {
            self.evidence += 1;
            self.see(node, &Sight::Accused(evidence));
        }
        if !effects.forks.is_empty() {
            self.see(node, &Sight::ForkTold);
        }
        for evidence in &effects.kept {
            self.see(node, &Sight::Kept(evidence));
        }
        if let Some(remembers) = effects.began {
            self.see(node, &Sight::Began { remembers });
        }
        if effects.key_seen_elsewhere {
            self.see(node, &Sight::KeySeenElsewhere);
        }
        for trouble in &effects.troubles {
            self.see(node, &Sight::Trouble(trouble));
        }
        for send in effects.sends {
            self.send(node, send);
        }
        if self.machines[node].node.disk.begin_sync() {
            let life = self.machines[node].node.life;
            let delay_us = self
                .chance
                .between(self.plan.sync_min_us, self.plan.sync_max_us);
            self.queue.after_us(delay_us, Event::Synced { node, life });
        }
    }

    /// A habit is given whole proposals to change; a correct node tells its own by their leaves.
    fn send(&mut self, node: usize, Send { to, payload, own }: Send) {
        if own {
            self.see_said(node, &payload);
        }
        if self.machines[node].habit.is_some() {
            return self.misbehave(node, |habit, stage| habit.say(stage, to, payload));
        }
        let payload = if own { told_first(payload) } else { payload };
        match to {
            Some(peer) => self.transmit(node, peer, payload),
            None => {
                for peer in (0..self.machines.len()).filter(|peer| *peer != node) {
                    self.transmit(node, peer, payload.clone());
                }
            }
        }
    }

    fn misbehave(&mut self, node: usize, act: impl FnOnce(&mut dyn Habit, &mut Stage<'_>)) {
        if self.machines[node].habit.is_none() {
            return;
        }
        let lowest = self.lowest_without_habit();
        let place = &mut self.machines[node];
        let Some(habit) = &mut place.habit else {
            return;
        };
        let mut out = Vec::new();
        let mut stage = Stage {
            me: node,
            signer: &*place.node.setup.driver.signer,
            context: &self.scene.context,
            set: &self.scene.keys,
            correct: &self.scene.correct,
            sets: &self.scene.sets,
            chain: &place.node.disk.durable.chain,
            court: &self.court,
            lowest,
            random: &mut self.chance,
            out: &mut out,
        };
        act(&mut **habit, &mut stage);
        for (to, payload) in out {
            self.transmit(node, to, payload);
        }
    }

    fn transmit(&mut self, from: usize, to: usize, payload: Payload) {
        if from == to {
            return;
        }
        let now_us = self.queue.now_us();
        let payload = match &self.split {
            Some(split) => split.pass(now_us, from, to, payload),
            None if self.loses_proposals => losses::without_proposals(payload),
            None => Some(payload),
        };
        let Some(payload) = payload else {
            self.faults.lost += 1;
            return;
        };
        let [first, second] = self.network.arrivals(from, to);
        match (first, second) {
            (None, _) => self.faults.lost += 1,
            (Some(delay_us), second) => {
                if let Some(delay_us) = second {
                    self.faults.duplicated += 1;
                    let payload = payload.clone();
                    self.queue
                        .after_us(delay_us, Event::Deliver { from, to, payload });
                }
                self.queue
                    .after_us(delay_us, Event::Deliver { from, to, payload });
            }
        }
    }
}

/// Of a proposal its transactions' leaves, and some of them along.
fn told_first(payload: Payload) -> Payload {
    match payload {
        Payload::Proposal(message) if !message.block.leaves().is_empty() => {
            let along = |leaf: &Hash| leaf.0.first().is_some_and(|byte| byte % 4 == 0);
            Payload::Compact(Arc::new(CompactProposal::of(&message, along)))
        }
        other => other,
    }
}
