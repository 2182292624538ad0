//! P13: a flood is noise. Garbage, duplicates, forgeries, far heights and rounds, and what a faulty
//! validator can sign, at the rate of the loopback against one of four nodes, which all live in a process of their own: its memory and its
//! block time are read from outside. How late its timers are is its own word, without the flood and
//! under it, in one run: on a busy machine timers are late anyhow.
//!
//! Memory is what the nodes themselves hold, at its highest. Pages of their mapped files are the
//! system's to take back, and there are more of them with every block, flood or not; but a flood
//! that is stored or read back would show there, so what it adds to them per block counts as well.
mod signed;

use crate::alone;
use lockstep_actors::limits::{
    CONNECTION_BYTES_MAX, GOSSIP_BODIES_BYTES_MAX, PULL_ANSWERS_MAX, SYNC_ANSWERS_MAX,
};
use lockstep_actors::node::devnet_keys;
use lockstep_devnet::Devnet;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::limits::{PROPOSAL_BYTES_MAX, PULLED_BYTES_MAX, SYNC_BYTES_MAX};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::pull::Pull;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Address, Hash, Height, Round};
use lockstep_protocol::wire::{TRANSACTIONS_BYTES_MAX, Wire};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::open_metrics::{self, Family, quantile_since};
use support::target::{PROPOSAL, TRANSACTION, VOTE};
use support::{Connection, eventually, get, metric, restarts};

const MIB: f64 = 1_048_576.0;
/// The most that a flood may make all four nodes grow.
const GROWTH_BYTES_MAX: f64 = 32.0 * MIB;
/// Connections that send the same large thing.
const CONNECTIONS_OF_EACH: usize = 8;
/// How often memory is looked at while they run.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most that a flood may delay a timer, beyond what the machine does without it.
const LATE_SECONDS_MAX: f64 = 0.05;
const LATE: &str = "lockstep_timeout_late_seconds";

/// `lockstep devnet`, killed when it goes.
struct Process {
    child: Child,
    urls: Vec<String>,
    peer_urls: Vec<String>,
}

impl Process {
    fn start() -> Process {
        let mut child = Command::new(support::process::binary())
            .args(["devnet", "--rpc-port", "0", "--block-time", "100ms"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (mut urls, mut peer_urls) = (Vec::new(), Vec::new());
        for line in lines.by_ref().map_while(Result::ok) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first() == Some(&"node") {
                urls.push(words[3].to_owned());
                peer_urls.push(words[5].to_owned());
            }
            if line.contains("height round") {
                break;
            }
        }
        // A full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        assert_eq!(urls.len(), 4);
        Process {
            child,
            urls,
            peer_urls,
        }
    }

    fn memory(&self) -> Memory {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.expect("a line").trim().trim_end_matches(" kB");
            kib.parse::<f64>().expect("KiB") * 1024.0
        };
        Memory {
            held: bytes("RssAnon:") + bytes("RssShmem:"),
            mapped: bytes("RssFile:"),
        }
    }

    fn height(&self, node: usize) -> u64 {
        get(&self.urls[node], "/status").json()["height"]
            .as_u64()
            .expect("a height")
    }

    /// Lets it run, and tells of the blocks on the other nodes, and of all nodes' memory.
    fn run_for(&self, time: Duration) -> Stretch {
        let first = self.height(1);
        let began = Instant::now();
        let before = self.memory();
        let mut held_most = before.held;
        while began.elapsed() < time {
            std::thread::sleep(LOOK_EVERY);
            held_most = held_most.max(self.memory().held);
        }
        let last = self.height(1);
        let took = began.elapsed();
        let mapped = self.memory().mapped - before.mapped;
        assert!(last > first, "no block in {time:?}");
        let time_of = |height: u64| {
            let block = get(&self.urls[1], &format!("/blocks/{height}")).json();
            block["header"]["time"].as_u64().expect("a time")
        };
        let times: Vec<u64> = (first.max(1)..=last).map(time_of).collect();
        let slowest = times
            .windows(2)
            .map(|two| two[1] - two[0])
            .max()
            .unwrap_or(0);
        let blocks = (last - first) as f64;
        Stretch {
            blocks,
            block_ms: took.as_secs_f64() * 1e3 / blocks,
            slowest_ms: slowest,
            held_before: before.held,
            held_most,
            mapped_per_block: mapped / blocks,
        }
    }
}

/// Of the whole process, in bytes.
struct Memory {
    /// Its own: what it has allocated.
    held: f64,
    /// Pages of files that it has looked at.
    mapped: f64,
}

/// What a while brought.
struct Stretch {
    blocks: f64,
    block_ms: f64,
    slowest_ms: u64,
    held_before: f64,
    held_most: f64,
    mapped_per_block: f64,
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the things that a client throws.
struct Toss {
    verb: &'static str,
    path: &'static str,
    body: Vec<u8>,
}

fn posted(path: &'static str, body: Vec<u8>) -> Toss {
    let verb = "POST";
    Toss { verb, path, body }
}

/// Who prepares them.
struct Thrower {
    genesis: Genesis,
    validators: Vec<Address>,
}

impl Thrower {
    fn vote(&self, height: u64, round: u32) -> SignedVote {
        let vote = Vote {
            kind: VoteKind::Prevote,
            height: Height(height),
            round: Round(round),
            block_id: None,
            valid_round: None,
            validator: self.validators[1],
        };
        let signer = devnet_keys::signer(SchemeId::Dilithium3, 1).expect("a key");
        let bytes = self.genesis.sign_context().vote(&vote);
        let signature = Signature(signer.sign(&bytes).expect("it signs"));
        SignedVote { vote, signature }
    }

    /// Prepared bodies: making them must not be what is measured.
    fn bodies(&self, kind: usize) -> Vec<Toss> {
        let wire = Wire::new(self.genesis.hash());
        let far = |n: u64| u32::try_from(1_000 + n).expect("it fits");
        let one = match kind {
            0 => {
                let noise = |n: u64| Hash::of(&[&n.to_le_bytes()]).0.repeat(1 + n as usize % 100);
                return (0..512).map(|n| posted(TRANSACTION, noise(n))).collect();
            }
            1 => vec![self.vote(1, 0)],
            2 => (0..256).map(|n| self.vote(1_000_000 + n, far(n))).collect(),
            _ => {
                let mut forged = self.vote(1, 0);
                let forge = |n: u64| {
                    // Far enough to be looked at in each of the next heights.
                    forged.vote.height = Height(2_000_000 + n);
                    forged.clone()
                };
                (0..256).map(forge).collect()
            }
        };
        one.iter()
            .map(|vote| posted(VOTE, wire.encode_vote(vote)))
            .collect()
    }
}

fn flood(url: &str, tosses: &[Toss], stop: &AtomicBool, sent: &AtomicU64) {
    let mut connection = Connection::open(url);
    for Toss { verb, path, body } in tosses.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        sent.fetch_add(1, Ordering::Relaxed);
        let answer = connection.request(verb, path, body);
        if !answer.is_ok_and(|answer| !answer.head.contains("connection: close")) {
            connection = Connection::open(url);
        }
    }
}

/// Four kinds of rubbish, each from a thread of its own.
fn rubbish() -> Vec<Vec<Toss>> {
    let thrower = thrower();
    (0..4).map(|kind| thrower.bodies(kind)).collect()
}

/// The largest bodies that may be sent, and the questions with the largest answers, each from
/// several connections.
fn large() -> Vec<Vec<Toss>> {
    let wire = Wire::new(thrower().genesis.hash());
    let junk = |bytes: usize| vec![7; bytes];
    let kinds = || {
        let question = wire.encode_pull(&Pull::new(Height(1), Round(0)));
        let blocks = Toss {
            verb: "GET",
            path: "/sync/blocks?from=1&limit=100",
            body: Vec::new(),
        };
        [
            posted(PROPOSAL, junk(PROPOSAL_BYTES_MAX)),
            posted("/mempool/transactions", junk(TRANSACTIONS_BYTES_MAX)),
            posted("/consensus/pull", question),
            blocks,
        ]
    };
    let many = (0..CONNECTIONS_OF_EACH).flat_map(|_| kinds());
    many.map(|toss| vec![toss]).collect()
}

/// What such a flood may hold of the sum in the limits. Nobody gets a proposal's budget without its
/// proposer's signature.
fn large_bytes_max() -> usize {
    4 * CONNECTIONS_OF_EACH * CONNECTION_BYTES_MAX
        + 2 * SYNC_ANSWERS_MAX * SYNC_BYTES_MAX
        + 2 * PULL_ANSWERS_MAX * PULLED_BYTES_MAX
        + 2 * GOSSIP_BODIES_BYTES_MAX
}

fn thrower() -> Thrower {
    let genesis = Devnet::builder().genesis().expect("a genesis");
    let address = |index: u8| {
        let signer = devnet_keys::signer(SchemeId::Dilithium3, index).expect("a key");
        Address::of(SchemeId::Dilithium3, signer.public_key())
    };
    Thrower {
        genesis,
        validators: (0..4).map(address).collect(),
    }
}

/// Floods node 0 for so long; returns how many messages were sent, and what came of it.
fn under_flood(process: &Process, tosses: &[Vec<Toss>], time: Duration) -> (u64, Stretch) {
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let url = &process.peer_urls[0];
    let stretch = std::thread::scope(|scope| {
        for tosses in tosses {
            scope.spawn(|| flood(url, tosses, &stop, &sent));
        }
        let stretch = process.run_for(time);
        stop.store(true, Ordering::Relaxed);
        stretch
    });
    (sent.into_inner(), stretch)
}

/// How late the flooded node's timers have been since its start, in buckets.
fn lateness(process: &Process) -> Family {
    let mut families = open_metrics::check(&get(&process.urls[0], "/metrics").text());
    families.remove(LATE).expect("a histogram")
}

fn a_flood_is_noise(time: Duration) {
    let process = Process::start();
    eventually("blocks come", || (process.height(0) >= 5).then_some(()));
    let at_first = lateness(&process);
    let healthy = process.run_for(time / 3);
    let healthy_late = lateness(&process);
    let (sent, flooded) = under_flood(&process, &rubbish(), time);
    let flooded_late = lateness(&process);
    assert_timers_are_hardly_late([&at_first, &healthy_late, &flooded_late]);
    let held = flooded.held_most - flooded.held_before;
    let mapped = (flooded.mapped_per_block - healthy.mapped_per_block) * flooded.blocks;
    println!(
        "P13 {sent} messages in {time:?} ({:.0}/s) at one of four nodes: memory of all four \
         {:+.1} MiB at the most (from {:.1}), mapped pages {:+.1} MiB beyond the blocks' own, \
         block time {:.1} -> {:.1} ms, slowest block {} -> {} ms",
        sent as f64 / time.as_secs_f64(),
        held / MIB,
        flooded.held_before / MIB,
        mapped / MIB,
        healthy.block_ms,
        flooded.block_ms,
        healthy.slowest_ms,
        flooded.slowest_ms,
    );
    assert_counted_and_unharmed(&process);
    let growth = held + mapped.max(0.0);
    assert!(growth <= GROWTH_BYTES_MAX, "{:.1} MiB", growth / MIB);
    assert!(
        flooded.block_ms <= 2.0 * healthy.block_ms,
        "{} against {}",
        flooded.block_ms,
        healthy.block_ms
    );
}

/// From the first to the second look there was no flood, from the second to the third there was.
fn assert_timers_are_hardly_late([first, second, third]: [&Family; 3]) {
    let late = |q| {
        let (timers, healthy) = quantile_since(first, second, LATE, q);
        let (flooded_timers, flooded) = quantile_since(second, third, LATE, q);
        println!(
            "P13 timers late p{:.0}: at most {:.1} ms of {timers} without the flood, {:.1} ms of \
             {flooded_timers} under it",
            q * 100.0,
            healthy * 1e3,
            flooded * 1e3
        );
        assert!(timers >= 10.0 && flooded_timers >= 30.0);
        (flooded_timers, flooded, healthy)
    };
    let (p90, p99) = (late(0.9), late(0.99));
    // Of a few dozen timers the worst is no percentile.
    let (_, flooded, healthy) = if p99.0 < 400.0 { p90 } else { p99 };
    assert!(
        flooded <= LATE_SECONDS_MAX + 2.0 * healthy,
        "{flooded} s late, {healthy} s without a flood"
    );
}

fn assert_counted_and_unharmed(process: &Process) {
    let url = &process.urls[0];
    let counted = |family, label: &str| {
        let count = metric(url, family, label);
        assert!(count > 0.0, "{label}");
        println!("  {label}: {count}");
    };
    counted("messages_refused_total", "reason=\"Malformed\"");
    counted("connections_closed_total", "reason=\"BadMessages\"");
    for result in ["stale", "too_early", "bad_signature"] {
        counted("votes_received_total", &format!("result=\"{result}\""));
    }
    for url in &process.urls {
        assert_eq!(restarts(url), 0);
        assert_eq!(metric(url, "evidence_total", ""), 0.0);
        assert!(get(url, "/status").json()["halted"].is_null());
    }
    let height = process.height(0);
    eventually("the flooded node goes on", || {
        (process.height(0) >= height + 3).then_some(())
    });
}

/// Answers are read as fast as they come: what they cost is the nodes' own work, which is seen in
/// the block time that is printed.
#[test]
fn a_flood_of_the_largest_bodies_and_answers_holds_no_more_than_its_limits() {
    let _alone = alone();
    let process = Process::start();
    eventually("blocks come", || (process.height(0) >= 5).then_some(()));
    let healthy = process.run_for(Duration::from_secs(2));
    let (sent, flooded) = under_flood(&process, &large(), Duration::from_secs(6));
    let held = flooded.held_most - flooded.held_before;
    let most = large_bytes_max() as f64;
    println!(
        "P13 {sent} of the largest: memory of all four {:+.1} MiB at the most, {:.1} MiB by the \
         limits, block time {:.1} -> {:.1} ms",
        held / MIB,
        most / MIB,
        healthy.block_ms,
        flooded.block_ms
    );
    assert!(held <= most, "{:.1} of {:.1} MiB", held / MIB, most / MIB);
    let refused = |path: &str, status: u16| {
        let labels = format!("kind=\"Peers\",route=\"{path}\",status=\"{status}\"");
        metric(&process.urls[0], "requests_refused_total", &labels)
    };
    assert!(refused(PROPOSAL, 400) > 0.0 && refused("/mempool/transactions", 400) > 0.0);
    assert!(metric(&process.urls[0], "pulls_answered_total", "") > 0.0);
    let height = process.height(0);
    eventually("the flooded node goes on", || {
        (process.height(0) >= height + 3).then_some(())
    });
}

#[test]
fn six_seconds_of_flood_are_noise() {
    let _alone = alone();
    a_flood_is_noise(Duration::from_secs(6));
}

#[test]
#[ignore = "the release tier: a minute"]
fn a_minute_of_flood_is_noise() {
    let _alone = alone();
    a_flood_is_noise(Duration::from_secs(60));
}
