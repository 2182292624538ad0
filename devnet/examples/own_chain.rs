//! A chain of one's own: more accounts, other keys, dearer bytes, another scheme.
//!
//! `cargo run -p lockstep-devnet --example own_chain`
use lockstep_devnet::{Accounts, Devnet, DevnetError, Parameters, SchemeId};

fn main() -> Result<(), DevnetError> {
    let accounts = Accounts {
        count: 6,
        balance: 1_000_000,
        seed: Some("rain".into()),
    };
    let devnet = Devnet::builder()
        .scheme(SchemeId::MlDsa65)
        .accounts(accounts)
        .parameters(Parameters { fee_per_byte: 3 })
        .block_time_ms(50)
        .boot()?;
    for account in devnet.accounts() {
        println!("{:<9} {}", account.name, account.address);
    }

    let paid = devnet.transfer("account5", "alice", 7).send()?.wait()?;
    let fee = paid.receipt.fee;
    assert_eq!(fee, 3 * u64::from(paid.receipt.bytes));
    assert_eq!(devnet.balance("account5")?, 1_000_000 - 7 - fee);

    // What a program signs by itself can be handed in as well.
    let account4 = devnet.account("account4")?;
    assert_eq!(devnet.balance(account4.address)?, 1_000_000);
    Ok(())
}
