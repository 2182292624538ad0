//! What the properties see, and how a world ends.
use super::{EVENTS_MAX, World};
use crate::simulation::message::Payload;
use crate::simulation::plan::HEIGHTS_GAINED;
use crate::simulation::properties::Sight;
use crate::simulation::trace::word_of;
use crate::simulation::{Outcome, Violation};
use lockstep_protocol::consensus::durable::SignedMessage;
use lockstep_protocol::types::{Height, Round};

impl World {
    pub(super) fn correct(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.machines.len()).filter(|node| self.scene.correct[*node])
    }

    /// What every node has committed that is not faulty, or only by its disk.
    pub(super) fn lowest_without_habit(&self) -> Height {
        let is_behind =
            |node: &usize| self.machines[*node].habit.is_none() && self.plan.lost != Some(*node);
        let all = (0..self.machines.len()).filter(is_behind);
        let heights = all.map(|node| self.height(node));
        heights.min().unwrap_or_default()
    }

    pub(super) fn height(&self, node: usize) -> Height {
        self.machines[node].node.disk.durable.height()
    }

    fn wanted(&self) -> Option<Height> {
        let excused = if self.is_excused() { HEIGHTS_GAINED } else { 0 };
        Some(Height(self.wanted?.0 - excused))
    }

    /// Whether the faults are over and every correct node has gained its heights.
    pub(super) fn has_recovered(&self) -> bool {
        let Some(wanted) = self.wanted() else {
            return false;
        };
        self.correct().all(|node| self.height(node) >= wanted)
    }

    /// Shows the properties what a correct node did, or a twin that is correct but for its key, or
    /// one whose disk is put back.
    pub(super) fn see(&mut self, node: usize, sight: &Sight<'_>) {
        let is_correct = self.scene.correct[node];
        let has_habit = self.machines[node].habit.is_some();
        let is_restored = self.plan.restored == Some(node);
        if !is_correct && !is_restored && (has_habit || !self.plan.twins_look) {
            return;
        }
        for (name, property) in &mut self.properties {
            let judges = is_correct
                || property.judges_twins()
                || (is_restored && property.judges_restored());
            if !judges {
                continue;
            }
            if let Err(what) = property.see(&self.scene, node, sight) {
                if let Some(tell) = &mut self.tell {
                    tell(&format!("VIOLATION of {name}: {what}"));
                }
                self.violations.push(Violation {
                    property: name,
                    at_ms: self.queue.now_us() / 1000,
                    what,
                });
            }
        }
    }

    pub(super) fn see_entered(&mut self, node: usize, height: Height, round: Round) {
        if self.scene.correct[node] {
            self.highest_round = self.highest_round.max(round);
        }
        let at_ms = self.queue.now_us() / 1000;
        let proposed_for_ms = self.plan.timeouts.propose_ms;
        let sight = Sight::Entered {
            height,
            at_ms,
            proposed_for_ms,
            are_behind: self.time_ms < self.latest_ms,
        };
        self.see(node, &sight);
    }

    pub(super) fn see_said(&mut self, node: usize, payload: &Payload) {
        let Some(statement) = payload.statement() else {
            return;
        };
        let signed = match payload {
            Payload::Proposal(message) => SignedMessage::Proposal(message.proposal.clone()),
            Payload::Vote(vote) => SignedMessage::Vote((**vote).clone()),
            _ => return,
        };
        let position = signed.position();
        let is_durable = self.machines[node].node.disk.durable.covers(position);
        let sight = Sight::Said {
            payload,
            statement: &statement,
            is_durable,
        };
        self.see(node, &sight);
    }

    pub(super) fn see_committed(&mut self, node: usize, height: Height) {
        let decided = self.machines[node]
            .node
            .disk
            .durable
            .committed(height)
            .cloned();
        let Some(decided) = decided else {
            return;
        };
        self.trace.word(word_of(&decided.block.id()));
        if self.scene.correct[node] {
            self.scene.sets.note(decided.block.block());
        }
        if let Some(tell) = &mut self.tell {
            let id = decided.block.id().short();
            let round = decided.certificate.round;
            tell(&format!(
                "node {node} COMMITTED {height} {id}, round {round}"
            ));
        }
        self.see(node, &Sight::Committed(&decided));
    }

    /// A world that runs in circles has not been judged by its recovery.
    fn demand_an_end(&mut self) {
        let endless = self.trace.events() >= EVENTS_MAX && !self.has_recovered();
        if endless && self.violations.is_empty() {
            self.violations.push(Violation {
                property: "progress",
                at_ms: self.queue.now_us() / 1000,
                what: format!("{EVENTS_MAX} events, and no end"),
            });
        }
    }

    pub(super) fn end(mut self) -> Outcome {
        let healed_at_us = self.plan.calm_at_us + self.plan.catching_up_us(self.behind);
        let recovery_ms = self.queue.now_us().saturating_sub(healed_at_us) / 1000;
        let judge = self.correct().next();
        if let (Some(wanted), Some(judge)) = (self.wanted(), judge) {
            let place = |node: usize| self.machines[node].node.place().unwrap_or_default();
            let reached: Vec<_> = self
                .correct()
                .map(|node| (node, self.height(node), place(node)))
                .collect();
            let reached = &reached;
            self.see(judge, &Sight::Ended { wanted, reached });
        }
        self.demand_an_end();
        let highest = self.correct().map(|node| self.height(node)).max();
        let transactions = (0..self.machines.len()).map(|node| {
            let chain = &self.machines[node].node.disk.durable.chain;
            let carried = chain
                .iter()
                .map(|d| d.block.block().transactions.len() as u64);
            carried.sum::<u64>()
        });
        let figures: Vec<_> = self.properties.iter().map(|(_, p)| p.figures()).collect();
        Outcome {
            events: self.trace.events(),
            validators: self.plan.validators,
            byzantine: (0..self.plan.validators)
                .filter(|validator| !self.plan.is_correct(*validator))
                .count(),
            heights: highest.unwrap_or_default().0,
            highest_round: self.highest_round.0,
            transactions: transactions.max().unwrap_or_default(),
            validator_changes: self.scene.sets.changes(),
            evidence: self.evidence,
            offences_due: figures.iter().map(|f| f.offences_due).sum(),
            offences_committed: figures.iter().map(|f| f.offences_committed).sum(),
            forks_explained: figures.iter().map(|f| f.forks_explained).sum(),
            forks_across_rounds: figures.iter().map(|f| f.forks_across_rounds).sum(),
            recovery_permille: recovery_ms * 1000 / self.plan.base_ms().max(1),
            faults: self.faults,
            violations: self.violations,
            trace_hash: self.trace.hash(),
        }
    }
}
