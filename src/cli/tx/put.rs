//! `lockstep tx put`
use super::{Common, Sender};
use crate::cli::record::Key;
use crate::failure::Failure;
use crate::input::Input;
use clap::Args;
use lockstep_protocol::limits::RECORD_VALUE_BYTES_MAX;
use lockstep_protocol::nouns::transaction::Action;
use std::path::{Path, PathBuf};

/// `lockstep tx put`
#[derive(Args)]
#[command(
    override_usage = "lockstep tx put [OPTIONS] --from <NAME> --key <KEY>\n       <--value <TEXT>|--file <FILE>>"
)]
pub(crate) struct Arguments {
    /// Under which key: a text, or 0x and hex digits; at most 256 bytes
    #[arg(long, value_name = "KEY", value_parser = Key::parse)]
    key: Key,
    #[command(flatten)]
    value: Value,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Value {
    /// What to keep, as a text
    #[arg(long, value_name = "TEXT")]
    value: Option<String>,
    /// What to keep, as a file or a pipe (/dev/stdin, <(…)) of at most 4096 bytes
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let value = match (&arguments.value.value, &arguments.value.file) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(path)) => read(path)?,
        (None, None) => Vec::new(),
    };
    Sender::new(&arguments.common)?.send(Action::Put {
        key: arguments.key.0.clone(),
        value,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let at = path.display();
    let value = Input {
        path: path.to_owned(),
        what: "value",
        bytes_max: RECORD_VALUE_BYTES_MAX + 1,
        check: |_, _| Ok(()),
        is_enough: |_| false,
    };
    let bytes = value.read()?.to_vec();
    if bytes.len() > RECORD_VALUE_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{at} has more than {RECORD_VALUE_BYTES_MAX} bytes, the most that a record holds: keep \
             its hash instead"
        )));
    }
    Ok(bytes)
}
