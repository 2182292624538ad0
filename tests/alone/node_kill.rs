//! Tomorrow I kill one: processes end by SIGKILL, alone, in pairs and all at once. Nothing that
//! was committed is lost, nobody forks, everybody comes back. Chains are judged by what nodes say
//! over HTTP alone; the times that are printed are seen with `--nocapture`.
use crate::alone;
use lockstep_protocol::consensus::timeouts::Timeouts;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::process::{Network, Payer, Seen};
use support::{Connection, PATIENCE, eventually, get};

const ALL: [usize; 4] = [0, 1, 2, 3];
/// As fast as it goes; kill -9 is all that a commit has to survive here.
const SETTINGS: &[&str] = &["block_interval_ms=0", "durability=process", "log=warn"];

/// Milliseconds per block of these nodes: the best mean of four spans of 24 blocks, because other
/// work on this machine makes a span longer and never shorter.
fn interval_ms(network: &Network, nodes: &[usize]) -> f64 {
    let span = || {
        let from = network.highest(nodes);
        let began = Instant::now();
        network.wait_for(nodes, from + 24);
        let made = network.highest(nodes) - from;
        began.elapsed().as_secs_f64() * 1e3 / made as f64
    };
    (0..4).map(|_| span()).fold(f64::INFINITY, f64::min)
}

#[test]
fn three_of_four_go_on_without_a_killed_one_and_it_comes_back() {
    let _alone = alone();
    let mut network = Network::running(4, SETTINGS);
    network.wait_for(&ALL, 5);
    let before = interval_ms(&network, &ALL);
    network.kill(1);
    let others = [0, 2, 3];
    // Every validator has its turn within these: the others meet the silence of the dead one.
    let notice = network.wait_for(&others, network.highest(&others) + 4);
    let without = interval_ms(&network, &others);

    network.start(1);
    let goal = network.highest(&others);
    network.wait_for(&[1], goal);
    let back = network.node(1).began.elapsed();
    println!(
        "one of four killed: {before:.1} ms per block before, {:.0} ms for the four heights in \
         which the others notice, then {without:.1} ms per block; back at their height {:.0} ms \
         after its start",
        notice.as_secs_f64() * 1e3,
        back.as_secs_f64() * 1e3
    );
    network.wait_for(&ALL, goal + 5);
    // Before and after: the machine may have become busier meanwhile.
    let healthy = before.max(interval_ms(&network, &ALL));
    assert!(
        without <= 1.5 * healthy,
        "a dead proposer costs two hops, not a timeout: {without:.1} ms of {healthy:.1} ms"
    );
    // Its first turn costs a timeout: there is one in these heights.
    let most = Duration::from_millis(2 * Timeouts::NETWORK.propose_ms);
    assert!(notice <= most, "{notice:?} until the others have noticed");
    takes_part(&network, 1, goal + 1);
    network.assert_same_chain(&ALL);
    assert_nobody_signed_twice(&network, &ALL);
}

#[test]
fn two_killed_stop_the_chain_and_the_third_that_comes_back_brings_the_next_block() {
    // However busy the machine is: no more than four rounds from the first on, however long the
    // two have waited.
    back_within(Duration::from_millis(Timeouts::NETWORK.rounds_ms(4)));
}

#[test]
#[ignore = "release tier: cargo test --release --test alone node_kill -- --ignored --nocapture"]
fn the_third_process_that_comes_back_brings_a_block_within_two_seconds() {
    back_within(Duration::from_secs(2));
}

fn back_within(most: Duration) {
    let _alone = alone();
    let mut network = Network::running(4, SETTINGS);
    network.wait_for(&ALL, 5);
    network.kill(2);
    network.kill(3);
    let url = network.urls[0].clone();
    let missing = [2, 3].map(|index| network.addresses[index].to_string());
    eventually("it says who is missing", || {
        let answer = get(&url, "/readyz?verbose");
        let names = missing.iter().all(|who| answer.text().contains(who));
        (answer.status == 503 && names && answer.text().contains("2 of 4")).then_some(())
    });
    eventually("it says what is waited for", || {
        let waiting = get(&url, "/status").json()["waiting_for"].to_string();
        missing
            .iter()
            .all(|who| waiting.contains(who))
            .then_some(())
    });
    let stopped_at = network.highest(&[0, 1]);
    std::thread::sleep(Duration::from_secs(2));
    assert!(
        network.highest(&[0, 1]) <= stopped_at + 1,
        "two are no quorum"
    );
    let stopped_at = network.highest(&[0, 1]);
    network.assert_same_chain(&[0, 1]);

    network.start(3);
    network.wait_for(&[0, 1], stopped_at + 1);
    let next = network.node(3).began.elapsed();
    println!(
        "two of four killed: the next block {:.0} ms after the start of the third",
        next.as_secs_f64() * 1e3
    );
    assert!(next <= most, "{next:?} of {most:?}");
    eventually("it is ready", || {
        (get(&url, "/readyz").status == 200).then_some(())
    });
    network.start(2);
    network.wait_for(&ALL, stopped_at + 5);
    network.assert_same_chain(&ALL);
    assert_nobody_signed_twice(&network, &ALL);
}

#[test]
fn all_four_killed_under_load_come_back_to_the_same_chain() {
    let _alone = alone();
    let mut network = Network::running(4, SETTINGS);
    network.wait_for(&ALL, 2);
    let mut payer = network.payer(0);
    let mut spent = 0;
    for round in 0..3 {
        let first = network.highest(&ALL);
        let seen = under_load(&network, &mut payer, first + 8, spent);
        let killed_at = seen
            .keys()
            .map(|(_, height)| *height)
            .max()
            .expect("blocks");
        ALL.into_iter().for_each(|index| network.kill(index));

        ALL.into_iter().for_each(|index| network.start(index));
        let began = network.node(0).began;
        network.wait_for(&ALL, killed_at);
        let back = began.elapsed();
        // Every block that any of them has shown is still there, on all of them.
        for ((node, height), id) in &seen {
            for other in ALL {
                let now = network.block(other, *height);
                let what = format!("block {height} of node {node} on node {other}");
                assert_eq!(now.as_ref(), Some(id), "{what}");
            }
        }
        network.wait_for(&ALL, killed_at + 3);
        let on = began.elapsed();
        println!(
            "round {round}, all four killed at height {killed_at}: {} blocks seen and kept; all \
             at that height {:.0} ms after the start, three blocks further after {:.0} ms",
            seen.len(),
            back.as_secs_f64() * 1e3,
            on.as_secs_f64() * 1e3
        );
        let kept = nonce(&network, &payer);
        assert!(kept > spent, "what was committed under load is kept");
        spent = kept;
        // Those that waited only in memory may be gone with it: go on where the chain is.
        payer.go_on_from(spent);
    }
    network.assert_same_chain(&ALL);
    assert_nobody_signed_twice(&network, &ALL);
}

/// The payer's nonce as committed.
fn nonce(network: &Network, payer: &Payer) -> u64 {
    let path = format!("/accounts/{}", payer.address());
    let account = get(&network.urls[0], &path).json();
    account["nonce"]
        .as_u64()
        .unwrap_or_else(|| panic!("no nonce in {account}"))
}

/// Sends transfers to node 0 until the chain is at `height` and has more of them than `spent`; what
/// all nodes showed meanwhile.
fn under_load(network: &Network, payer: &mut Payer, height: u64, spent: u64) -> Seen {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watchers = ALL.map(|index| {
            let done = &done;
            scope.spawn(move || watch(network, index, done))
        });
        let mut connection = Connection::open(&network.urls[0]);
        let until = Instant::now() + PATIENCE;
        while network.highest(&ALL) < height || nonce(network, payer) <= spent {
            assert!(Instant::now() < until, "transactions flow");
            let answer = connection.request("POST", "/transactions", &payer.next_transfer());
            let answer = answer.expect("it answers");
            assert_eq!(answer.status, 202, "{}", answer.text());
        }
        done.store(true, Ordering::Relaxed);
        let seen = watchers.map(|watcher| watcher.join().expect("a watcher"));
        seen.into_iter().flatten().collect()
    })
}

/// Notes each new block of a node.
fn watch(network: &Network, index: usize, done: &AtomicBool) -> Seen {
    let mut seen = Seen::new();
    let mut next = network.height(index).expect("it runs");
    while !done.load(Ordering::Relaxed) {
        match network.block(index, next) {
            Some(id) => {
                seen.insert((index, next), id);
                next += 1;
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    seen
}

/// Node `index` signs a block from this height on.
fn takes_part(network: &Network, index: usize, from: u64) {
    let who = network.addresses[index].to_string();
    let mut height = from;
    eventually("it takes part", || {
        let answer = get(&network.urls[0], &format!("/blocks/{height}"));
        if answer.status != 200 {
            return None;
        }
        height += 1;
        let block = answer.json();
        let mut precommits = block["commit"]["precommits"].as_array()?.iter();
        precommits.any(|p| p["validator"] == who).then_some(())
    });
}

fn assert_nobody_signed_twice(network: &Network, nodes: &[usize]) {
    for index in nodes {
        let url = &network.urls[*index];
        assert_eq!(support::metric(url, "evidence_total", ""), 0.0, "{url}");
        assert!(get(url, "/status").json()["halted"].is_null(), "{url}");
    }
}
