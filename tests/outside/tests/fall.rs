//! What somebody writes who has read the README, and nothing else.
use lockstep_devnet::{Devnet, DevnetError};

#[test]
fn payments_go_on_while_a_node_is_dead_and_it_learns_of_them() -> Result<(), DevnetError> {
    let devnet = Devnet::builder().validators(4).block_time_ms(50).boot()?;
    let before = devnet.balance("bob")?;
    let first = devnet.transfer("alice", "bob", 5).send()?.wait()?;
    assert_eq!(devnet.receipt(first.id)?, Some(first));
    assert_eq!(devnet.balance("bob")?, before + 5);
    devnet.node(3).kill()?;
    let second = devnet.transfer("alice", "bob", 7).send()?.wait()?;
    devnet.node(3).restart()?;
    devnet.wait_for(second.height, std::time::Duration::from_secs(30))?;
    assert_eq!(devnet.balance("bob")?, before + 12);
    let [one, other] = [0, 3].map(|node| devnet.node(node).block(second.height));
    assert_eq!(one?.map(|it| it.block.id()), other?.map(|it| it.block.id()));
    Ok(())
}
