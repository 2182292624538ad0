//! What a seed decides before the world begins: the validators, who is faulty and how, the
//! timeouts, the network, and every fault with its time.
use super::brain::Brain;
use super::disk::Survival;
use super::habits;
use super::network::Links;
use super::profile::{Family, Profile, faulty_max};
use super::random::Random;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::types::Height;
use lockstep_protocol::validators::set::Power;

mod changes;
mod disks;
mod family;
mod faults;

/// A planned change of the world.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The node dies.
    Crash(usize),
    /// It comes back.
    Start(usize),
    /// Its disk is copied.
    Backup(usize),
    /// It dies, if it runs, and the copy is put back.
    Restore(usize),
    /// One brain of a node dies and is rebuilt.
    CrashBrain(usize, Brain),
    /// Only nodes of one group hear each other; all in one group is a healed network.
    Partition(Vec<u8>),
    /// One way is cut (`true`) or mended.
    Cut {
        from: usize,
        to: usize,
        is_cut: bool,
    },
    /// From now on no proposal arrives anywhere (`true`), or every one that is not lost otherwise.
    LoseProposals(bool),
    /// The clock of this node is so many milliseconds off from now on.
    SetClock(usize, i64),
    /// All clocks jump by so many milliseconds.
    SetClocks(i64),
    /// All faults stop: everyone runs and in time, every wire works, every clock is right,
    /// every disk is fast.
    Calm,
}

/// What the validators want of one of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// No block before this one asks for it.
    pub(crate) from: Height,
    pub(crate) validator: usize,
    /// 0: it is no validator any more.
    pub(crate) power: Power,
}

/// The world before it begins.
pub(crate) struct Plan {
    pub(crate) validators: usize,
    /// The voting power of each.
    pub(crate) powers: Vec<Power>,
    /// What each of them has in the genesis; 0: it is no validator yet.
    pub(crate) founding: Vec<Power>,
    /// Of the validator set, in their order.
    pub(crate) changes: Vec<Change>,
    /// Validators whose key runs on a second node; those nodes follow the others.
    pub(crate) twins: Vec<usize>,
    /// Whether twins look at whose messages they meet, as nodes do. Then both stop; else they go on
    /// as if they were alone.
    pub(crate) twins_look: bool,
    /// The validator whose disk is put back to an earlier state. It may stop when it meets what its
    /// key has signed since, so it is one of those that the protocol bears.
    pub(crate) restored: Option<usize>,
    /// The validator whose node dies and never comes back: it is one of those that the protocol bears.
    pub(crate) lost: Option<usize>,
    /// Nodes that a planned fault starts; all others run from the beginning.
    pub(crate) late: Vec<usize>,
    /// What a disk keeps of writes that it has not reported.
    pub(crate) survival: Survival,
    /// The habit of each faulty node.
    pub(crate) habits: Vec<Option<&'static habits::Kind>>,
    pub(crate) timeouts: Timeouts,
    pub(crate) pacing: Pacing,
    pub(crate) silent_after_ms: u64,
    /// E5: `None` if nobody ever asks: what E6 says again must be enough.
    pub(crate) pull_patience_ms: Option<u64>,
    pub(crate) grace_ms: u64,
    pub(crate) sync_blocks_max: usize,
    pub(crate) links: Links,
    /// How long a sync of the disk takes.
    pub(crate) sync_min_us: u64,
    pub(crate) sync_max_us: u64,
    /// How far each wall clock is off, in milliseconds.
    pub(crate) skew_ms: Vec<i64>,
    /// Validators whose clock is off, or will be.
    pub(crate) clock_is_wrong: Vec<bool>,
    /// The genesis lies so far ahead of all clocks.
    pub(crate) genesis_ahead_ms: i64,
    /// With their times in microseconds; the last one is [`Fault::Calm`].
    pub(crate) faults: Vec<(u64, Fault)>,
    pub(crate) calm_at_us: u64,
    /// Slow machines: how often, of a thousand choices, time moves on although brains have work.
    pub(crate) hurry_permille: u64,
}

/// Heights that every correct node must gain after the faults have stopped (P2).
pub(crate) const HEIGHTS_GAINED: u64 = 10;
/// … within this many times [`Plan::base_ms`].
const BASES_ALLOWED: u64 = 20;

impl Plan {
    /// Machines: one for each validator, and one more for each twin.
    pub(crate) fn nodes(&self) -> usize {
        self.validators + self.twins.len()
    }

    /// The validator whose key this node has.
    pub(crate) fn validator_of(&self, node: usize) -> usize {
        let second = node.checked_sub(self.validators);
        second.map_or(node, |second| self.twins[second])
    }

    /// Whether this node follows the rules, alone with its key, and remembers what it has signed.
    pub(crate) fn is_correct(&self, node: usize) -> bool {
        let validator = self.validator_of(node);
        let is_alone = !self.twins.contains(&validator) && self.restored != Some(validator);
        let is_lost = self.lost == Some(validator);
        self.habits[validator].is_none() && is_alone && !is_lost
    }

    /// Whether this node stops when its key turns out to be at work elsewhere: not if somebody else
    /// makes it misbehave.
    pub(crate) fn looks_for_own(&self, node: usize) -> bool {
        let validator = self.validator_of(node);
        let is_twin = self.twins.contains(&validator);
        self.habits[validator].is_none() && (!is_twin || self.twins_look)
    }

    /// The base timeout: propose + prevote + precommit of round 0, and the height's interval.
    pub(crate) fn base_ms(&self) -> u64 {
        let Timeouts {
            propose_ms,
            prevote_ms,
            precommit_ms,
            ..
        } = self.timeouts;
        propose_ms + prevote_ms + precommit_ms
    }

    /// What a node that is so many blocks behind needs to get them, once all faults have stopped:
    /// a sync of the disk for each, and a way there and back for each answer.
    pub(crate) fn catching_up_us(&self, blocks: u64) -> u64 {
        let answers = blocks / self.sync_blocks_max as u64 + 1;
        blocks * self.sync_max_us + answers * 2 * Links::CALM.delay_max_us
    }

    /// When the recovery must be over, for nodes that are at most so many blocks behind.
    pub(crate) fn deadline_us(&self, blocks: u64) -> u64 {
        let interval_ms = match self.pacing {
            Pacing::Interval(ms) => ms,
            Pacing::Manual | Pacing::OnDemand => 0,
        };
        let allowed_ms = BASES_ALLOWED * self.base_ms() + HEIGHTS_GAINED * interval_ms;
        self.calm_at_us + allowed_ms * 1000 + self.catching_up_us(blocks)
    }

    /// What remains of a sync once all faults have stopped: well below the timeouts.
    pub(crate) fn calm_disk(&mut self) {
        self.sync_max_us = self.sync_max_us.min(self.timeouts.propose_ms * 50);
    }

    /// In their order, and then the calm.
    fn sort_faults(&mut self) {
        let calm_at_us = self.calm_at_us;
        self.faults.retain(|(at_us, _)| *at_us < calm_at_us);
        self.faults.sort_by_key(|(at_us, _)| *at_us);
        self.faults.push((calm_at_us, Fault::Calm));
    }

    /// Draws a world of this profile; `validators` overrules the profile's choice.
    pub(crate) fn new(profile: Profile, validators: Option<usize>, random: &mut Random) -> Plan {
        let mut own = random.clone().fork();
        let drawn = profile.validators(random);
        let validators = validators.unwrap_or(drawn);
        let family = profile.family(&mut own);
        let powers = profile.powers(validators, random);
        let habits = profile.habit_of(&powers, random);
        let twins = profile.twins(&powers, &habits, random);
        let nodes = validators + twins.len();
        let propose_ms = random.pick(&[60, 100, 200, 300]);
        let step_ms = propose_ms / 2;
        let interval_ms = random.pick(&[0, 0, 0, 1, 20]);
        let duration_us = profile.fault_time_us(nodes, random);
        let mut plan = Plan {
            validators,
            founding: powers.clone(),
            powers,
            changes: Vec::new(),
            twins,
            twins_look: random.chance(500),
            restored: None,
            lost: None,
            late: Vec::new(),
            survival: random.pick(&[Survival::Prefix, Survival::Subset]),
            habits,
            timeouts: timeouts(propose_ms),
            pacing: Pacing::Interval(interval_ms),
            silent_after_ms: propose_ms * random.pick(&[1, 2, 4]),
            // In some worlds what is pushed must be enough.
            pull_patience_ms: random.chance(750).then_some(propose_ms / 10),
            grace_ms: step_ms,
            sync_blocks_max: random.pick(&[4, 16, 100]),
            links: faults::links(profile, propose_ms, random),
            sync_min_us: 50,
            sync_max_us: random.pick(&[200, 2_000, 20_000, 100_000]),
            skew_ms: vec![0; nodes],
            clock_is_wrong: vec![false; validators],
            genesis_ahead_ms: 0,
            faults: Vec::new(),
            calm_at_us: duration_us,
            hurry_permille: random.pick(&[0, 20, 100]),
        };
        if let Some(family) = family {
            family::prepare(family, &mut plan, &mut own);
        }
        faults::plan(profile, &mut plan, random);
        // Drawn last, so that a world without changes is the same as ever.
        if profile.has_changes(random) && family != Some(Family::OldKeys) {
            changes::draw(&mut plan, random);
        }
        if let Some(family) = family {
            family::draw(family, &mut plan, &mut own);
        }
        plan.sort_faults();
        plan
    }
}

/// Votes are waited for half as long as proposals.
fn timeouts(propose_ms: u64) -> Timeouts {
    let step_ms = propose_ms / 2;
    Timeouts {
        propose_ms,
        propose_delta_ms: propose_ms / 2,
        prevote_ms: step_ms,
        prevote_delta_ms: step_ms / 2,
        precommit_ms: step_ms,
        precommit_delta_ms: step_ms / 2,
        cap_ms: 60_000,
    }
}
