//! The planned faults, as they happen.
use super::World;
use crate::simulation::plan::{Fault, HEIGHTS_GAINED};
use crate::simulation::properties::Sight;
use lockstep_protocol::types::Height;

impl World {
    pub(super) fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Crash(node) => {
                if self.machines[node].node.is_up() {
                    self.faults.crashes += 1;
                    self.crash(node);
                }
            }
            Fault::Backup(node) => self.machines[node].node.disk.back_up(),
            Fault::Restore(node) => self.restore(node),
            Fault::Start(node) => self.start(node),
            Fault::CrashBrain(node, brain) => {
                self.faults.brain_crashes += 1;
                self.see(node, &Sight::Forgot);
                self.with_node(node, |node, _, out| node.crash_brain(brain, out));
            }
            Fault::Partition(groups) => {
                self.faults.partitions += u64::from(groups.iter().any(|group| *group != groups[0]));
                self.network.groups = groups;
            }
            Fault::Cut { from, to, is_cut } => {
                self.faults.cuts += u64::from(is_cut);
                self.network.cut(from, to, is_cut);
            }
            Fault::LoseProposals(loses) => self.loses_proposals = loses,
            Fault::SetClock(node, off_ms) => {
                self.faults.clocks_set += 1;
                self.machines[node].skew_ms = self.time_ms + off_ms;
            }
            Fault::SetClocks(by_ms) => self.set_clocks(by_ms),
            Fault::Calm => self.calm(),
        }
    }

    pub(super) fn start(&mut self, node: usize) {
        self.with_node(node, |node, clocks, out| node.start(clocks, out));
    }

    /// What the disk kept of unreported commits is seen as committed.
    fn crash(&mut self, node: usize) {
        self.see(node, &Sight::Forgot);
        let before = self.machines[node].node.disk.durable.height();
        self.with_node(node, |node, _, _| node.crash());
        let after = self.machines[node].node.disk.durable.height();
        for height in before.0 + 1..=after.0 {
            self.see_committed(node, Height(height));
        }
    }

    fn restore(&mut self, node: usize) {
        if self.machines[node].node.is_up() {
            self.crash(node);
        }
        if self.machines[node].node.disk.restore() {
            self.faults.restored += 1;
        }
    }

    fn calm(&mut self) {
        self.network.calm();
        self.plan.hurry_permille = 0;
        self.plan.calm_disk();
        self.loses_proposals = false;
        for node in 0..self.machines.len() {
            self.machines[node].skew_ms = self.latest_ms;
            if self.plan.lost != Some(node) {
                self.start(node);
            }
        }
        let heights: Vec<u64> = self.correct().map(|node| self.height(node).0).collect();
        let (Some(lowest), Some(highest)) = (heights.iter().min(), heights.iter().max()) else {
            return;
        };
        self.behind = highest - lowest;
        self.wanted = Some(Height(highest + HEIGHTS_GAINED));
    }

    /// Whether the chain needs the one whose home was put back, and that one has stopped for good: a
    /// message came back that its key has signed, that its disk does not hold and that nobody had told
    /// it of. Such a disk and a key that runs twice look alike, and only an operator can tell them
    /// apart. So it may do no harm, and no more is asked of it.
    pub(super) fn is_excused(&self) -> bool {
        let Some(restored) = self.plan.restored else {
            return false;
        };
        let next = self.height(restored).next();
        let correct = (0..self.machines.len()).filter(|node| self.scene.correct[*node]);
        !self.scene.is_quorum(next, correct) && self.machines[restored].node.has_stopped_signing()
    }
}
