//! The command line as its users meet it: the real binary, what it prints, and how it exits.
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;
use support::chain::{number, text};
use support::process::{hear_nothing, ignores_hang_ups};
use support::{PATIENCE, eventually, get, tick};
use tempfile::TempDir;

/// A started command. Dropped, it is killed.
struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    /// Where it puts what is temporary.
    temporary: TempDir,
}

/// A command that has ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    temporary: TempDir,
}

/// A directory for one test.
fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn command(arguments: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(support::process::binary());
    command.args(arguments).env("TMPDIR", temporary);
    // A backtrace would be seen.
    command.env_remove("RUST_LOG").env("RUST_BACKTRACE", "1");
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(arguments: &[&str]) -> Running {
    let temporary = directory();
    begin(command(arguments, temporary.path()), temporary)
}

fn begin(mut command: Command, temporary: TempDir) -> Running {
    let mut child = command.spawn().expect("it starts");
    let stdout = child.stdout.take().expect("a pipe");
    let stderr = child.stderr.take().expect("a pipe");
    let (tell, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    let errors = Some(std::thread::spawn(move || read_all(stderr)));
    Running {
        child,
        lines,
        errors,
        temporary,
    }
}

fn read_all(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).expect("it is text");
    text
}

/// Runs it to its end.
fn run(arguments: &[&str]) -> Ended {
    start(arguments).ended()
}

/// A short run of a devnet with these arguments more.
fn devnet(arguments: &[&str]) -> Ended {
    let short = ["devnet", "--block-time", "0", "--rpc-port", "0"];
    run(&[&short, arguments].concat())
}

impl Running {
    /// The next line on stdout.
    fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|error| panic!("no line on stdout: {error}"))
    }

    /// All lines up to the first that contains this, and that one.
    fn lines_to(&self, end: &str) -> Vec<String> {
        let mut lines = vec![self.line()];
        while !lines.last().is_some_and(|line| line.contains(end)) {
            lines.push(self.line());
        }
        lines
    }

    /// The line of the next block: height, and the words after it.
    fn block(&self) -> (u64, String) {
        let line = self.lines_to(" on all nodes").pop().expect("a line");
        let (height, rest) = line.trim().split_once(' ').expect("columns");
        (height.parse().expect("a height"), rest.trim().to_owned())
    }

    /// The banner to its end, and the URLs it names.
    fn banner(&self) -> (Vec<String>, Vec<String>) {
        let banner = self.lines_to("height round");
        let urls = banner.iter().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words.first() == Some(&"node")).then(|| words[3].to_owned())
        });
        let urls = urls.collect();
        (banner, urls)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    fn ended(mut self) -> Ended {
        let status = eventually("the command ends", || {
            self.child.try_wait().expect("a child of ours")
        });
        let stderr = self.errors.take().expect("one reader").join();
        let mut stdout = String::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            stdout += &line;
            stdout.push('\n');
        }
        let temporary = std::mem::replace(&mut self.temporary, directory());
        let ended = Ended {
            code: status.code(),
            stdout,
            stderr: stderr.expect("it was read"),
            temporary,
        };
        assert_calm(&ended.stderr);
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors say that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        // Trailing text would be an error.
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// It said one line on stderr, with these words in it, and nothing on stdout.
    fn assert_refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        let line = self.stderr.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'), "more than a line: {line}");
        assert!(line.starts_with("lockstep: "), "{line}");
        for word in words {
            assert!(line.contains(word), "{word:?} in: {line}");
        }
    }

    fn assert_left_nothing(&self) {
        let left = fs::read_dir(self.temporary.path()).expect("it is there");
        let left: Vec<_> = left.flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn assert_calm(text: &str) {
    for word in ["panicked", "backtrace", "RUST_BACKTRACE"] {
        assert!(!text.contains(word), "{word} in: {text}");
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn rows<'a>(report: &'a Value, list: &str) -> &'a Vec<Value> {
    report[list].as_array().expect("a list")
}

fn assert_keys(value: &Value, names: &str) {
    let names: BTreeSet<&str> = names.split(' ').collect();
    assert_eq!(keys(value), names);
}

/// The object that `--json` promises, of so many blocks from height 1 on.
fn assert_report(report: &Value, scheme: &str, validators: usize, blocks: u64) {
    assert_keys(
        report,
        "chain_id genesis_hash scheme durability validators blocks boot_ms blocks_ms teardown_ms",
    );
    assert_eq!(report["chain_id"], 1337);
    assert_eq!(text(&report["genesis_hash"]).len(), 66);
    assert_eq!(report["scheme"], scheme);
    assert_eq!(report["durability"], "process");
    for time in ["boot_ms", "blocks_ms", "teardown_ms"] {
        assert!(report[time].as_f64().is_some_and(|ms| ms >= 0.0), "{time}");
    }
    let nodes = rows(report, "validators");
    assert_eq!(nodes.len(), validators);
    let last = rows(report, "blocks").last().expect("a block");
    for (index, node) in nodes.iter().enumerate() {
        assert_keys(node, "index address rpc height block_hash state_root");
        assert_eq!(node["index"], index);
        assert_eq!(node["height"], blocks);
        assert_eq!(node["block_hash"], last["hash"]);
        assert_eq!(node["state_root"], last["state_root"]);
        assert!(text(&node["rpc"]).starts_with("http://127.0.0.1:"));
    }
    assert_blocks(report, validators, blocks);
}

fn assert_blocks(report: &Value, validators: usize, blocks: u64) {
    let sorted: BTreeSet<&str> = rows(report, "validators")
        .iter()
        .map(|node| text(&node["address"]))
        .collect();
    let sorted: Vec<&str> = sorted.into_iter().collect();
    assert_eq!(sorted.len(), validators);
    let list = rows(report, "blocks");
    let heights: Vec<u64> = list.iter().map(|block| number(&block["height"])).collect();
    assert_eq!(heights, (1..=blocks).collect::<Vec<u64>>());
    for block in list {
        assert_keys(
            block,
            "height round proposer hash state_root txs precommits commit_ms",
        );
        // A block that a later round decides was built in that round or before it.
        let (height, round) = (number(&block["height"]), number(&block["round"]));
        let turn = |round: u64| sorted[(height + round) as usize % validators];
        let scheduled = (0..=round).any(|round| block["proposer"] == turn(round));
        assert!(scheduled, "{block}");
        assert_eq!(block["txs"], 0);
        assert!(number(&block["precommits"]) as usize > validators * 2 / 3);
        assert!(block["commit_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    }
}

/// A home on which two validators have committed one block.
fn used_home() -> TempDir {
    let home = directory();
    let ended = on(home.path(), &["--validators", "2"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    home
}

/// One block more on this home.
fn on(home: &Path, arguments: &[&str]) -> Ended {
    let home = home.to_str().expect("text");
    devnet(&[&["--blocks", "1", "--home", home], arguments].concat())
}

#[test]
fn six_blocks_as_json_are_one_object_with_the_promised_keys() {
    for (scheme, validators) in [("dilithium3", 4), ("dilithium3", 1), ("ml-dsa-65", 4)] {
        let count = validators.to_string();
        let ended = devnet(&[
            "--blocks",
            "6",
            "--json",
            "--scheme",
            scheme,
            "--validators",
            &count,
        ]);
        assert_report(&ended.json(), scheme, validators, 6);
        assert_eq!(ended.stderr, "");
        ended.assert_left_nothing();
    }
    let defaults = run(&["devnet", "--blocks", "6", "--block-time", "0", "--json"]);
    assert_report(&defaults.json(), "dilithium3", 4, 6);
}

#[test]
fn six_blocks_end_with_the_heights_of_all_nodes() {
    let ended = devnet(&["--blocks", "6"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let heights = |line: &&str| line.starts_with("heights after");
    let said: Vec<&str> = ended.stdout.lines().filter(heights).collect();
    assert_eq!(said, ["heights after 6 blocks: 6, 6, 6, 6"]);
    let blocks = ended.stdout.lines().filter(|l| l.contains(" on all nodes"));
    assert_eq!(blocks.count(), 6);
    ended.assert_left_nothing();
}

#[test]
fn a_kept_home_goes_on_where_it_stopped() {
    let home = directory();
    let path = home.path().to_str().expect("text");
    let three = || devnet(&["--blocks", "3", "--home", path, "--json"]).json();
    let (first, second) = (three(), three());
    assert_report(&first, "dilithium3", 4, 3);
    assert_eq!(first["genesis_hash"], second["genesis_hash"]);
    let heights = rows(&second, "validators").iter().map(|n| &n["height"]);
    assert!(heights.eq([6; 4].map(Value::from).iter()));
    let heights = rows(&second, "blocks").iter().map(|b| &b["height"]);
    assert!(heights.eq([4, 5, 6].map(Value::from).iter()));

    // The head of the first run is the block below the first one of the second.
    let kept = start(&["devnet", "--home", path, "--rpc-port", "0", "--manual"]);
    let (_, urls) = kept.banner();
    let third = get(&urls[0], "/blocks/3").json();
    let fourth = get(&urls[0], "/blocks/4").json();
    assert_eq!(third["id"], rows(&first, "validators")[0]["block_hash"]);
    assert_eq!(fourth["id"], rows(&second, "blocks")[0]["hash"]);
    assert_eq!(fourth["header"]["previous_block"], third["id"]);
}

#[test]
fn a_home_of_another_chain_is_a_safety_stop() {
    let home = used_home();
    let words = ["belongs to the chain", "choose another data directory"];
    on(home.path(), &["--validators", "3"]).assert_refused(4, &words);
    let scheme = ["--validators", "2", "--scheme", "ml-dsa-65"];
    on(home.path(), &scheme).assert_refused(4, &words);
    let goes_on = on(home.path(), &["--validators", "2", "--json"]).json();
    assert_eq!(goes_on["validators"][0]["height"], 2);
}

#[test]
fn a_home_with_swapped_node_directories_is_a_safety_stop() {
    let home = used_home();
    let path = |name: &str| home.path().join(name);
    for (from, to) in [("node0", "aside"), ("node1", "node0"), ("aside", "node1")] {
        fs::rename(path(from), path(to)).expect("a rename");
    }
    let words = ["belongs to validator", "key", "choose"];
    on(home.path(), &["--validators", "2"]).assert_refused(4, &words);
}

#[test]
fn a_home_in_use_is_refused_until_its_devnet_ends() {
    let home = used_home();
    let path = home.path().to_str().expect("text");
    let arguments = ["devnet", "--validators", "2", "--home", path];
    let running = start(&[&arguments[..], &["--rpc-port", "0", "--manual"]].concat());
    running.banner();
    on(home.path(), &["--validators", "2"]).assert_refused(4, &["node0", "in use", "stop it"]);
    running.signal("-TERM");
    assert_eq!(running.ended().code, Some(0));
    assert_eq!(on(home.path(), &["--validators", "2"]).code, Some(0));
}

#[test]
fn corrupt_data_is_named_with_the_next_step() {
    let garble = |bytes: &mut Vec<u8>| bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
    type Harm<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>));
    let harms: [Harm<'_>; 4] = [
        ("garbled", &garble),
        ("cut in a page", &|bytes| bytes.truncate(5_000)),
        ("cut behind its head", &|bytes| bytes.truncate(8_192)),
        ("cut in its head", &|bytes| bytes.truncate(100)),
    ];
    for (what, harm) in harms {
        let home = used_home();
        let file = home.path().join("node1/data.mdb");
        let mut bytes = fs::read(&file).expect("it is there");
        harm(&mut bytes);
        fs::write(&file, bytes).expect("it is written");
        let ended = on(home.path(), &["--validators", "2"]);
        eprintln!("{what}: {}", ended.stderr);
        ended.assert_refused(3, &["node 1", "corrupt", "restore it"]);
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_a_matter_of_configuration() {
    let home = directory();
    let file = home.path().join("file");
    fs::write(&file, b"in the way").expect("a file");
    for path in [&file, &file.join("below")] {
        on(path, &[]).assert_refused(2, &["file", "choose another --home"]);
    }
    if cfg!(target_os = "linux") {
        on(Path::new("/proc/lockstep"), &[]).assert_refused(2, &["/proc/lockstep", "--home"]);
    }
    on(home.path(), &[]).assert_refused(2, &["holds no devnet", "choose another --state"]);
    fs::remove_file(&file).expect("it was there");
    assert_eq!(on(home.path(), &["--validators", "1"]).code, Some(0));
    fs::remove_dir_all(home.path().join("node0")).expect("its data");
    fs::write(home.path().join("node0"), b"in the way").expect("a file");
    on(home.path(), &[]).assert_refused(2, &["node0", "name a directory"]);
}

#[test]
fn an_occupied_port_may_be_retried_and_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = run(&["devnet", "--blocks", "1", "--rpc-port", &port]);
    ended.assert_refused(
        1,
        &[&format!("127.0.0.1:{port}"), "choose another --rpc-port"],
    );
    ended.assert_left_nothing();
}

#[test]
fn wrong_usage_exits_with_2_and_one_helpful_text() {
    for (arguments, help) in [
        ("", "Usage: lockstep"),
        ("launch", "unrecognized subcommand 'launch'"),
        ("devnet --frobnicate", "unexpected argument '--frobnicate'"),
        ("devnet --scheme rsa", "dilithium3, ml-dsa-65"),
        ("devnet --durability none", "process, power"),
        ("devnet --block-time 1", "250ms"),
        ("devnet --block-time=-1s", "250ms"),
        ("devnet --blocks 0", "'--blocks <K>'"),
        ("devnet --blocks many", "'--blocks <K>'"),
        ("devnet --validators 0", "1 to 128 validators"),
        ("devnet --validators 129", "1 to 128 validators"),
        (
            "devnet --validators 18446744073709551615",
            "1 to 128 validators",
        ),
        ("devnet --rpc-port 65536", "65535"),
        ("devnet --rpc-port 65533", "no room for 4 ports"),
        ("devnet --log a=b=c", "warn,lockstep_actors=debug"),
        ("bench", "consensus"),
        ("bench ledger", "unrecognized subcommand 'ledger'"),
        ("bench consensus --seconds 0", "1..=3600"),
        ("bench consensus --validators 0", "1 to 128 validators"),
        (
            "bench consensus --validators 18446744073709551615",
            "1 to 128 validators",
        ),
        ("bench consensus --scheme rsa", "dilithium3, ml-dsa-65"),
        ("bench consensus --log a=b=c", "warn,lockstep_actors=debug"),
    ] {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let ended = run(&words);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{arguments}");
        assert!(ended.stderr.contains(help), "{arguments}: {}", ended.stderr);
        // Whoever names no command where one must stand is told of every one.
        let is_help = ended.stderr == run(&[&words[..], &["-h"]].concat()).stdout;
        let is_short = ended.stderr.lines().count() <= 12;
        assert!(is_help || is_short, "{arguments}: {}", ended.stderr);
        assert!(!ended.stderr.contains("measuring"), "{arguments}");
    }
}

#[test]
fn the_last_port_of_all_can_be_asked_for() {
    let arguments = ["--blocks", "1", "--validators", "1", "--rpc-port", "65535"];
    let ended = run(&[&["devnet"], &arguments[..]].concat());
    match ended.code {
        Some(0) => assert!(ended.stdout.contains("http://127.0.0.1:65535 ")),
        _ => ended.assert_refused(1, &["cannot listen on 127.0.0.1:65535"]),
    }
}

#[test]
fn a_running_devnet_says_what_it_is_and_ends_cleanly_at_a_signal() {
    let mut signals = vec!["-INT", "-TERM", "-QUIT", "-HUP"];
    if ignores_hang_ups() {
        println!(
            "SKIPPED: SIGHUP, which whoever runs these tests ignores, and so does what they start"
        );
        signals.pop();
    }
    for signal in signals {
        let running = start(&["devnet", "--rpc-port", "0", "--block-time", "50ms"]);
        let (banner, urls) = running.banner();
        assert_eq!(urls.len(), 4);
        let has = |words: &[&str]| {
            let fits = |line: &&String| words.iter().all(|word| line.contains(word));
            assert!(banner.iter().any(|l| fits(&l)), "{words:?} in {banner:#?}");
        };
        let temporary = running.temporary.path().display().to_string();
        for (index, url) in urls.iter().enumerate() {
            let status = get(url, "/status").json();
            has(&["chain id", &status["chain_id"].to_string()]);
            has(&["genesis hash", text(&status["genesis_hash"])]);
            let dir = format!("/node{index}");
            let address = text(&status["validator"]);
            has(&[&format!("node {index} "), address, url, &temporary, &dir]);
        }
        has(&[
            "durability",
            "process",
            "survives kill -9",
            "not a power cut",
        ]);
        for name in ["alice", "bob", "carol", "dave"] {
            has(&[name, " 0x", "1000000000000"]);
        }
        assert_eq!([running.block().0, running.block().0], [1, 2]);

        running.signal(signal);
        let ended = running.ended();
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{signal}");
        assert!(ended.stdout.contains("stopped at heights "), "{signal}");
        ended.assert_left_nothing();
    }
}

/// `nohup`: the terminal may be closed.
#[cfg(target_os = "linux")]
#[test]
fn a_devnet_whose_starter_ignores_hang_ups_goes_on() {
    let temporary = directory();
    let devnet = command(&["devnet", "--rpc-port", "0"], temporary.path());
    let mut deaf = Command::new("sh");
    deaf.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    deaf.arg(devnet.get_program()).args(devnet.get_args());
    hear_nothing(&mut deaf);
    deaf.env("TMPDIR", temporary.path());
    deaf.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let running = begin(deaf, temporary);
    running.banner();
    let first = running.block().0;
    running.signal("-HUP");
    assert_eq!(running.block().0, first + 1);
    assert_eq!(running.block().0, first + 2);
    running.signal("-TERM");
    assert_eq!(running.ended().code, Some(0));
}

#[test]
fn a_manual_devnet_makes_a_block_at_enter_or_at_a_tick_and_not_else() {
    let mut running = start(&["devnet", "--rpc-port", "0", "--manual"]);
    let (_, urls) = running.banner();
    let none = || {
        // Longer than the time between blocks where nothing is said.
        let line = running.lines.recv_timeout(Duration::from_millis(1_300));
        assert!(line.is_err(), "{line:?}");
    };
    none();
    assert_eq!(get(&urls[0], "/blocks/1").status, 404);
    for height in [1, 2] {
        let mut terminal = running.child.stdin.as_ref().expect("a pipe");
        terminal.write_all(b"\n").expect("it is read");
        assert_eq!(running.block().0, height);
    }
    for (height, url) in (3..).zip(&urls) {
        let answer = tick(url);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["height"], height);
        assert_eq!(running.block().0, height);
    }
    none();
    // The end of the terminal is not the end of the devnet.
    drop(running.child.stdin.take());
    assert_eq!(tick(&urls[0]).status, 200);
    assert_eq!(running.block().0, 7);
    running.signal("-INT");
    assert_eq!(running.ended().code, Some(0));
}

#[test]
fn a_reader_who_leaves_is_no_reason_to_panic() {
    for arguments in [
        &["devnet", "--block-time", "20ms", "--rpc-port", "0"][..],
        &["devnet", "--block-time", "20ms", "--blocks", "9"],
        &["devnet", "--block-time", "0", "--blocks", "9", "--json"],
    ] {
        let temporary = directory();
        let mut child = command(arguments, temporary.path())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let stderr = child.stderr.take().expect("a pipe");
        let (_, lines) = mpsc::channel();
        let running = Running {
            child,
            lines,
            errors: Some(std::thread::spawn(move || read_all(stderr))),
            temporary,
        };
        let ended = running.ended();
        ended.assert_refused(1, &["stdout"]);
        ended.assert_left_nothing();
    }
}

#[test]
fn the_bench_of_consensus_is_one_object_of_positive_figures() {
    let arguments = ["--seconds", "1", "--validators", "4"];
    let scheme = ["--scheme", "ml-dsa-65", "--json"];
    let ended = run(&[&["bench", "consensus"], &arguments[..], &scheme].concat());
    let report = ended.json();
    let promised: BTreeSet<&str> = "blocks_per_second commit_ms_p50 commit_ms_p99 \
         cpu_seconds_per_block peak_rss_bytes sign_us verify_us \
         signature_floor_blocks_per_second floor_ratio scheme durability validators seconds"
        .split_whitespace()
        .collect();
    assert!(keys(&report).is_superset(&promised), "{report}");
    let words = ["scheme", "durability"];
    for figure in promised.iter().filter(|name| !words.contains(name)) {
        // Where the system does not tell, it is null.
        let untold = report[figure].is_null() && !cfg!(target_os = "linux");
        let positive = report[figure].as_f64().is_some_and(|value| value > 0.0);
        assert!(positive || untold, "{figure} in {report}");
    }
    assert_eq!(report["scheme"], "ml-dsa-65");
    assert_eq!(report["durability"], "process");
    assert_eq!(report["validators"], 4);
    let seconds = report["seconds"].as_f64().expect("a number");
    assert!(seconds >= 1.0, "{seconds}");
    assert!(report["commit_ms_p50"].as_f64() <= report["commit_ms_p99"].as_f64());
    assert!(ended.stderr.contains("measuring the signature floor"));
    assert!(ended.stderr.contains("blocks/s"));
    ended.assert_left_nothing();
}
