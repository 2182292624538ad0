//! `lockstep testnet --start`: a process for each home, its log in a file, one Ctrl-C for all.
use crate::cli::signals::{self, Asked};
use crate::failure::Failure;
use crate::output::{say, shell, tell};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Between two looks at who has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long one that was told to stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// One node of the network.
struct Node {
    index: usize,
    log: PathBuf,
    child: Child,
    has_ended: bool,
}

/// Runs a node in each of these homes until a signal comes, or none runs any more.
pub(super) fn run(homes: &[PathBuf]) -> Result<(), Failure> {
    let stop = signals::hear(Asked::End)?;
    let mut nodes = Vec::new();
    let begun = begin(homes, &mut nodes);
    let done = begun.and_then(|()| watch(&mut nodes, &stop));
    end(&mut nodes);
    done
}

fn begin(homes: &[PathBuf], nodes: &mut Vec<Node>) -> Result<(), Failure> {
    for (index, home) in homes.iter().enumerate() {
        nodes.push(Node::start(index, home)?);
    }
    for node in nodes {
        node.wait_until_ready()?;
    }
    Ok(())
}

impl Node {
    fn start(index: usize, home: &Path) -> Result<Node, Failure> {
        let log = home.with_extension("log");
        let failed = |error| Failure::retry(format!("node {index} cannot be started: {error}"));
        let file = File::options().create(true).append(true).open(&log);
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["start", "--json", "--home"]).arg(home);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(file.map_err(failed)?);
        // Ctrl-C of a terminal goes to all of its group: they would hear it twice.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(Node {
            index,
            log,
            child: command.spawn().map_err(failed)?,
            has_ended: false,
        })
    }

    /// Until it has said that it is ready, in its one line.
    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let mut said = String::new();
        if let Some(out) = self.child.stdout.take() {
            // An error says that it has closed its end.
            let _ = BufReader::new(out).read_line(&mut said);
        }
        let line: Option<serde_json::Value> = serde_json::from_str(&said).ok();
        match line.is_some_and(|line| line["ok"] != false) {
            true => Ok(()),
            false => Err(Failure::retry(format!(
                "node {} did not start: read {}",
                self.index,
                self.log.display()
            ))),
        }
    }

    /// Whether it has just ended.
    fn ends(&mut self) -> bool {
        let is_over = !self.has_ended && !matches!(self.child.try_wait(), Ok(None));
        self.has_ended |= is_over;
        is_over
    }
}

fn watch(nodes: &mut [Node], stop: &Receiver<Asked>) -> Result<(), Failure> {
    say!()?;
    say!("  All run. Ctrl-C stops them; each has its log beside its home.")?;
    loop {
        match stop.recv_timeout(LOOK_EVERY) {
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        for node in nodes.iter_mut() {
            if node.ends() {
                tell!(
                    "lockstep: node {} has ended: {}; lockstep start --home {} brings it back",
                    node.index,
                    node.log.display(),
                    shell::word(&node.log.with_extension(""))
                );
            }
        }
        if nodes.iter().all(|node| node.has_ended) {
            return Err(Failure::retry("no node runs any more: read their logs"));
        }
    }
}

/// Tells all of them to stop, and waits until they have.
fn end(nodes: &mut [Node]) {
    for node in nodes.iter_mut() {
        if !node.has_ended && !node.ends() {
            ask_to_end(&mut node.child);
        }
    }
    let until = Instant::now() + STOP_PATIENCE;
    for node in nodes {
        while !node.has_ended && !node.ends() {
            if Instant::now() > until {
                tell!("lockstep: node {} does not stop, and is killed", node.index);
                // An error says that it has ended.
                let _ = node.child.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(unix)]
fn ask_to_end(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // An error says that it has ended.
    let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) {
    // An error says that it has ended.
    let _ = child.kill();
}
