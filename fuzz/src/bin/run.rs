//! The fuzz targets on stable: `cargo run --release --bin run -- [SECONDS] [TARGET …]`.
//!
//! Mutates the corpora deterministically, without the feedback that libFuzzer has. A panic ends it
//! with the input in `crash-<target>`.
use lockstep_fuzz::brains::BRAINS;
use lockstep_fuzz::http;
use lockstep_fuzz::mutate::Mutator;
use lockstep_fuzz::targets::{TARGETS, Target};
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments
        .next()
        .map_or(30, |s| s.parse().expect("a number of seconds"));
    let wanted: Vec<String> = arguments.collect();
    // Nobody counts here what it holds.
    let over_http = Target {
        name: "http",
        limit: http::LIMIT,
        at_once: usize::MAX,
        free: usize::MAX,
        times: 0,
        run: http::throw,
    };
    for target in TARGETS.iter().chain(&BRAINS).chain([&over_http]) {
        if wanted.is_empty() || wanted.iter().any(|name| name == target.name) {
            run(target, Duration::from_secs(seconds));
        }
    }
}

fn run(target: &Target, time: Duration) {
    let mut mutator = Mutator::new(corpus(target.name), 1);
    let began = Instant::now();
    let mut inputs = 0u64;
    let mut accepted = 0u64;
    while began.elapsed() < time {
        let input = mutator.next_input(target.limit);
        let outcome = std::panic::catch_unwind(|| (target.run)(&input));
        let Ok(outcome) = outcome else {
            let file = format!("crash-{}", target.name);
            std::fs::write(&file, &input).expect("the input is kept");
            eprintln!("{} panicked; its input is in {file}", target.name);
            std::process::exit(1);
        };
        (inputs, accepted) = (inputs + 1, accepted + u64::from(outcome));
    }
    let rate = inputs as f64 / time.as_secs_f64();
    println!(
        "{:<15} {inputs:>9} inputs ({rate:.0}/s), {accepted} accepted, 0 panics",
        target.name
    );
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{dir:?}: {error}"));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path| std::fs::read(path).expect("it reads");
    paths.into_iter().map(read).collect()
}
