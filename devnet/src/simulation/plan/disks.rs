//! Homes that are put back to an earlier state: a copy of the disk, the record beside the key
//! included, that somebody restores.
use super::{Fault, Plan, faults};
use crate::simulation::random::Random;

/// Copies of one home that are put back, one after the other.
const TIMES_MAX: u64 = 3;

/// One home is put back, at any moment: it is one of the faulty that the protocol bears.
pub(super) fn restored(plan: &mut Plan, random: &mut Random) {
    let order = random.order(plan.validators);
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
    plan.faults.push((back_us, Fault::Restore(node)));
    plan.faults.push((back_us, Fault::Start(node)));
}

/// Whether the protocol bears that this one forgets: with the faulty it stays below a third; or it has
/// a third or more and nobody else is faulty, because then it waits for all others. Whoever decides
/// alone asks nobody, and nothing helps it.
fn is_fit(plan: &Plan, node: usize) -> bool {
    let all = plan.powers.iter().map(|power| u128::from(*power));
    let (own, total) = (u128::from(plan.powers[node]), all.sum::<u128>());
    let are_all_correct = (0..plan.validators).all(|node| {
        let is_alone = !plan.twins.contains(&node) && plan.lost != Some(node);
        plan.habits[node].is_none() && is_alone && !plan.clock_is_wrong[node]
    });
    let is_heavy = 3 * own >= total && 3 * own <= 2 * total;
    faults::is_bearable(plan, node) || (is_heavy && are_all_correct && plan.changes.is_empty())
}
