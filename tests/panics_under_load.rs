//! P11: an actor may die while blocks come at full speed and transfers without a pause. No height
//! is missed, nobody signs twice, and the actor is back soon.
mod common;

use common::load::Load;
use common::{PATIENCE, assert_nobody_signed_twice, assert_same_chain, eventually};
use lockstep_actors::runtime::{Policy, Stats, Strike};
use lockstep_devnet::Devnet;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

const RESTARTABLE: [&str; 8] = [
    "Committer",
    "PeerBroadcaster",
    "BlockSync",
    "VoteCollector",
    "Proposer",
    "RoundDriver",
    "PeerGateway",
    "RpcGateway",
];

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

/// Boots a chain at full speed whose nodes bear many falls.
fn boot(validators: usize) -> Devnet {
    expect_injected_panics();
    let policy = Policy {
        falls: 10_000,
        longest_delay: Duration::from_millis(10),
        ..Policy::default()
    };
    let builder = Devnet::builder().validators(validators).policy(policy);
    let devnet = builder.block_time_ms(0).boot().expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    devnet
}

fn stats(devnet: &Devnet, actor: &str) -> Arc<Stats> {
    let actors = devnet.actors(0).expect("it runs");
    actors.find(actor).expect("an actor of this name")
}

fn assert_goes_on(devnet: &Devnet, what: &str) {
    let height = devnet.heights()[0].expect("it runs");
    let began = Instant::now();
    eventually(&format!("blocks after {what}"), || {
        (devnet.heights()[0] >= Some(height + 2)).then_some(())
    });
    let took = began.elapsed();
    if took > Duration::from_millis(500) {
        println!("two blocks took {took:?} after {what}");
    }
}

/// Nobody can help a lone validator: what the message said must be found again in its own store.
#[test]
fn a_lone_validator_loses_any_message_to_a_panic_and_goes_on() {
    let devnet = boot(1);
    let load = Load::on(&devnet, &[0]);
    let mut struck = 0;
    for actor in RESTARTABLE {
        let stats = stats(&devnet, actor);
        let handled = stats.messages().into_iter();
        let handled = handled.filter(|message| message.handled().snapshot().count() > 0);
        for message in handled.map(|message| message.name().to_owned()) {
            for strike in [Strike::BeforeHandling, Strike::AfterHandling] {
                let panics = stats.panics();
                devnet.inject_panic_at(0, actor, &message, strike);
                let until = Instant::now() + Duration::from_millis(300);
                while stats.panics() == panics && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(1));
                }
                if devnet.take_panic_back(0, actor) {
                    continue; // it is told rarely
                }
                struck += 1;
                assert_goes_on(&devnet, &format!("{actor} fell at {message}, {strike:?}"));
            }
        }
    }
    let transfers = load.taken();
    drop(load);
    let height = assert_same_chain(&devnet, &[0]);
    println!("{struck} panics at a message, {height} blocks, {transfers} transfers taken");
    assert!(struck >= 20, "{struck}");
    assert_nobody_signed_twice(&devnet, &[0]);
}
