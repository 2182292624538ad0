//! Lockstep under [`Rules::Paper`] answers as the reference does, and as the literal rules do.

use lockstep_protocol::consensus::round_machine::Rules;

use crate::compare::canonical;
use crate::generator::VALIDATORS;
use crate::literal::Literal;
use crate::lockstep::Lockstep;
use crate::scenario::Scenario;

const SEEDS: u64 = 6000;

/// How much has been compared.
#[derive(Debug, Default)]
struct Compared {
    seeds: u64,
    equivocating: u64,
    turns: u64,
    halted: u64,
}

/// Three ways: outputs, their order, lock and valid value agree after every turn.
#[test]
fn lockstep_the_literal_rules_and_the_reference_agree() {
    let mut compared = Compared::default();
    for seed in 0..SEEDS {
        compare(&Scenario::of_seed(seed), &mut compared);
    }
    println!("{compared:?}");
    assert!(compared.seeds - compared.equivocating >= 3000);
    assert!(compared.halted * 100 < compared.seeds, "{compared:?}");
}

fn compare(scenario: &Scenario, compared: &mut Compared) {
    let mut ours = Lockstep::new(scenario, Rules::Paper);
    let mut literal = Literal::new(VALIDATORS, scenario.me, scenario.height);
    let mut node = scenario.reference();
    compared.seeds += 1;
    compared.equivocating += u64::from(scenario.equivocates);
    for (turn, &input) in scenario.inputs.iter().enumerate() {
        let answer = canonical(&ours.apply(input));
        if ours.halted() {
            // More than f faulty: the paper has no rule for it, Lockstep stops.
            compared.halted += 1;
            return;
        }
        compared.turns += 1;
        let so_far = || {
            let inputs = &scenario.inputs[..=turn];
            format!("seed {}, me {}: {inputs:?}", scenario.seed, scenario.me)
        };
        assert_eq!(answer, canonical(&node.apply(input)), "{}", so_far());
        assert_eq!(answer, canonical(&literal.apply(input)), "{}", so_far());
        let held = (node.locked(), node.valid());
        assert_eq!(ours.held(), held, "{}", so_far());
        assert_eq!(literal.held(), held, "{}", so_far());
    }
}
