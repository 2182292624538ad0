//! `lockstep init`: the home of a chain with one validator, or of a node that joins a chain.
use super::home_arguments::Account;
use super::ports::{Place, place};
use super::scheme;
use crate::config::key::{self, Secret};
use crate::config::peers::{self, PeerEntry};
use crate::config::{file, genesis, home};
use crate::failure::Failure;
use crate::output::{say, say_json, shell};
use clap::Args;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::proofs::light_client::Checkpoint;
use lockstep_protocol::types::ChainId;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The public key of a new home, for whoever adds it to the validators.
const PUBLIC_KEY_FILE: &str = "validator.pub";

/// `lockstep init`
#[derive(Args)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Arguments {
    /// Where to make it; nothing may be there yet
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Join the chain of this genesis: a copy of another node's genesis.json. The home gets a new
    /// key, and follows until the chain's validators add it
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["chain_id", "scheme", "account", "fee_per_byte"])]
    genesis: Option<PathBuf>,
    /// A node of the chain that is joined, by its validator; may be repeated
    #[arg(long, value_name = "0x…@HOST:PORT", requires = "genesis")]
    peer: Vec<String>,
    /// A block of the chain that is joined, from a node or a person that you trust: the new node takes
    /// no other one at that height. Without it, it believes whoever once held two thirds of the power
    #[arg(long, value_name = "HASH@HEIGHT", requires = "genesis")]
    trusted: Option<Checkpoint>,
    /// The chain's number, part of every signature
    #[arg(long, default_value_t = 1, value_name = "ID")]
    chain_id: u64,
    /// Signature scheme: ml-dsa-65 or dilithium3
    #[arg(long, default_value = "ml-dsa-65", value_parser = scheme)]
    scheme: SchemeId,
    /// An account that holds this much from the start; may be repeated
    #[arg(long, value_name = "ADDRESS=BALANCE", value_parser = Account::parse)]
    account: Vec<Account>,
    /// What a transaction pays at least for each of its bytes, in the chain's smallest unit
    #[arg(long, default_value_t = Parameters::default().fee_per_byte, value_name = "N")]
    fee_per_byte: u64,
    /// Where the other validators reach the node [default: 9545, or the next port that is free now]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    peer_port: Option<u16>,
    /// Where people ask the node, on this machine [default: 8545, or the next port that is free now]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    rpc_port: Option<u16>,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

/// Where the node of the new home listens.
struct Places {
    peers: Place,
    people: Place,
}

impl Places {
    fn of(arguments: &Arguments) -> Places {
        Places {
            peers: place("peer_listen", arguments.peer_port),
            people: place("rpc_listen", arguments.rpc_port),
        }
    }

    fn settings(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("peer_listen", self.peers.listens.clone()),
            ("rpc_listen", self.people.listens.clone()),
        ])
    }
}

/// What was made, for whoever tells people.
struct Made {
    genesis: Genesis,
    key: Secret,
    places: Places,
    peers: Vec<PeerEntry>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // clap forgets what is required as soon as that conflicts with another argument.
    let joins = arguments.trusted.is_some() || !arguments.peer.is_empty();
    if joins && arguments.genesis.is_none() {
        return Err(Failure::usage(
            "--peer and --trusted are of a chain that is joined: name its --genesis FILE as well, a \
             copy of another node's genesis.json, and none of --chain-id, --scheme, --account and \
             --fee-per-byte; or leave them out to begin a chain",
        ));
    }
    let made = make(arguments)?;
    if arguments.json {
        return print_json(&arguments.home, &made);
    }
    print(&arguments.home, &made)?;
    match arguments.genesis {
        Some(_) => print_how_to_join(arguments, &made),
        None => {
            say!()?;
            if made.genesis.accounts.is_empty() && arguments.fee_per_byte > 0 {
                say!(
                    "  No account holds anything, so nobody can ever pay for a transaction, nor join:"
                )?;
                say!(
                    "  make it anew with --account ADDRESS=BALANCE if that is not what you want."
                )?;
            }
            print_what_is_secret(&arguments.home)?;
            say!("  lockstep start --home {}", shell::word(&arguments.home))
        }
    }
}

fn make(arguments: &Arguments) -> Result<Made, Failure> {
    match &arguments.genesis {
        Some(genesis) => join(arguments, genesis),
        None => begin(arguments),
    }
}

/// A home with a key that the chain does not know yet.
fn join(arguments: &Arguments, genesis: &Path) -> Result<Made, Failure> {
    let dir = &arguments.home;
    // clap would repeat what it refuses.
    let peers = peers::parse_each(&arguments.peer)?;
    let genesis = genesis::read(genesis)?;
    let places = Places::of(arguments);
    let key = Secret::draw(genesis.scheme)?;
    let mut values = places.settings();
    values.insert("follow", "true".to_owned());
    let trusted = arguments
        .trusted
        .map(|block| ("trusted", block.to_string()));
    values.extend(trusted);
    home::make(dir, || {
        home::write(dir, &key, &genesis, &values, &peers)?;
        let text = crate::hex::hex(&key.public_key) + "\n";
        home::write_text(&dir.join(PUBLIC_KEY_FILE), &text)
    })?;
    Ok(Made {
        genesis,
        key,
        places,
        peers,
    })
}

fn begin(arguments: &Arguments) -> Result<Made, Failure> {
    let dir = &arguments.home;
    let accounts = Account::of_genesis(&arguments.account)?;
    let keys = [Secret::draw(arguments.scheme)?];
    let chain_id = ChainId(arguments.chain_id);
    let parameters = Parameters {
        fee_per_byte: arguments.fee_per_byte,
    };
    let genesis = home::new_chain(chain_id, arguments.scheme, parameters, &keys, accounts)?;
    let [key] = keys;
    let places = Places::of(arguments);
    home::make(dir, || {
        home::write(dir, &key, &genesis, &places.settings(), &[])
    })?;
    Ok(Made {
        genesis,
        key,
        places,
        peers: Vec::new(),
    })
}

fn print_how_to_join(arguments: &Arguments, made: &Made) -> Result<(), Failure> {
    let dir = &arguments.home;
    let public_key = dir.join(PUBLIC_KEY_FILE);
    say!("  public key    {}", public_key.display())?;
    match arguments.trusted {
        Some(block) => say!("  trusted       {block}")?,
        None => say!("  trusted       the genesis alone")?,
    }
    say!()?;
    print_what_is_secret(dir)?;
    if made.peers.is_empty() {
        say!("  Name its peers in {}.", dir.join(file::FILE).display())?;
    }
    say!("  Name it among the peers of the others, with follow = true there, before they vote.")?;
    say!("  lockstep start --home {}", shell::word(dir))?;
    say!(
        "  Once it has caught up, validators with more than two thirds of the power make it one:"
    )?;
    say!(
        "  lockstep tx update-validator --key {} --power 1 --from HOME/validator.key",
        shell::word(&public_key)
    )?;
    say!("  each from its own home, and then this node says that it is ready:")?;
    say!(
        "  lockstep tx declare-ready --from {} --rpc {}",
        shell::word(&dir.join(key::FILE)),
        shell::word_of(&format!("http://{}", made.places.people.listens))
    )?;
    say!("  Each of these transactions costs a fee: pay it to the validators' addresses before.")
}

fn print_what_is_secret(dir: &Path) -> Result<(), Failure> {
    say!(
        "  Keep {} secret, and use it on one node only; the record beside it says what it has signed.",
        dir.join(key::FILE).display()
    )
}

/// The names are those of `lockstep start --json`.
fn print_json(dir: &Path, made: &Made) -> Result<(), Failure> {
    let Made { genesis, key, .. } = made;
    say_json(&json!({
        "home": dir,
        "validator": key.address,
        "public_key": crate::hex::hex(&key.public_key),
        "chain_id": genesis.chain_id,
        "genesis_hash": genesis.hash(),
        "scheme": genesis.scheme.to_string(),
        "rpc": format!("http://{}", made.places.people.listens),
        "peers": made.places.peers.listens,
    }))
}

fn print(dir: &Path, made: &Made) -> Result<(), Failure> {
    let note = |place: &Place| match &place.note {
        Some(note) => format!("  ({note})"),
        None => String::new(),
    };
    let Made { genesis, key, .. } = made;
    let Places { peers, people } = &made.places;
    say!("Lockstep home")?;
    say!("  chain id      {}", genesis.chain_id)?;
    say!("  genesis hash  {}", genesis.hash())?;
    say!("  scheme        {}", genesis.scheme)?;
    say!("  validator     {}", key.address)?;
    say!("  people        http://{}{}", people.listens, note(people))?;
    say!("  peers         {}{}", peers.listens, note(peers))?;
    say!("  home          {}", dir.display())
}

#[cfg(test)]
mod accepted;
