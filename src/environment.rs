//! What surrounds the process: variables, the clock, randomness.
use crate::failure::Failure;
use lockstep_protocol::types::Timestamp;
use std::time::SystemTime;

/// The environment variable that names a node for `--rpc`.
pub(crate) const RPC_VARIABLE: &str = "LOCKSTEP_RPC";
/// Names the directory where `--keys` does not.
pub(crate) const DIRECTORY_VARIABLE: &str = "LOCKSTEP_KEYS";
/// Holds the password where `--password-file` names none.
pub(crate) const PASSWORD_VARIABLE: &str = "LOCKSTEP_PASSWORD";

/// Where an export goes, if `--to` does not say: a URL with a password is seen by nobody there.
pub(crate) const EXPORT_VARIABLE: &str = "LOCKSTEP_EXPORT_TO";

/// Variables that are no settings of a node.
pub(crate) const NO_SETTINGS: [&str; 4] = [
    RPC_VARIABLE,
    DIRECTORY_VARIABLE,
    PASSWORD_VARIABLE,
    EXPORT_VARIABLE,
];

/// An environment variable, which must be text; an empty one counts as none.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!(
            "the environment variable {name} is no text: set it anew"
        ))),
    }
}

/// Milliseconds since 1970.
pub(crate) fn wall_clock() -> Result<Timestamp, Failure> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.map_err(|_| Failure::retry("the clock stands before 1970: set it"))?;
    Ok(Timestamp(
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
    ))
}

/// Fills these bytes with randomness.
pub(crate) fn randomize(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| {
        Failure::retry(format!(
            "the operating system gives no randomness: {error}; try again later"
        ))
    })
}
