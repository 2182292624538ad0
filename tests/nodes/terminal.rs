//! Nothing from outside reaches a terminal raw. Every command of the command line hears from a server
//! that puts, wherever a text can stand, what moves a cursor, turns a line round or hides; then the
//! same as its own arguments. What it prints shows all of it, and moves nothing.
use lockstep_actors::peers::Handshake;
use lockstep_devnet::Devnet;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;
use support::foreign::{FOREIGN, HABITS, Habit, answer, is_raw, serve};
use support::process::{Ended, Network, binary, finish, lockstep, run};
use support::{eventually, get};

fn assert_shown(what: &str, ended: &Ended) {
    assert!(ended.code.is_some(), "{what}: a signal ended it");
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(is_raw), "{what}: {text:?}");
        let is_forged =
            |line: &str| line.starts_with("Proved") || line.starts_with("  balance       9999");
        assert!(!text.lines().any(is_forged), "{what}: {text}");
        assert!(!text.contains("panicked"), "{what}: {text}");
    }
}

/// Every command, by the help of the program itself.
pub(crate) fn commands(above: &[&str]) -> BTreeSet<String> {
    let help = run(&[above, &["--help"]].concat()).ok().stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap_or("");
    let names = listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let mut all = BTreeSet::new();
    for name in names {
        let path = [above, &[name]].concat();
        let below = commands(&path);
        match below.is_empty() {
            true => drop(all.insert(path.join(" "))),
            false => all.extend(below),
        }
    }
    all
}

/// What each command asks a server with, or what it is given if it asks none.
fn arguments(command: &str) -> Option<(bool, &'static [&'static str])> {
    const WHO: &str = "0x1212121212121212121212121212121212121212";
    const ID: &str = "0x1212121212121212121212121212121212121212121212121212121212121212";
    Some(match command {
        "status" | "block" | "validators" => (true, &[]),
        "account" | "faucet" | "history" => (true, &["alice"]),
        "record" => (true, &["alice", FOREIGN]),
        "query" => (true, &["token", FOREIGN]),
        "timeline" => (true, &["1"]),
        "export" => (true, &["--to", "jsonl:out"]),
        "top" => (true, &["--once"]),
        "receipt" => (true, &[ID]),
        "tx transfer" => (true, &["--from", "alice", "--to", "bob", "--amount", "1"]),
        "tx put" => (
            true,
            &["--from", "alice", "--key", FOREIGN, "--value", FOREIGN],
        ),
        "tx delete" => (true, &["--from", "alice", "--key", FOREIGN]),
        "tx update-validator" => (true, &["--from", "alice", "--power", "1", "--key", WHO]),
        "tx declare-ready" => (true, &["--from", "alice"]),
        "tx call" => (true, &["token", "--from", "alice", "--data", "0x00"]),
        "light verify application" => (true, &["token", "deed"]),
        "light verify account" => (true, &["alice"]),
        "light verify record" => (true, &["alice", FOREIGN]),
        "init" | "start" | "arm" | "verify" => (false, &["--home", FOREIGN]),
        "testnet" => (false, &["--output", FOREIGN, "--validators", "0"]),
        "snapshot export" => (false, &["--home", FOREIGN, "--output", FOREIGN]),
        "snapshot import" => (false, &["--home", FOREIGN, "--input", FOREIGN]),
        "snapshot inspect" => (false, &["--home", FOREIGN, FOREIGN]),
        "keys new" => (true, &["new"]),
        "keys show" => (false, &[FOREIGN]),
        "completions" => (false, &["--shell", FOREIGN]),
        "man" => (false, &["--output", "/dev/null/no", FOREIGN]),
        "keys list" => (false, &["--keys", FOREIGN]),
        "keys import" => (false, &["new", FOREIGN]),
        "keys export" => (false, &[FOREIGN, "--output", FOREIGN]),
        "devnet" | "simulate" => (false, &["--seeds", FOREIGN]),
        bench if bench.starts_with("bench ") => (false, &["--scheme", FOREIGN]),
        _ => return None,
    })
}

/// Runs a command for a user without keys, in a directory of its own.
fn user(arguments: &[&str]) -> Ended {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = lockstep(arguments);
    command.env("LOCKSTEP_KEYS", dir.path().join("keys"));
    command.env("LOCKSTEP_PASSWORD", "word");
    command.current_dir(dir.path());
    finish(command)
}

#[test]
fn nothing_that_a_server_says_reaches_a_terminal_raw() {
    let commands = commands(&[]);
    assert!(commands.len() > 20, "{commands:?}");
    for habit in HABITS {
        let url = serve(habit);
        std::thread::scope(|scope| {
            for command in &commands {
                let (asks, given) = arguments(command).unwrap_or_else(|| {
                    panic!("say in `arguments` how lockstep {command} is asked here")
                });
                let url = &url;
                // A transaction is handed in for ten seconds to whoever may be asked again.
                if asks {
                    scope.spawn(move || ask(habit, command, given, url));
                }
            }
        });
    }
}

/// The words of a command, with what must stand among them.
fn words(command: &str) -> Vec<&str> {
    const TRUSTED: &str =
        "--trusted=0x1212121212121212121212121212121212121212121212121212121212121212@2";
    let mut words: Vec<&str> = command.split(' ').collect();
    if words.starts_with(&["light", "verify"]) {
        words.insert(2, TRUSTED);
    }
    words
}

fn ask(habit: Habit, command: &str, given: &[&str], url: &str) {
    let words = words(command);
    let waits: &[&str] = match command.starts_with("tx ") {
        true => &["--wait", "--timeout", "1"],
        false => &[],
    };
    // Its answers are added up where it is asked twice.
    let twice = url.replace("127.0.0.1", "localhost");
    let twice: &[&str] = match command {
        "timeline" => &["--rpc", &twice],
        _ => &[],
    };
    for json in [&[][..], &["--json"]] {
        let mut all = [&words[..], &["--rpc", url], twice, waits, json].concat();
        all.extend(given);
        let ended = user(&all);
        assert_shown(&format!("{habit:?}: lockstep {all:?}"), &ended);
        if !json.is_empty() && !ended.stdout.is_empty() {
            assert_parses(&ended.stdout);
        }
    }
}

/// It is still the same text to a program.
fn assert_parses(stdout: &str) {
    let said: Value = serde_json::from_str(stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"));
    assert!(said.is_object(), "{said}");
    let is_cut = |text: &str| text.contains("Proved, whoever") && !text.contains(FOREIGN);
    let mut all = vec![&said];
    while let Some(value) = all.pop() {
        match value {
            // A refusal's sentence shows what was said; it is not what was said.
            Value::String(text) => assert!(!is_cut(text), "{text:?}"),
            Value::Array(values) => all.extend(values),
            Value::Object(fields) => all.extend(fields.values()),
            _ => {}
        }
    }
}

#[test]
fn what_a_server_says_is_the_same_to_programs() {
    let url = serve(Habit::Absurd);
    for (words, key) in [
        (&["status"][..], "validator"),
        (&["account", "alice"], "balance"),
        (&["block"], "id"),
        (&["record", "alice", "deed"], "height"),
    ] {
        let ended = run(&[words, &["--rpc", &url, "--json"]].concat()).ok();
        let said: Value = serde_json::from_str(&ended.stdout).expect("one object");
        assert_eq!(said[key], FOREIGN, "{words:?}");
    }
}

/// A key, a file and a URL may be from anywhere, too, and a mistake in them is said.
#[test]
fn nothing_that_is_given_reaches_a_terminal_raw() {
    for command in commands(&[]) {
        let (asks, given) = arguments(&command).expect("it is known");
        let words = words(&command);
        if asks {
            let foreign_url = [&words[..], &["--rpc", FOREIGN], given].concat();
            assert_shown(&format!("{foreign_url:?}"), &user(&foreign_url));
        } else {
            let all = [&words[..], given].concat();
            assert_shown(&format!("{all:?}"), &user(&all));
        }
        for strange in [FOREIGN, "--\u{1b}[2J", &format!("--json={FOREIGN}")] {
            let all = [&words[..], &[strange]].concat();
            let ended = user(&all);
            assert_shown(&format!("{all:?}"), &ended);
        }
    }
    let ended = user(&[FOREIGN]);
    assert_shown("no command", &ended);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("\\u{1b}[2K"), "{}", ended.stderr);
}

#[test]
fn nothing_that_surrounds_a_command_reaches_a_terminal_raw() {
    let settings = ["RPC", "HOME", "KEYS", "LOG", "PEERS", "NO_SUCH_SETTING"];
    for variable in settings.map(|name| format!("LOCKSTEP_{name}")) {
        for words in [
            &["status"][..],
            &["account", "alice"],
            &["keys", "list"],
            &["start", "--print-config"],
        ] {
            let mut command = lockstep(words);
            command.env(&variable, FOREIGN);
            assert_shown(&format!("{variable} {words:?}"), &finish(command));
        }
    }
    let mut command = lockstep(&["devnet", "--blocks", "1", "--log", "off"]);
    command.env("RUST_LOG", format!("{FOREIGN}=loud"));
    let ended = finish(command);
    assert_shown("RUST_LOG", &ended);
    ended.assert_refused(2, &["log filter", "try \"info\""]);
    let dir = tempfile::tempdir().expect("a directory");
    let link = dir.path().join(FOREIGN.replace('/', "_"));
    std::os::unix::fs::symlink(binary(), &link).expect("a link");
    let ended = finish(Command::new(link));
    assert_shown("its own name", &ended);
}

/// What stands on an honest chain was written by somebody: a record, and its key.
#[test]
fn nothing_that_a_chain_holds_reaches_a_terminal_raw() {
    const KEY: &str = "\u{202e}deed\u{200b}";
    const VALUE: &str = "mine\u{2066}\u{feff}\u{9b}";
    let builder = Devnet::builder().validators(1).scheme(SchemeId::MlDsa65);
    let devnet = builder.block_time_ms(50).boot().expect("it boots");
    let url = &devnet.urls()[0];
    let from = ["--from", "alice", "--rpc", url, "--wait"];
    let put = ["tx", "put", "--key", KEY, "--value", VALUE];
    let memo = [
        "tx", "transfer", "--to", "bob", "--amount", "1", "--memo", FOREIGN,
    ];
    assert_shown("memo", &run(&[&memo[..], &from].concat()).ok());
    let put = run(&[&put[..], &from, &["--json"]].concat()).ok();
    let put: Value = serde_json::from_str(&put.stdout).expect("one object");
    let height = put["receipt"]["height"].to_string();
    let id = get(url, "/blocks/1").json()["id"].clone();
    let trusted = format!("{}@1", id.as_str().expect("an id"));
    for json in [&[][..], &["--json"]] {
        for words in [
            &["record", "alice", KEY][..],
            &["block", &height],
            &[
                "light",
                "verify",
                "--trusted",
                &trusted,
                "record",
                "alice",
                KEY,
            ],
        ] {
            let all = [words, &["--rpc", url], json].concat();
            let ended = run(&all).ok();
            // The first line of a proof is this one here.
            let shown = Ended {
                stdout: ended.stdout.replacen("Proved, whoever said it\n", "", 1),
                ..ended
            };
            assert_shown(&format!("{all:?}"), &shown);
        }
    }
}

/// A peer's fingerprint stands in the log, and in what `lockstep status` shows.
#[test]
fn nothing_that_a_peer_says_reaches_the_log_raw() {
    let mut network = Network::new(2, &[]);
    let stranger = network.addresses[1];
    // Whoever has the port of the second validator.
    let listener = TcpListener::bind(network.peers[1]).expect("a port");
    let genesis_hash = {
        network.start(0);
        let ready = network.node(0).ready();
        ready["genesis_hash"]
            .as_str()
            .expect("a hash")
            .parse::<Hash>()
    };
    let handshake = handshake(genesis_hash.expect("a hash"), stranger);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handshake = handshake.clone();
            // An error says that the other side has gone.
            std::thread::spawn(move || {
                answer(stream, "OK", |_, _| (200, handshake.clone())).is_err()
            });
        }
    });
    let url = network.urls[0].clone();
    eventually("the peer is refused", || {
        let peer = get(&url, "/status").json()["peers"][0].clone();
        peer["refused"].as_str().map(str::to_owned)
    });
    for json in [&[][..], &["--json"]] {
        let ended = run(&[&["status", "--rpc", &url], json].concat()).ok();
        assert_shown("status", &ended);
        assert!(ended.stdout.contains("fingerprint"), "{}", ended.stdout);
    }
    let log = network.node(0).log_text();
    assert!(log.contains("fingerprint a\\u{1}\\u{7}"), "{log}");
    assert!(!log.contains(is_raw), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("Proved")), "{log}");
}

fn handshake(genesis_hash: Hash, validator: Address) -> Vec<u8> {
    let said = Handshake {
        protocol_version: PROTOCOL_VERSION,
        genesis_hash,
        verifier_fingerprint: FOREIGN.into(),
        validator,
        height: Height(0),
        earliest_height: Height(1),
        time_ms: None,
    };
    serde_json::to_vec(&said).expect("JSON")
}
