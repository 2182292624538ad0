//! A payment: sent, in a block, and in the balances.
//!
//! `cargo run -p lockstep-devnet --example payment`
use lockstep_devnet::{Devnet, DevnetError};

fn main() -> Result<(), DevnetError> {
    let devnet = Devnet::builder().block_time_ms(50).boot()?;
    let before = devnet.balance("bob")?;

    let paid = devnet.transfer("alice", "bob", 5).send()?.wait()?;
    println!("block {} holds {}", paid.height, paid.receipt);
    assert_eq!(devnet.balance("bob")?, before + 5);
    assert_eq!(devnet.nonce("alice")?, 1);

    // Whoever has an address can be paid, too.
    let address = "0x0707070707070707070707070707070707070707";
    devnet.faucet(address, 100).send()?.wait()?;
    assert_eq!(devnet.balance(address)?, 100);

    // One that cannot do what it says stands in a block all the same, and wait() says so.
    let too_much = devnet.transfer("alice", "bob", u64::MAX / 2).send()?;
    let failed = too_much.wait().expect_err("alice has less");
    println!("{failed}");
    Ok(())
}
