//! One file per subcommand, and what they share.
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::limits::VALIDATORS_MAX;

pub(crate) mod account;
mod allowance;
pub(crate) mod arm;
pub(crate) mod bench;
pub(crate) mod block;
pub(crate) mod devnet;
pub(crate) mod export;
pub(crate) mod faucet;
mod floor;
pub(crate) mod history;
mod home_arguments;
mod http;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod light;
mod memory;
mod node;
mod ports;
pub(crate) mod process;
pub(crate) mod query;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod shell_help;
mod signals;
pub(crate) mod simulate;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod testnet;
pub(crate) mod timeline;
pub(crate) mod top;
pub(crate) mod tx;
pub(crate) mod validators;
pub(crate) mod verify;
mod who;

/// `--validators`
pub(crate) fn validators(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    count
        .filter(|count| (1..=VALIDATORS_MAX).contains(count))
        .ok_or_else(|| format!("a network begins with 1 to {VALIDATORS_MAX} validators"))
}

/// `--scheme`
pub(crate) fn scheme(text: &str) -> Result<SchemeId, String> {
    text.parse()
        .map_err(|error: lockstep_protocol::crypto::UnknownScheme| error.to_string())
}
