//! Four nodes run the token, and a light client believes none of them.
use lockstep_devnet::{Devnet, DevnetError, FailureCode, SchemeId, funded_accounts};
use std::sync::Arc;
use token::{Token, transfer};

/// The genesis gives alice a thousand.
fn boot() -> Result<Devnet, DevnetError> {
    let alice = &funded_accounts(SchemeId::Dilithium3)?[0];
    let minted = transfer(alice.address.0, 1_000);
    let builder = Devnet::builder().block_time_ms(50);
    builder.application(Arc::new(Token), minted).boot()
}

#[test]
fn four_nodes_move_a_token_and_a_light_client_proves_who_holds_it() -> Result<(), DevnetError> {
    let devnet = boot()?;
    let [alice, bob] = ["alice", "bob"].map(|name| devnet.account(name).map(|of| of.address));
    let (alice, bob) = (alice?, bob?);
    let moved = devnet
        .call("alice", "token", transfer(bob.0, 300))
        .send()?
        .wait()?;
    let events = &moved.receipt.events;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].name, "moved");
    assert_eq!(
        events[0].data,
        [&alice.0[..], &transfer(bob.0, 300)].concat()
    );
    assert_eq!(
        devnet.query("token", "balance", &bob.0)?,
        300u64.to_be_bytes()
    );
    assert_eq!(
        devnet.query("token", "balance", &alice.0)?,
        700u64.to_be_bytes()
    );
    let mut client = devnet.light_client(1)?;
    devnet.wait_for(moved.height, std::time::Duration::from_secs(30))?;
    let proved = devnet.node(3).proved_state(&mut client, "token", &bob.0)?;
    assert_eq!(proved.as_deref(), Some(&300u64.to_be_bytes()[..]));
    let nobody = devnet
        .node(2)
        .proved_state(&mut client, "token", &[9; 20])?;
    assert_eq!(nobody, None);
    Ok(())
}

#[test]
fn whoever_holds_too_little_moves_nothing() -> Result<(), DevnetError> {
    let devnet = boot()?;
    let to = devnet.account("carol")?.address;
    let failed = devnet
        .call("bob", "token", transfer(to.0, 1))
        .send()?
        .wait();
    let Err(DevnetError::Failed { code, .. }) = failed else {
        panic!("{failed:?}")
    };
    assert_eq!(code, FailureCode::Application { code: 1 });
    let refused = devnet.call("alice", "token", *b"no transfer").send();
    assert!(refused.is_err_and(|error| error.to_string().contains("an address and an amount")));
    assert!(devnet.query("token", "supply", b"").is_err());
    Ok(())
}

/// What a node keeps of an application it finds again.
#[test]
fn a_node_that_was_away_comes_back_to_the_same_balances() -> Result<(), DevnetError> {
    let devnet = boot()?;
    let bob = devnet.account("bob")?.address;
    devnet.node(3).kill()?;
    let moved = devnet
        .call("alice", "token", transfer(bob.0, 1))
        .send()?
        .wait()?;
    devnet.node(3).restart()?;
    devnet.wait_for(moved.height, std::time::Duration::from_secs(30))?;
    let mut client = devnet.light_client(1)?;
    let proved = devnet.node(3).proved_state(&mut client, "token", &bob.0)?;
    assert_eq!(proved.as_deref(), Some(&1u64.to_be_bytes()[..]));
    Ok(())
}
