//! One of four falls abruptly, the others go on, and it comes back.
//!
//! `cargo run -p lockstep-devnet --example fall`
use lockstep_devnet::{Devnet, DevnetError};
use std::time::Duration;

fn main() -> Result<(), DevnetError> {
    let devnet = Devnet::builder().validators(4).block_time_ms(50).boot()?;
    devnet.wait_for(2, Duration::from_secs(30))?;

    let reason = devnet.node(3).kill()?;
    println!("node 3 has ended: {reason}");
    assert!(!devnet.node(3).is_running());

    let paid = devnet.transfer("alice", "bob", 5).send()?.wait()?;
    println!("three of four have made block {}", paid.height);

    devnet.node(3).restart()?;
    devnet.wait_for(paid.height, Duration::from_secs(30))?;
    let held = devnet.node(3).block(paid.height)?;
    assert!(held.is_some(), "it has caught up");
    println!("heights {:?}", devnet.heights());
    Ok(())
}
