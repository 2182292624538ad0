//! Scenario 14: a dead proposer in steady state costs hops, not timeouts (E3, E4). Alone in its test
//! crate, because it compares times: other tests beside it would be measured, too.
use crate::alone;
use lockstep_devnet::Devnet;
use lockstep_protocol::consensus::timeouts::Timeouts;
use std::time::Duration;
use support::{PATIENCE, assert_nobody_signed_twice, grows_by, same_chain};

const ALL: [usize; 4] = [0, 1, 2, 3];

/// Windows with and without the fourth take turns, so that a busy machine slows both. The dead
/// one's turns come every fourth height; the first of them costs a timeout, because nobody else has
/// anything to say meanwhile, and is measured apart. `lockstep bench faults` measures both together.
#[test]
fn a_dead_validator_costs_the_others_little_time_per_block() {
    let _alone = alone();
    const BLOCKS: u64 = 40;
    let devnet = Devnet::builder().block_time_ms(0).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let others = [0, 1, 2];
    let mut healthy = Duration::ZERO;
    let mut noticed = Duration::ZERO;
    let mut dead = Duration::ZERO;
    for _ in 0..3 {
        healthy += grows_by(&devnet, &others, BLOCKS, "blocks of four");
        devnet.kill(3);
        noticed += grows_by(
            &devnet,
            &others,
            2 * ALL.len() as u64,
            "the silence is noticed",
        );
        dead += grows_by(&devnet, &others, BLOCKS, "blocks of three");
        devnet.restart(3).expect("it starts again");
        grows_by(&devnet, &ALL, 1, "it is back");
    }
    let ratio = dead.as_secs_f64() / healthy.as_secs_f64();
    let each = |took: Duration| took / (3 * BLOCKS as u32);
    println!(
        "a block in {:?} with four, in {:?} with one of them dead: × {ratio:.2}; the eight heights \
         in which it is noticed take {:?}",
        each(healthy),
        each(dead),
        noticed / 3
    );
    assert!(ratio <= 1.5, "× {ratio:.2}");
    // Of its two turns in there one costs a timeout, and not the other.
    let propose = Duration::from_millis(Timeouts::DEVNET.propose_ms);
    let heights = 2 * ALL.len() as u32;
    let most = 2 * propose + each(healthy) * heights * 3 / 2;
    assert!(noticed / 3 < most, "{:?} of {most:?}", noticed / 3);
    same_chain(&devnet, &ALL);
    assert_nobody_signed_twice(&devnet, &ALL);
}
