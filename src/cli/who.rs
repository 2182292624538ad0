//! Who is meant: an address, a key of this user, the key file of a node, or an account of a devnet.
use super::node::NodeStatus;
use crate::config::key::Secret;
use crate::failure::Failure;
use crate::wallet::{self, DEVNET_NAMES, Keyring, Password, SealedKey};
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::types::{Address, DEVNET_CHAIN_ID};
use std::path::Path;
use std::sync::Arc;

/// Whether this is the path of a key file: no name has a slash.
fn is_path(text: &str) -> bool {
    text.contains(std::path::MAIN_SEPARATOR)
}

/// The key in a node's key file, on the node's chain. A running node keeps it locked; this takes no
/// lock, because it signs transactions only: their bytes begin with another word than those of votes,
/// so none can be read as a vote, and the node's record of what it has signed stays whole.
fn of_file(path: &str, chain: &NodeStatus) -> Result<Secret, Failure> {
    let key = Secret::read(Path::new(path))?;
    if key.scheme == chain.scheme {
        return Ok(key);
    }
    Err(Failure::usage(format!(
        "the key file {path} is for {}, but chain {} signs with {}: name a key made for it",
        key.scheme, chain.chain_id, chain.scheme
    )))
}

/// The address behind `text`, on the node's chain.
pub(super) fn address(
    text: &str,
    keyring: &Keyring,
    chain: &NodeStatus,
) -> Result<Address, Failure> {
    if text.starts_with("0x") {
        let parsed = text.parse();
        return parsed.map_err(|error| Failure::usage(format!("{error}: copy the whole address")));
    }
    if let Some(digits) = digits_of_address(text) {
        return Err(Failure::usage(format!(
            "{text} is no name of a key, and an address begins with 0x: write 0x{digits}"
        )));
    }
    if wallet::is_devnet_name(text) {
        return Ok(wallet::account(text, chain.scheme, chain.chain_id)?.address);
    }
    if is_path(text) {
        return Ok(of_file(text, chain)?.address);
    }
    let next = "name another key, or an address of that chain";
    Ok(of_scheme(text, keyring, chain, next)?.address)
}

/// Of an address that lacks its 0x, or has it in capitals: no key has so long a name of such letters
/// alone but by chance.
fn digits_of_address(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("0X").unwrap_or(text);
    let is_hex = digits.len() == 40 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then_some(digits)
}

/// The key called `name`, opened to sign on the node's chain.
pub(super) fn signer(
    name: &str,
    keyring: &Keyring,
    password: &Password,
    chain: &NodeStatus,
) -> Result<Arc<dyn Signer>, Failure> {
    if name.starts_with("0x") {
        return Err(Failure::usage(format!(
            "{name} is an address, and signing takes its key: name the key with --from; lockstep \
             keys list shows which there are"
        )));
    }
    if wallet::is_devnet_name(name) {
        return Ok(wallet::account(name, chain.scheme, chain.chain_id)?.signer());
    }
    if is_path(name) {
        return Ok(of_file(name, chain)?.signer);
    }
    // Nobody types a password for a key that cannot sign here.
    let scheme = chain.scheme;
    let next = format!("lockstep keys new NAME --scheme {scheme} makes one for it");
    of_scheme(name, keyring, chain, &next)?;
    Ok(keyring.open(name, password)?.signer.clone())
}

/// The key called `name`, if it is one for the chain; `next` says what to do if it is not.
fn of_scheme(
    name: &str,
    keyring: &Keyring,
    chain: &NodeStatus,
    next: &str,
) -> Result<SealedKey, Failure> {
    if Path::new(name).is_file() {
        return Err(Failure::usage(format!(
            "{name} is no name of a key: write the path of a key file with a slash, ./{name}"
        )));
    }
    let others: &[&str] = match chain.chain_id == DEVNET_CHAIN_ID {
        true => &DEVNET_NAMES,
        false => &[],
    };
    let key = keyring.read_or(name, others)?;
    if key.scheme == chain.scheme {
        return Ok(key);
    }
    Err(Failure::usage(format!(
        "the key {name} is for {}, but chain {} signs with {}: {next}",
        key.scheme, chain.chain_id, chain.scheme
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_hex_digits_are_an_address_that_lacks_its_beginning() {
        let digits = "370b0e42646ecdb159fd8bcc655e98cbd0eb092e";
        for text in [digits.to_owned(), format!("0X{digits}")] {
            assert_eq!(digits_of_address(&text), Some(digits));
        }
        for name in ["bob", &digits[1..], &digits.replace('3', "g"), ""] {
            assert_eq!(digits_of_address(name), None, "{name}");
        }
    }
}
