//! A chain in files: whoever interrupts an export, and from wherever it reads, the bytes are the same.
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::process::{Ended, Guarded, Network, lockstep, run, text};
use support::{eventually, held_by_all, post};

mod filled;
mod postgres;
mod server;
mod strangers;

use filled::{SETTINGS, fill};

/// More than three batches of an empty chain.
const BLOCKS: u64 = 1_700;

fn export(arguments: &[&str]) -> Ended {
    run(&[&["export"], arguments].concat())
}

/// As long as it takes: it may be much.
fn exported(arguments: &[&str]) -> Value {
    let mut command = lockstep(&[&["export", "--json"], arguments].concat());
    let ended = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    serde_json::from_slice(&ended.stdout).expect("one object")
}

/// Starts one, and kills it (-9) as soon as `is_far` says that it has written more than the one
/// before.
fn killed(arguments: &[&str], mut is_far: impl FnMut() -> bool) {
    let mut command = lockstep(&[&["export"], arguments].concat());
    let mut child = Guarded(command.spawn().expect("it starts"));
    eventually("it writes", || is_far().then_some(()));
    // It may have come to its end just now.
    child.0.kill().expect("a child of ours");
    child.0.wait().expect("a child of ours");
}

/// Kills an export into files three times while it writes this one, then lets it end.
fn interrupted(arguments: &[&str], grows: &Path) -> Value {
    let len = || fs::metadata(grows).map_or(0, |is| is.len());
    for _ in 0..3 {
        let before = len();
        killed(arguments, || len() > before + 200);
    }
    exported(arguments)
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let names = [
        "chain.json",
        "blocks.csv",
        "transactions.csv",
        "receipts.csv",
        "events.csv",
    ];
    let read = |name: &str| (name.to_owned(), fs::read(dir.join(name)).expect("a file"));
    names.map(read).to_vec()
}

#[test]
fn files_that_three_kills_have_interrupted_have_the_bytes_of_those_that_nobody_has() {
    let mut network = Network::funding(4, 1, &SETTINGS);
    network.start(0);
    network.node(0).ready();
    let filled = fill(&network, 4, 25, BLOCKS);
    let dir = network.dir.path().to_owned();
    let at = |name: &str| dir.join(name);
    let until = filled.height.to_string();
    let (url, home) = (network.urls[0].clone(), network.home(0));
    let target = |kind: &str, name: &str| format!("{kind}:{}", text(&at(name)));
    let of_node = ["--until", &until, "--rpc", &url, "--to"];
    let of_home = ["--until", &until, "--home", text(&home), "--to"];
    // Beside the running node, and from its answers.
    let said = exported(&[&of_home[..], &[&target("csv", "whole")]].concat());
    assert_eq!(said["added"]["blocks"], filled.height);
    assert_eq!(said["added"]["transactions"], filled.transactions);
    assert_eq!(
        (&said["first"], &said["height"]),
        (&json!(1), &json!(filled.height))
    );
    let to = target("csv", "killed");
    interrupted(
        &[&of_node[..], &[&to]].concat(),
        &at("killed").join("blocks.csv"),
    );
    assert!(files(&at("whole")) == files(&at("killed")), "bytes differ");
    // Whoever asks for the end is told how to go on.
    let to = target("csv", "asked");
    let asked = [&of_node[..], &[&to]].concat();
    assert_ends_when_asked(&asked, &at("asked").join("blocks.csv"));
    exported(&asked);
    assert!(files(&at("whole")) == files(&at("asked")), "bytes differ");
    exported(&[&of_home[..], &[&target("jsonl", "whole.jsonl")]].concat());
    let to = target("jsonl", "killed.jsonl");
    interrupted(&[&of_node[..], &[&to]].concat(), &at("killed.jsonl"));
    let jsonl = fs::read_to_string(at("whole.jsonl")).expect("text");
    assert!(jsonl.as_bytes() == fs::read(at("killed.jsonl")).expect("a file"));
    assert_sums(&jsonl, &filled);
    // Once more adds nothing; and a home whose node has stopped is read as well.
    network.kill(0);
    let said = exported(&[&of_home[..], &[&target("csv", "killed")]].concat());
    assert_eq!(said["added"]["blocks"], 0);
    assert!(files(&at("whole")) == files(&at("killed")), "bytes differ");
    export(&[&of_home[2..], &[&target("csv", "x"), "--follow"]].concat())
        .assert_refused(2, &["no node runs", "leave --follow away"]);
}

fn assert_ends_when_asked(arguments: &[&str], grows: &Path) {
    let mut command = lockstep(&[&["export"], arguments].concat());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = Guarded(command.spawn().expect("it starts"));
    let len = || fs::metadata(grows).map_or(0, |is| is.len());
    eventually("it writes", || (len() > 200).then_some(()));
    child.signal("-INT");
    let mut said = String::new();
    let stderr = child.0.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait("it ends").code(), Some(1), "{said}");
    assert!(said.contains("the same command goes on there"), "{said}");
}

/// The sums that whoever sent the transactions knows.
fn assert_sums(jsonl: &str, filled: &filled::Filled) {
    let sum = |table: &str, column: &str| -> u64 {
        let blocks = jsonl.lines().skip(1);
        let blocks = blocks.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        blocks
            .flat_map(|block| block[table].as_array().cloned().expect("a list"))
            .filter_map(|row| row[column].as_str().map(str::parse::<u64>))
            .map(|number| number.expect("a number"))
            .sum()
    };
    assert_eq!(sum("transactions", "amount"), filled.amounts);
    assert_eq!(sum("receipts", "fee"), filled.fees);
    assert_eq!(
        jsonl.matches("\"status\":\"success\"").count() as u64,
        filled.transactions
    );
}

struct World {
    devnet: Devnet,
    url: String,
    alice: FundedAccount,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let builder = Devnet::builder().validators(1).scheme(SchemeId::MlDsa65);
        let devnet = builder.manual(true).boot().expect("it boots");
        let people = funded_accounts(SchemeId::MlDsa65).expect("accounts");
        World {
            url: devnet.urls()[0].clone(),
            alice: people.into_iter().next().expect("alice"),
            devnet,
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    fn act(&self, nonce: u64, action: Action) {
        let acted = self.alice.act(&self.devnet.sign_context(), nonce, action);
        let acted = acted.expect("it signs");
        let wire = Wire::new(self.devnet.genesis().hash());
        let taken = post(&self.url, "/transactions", &wire.encode_transaction(&acted));
        assert_eq!(taken.status, 202, "{}", taken.text());
        held_by_all(&self.devnet, acted.id());
        self.tick(1);
    }

    fn tick(&self, blocks: usize) {
        (0..blocks).for_each(|_| drop(self.devnet.tick().expect("a block")));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn to(&self, kind: &str, name: &str) -> String {
        format!("{kind}:{}", text(&self.path(name)))
    }
}

fn awkward() -> Vec<Action> {
    let to = lockstep_protocol::types::Address([9; 20]);
    let memo = |memo: &str| Action::Transfer {
        to,
        amount: 1,
        memo: memo.into(),
    };
    let put = |key: &[u8], value: &[u8]| Action::Put {
        key: key.to_vec(),
        value: value.to_vec(),
    };
    vec![
        memo(""),
        memo("a\0b"),
        memo("one,\"two\"\nthree"),
        memo("=1+2 \u{1b}[2J"),
        memo("中文 \\. \\N"),
        put(b"\0\xff", b""),
        put(&[0xc3], &[0, 1, 2, 0xff]),
        Action::Delete {
            key: b"\0\xff".to_vec(),
        },
    ]
}

#[test]
fn bytes_that_are_no_text_stand_in_files_as_bytes_and_each_row_is_one_line() {
    let world = World::new();
    (0..)
        .zip(awkward())
        .for_each(|(nonce, action)| world.act(nonce, action));
    let to = world.to("csv", "all");
    exported(&["--to", &to, "--rpc", &world.url]);
    let text = fs::read_to_string(world.path("all/transactions.csv")).expect("text");
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 1 + awkward().len(), "{text}");
    for (row, end) in rows[1..].iter().zip([
        ",1,\"\",0x,,,",
        ",1,,0x610062,,,",
        ",1,,0x6f6e652c2274776f220a7468726565,,,",
        ",1,,0x3d312b32201b5b324a,,,",
        ",1,\"中文 \\. \\N\",0xe4b8ade69687205c2e205c4e,,,",
        ",put,,,,,0x00ff,0x,",
        ",put,,,,,0xc3,0x000102ff,",
        ",delete,,,,,0x00ff,,",
    ]) {
        assert!(row.ends_with(end), "{row} {end}");
    }
}

#[test]
fn a_part_of_a_chain_is_exported_and_no_block_may_be_missing_between() {
    let world = World::new();
    world.tick(6);
    let to = world.to("jsonl", "part");
    let url = &world.url;
    let heights = || -> Vec<u64> {
        let text = fs::read_to_string(world.path("part")).expect("text");
        let lines = text.lines().skip(1);
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines
            .map(|line| line["block"]["height"].as_u64().expect("a height"))
            .collect()
    };
    let ask = |more: &[&str]| export(&[&["--to", &to, "--rpc", url], more].concat());
    ask(&["--from", "2", "--until", "3"]).ok();
    assert_eq!(heights(), [2, 3]);
    ask(&["--from", "1"]).assert_refused(2, &["begins with block 2", "another target"]);
    ask(&["--from", "5"]).assert_refused(2, &["goes on with block 4", "leave --from away"]);
    ask(&["--until", "9"]).assert_refused(1, &["block 9 is not committed yet", "6"]);
    ask(&["--from", "3"]).ok();
    assert_eq!(heights(), [2, 3, 4, 5, 6]);
    ask(&["--until", "2"]).ok();
    assert_eq!(heights(), [2, 3, 4, 5, 6]);
    let new = world.to("jsonl", "new");
    export(&["--to", &new, "--rpc", url, "--from", "7"])
        .assert_refused(1, &["block 7 is not committed yet", "--from"]);
    assert!(
        !fs::exists(world.path("new")).expect("a path")
            || fs::read(world.path("new")).expect("a file").is_empty()
    );
}

#[test]
fn what_a_node_does_not_keep_any_more_is_said_with_the_next_step() {
    let settings = [
        "block_interval_ms=20",
        "durability=process",
        "retain_blocks=256",
    ];
    let mut network = Network::running(1, &settings);
    network.wait_for(&[0], 20);
    let dir = network.dir.path().to_owned();
    let to = |name: &str| format!("csv:{}", text(&dir.join(name)));
    let (url, home) = (network.urls[0].clone(), network.home(0));
    exported(&["--to", &to("early"), "--rpc", &url, "--until", "20"]);
    network.wait_for(&[0], 400);
    export(&["--to", &to("new"), "--rpc", &url]).assert_refused(
        2,
        &[
            "does not keep block 1",
            "its first is",
            "begin later with --from",
        ],
    );
    network.kill(0);
    let ask = |more: &[&str]| export(&[&["--home", text(&home)], more].concat());
    ask(&["--to", &to("new")]).assert_refused(2, &["does not keep block 1", "--from"]);
    ask(&["--to", &to("early")]).assert_refused(
        2,
        &["does not keep block 21", "name a source that keeps it"],
    );
    ask(&["--to", &to("late"), "--from", "390"]).ok();
}

#[test]
fn new_blocks_are_followed_until_somebody_ends_it() {
    let world = World::new();
    world.tick(2);
    let to = world.to("csv", "all");
    let arguments = ["export", "--to", &to, "--rpc", &world.url, "--follow"];
    let mut child = Guarded(lockstep(&arguments).spawn().expect("it starts"));
    let lines = || {
        let text = fs::read_to_string(world.path("all/blocks.csv")).unwrap_or_default();
        text.lines().count()
    };
    eventually("two blocks are there", || (lines() == 3).then_some(()));
    export(&arguments[1..5]).assert_refused(1, &["another export writes"]);
    world.tick(3);
    eventually("three more are there", || (lines() == 6).then_some(()));
    child.signal("-INT");
    assert_eq!(child.wait("it ends").code(), Some(0));
    assert_eq!(exported(&arguments[1..5])["added"]["blocks"], 0);
}

/// A node that is away is waited for: what it makes after its restart comes behind what is there.
#[test]
fn a_node_that_restarts_is_followed_on() {
    let world = World::new();
    world.tick(2);
    let to = world.to("jsonl", "all.jsonl");
    let arguments = ["export", "--to", &to, "--rpc", &world.url, "--follow"];
    let mut child = Guarded(lockstep(&arguments).spawn().expect("it starts"));
    // The first line says of which chain.
    let blocks = || {
        let text = fs::read_to_string(world.path("all.jsonl")).unwrap_or_default();
        text.lines().count().saturating_sub(1)
    };
    eventually("two blocks are there", || (blocks() == 2).then_some(()));
    world.devnet.kill(0);
    // It has asked in vain more than once by then.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(child.0.try_wait().expect("a child of ours").is_none());
    world.devnet.restart(0).expect("it starts");
    world.tick(3);
    eventually("three more are there", || (blocks() == 5).then_some(()));
    child.signal("-INT");
    assert_eq!(child.wait("it ends").code(), Some(0));
    assert_eq!(exported(&arguments[1..5])["added"]["blocks"], 0);
}

/// It went on in silence beside a file in which no block comes any more.
#[test]
fn a_home_whose_database_is_replaced_is_not_followed_on() {
    let mut network = Network::running(1, &["block_interval_ms=20", "durability=process"]);
    network.wait_for(&[0], 5);
    let (home, dir) = (network.home(0), network.dir.path().to_owned());
    let to = format!("jsonl:{}", text(&dir.join("all.jsonl")));
    let source = ["--to", &to, "--home", text(&home)];
    let follow = [&["export"], &source[..], &["--follow"]].concat();
    let mut following = lockstep(&follow);
    let following = following.stderr(Stdio::piped()).spawn();
    let mut following = Guarded(following.expect("it starts"));
    let len = || fs::metadata(dir.join("all.jsonl")).map_or(0, |is| is.len());
    eventually("it writes", || (len() > 0).then_some(()));
    network.kill(0);
    fs::rename(home.join("data"), dir.join("old")).expect("this test's own");
    assert_eq!(following.wait("it ends").code(), Some(2));
    let mut said = String::new();
    let mut stderr = following.0.stderr.take().expect("it is read");
    stderr.read_to_string(&mut said).expect("text");
    assert!(said.contains("moved away or replaced"), "{said}");
    assert!(said.contains("run the same command again"), "{said}");
    fs::rename(dir.join("old"), home.join("data")).expect("this test's own");
    exported(&source);
}

/// It said that all was well, and added nothing.
#[test]
fn a_source_that_is_behind_its_target_is_said() {
    let world = World::new();
    world.tick(3);
    let to = world.to("csv", "all");
    exported(&["--to", &to, "--rpc", &world.url]);
    let behind = support::proxy::serve(&world.url, |_, mut answer| {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        answer.body = text.replace("\"height\":3", "\"height\":2").into_bytes();
        answer
    });
    let refused = export(&["--to", &to, "--rpc", &behind]);
    refused.assert_refused(1, &["the source has 2 blocks", "has 3", "wait for it"]);
}

#[test]
fn a_target_takes_the_blocks_of_one_chain_and_of_one_history_only() {
    let world = World::new();
    world.tick(3);
    let to = world.to("csv", "all");
    exported(&["--to", &to, "--rpc", &world.url]);
    let before = files(&world.path("all"));
    let other = Devnet::builder()
        .validators(1)
        .manual(true)
        .scheme(SchemeId::Dilithium3);
    let other = other.boot().expect("it boots");
    export(&["--to", &to, "--rpc", &other.urls()[0]]).assert_refused(
        4,
        &["holds the chain 1337", "is chain 1337", "another target"],
    );
    // A devnet of the same genesis that made its blocks at other times.
    let again = World::new();
    again.tick(4);
    export(&["--to", &to, "--rpc", &again.url]).assert_refused(
        4,
        &["block 3 of the source is not the one", "another source"],
    );
    assert!(before == files(&world.path("all")), "bytes differ");
}

#[test]
fn a_target_that_is_none_is_not_repeated() {
    for to in [
        "hunter2",
        "csv:",
        "mysql://a:hunter2@b/c",
        "postgres://a:hunter2@h:x/b",
    ] {
        let ended = export(&["--to", to]);
        ended.assert_refused(2, &["write", "postgres://USER"]);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
    export(&[]).assert_refused(2, &["where to?", "LOCKSTEP_EXPORT_TO"]);
}
