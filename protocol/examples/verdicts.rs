//! What a node says of transactions, for comparison with implementations in other languages.
//!
//! ```text
//! verdicts                    reads envelopes in hex, a line each; answers "accepted" or the stable
//!                             word of the refusal, a line each
//! verdicts mutate SEED COUNT  writes as many transactions with changed bytes, a line each
//! ```
//!
//! The state that it judges by is `state` in `tests/vectors/protocol/mutated.json`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code
)]
use std::io::{BufRead, BufWriter, Write, stdin, stdout};

#[path = "../tests/golden/vectors/cases.rs"]
mod cases;
#[path = "../tests/golden/vectors/mutation.rs"]
mod mutation;
#[path = "../tests/golden/vectors/notes.rs"]
mod notes;
#[path = "../tests/golden/vectors/party.rs"]
mod party;
#[path = "../tests/golden/vectors/verdict.rs"]
mod verdict;
#[path = "../tests/golden/vectors/world.rs"]
mod world;

#[expect(
    clippy::disallowed_methods,
    reason = "hex and words of this program alone"
)]
fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = BufWriter::new(stdout().lock());
    let world = world::World::of_two_blocks();
    match arguments[..] {
        [] => {
            let mut judge = verdict::Judge::new(&world);
            for line in stdin().lock().lines() {
                writeln!(out, "{}", judge.verdict(&bytes(line?.trim())))?;
            }
        }
        ["mutate", seed, count] => {
            let mut dice = mutation::Dice(seed.parse().unwrap());
            let cases = cases::cases(&world);
            for _ in 0..count.parse::<u64>().unwrap() {
                let bytes = mutation::mutated(&world, &cases, &mut dice);
                writeln!(out, "{}", hex(&bytes))?;
            }
        }
        _ => panic!("verdicts, or verdicts mutate SEED COUNT"),
    }
    out.flush()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}
