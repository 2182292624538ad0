//! What is told in one line before anything is opened: too few descriptors, too little address space.
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::process::{Ended, Network, binary, finish, hear_nothing, lockstep};

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
