//! `lockstep tx put`
use super::{Common, Sender};
use crate::cli::record::Key;
use crate::failure::Failure;
use clap::Args;
use lockstep_protocol::limits::RECORD_VALUE_BYTES_MAX;
use lockstep_protocol::nouns::transaction::Action;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// `lockstep tx put`
#[derive(Args)]
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
    /// What to keep, as a file of at most 4096 bytes
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
    let failed = |error: std::io::Error| {
        Failure::usage(format!(
            "cannot read {at}: {error}; name a file that this user can read"
        ))
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(RECORD_VALUE_BYTES_MAX as u64 + 1);
    bounded.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > RECORD_VALUE_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{at} has more than {RECORD_VALUE_BYTES_MAX} bytes, the most that a record holds: keep \
             its hash instead"
        )));
    }
    Ok(bytes)
}
