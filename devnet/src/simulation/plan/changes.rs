//! Which changes of the validator set a world asks for: one after the other, each of one validator,
//! and none that the protocol refuses or that leaves the faulty a third of the power.
use super::{Change, Plan, faulty_max};
use crate::simulation::random::Random;
use lockstep_protocol::quorum::Power;
use lockstep_protocol::types::Height;

/// The largest total with which no drawn power overflows.
pub(super) const TOTAL_MAX: u128 = 1_000;
/// Heights between two changes; at the least the second one comes while the first does not hold yet.
const PAUSE_MAX: u64 = 12;

/// Draws founders and changes.
pub(super) fn draw(plan: &mut Plan, random: &mut Random) {
    if total(&plan.powers) > TOTAL_MAX || plan.validators < 3 {
        return;
    }
    if random.chance(500) {
        // One validator is none yet.
        let mut fewer = plan.powers.clone();
        fewer[random.index(plan.validators)] = 0;
        if is_borne(plan, &fewer) {
            plan.founding = fewer;
        }
    }
    let mut sets = vec![plan.founding.clone()];
    let mut from = Height(0);
    for _ in 0..random.between(8, 40) {
        let Some(newest) = sets.last() else { return };
        let validator = random.index(plan.validators);
        let power = random.pick(&[0, 0, 1, 1, 2, 3, 10]);
        let mut changed = newest.clone();
        changed[validator] = power;
        // When it is decided, the change before it may be under way, but none before that: each is
        // asked for once the state names the one before it.
        let mut deciding = sets.iter().rev().take(2);
        let is_refused = deciding.any(|deciding| is_refused(deciding, &changed));
        // A set that comes twice would leave open which change is next.
        if sets.contains(&changed) || is_refused || !is_borne(plan, &changed) {
            continue;
        }
        from = Height(from.0 + random.below(PAUSE_MAX));
        plan.changes.push(Change {
            from,
            validator,
            power,
        });
        sets.push(changed);
    }
}

pub(super) fn total(powers: &[Power]) -> u128 {
    powers.iter().map(|power| u128::from(*power)).sum()
}

/// Those who decide, and have no more power afterwards, must be a quorum then, whoever has asked.
fn is_refused(deciding: &[Power], after: &[Power]) -> bool {
    let pairs = deciding.iter().zip(after);
    let known = pairs.filter(|(now, after)| after <= now);
    let known: u128 = known.map(|(_, power)| u128::from(*power)).sum();
    3 * known <= 2 * total(after)
}

/// Whether the faulty, and those whose clock is wrong, stay few among these, and nobody decides
/// alone: whoever waits for no answer runs away from all who follow, and no time to recover is enough.
fn is_borne(plan: &Plan, powers: &[Power]) -> bool {
    let is_bad = |validator: &usize| !plan.is_correct(*validator) || plan.clock_is_wrong[*validator];
    let members: Vec<usize> = (0..powers.len()).filter(|it| powers[*it] > 0).collect();
    let bad: Vec<usize> = members.iter().copied().filter(is_bad).collect();
    let held: u128 = bad.iter().map(|it| u128::from(powers[*it])).sum();
    let strongest = powers.iter().copied().max().unwrap_or_default();
    let is_shared = 3 * u128::from(strongest) <= 2 * total(powers);
    is_shared && bad.len() <= faulty_max(members.len()) && 3 * held < total(powers)
}
