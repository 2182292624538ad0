//! `genesis.json`: the document that all nodes of a chain share, as people read it. What counts is
//! its hash, which covers the values and not their layout; a copy may be formatted anew.
use crate::failure::Failure;
use crate::hex::{hex, unhex};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::genesis::{
    Genesis, GenesisAccount, GenesisApplication, GenesisValidator,
};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::{Address, ChainId, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's name in a new home.
pub(crate) const FILE: &str = "genesis.json";
/// Room for the largest validator set and hundreds of thousands of accounts.
const BYTES_MAX: u64 = 64 << 20;

/// The end of the year 9999. Behind a genesis of a later time no block comes, whatever the clocks say.
const TIME_MAX: Timestamp = Timestamp(253_402_300_799_999);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    chain_id: ChainId,
    scheme: SchemeId,
    /// Milliseconds since the Unix epoch.
    time: Timestamp,
    parameters: Parameters,
    validators: Vec<Validator>,
    accounts: Vec<Account>,
    /// What chains without any have never written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    applications: Vec<Application>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    version: u32,
    /// `0x` and hex: what its state begins with, as it reads it.
    state: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Validator {
    /// Follows from the key; written for people, and checked.
    address: Address,
    power: u64,
    public_key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    address: Address,
    balance: u64,
}

/// The file's text.
pub(crate) fn text(genesis: &Genesis) -> Result<String, Failure> {
    let validators = genesis.validators.iter().map(|v| Validator {
        address: Address::of(genesis.scheme, &v.public_key),
        power: v.power,
        public_key: hex(&v.public_key),
    });
    let accounts = genesis.accounts.iter().map(|account| Account {
        address: account.address,
        balance: account.balance,
    });
    let applications = genesis.applications.iter().map(|of| Application {
        name: of.name.clone(),
        version: of.version,
        state: hex(&of.state),
    });
    let document = Document {
        chain_id: genesis.chain_id,
        scheme: genesis.scheme,
        time: genesis.time,
        parameters: genesis.parameters,
        validators: validators.collect(),
        accounts: accounts.collect(),
        applications: applications.collect(),
    };
    serde_json::to_string_pretty(&document)
        .map(|text| text + "\n")
        .map_err(|error| Failure::safety(error.to_string()))
}

/// Reads a genesis. Whether its validators and accounts make sense is judged by the node.
pub(crate) fn read(path: &Path) -> Result<Genesis, Failure> {
    let next = "copy it from another node of the chain";
    let text = super::read_text(path, BYTES_MAX, next)?;
    parse(&text).map_err(|why| Failure::usage(format!("{}: {why}; {next}", path.display())))
}

fn parse(text: &str) -> Result<Genesis, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let scheme = document.scheme;
    if document.time > TIME_MAX {
        return Err(format!(
            "its time {} is beyond the year 9999: it counts milliseconds since 1970",
            document.time.0
        ));
    }
    let validator = |v: Validator| {
        let public_key = unhex(&v.public_key).ok_or("a public key is no 0x hex")?;
        let power = v.power;
        let derived = Address::of(scheme, &public_key);
        if derived == v.address {
            Ok(GenesisValidator { public_key, power })
        } else {
            Err(format!(
                "validator {} has a key whose {scheme} address is {derived}",
                v.address
            ))
        }
    };
    let validators = document.validators.into_iter().map(validator);
    let accounts = document.accounts.into_iter().map(|account| GenesisAccount {
        address: account.address,
        balance: account.balance,
    });
    let applications = document.applications.into_iter().map(|of| {
        let Application {
            name,
            version,
            state,
        } = of;
        let state = unhex(&state).ok_or("what an application begins with is no 0x hex")?;
        Ok(GenesisApplication {
            name,
            version,
            state,
        })
    });
    Ok(Genesis {
        chain_id: document.chain_id,
        scheme,
        time: document.time,
        parameters: document.parameters,
        validators: validators.collect::<Result<_, String>>()?,
        accounts: accounts.collect(),
        applications: applications.collect::<Result<_, String>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn genesis() -> Genesis {
        let public_key = vec![7; 9];
        Genesis {
            chain_id: ChainId(7),
            scheme: SchemeId::MlDsa65,
            time: Timestamp(5),
            parameters: Parameters { fee_per_byte: 9 },
            validators: vec![GenesisValidator {
                public_key,
                power: 3,
            }],
            accounts: vec![GenesisAccount {
                address: Address([1; 20]),
                balance: u64::MAX,
            }],
            applications: vec![GenesisApplication {
                name: "token".into(),
                version: 2,
                state: vec![0xff, 0],
            }],
        }
    }

    #[test]
    fn a_genesis_reads_back_with_the_same_hash() {
        let text = text(&genesis()).expect("it is written");
        assert_eq!(parse(&text), Ok(genesis()));
        assert_eq!(parse(&text).map(|g| g.hash()), Ok(genesis().hash()));
    }

    /// The files of chains from before there were applications.
    #[test]
    fn a_genesis_without_applications_does_not_speak_of_them() {
        let mut without = genesis();
        without.applications.clear();
        let text = text(&without).expect("it is written");
        assert!(!text.contains("applications"), "{text}");
        assert_eq!(parse(&text), Ok(without));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let text = text(&genesis()).expect("it is written");
        for (from, to, word) in [
            ("ml-dsa-65", "dilithium3", "address"),
            ("ml-dsa-65", "rsa", "variant"),
            ("0x0707", "0707", "hex"),
            ("0x0707", "0x070", "hex"),
            ("0x0707", "0x+707", "hex"),
            ("\"power\"", "\"might\"", "might"),
            ("\"time\": 5", "\"time\": 18446744073709551615", "year 9999"),
            ("\"time\": 5", "\"time\": 253402300800000", "year 9999"),
            ("\"chain_id\"", "\"chain\"", "chain"),
            ("\"fee_per_byte\"", "\"fee\"", "fee"),
            ("\"fee_per_byte\": 9", "\"fee_per_byte\": -9", "integer"),
            ("0xff00", "0xff0", "hex"),
            ("\"version\": 2", "\"version\": -2", "integer"),
            ("{", "", "expected"),
        ] {
            let error = parse(&text.replacen(from, to, 1)).expect_err(word);
            assert!(error.contains(word), "{word} in {error}");
        }
    }
}

#[cfg(test)]
mod mutated;
