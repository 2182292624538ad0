//! Ends that nobody has asked for: whoever reads leaves, the terminal is closed. A command ends by
//! itself, or goes on where it has nothing more to say; it neither falls nor spins, and leaves nothing.
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::eventually;
use support::process::{Guarded, Network, binary, hear_nothing, ignores_hang_ups, lockstep, text};

/// A shell that runs this, where `$0` is the program; its temporary files go there.
fn shell(script: &str, temporary: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(binary());
    hear_nothing(&mut shell);
    shell.env("TMPDIR", temporary).stdin(Stdio::null());
    shell
}

fn is_empty(dir: &Path) -> bool {
    let mut left = fs::read_dir(dir).expect("a directory");
    left.next().is_none()
}

/// CPU seconds of a process so far.
fn cpu_seconds(child: &Child) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it runs");
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
    let ticks = fields.skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().expect("ticks"))
        .sum::<f64>()
        / 100.0
}

/// `lockstep devnet 2>&1 | head -1`: what it would say of that goes nowhere either.
#[test]
fn a_devnet_whose_reader_leaves_both_streams_ends_by_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let devnet = "\"$0\" devnet --rpc-port 0 --block-time 20ms";
    let script = format!("{{ {devnet} 2>&1; echo \"code $?\" >&3; }} 3>&2 | head -1");
    let mut child = shell(&script, dir.path());
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guarded(child.spawn().expect("it starts"));
    child.wait("it ends");
    let read = |from: &mut dyn std::io::Read| {
        let mut text = String::new();
        from.read_to_string(&mut text).expect("text");
        text
    };
    let stdout = read(child.0.stdout.as_mut().expect("a pipe"));
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    let stderr = read(child.0.stderr.as_mut().expect("a pipe"));
    assert_eq!(stderr, "code 1\n");
    assert!(is_empty(dir.path()));
}

/// `lockstep start --json | head -1`: it has said all that it says there. Its log is as lost.
#[test]
fn a_node_that_has_said_that_it_is_ready_goes_on_without_readers() {
    for (closed, log) in [(false, "debug"), (true, "debug"), (true, "off")] {
        let network = Network::new(1, &["block_interval_ms=200", &format!("log={log}")]);
        let mut command = network.command(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guarded(command.spawn().expect("it starts"));
        let mut stdout = BufReader::new(child.0.stdout.take().expect("a pipe"));
        stdout.read_line(&mut String::new()).expect("it is ready");
        drop(stdout);
        let stderr = child.0.stderr.take();
        let kept = stderr.filter(|_| !closed);
        let reader = kept.map(|mut kept| {
            let read = move || std::io::copy(&mut kept, &mut std::io::sink());
            std::thread::spawn(read)
        });
        network.wait_for(&[0], 3);
        let before = cpu_seconds(&child.0);
        std::thread::sleep(Duration::from_secs(2));
        let took = cpu_seconds(&child.0) - before;
        assert!(took < 1.0, "{took} s of CPU in 2 s");
        child.signal("-QUIT");
        assert_eq!(child.wait("it ends").code(), Some(0));
        // An error says that the pipe broke.
        if let Some(reader) = reader {
            let read = reader.join().expect("it does not fall");
            assert!(read.expect("a pipe") > 0, "its log");
        }
    }
}

#[test]
fn a_node_without_any_stream_runs_and_one_that_cannot_say_that_it_is_ready_ends() {
    let network = Network::new(1, &[]);
    let home = network.home(0);
    let start = format!("exec \"$0\" start --json --home {}", text(&home));
    let script = format!("{start} <&- >&- 2>&-");
    let mut child = shell(&script, network.dir.path());
    let mut child = Guarded(child.spawn().expect("it starts"));
    network.wait_for(&[0], 2);
    child.signal("-QUIT");
    assert_eq!(child.wait("it ends").code(), Some(0));

    let mut command = lockstep(&["start", "--json", "--home", text(&home)]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guarded(command.spawn().expect("it starts"));
    drop((child.0.stdout.take(), child.0.stderr.take()));
    assert_eq!(child.wait("it ends").code(), Some(1));
}

/// A command in a terminal that is closed under it; `None` where no tool makes one.
fn in_a_closed_terminal(arguments: &str, says: &str, temporary: &Path) -> Option<()> {
    let inner = format!("echo $$; exec {} {arguments}", text(&binary()));
    let mut script = Command::new("script");
    hear_nothing(&mut script);
    script
        .args(["-qc", &inner, "/dev/null"])
        .env("SHELL", "/bin/sh");
    script
        .env("TMPDIR", temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let Ok(terminal) = script.spawn() else {
        println!("SKIPPED: script, which opens a terminal, is not installed");
        return None;
    };
    let mut terminal = Guarded(terminal);
    let stdout = terminal.0.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let pid: u32 = lines
        .next()
        .expect("a line")
        .trim()
        .parse()
        .expect("its id");
    assert!(lines.any(|line| line.contains(says)), "it says {says}");
    terminal.0.kill().expect("it runs");
    terminal.wait("the terminal is gone");
    // All its threads are gone with it. Whoever has inherited it may not have asked how it ended.
    eventually("it ends", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest.starts_with('Z'));
        state.unwrap_or(true).then_some(())
    });
    Some(())
}

#[test]
fn a_devnet_whose_terminal_is_closed_ends_and_leaves_nothing() {
    for more in ["", " --manual", " --validators 1 --log debug"] {
        let dir = tempfile::tempdir().expect("a directory");
        // Whoever ignores hang-ups ends when it has something to say.
        if more == " --manual" && ignores_hang_ups() {
            println!("SKIPPED: SIGHUP, which whoever runs these tests ignores");
            continue;
        }
        let arguments = format!("devnet --plain --rpc-port 0 --block-time 100ms{more}");
        if in_a_closed_terminal(&arguments, "height round", dir.path()).is_some() {
            assert!(is_empty(dir.path()), "{arguments}");
        }
    }
}

#[test]
fn a_node_whose_terminal_is_closed_ends_and_can_be_started_again() {
    if ignores_hang_ups() {
        println!("SKIPPED: SIGHUP, which whoever runs these tests ignores");
        return;
    }
    let mut network = Network::new(1, &[]);
    let home = network.home(0);
    let arguments = format!("start --home {}", text(&home));
    let temporary = tempfile::tempdir().expect("a directory");
    if in_a_closed_terminal(&arguments, "goes on from", temporary.path()).is_some() {
        network.start(0);
        network.node(0).ready();
        assert!(is_empty(temporary.path()));
    }
}
