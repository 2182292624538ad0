//! `lockstep keys`: the keys of accounts, each in an encrypted file.
use super::node::Rpc;
use super::scheme;
use crate::config::key::Secret;
use crate::failure::Failure;
use crate::output::{say, say_json};
use crate::wallet::{self, DEVNET_NAMES, Keyring, Password, SealedKey};
use clap::{Args, Subcommand};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::types::DEVNET_CHAIN_ID;
use serde_json::json;
use std::path::{Path, PathBuf};

/// `lockstep keys`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a key from fresh randomness
    New(New),
    /// Name all keys
    List(List),
    /// Show one key: its address, never its secret
    Show(Show),
    /// Take in a key file: an exported one, or one that lockstep testnet has made
    Import(Import),
    /// Copy a key to another place
    Export(Export),
}

/// What all of them understand.
#[derive(Args)]
pub(crate) struct Common {
    #[command(flatten)]
    keyring: Keyring,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `lockstep keys new`
#[derive(Args)]
pub(crate) struct New {
    /// What to call it
    name: String,
    /// Signature scheme: ml-dsa-65 or dilithium3 [default: that of the chain at --rpc; ml-dsa-65 if
    /// nobody answers and none was named]
    #[arg(long, value_parser = scheme)]
    scheme: Option<SchemeId>,
    #[command(flatten)]
    rpc: Rpc,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    common: Common,
}

/// `lockstep keys list`
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    common: Common,
}

/// `lockstep keys show`
#[derive(Args)]
pub(crate) struct Show {
    /// A key, or an account of a devnet
    name: String,
    #[command(flatten)]
    common: Common,
}

/// `lockstep keys import`
#[derive(Args)]
pub(crate) struct Import {
    /// What to call it
    name: String,
    /// The file to take in, which stays as it is
    file: PathBuf,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    common: Common,
}

/// `lockstep keys export`
#[derive(Args)]
pub(crate) struct Export {
    /// Which key
    name: String,
    /// Where to; nothing may be there yet
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Write the secret itself, as a node's key file has it, instead of the encrypted one
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::New(arguments) => new(arguments),
        Command::List(arguments) => list(&arguments.common),
        Command::Show(arguments) => show(&arguments.name, &arguments.common),
        Command::Import(arguments) => import(arguments),
        Command::Export(arguments) => export(arguments),
    }
}

fn new(arguments: &New) -> Result<(), Failure> {
    let (name, common) = (&arguments.name, &arguments.common);
    common.keyring.refuse_if_there(name)?;
    let (scheme, why) = fitting(arguments)?;
    let password = arguments.password.new_one(name)?;
    let secret = Secret::draw(scheme)?;
    let sealed = SealedKey::seal(&secret, &password)?;
    let path = common.keyring.write(name, &sealed)?;
    kept(common, name, &sealed, &path)?;
    match common.json {
        true => Ok(()),
        false => say!("  {why}"),
    }
}

/// The scheme of a new key: a key of another one than the chain's is of no use there. And why this one.
fn fitting(arguments: &New) -> Result<(SchemeId, String), Failure> {
    if let Some(scheme) = arguments.scheme {
        return Ok((
            scheme,
            format!("It is of use on chains that sign with {scheme}."),
        ));
    }
    let node = arguments.rpc.node()?;
    match node.status() {
        Ok(chain) => {
            let (id, scheme) = (chain.chain_id, chain.scheme);
            let url = &node.url;
            Ok((
                scheme,
                format!("It fits chain {id} at {url}, which signs with {scheme}."),
            ))
        }
        Err(failure) if arguments.rpc.named()?.is_some() => Err(Failure {
            message: format!("{}; or say which scheme with --scheme", failure.message),
            ..failure
        }),
        Err(_) => {
            let usual = SchemeId::MlDsa65;
            let why = format!(
                "No chain was asked, for none answers at {}: it is of use on chains that sign with \
                 {usual}; --rpc URL asks one, --scheme names another.",
                node.url
            );
            Ok((usual, why))
        }
    }
}

fn import(arguments: &Import) -> Result<(), Failure> {
    let name = &arguments.name;
    let file = &arguments.file;
    let common = &arguments.common;
    common.keyring.refuse_if_there(name)?;
    let next = "name the file to take in";
    let sealed = match wallet::read(file, next) {
        // It must open, or it would only be found out when the original is gone.
        Ok(sealed) => {
            sealed.check().map_err(|why| wallet::unopened(file, why))?;
            let password = arguments.password.existing(name)?;
            let opened = sealed.open(&password);
            opened.map_err(|why| wallet::unopened(file, why))?;
            sealed
        }
        // What cannot be read as sealed may be a key in clear; why it is neither, that one says.
        Err(_) => {
            let secret = Secret::read(file)?;
            let password = arguments.password.new_one(name)?;
            SealedKey::seal(&secret, &password)?
        }
    };
    let path = common.keyring.write(name, &sealed)?;
    kept(common, name, &sealed, &path)
}

fn kept(common: &Common, name: &str, sealed: &SealedKey, path: &Path) -> Result<(), Failure> {
    if common.json {
        return say_json(&document(name, sealed, path));
    }
    say!("Lockstep key")?;
    print(name, sealed, path)?;
    say!()?;
    say!(
        "  Without this file and its password, what the account holds is lost: keep a copy of both."
    )
}

fn print(name: &str, sealed: &SealedKey, path: &Path) -> Result<(), Failure> {
    say!("  name          {name}")?;
    say!("  address       {}", sealed.address)?;
    say!("  scheme        {}", sealed.scheme)?;
    say!("  file          {}", path.display())
}

fn document(name: &str, sealed: &SealedKey, path: &Path) -> serde_json::Value {
    json!({
        "name": name,
        "address": sealed.address,
        "scheme": sealed.scheme,
        "file": path.display().to_string(),
    })
}

fn list(common: &Common) -> Result<(), Failure> {
    let (mut keys, mut unread) = (Vec::new(), Vec::new());
    for name in common.keyring.names()? {
        match common.keyring.read(&name) {
            Ok(sealed) => keys.push((common.keyring.path(&name)?, name, sealed)),
            Err(failure) => unread.push(failure.message),
        }
    }
    print_list(common, &keys, unread.is_empty())?;
    if unread.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "not all keys are listed: {}",
        unread.join("; ")
    )))
}

fn print_list(
    common: &Common,
    keys: &[(PathBuf, String, SealedKey)],
    is_whole: bool,
) -> Result<(), Failure> {
    let dir = common.keyring.dir()?;
    if common.json {
        let keys = keys.iter().map(|(p, n, s)| document(n, s, p));
        let document = json!({
            "directory": dir.display().to_string(),
            "keys": keys.collect::<Vec<_>>(),
            "devnet": DEVNET_NAMES,
        });
        return say_json(&document);
    }
    if keys.is_empty() && is_whole {
        say!(
            "No keys in {}; lockstep keys new NAME makes one.",
            dir.display()
        )?;
    } else {
        say!("Lockstep keys in {}", dir.display())?;
    }
    let width = keys
        .iter()
        .map(|(_, name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (_, name, sealed) in keys {
        let (address, scheme) = (sealed.address, sealed.scheme);
        say!("  {name:width$}  {address}  {scheme}")?;
    }
    say!(
        "On a devnet (chain {DEVNET_CHAIN_ID}) also {}, whose keys are public.",
        DEVNET_NAMES.join(", ")
    )
}

fn show(name: &str, common: &Common) -> Result<(), Failure> {
    if wallet::is_devnet_name(name) {
        return show_devnet(name, common.json);
    }
    let (sealed, path) = (common.keyring.read(name)?, common.keyring.path(name)?);
    if common.json {
        return say_json(&document(name, &sealed, &path));
    }
    say!("Lockstep key")?;
    print(name, &sealed, &path)
}

fn show_devnet(name: &str, json: bool) -> Result<(), Failure> {
    let mut addresses = serde_json::Map::new();
    for scheme in SchemeId::ALL {
        let account = wallet::account(name, scheme, DEVNET_CHAIN_ID)?;
        addresses.insert(scheme.to_string(), json!(account.address));
    }
    if json {
        let document = json!({ "name": name, "public": true, "addresses": addresses });
        return say_json(&document);
    }
    say!("Account of every devnet; its key is public")?;
    say!("  name          {name}")?;
    for (scheme, address) in &addresses {
        let address = address.as_str().unwrap_or("-");
        say!("  address       {address}  {scheme}")?;
    }
    Ok(())
}

fn export(arguments: &Export) -> Result<(), Failure> {
    let name = &arguments.name;
    let output = &arguments.output;
    let common = &arguments.common;
    let sealed = common.keyring.read(name)?;
    if arguments.plain {
        common
            .keyring
            .open(name, &arguments.password)?
            .write(output)?;
    } else {
        wallet::write_sealed(output, &sealed)?;
    }
    if common.json {
        let mut document = document(name, &sealed, output);
        document["encrypted"] = json!(!arguments.plain);
        return say_json(&document);
    }
    say!("Lockstep key, copied")?;
    print(name, &sealed, output)?;
    if arguments.plain {
        say!()?;
        say!("  The secret stands in it in clear: whoever reads it can spend.")?;
    }
    Ok(())
}
