//! P7: a process killed at a named point between persisting and sending loses no committed block,
//! signs nothing twice, and comes back into step.
//!
//! Node 0 is the victim. Everything that it says to the others passes through recorders, over all
//! its lives. The points are those of the feature `kill-points`, which only tests switch on.
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::wire::Wire;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};
use support::process::{Network, Payer, Seen};
use support::recorder::{Recorder, Signed};
use support::{PATIENCE, eventually, post};

const ALL: [usize; 4] = [0, 1, 2, 3];
const OTHERS: [usize; 3] = [1, 2, 3];
const SIGKILL: i32 = 9;

const POINTS: [&str; 15] = [
    "before-persist-proposal",
    "after-persist-proposal",
    "before-send-proposal",
    "after-send-proposal",
    "before-persist-prevote",
    "after-persist-prevote",
    "before-send-prevote",
    "after-send-prevote",
    "before-persist-precommit",
    "after-persist-precommit",
    "before-send-precommit",
    "after-send-precommit",
    "before-commit",
    "after-commit",
    "recovery",
];

/// A network whose node 0 speaks through recorders.
struct Scene {
    network: Network,
    recorders: Vec<Recorder>,
    signed: Signed,
    wire: Wire,
    payer: Payer,
}

/// What one kill did.
struct Strike {
    /// Blocks that the victim had shown before it died.
    seen: Seen,
    /// From its new start to the height of the others.
    back: Duration,
}

impl Scene {
    fn new() -> Scene {
        let mut network = Network::new(4, &["block_interval_ms=20", "log=warn"]);
        let others = network.peers[1..].iter();
        let recorders: Vec<Recorder> = others.map(|peer| Recorder::before(*peer)).collect();
        OTHERS.into_iter().for_each(|index| network.start(index));
        network.wait_for(&OTHERS, 1);
        let payer = network.payer(1);
        let wire = Wire::new(network.context(1).genesis_hash);
        Scene {
            network,
            recorders,
            signed: Signed::default(),
            wire,
            payer,
        }
    }

    /// Starts node 0; `kill_at` is a point and how often it is reached.
    fn start(&mut self, kill_at: Option<&str>, durability: &str) {
        let addresses = self.network.addresses[1..].iter();
        let peers = addresses.zip(&self.recorders);
        let peers: Vec<String> = peers
            .map(|(address, recorder)| format!("{address}@{}", recorder.listens))
            .collect();
        let mut command = self.network.command(0);
        command.args(["--durability", durability]);
        command.env("LOCKSTEP_PEERS", peers.join(","));
        if let Some(kill_at) = kill_at {
            command.env("KILL_AT", kill_at);
        }
        self.network.start_as(0, command);
    }

    /// Waits until node 0 is at the height of the others.
    fn in_step(&mut self) -> Duration {
        let goal = self.network.highest(&OTHERS);
        self.network.wait_for(&[0], goal);
        self.network.node(0).began.elapsed()
    }

    /// Until it is dead: what it shows meanwhile.
    fn watch(&mut self, what: &str) -> Seen {
        let mut seen = Seen::new();
        let until = Instant::now() + PATIENCE;
        let mut next = self.network.highest(&OTHERS).max(1);
        loop {
            while let Some(id) = self.network.block(0, next) {
                seen.insert((0, next), id);
                next += 1;
            }
            let node = self.network.node(0);
            if let Some(status) = node.child.0.try_wait().expect("a child of ours") {
                let log = node.log_text();
                assert_eq!(status.signal(), Some(SIGKILL), "{what}: {status} {log}");
                return seen;
            }
            assert!(Instant::now() < until, "it never reached {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills node 0 at a point, starts it again, and waits until it is back and signs.
    fn strike(&mut self, point: &str, times: u64, durability: &str) -> Strike {
        let answer = post(
            &self.network.urls[1],
            "/transactions",
            &self.payer.next_transfer(),
        );
        assert_eq!(answer.status, 202, "{}", answer.text());
        self.start(Some(&format!("{point}:{times}")), durability);
        let seen = self.watch(point);

        self.start(None, durability);
        let ready = self.network.node(0).ready();
        let newest = seen.keys().map(|(_, height)| *height).max();
        assert!(
            ready["height"].as_u64() >= newest,
            "{point}: {ready} after {newest:?}"
        );
        let back = self.in_step();
        for ((_, height), id) in &seen {
            for index in [0, 1] {
                let now = self.network.block(index, *height);
                assert_eq!(
                    now.as_ref(),
                    Some(id),
                    "{point}: block {height} on node {index}"
                );
            }
        }
        self.collect();
        let before = self.signed.positions();
        eventually("it signs again", || {
            self.collect();
            (self.signed.positions() > before).then_some(())
        });
        self.network.kill(0);
        Strike { seen, back }
    }

    fn collect(&mut self) {
        for recorder in &self.recorders {
            let sent = recorder.take();
            self.signed
                .add(&self.wire, self.network.addresses[0], &sent);
        }
    }

    /// The end of every scene: one chain, nobody convicted, node 0 signed once at each position.
    fn judge(mut self) {
        self.start(None, "power");
        self.in_step();
        self.network.assert_same_chain(&ALL);
        self.collect();
        self.signed.assert_once();
        for index in ALL {
            let url = &self.network.urls[index];
            assert_eq!(support::metric(url, "evidence_total", ""), 0.0, "{url}");
            let status = support::get(url, "/status").json();
            assert!(status["halted"].is_null(), "{status}");
        }
    }
}

/// Strikes so often, over all points in turn, with both kinds of durability.
fn loops(count: usize, back_max: Duration) {
    let mut scene = Scene::new();
    let mut kept = 0;
    for round in 0..count {
        let point = POINTS[round % POINTS.len()];
        // A new process meets its recovery once.
        let times = match point {
            "recovery" => 1,
            _ => 1 + (round as u64 * 7 + round as u64 / 15) % 6,
        };
        let durability = ["process", "power"][(round + round / POINTS.len()) % 2];
        let strike = scene.strike(point, times, durability);
        kept += strike.seen.len();
        let back = strike.back;
        assert!(back <= back_max, "{point}: back in step after {back:?}");
        println!(
            "killed at {point}, time {times} ({durability}): {} blocks seen and kept, back in step \
             {:.0} ms after its start",
            strike.seen.len(),
            strike.back.as_secs_f64() * 1e3
        );
    }
    println!(
        "{count} kills: {kept} blocks seen before a kill, 0 lost; {} positions signed, each once",
        scene.signed.positions()
    );
    assert!(kept > 0, "blocks were seen before kills");
    scene.judge();
}

#[test]
fn a_node_killed_at_each_point_loses_no_block_and_signs_nothing_twice() {
    // Other tests run meanwhile: still no more than four rounds.
    let rounds = Timeouts::NETWORK.rounds_ms(4);
    loops(POINTS.len(), Duration::from_millis(rounds));
}

/// `KILL_LOOPS=100 cargo test --release --test nodes node_crash -- --ignored --nocapture`
#[test]
#[ignore = "the release tier: minutes"]
fn a_node_killed_again_and_again_loses_no_block_and_signs_nothing_twice() {
    let loops_wanted = std::env::var("KILL_LOOPS").unwrap_or_else(|_| "100".into());
    let count = loops_wanted.parse().expect("KILL_LOOPS is a number");
    loops(count, Duration::from_secs(2));
}

#[test]
fn a_proposer_killed_when_its_proposal_has_reached_some_stops_nobody() {
    let mut scene = Scene::new();
    for reached in 0..=3 {
        for (index, recorder) in scene.recorders.iter().enumerate() {
            recorder.hold_proposals(index >= reached);
        }
        let kill_at = match reached {
            0 => "before-send-proposal:1".to_owned(),
            some => format!("after-send-proposal:{some}"),
        };
        scene.start(Some(&kill_at), "process");
        scene.watch(&kill_at);
        let at = scene.network.highest(&OTHERS);
        let died = Instant::now();
        scene.network.wait_for(&OTHERS, at + 1);
        let next = died.elapsed();
        scene.network.wait_for(&OTHERS, at + 5);
        println!(
            "proposer killed when {reached} of 3 had its proposal: the next block {:.0} ms later, \
             five blocks {:.0} ms later",
            next.as_secs_f64() * 1e3,
            died.elapsed().as_secs_f64() * 1e3
        );
        for recorder in &scene.recorders {
            recorder.hold_proposals(false);
        }
        scene.start(None, "process");
        scene.in_step();
        scene.collect();
        scene.network.assert_same_chain(&ALL);
        scene.network.kill(0);
    }
    scene.judge();
}
