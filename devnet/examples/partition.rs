//! Two and two halt, because neither side is a quorum; healed, all go on.
//!
//! `cargo run -p lockstep-devnet --example partition`
use lockstep_devnet::{Devnet, DevnetError};
use std::time::Duration;

fn main() -> Result<(), DevnetError> {
    let devnet = Devnet::builder().validators(4).block_time_ms(20).boot()?;
    devnet.wait_for(2, Duration::from_secs(30))?;

    devnet.links().partition(&[&[0, 1], &[2, 3]])?;
    let sent = devnet.transfer("alice", "bob", 5).at(0).send()?;
    let alone = sent.wait_within(Duration::from_secs(1));
    println!("cut in two: {}", alone.expect_err("no side is a quorum"));

    devnet.links().heal()?;
    let paid = sent.wait()?;
    println!("healed: block {} holds it", paid.height);

    // Slow links are still links.
    devnet.links().delay(0, 1, 100)?;
    devnet.links().drop_rate(2, 3, 0.2)?;
    devnet.transfer("bob", "alice", 5).send()?.wait()?;
    println!("with {:?} too", devnet.links().faults());
    devnet.links().heal()
}
