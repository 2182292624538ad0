//! Which chain a devnet has: what its flags say, what a genesis says, or what its directory kept.
use super::super::{scheme, validators};
use super::state::State;
use crate::config::genesis;
use crate::failure::Failure;
use clap::Args;
use lockstep_devnet::{Accounts, Builder, Devnet, limits::ACCOUNTS_MAX};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::genesis::{Genesis, GenesisAccount};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::Address;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What decides about the genesis. With `--state` a flag that is left out is as it was kept.
#[derive(Args)]
pub(crate) struct ChainArguments {
    /// How many validators, 1 to 128 [default: 4]
    #[arg(long, value_name = "N", value_parser = validators)]
    validators: Option<usize>,
    /// Signature scheme: dilithium3 or ml-dsa-65 [default: dilithium3]
    #[arg(long, value_parser = scheme)]
    scheme: Option<SchemeId>,
    /// How many accounts with names and public keys: alice, bob, carol, dave, account4, …
    /// [default: 4]
    #[arg(long, value_name = "N", value_parser = accounts)]
    accounts: Option<usize>,
    /// What each of them holds at genesis [default: 1000000000000]
    #[arg(long, value_name = "AMOUNT")]
    balance: Option<u64>,
    /// Take their keys from this word instead of those of every devnet; they are public either way
    #[arg(long, value_name = "WORD")]
    seed: Option<String>,
    /// What a transaction pays at least for each of its bytes; 0: no fees [default: 1]
    #[arg(long, value_name = "AMOUNT")]
    fee_per_byte: Option<u64>,
    /// Begin with the accounts, the parameters and the time of this genesis.json; validators and
    /// accounts with names are the devnet's own
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

fn accounts(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    count
        .filter(|count| (1..=ACCOUNTS_MAX).contains(count))
        .ok_or_else(|| format!("a devnet funds 1 to {ACCOUNTS_MAX} accounts"))
}

/// What a directory keeps of a devnet besides its genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chain {
    validators: usize,
    scheme: SchemeId,
    accounts: usize,
    balance: u64,
    seed: Option<String>,
    fee_per_byte: u64,
}

impl Default for Chain {
    fn default() -> Chain {
        let accounts = Accounts::default();
        Chain {
            validators: 4,
            scheme: SchemeId::Dilithium3,
            accounts: accounts.count,
            balance: accounts.balance,
            seed: accounts.seed,
            fee_per_byte: Parameters::default().fee_per_byte,
        }
    }
}

impl Chain {
    fn builder(&self) -> Builder {
        let accounts = Accounts {
            count: self.accounts,
            balance: self.balance,
            seed: self.seed.clone(),
        };
        let fee_per_byte = self.fee_per_byte;
        Devnet::builder()
            .applications(crate::applications::known())
            .validators(self.validators)
            .scheme(self.scheme)
            .accounts(accounts)
            .parameters(Parameters { fee_per_byte })
    }
}

impl ChainArguments {
    /// A devnet of this chain, and what is to be kept of it.
    pub(super) fn resolve(&self, state: Option<&State>) -> Result<(Builder, Chain), Failure> {
        let kept = state.map(State::read).transpose()?.flatten();
        let Some((kept, genesis)) = kept else {
            return self.fresh();
        };
        self.compare(&kept)?;
        if self.genesis.is_some() {
            let (asked, _) = self.over(kept.clone())?;
            if asked.genesis()?.hash() != genesis.hash() {
                return Err(differs("--genesis is another one", "begun already"));
            }
        }
        Ok((kept.builder().begin_with(genesis), kept))
    }

    fn fresh(&self) -> Result<(Builder, Chain), Failure> {
        let usual = Chain::default();
        let chain = Chain {
            validators: self.validators.unwrap_or(usual.validators),
            scheme: self.scheme.unwrap_or(usual.scheme),
            accounts: self.accounts.unwrap_or(usual.accounts),
            balance: self.balance.unwrap_or(usual.balance),
            seed: self.seed.clone(),
            fee_per_byte: self.fee_per_byte.unwrap_or(usual.fee_per_byte),
        };
        self.over(chain)
    }

    /// The chain, with what the genesis of `--genesis` says besides.
    fn over(&self, mut chain: Chain) -> Result<(Builder, Chain), Failure> {
        let Some(path) = &self.genesis else {
            return Ok((chain.builder(), chain));
        };
        let given = genesis::read(path)?;
        if let Some(asked) = self.scheme.filter(|asked| *asked != given.scheme) {
            return Err(Failure::usage(format!(
                "--scheme {asked}, but the accounts of {} are for {}: leave --scheme out",
                path.display(),
                given.scheme
            )));
        }
        chain.scheme = given.scheme;
        let asked = self.fee_per_byte;
        chain.fee_per_byte = asked.unwrap_or(given.parameters.fee_per_byte);
        let own = chain.builder().genesis()?;
        // One that names none begins those of this build with nothing.
        let applications = match given.applications.is_empty() {
            true => own.applications,
            false => given.applications,
        };
        let genesis = Genesis {
            applications,
            time: given.time,
            accounts: together(&own.accounts, &given.accounts),
            ..own
        };
        Ok((chain.builder().begin_with(genesis), chain))
    }

    /// A flag that says other than what was kept is no typing error to pass over.
    fn compare(&self, kept: &Chain) -> Result<(), Failure> {
        same("--validators", self.validators.as_ref(), &kept.validators)?;
        same("--scheme", self.scheme.as_ref(), &kept.scheme)?;
        same("--accounts", self.accounts.as_ref(), &kept.accounts)?;
        same("--balance", self.balance.as_ref(), &kept.balance)?;
        let seed = kept.seed.clone().unwrap_or_default();
        same("--seed", self.seed.as_ref(), &seed)?;
        let fee = self.fee_per_byte.as_ref();
        same("--fee-per-byte", fee, &kept.fee_per_byte)
    }
}

fn same<T: PartialEq + std::fmt::Display>(
    flag: &str,
    asked: Option<&T>,
    kept: &T,
) -> Result<(), Failure> {
    match asked {
        Some(asked) if asked != kept => Err(differs(&format!("{flag} says {asked}"), kept)),
        _ => Ok(()),
    }
}

fn differs(asked: &str, kept: impl std::fmt::Display) -> Failure {
    Failure::safety(format!(
        "{asked}, but what is kept there belongs to the chain of a devnet that has {kept}: leave the \
         flag out to go on with it, or choose another data directory with --state"
    ))
}

/// By address; of one that both have, the given balance.
fn together(own: &[GenesisAccount], given: &[GenesisAccount]) -> Vec<GenesisAccount> {
    let all = own.iter().chain(given);
    let all: BTreeMap<Address, u64> = all.map(|it| (it.address, it.balance)).collect();
    let account = |(address, balance)| GenesisAccount { address, balance };
    all.into_iter().map(account).collect()
}
