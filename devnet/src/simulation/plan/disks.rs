//! Homes that are put back to an earlier state: a copy of the disk, the record beside the key
//! included, that somebody restores.
use super::{Fault, Plan, faults};
use crate::simulation::random::Random;

/// Copies of one home that are put back, one after the other.
const TIMES_MAX: u64 = 3;
/// How often, of a thousand times, only one that has seen none of it is there when a home comes back.
const AMBUSHED_PERMILLE: u64 = 400;

/// One home is put back, at any moment: it is one of the faulty that the protocol bears.
pub(super) fn restored(plan: &mut Plan, random: &mut Random) {
    let mut order = random.order(plan.validators);
    if random.chance(500) {
        // Those who must hear all others first: few worlds have them.
        order.sort_by_key(|node| !is_heavy(plan, *node));
    }
    let mut fits = order.into_iter();
    let Some(node) = fits.find(|node| plan.is_correct(*node) && is_fit(plan, *node)) else {
        return;
    };
    plan.restored = Some(node);
    for _ in 0..random.between(1, TIMES_MAX) {
        put_back(plan, random, node);
    }
}

/// A young copy, or one as old as it gets. What the key has said before has arrived when the node
/// begins again: it asks who has heard it.
fn put_back(plan: &mut Plan, random: &mut Random, node: usize) {
    let age_us = match random.below(4) {
        0 => 0,
        1 => random.below(plan.calm_at_us / 2),
        _ => random.below(4 * plan.base_ms() * 1_000),
    };
    let copied_us = random.below(plan.calm_at_us * 2 / 3);
    let dies_us = copied_us + age_us;
    let underway_us = 2 * plan.links.delay_max_us;
    let back_us = dies_us + underway_us + random.below(plan.calm_at_us / 6);
    // Nobody else starts it meanwhile.
    let early = |at_us: u64, fault: &Fault| {
        let is_start = matches!(fault, Fault::Start(other) if *other == node);
        is_start && (dies_us..back_us).contains(&at_us)
    };
    plan.faults.retain(|(at_us, fault)| !early(*at_us, fault));
    plan.faults.push((copied_us, Fault::Backup(node)));
    plan.faults.push((dies_us, Fault::Crash(node)));
    if random.chance(AMBUSHED_PERMILLE) {
        ambush(plan, random, node, [copied_us, dies_us, back_us]);
    }
    plan.faults.push((back_us, Fault::Restore(node)));
    plan.faults.push((back_us, Fault::Start(node)));
}

/// Another one is cut off from when the copy is made until it comes back. Then those two are there,
/// and the others, who remember what both have missed, are dead for a while.
fn ambush(plan: &mut Plan, random: &mut Random, node: usize, at_us: [u64; 3]) {
    let [copied_us, dies_us, back_us] = at_us;
    let others = random.order(plan.validators).into_iter();
    let mut others = others.filter(|other| *other != node && plan.is_correct(*other));
    let Some(witless) = others.next() else { return };
    let nodes = plan.nodes();
    let alone = (0..nodes).map(|other| u8::from(other == witless)).collect();
    plan.faults.push((copied_us, Fault::Partition(alone)));
    for dead in (0..nodes).filter(|dead| ![node, witless].contains(dead)) {
        let returns_us = back_us + random.below(4 * plan.base_ms() * 1_000);
        plan.faults.push((dies_us, Fault::Crash(dead)));
        plan.faults.push((returns_us, Fault::Start(dead)));
    }
    plan.faults
        .push((back_us, Fault::Partition(vec![0; nodes])));
    plan.faults.push((back_us, Fault::Start(witless)));
}

/// Whether the protocol bears that this one forgets: with the faulty it stays below a third; or it has
/// a third or more and nobody else is faulty, because then it waits for all others. Whoever decides
/// alone asks nobody, and nothing helps it.
fn is_fit(plan: &Plan, node: usize) -> bool {
    let are_all_correct = (0..plan.validators).all(|node| {
        let is_single = !plan.twins.contains(&node) && plan.lost != Some(node);
        plan.habits[node].is_none() && is_single && !plan.clock_is_wrong[node]
    });
    let is_alone = is_heavy(plan, node) && are_all_correct && plan.changes.is_empty();
    faults::is_bearable(plan, node) || is_alone
}

/// A third of the power or more, and no quorum alone.
fn is_heavy(plan: &Plan, node: usize) -> bool {
    let all = plan.powers.iter().map(|power| u128::from(*power));
    let own = u128::from(plan.powers[node]);
    let total = all.sum::<u128>();
    3 * own >= total && 3 * own <= 2 * total
}
