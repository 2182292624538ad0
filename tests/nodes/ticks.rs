//! A tick is never lost: whoever sees block h and asks for the next gets block h + 1.
use lockstep_devnet::{Devnet, NodeTick};
use lockstep_protocol::consensus::driver::TickOutcome;
use std::time::{Duration, Instant};

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

/// A node that ended by itself was asked for its tick like the others, and the question failed.
#[test]
fn three_nodes_go_on_by_ticks_when_the_fourth_has_ended_by_itself() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    devnet.tick().expect("a block comes");
    assert!(devnet.inject_panic(2, "StateStore"));
    let until = Instant::now() + Duration::from_secs(30);
    while devnet.ended() != [2] {
        assert!(Instant::now() < until, "node 2 ends");
        std::thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..4 {
        devnet.tick().expect("three are enough");
    }
    assert_eq!(devnet.heights(), [Some(5), Some(5), None, Some(5)]);
    assert!(devnet.block(2, 1).is_err(), "nobody is there to ask");
    assert!(devnet.kill(2).is_some_and(|reason| reason.is_failure()));
    devnet.restart(2).expect("it starts again");
    devnet
        .wait_for(5, Duration::from_secs(30))
        .expect("it catches up");
}
