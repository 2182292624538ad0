//! A tick is never lost: whoever sees block h and asks for the next gets block h + 1.
use lockstep_devnet::{Devnet, NodeTick};
use lockstep_protocol::consensus::driver::TickOutcome;

fn outcomes(ticks: &[NodeTick]) -> Vec<TickOutcome> {
    ticks.iter().map(|tick| tick.outcome).collect()
}

/// The head is seen before the node's round driver has entered the next height: a tick that came in
/// between was answered `AlreadyRunning` and had no effect.
#[test]
fn a_tick_that_follows_a_block_at_once_makes_the_next_one() {
    let builder = Devnet::builder().validators(1).manual(true);
    let devnet = builder.boot().expect("it boots");
    for height in 1..=200 {
        let ticks = devnet.tick().expect("a block comes");
        assert_eq!(outcomes(&ticks), [TickOutcome::Building], "height {height}");
    }
}

/// A node has booted before its round driver has read the sign record: a tick that came in between
/// was answered `Stopped`.
#[test]
fn a_tick_that_follows_the_boot_at_once_makes_the_first_block() {
    for _ in 0..20 {
        let builder = Devnet::builder().validators(1).manual(true);
        let devnet = builder.boot().expect("it boots");
        let ticks = devnet.tick().expect("a block comes");
        assert_eq!(outcomes(&ticks), [TickOutcome::Building]);
    }
}
