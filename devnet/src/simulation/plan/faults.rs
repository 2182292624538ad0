//! Which faults, and when. Each family is drawn on its own, so that most worlds mix several and
//! some have one alone.
use super::{Fault, Plan, disks, faulty_max};
use crate::simulation::brain::Brain;
use crate::simulation::network::Links;
use crate::simulation::profile::Profile;
use crate::simulation::random::Random;

const HOUR_MS: u64 = 3_600_000;

/// The wires while faults last.
pub(super) fn links(profile: Profile, propose_ms: u64, random: &mut Random) -> Links {
    let slowest_ms = random.pick(&[2, 10, propose_ms / 4, propose_ms / 2, propose_ms]);
    let mut links = Links {
        delay_min_us: 200,
        delay_max_us: slowest_ms * 1000,
        loss_permille: random.pick(&[0, 0, 10, 100, 300, 500]),
        duplicates_permille: random.pick(&[0, 0, 50, 300]),
    };
    if profile.is_lossless() {
        links.loss_permille = 0;
    }
    links
}

/// Draws the faults of all families.
pub(super) fn plan(profile: Profile, plan: &mut Plan, random: &mut Random) {
    if profile.has_crashes() && random.chance(500) {
        crashes(plan, random);
    }
    if profile.has_crashes() && random.chance(600) {
        brain_crashes(plan, random);
    }
    if profile.has_partitions() && plan.nodes() > 1 {
        if random.chance(400) {
            partitions(plan, random);
        }
        if random.chance(300) {
            cuts(plan, random);
        }
    }
    if profile.has_late_joiners() && plan.nodes() > 1 && random.chance(250) {
        late_joiner(plan, random);
    }
    if random.chance(profile.restored_permille()) {
        disks::restored(plan, random);
    }
    if profile.has_skew() && random.chance(250) {
        skew(plan, random);
    }
    if profile == Profile::Amnesiacs {
        keep_correct_apart(plan);
    }
}

fn crashes(plan: &mut Plan, random: &mut Random) {
    if random.chance(200) {
        return kill_all(plan, random);
    }
    for _ in 0..random.between(1, 8) {
        let node = random.index(plan.nodes());
        let at_us = random.below(plan.calm_at_us);
        let back_us = at_us + random.below(plan.calm_at_us / 3);
        plan.faults.push((at_us, Fault::Crash(node)));
        plan.faults
            .push((back_us.min(plan.calm_at_us), Fault::Start(node)));
    }
}

/// All at once, and back one by one.
fn kill_all(plan: &mut Plan, random: &mut Random) {
    for _ in 0..random.between(1, 3) {
        let at_us = random.below(plan.calm_at_us);
        for node in 0..plan.nodes() {
            let back_us = at_us + random.below(plan.calm_at_us / 4);
            plan.faults.push((at_us, Fault::Crash(node)));
            plan.faults.push((back_us, Fault::Start(node)));
        }
    }
}

fn brain_crashes(plan: &mut Plan, random: &mut Random) {
    for _ in 0..random.between(1, 40) {
        let node = random.index(plan.nodes());
        let at_us = random.below(plan.calm_at_us);
        let brain = random.pick(&Brain::ALL);
        plan.faults.push((at_us, Fault::CrashBrain(node, brain)));
    }
}

/// 2/2, 3/1, 1/1/1/1 and whatever else, healed again or changed at once (flapping).
fn partitions(plan: &mut Plan, random: &mut Random) {
    let n = plan.nodes();
    for _ in 0..random.between(1, 6) {
        let at_us = random.below(plan.calm_at_us);
        let groups = random.pick(&[2, 2, 3, n as u64]);
        let sides = (0..n).map(|_| random.below(groups) as u8).collect();
        let lasts_us = random.below(plan.calm_at_us / 3);
        plan.faults.push((at_us, Fault::Partition(sides)));
        plan.faults
            .push((at_us + lasts_us, Fault::Partition(vec![0; n])));
    }
}

fn cuts(plan: &mut Plan, random: &mut Random) {
    for _ in 0..random.between(1, 2 * plan.nodes() as u64) {
        let (from, to) = (random.index(plan.nodes()), random.index(plan.nodes()));
        let at_us = random.below(plan.calm_at_us);
        let mended_us = at_us + random.below(plan.calm_at_us / 2);
        for (at_us, is_cut) in [(at_us, true), (mended_us, false)] {
            plan.faults.push((at_us, Fault::Cut { from, to, is_cut }));
        }
    }
}

/// The correct nodes hear the faulty ones only.
fn keep_correct_apart(plan: &mut Plan) {
    let correct = (0..plan.nodes()).filter(|node| plan.is_correct(*node));
    let correct: Vec<usize> = correct.collect();
    for from in &correct {
        for to in correct.iter().filter(|to| *to != from) {
            let from = *from;
            let to = *to;
            let is_cut = true;
            plan.faults.push((0, Fault::Cut { from, to, is_cut }));
        }
    }
}

/// One node joins late, from genesis: during the faults, or only when they end.
fn late_joiner(plan: &mut Plan, random: &mut Random) {
    let node = random.index(plan.nodes());
    let at_us = random.below(plan.calm_at_us * 4 / 3).min(plan.calm_at_us);
    plan.late.push(node);
    plan.faults.push((at_us, Fault::Start(node)));
}

/// Whether one more validator may be faulty.
pub(super) fn is_bearable(plan: &Plan, node: usize) -> bool {
    let power = |node: usize| u128::from(plan.powers[plan.validator_of(node)]);
    let total: u128 = (0..plan.validators).map(power).sum();
    let faulty: Vec<usize> = (0..plan.validators)
        .filter(|node| !plan.is_correct(*node))
        .collect();
    let held: u128 = faulty.iter().map(|node| power(*node)).sum();
    faulty.len() < faulty_max(plan.validators) && 3 * (held + power(node)) < total
}

/// Clocks are off by up to an hour. Together with the faulty nodes for less than a third of the
/// power: a validator whose clock is wrong refuses the proposals of all others (L22), as a faulty
/// one may.
fn skew(plan: &mut Plan, random: &mut Random) {
    let power = |plan: &Plan, node: usize| u128::from(plan.powers[plan.validator_of(node)]);
    let total: u128 = (0..plan.validators).map(|node| power(plan, node)).sum();
    let mut wrong = 0;
    let mut spare = faulty_max(plan.validators);
    for node in (0..plan.validators).filter(|node| !plan.is_correct(*node)) {
        wrong += power(plan, node);
        spare = spare.saturating_sub(1);
    }
    for node in random.order(plan.validators) {
        let bearable = 3 * (wrong + power(plan, node)) < total;
        if plan.is_correct(node) && spare > 0 && bearable {
            wrong += power(plan, node);
            spare -= 1;
            plan.skew_ms[node] = random.below(2 * HOUR_MS) as i64 - HOUR_MS as i64;
            plan.clock_is_wrong[node] = true;
        }
    }
}
