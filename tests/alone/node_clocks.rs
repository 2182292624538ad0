//! Wrong clocks: four processes whose wall clocks tests set, while they run, through a small library
//! that is loaded before libc (`shifted_clock.c`). A chain that no clock allows waits, says
//! why, and goes on when the clocks are right; one wrong clock of four costs its own turns alone.
use crate::among_waiting;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use support::process::{Network, run};
use support::{eventually, get, metric, try_get};

const ALL: [usize; 4] = [0, 1, 2, 3];
const HOUR_MS: i64 = 3_600_000;
const SETTINGS: &[&str] = &["block_interval_ms=100", "durability=process"];

/// Four nodes, each with a clock that can be set.
struct Clocks {
    network: Network,
    library: PathBuf,
}

impl Clocks {
    /// Homes; none runs yet. `None`, with a word, where such clocks cannot be made.
    fn new() -> Option<Clocks> {
        let network = Network::new(4, SETTINGS);
        let library = network.dir.path().join("shifted_clock.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/alone/shifted_clock.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .args([source, "-ldl"])
            .status();
        let Ok(compiled) = compiled else {
            eprintln!("skipped: no C compiler `cc` here, so no clock can be shifted");
            return None;
        };
        assert!(compiled.success(), "{source} compiles");
        let clocks = Clocks { network, library };
        ALL.iter().for_each(|index| clocks.set(*index, 0));
        if !clocks.shifts() {
            eprintln!("skipped: LD_PRELOAD does nothing here, so no clock can be shifted");
            return None;
        }
        Some(clocks)
    }

    /// Whether the library has an effect: on `date`, which every system has.
    fn shifts(&self) -> bool {
        let year = |offset: &str| {
            let file = self.network.dir.path().join("probe");
            fs::write(&file, offset).expect("it is written");
            let mut date = Command::new("date");
            date.arg("+%Y").env("LD_PRELOAD", &self.library);
            date.env("CLOCK_OFFSET_FILE", file).output().ok()
        };
        let stdout = |offset| year(offset).map(|output| output.stdout);
        stdout("0") != stdout("-315360000000")
    }

    fn file(&self, index: usize) -> PathBuf {
        self.network.dir.path().join(format!("clock{index}"))
    }

    /// From now on the clock of node `index` is so far ahead of the real one.
    fn set(&self, index: usize, ahead_ms: i64) {
        // Whole or not at all: a node may read at any time.
        let file = self.file(index);
        let new = self.network.dir.path().join("new");
        fs::write(&new, ahead_ms.to_string()).expect("it is written");
        fs::rename(new, file).expect("it is renamed");
    }

    fn set_all(&self, ahead_ms: i64) {
        ALL.iter().for_each(|index| self.set(*index, ahead_ms));
    }

    fn start(&mut self, index: usize) {
        let mut command = self.network.command(index);
        command.env("LD_PRELOAD", &self.library);
        command.env("CLOCK_OFFSET_FILE", self.file(index));
        self.network.start_as(index, command);
    }

    fn start_all(&mut self) {
        ALL.iter().for_each(|index| self.start(*index));
    }

    fn url(&self, index: usize) -> &str {
        &self.network.urls[index]
    }

    fn status(&self, index: usize) -> Value {
        get(self.url(index), "/status").json()
    }

    /// Rounds beyond the first that this node has begun.
    fn rounds(&self, index: usize) -> f64 {
        metric(self.url(index), "rounds_skipped_total", "")
    }

    fn log(&mut self, index: usize) -> String {
        self.network.node(index).log_text()
    }

    /// Log, `/readyz?verbose`, `/status` and `lockstep status` of this node say these words.
    fn says(&mut self, index: usize, words: &str) {
        let url = self.url(index).to_owned();
        // A refusal is named at once, and stands in the way only if it lasts.
        let readyz = eventually(&format!("/readyz of node {index} says {words:?}"), || {
            let answer = try_get(&url, "/readyz?verbose").ok()?;
            let is_told = answer.status == 503 && answer.text().contains(words);
            is_told.then_some(answer)
        });
        let said = readyz.text();
        let line = said.lines().find(|line| line.starts_with("[-] clock: "));
        assert!(line.is_some_and(|line| line.contains(words)), "{said}");
        let clock = self.status(index)["clock"].to_string();
        assert!(clock.contains(words), "{clock}");
        let told = run(&["status", "--rpc", &url]).ok().stdout;
        assert!(told.contains(words), "{told}");
        // The log with a handshake, and no sooner than ten seconds after it said something else.
        eventually(&format!("the log of node {index} says {words:?}"), || {
            self.log(index).contains(words).then_some(())
        });
    }

    /// How long all these nodes need for one block more.
    fn next_block(&self, nodes: &[usize]) -> Duration {
        let goal = self.network.highest(nodes) + 1;
        self.network.wait_for(nodes, goal)
    }
}

/// Blocks come within a second after the clocks are right; what a busy machine adds is not that.
const SOON: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3_000 } else { 1_000 });

#[test]
fn a_genesis_one_hour_ahead_is_waited_for_and_said() {
    let _among = among_waiting();
    let Some(mut clocks) = Clocks::new() else {
        return;
    };
    clocks.set_all(-HOUR_MS);
    clocks.start_all();
    for index in ALL {
        clocks.says(index, "the genesis lies 59 min");
    }
    std::thread::sleep(Duration::from_secs(5));
    for index in ALL {
        let rounds = clocks.rounds(index);
        assert!(rounds < 10.0, "{rounds} rounds in five seconds");
        assert_eq!(clocks.status(index)["height"], 0);
    }
    clocks.set_all(0);
    let begun = clocks.network.wait_for(&ALL, 1);
    println!(
        "first block {} ms after the clocks are right",
        begun.as_millis()
    );
    assert!(begun <= SOON, "{begun:?}");
    clocks.network.wait_for(&ALL, 5);
    let url = clocks.url(0).to_owned();
    eventually("it is ready", || {
        (get(&url, "/readyz").status == 200).then_some(())
    });
    eventually("nothing is wrong with clocks", || {
        clocks.status(0)["clock"].is_null().then_some(())
    });
    clocks.network.assert_same_chain(&ALL);
}

#[test]
fn all_clocks_45_seconds_back_cost_few_rounds_and_are_named() {
    let _among = among_waiting();
    let Some(mut clocks) = Clocks::new() else {
        return;
    };
    clocks.start_all();
    clocks.network.wait_for(&ALL, 5);
    let before = ALL.map(|index| clocks.rounds(index));
    clocks.set_all(-45_000);
    let stepped = Instant::now();
    for index in ALL {
        clocks.says(index, "ahead of this node's clock");
    }
    let ten = Duration::from_secs(10);
    std::thread::sleep(ten.saturating_sub(stepped.elapsed()));
    for index in ALL {
        let rounds = clocks.rounds(index) - before[index];
        assert!(rounds < 20.0, "{rounds} rounds in ten seconds");
    }
    let url = clocks.url(0).to_owned();
    eventually("what stands still names its cause", || {
        let said = get(&url, "/readyz?verbose").text();
        let line = said.lines().find(|line| line.starts_with("[-] progress: "));
        let is_named = line?.contains("ahead of this node's clock");
        is_named.then_some(())
    });
    let stood = clocks.network.highest(&ALL);
    clocks.set_all(0);
    let on = clocks.network.wait_for(&ALL, stood + 1);
    println!(
        "next block {} ms after the clocks are right",
        on.as_millis()
    );
    assert!(on <= SOON, "{on:?}");
    clocks.network.wait_for(&ALL, stood + 4);
    clocks.network.assert_same_chain(&ALL);
}

#[test]
fn one_clock_an_hour_off_says_so_and_the_chain_goes_on() {
    let _among = among_waiting();
    let Some(mut clocks) = Clocks::new() else {
        return;
    };
    clocks.start_all();
    clocks.network.wait_for(&ALL, 5);
    for (off, words) in [(HOUR_MS, "ahead of"), (-HOUR_MS, "behind")] {
        clocks.set(3, off);
        clocks.says(3, &format!("{words} that of the validators"));
        clocks.next_block(&ALL);
        clocks
            .network
            .wait_for(&ALL, clocks.network.highest(&ALL) + 6);
        let difference = clocks.status(3)["clock_difference_ms"].as_i64();
        let difference = difference.expect("it is measured");
        assert!((difference + off).abs() < 2_000, "{difference}");
        let seconds = metric(clocks.url(3), "clock_difference_median_seconds", "");
        assert!((seconds + off as f64 / 1e3).abs() < 2.0, "{seconds}");
        // The others are ready, and name it.
        let url = clocks.url(0).to_owned();
        let name = clocks.network.addresses[3].to_string();
        eventually("the others name it", || {
            let answer = get(&url, "/readyz?verbose");
            let text = answer.text();
            let named = text.contains("[+] clock: ok, but") && text.contains(&name);
            (answer.status == 200 && named).then_some(())
        });
        let peers = clocks.status(0)["peers"].clone();
        let peer = peers.as_array().expect("a list").iter();
        let mut peer = peer.filter(|peer| peer["address"] == name.as_str());
        let told = peer.next().expect("it is a peer")["clock_difference_ms"].clone();
        let told = told.as_i64().expect("it is measured");
        assert!((told - off).abs() < 2_000, "{told}");
    }
    clocks.set(3, 0);
    let url = clocks.url(3).to_owned();
    eventually("it is ready again", || {
        (get(&url, "/readyz").status == 200).then_some(())
    });
    assert!(metric(clocks.url(0), "proposals_untimely_total", "") >= 1.0);
    clocks.network.assert_same_chain(&ALL);
}

/// A validator that was killed in round 7 or so comes back when two others are far beyond it, and the
/// fourth is dead: three are enough, whatever round its record names.
#[test]
fn a_validator_that_was_in_an_old_round_is_brought_to_the_others() {
    let _among = among_waiting();
    let Some(mut clocks) = Clocks::new() else {
        return;
    };
    clocks.start_all();
    clocks.network.wait_for(&ALL, 5);
    clocks.set_all(-45_000);
    let round = |clocks: &Clocks, index: usize| clocks.status(index)["round"].as_u64();
    let reaches = |clocks: &Clocks, index: usize, least: u64| {
        eventually(&format!("node {index} is in round {least}"), || {
            (round(clocks, index) >= Some(least)).then_some(())
        });
    };
    reaches(&clocks, 2, 4);
    clocks.network.kill(2);
    let far = round(&clocks, 0).expect("a round") + 4;
    reaches(&clocks, 0, far);
    clocks.network.kill(3);
    clocks.set_all(0);
    let stood = clocks.network.highest(&[0, 1]);
    clocks.start(2);
    let on = clocks.network.wait_for(&[0, 1, 2], stood + 3);
    println!(
        "three heights {} ms after the third is back",
        on.as_millis()
    );
    clocks.network.assert_same_chain(&[0, 1, 2]);
}
