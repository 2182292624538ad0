//! P11: an actor may die while blocks come at full speed and transfers without a pause. No height
//! is missed, nobody signs twice, and the actor is back soon.
use crate::alone;
use lockstep_actors::runtime::{Policy, Stats, Strike};
use lockstep_devnet::Devnet;
use lockstep_protocol::consensus::timeouts::Timeouts;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};
use support::load::Load;
use support::{
    PATIENCE, assert_nobody_signed_twice, assert_same_chain, eventually, grows_by, metric,
    took_part,
};

const RESTARTABLE: [&str; 9] = [
    "Committer",
    "PeerBroadcaster",
    "BlockSync",
    "VoteCollector",
    "Mempool",
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
        longest_delay: Duration::from_millis(20),
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
    let _alone = alone();
    let devnet = boot(1);
    let load = Load::on(&devnet, &[0]);
    let mut struck = 0;
    for actor in RESTARTABLE {
        let stats = stats(&devnet, actor);
        let handled = stats.messages().into_iter();
        let handled = handled.filter(|message| message.handled().row().count() > 0);
        for message in handled.map(|message| message.name().to_owned()) {
            for strike in [Strike::BeforeHandling, Strike::AfterHandling] {
                let panics = stats.panics();
                devnet.inject_panic_at(0, actor, &message, strike);
                let until = Instant::now() + Duration::from_millis(500);
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

/// Every restartable actor of one of four nodes falls so often, one after the other, as fast as
/// they come back; every second time it loses a message.
fn each_falls(times: u64, down_p99_max: Duration) {
    let devnet = boot(4);
    let load = Load::on(&devnet, &[0, 1, 2]);
    let all = [0, 1, 2, 3];
    let mut falls = 0;
    let began = devnet.heights()[0].expect("it runs");
    for actor in RESTARTABLE {
        let stats = stats(&devnet, actor);
        for time in 0..times {
            let panics = stats.panics();
            let at = Duration::from_millis(time * 7 % 20);
            std::thread::sleep(at);
            fall(&devnet, actor, &stats, time);
            eventually(&format!("{actor} is back"), || {
                let back = stats.panics() > panics && stats.down().row().count() > panics;
                back.then_some(())
            });
            falls += 1;
        }
        let down = stats.down().row();
        assert_eq!(
            (stats.panics(), stats.restarts()),
            (times, times),
            "{actor}"
        );
        println!(
            "{actor}: {times} falls, down p50 {:?}, p99 {:?}",
            down.quantile(0.5),
            down.quantile(0.99)
        );
        let p99 = down.quantile(0.99);
        assert!(p99 <= down_p99_max, "{actor}: down {p99:?}");
        let label = format!("actor=\"{actor}\"");
        for family in ["actor_restarts_total", "actor_panics_total"] {
            assert_eq!(metric(&devnet.urls()[0], family, &label), times as f64);
        }
        assert_eq!(support::actor(&devnet.urls()[0], actor)["restarts"], times);
    }
    grows_by(&devnet, &all, 3, "all go on");
    let transfers = load.taken();
    drop(load);
    assert!(devnet.ended().is_empty());
    let height = assert_same_chain(&devnet, &all);
    println!(
        "{falls} falls in {} blocks, {transfers} transfers taken",
        height - began
    );
    assert!(transfers > 0);
    assert_nobody_signed_twice(&devnet, &all);
    assert!(took_part(&devnet, 1, devnet.validators()[0], height - 20));
}

fn fall(devnet: &Devnet, actor: &str, stats: &Stats, time: u64) {
    let messages = stats.messages();
    let busiest = messages.iter().max_by_key(|m| m.handled().row().count());
    match busiest.filter(|busiest| time % 2 == 1 && busiest.handled().row().count() > 100) {
        Some(busiest) => {
            let strike = [Strike::BeforeHandling, Strike::AfterHandling][(time / 2 % 2) as usize];
            assert!(devnet.inject_panic_at(0, actor, busiest.name(), strike));
        }
        None => assert!(devnet.inject_panic(0, actor)),
    }
}

#[test]
fn each_actor_may_die_ten_times_under_load() {
    let _alone = alone();
    // Other tests run meanwhile: still no longer than three rounds, in which the others may skip
    // this one's turn.
    let rounds = Timeouts::DEVNET.rounds_ms(3);
    each_falls(10, Duration::from_millis(rounds));
}

#[test]
#[ignore = "release tier: cargo test --release --test alone panics_under_load -- --ignored --nocapture"]
fn each_actor_may_die_a_hundred_times_under_load() {
    let _alone = alone();
    each_falls(100, Duration::from_millis(250));
}
