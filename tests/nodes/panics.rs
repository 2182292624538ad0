//! Actors fall and stand up again while the chain goes on; the store's fall and one fall too many
//! end their node, and only that.
use lockstep_actors::runtime::{EndReason, Policy};
use lockstep_devnet::Devnet;
use std::sync::Once;
use std::time::Duration;
use support::{
    PATIENCE, actor, assert_nobody_signed_twice, assert_same_chain, eventually, get, page,
};

/// The tests' own panics need no backtrace in the output.
fn expect_injected_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref::<&str>() != Some(&"injected panic") {
                usual(panic);
            }
        }));
    });
}

/// Boots a chain whose nodes bear many falls, with `block_time_ms` between blocks.
fn patient(validators: usize, block_time_ms: u64) -> Devnet {
    expect_injected_panics();
    let policy = Policy {
        falls: 1_000,
        longest_delay: Duration::from_millis(10),
        ..Policy::default()
    };
    let builder = Devnet::builder().validators(validators).policy(policy);
    let devnet = builder.block_time_ms(block_time_ms).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    devnet
}

/// `name` of node 0 falls `times` times; each time the node's own chain goes on.
fn survives(devnet: &Devnet, name: &str, times: u64) {
    let url = &devnet.urls()[0];
    for time in 1..=times {
        let height = devnet.heights()[0].expect("it runs");
        assert!(devnet.inject_panic(0, name), "there is a {name}");
        let row = eventually(&format!("{name} restarts for the {time}. time"), || {
            let row = actor(url, name);
            (row["restarts"] == time && row["state"] == "running").then_some(row)
        });
        assert_eq!(row["panics"], time);
        assert_eq!(row["last_panic"], "injected panic");
        assert!(row["last_panic_unix_ms"].is_u64());
        eventually(&format!("blocks after fall {time} of {name}"), || {
            (devnet.heights()[0] >= Some(height + 3)).then_some(())
        });
    }
    let nodes: Vec<usize> = (0..devnet.heights().len()).collect();
    assert!(devnet.ended().is_empty());
    assert_same_chain(devnet, &nodes);
    assert_nobody_signed_twice(devnet, &nodes);
    eventually("it is ready again", || {
        (page(url, "/readyz").status == 200).then_some(())
    });
}

macro_rules! one_of_four_survives {
    ($($test:ident: $actor:literal;)*) => {$(
        #[test]
        fn $test() {
            survives(&patient(4, 20), $actor, 5);
        }
    )*};
}

one_of_four_survives! {
    a_node_survives_falls_of_its_rpc_gateway: "RpcGateway";
    a_node_survives_falls_of_its_peer_gateway: "PeerGateway";
    a_node_survives_falls_of_its_mempool: "Mempool";
    a_node_survives_falls_of_its_proposer: "Proposer";
    a_node_survives_falls_of_its_vote_collector: "VoteCollector";
    a_node_survives_falls_of_its_round_driver: "RoundDriver";
    a_node_survives_falls_of_its_committer: "Committer";
    a_node_survives_falls_of_its_peer_broadcaster: "PeerBroadcaster";
    a_node_survives_falls_of_its_block_sync: "BlockSync";
}

macro_rules! a_lone_validator_survives {
    ($($test:ident: $actor:literal;)*) => {$(
        /// No peer can help: what is lost must be rebuilt from the own store.
        #[test]
        fn $test() {
            survives(&patient(1, 0), $actor, 20);
        }
    )*};
}

a_lone_validator_survives! {
    a_lone_validator_survives_falls_of_its_round_driver: "RoundDriver";
    a_lone_validator_survives_falls_of_its_committer: "Committer";
    a_lone_validator_survives_falls_of_its_vote_collector: "VoteCollector";
    a_lone_validator_survives_falls_of_its_mempool: "Mempool";
    a_lone_validator_survives_falls_of_its_proposer: "Proposer";
}

#[test]
fn a_fall_of_the_store_ends_its_node_and_no_other() {
    expect_injected_panics();
    let devnet = Devnet::builder().block_time_ms(20).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    assert!(devnet.inject_panic(0, "StateStore"));
    eventually("node 0 ends", || (devnet.ended() == [0]).then_some(()));
    let height = devnet.heights()[1].expect("it runs");
    eventually("the others go on", || {
        let heights = devnet.heights();
        (1..4)
            .all(|node| heights[node] >= Some(height + 3))
            .then_some(())
    });
    assert_nobody_signed_twice(&devnet, &[1, 2, 3]);
    let reason = devnet.kill(0).expect("it was there");
    assert!(
        matches!(&reason, EndReason::KernelFell { actor, .. } if actor == "StateStore"),
        "{reason}"
    );

    devnet.restart(0).expect("it starts again");
    let height = devnet.heights()[1].expect("it runs");
    devnet
        .wait_for(height + 2, PATIENCE)
        .expect("it catches up");
    assert_same_chain(&devnet, &[0, 1, 2, 3]);
}

#[test]
fn the_fourth_fall_in_a_short_time_ends_the_node_in_good_order() {
    expect_injected_panics();
    let policy = Policy {
        within: PATIENCE, // four falls take longer than five seconds where the machine is busy
        ..Policy::default()
    };
    let devnet = Devnet::builder().policy(policy).block_time_ms(20).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let url = &devnet.urls()[0];
    for (falls, name) in (1..).zip(["Proposer", "VoteCollector", "Proposer"]) {
        assert!(devnet.inject_panic(0, name));
        eventually("it restarts", || {
            (support::restarts(url) == falls).then_some(())
        });
    }
    assert!(devnet.inject_panic(0, "Committer"));
    eventually("node 0 ends", || (devnet.ended() == [0]).then_some(()));
    let reason = devnet.kill(0).expect("it was there");
    let EndReason::TooManyFalls { actor, falls, .. } = &reason else {
        panic!("another reason: {reason}")
    };
    assert_eq!((actor.as_str(), *falls), ("Committer", 4));
    assert_eq!(reason.exit_code(), 1, "it may be started again");
    let height = devnet.heights()[1].expect("it runs");
    devnet
        .wait_for(height + 3, PATIENCE)
        .expect("the others go on");

    // Its directory is whole and free again.
    devnet.restart(0).expect("it starts again");
    devnet
        .wait_for(height + 5, PATIENCE)
        .expect("it catches up");
    assert_same_chain(&devnet, &[0, 1, 2, 3]);
    assert_nobody_signed_twice(&devnet, &[0, 1, 2, 3]);
}

/// People can be done without, peers cannot: the public listener closes for good, the node goes on.
#[test]
fn the_fourth_fall_of_the_rpc_gateway_closes_it_and_nothing_else() {
    expect_injected_panics();
    let policy = Policy {
        within: PATIENCE, // four falls take longer than five seconds where the machine is busy
        ..Policy::default()
    };
    let devnet = Devnet::builder().policy(policy).block_time_ms(20).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let url = &devnet.urls()[0];
    for falls in 1..=3 {
        assert!(devnet.inject_panic(0, "RpcGateway"));
        eventually("it restarts", || {
            (support::restarts(url) == falls).then_some(())
        });
    }
    assert!(devnet.inject_panic(0, "RpcGateway"));
    let height = devnet.heights()[0].expect("it runs");
    devnet.wait_for(height + 5, PATIENCE).expect("blocks go on");
    assert!(devnet.ended().is_empty());
    assert_eq!(get(&devnet.peer_urls()[0], "/livez").text(), "ok\n");
    assert_same_chain(&devnet, &[0, 1, 2, 3]);
}
