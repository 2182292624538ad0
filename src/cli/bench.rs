//! `lockstep bench`: figures of this machine, printed, not asserted (but for `soak`).
use super::{allowance, scheme};
use crate::config::values::DurabilityArgument;
use crate::failure::Failure;
use crate::output::{self, say_json};
use clap::Args;
use lockstep_devnet::{Builder, Devnet};
use lockstep_protocol::crypto::SchemeId;
use serde::Serialize;

mod consensus;
mod faults;
mod growth;
mod soak;
mod sync;
mod transactions;

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Blocks per second of a devnet at block time 0, beside the signature floor of the same run
    Consensus(consensus::ConsensusArguments),
    /// Blocks per second of a node that catches up with a whole chain
    Sync(sync::SyncArguments),
    /// The block interval with one of four dead beside that of four, and the way back from two dead
    Faults(faults::FaultsArguments),
    /// Signed transactions per second over HTTP until they are committed, beside the verify-once floor
    Transactions(transactions::TransactionsArguments),
    /// What more validators and more accounts cost: two tables
    Growth(growth::GrowthArguments),
    /// Whether four nodes stay small for half an hour: memory, descriptors, disk
    Soak(soak::SoakArguments),
}

/// What every benchmark takes. One whose figures were always those of another scheme has that one as
/// its default.
#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Signature scheme: dilithium3 or ml-dsa-65
    #[arg(long, default_value = "ml-dsa-65", value_parser = scheme)]
    scheme: SchemeId,
    /// What a commit survives
    #[arg(long, value_enum, default_value = "process")]
    durability: DurabilityArgument,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Log filter, as for RUST_LOG
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl BenchArguments {
    fn start_log(&self) -> Result<(), Failure> {
        output::log::start_of_several(self.log.as_deref(), "error")
    }

    /// Prints a report: as one object, or as `print` does for people.
    fn show<R: Serialize>(
        &self,
        report: &R,
        print: impl FnOnce(&R) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.json {
            true => say_json(report),
            false => print(report),
        }
    }

    /// A devnet of so many validators, of this scheme and durability, for which there is room.
    fn devnet(&self, validators: usize) -> Result<Builder, Failure> {
        let builder = Devnet::builder()
            .validators(validators)
            .scheme(self.scheme)
            .durability(self.durability.into());
        allowance::for_devnet(builder)
    }
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Consensus(arguments) => consensus::run(arguments),
        Command::Sync(arguments) => sync::run(arguments),
        Command::Faults(arguments) => faults::run(arguments),
        Command::Transactions(arguments) => transactions::run(arguments),
        Command::Growth(arguments) => growth::run(arguments),
        Command::Soak(arguments) => soak::run(arguments),
    }
}

/// The height that every node has committed.
fn lowest(devnet: &Devnet) -> u64 {
    devnet.heights().into_iter().flatten().min().unwrap_or(0)
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    let index = (sorted.len().saturating_sub(1) as f64 * q).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_of_few_values() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[3.0], 0.99), 3.0);
        let hundred: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!(
            (quantile(&hundred, 0.5), quantile(&hundred, 0.99)),
            (51.0, 100.0)
        );
    }
}
