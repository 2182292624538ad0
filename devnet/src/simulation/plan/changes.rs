//! Which changes of the validator set a world asks for: one after the other, each of one validator,
//! and none that the protocol refuses or that leaves the faulty a third of the power. One of them may have
//! more than two thirds for a while, and sets come back.
use super::{Change, Fault, Plan, faulty_max};
use crate::simulation::random::Random;
use lockstep_protocol::types::Height;
use lockstep_protocol::validators::set::Power;

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
        newcomers(plan, random);
    }
    let mut sets = vec![plan.founding.clone()];
    let mut from = Height(0);
    if random.chance(250) {
        from = raise_founder(plan, random, &mut sets);
    }
    for _ in 0..random.between(8, 40) {
        let Some(newest) = sets.last() else { return };
        let validator = random.index(plan.validators);
        let power = random.pick(&[0, 0, 1, 1, 2, 3, 10]);
        let mut changed = newest.clone();
        changed[validator] = power;
        if changed == *newest || is_refused(&sets, &changed) || !is_borne(plan, &changed) {
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
    stay_at_the_last(plan, &mut sets);
    if sets.iter().any(|set| !is_shared(set)) {
        super::family::slow_down(plan, random);
    }
}

/// One or two validators are none yet, and some of them are dead until the faults stop: they are voted
/// for, and must not count before they are there.
fn newcomers(plan: &mut Plan, random: &mut Random) {
    for _ in 0..random.between(1, 2) {
        let newcomer = random.index(plan.validators);
        let mut fewer = plan.founding.clone();
        fewer[newcomer] = 0;
        if !is_borne(plan, &fewer) {
            continue;
        }
        plan.founding = fewer;
        if plan.is_correct(newcomer) && random.chance(400) {
            let is_begun = |fault: &Fault| matches!(fault, Fault::Start(it) if *it == newcomer);
            plan.faults.retain(|(_, fault)| !is_begun(fault));
            plan.late.push(newcomer);
        }
    }
}

/// One of those who follow the rules begins with more than two thirds, which it loses later.
fn raise_founder(plan: &mut Plan, random: &mut Random, sets: &mut Vec<Vec<Power>>) -> Height {
    let validator = random.index(plan.validators);
    let mut raised = plan.founding.clone();
    let power = raised[validator];
    raised[validator] = 2 * total(&raised) as Power + 1;
    if power == 0 || !is_borne(plan, &raised) || is_refused(&[raised.clone()], &plan.founding) {
        return Height(0);
    }
    let from = Height(random.between(2, 40));
    plan.changes.push(Change {
        from,
        validator,
        power,
    });
    sets.insert(0, raised.clone());
    plan.founding = raised;
    from
}

/// Of changes that begin with the same set, the last one whose time has come is asked for. A set that
/// comes twice at the end would never rest.
fn stay_at_the_last(plan: &mut Plan, sets: &mut Vec<Vec<Power>>) {
    while let Some((last, before)) = sets.split_last()
        && before.contains(last)
    {
        sets.pop();
        plan.changes.pop();
    }
}

pub(super) fn total(powers: &[Power]) -> u128 {
    powers.iter().map(|power| u128::from(*power)).sum()
}

/// Those who decide, and have no more power afterwards, must be a quorum then, whoever has asked. When
/// a change of the newest set is decided, the change that led to that set may be under way, but none
/// before it: each is asked for once the state names the one before it.
fn is_refused(sets: &[Vec<Power>], after: &[Power]) -> bool {
    let Some(newest) = sets.last() else {
        return false;
    };
    let pairs = sets.iter().zip(sets.iter().skip(1));
    let before = pairs.filter(|(_, set)| *set == newest).map(|(set, _)| set);
    let mut deciding = before.chain([newest]);
    deciding.any(|deciding| {
        let pairs = deciding.iter().zip(after);
        let known = pairs.filter(|(now, after)| after <= now);
        let known: u128 = known.map(|(_, power)| u128::from(*power)).sum();
        3 * known <= 2 * total(after)
    })
}

/// Whether nobody decides alone.
fn is_shared(powers: &[Power]) -> bool {
    let strongest = powers.iter().copied().max().unwrap_or_default();
    3 * u128::from(strongest) <= 2 * total(powers)
}

/// Whether the faulty, and those whose clock is wrong, stay few among these.
fn is_borne(plan: &Plan, powers: &[Power]) -> bool {
    let is_bad =
        |validator: &usize| !plan.is_correct(*validator) || plan.clock_is_wrong[*validator];
    let members: Vec<usize> = (0..powers.len()).filter(|it| powers[*it] > 0).collect();
    let bad: Vec<usize> = members.iter().copied().filter(is_bad).collect();
    let held: u128 = bad.iter().map(|it| u128::from(powers[*it])).sum();
    let are_few = bad.len() <= faulty_max(members.len());
    are_few && !members.is_empty() && 3 * held < total(powers)
}
