//! How a command ends that does not end well.
use crate::remedy;
use lockstep_devnet::DevnetError;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;

/// One clear line and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) exit_code: u8,
}

/// A document of what a command came to, for programs: also of one that fails.
pub(crate) fn outcome(
    known: &impl Serialize,
    done: &Result<(), Failure>,
) -> Result<Value, Failure> {
    let known = serde_json::to_value(known);
    let known = known.map_err(|error| Failure::safety(error.to_string()))?;
    Ok(match done {
        Ok(()) => known,
        Err(failure) => failure.add_to(known),
    })
}

impl Failure {
    fn new(exit_code: u8, message: impl Into<String>) -> Failure {
        let message = message.into();
        Failure { message, exit_code }
    }

    /// May be retried.
    pub(crate) fn retry(message: impl Into<String>) -> Failure {
        Failure::new(1, message)
    }

    /// A document of what is known all the same, with how the command fails.
    pub(crate) fn add_to(&self, mut document: Value) -> Value {
        document["ok"] = json!(false);
        document["error"] = json!(self.message);
        document["exit_code"] = json!(self.exit_code);
        document
    }

    /// Whether trying again may help.
    pub(crate) fn may_be_retried(&self) -> bool {
        self.exit_code == 1
    }

    /// Usage or configuration.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(2, message)
    }

    /// Data that is not what it should be.
    pub(crate) fn corrupt(message: impl Into<String>) -> Failure {
        Failure::new(3, message)
    }

    /// Going on would be unsafe.
    pub(crate) fn safety(message: impl Into<String>) -> Failure {
        Failure::new(4, message)
    }
}

/// Where a flag is the remedy, it is named here: a devnet does not know the command line.
impl From<DevnetError> for Failure {
    fn from(error: DevnetError) -> Failure {
        let message = match &error {
            DevnetError::Listen {
                index,
                address,
                error,
            } => format!(
                "node {index} cannot listen on {address}: {error}; choose another --rpc-port, or 0"
            ),
            DevnetError::Directory { dir, error } => format!(
                "cannot make the directory {}: {error}; {}",
                dir.display(),
                remedy::of_writing(error, another_place(dir))
            ),
            DevnetError::NoBlock { heights, .. } if heights.iter().all(Option::is_some) => {
                let said = error.to_string();
                let (what, _) = said.rsplit_once(": ").unwrap_or((&said, ""));
                format!(
                    "{what}: give it fewer --validators or a machine with less to do; --log info \
                     says what these nodes wait for"
                )
            }
            other => other.to_string(),
        };
        Failure {
            message,
            exit_code: error.exit_code(),
        }
    }
}

/// Where a directory cannot be made: that of temporary files is the environment's.
fn another_place(dir: &Path) -> &'static str {
    match dir.starts_with(std::env::temp_dir()) {
        true => "name another directory of temporary files with TMPDIR",
        false => "choose another --home",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `simulate --json` and `bench soak --json` printed a report that looked like a success.
    #[test]
    fn what_is_known_of_a_command_that_fails_says_that_it_fails() {
        let known = json!({ "worlds": 3 });
        let document = outcome(&known, &Ok(())).expect("it is JSON");
        assert_eq!(document, known);
        let failed = Err(Failure::safety("1 of 3 worlds broke a property"));
        let document = outcome(&known, &failed).expect("it is JSON");
        let expected = json!({
            "worlds": 3, "ok": false, "error": "1 of 3 worlds broke a property", "exit_code": 4,
        });
        assert_eq!(document, expected);
    }
}
