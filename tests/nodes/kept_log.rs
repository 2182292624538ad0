//! A script of what nodes go through as processes, and the lines of their logs that come of it, kept
//! in `kept_log.txt` with placeholders for what varies. Whoever changes a sentence writes the file
//! anew with `LOCKSTEP_BLESS=1`, and reads the difference. What no process can be brought to say in
//! bounded time stands in `actors/src/tidings/kept.log`; both together have every sentence.
use super::node_halt::signed_elsewhere;
use lockstep_protocol::wire::Wire;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::process::{Network, run, text};
use support::{eventually, post};

const KEPT: &str = "tests/nodes/kept_log.txt";
const FOUNDERS: [usize; 4] = [0, 1, 2, 3];
const PATIENCE: Duration = Duration::from_secs(100);

fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(of_repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The nodes, and what was kept of their logs so far.
struct Script {
    network: Network,
    /// From where on each log is news.
    from: Vec<usize>,
    kept: String,
}

impl Script {
    fn of(network: Network) -> Script {
        let from = vec![0; network.nodes.len()];
        let kept = String::new();
        Script {
            network,
            from,
            kept,
        }
    }

    fn log(&self, node: usize) -> String {
        let log = self.network.dir.path().join(format!("node{node}.log"));
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// What is done, and then the lines that come of it: whose, and words that begin the line or
    /// stand in it.
    fn scene(&mut self, what: &str, act: impl FnOnce(&mut Network), lines: &[(usize, &str)]) {
        for node in 0..self.from.len() {
            self.from[node] = self.log(node).len();
        }
        let began = Instant::now();
        act(&mut self.network);
        writeln!(self.kept, "\n# {what}").expect("a string");
        for (node, words) in lines {
            let line = self.wait_for(*node, words);
            writeln!(self.kept, "node{node}  {line}").expect("a string");
            println!(
                "{what}: {words:?} after {:.1} s",
                began.elapsed().as_secs_f64()
            );
        }
    }

    fn wait_for(&self, node: usize, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = self.log(node);
            let news = log.get(self.from[node]..).unwrap_or_default();
            let mut lines = news.lines().map(|line| self.with_placeholders(line));
            if let Some(line) = lines.find(|line| line.contains(words)) {
                return line;
            }
            assert!(
                Instant::now() < until,
                "node{node} does not say {words:?}:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The line with names instead of addresses, and placeholders for figures.
    fn with_placeholders(&self, line: &str) -> String {
        let (head, words) = line.split_once("] ").unwrap_or(("", line));
        let level = head.split_whitespace().nth(1).unwrap_or("");
        let named = |address: &str| {
            let mut known = self.network.addresses.iter();
            let index = known.position(|known| known.to_string() == address);
            index.map_or("<hash>".into(), |index| format!("node{index}"))
        };
        let dir = self.network.dir.path().display().to_string();
        let words = without_figures(&words.replace(&dir, "<dir>"), named);
        let words = TIMES
            .iter()
            .fold(words, |words, (time, name)| words.replace(time, name));
        let words = in_order(&without_troubles(&words));
        // In which rounds its key may have signed is chance.
        let end = words.find("; at height").unwrap_or(words.len());
        format!("{level:<5} {}", &words[..end])
    }
}

/// How times look once their figures are placeholders.
const TIMES: [(&str, &str); 6] = [
    ("<n>-<n>-<n> <n>:<n>:<n> UTC", "<when>"),
    ("<n> h <n> min", "<time>"),
    ("<n> min <n> s", "<time>"),
    ("<n> ms", "<time>"),
    ("<n> s:", "<time>:"),
    ("<n> s", "<time>"),
];

fn without_figures(words: &str, named: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = words;
    while let Some(first) = rest.chars().next() {
        let run = |from: usize, is: fn(char) -> bool| {
            let end = rest[from..].find(|c| !is(c));
            end.map_or(rest.len(), |end| from + end)
        };
        let stands_alone = !out.ends_with(|c: char| c.is_ascii_alphanumeric());
        let end = if rest.starts_with("0x") {
            let end = run(2, |c| c.is_ascii_hexdigit());
            out.push_str(&named(&rest[..end]));
            end
        } else if rest.starts_with("127.0.0.1:") {
            out.push_str("<address>");
            run("127.0.0.1:".len(), |c| c.is_ascii_digit())
        } else if first.is_ascii_digit() && stands_alone {
            out.push_str("<n>");
            let end = run(0, |c| c.is_ascii_digit() || c == '.');
            // The dot may end the sentence.
            rest[..end].trim_end_matches('.').len()
        } else {
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[end..];
    }
    out
}

/// Why a peer is away is told in the system's words.
fn without_troubles(words: &str) -> String {
    if !words.contains("peers lost: ") && !words.contains("no link yet to ") {
        return words.to_owned();
    }
    let (mut out, mut depth) = (String::new(), 0);
    for c in words.chars() {
        match c {
            '(' => {
                if depth == 0 {
                    out.push_str("(<why>)");
                }
                depth += 1;
            }
            ')' => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// Nodes are named in the order of their addresses, which is another in each run.
fn in_order(words: &str) -> String {
    for (begin, end) in [("peers lost: ", "\n"), ("waits for ", "; ")] {
        if let Some((before, rest)) = words.split_once(begin) {
            let at = rest.find(end).unwrap_or(rest.len());
            let (names, behind) = rest.split_at(at);
            let mut names: Vec<&str> = names.split(", ").collect();
            names.sort_unstable();
            return format!("{before}{begin}{}{behind}", names.join(", "));
        }
    }
    words.to_owned()
}

/// Four founders, and the home of a fifth that knows them.
fn founded() -> Network {
    let settings = ["log=info", "durability=process", "block_interval_ms=200"];
    let mut network = Network::new(4, &settings);
    let home = network.home(4);
    let genesis = network.home(0).join("genesis.json");
    run(&["init", "--home", text(&home), "--genesis", text(&genesis)]).ok();
    let port = network.peers[3].port();
    network.peers.push(([127, 0, 0, 1], port + 1).into());
    network.urls.push(format!("http://127.0.0.1:{}", port + 2));
    network.addresses.push(network.key("node4/validator.key").0);
    network.nodes.push(None);
    network
}

fn start_the_fifth(network: &mut Network) {
    let mut command = network.command(4);
    let peers = FOUNDERS.map(|it| format!("{}@{}", network.addresses[it], network.peers[it]));
    command.arg(format!("--set=peers={}", peers.join(",")));
    command.args([
        "--set=follow=true",
        &format!("--peer-listen={}", network.peers[4]),
    ]);
    let rpc = network.urls[4].trim_start_matches("http://");
    command.arg(format!("--rpc-listen={rpc}"));
    network.start_as(4, command);
}

/// `lockstep tx …` of node `from`'s validator, handed to node `at`, until it stands in a block.
fn tx(network: &Network, key: &str, at: usize, words: &[&str]) {
    let key = network.dir.path().join("net").join(key);
    let common = ["--from", text(&key), "--rpc", &network.urls[at], "--wait"];
    run(&[&["tx"], words, &common].concat()).ok();
}

fn add_the_fifth(network: &mut Network) {
    let added = network.home(4).join("validator.pub");
    for by in 0..3 {
        let key = format!("node{by}/validator.key");
        let vote = ["update-validator", "--key", text(&added), "--power", "1"];
        tx(network, &key, 1, &vote);
    }
    tx(network, "node4/validator.key", 4, &["declare-ready"]);
}

fn fund_validators(network: &Network) {
    for who in [0, 1, 2, 4] {
        let to = network.addresses[who].to_string();
        let transfer = ["transfer", "--to", &to, "--amount", "1000000000"];
        tx(network, "account0.key", 1, &transfer);
    }
}

/// A vote of node 3 that it has not signed.
fn sign_elsewhere(network: &mut Network) {
    let wire = Wire::new(network.context(3).genesis_hash);
    let peer_url = format!("http://{}", network.peers[3]);
    eventually("it stops voting", || {
        let vote = wire.encode_vote(&signed_elsewhere(network, 3));
        post(&peer_url, "/consensus/vote", &vote);
        let status = support::get(&network.urls[3], "/status").json();
        status["halted"].is_string().then_some(())
    });
}

fn lose_and_find(script: &mut Script) {
    let lost = "peers lost: node3 at <address> (<why>) for ";
    script.scene("node 3 is killed", |nodes| nodes.kill(3), &[(0, lost)]);
    let both = "peers lost: node2 at <address> (<why>) for <time>, node3 at <address> (<why>) for ";
    let waits = [
        (0, both),
        (0, "waits for node2, node3"),
        (1, "waits for node2, node3"),
    ];
    script.scene("node 2 is killed too", |nodes| nodes.kill(2), &waits);
    let again = [
        (0, "going again after"),
        (0, "peer node2 is back after"),
        (2, "goes on from height"),
        (2, "it has what the others had"),
    ];
    script.scene("node 2 is started", |nodes| nodes.start(2), &again);
    script
        .network
        .wait_for(&[0], script.network.highest(&[0]) + 20);
    let behind = [
        (3, "catching up from height"),
        (3, "done catching up"),
        (0, "peer node3 is back after"),
    ];
    script.scene("node 3 is started", |nodes| nodes.start(3), &behind);
}

fn observe_and_arm(script: &mut Script) {
    let begin_anew = |nodes: &mut Network| {
        nodes.kill(3);
        std::fs::remove_dir_all(nodes.home(3).join("data")).expect("it was there");
        nodes.start(3);
    };
    let observes = [(3, "this node observes: ")];
    script.scene("node 3 has lost its data", begin_anew, &observes);
    script.network.wait_for(&[3], script.network.highest(&[0]));
    let arm = |nodes: &mut Network| {
        nodes.kill(3);
        nodes.arm(3);
        nodes.start(3);
    };
    let armed = [
        (3, "this node observes: re-armed"),
        (3, "this node signs, after"),
    ];
    script.scene("node 3 is armed", arm, &armed);
}

fn join(script: &mut Script) {
    fund_validators(&script.network);
    let follows = [(4, "this node observes: node4 is no validator")];
    script.scene("a fifth follows", start_the_fifth, &follows);
    // Longer than between two looks: it has to have seen the validators as they were.
    let later = script.network.highest(&[0]) + 15;
    script.network.wait_for(&[4], later);
    let joined = [
        (0, "validators change at height"),
        (0, "validators without a link"),
        (4, "validators change at height"),
        (4, "this node signs, after"),
    ];
    script.scene("the fifth is made a validator", add_the_fifth, &joined);
}

/// The first height of this chain comes when its genesis does.
fn wait_for_the_genesis() -> String {
    let network = Network::new(1, &["log=info"]);
    let file = network.home(0).join("genesis.json");
    let genesis = std::fs::read_to_string(&file).expect("a genesis");
    let mut genesis: serde_json::Value = serde_json::from_str(&genesis).expect("JSON");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("later");
    let time = u64::try_from(now.as_millis()).expect("it fits") + 15_000;
    genesis["time"] = time.into();
    std::fs::write(&file, genesis.to_string()).expect("it is written");
    let mut script = Script::of(network);
    let lines = [(0, "ahead of this node's clock"), (0, "no longer behind")];
    script.scene("the genesis is yet to come", |nodes| nodes.start(0), &lines);
    script.kept
}

fn act() -> String {
    let mut script = Script::of(founded());
    let start = |nodes: &mut Network| FOUNDERS.iter().for_each(|node| nodes.start(*node));
    let began = [
        (0, "goes on from height"),
        (0, "it has what the others had"),
    ];
    script.scene("four are started", start, &began);
    // Longer than between two looks.
    script.network.wait_for(&FOUNDERS, 15);
    lose_and_find(&mut script);
    observe_and_arm(&mut script);
    join(&mut script);
    let halted = [(3, "is signed with this node's key")];
    script.scene(
        "node 3 meets a vote of its own that it has not signed",
        sign_elsewhere,
        &halted,
    );
    let ends = |nodes: &mut Network| nodes.node(3).child.signal("-TERM");
    script.scene("and is stopped", ends, &[(3, "after a safety stop")]);
    script.from[0] = 0;
    let minute = script.wait_for(0, "further rounds");
    write!(script.kept, "\n# once a minute\nnode0  {minute}\n").expect("a string");
    script.kept
}

#[test]
fn what_nodes_say_of_what_befalls_them_is_kept() {
    let said = std::thread::scope(|scope| {
        let genesis = scope.spawn(wait_for_the_genesis);
        act() + &genesis.join().expect("it has said it")
    });
    if std::env::var_os("LOCKSTEP_BLESS").is_some() {
        std::fs::write(of_repository(KEPT), &said).expect("it is written");
    }
    let kept = read(KEPT);
    for (said, kept) in said.lines().zip(kept.lines()) {
        assert_eq!(
            said, kept,
            "LOCKSTEP_BLESS=1 writes it anew, if that is meant"
        );
    }
    assert_eq!(said, kept);
}

/// Where the sentences of a node's own tidings are written.
const SOURCES: [&str; 7] = [
    "actors/src/tidings/mod.rs",
    "actors/src/tidings/room.rs",
    "actors/src/block_sync/progress.rs",
    "actors/src/block_sync/waiting.rs",
    "actors/src/round_driver/show.rs",
    "actors/src/clock/watch.rs",
    "actors/src/clock/words.rs",
];

/// The texts in a source that have several words, without its tests, its comments and what only
/// people who debug see.
fn sentences(source: &str) -> Vec<String> {
    let code = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with(['/', '#']);
    let code: Vec<&str> = code.lines().filter(is_code).collect();
    let code = code.join("\n").replace("\\\"", "'");
    let mut parts = code.split('"');
    let mut found = Vec::new();
    while let (Some(before), Some(text)) = (parts.next(), parts.next()) {
        let lines = text.split("\\\n").map(str::trim_start);
        let text: String = match text.contains("\\\n") {
            true => lines.collect(),
            false => text.to_owned(),
        };
        if text.trim().contains(' ') && !before.trim_end().ends_with("debug!(") {
            found.push(text);
        }
    }
    found
}

/// Whether a line has all of the sentence that does not vary, in its order.
fn is_said_in(sentence: &str, line: &str) -> bool {
    let mut rest = line;
    let pieces = sentence.split('{').enumerate();
    let mut pieces = pieces.map(|(index, piece)| match index {
        0 => piece,
        _ => piece.split_once('}').map_or("", |(_, piece)| piece),
    });
    pieces.all(|piece| match rest.split_once(piece) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

#[test]
fn each_sentence_that_a_node_may_tell_people_is_kept() {
    let kept = read("actors/src/tidings/kept.log") + &read(KEPT);
    let mut missing = Vec::new();
    let mut count = 0;
    for source in SOURCES {
        for sentence in sentences(&read(source)) {
            count += 1;
            if !kept.lines().any(|line| is_said_in(&sentence, line)) {
                missing.push(format!("{source}: {sentence}"));
            }
        }
    }
    assert!(count > 30, "only {count} sentences were found");
    assert!(missing.is_empty(), "kept nowhere:\n{}", missing.join("\n"));
}
