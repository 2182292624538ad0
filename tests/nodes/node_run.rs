//! A node as its operator meets it: homes are made, processes start, answer and end, and whatever
//! is wrong is said in one line with the next step and an exit code.
use lockstep_protocol::types::Hash;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use support::process::{Ended, Guarded, Network, Ports, finish, lockstep, run, text};
use support::{Connection, eventually, get, try_get};
use tempfile::TempDir;

const ALL: [usize; 4] = [0, 1, 2, 3];
/// Tests need not wait for a second between blocks.
const FAST: &str = "block_interval_ms=50";

/// A new home with one validator, on ports of its own.
fn home() -> ((TempDir, Ports), PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    run(&["init", "--home", text(&home)]).ok();
    let file = home.join("lockstep.toml");
    let ports = Ports::claim();
    let base = ports.base;
    let settings = fs::read_to_string(&file).expect("it is there");
    let settings = settings
        .replace("\"0.0.0.0:9545\"", &format!("\"127.0.0.1:{base}\""))
        .replace(
            "= \"127.0.0.1:8545\"",
            &format!("= \"127.0.0.1:{}\"", base + 1),
        );
    fs::write(&file, settings).expect("it is written");
    ((dir, ports), home)
}

/// Starts a node that ends by itself.
fn start(home: &Path, more: &[&str]) -> Ended {
    run(&[&["start", "--json", "--home", text(home)], more].concat())
}

/// Changes a file of a home.
fn edit(home: &Path, name: &str, from: &str, to: &str) {
    let path = home.join(name);
    let before = fs::read_to_string(&path).expect("it is there");
    assert!(before.contains(from), "{from} in {before}");
    fs::write(path, before.replacen(from, to, 1)).expect("it is written");
}

/// The HTTP library wrote an error for each of them: megabytes a second, from two clients.
#[test]
fn mistakes_of_strangers_write_nothing_into_the_log() {
    let mut network = Network::running(1, &[FAST]);
    network.wait_for(&[0], 1);
    let before = network.node(0).log_text();
    let url = network.urls[0].clone();
    let mistakes: [&[u8]; 4] = [
        b"no request at all\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf",
    ];
    for mistake in mistakes.into_iter().cycle().take(100) {
        let mut stranger = Connection::open(&url);
        stranger.send(mistake);
    }
    assert_eq!(get(&url, "/livez").status, 200, "they have been heard");
    let after = network.node(0).log_text();
    let written = after.strip_prefix(&before).expect("the log goes on");
    assert!(!written.contains("actix_http"), "{written}");
}

#[test]
fn four_processes_make_one_chain_and_end_cleanly_at_a_signal() {
    let mut network = Network::running(4, &[FAST]);
    for index in ALL {
        let url = network.urls[index].clone();
        let address = network.addresses[index];
        let ready = network.node(index).ready();
        assert_eq!(ready["rpc"], url);
        assert_eq!(ready["validator"], address.to_string());
        assert_eq!(ready["height"], 0);
        assert_eq!(ready["scheme"], "ml-dsa-65");
        assert_eq!(ready["durability"], "power");
    }
    network.wait_for(&ALL, 5);
    assert!(network.assert_same_chain(&ALL) >= 5);
    // What people ask has no way to the peers' listener, and the other way round.
    let peers: Value = get(&network.urls[0], "/status").json()["peers"].clone();
    let peer_url = peers[0]["url"].as_str().expect("a url").to_owned();
    assert_eq!(
        try_get(&peer_url, "/handshake").expect("it answers").status,
        200
    );

    for (index, signal) in ALL.into_iter().zip(["-TERM", "-INT", "-QUIT", "-INT"]) {
        let node = network.node(index);
        node.child.signal(signal);
        let status = node.child.wait("it ends");
        assert_eq!(status.code(), Some(0), "{signal}: {}", node.log_text());
        for word in ["panicked", "ERROR"] {
            assert!(!node.log_text().contains(word), "{}", node.log_text());
        }
    }
    // They go on where they were.
    (0..4).for_each(|index| network.start(index));
    network.wait_for(&ALL, 7);
    network.assert_same_chain(&ALL);
}

#[test]
fn a_validator_of_its_own_goes_on_where_it_stopped() {
    let (_dir, home) = home();
    let run_to = |height: u64| {
        let mut command = lockstep(&["start", "--json", "--home", text(&home), "--set", FAST]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Guarded(command.spawn().expect("it starts"));
        let status = eventually("it makes blocks", || {
            let ended = run(&["status", "--json", "--home", text(&home)]);
            let status: Value = serde_json::from_str(&ended.stdout).ok()?;
            (status["height"].as_u64() >= Some(height)).then_some(status)
        });
        assert_eq!(status["ready"], true);
        assert_eq!(status["not_ready_because"], serde_json::json!([]));
        child.signal("-TERM");
        assert_eq!(child.wait("it ends").code(), Some(0));
        status["height"].as_u64().expect("a height")
    };
    let first = run_to(3);
    assert!(run_to(first + 2) >= first + 2);
}

/// A stdout that takes nothing holds the node up, so that only the second signal can end it.
#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_a_node_at_once() {
    let (_dir, home) = home();
    // Nobody reads the line that says that it is ready, and there is no room for it.
    let (_reader, mut full) = std::io::pipe().expect("a pipe");
    let stdout = full.try_clone().expect("a pipe");
    std::thread::spawn(move || full.write_all(&[b' '; 1 << 20]));
    let mut command = lockstep(&["start", "--json", "--home", text(&home)]);
    command.stdout(stdout).stderr(Stdio::null());
    let mut child = Guarded(command.spawn().expect("it starts"));
    let status = format!("/proc/{}/status", child.0.id());
    eventually("it hears signals", || {
        let status = fs::read_to_string(&status).expect("procfs");
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))?;
        let caught = u64::from_str_radix(caught.trim(), 16).expect("a mask");
        // SIGINT and SIGTERM.
        (caught & 0x4002 == 0x4002).then_some(())
    });
    child.signal("-TERM");
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.0.try_wait().expect("a child of ours").is_none());
    child.signal("-TERM");
    assert_eq!(child.wait("it ends").code(), Some(130));
}

#[test]
fn the_status_of_a_node_is_for_people_or_for_programs() {
    let mut network = Network::running(4, &[FAST]);
    network.wait_for(&ALL, 2);
    let url = network.urls[1].clone();
    let said = run(&["status", "--rpc", &url]).ok().stdout;
    let address = network.addresses[1].to_string();
    for word in [
        &*url,
        &address,
        "chain id      1",
        "ml-dsa-65",
        "ready         yes",
        "height ",
    ] {
        assert!(said.contains(word), "{word} in {said}");
    }
    let peers = said.lines().filter(|line| line.starts_with("  peer 0x"));
    assert_eq!(peers.count(), 3, "{said}");
    let home = network.home(1);
    let json = run(&["status", "--home", text(&home), "--json"])
        .ok()
        .stdout;
    let status: Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!(status["validator"], address);
    assert_eq!(status["ready"], true);

    // Without two of four it says who is missing.
    network.kill(2);
    network.kill(3);
    let missing = network.addresses[3].to_string();
    eventually("it notices", || {
        let said = run(&["status", "--rpc", &url]).ok().stdout;
        let notices = [
            "ready         no",
            "quorum: 2 of 4",
            "unreachable",
            &missing,
        ];
        notices.iter().all(|word| said.contains(word)).then_some(())
    });
    network.kill(1);
    let next = "is the node running";
    run(&["status", "--rpc", &url]).assert_refused(1, &[&url, next]);
    run(&["status", "--home", text(&home)]).assert_refused(1, &[&url, next]);
    // A flag counts before the environment, and a URL before a home.
    let asks = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = lockstep(&[&["status"], arguments].concat());
        command.envs(variables.iter().copied());
        finish(command)
    };
    let (rpc, at_home) = (
        ("LOCKSTEP_RPC", "http://127.0.0.1:1"),
        ("LOCKSTEP_HOME", text(&home)),
    );
    asks(&[], &[rpc]).assert_refused(1, &["http://127.0.0.1:1:", next]);
    asks(&[], &[rpc, at_home]).assert_refused(1, &["http://127.0.0.1:1:", next]);
    asks(&[], &[at_home]).assert_refused(1, &[&url, next]);
    asks(&["--home", text(&home)], &[rpc]).assert_refused(1, &[&url, next]);
    asks(&["--rpc", &url], &[rpc, at_home]).assert_refused(1, &[&url, next]);
    // Whoever listens there on this machine.
    let nameless = asks(&[], &[]);
    let said = nameless.stdout + &nameless.stderr;
    assert!(said.contains("http://127.0.0.1:8545"), "{said}");
    run(&["status", "--rpc", "http://127.0.0.1:1"]).assert_refused(1, &[next]);
}

/// "No answer" was said of it, with the exit code of what may be tried again, and its password.
#[test]
fn a_url_that_nobody_can_answer_is_a_mistake_that_is_not_repeated() {
    for (wrong, why) in [
        ("https://node", "ssh -L"),
        ("http://user:hunter2@node:1", "password"),
        ("http://node:1?token=hunter2", "no ?"),
        ("10.0.1:8545", "four numbers"),
        ("http://node:99999", "65535"),
    ] {
        let refused = run(&["status", "--rpc", wrong]);
        refused.assert_refused(2, &["--rpc", why, "write http://host:port"]);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
        let mut command = lockstep(&["account", "alice"]);
        command.env("LOCKSTEP_RPC", wrong);
        finish(command).assert_refused(2, &["LOCKSTEP_RPC", why]);
    }
}

#[test]
fn a_home_that_is_there_is_never_overwritten() {
    let (_dir, home) = home();
    let before = fs::read(home.join("validator.key")).expect("it is there");
    let words = [text(&home), "not empty", "name another directory"];
    run(&["init", "--home", text(&home)]).assert_refused(2, &words);
    run(&["testnet", "--output", text(&home)]).assert_refused(2, &words);
    assert_eq!(fs::read(home.join("validator.key")).expect("there"), before);
    let file = home.join("lockstep.toml");
    run(&["init", "--home", text(&file)]).assert_refused(2, &["lockstep.toml", "name a directory"]);
    // An empty directory is nothing.
    let empty = tempfile::tempdir().expect("a directory");
    run(&["init", "--home", text(empty.path())]).ok();
}

#[test]
fn settings_have_an_order_and_the_origin_of_each_is_shown() {
    let (_dir, home) = home();
    edit(&home, "lockstep.toml", "log = \"info\"", "log = \"warn\"");
    edit(&home, "lockstep.toml", "durability = \"power\"", "");
    let mut command = lockstep(&["start", "--home", text(&home), "--print-config"]);
    command.args(["--set", "timeout_cap_ms=7000", "--peer-listen", "[::1]:9"]);
    command
        .env("LOCKSTEP_BLOCK_INTERVAL_MS", "5")
        .env("LOCKSTEP_PEER_LISTEN", "[::1]:8");
    let shown = finish(command).ok().stdout;
    for (name, value, origin) in [
        ("peer_listen", "[::1]:9", "flag --peer-listen"),
        ("timeout_cap_ms", "7000", "flag --set"),
        (
            "block_interval_ms",
            "5",
            "environment LOCKSTEP_BLOCK_INTERVAL_MS",
        ),
        ("log", "warn", "file "),
        ("durability", "power", "default"),
    ] {
        let line = shown
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{name} in {shown}"));
        let mut words = line.split_whitespace().skip(1);
        assert_eq!(words.next(), Some(value), "{line}");
        assert!(
            words.collect::<Vec<_>>().join(" ").starts_with(origin),
            "{line}"
        );
    }
    // The home may stand in the environment as well, beside what a cluster says of its services.
    let mut command = lockstep(&["start", "--print-config"]);
    command.env("LOCKSTEP_HOME", &home).env("LOCKSTEP_LOG", "");
    command.env("LOCKSTEP_SERVICE_HOST", "10.0.0.1");
    command.env("LOCKSTEP_PORT", "tcp://10.0.0.1:8545");
    assert!(finish(command).ok().stdout.contains(text(&home)));
}

#[test]
fn a_wrong_setting_is_named_with_the_next_step() {
    let (_dir, home) = home();
    start(&home, &["--set", "rcp_listen=x"]).assert_refused(
        2,
        &[
            "\"rcp_listen\"",
            "flag --set",
            "did you mean \"rpc_listen\"",
        ],
    );
    start(&home, &["--set", "timeout_propose_ms=soon"])
        .assert_refused(2, &["timeout_propose_ms", "1 to 3600000"]);
    start(&home, &["--log", "a=b=c"]).assert_refused(2, &["try \"info\""]);
    start(&home, &["--peer-listen", "nowhere"])
        .assert_refused(2, &["peer_listen", "--peer-listen", "write 0.0.0.0:9545"]);
    let mut command = lockstep(&["start", "--home", text(&home)]);
    command.env("LOCKSTEP_LOGG", "info");
    finish(command).assert_refused(2, &["LOCKSTEP_LOGG", "did you mean LOCKSTEP_LOG?", "unset"]);
    run(&["start"]).assert_refused(2, &["--home DIR", "lockstep init"]);
    let peer = format!("0x{}@user:hunter2@host:1", "07".repeat(20));
    let genesis = home.join("genesis.json");
    let joins = ["init", "--home", "nowhere", "--genesis", text(&genesis)];
    let refused = run(&[&joins[..], &["--peer", &peer]].concat());
    refused.assert_refused(2, &["--peer", "password", "write 0x…@host:port"]);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);

    edit(
        &home,
        "lockstep.toml",
        "timeout_prevote_ms",
        "timeout_prevotes_ms",
    );
    let words = [
        "timeout_prevotes_ms",
        "lockstep.toml",
        "did you mean \"timeout_prevote_ms\"",
    ];
    start(&home, &[]).assert_refused(2, &words);
    edit(
        &home,
        "lockstep.toml",
        "timeout_prevotes_ms = 500",
        "[peers",
    );
    start(&home, &[]).assert_refused(2, &["lockstep.toml", "line ", "correct the file"]);
    fs::remove_file(home.join("lockstep.toml")).expect("it was there");
    start(&home, &[]).assert_refused(2, &["lockstep.toml", "bring lockstep.toml back"]);
}

#[cfg(unix)]
#[test]
fn a_key_that_is_missing_loose_or_of_another_scheme_is_a_matter_of_configuration() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, home) = home();
    let key = home.join("validator.key");
    let chmod = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(&key, permissions).expect("chmod");
    };
    for mode in [0o644, 0o660, 0o604, 0o622] {
        chmod(mode);
        start(&home, &[])
            .assert_refused(2, &["validator.key", &format!("{mode:04o}"), "chmod 600"]);
    }
    chmod(0o600);
    edit(&home, "validator.key", "ml-dsa-65", "dilithium3");
    start(&home, &[]).assert_refused(2, &["validator.key", "use a key made for ml-dsa-65"]);
    fs::write(&key, "{}").expect("it is written");
    start(&home, &[]).assert_refused(2, &["validator.key", "bring the key back"]);
    fs::remove_file(&key).expect("it was there");
    start(&home, &[]).assert_refused(2, &["validator.key", "bring the key back"]);
}

#[test]
fn an_occupied_port_may_be_retried() {
    let (_dir, home) = home();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for (flag, setting) in [
        ("--rpc-listen", "rpc_listen"),
        ("--peer-listen", "peer_listen"),
    ] {
        let another = format!("choose another {setting}");
        start(&home, &[flag, &address]).assert_refused(1, &[&address, &another]);
    }
    let words = ["no.such.host.invalid", "check its name"];
    start(&home, &["--rpc-listen", "no.such.host.invalid:1"]).assert_refused(1, &words);
}

#[test]
fn a_home_or_a_key_in_use_is_a_safety_stop() {
    let mut network = Network::running(1, &[FAST]);
    network.node(0).ready();
    let home = network.home(0);
    let elsewhere = [
        "--rpc-listen",
        "127.0.0.1:0",
        "--peer-listen",
        "127.0.0.1:0",
    ];
    start(&home, &elsewhere).assert_refused(4, &["validator.key", "in use", "stop that node"]);
    // The same key under another name does not make the data free.
    let copy = home.join("copy.key");
    fs::copy(home.join("validator.key"), &copy).expect("a copy");
    let with_copy = [&elsewhere[..], &["--set", "key=copy.key"]].concat();
    start(&home, &with_copy).assert_refused(4, &["data", "in use", "stop it"]);
    let url = network.urls[0].clone();
    assert_eq!(get(&url, "/livez").status, 200, "the first one goes on");
}

#[test]
fn what_belongs_to_another_chain_is_a_safety_stop() {
    let mut network = Network::running(4, &[FAST]);
    network.wait_for(&ALL, 1);
    network.kill(0);
    let home = network.home(0);
    // The same validators under another number.
    edit(
        &home,
        "genesis.json",
        "\"chain_id\": 1,",
        "\"chain_id\": 2,",
    );
    start(&home, &[]).assert_refused(
        4,
        &["belongs to the chain", "choose another data directory"],
    );
    edit(
        &home,
        "genesis.json",
        "\"chain_id\": 2,",
        "\"chain_id\": 1,",
    );
    // Somebody else's data.
    network.kill(1);
    let data = format!("data={}", network.home(1).join("data").display());
    start(&home, &["--set", &data]).assert_refused(4, &["belongs to validator", "the other key"]);
    // Somebody else's genesis.
    let (_dir, stranger) = self::home();
    fs::copy(stranger.join("genesis.json"), home.join("genesis.json")).expect("a copy");
    start(&home, &[]).assert_refused(4, &["no validator of the genesis", "check key and genesis"]);
    // A validator that does not stand in it is no peer either.
    let stranger_key = fs::read_to_string(stranger.join("validator.key")).expect("there");
    let address = stranger_key.split('"').nth(7).expect("an address");
    let peers = format!("peers={address}@127.0.0.1:1");
    start(&network.home(1), &["--set", &peers]).assert_refused(2, &[address, "correct peers"]);
}

#[test]
fn a_genesis_that_is_missing_or_broken_is_a_matter_of_configuration() {
    let (_dir, home) = home();
    edit(&home, "genesis.json", "\"power\": 1", "\"power\": \"much\"");
    start(&home, &[]).assert_refused(2, &["genesis.json", "copy it from another node"]);
    fs::remove_file(home.join("genesis.json")).expect("it was there");
    start(&home, &[]).assert_refused(2, &["genesis.json", "copy it from another node"]);
}

#[test]
fn corrupt_data_has_an_exit_code_of_its_own() {
    let mut network = Network::running(1, &[FAST]);
    network.wait_for(&[0], 2);
    network.kill(0);
    let file = network.home(0).join("data/data.mdb");
    let mut bytes = fs::read(&file).expect("it is there");
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
    fs::write(&file, bytes).expect("it is written");
    start(&network.home(0), &[]).assert_refused(3, &["data", "corrupt", "restore it"]);
}

#[test]
fn a_data_directory_from_a_backup_observes_until_it_is_re_armed() {
    let mut network = Network::running(4, &[FAST]);
    network.wait_for(&ALL, 3);
    network.kill(0);
    let data = network.home(0).join("data");
    let backup = network.dir.path().join("backup");
    copy_all(&data, &backup);
    network.start(0);
    let goal = network.highest(&ALL) + 5;
    network.wait_for(&ALL, goal);
    network.kill(0);
    fs::remove_dir_all(&data).expect("it was there");
    copy_all(&backup, &data);

    network.start(0);
    network.wait_for(&ALL, goal + 4);
    let url = network.urls[0].clone();
    let observing = || get(&url, "/status").json()["observing"].clone();
    let reason = observing();
    let reason = reason.as_str().expect("it observes");
    assert!(
        reason.contains("stop it, run lockstep arm, and start it"),
        "{reason}"
    );
    let said = run(&["status", "--rpc", &url]).ok().stdout;
    assert!(
        said.contains("ready         no") && said.contains("lockstep arm"),
        "{said}"
    );

    network.kill(0);
    network.arm(0);
    network.start(0);
    eventually("it signs", || {
        let answer = try_get(&url, "/status").ok()?;
        answer.json()["observing"].is_null().then_some(())
    });
    network.kill(0);
    // Once is enough.
    network.start(0);
    network.node(0).ready();
    assert!(observing().is_null(), "{}", observing());
    let goal = network.highest(&ALL) + 4;
    network.wait_for(&ALL, goal);
    network.assert_same_chain(&ALL);
}

/// The files of a directory that has no others in it.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// Changes one byte of a block, which it alone holds: ids are keys of other tables, too.
fn rot(home: &Path, last_commit_hash: &str) {
    let Hash(id) = last_commit_hash.parse().expect("a hash");
    let path = home.join("data/data.mdb");
    let bytes = fs::read(&path).expect("it is there");
    let places = (0..bytes.len() - 32).filter(|at| bytes[*at..at + 32] == id);
    let file = fs::File::options().write(true).open(&path).expect("a file");
    let harmed = places.map(|at| file.write_at(&[!id[0]], at as u64).expect("a byte"));
    assert!(harmed.sum::<usize>() > 0, "the block is in the file");
}

fn last_commit_hash(url: &str, height: u64) -> String {
    let block = get(url, &format!("/blocks/{height}")).json();
    let hash = block["header"]["last_commit_hash"].as_str();
    hash.expect("a hash").to_owned()
}

#[test]
fn a_stopped_node_is_verified_and_rot_is_found_at_its_height() {
    let mut network = Network::running(1, &[FAST]);
    network.wait_for(&[0], 6);
    let hash = last_commit_hash(&network.urls[0], 4);
    let home = network.home(0);
    let home = text(&home);
    run(&["verify", "--home", home]).assert_refused(4, &["in use", "stop it"]);
    network.kill(0);
    let said = run(&["verify", "--home", home]).ok().stdout;
    assert!(
        said.contains("without a fault") && said.contains("certificates"),
        "{said}"
    );
    let json = run(&["verify", "--home", home, "--json"]).ok().stdout;
    let report: Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!(report["ok"], true);
    assert!(report["height"].as_u64() >= Some(6), "{report}");
    assert_eq!(report["certificates"], report["height"]);
    assert_eq!(report["validator"], network.addresses[0].to_string());

    rot(&network.home(0), &hash);
    let words = ["data.mdb", "corrupt at height 4", "restore it"];
    run(&["verify", "--home", home]).assert_refused(3, &words);
    let ended = run(&["verify", "--home", home, "--json"]);
    let report: Value = serde_json::from_str(&ended.stdout).expect("one JSON object");
    assert_eq!(
        (ended.code, &report["height"], &report["ok"]),
        (Some(3), &4.into(), &false.into())
    );
    let nowhere = network.home(0).join("data");
    fs::remove_dir_all(nowhere).expect("it was there");
    run(&["verify", "--home", home])
        .assert_refused(2, &["data", "name the home of a node that has run"]);
}

/// One byte of a block, in the file under a running node.
#[test]
fn a_node_that_meets_rot_while_it_runs_ends_with_the_exit_code_of_corrupt_data() {
    let mut network = Network::running(1, &[FAST]);
    network.wait_for(&[0], 4);
    let hash = last_commit_hash(&network.urls[0], 2);
    // It stands still meanwhile: a page that it reuses between reading and writing is another one.
    network.node(0).child.signal("-STOP");
    rot(&network.home(0), &hash);
    network.node(0).child.signal("-CONT");

    let url = network.urls[0].clone();
    let status = eventually("it ends", || {
        // Whoever reads the block finds it; no answer comes from it.
        let answer = try_get(&url, "/blocks/2");
        assert!(answer.is_err() || answer.is_ok_and(|a| a.status != 200));
        network.node(0).child.0.try_wait().expect("a child of ours")
    });
    let log = network.node(0).log_text();
    assert_eq!(status.code(), Some(3), "{log}");
    let last = log.lines().last().expect("a line");
    for word in ["lockstep: ", "data.mdb", "corrupt", "height", "restore it"] {
        assert!(last.contains(word), "{word} in {last}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_one_helpful_text() {
    for (arguments, help) in [
        ("init", "--home <DIR>"),
        ("init --home x --scheme rsa", "dilithium3, ml-dsa-65"),
        ("init --home x --account 5", "0x…=1000"),
        ("testnet", "--output <DIR>"),
        ("testnet --output x --validators 129", "1 to 128 validators"),
        ("testnet --output x --base-port 65530", "choose a lower one"),
        ("testnet --output x --base-port 0", "1..=65535"),
        ("start --set x", "NAME=VALUE"),
        ("start --durability none", "process, power"),
        ("status --rpc x --home y", "cannot be used with"),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let ended = run(&words);
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(help), "{arguments}: {}", ended.stderr);
        assert!(!Path::new("x").exists(), "{arguments}");
    }
}

/// A service is told by SIGHUP that its settings have changed; it ended there, uncleanly.
#[test]
fn a_hang_up_reads_the_settings_again_and_says_what_needs_a_restart() {
    let (_dir, home) = home();
    let log = home.join("log");
    let file = fs::File::create(&log).expect("a file");
    let mut command = lockstep(&["start", "--json", "--home", text(&home), "--set", FAST]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    let mut child = Guarded(command.spawn().expect("it starts"));
    let lines = || fs::read_to_string(&log).expect("its log");
    eventually("it runs", || {
        lines().contains("goes on from height").then_some(())
    });
    let settings = home.join("lockstep.toml");
    let before = fs::read_to_string(&settings).expect("its settings");
    let says = |words: &str| eventually(words, || lines().contains(words).then_some(()));

    let after = before
        .replace("\nlog = \"info\"", "\nlog = \"debug\"")
        .replace("\nretain_blocks = 1209600", "\nretain_blocks = 5000");
    fs::write(&settings, after).expect("written");
    child.signal("-HUP");
    says(
        "the log's filter is \"debug\"; restart the node for what else has changed: retain_blocks",
    );
    says("committed height");

    fs::write(&settings, "log = \n").expect("written");
    child.signal("-HUP");
    says("SIGHUP: nothing was changed: ");
    child.signal("-TERM");
    assert_eq!(child.wait("it ends").code(), Some(0));
    assert!(!lines().contains("panicked"), "{}", lines());
}

/// It said "caught up: ok" before the first word of a peer, and who waited for that began too early.
#[test]
fn a_node_that_has_heard_nobody_does_not_say_that_it_has_caught_up() {
    let mut network = Network::new(4, &["log=info", "durability=process", FAST]);
    network.start(0);
    let url = network.urls[0].clone();
    let said = eventually("it answers", || {
        let answer = try_get(&url, "/readyz?verbose").ok()?;
        Some(answer.text().to_owned())
    });
    assert!(said.contains("[-] caught up: not known"), "{said}");
    (1..4).for_each(|node| network.start(node));
    eventually("it has heard the others", || {
        let said = get(&url, "/readyz?verbose").text().to_owned();
        said.contains("[+] caught up: ok").then_some(())
    });
}
