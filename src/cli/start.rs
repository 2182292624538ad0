//! `lockstep start`: one node, until a signal or its own end.
use super::allowance;
use super::signals::{self, Asked};
use crate::config::judge::{Judged, judge};
use crate::config::key::KeyFile;
use crate::config::values::DurabilityArgument;
use crate::config::{self, Config, peers};
use crate::failure::Failure;
use crate::output::log::LogFormat;
use crate::output::terminal::{self, Progress};
use crate::output::{self, say, say_json_line, say_whole};
use crate::remedy;
use clap::Args;
use lockstep_actors::node::{Node, NodeConfig, NodeHandle};
use lockstep_actors::peers::system_resolver;
use lockstep_actors::private::close_dir;
use lockstep_actors::runtime::Policy;
use lockstep_actors::state_store::DEFAULT_MAP_BYTES;
use lockstep_actors::view::SyncProgress;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::proofs::light_client::Checkpoint;
use lockstep_protocol::types::{Address, Height};
use serde::Serialize;
use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

mod reload;
mod service;

use reload::Running;
use service::Service;

/// How often it looks whether the node has ended by itself.
const LOOK: Duration = Duration::from_millis(100);

/// `lockstep start`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The node's home, as lockstep init or lockstep testnet makes it [env: LOCKSTEP_HOME]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Where people ask this node
    #[arg(long, value_name = "HOST:PORT")]
    rpc_listen: Option<String>,
    /// Where the other validators reach this node
    #[arg(long, value_name = "HOST:PORT")]
    peer_listen: Option<String>,
    /// Where the record of what the key has signed stands, if not beside the key
    #[arg(long, value_name = "DIR")]
    guard_dir: Option<String>,
    /// What a signature and a block survive
    #[arg(long, value_enum)]
    durability: Option<DurabilityArgument>,
    /// Keep so many of the newest blocks; 0: all
    #[arg(long, value_name = "N")]
    retain_blocks: Option<u64>,
    /// Take no other block at HEIGHT than HASH, and end rather than that
    #[arg(long, value_name = "HASH@HEIGHT")]
    trusted: Option<Checkpoint>,
    /// Log filter on stderr, such as info or warn,lockstep_actors=debug
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// What a line of the log looks like
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    /// Any setting of lockstep.toml; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print the effective settings with the origin of each, and exit
    #[arg(long)]
    print_config: bool,
    /// Print one JSON line on stdout when the node is ready, and nothing else there
    #[arg(long)]
    json: bool,
}

/// What has no = is not repeated: it may be a password.
fn assignment(text: &str) -> Result<config::Flag, Failure> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        Failure::usage("--set has no =: write --set NAME=VALUE, as --set log=debug")
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned(), "--set"))
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    super::memory::divide();
    let config = config::load(arguments.home.as_deref(), flags(arguments)?)?;
    if arguments.print_config {
        return config.lines().iter().try_for_each(|line| say_whole(line));
    }
    output::log::start(Some(&config.log), "info", config.log_format)?;
    allowance::for_node(config.peers.len())?;
    // Without one, nobody has closed it.
    let has_terminal = terminal::is_there() || std::io::stdin().is_terminal();
    let hang_up = if has_terminal {
        Asked::End
    } else {
        Asked::Reload
    };
    let stop = signals::hear(hang_up)?;
    keep_others_out(&config);
    super::memory::give_back();
    // The key stays locked for as long as this process may sign.
    let (node, genesis, _key) = start(&config)?;
    log::info!(
        "validator {} of chain {} goes on from height {}",
        node.address(),
        node.genesis_hash(),
        node.view().head().height
    );
    ready(arguments.json, &config, &genesis, &node)?;
    let running = Running {
        arguments,
        started: &config,
        genesis: &genesis,
        node: &node,
    };
    let mut taken = None;
    let mut service = Service::find();
    service.watch(&node);
    wait(&node, &stop, &mut service, || running.reload(&mut taken));
    service.stopping();
    let reason = node.stop();
    match reason.exit_code() {
        0 => {
            log::info!("the node ended: {reason}");
            Ok(())
        }
        // It is the last line, whatever the filter of the log.
        exit_code => Err(Failure {
            message: format!("the node in {} ended: {reason}", config.home.display()),
            exit_code,
        }),
    }
}

fn flags(arguments: &Arguments) -> Result<Vec<config::Flag>, Failure> {
    let durability = arguments.durability.map(|it| it.name().to_owned());
    let retain_blocks = arguments.retain_blocks.map(|blocks| blocks.to_string());
    let log_format = arguments.log_format.map(|format| format.name().to_owned());
    let trusted = arguments.trusted.map(|block| block.to_string());
    let named = [
        ("trusted", &trusted, "--trusted"),
        ("rpc_listen", &arguments.rpc_listen, "--rpc-listen"),
        ("peer_listen", &arguments.peer_listen, "--peer-listen"),
        ("guard_dir", &arguments.guard_dir, "--guard-dir"),
        ("durability", &durability, "--durability"),
        ("retain_blocks", &retain_blocks, "--retain-blocks"),
        ("log", &arguments.log, "--log"),
        ("log_format", &log_format, "--log-format"),
    ];
    let set = arguments.set.iter().map(|text| assignment(text));
    let named = named
        .into_iter()
        .filter_map(|(name, value, flag)| Some((name.to_owned(), value.clone()?, flag)));
    set.chain(named.map(Ok)).collect()
}

/// Tells of directories that others can get into, and closes those that they can change.
fn keep_others_out(config: &Config) {
    let beside_the_key = config.key.parent().unwrap_or(Path::new("."));
    let of_the_record = config.key_guard.parent().unwrap_or(Path::new("."));
    let mut dirs = vec![&*config.home, beside_the_key, of_the_record, &*config.data];
    dirs.dedup();
    for line in dirs.into_iter().filter_map(close_dir) {
        log::warn!("{line}");
    }
}

/// Reads and checks everything in the home, takes key and ports, and starts the node.
pub(super) fn start(config: &Config) -> Result<(NodeHandle, Arc<Genesis>, KeyFile), Failure> {
    let Judged { genesis, key, me } = judge(config)?;
    let resolve = system_resolver();
    let peers = peers::resolve_all(&config.peers, &genesis, me, config.follow, &resolve)?;
    let peer_listener = listen("peer_listen", &config.peer_listen)?;
    let public_listener = match &config.rpc_listen {
        Some(address) => Some(listen("rpc_listen", address)?),
        None => None,
    };
    let node = Node::start(NodeConfig {
        genesis: genesis.clone(),
        applications: crate::applications::known(),
        signer: key.signer.clone(),
        data_dir: config.data.clone(),
        map_bytes: DEFAULT_MAP_BYTES,
        key_guard: Some(config.key_guard.clone()),
        trusted: config.trusted,
        rearm: false,
        arrival_wait_ms: config.arrival_wait_ms,
        durability: config.durability.into(),
        retention: config.retention,
        history: config.history,
        peer_listener: Arc::new(peer_listener),
        public_listener: public_listener.map(Arc::new),
        peers,
        timeouts: config.timeouts,
        pacing: Pacing::Interval(config.block_interval_ms),
        last_height: None,
        on_commit: Some(Arc::new(log_commit)),
        origins: config.origins.clone(),
        trusted_proxies: config.proxies.clone(),
        hosts: config.hosts.clone(),
        controls: None,
        serves_page: config.serves_page,
        policy: Policy::default(),
    });
    let home = config.home.display();
    let node = node.map_err(|error| Failure {
        message: format!("the node in {home} did not start: {error}"),
        exit_code: error.exit_code(),
    })?;
    Ok((node, genesis, key))
}

fn log_commit(decided: &DecidedBlock, seconds: f64) {
    let header = decided.block.header();
    log::debug!(
        "committed height {} in {:.1} ms: round {}, {} transactions, block {}",
        header.height,
        seconds * 1e3,
        decided.certificate.round,
        decided.block.block().transactions.len(),
        decided.block.id().short()
    );
}

fn listen(setting: &str, text: &str) -> Result<TcpListener, Failure> {
    let address = peers::resolve(setting, text)?;
    TcpListener::bind(address).map_err(|error| {
        Failure::retry(format!(
            "cannot listen on {address}: {error}; {} {setting}",
            remedy::of_listening(&error)
        ))
    })
}

/// Until a signal or the node's own end.
fn wait(
    node: &NodeHandle,
    stop: &Receiver<Asked>,
    service: &mut Service,
    mut reload: impl FnMut(),
) {
    let mut shown = None;
    while !node.has_ended() {
        service.look(node);
        let view = node.view();
        show_catching_up(&view.sync_progress(), view.head().height, &mut shown);
        match stop.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Asked::Reload) => service.around(&mut reload),
            Ok(Asked::End) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// How far it is, while it lacks blocks. Where there is no terminal, the log says it.
fn show_catching_up(progress: &SyncProgress, head: Height, shown: &mut Option<Progress>) {
    if !progress.catching_up || !terminal::is_there() {
        *shown = None;
        return;
    }
    let from = progress.from.0;
    let of = progress.target.0.max(head.0).saturating_sub(from);
    let shown = shown.get_or_insert_with(|| Progress::new(of, "blocks"));
    shown.show(head.0.saturating_sub(from), of, format!("height {head}"));
}

/// The one line that programs read.
#[derive(Serialize)]
struct Ready<'a> {
    event: &'a str,
    pid: u32,
    home: &'a Path,
    validator: Address,
    chain_id: u64,
    genesis_hash: String,
    scheme: String,
    rpc: Option<String>,
    peers: SocketAddr,
    durability: &'a str,
    height: u64,
}

fn ready(json: bool, config: &Config, genesis: &Genesis, node: &NodeHandle) -> Result<(), Failure> {
    let ready = Ready {
        event: "ready",
        pid: std::process::id(),
        home: &config.home,
        validator: node.address(),
        chain_id: genesis.chain_id.0,
        genesis_hash: node.genesis_hash().to_string(),
        scheme: genesis.scheme.to_string(),
        rpc: node.public_listens().map(|at| format!("http://{at}")),
        peers: node.peer_listens(),
        durability: config.durability.name(),
        height: node.view().head().height.0,
    };
    if json {
        return say_json_line(&ready);
    }
    let nobody = "nobody is answered";
    say!("Lockstep node")?;
    say!("  validator     {}", ready.validator)?;
    say!("  chain id      {}", ready.chain_id)?;
    say!("  genesis hash  {}", ready.genesis_hash)?;
    say!("  scheme        {}", ready.scheme)?;
    say!("  people        {}", ready.rpc.as_deref().unwrap_or(nobody))?;
    say!("  peers         {}", ready.peers)?;
    say!(
        "  durability    {}: {}",
        config.durability.name(),
        config.durability.in_words()
    )?;
    say!("  home          {}", config.home.display())?;
    say!("  goes on from  height {}", ready.height)
}
