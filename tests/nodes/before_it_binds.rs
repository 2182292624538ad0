//! What is told in one line before anything is opened: too few descriptors, too little address space,
//! a home that no node could begin; and where a new home listens.
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::process::{Ended, Network, Ports, binary, finish, hear_nothing, lockstep, run, text};

const FAST: &str = "block_interval_ms=50";
/// A refusal waits for nothing; a machine that does other things as well may.
const AT_ONCE: Duration = Duration::from_secs(10);

/// The command, under this limit.
fn limited(limit: &str, command: &Command) -> Command {
    let mut shell = Command::new("bash");
    let script = format!("{limit} && exec \"$0\" \"$@\"");
    shell.args(["-c", &script]).arg(binary());
    shell.args(command.get_args()).stdin(Stdio::null());
    hear_nothing(&mut shell);
    shell
}

fn run_limited(limit: &str, arguments: &[&str]) -> Ended {
    finish(limited(limit, &lockstep(arguments)))
}

/// A backtrace, and a node that began and died.
#[test]
fn too_few_descriptors_are_told_in_one_line_and_nothing_is_opened() {
    let network = Network::new(4, &[FAST]);
    let words = [
        "needs 71 open files",
        "may have 24",
        "ulimit -n 71",
        "LimitNOFILE=71",
    ];
    for limit in ["ulimit -n 24", "ulimit -n 8"] {
        let refused = finish(limited(limit, &network.command(0)));
        let granted = limit.replace("ulimit -n", "may have");
        refused.assert_refused(2, &[words[0], &granted, words[2], words[3]]);
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    }
    assert!(!network.home(0).join("data").exists());
    for arguments in [
        &["devnet"][..],
        &["bench", "soak", "--minutes", "1"],
        &["bench", "consensus", "--validators", "4"],
    ] {
        let refused = run_limited("ulimit -n 24", arguments);
        let words = [
            "a devnet of 4 nodes needs 164",
            "may have 24",
            "ulimit -n 164",
        ];
        refused.assert_refused(2, &words);
    }
}

/// It waited for 30 s, and then said `Some(1)` a hundred times.
#[test]
fn a_devnet_of_a_hundred_is_refused_at_once_where_it_does_not_fit() {
    let began = Instant::now();
    let arguments = ["devnet", "--validators", "100", "--blocks", "1"];
    let refused = run_limited("ulimit -n 1024", &arguments);
    refused.assert_refused(
        2,
        &["100 nodes needs 41540", "may have 1024", "ulimit -n 41540"],
    );
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    assert!(began.elapsed() < AT_ONCE);
}

/// How many files the process with this id may open at the moment.
fn may_open(pid: u32) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("procfs");
    let line = limits
        .lines()
        .find_map(|it| it.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.expect("a limit").parse().expect("a number")
}

#[test]
fn the_soft_limit_is_raised_to_what_is_wanted_and_no_further() {
    let mut network = Network::new(1, &[FAST]);
    let command = limited("ulimit -Sn 24; ulimit -Hn 2000", &network.command(0));
    network.start_as(0, command);
    network.wait_for(&[0], 2);
    let pid = network.node(0).child.0.id();
    assert_eq!(may_open(pid), 819);
    network.kill(0);
    let command = limited("ulimit -Sn 1500; ulimit -Hn 2000", &network.command(0));
    network.start_as(0, command);
    network.wait_for(&[0], 4);
    let pid = network.node(0).child.0.id();
    assert_eq!(may_open(pid), 1_500);
}

#[test]
fn between_what_is_needed_and_what_is_wanted_there_is_one_warning() {
    let small = ["devnet", "--blocks", "3", "--block-time", "0"];
    // Of these four nodes each link has two connections, and eight people are served.
    let begun = run_limited("ulimit -n 164", &small).ok();
    let said: Vec<&str> = begun.stderr.lines().collect();
    let [line] = said[..] else {
        panic!("one line, not {said:?}");
    };
    for word in ["up to 3228", "may have 164", "ulimit -n 3228"] {
        assert!(line.contains(word), "{word:?} in {line}");
    }
    let silent = run_limited("ulimit -Sn 64; ulimit -Hn 4000", &small).ok();
    assert_eq!(silent.stderr, "");
}

#[test]
fn too_little_address_space_is_told_with_the_number_and_a_devnet_takes_less() {
    let network = Network::new(1, &[FAST]);
    let refused = finish(limited("ulimit -v 20000000", &network.command(0)));
    let words = [
        "needs 67633152 KiB",
        "may have 20000000",
        "ulimit -v 67633152",
    ];
    refused.assert_refused(2, &words);
    assert!(!network.home(0).join("data").exists());

    let small = ["devnet", "--blocks", "2", "--block-time", "0"];
    let begun = run_limited("ulimit -v 20000000", &small).ok();
    assert_eq!(begun.stderr.lines().count(), 1, "{}", begun.stderr);
    for word in ["no larger than", "MiB", "20000000 KiB"] {
        assert!(begun.stderr.contains(word), "{}", begun.stderr);
    }
    let refused = run_limited("ulimit -v 4000000", &small);
    refused.assert_refused(
        2,
        &["4 nodes needs", "may have 4000000", "ulimit -v", "LimitAS="],
    );
}

/// Balances that overflow made a home, and `start` refused it.
#[test]
fn what_init_and_testnet_make_starts_and_what_they_refuse_leaves_nothing() {
    let one = |owner: u8| format!("0x{}", format!("{owner:02x}").repeat(20));
    let most = format!("{}={}", one(1), u64::MAX);
    let [little, none] = [format!("{}=1", one(2)), format!("{}=0", one(2))];
    let bad: [(&[&str], &[&str]); 5] = [
        (
            &["--account", &most, "--account", &little],
            &["more than 64 bits", "lower"],
        ),
        (&["--account", &little, "--account", &little], &["twice"]),
        (
            &["--peer-port", "7007", "--rpc-port", "7007"],
            &["7007", "one place"],
        ),
        (&["--peer-port", "0"], &["1..=65535"]),
        (
            &["--chain-id", "18446744073709551616"],
            &["number is too large"],
        ),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("new/home");
    for (arguments, words) in bad {
        let refused = run(&[&["init", "--home", text(&home)], arguments].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        for word in words {
            assert!(
                refused.stderr.contains(word),
                "{word:?} in {}",
                refused.stderr
            );
        }
        assert_eq!(refused.stdout, "");
        assert!(!dir.path().join("new").exists(), "{arguments:?}");
    }
    // One account of a testnet is funded without being asked for.
    let refused = run(&["testnet", "--output", text(&home), "--account", &most]);
    refused.assert_refused(2, &["more than 64 bits"]);
    assert!(!dir.path().join("new").exists());

    let good: [&[&str]; 4] = [
        &["--account", &most, "--account", &none],
        &["--chain-id", "0", "--fee-per-byte", "18446744073709551615"],
        &[
            "--chain-id",
            "18446744073709551615",
            "--scheme",
            "dilithium3",
        ],
        &["--chain-id", "1337", "--fee-per-byte", "0"],
    ];
    for (at, arguments) in good.into_iter().enumerate() {
        let home = dir.path().join(format!("good{at}"));
        run(&[&["init", "--home", text(&home)], arguments].concat()).ok();
        starts(&home);
    }
}

/// It begins, at ports that nobody else has, and says that it is ready.
fn starts(home: &Path) {
    let ports = [
        "--rpc-listen",
        "127.0.0.1:0",
        "--peer-listen",
        "127.0.0.1:0",
    ];
    let mut command = lockstep(&["start", "--json", "--home", text(home)]);
    command.args(ports);
    let log = home.join("log");
    let node = support::process::Process::start(command, log);
    node.ready();
}

/// The disk is full half-way: nothing of the home stays.
#[test]
fn a_home_that_cannot_be_written_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (net, own) = (dir.path().join("net"), dir.path().join("own"));
    fs::create_dir(&own).expect("a directory");
    // No file has room for more than a kilobyte: a key has, a genesis has not.
    let full = "trap '' XFSZ; ulimit -f 1";
    for arguments in [
        &["testnet", "--output", text(&net)][..],
        &["init", "--home", text(&net)],
        &["init", "--home", text(&own)],
    ] {
        let refused = run_limited(full, arguments);
        refused.assert_refused(2, &["cannot write", "genesis.json"]);
        assert!(!net.exists());
        let left = fs::read_dir(&own).expect("it is still there").count();
        assert_eq!(left, 0);
    }
}

#[test]
fn a_new_home_listens_at_the_ports_that_are_named_or_at_free_ones() {
    let ports = Ports::claim();
    let dir = tempfile::tempdir().expect("a directory");
    let (people, peers) = (ports.base.to_string(), (ports.base + 1).to_string());
    let home = dir.path().join("named");
    let init = ["init", "--home", text(&home), "--rpc-port", &people];
    let made = run(&[&init[..], &["--peer-port", &peers]].concat()).ok();
    let settings = fs::read_to_string(home.join("lockstep.toml")).expect("settings");
    for line in [
        format!("rpc_listen = \"127.0.0.1:{people}\""),
        format!("peer_listen = \"0.0.0.0:{peers}\""),
    ] {
        assert!(settings.lines().any(|it| it == line), "{line}");
    }
    let said = format!("  people        http://127.0.0.1:{people}\n");
    assert!(made.stdout.contains(&said), "{}", made.stdout);
    assert!(
        made.stdout
            .contains(&format!("  peers         0.0.0.0:{peers}\n"))
    );

    // Whoever has them by now is told of, and what was asked for is written.
    let _taken = TcpListener::bind(("127.0.0.1", ports.base)).expect("a port");
    let again = dir.path().join("again");
    let init = ["init", "--home", text(&again), "--rpc-port", &people];
    let made = run(&init).ok();
    let said = format!("http://127.0.0.1:{people}  (somebody listens there now)\n");
    assert!(made.stdout.contains(&said), "{}", made.stdout);

    // Another test may have the default ports: then they are taken by that one.
    let _default = TcpListener::bind("127.0.0.1:8545");
    let _default_of_peers = TcpListener::bind("0.0.0.0:9545");
    let home = dir.path().join("proposed");
    let made = run(&["init", "--home", text(&home)]).ok();
    for word in ["(8545 is taken)", "(9545 is taken)"] {
        assert!(made.stdout.contains(word), "{word} in {}", made.stdout);
    }
    let settings = fs::read_to_string(home.join("lockstep.toml")).expect("settings");
    assert!(!settings.contains("rpc_listen = \"127.0.0.1:8545\""));
    assert!(!settings.contains("peer_listen = \"0.0.0.0:9545\""));
    let net = dir.path().join("net");
    let made = run(&["testnet", "--output", text(&net), "--validators", "2"]).ok();
    assert!(made.stdout.contains(" is taken)"), "{}", made.stdout);
    let first = made.stdout.lines().find(|line| line.contains("node 0"));
    let first = first.expect("where node 0 answers people");
    assert!(!first.contains("http://127.0.0.1:8545"), "{first}");
    // Else every command would ask whoever has that port.
    let url = first
        .split_whitespace()
        .find(|word| word.starts_with("http"));
    let export = format!("export LOCKSTEP_RPC={}\n", url.expect("its URL"));
    assert!(made.stdout.contains(&export), "{}", made.stdout);
}
