//! Worlds of old keys, old rounds and wrong clocks: what each changes in a plan.
use super::{Change, Fault, Plan, changes, faults};
use crate::simulation::brain::Brain;
use crate::simulation::habits;
use crate::simulation::profile::Family;
use crate::simulation::random::Random;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::types::Height;
use lockstep_protocol::validators::set::Power;

/// Rounds of one spell in which nothing is decided.
const ROUNDS_MIN: u64 = 120;
const ROUNDS_MAX: u64 = 260;
/// How far all clocks are set, in milliseconds: more than a block may be ahead, up to an hour.
const STEP_MIN_MS: u64 = 15_000;
const STEP_MAX_MS: u64 = 3_600_000;
/// What a validator that decides alone waits between two blocks, so that those who follow can.
const INTERVAL_ALONE_MS: u64 = 25;
/// Between heights of a world that lasts for a hundred rounds.
const INTERVAL_LONG_MS: u64 = 50;

/// Before other faults are drawn: how long they last, and who is faulty.
pub(super) fn prepare(family: Family, plan: &mut Plan, random: &mut Random) {
    match family {
        Family::OldKeys => dethrone(plan),
        Family::OldRounds => {
            // Rounds that take as long as each other: a hundred of them fit into a world.
            let timeouts = &mut plan.timeouts;
            timeouts.cap_ms = timeouts.propose_ms * 3 / 2;
            let rounds = random.between(ROUNDS_MIN, ROUNDS_MAX);
            plan.links.delay_max_us = plan.links.delay_max_us.min(timeouts.propose_ms * 250);
            plan.links.loss_permille = plan.links.loss_permille.min(100);
            // A nil round is paced by as much as a proposer is waited for.
            let round_ms = timeouts.cap_ms + timeouts.propose_ms;
            let round_us = round_ms * 1_000 + 3 * plan.links.delay_max_us;
            plan.calm_at_us = rounds * round_us;
            // Such a world is long: heights that come one after another would fill it with events.
            plan.pacing = Pacing::Interval(INTERVAL_LONG_MS);
        }
        Family::Clocks if random.chance(700) => {
            let fast_us = random.pick(&[1_000, 5_000]);
            plan.links.delay_max_us = plan.links.delay_max_us.min(fast_us);
        }
        Family::OldDisks | Family::Clocks => {}
    }
}

/// Behind all other faults.
pub(super) fn draw(family: Family, plan: &mut Plan, random: &mut Random) {
    match family {
        Family::OldKeys => crown(plan, random),
        Family::OldRounds => many_rounds(plan, random),
        Family::Clocks => clocks(plan, random),
        Family::OldDisks => {}
    }
}

/// Whoever is faulty once was a king. The rest of the world must not hide what it does: nobody
/// begins at genesis when the reign is over, for whoever believes a king then is lost.
fn dethrone(plan: &mut Plan) {
    if changes::total(&plan.powers) > changes::TOTAL_MAX {
        plan.powers.fill(1);
        plan.founding.fill(1);
    }
    for habit in &mut plan.habits {
        *habit = habit.map(|_| &habits::OLD_KING);
    }
}

/// Gives each king more than two thirds of everything, and takes it away again, one after the other.
fn crown(plan: &mut Plan, random: &mut Random) {
    let kings: Vec<usize> = (0..plan.validators)
        .filter(|validator| plan.habits[*validator].is_some())
        .collect();
    let mut power = 2 * plan.powers.iter().sum::<Power>() + 1;
    let mut from = Height(0);
    for king in random.order(kings.len()) {
        let king = kings[king];
        // The newest king outweighs all that were drawn before it.
        plan.founding[king] = power;
        power *= 3;
        from = Height(from.0 + random.between(2, 40));
        plan.changes.push(Change {
            from,
            validator: king,
            power: plan.powers[king],
        });
    }
    slow_down(plan, random);
    plan.late.clear();
    let restored = |fault: &Fault| matches!(fault, Fault::Backup(_) | Fault::Restore(_));
    plan.faults.retain(|(_, fault)| !restored(fault));
    plan.restored = None;
}

/// A validator that decides alone must not run away from all who follow.
pub(super) fn slow_down(plan: &mut Plan, random: &mut Random) {
    plan.pacing = Pacing::Interval(random.pick(&[INTERVAL_ALONE_MS, 2 * INTERVAL_ALONE_MS]));
}

/// Most of the time all proposals are lost, and everything else arrives: round after round ends with
/// nothing. Meanwhile nodes and brains die, and some only look on.
fn many_rounds(plan: &mut Plan, random: &mut Random) {
    let end_us = plan.calm_at_us;
    let from_us = random.below(end_us / 8);
    let to_us = random.between(end_us * 3 / 4, end_us);
    plan.faults.push((from_us, Fault::LoseProposals(true)));
    plan.faults.push((to_us, Fault::LoseProposals(false)));
    if random.chance(600) {
        replaced(plan, random, from_us);
    }
    for _ in 0..random.between(0, 3) {
        let node = random.index(plan.nodes());
        if plan.lost == Some(node) {
            continue;
        }
        let at_us = random.between(from_us, to_us);
        let back_us = at_us + random.below(end_us / 20);
        plan.faults.push((at_us, Fault::Crash(node)));
        plan.faults.push((back_us, Fault::Start(node)));
        if random.chance(500) {
            let until_us = random.between(back_us, end_us);
            look_on(plan, node, (at_us, until_us));
        }
    }
    for _ in 0..random.between(0, 6) {
        let node = random.index(plan.nodes());
        let at_us = random.between(from_us, to_us);
        let brain = random.pick(&Brain::ALL);
        plan.faults.push((at_us, Fault::CrashBrain(node, brain)));
    }
}

/// One node dies for good, and another, dead since an early round, comes back in its place: without it
/// the rest decides nothing, and it must find out how far they are.
fn replaced(plan: &mut Plan, random: &mut Random, from_us: u64) {
    let is_fit = |plan: &Plan, node: usize| {
        plan.is_correct(node) && !plan.clock_is_wrong[node] && faults::is_bearable(plan, node)
    };
    let mut order = random.order(plan.validators).into_iter();
    let lost = order.find(|node| is_fit(plan, *node));
    let Some((lost, back)) = lost.zip(order.next()) else {
        return;
    };
    if !plan.changes.is_empty() {
        return;
    }
    plan.lost = Some(lost);
    let round_us = (plan.timeouts.cap_ms + plan.timeouts.propose_ms) * 1_000;
    let dies_us = from_us + random.below(4 * round_us);
    let lost_us = dies_us + random.between(30, 60) * round_us;
    let back_us = lost_us + random.below(2 * round_us);
    let about = |fault: &Fault| match fault {
        Fault::Crash(node) | Fault::Start(node) => *node == lost || *node == back,
        _ => false,
    };
    plan.faults.retain(|(_, fault)| !about(fault));
    plan.faults.push((dies_us, Fault::Crash(back)));
    plan.faults.push((lost_us, Fault::Crash(lost)));
    plan.faults.push((back_us, Fault::Start(back)));
    let until_us = back_us + random.below(10 * round_us);
    for to in (0..plan.nodes()).filter(|to| *to != back) {
        if random.chance(500) {
            for (at_us, is_cut) in [(back_us, true), (until_us, false)] {
                let from = back;
                plan.faults.push((at_us, Fault::Cut { from, to, is_cut }));
            }
        }
    }
}

/// Nobody hears the node: it cannot ask how far the others are, and hears all they say.
fn look_on(plan: &mut Plan, from: usize, (at_us, until_us): (u64, u64)) {
    for to in (0..plan.nodes()).filter(|to| *to != from) {
        for (at_us, is_cut) in [(at_us, true), (until_us, false)] {
            plan.faults.push((at_us, Fault::Cut { from, to, is_cut }));
        }
    }
}

/// All clocks are set at once, or the genesis lies ahead; single clocks are set, too.
fn clocks(plan: &mut Plan, random: &mut Random) {
    let any_ms = random.between(STEP_MIN_MS, STEP_MAX_MS);
    let step_ms = random.pick(&[STEP_MIN_MS, 45_000, any_ms]) as i64;
    match random.below(4) {
        0 => plan.genesis_ahead_ms = step_ms,
        1 => {
            let at_us = random.below(plan.calm_at_us);
            plan.faults.push((at_us, Fault::SetClocks(-step_ms)));
            if random.chance(500) {
                let back_us = random.between(at_us, plan.calm_at_us);
                plan.faults.push((back_us, Fault::SetClocks(step_ms)));
            }
        }
        2 => {
            let at_us = random.below(plan.calm_at_us);
            plan.faults.push((at_us, Fault::SetClocks(step_ms)));
        }
        _ => {}
    }
    for node in 0..plan.nodes() {
        if !plan.clock_is_wrong[plan.validator_of(node)] {
            continue;
        }
        for _ in 0..random.between(0, 3) {
            let at_us = random.below(plan.calm_at_us);
            let to_ms = random.below(2 * STEP_MAX_MS) as i64 - STEP_MAX_MS as i64;
            plan.faults.push((at_us, Fault::SetClock(node, to_ms)));
        }
    }
}
