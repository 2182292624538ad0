//! `lockstep testnet`: homes for several validators of one chain, on this machine, that know each
//! other. Each is then started as a process of its own.
use super::home_arguments::Account;
use super::ports::{are_free, free_from};
use super::{scheme, validators};
use crate::config::key::Secret;
use crate::config::peers::PeerEntry;
use crate::config::{Config, file, genesis, home};
use crate::failure::Failure;
use crate::output::{say, say_json, shell};
use clap::Args;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::limits::VALIDATORS_MAX;
use lockstep_protocol::nouns::genesis::{Genesis, GenesisAccount};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::ChainId;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

mod running;

/// What each account of `--accounts` holds.
const BALANCE: u64 = 1_000_000_000_000;
/// How many validators if nobody says.
const VALIDATORS: usize = 4;
/// Where all nodes listen, and the first port if nobody names another.
const HOST: &str = "127.0.0.1";
const BASE_PORT: u16 = 8545;
/// More are given by `--account`.
const ACCOUNTS_MAX: i64 = 100;

/// `lockstep testnet`
#[derive(Args)]
pub(crate) struct Arguments {
    /// How many validators, 1 to 128 [default: 4]
    #[arg(long, value_name = "N", value_parser = validators)]
    validators: Option<usize>,
    /// Where to make node0, node1, …; nothing may be there yet
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Node i answers people on port P+i and its peers on port P+N+i [default: 8545, or the next one
    /// from which on all are free now]
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1..))]
    base_port: Option<u16>,
    /// Signature scheme: ml-dsa-65 or dilithium3
    #[arg(long, default_value = "ml-dsa-65", value_parser = scheme)]
    scheme: SchemeId,
    /// The chain's number, part of every signature
    #[arg(long, default_value_t = 1, value_name = "ID")]
    chain_id: u64,
    /// How many accounts to make and fund; their keys are account0.key, …
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(0..=ACCOUNTS_MAX))]
    accounts: u16,
    /// One more account that holds this much from the start; may be repeated
    #[arg(long, value_name = "ADDRESS=BALANCE", value_parser = Account::parse)]
    account: Vec<Account>,
    /// What a transaction pays at least for each of its bytes, in the chain's smallest unit
    #[arg(long, default_value_t = Parameters::default().fee_per_byte, value_name = "N")]
    fee_per_byte: u64,
    /// Start all of them, each as a process with its log beside its home, until Ctrl-C; homes that are
    /// there already go on
    #[arg(long)]
    start: bool,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long, conflicts_with = "start")]
    json: bool,
}

impl Arguments {
    fn validators(&self) -> usize {
        self.validators.unwrap_or(VALIDATORS)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let dir = &arguments.output;
    let homes = |count| -> Vec<PathBuf> { (0..count).map(|index| node_dir(dir, index)).collect() };
    let is_home = |index: &usize| node_dir(dir, *index).join(file::FILE).exists();
    if let Some(there) = (0..VALIDATORS_MAX)
        .find(is_home)
        .filter(|_| arguments.start)
    {
        let count = as_it_is(arguments, there)?;
        let first = Config::of_home(&node_dir(dir, 0))?;
        say!(
            "Lockstep testnet, as it is in {}: {count} nodes",
            dir.display()
        )?;
        if let Some(listens) = first.rpc_listen {
            say!("  export LOCKSTEP_RPC=http://{listens}")?;
        }
        return running::run(&homes(count));
    }
    make(arguments)?;
    if arguments.json {
        return Ok(());
    }
    if arguments.start {
        return running::run(&homes(arguments.validators()));
    }
    say!()?;
    say!("  Start each of them, or all with lockstep testnet --start:")?;
    say!("  lockstep start --home {}", shell::word(&node_dir(dir, 0)))
}

/// How many validators the homes that are there have: all that the genesis names. A flag that says
/// something else is not ignored.
fn as_it_is(arguments: &Arguments, there: usize) -> Result<usize, Failure> {
    let dir = &arguments.output;
    let first = Config::of_home(&node_dir(dir, there))?;
    let genesis = genesis::read(&first.genesis)?;
    let count = genesis.validators.len();
    let port = |base: u16| {
        let port = usize::from(base) + there;
        first.rpc_listen == Some(format!("{HOST}:{port}"))
    };
    let accounts = Account::of_genesis(&arguments.account)?;
    let fee = Parameters::default().fee_per_byte;
    let of_others = [
        (
            "--validators",
            arguments.validators.is_some_and(|it| it != count),
        ),
        (
            "--base-port",
            arguments.base_port.is_some_and(|base| !port(base)),
        ),
        (
            "--scheme",
            is_other(arguments.scheme, SchemeId::MlDsa65, genesis.scheme),
        ),
        (
            "--chain-id",
            is_other(arguments.chain_id, 1, genesis.chain_id.0),
        ),
        (
            "--account",
            !accounts.iter().all(|it| genesis.accounts.contains(it)),
        ),
        (
            "--fee-per-byte",
            is_other(arguments.fee_per_byte, fee, genesis.parameters.fee_per_byte),
        ),
    ];
    if let Some((flag, _)) = of_others.iter().find(|(_, is_other)| *is_other) {
        return Err(Failure::usage(format!(
            "{} has {count} nodes already, and what {flag} says is not theirs: leave it out to start \
             these, or choose another --output",
            dir.display()
        )));
    }
    let is_gone = |index: &usize| !node_dir(dir, *index).join(file::FILE).exists();
    if let Some(gone) = (0..count).find(is_gone) {
        return Err(Failure::usage(format!(
            "the genesis has {count} validators, and {} is no home: bring it back, or start the others \
             one by one with lockstep start --home",
            node_dir(dir, gone).display()
        )));
    }
    Ok(count)
}

/// Whether it was named, and is not what there is.
fn is_other<T: PartialEq>(said: T, default: T, there: T) -> bool {
    said != default && said != there
}

fn make(arguments: &Arguments) -> Result<(), Failure> {
    let dir = &arguments.output;
    let scheme = arguments.scheme;
    let ports = Ports::of(arguments)?;
    let mut accounts = Account::of_genesis(&arguments.account)?;
    let funded = draw(scheme, usize::from(arguments.accounts))?;
    accounts.extend(funded.iter().map(|key| GenesisAccount {
        address: key.address,
        balance: BALANCE,
    }));
    let keys = draw(scheme, arguments.validators())?;
    let parameters = Parameters {
        fee_per_byte: arguments.fee_per_byte,
    };
    let chain_id = ChainId(arguments.chain_id);
    let genesis = home::new_chain(chain_id, scheme, parameters, &keys, accounts)?;
    home::make(dir, || {
        write(dir, &genesis, &keys, &ports)?;
        let mut accounts = funded.iter().enumerate();
        accounts.try_for_each(|(index, key)| key.write(&account_file(dir, index)))
    })?;
    if arguments.json {
        return print_json(dir, &genesis, (&keys, &funded), &ports);
    }
    say!("Lockstep testnet")?;
    say!("  chain id      {}", genesis.chain_id)?;
    say!("  genesis hash  {}", genesis.hash())?;
    say!("  scheme        {scheme}")?;
    say!("  ports         {ports}")?;
    print(dir, &keys, &funded, &ports)
}

/// A home for each key, in which the others are its peers.
fn write(dir: &Path, genesis: &Genesis, keys: &[Secret], ports: &Ports) -> Result<(), Failure> {
    let peers = keys.iter().enumerate().map(|(index, key)| PeerEntry {
        address: key.address,
        listens: ports.peers(index),
    });
    let peers: Vec<PeerEntry> = peers.collect();
    for (index, key) in keys.iter().enumerate() {
        let values = BTreeMap::from([
            ("peer_listen", ports.peers(index)),
            ("rpc_listen", ports.people(index)),
        ]);
        let others: Vec<PeerEntry> = peers
            .iter()
            .filter(|peer| peer.address != key.address)
            .cloned()
            .collect();
        let node = node_dir(dir, index);
        home::claim(&node)?;
        home::write(&node, key, genesis, &values, &others)?;
    }
    Ok(())
}

/// The names are those of `lockstep start --json`.
fn print_json(
    dir: &Path,
    genesis: &Genesis,
    (keys, funded): (&[Secret], &[Secret]),
    ports: &Ports,
) -> Result<(), Failure> {
    let nodes = keys.iter().enumerate().map(|(index, key)| {
        json!({
            "home": node_dir(dir, index),
            "validator": key.address,
            "rpc": format!("http://{}", ports.people(index)),
            "peers": ports.peers(index),
        })
    });
    let accounts = funded.iter().enumerate().map(|(index, key)| {
        json!({
            "address": key.address,
            "balance": BALANCE.to_string(),
            "key": account_file(dir, index),
        })
    });
    say_json(&json!({
        "output": dir,
        "chain_id": genesis.chain_id,
        "genesis_hash": genesis.hash(),
        "scheme": genesis.scheme.to_string(),
        "nodes": nodes.collect::<Vec<_>>(),
        "accounts": accounts.collect::<Vec<_>>(),
    }))
}

fn print(dir: &Path, keys: &[Secret], funded: &[Secret], ports: &Ports) -> Result<(), Failure> {
    say!()?;
    for (index, key) in keys.iter().enumerate() {
        say!(
            "  node {index}  {}  http://{}  {}",
            key.address,
            ports.people(index),
            node_dir(dir, index).display()
        )?;
    }
    say!()?;
    if ports.base != usize::from(BASE_PORT) {
        say!("  Commands ask http://127.0.0.1:{BASE_PORT} unless they are told otherwise:")?;
        say!("  export LOCKSTEP_RPC=http://{}", ports.people(0))?;
        say!()?;
    }
    for (index, key) in funded.iter().enumerate() {
        say!(
            "  account {index}  {}  {BALANCE}  {}",
            key.address,
            account_file(dir, index).display()
        )?;
    }
    Ok(())
}

fn node_dir(dir: &Path, index: usize) -> PathBuf {
    dir.join(format!("node{index}"))
}

fn account_file(dir: &Path, index: usize) -> PathBuf {
    dir.join(format!("account{index}.key"))
}

fn draw(scheme: SchemeId, count: usize) -> Result<Vec<Secret>, Failure> {
    (0..count).map(|_| Secret::draw(scheme)).collect()
}

/// Who listens where.
struct Ports {
    base: usize,
    nodes: usize,
    /// What people should know of them.
    note: String,
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.base + 2 * self.nodes - 1;
        write!(f, "{} to {last}{}", self.base, self.note)
    }
}

impl Ports {
    fn of(arguments: &Arguments) -> Result<Ports, Failure> {
        let nodes = arguments.validators();
        let now = || "  (somebody listens there now)".to_owned();
        let (base, note) = match arguments.base_port {
            Some(base) if are_free(HOST, base, 2 * nodes) => (base, String::new()),
            Some(base) => (base, now()),
            None => match free_from(HOST, BASE_PORT, 2 * nodes) {
                Some(BASE_PORT) => (BASE_PORT, String::new()),
                Some(base) => (base, format!("  ({} is taken)", base - 1)),
                None => (BASE_PORT, now()),
            },
        };
        let base = usize::from(base);
        if base + 2 * nodes - 1 > usize::from(u16::MAX) {
            return Err(Failure::usage(format!(
                "--base-port {base} leaves no room for {} ports: choose a lower one",
                2 * nodes
            )));
        }
        Ok(Ports { base, nodes, note })
    }

    fn people(&self, index: usize) -> String {
        format!("{HOST}:{}", self.base + index)
    }

    fn peers(&self, index: usize) -> String {
        format!("{HOST}:{}", self.base + self.nodes + index)
    }
}
