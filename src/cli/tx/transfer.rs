//! `lockstep tx transfer`
use super::{Common, Sender};
use crate::failure::Failure;
use clap::Args;
use lockstep_protocol::nouns::transaction::Action;

/// `lockstep tx transfer`
#[derive(Args)]
#[command(
    override_usage = "lockstep tx transfer [OPTIONS] --from <NAME>\n       --to <ADDRESS> --amount <AMOUNT>"
)]
pub(crate) struct Arguments {
    /// Who receives: an address, or the name of a key
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// How much, in the chain's smallest unit
    #[arg(long, value_name = "AMOUNT")]
    amount: u64,
    /// A word for the receiver, at most 256 bytes; everybody can read it
    #[arg(
        long,
        default_value = "",
        value_name = "TEXT",
        hide_default_value = true
    )]
    memo: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let sender = Sender::new(&arguments.common)?;
    sender.send(Action::Transfer {
        to: sender.address(&arguments.to)?,
        amount: arguments.amount,
        memo: arguments.memo.clone(),
    })
}
