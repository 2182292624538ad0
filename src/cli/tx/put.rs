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
    /// What to keep, as a text of at most 4096 bytes
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
    let key = arguments.key.bytes()?.to_vec();
    if value.len() > RECORD_VALUE_BYTES_MAX {
        let what = arguments.value.file.as_ref();
        let what = what.map_or("the value".into(), |path| path.display().to_string());
        return Err(Failure::usage(format!(
            "{what} has more than {RECORD_VALUE_BYTES_MAX} bytes, the most that a record holds: keep \
             its hash instead"
        )));
    }
    Sender::new(&arguments.common)?.send(Action::Put { key, value })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let value = Input {
        path: path.to_owned(),
        what: "value",
        bytes_max: RECORD_VALUE_BYTES_MAX + 1,
        check: |_, _| Ok(()),
        is_enough: |_| false,
    };
    Ok(value.read()?.to_vec())
}
