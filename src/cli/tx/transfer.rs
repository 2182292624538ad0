//! `lockstep tx transfer`
use super::{Common, Sender};
use crate::failure::Failure;
use clap::Args;
use lockstep_protocol::limits::MEMO_BYTES_MAX;
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
    /// Send it although the account does not hold the amount; if it still does not when a block
    /// carries it, only the fee is paid
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bytes = arguments.memo.len();
    if bytes > MEMO_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the memo has {bytes} bytes, and one has at most {MEMO_BYTES_MAX}: shorten it"
        )));
    }
    let mut sender = Sender::new(&arguments.common)?;
    sender.is_forced = arguments.force;
    sender.send(Action::Transfer {
        to: sender.address(&arguments.to)?,
        amount: arguments.amount,
        memo: arguments.memo.clone(),
    })
}
