//! `lockstep tx call`
use super::{Common, Sender};
use crate::cli::query::{Data, application_name, data};
use crate::failure::Failure;
use clap::Args;
use lockstep_protocol::nouns::transaction::Action;

/// `lockstep tx call`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The application: a node lists those of its chain at /applications
    #[arg(value_name = "NAME", value_parser = application_name)]
    name: String,
    /// What it shall do, in its own words: 0x and hex digits, at most 8192 bytes
    #[arg(long, value_name = "HEX", value_parser = data)]
    data: Data,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    Sender::new(&arguments.common)?.send(Action::Call {
        application: arguments.name.clone(),
        data: arguments.data.0.clone(),
    })
}
