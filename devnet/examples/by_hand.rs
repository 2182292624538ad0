//! Blocks by hand: a test that says itself what stands in which block.
//!
//! `cargo run -p lockstep-devnet --example by_hand`
use lockstep_devnet::{Devnet, DevnetError, Pacing};
use std::time::Duration;

fn main() -> Result<(), DevnetError> {
    let devnet = Devnet::builder().pacing(Pacing::Manual).boot()?;
    let first = devnet.transfer("alice", "bob", 1).send()?;
    let second = devnet.record("alice", b"deed/7", b"lot 12").send()?;
    assert_eq!(devnet.receipt(first.id())?, None, "nobody has made a block");

    devnet.tick_within(Duration::from_secs(10))?;
    assert_eq!(first.wait()?.height, 1);
    assert_eq!(second.wait()?.height, 1, "with the nonce behind the first");

    // From here on blocks come by themselves.
    devnet.pace(Pacing::Interval(20))?;
    devnet.wait_for(5, Duration::from_secs(30))?;
    println!("heights {:?}", devnet.heights());
    Ok(())
}
