//! Nodes as their operators have them: one process each, made by `lockstep testnet`, run by
//! `lockstep start`, looked at over HTTP, and killed.
use crate::{PATIENCE, eventually, try_get};
use lockstep_protocol::crypto::{self, SchemeId, Seed, Signer};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, ChainId, Hash, Height};
use lockstep_protocol::wire::Wire;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where cargo has put the program under test.
pub fn binary() -> PathBuf {
    let path = std::env::var_os("CARGO_BIN_EXE_lockstep");
    path.expect("cargo names the program to the tests that it runs")
        .into()
}

/// The binary, without anything that this test's own environment says to it.
pub fn lockstep(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    hear_nothing(&mut command);
    command
}

/// What this test's own environment says is not for this command: some of it would be settings.
pub fn hear_nothing(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOCKSTEP_") {
            command.env_remove(name);
        }
    }
    for name in ["RUST_LOG", "KILL_AT", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        command.env_remove(name);
    }
}

/// Whether this test, and so what it starts, ignores hang-ups, as under `nohup`.
pub fn ignores_hang_ups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

/// What a command printed, and how it ended.
pub struct Ended {
    /// None if a signal has ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
    /// Whether it was asked with `--json`.
    pub asked_json: bool,
}

/// Runs a command that ends by itself.
pub fn run(arguments: &[&str]) -> Ended {
    finish(lockstep(arguments))
}

/// Runs a command that ends by itself; kills it after [`PATIENCE`].
pub fn finish(mut command: Command) -> Ended {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str| dir.path().join(name);
    let create = |name: &str| File::create(file(name)).expect("a file");
    command.stdout(create("out")).stderr(create("err"));
    let asked_json = command.get_args().any(|argument| argument == "--json");
    let mut child = Guarded(command.spawn().expect("it starts"));
    let status = child.wait("the command ends");
    let text = |name: &str| fs::read_to_string(file(name)).expect("it is text");
    Ended {
        code: status.code(),
        stdout: text("out"),
        stderr: text("err"),
        asked_json,
    }
}

impl Ended {
    /// Fails unless it has ended well.
    pub fn ok(self) -> Ended {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// It said one line on stderr with these words in it. The log may stand before it. On stdout it
    /// said nothing, or with `--json` the same in an object.
    pub fn assert_refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        let lines = self.stderr.lines();
        let ours: Vec<&str> = lines.filter(|l| l.starts_with("lockstep: ")).collect();
        let [line] = ours[..] else {
            panic!("one line, not {ours:?} in {}", self.stderr);
        };
        // One whose coverage is measured may be kept from writing its profile, and says so at its end.
        let mut lines = self.stderr.lines();
        let last = lines.rfind(|l| !l.starts_with("LLVM Profile Error: "));
        assert_eq!(last, Some(line), "the last line");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            assert!(line.contains(word), "{word:?} in: {line}");
        }
        if !self.asked_json {
            assert_eq!(self.stdout, "");
            return;
        }
        let said: Value = serde_json::from_str(&self.stdout).expect("one object");
        assert_eq!(
            (&said["ok"], &said["exit_code"]),
            (&false.into(), &code.into())
        );
        // Whatever is unseen is spelt in another way for programs.
        if !line.contains("\\u{") {
            assert_eq!(line.strip_prefix("lockstep: "), said["error"].as_str());
        }
    }
}

/// A child process that does not outlive its test.
pub struct Guarded(pub Child);

impl Guarded {
    /// Waits until it has ended; fails after [`PATIENCE`].
    pub fn wait(&mut self, what: &str) -> ExitStatus {
        eventually(what, || self.0.try_wait().expect("a child of ours"))
    }

    /// Sends a signal by its name, `-STOP` for one.
    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Errors say that it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run of one node.
pub struct Process {
    /// The process itself.
    pub child: Guarded,
    /// Behind a lock, so that several threads may look at a network.
    lines: Mutex<Receiver<String>>,
    /// Where its log goes.
    pub log: PathBuf,
    /// When it was started.
    pub began: Instant,
}

impl Process {
    /// Starts a node; its log goes into a file.
    pub fn start(mut command: Command, log: PathBuf) -> Process {
        let began = Instant::now();
        let file = File::options().create(true).append(true).open(&log);
        command.stderr(file.expect("a file")).stdout(Stdio::piped());
        let mut child = Guarded(command.spawn().expect("it starts"));
        let stdout = child.0.stdout.take().expect("a pipe");
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let all = BufReader::new(stdout).lines().map_while(Result::ok);
            // An error says that nobody reads any more.
            all.for_each(|line| drop(tell.send(line)));
        });
        Process {
            child,
            lines: Mutex::new(lines),
            log,
            began,
        }
    }

    /// The next line on stdout.
    pub fn line(&self) -> String {
        let lines = self.lines.lock().expect("no panic holds it");
        let line = lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|error| panic!("{error}; its log: {}", self.log_text()))
    }

    /// The line that says that it is ready, of a node with `--json`.
    pub fn ready(&self) -> Value {
        let ready: Value = serde_json::from_str(&self.line()).expect("JSON");
        assert_eq!(ready["event"], "ready");
        ready
    }

    /// All that stands in its log.
    pub fn log_text(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }
}

/// Several nodes of one chain.
pub struct Network {
    /// Homes and logs.
    pub dir: TempDir,
    /// Where each answers people.
    pub urls: Vec<String>,
    /// Where each listens to its peers.
    pub peers: Vec<SocketAddr>,
    /// Of the validators, in the order of their homes.
    pub addresses: Vec<Address>,
    /// Those that were started and not killed.
    pub nodes: Vec<Option<Process>>,
    /// Settings that all nodes are started with.
    settings: Vec<String>,
    _ports: Ports,
}

/// Free ports in a row. They lie below those that the system gives to connections, and the claim
/// keeps other tests off, in this process and in others, before anybody listens on them.
pub struct Ports {
    /// The first of them.
    pub base: u16,
    _claim: TcpListener,
}

impl Ports {
    /// Claims the ports of one test: at most as many as it needs for four nodes.
    pub fn claim() -> Ports {
        const BLOCK: u16 = 16;
        const BLOCKS: u32 = 1000;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let index = std::process::id() * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
            let index = u16::try_from(index % BLOCKS).expect("it fits");
            let base = 12_000 + index * BLOCK;
            let bind = |port| TcpListener::bind(("127.0.0.1", port));
            let Ok(_claim) = bind(base + BLOCK - 1) else {
                continue;
            };
            let rest: Vec<_> = (base..base + BLOCK - 1).map(bind).collect();
            if rest.iter().all(Result::is_ok) {
                return Ports { base, _claim };
            }
        }
    }
}

impl Network {
    /// Homes of `count` validators; none runs yet. All are started with these settings.
    pub fn new(count: u16, settings: &[&str]) -> Network {
        Network::funding(1, count, settings)
    }

    /// The same, with so many funded accounts.
    pub fn funding(accounts: usize, count: u16, settings: &[&str]) -> Network {
        let dir = tempfile::tempdir().expect("a directory");
        let ports = Ports::claim();
        let base = ports.base;
        let net = dir.path().join("net");
        let net = text(&net);
        let count_text = count.to_string();
        let base_text = base.to_string();
        run(&[
            "testnet",
            "--validators",
            &count_text,
            "--output",
            net,
            "--base-port",
            &base_text,
            "--accounts",
            &accounts.to_string(),
        ])
        .ok();
        let urls = (base..base + count).map(|port| format!("http://127.0.0.1:{port}"));
        let peers = (base + count..base + 2 * count).map(|port| ([127, 0, 0, 1], port).into());
        let mut network = Network {
            urls: urls.collect(),
            peers: peers.collect(),
            addresses: Vec::new(),
            nodes: (0..count).map(|_| None).collect(),
            settings: settings.iter().map(|set| format!("--set={set}")).collect(),
            dir,
            _ports: ports,
        };
        let address = |index| network.key(&format!("node{index}/validator.key")).0;
        network.addresses = (0..count).map(address).collect();
        network
    }

    /// All of them, running.
    pub fn running(count: u16, settings: &[&str]) -> Network {
        let mut network = Network::new(count, settings);
        for index in 0..usize::from(count) {
            network.start(index);
        }
        network
    }

    /// The directory of node `index`.
    pub fn home(&self, index: usize) -> PathBuf {
        self.dir.path().join(format!("net/node{index}"))
    }

    /// The command that starts node `index`.
    pub fn command(&self, index: usize) -> Command {
        let home = self.home(index);
        let mut command = lockstep(&["start", "--json", "--home", text(&home)]);
        command.args(&self.settings);
        command
    }

    /// Vouches for the data directory of node `index`, which does not run.
    pub fn arm(&self, index: usize) {
        let home = self.home(index);
        run(&["arm", "--home", text(&home)]).ok();
    }

    /// Starts node `index` in its home.
    pub fn start(&mut self, index: usize) {
        let command = self.command(index);
        self.start_as(index, command);
    }

    /// Starts node `index` by this command.
    pub fn start_as(&mut self, index: usize, command: Command) {
        let log = self.dir.path().join(format!("node{index}.log"));
        self.nodes[index] = Some(Process::start(command, log));
    }

    /// The process of node `index`, which was started.
    pub fn node(&mut self, index: usize) -> &mut Process {
        self.nodes[index].as_mut().expect("it was started")
    }

    /// `kill -9`.
    pub fn kill(&mut self, index: usize) {
        let mut node = self.nodes[index].take().expect("it runs");
        node.child.0.kill().expect("it runs");
        node.child.wait("it is killed");
    }

    /// The height of a node that may be down.
    pub fn height(&self, index: usize) -> Option<u64> {
        let answer = try_get(&self.urls[index], "/status").ok()?;
        answer.json()["height"].as_u64()
    }

    /// The id of a block, as a node that may be down has it.
    pub fn block(&self, index: usize, height: u64) -> Option<String> {
        let answer = try_get(&self.urls[index], &format!("/blocks/{height}")).ok()?;
        let id = (answer.status == 200).then(|| answer.json()["id"].as_str().map(String::from));
        id?
    }

    /// Waits until all these nodes are at this height or beyond; how long that took.
    pub fn wait_for(&self, nodes: &[usize], height: u64) -> Duration {
        let began = Instant::now();
        for index in nodes {
            let until = Instant::now() + PATIENCE;
            while self.height(*index) < Some(height) {
                let log = self.dir.path().join(format!("node{index}.log"));
                assert!(
                    Instant::now() < until,
                    "node {index} is not at height {height}; its log:\n{}",
                    std::fs::read_to_string(log).unwrap_or_default()
                );
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        began.elapsed()
    }

    /// The greatest height of these nodes.
    pub fn highest(&self, nodes: &[usize]) -> u64 {
        let heights = nodes.iter().filter_map(|index| self.height(*index));
        heights.max().expect("one runs")
    }

    /// These nodes hold equal blocks at every height up to the lowest of their heads. Judged by
    /// what they say over HTTP alone.
    pub fn assert_same_chain(&self, nodes: &[usize]) -> u64 {
        let heights = nodes.iter().map(|index| self.height(*index));
        let lowest = heights.map(|h| h.expect("it runs")).min().expect("nodes");
        for height in 1..=lowest {
            let ids: Vec<_> = nodes.iter().map(|n| self.block(*n, height)).collect();
            assert!(ids[0].is_some(), "node {} lacks block {height}", nodes[0]);
            assert!(
                ids.iter().all(|id| *id == ids[0]),
                "a fork at {height}: {ids:?}"
            );
        }
        lowest
    }

    /// Address and seed in a key file.
    pub fn key(&self, name: &str) -> (Address, [u8; 32]) {
        let path = self.dir.path().join("net").join(name);
        let document = fs::read_to_string(path).expect("a key file");
        let document: Value = serde_json::from_str(&document).expect("JSON");
        let field = |name: &str| document[name].as_str().expect("a text").to_owned();
        let Hash(seed) = field("seed").parse().expect("32 bytes");
        (field("address").parse().expect("an address"), seed)
    }

    /// What binds signatures to the chain.
    pub fn context(&self, running: usize) -> SignContext {
        let status = crate::get(&self.urls[running], "/status").json();
        SignContext {
            chain_id: ChainId(status["chain_id"].as_u64().expect("a number")),
            genesis_hash: crate::chain::hash(&status["genesis_hash"]),
        }
    }

    /// The first funded account; a node that runs says what chain it is.
    pub fn payer(&self, running: usize) -> Payer {
        let (address, seed) = self.key("account0.key");
        let scheme = crypto::scheme(SchemeId::MlDsa65);
        Payer {
            context: self.context(running),
            address,
            signer: scheme.signer(&Seed(seed)).expect("a key"),
            nonce: 0,
        }
    }
}

/// Every block id that nodes have shown, by node and height.
pub type Seen = BTreeMap<(usize, u64), String>;

/// The funded account of a testnet.
pub struct Payer {
    context: SignContext,
    address: Address,
    signer: Arc<dyn Signer>,
    nonce: u64,
}

impl Payer {
    /// Who pays.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The next transfer has this nonce.
    pub fn go_on_from(&mut self, nonce: u64) {
        self.nonce = nonce;
    }

    /// The canonical bytes of the next transfer.
    pub fn next_transfer(&mut self) -> Vec<u8> {
        let body = TransactionBody {
            nonce: self.nonce,
            fee: 0,
            expires_at: Height(EXPIRY_HEIGHTS_MAX),
            action: Action::Transfer {
                to: Address([9; 20]),
                amount: 1,
                memo: String::new(),
            },
        };
        self.nonce += 1;
        let body = body.for_least_fee(&*self.signer, &Parameters::default());
        let signed = Transaction::sign(&*self.signer, &self.context, body).expect("it signs");
        Wire::new(self.context.genesis_hash).encode_transaction(&signed)
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
