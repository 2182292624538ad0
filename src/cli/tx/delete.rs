//! `lockstep tx delete`
use super::{Common, Sender};
use crate::cli::record::Key;
use crate::failure::Failure;
use clap::Args;
use lockstep_protocol::nouns::transaction::Action;

/// `lockstep tx delete`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The key of the record, as it was put
    #[arg(long, value_name = "KEY", value_parser = Key::parse)]
    key: Key,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let key = arguments.key.bytes()?.to_vec();
    Sender::new(&arguments.common)?.send(Action::Delete { key })
}
