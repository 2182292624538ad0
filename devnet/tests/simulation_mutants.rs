//! P6: each planted bug is caught, by the property that it breaks.
use lockstep_devnet::simulation::{self, mutants};
use parking_lot::Mutex;

/// How far a planted bug may hide.
const SEEDS: u64 = 1_000;

#[test]
fn planted_bugs_are_caught() {
    let waiting = Mutex::new(mutants::ALL.iter().rev().collect::<Vec<_>>());
    let table = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some(planted) = waiting.lock().pop() else {
                return;
            };
            let caught = planted.hunt(0..SEEDS);
            if let Some((seed, _)) = caught {
                let without = simulation::run(seed, planted.profile).violations;
                assert_eq!(without, [], "{:?}: not the bug", planted.bug);
            }
            table.lock().push((planted, caught));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let mut table = table.into_inner();
    table.sort_by_key(|(planted, _)| planted.bug);
    println!("{:<24} {:<22} {:<20} seeds", "bug", "worlds", "caught by");
    for (planted, caught) in &table {
        let bug = format!("{:?}", planted.bug);
        let worlds = planted.profile.to_string();
        let (by, seeds) = match caught {
            Some((seed, violation)) => (violation.property, (seed + 1).to_string()),
            None => ("NOBODY", format!("> {SEEDS}")),
        };
        println!("{bug:<24} {worlds:<22} {by:<20} {seeds:>5}");
    }
    let survivors: Vec<_> = table
        .iter()
        .filter(|(_, caught)| caught.is_none())
        .collect();
    assert!(survivors.is_empty(), "nobody notices {survivors:?}");
    assert!(table.len() >= 20, "{} bugs", table.len());
}
