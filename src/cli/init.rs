//! `lockstep init`: the home of a chain with one validator.
use super::{Failure, home_arguments::Account, say, scheme};
use crate::config::home;
use crate::config::key::Secret;
use clap::Args;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::parameters::Parameters;
use lockstep_protocol::types::ChainId;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `lockstep init`
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to make it; nothing may be there yet
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
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
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let dir = &arguments.home;
    let accounts = Account::of_genesis(&arguments.account)?;
    home::claim(dir)?;
    let keys = [Secret::draw(arguments.scheme)?];
    let chain_id = ChainId(arguments.chain_id);
    let parameters = Parameters {
        fee_per_byte: arguments.fee_per_byte,
    };
    let genesis = home::new_chain(chain_id, arguments.scheme, parameters, &keys, accounts)?;
    let [key] = keys;
    home::write(dir, &key, &genesis, &BTreeMap::new(), &[])?;
    say(format_args!("Lockstep home"))?;
    say(format_args!("  chain id      {}", genesis.chain_id))?;
    say(format_args!("  genesis hash  {}", genesis.hash()))?;
    say(format_args!("  scheme        {}", genesis.scheme))?;
    say(format_args!("  validator     {}", key.address))?;
    say(format_args!("  home          {}", dir.display()))?;
    say(format_args!(""))?;
    say(format_args!(
        "  Keep {} secret, and use it on one node only; the record beside it says what it has signed.",
        dir.join(crate::config::key::FILE).display()
    ))?;
    say(format_args!("  lockstep start --home {}", dir.display()))
}
