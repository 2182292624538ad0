//! What a person sees fits a terminal of 80 columns: the help of every command, and the tables that
//! commands print, which are folded between two words where a line would be longer.
use super::terminal::commands;
use std::path::Path;
use std::process::Command;
use support::process::{binary, finish, hear_nothing, lockstep};

const COLUMNS: usize = 80;

/// The lines that are wider. A word that stands alone is as long as it is.
fn too_wide(shown: &str) -> Vec<String> {
    // How far long work was has been erased.
    let erased = ["\x1b[K", "\x1b[2K", "\x1b[?7h"];
    let shown = erased
        .iter()
        .fold(shown.to_owned(), |shown, it| shown.replace(it, "\r"));
    let lines = shown.lines().map(|line| line.trim_end_matches('\r'));
    let lines = lines.map(|line| line.rsplit('\r').next().unwrap_or_default());
    let wide = lines.filter(|line| line.chars().count() > COLUMNS);
    let wide = wide.filter(|line| line.trim().contains(' '));
    wide.map(str::to_owned).collect()
}

/// A command and those above it, by their own.
fn with_parents(commands: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = commands.into_iter().collect();
    let parents = all.iter().filter_map(|it| it.rsplit_once(' '));
    let parents: Vec<String> = parents.map(|(above, _)| above.to_owned()).collect();
    all.extend(parents);
    all.push(String::new());
    all
}

#[test]
fn every_help_fits_a_terminal_of_80_columns() {
    let mut wide = Vec::new();
    for command in with_parents(commands(&[])) {
        for help in ["-h", "--help"] {
            let words = command.split_whitespace().chain([help]);
            let mut asked = lockstep(&words.collect::<Vec<_>>());
            asked.env("COLUMNS", COLUMNS.to_string());
            let shown = finish(asked).ok().stdout;
            assert!(shown.contains("Usage:"), "{command}: {shown}");
            let lines = too_wide(&shown).into_iter();
            wide.extend(lines.map(|line| format!("{command} {help}: {line}")));
        }
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

/// What the commands of the script show on a terminal of 80 columns.
fn on_a_terminal(dir: &Path, script: &str) -> String {
    let binary = binary();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", binary.parent().expect("a directory").display());
    let size = format!("stty rows 24 cols {COLUMNS}; {script}");
    let mut command = Command::new("script");
    hear_nothing(&mut command);
    command.args(["-qec", &size, "/dev/null"]).current_dir(dir);
    command.env("PATH", path).env("LOCKSTEP_KEYS", "keys");
    command
        .env("LOCKSTEP_PASSWORD", "word")
        .env("SHELL", "/bin/sh");
    command.stdin(std::process::Stdio::null());
    finish(command).ok().stdout
}

/// Powers, balances and amounts as large as they may be.
#[cfg(target_os = "linux")]
const SHOWN: [&str; 17] = [
    "lockstep init --home h --scheme dilithium3 --account $(cat account)=9000000000000000000",
    "lockstep testnet --validators 7 --output net --base-port 21500",
    "lockstep status --rpc $RPC",
    "lockstep validators --rpc $RPC",
    "lockstep block --rpc $RPC",
    "lockstep account payer --rpc $RPC",
    "lockstep tx transfer --from payer --to $(cat account) --amount 8000000000000000000 --wait --rpc $RPC",
    "lockstep tx put --from payer --key $(seq -s. 60 | cut -c1-128) --value x --wait --rpc $RPC",
    "lockstep record payer $(seq -s. 60 | cut -c1-128) --rpc $RPC",
    "lockstep block $(lockstep status --rpc $RPC --json | grep -o '\"height\": [0-9]*' | grep -o '[0-9]*') --rpc $RPC",
    "lockstep light verify --trusted $(cat checkpoint) --rpc $RPC account payer",
    "lockstep keys list",
    "lockstep keys show payer",
    "lockstep snapshot export --home h --output s",
    "lockstep snapshot inspect --home h s",
    "lockstep devnet --validators 4 --blocks 3 --block-time 0",
    "lockstep simulate --seeds 2 --profile all",
];

#[cfg(target_os = "linux")]
#[test]
fn every_table_fits_a_terminal_of_80_columns() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = |script: &str| on_a_terminal(dir.path(), script);
    run(
        "lockstep keys new payer --scheme dilithium3 --json | grep -o '0x[0-9a-f]\\{40\\}' | head -1 > account",
    );
    let mut wide = Vec::new();
    let mut look = |what: &str, shown: &str| {
        assert!(shown.lines().count() > 1, "{what}: {shown}");
        let lines = too_wide(shown).into_iter();
        wide.extend(lines.map(|line| format!("{what}: {line}")));
    };
    let (before, then) = SHOWN.split_at(1);
    look(before[0], &run(before[0]));
    let mut node = Command::new(binary());
    hear_nothing(&mut node);
    node.args([
        "start",
        "--home",
        "h",
        "--json",
        "--set",
        "peer_listen=127.0.0.1:0",
    ]);
    node.args([
        "--rpc-listen",
        "127.0.0.1:0",
        "--set",
        "block_interval_ms=100",
    ]);
    node.current_dir(dir.path());
    let node = support::process::Process::start(node, dir.path().join("log"));
    let rpc = node.ready()["rpc"].as_str().expect("a URL").to_owned();
    let first =
        "lockstep block 1 --rpc $RPC --json | grep -m1 -o '\"id\": \"0x[0-9a-f]*' | grep -o '0x.*'";
    let rpc = format!("export RPC={rpc}; ");
    run(&format!(
        "{rpc}until lockstep block 1 --rpc $RPC; do sleep 0.1; done; echo $({first})@1 > checkpoint"
    ));
    for script in then {
        look(script, &run(&format!("{rpc}{script}")));
    }
    drop(node);
    look("verify", &run("lockstep verify --home h"));
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

/// A bar that needs a second row leaves pieces of itself behind.
#[cfg(target_os = "linux")]
#[test]
fn long_work_shows_a_bar_of_one_row_on_a_terminal_and_none_in_a_pipe() {
    let dir = tempfile::tempdir().expect("a directory");
    let command = ["simulate", "--seeds", "30", "--profile", "all"];
    let shown = on_a_terminal(dir.path(), &format!("lockstep {}", command.join(" ")));
    let frames = shown.split(['\r', '\n', '\x1b']);
    let bars: Vec<&str> = frames.filter(|it| it.contains("/30 worlds, ")).collect();
    assert!(bars.len() > 1, "{shown:?}");
    for bar in bars {
        let bar = bar.trim_start_matches("[2K");
        assert!(bar.chars().count() <= COLUMNS, "{bar:?}");
        assert!(bar.contains("/s, ") && bar.contains(" left"), "{bar:?}");
    }
    assert!(!shown.contains("\x1b[1A"), "{shown:?}");
    let ended = finish(lockstep(&command)).ok();
    assert!(
        !ended.stderr.contains(['\r', '\x1b', '[']),
        "{:?}",
        ended.stderr
    );
}
