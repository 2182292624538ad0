//! `lockstep bench growth`: what more validators and more accounts cost, as two tables.
use super::{BenchArguments, consensus};
use crate::cli::floor;
use crate::failure::Failure;
use crate::output::{say, tell};
use clap::Args;
use lockstep_devnet::{Builder, ChainError, Devnet, FundedAccount, LoneLedger};
use lockstep_devnet::{crowd_address, load_accounts};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::Transaction;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// `lockstep bench growth`
#[derive(Args)]
pub(crate) struct GrowthArguments {
    /// How long to measure each number of validators
    #[arg(long, default_value_t = 5, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Numbers of validators, all of them in this process
    #[arg(long, default_values_t = [1, 4, 7, 10, 16], value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u64).range(1..=128))]
    validators: Vec<u64>,
    /// Numbers of accounts in one node's ledger
    #[arg(long, default_values_t = [100, 10_000, 1_000_000], value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    accounts: Vec<u64>,
    #[command(flatten)]
    bench: BenchArguments,
}

/// What was measured.
#[derive(Serialize)]
struct Report {
    validators: Vec<ValidatorsRow>,
    accounts: Vec<AccountsRow>,
    transfers_per_block: u64,
    scheme: SchemeId,
    durability: &'static str,
    sign_us: f64,
    verify_us: f64,
}

/// So many validators at block time 0, all in this process.
#[derive(Serialize)]
struct ValidatorsRow {
    validators: usize,
    blocks: u64,
    blocks_per_second: f64,
    cpu_ms_per_block: Option<f64>,
    /// Of an eager protocol for one block: 2n² − n − 1.
    verifications: u64,
    /// CPU that its signatures (2n + 1) and verifications cost alone, in milliseconds.
    signatures_ms_per_block: f64,
    /// The CPU of a block over that. Without a cliff it does not rise.
    ratio: Option<f64>,
    floor_ratio: f64,
    max_round: u32,
}

/// One node's ledger with so many accounts.
#[derive(Serialize)]
struct AccountsRow {
    accounts: u64,
    genesis_ms: f64,
    /// To execute and write a block of transfers, in the median.
    block_ms: f64,
    us_per_transfer: f64,
    /// Of one account, on the average.
    proof_bytes: f64,
}

/// Transfers in each block, of as many senders: each touches accounts of its own.
const TRANSFERS: u64 = 64;
/// Blocks of each size of the state that are measured.
const BLOCKS: u64 = 50;
/// Blocks before: the senders' keys are put on record in the first.
const WARM_UP_BLOCKS: u64 = 3;
/// Accounts whose proofs are measured.
const PROOFS: u64 = 100;

pub(crate) fn run(arguments: &GrowthArguments) -> Result<(), Failure> {
    arguments.bench.start_log()?;
    let report = measure(arguments)?;
    arguments.bench.show(&report, print)
}

fn measure(arguments: &GrowthArguments) -> Result<Report, Failure> {
    let bench = &arguments.bench;
    let floor = floor::measure(bench.scheme, 1, 1, Duration::from_secs(2))?;
    let mut report = Report {
        validators: Vec::new(),
        accounts: Vec::new(),
        transfers_per_block: TRANSFERS,
        scheme: bench.scheme,
        durability: bench.durability.name(),
        sign_us: floor.sign_us,
        verify_us: floor.verify_us,
    };
    for count in &arguments.validators {
        let count = usize::try_from(*count).unwrap_or(usize::MAX);
        tell!("{count} validators …");
        let seconds = Duration::from_secs(arguments.seconds);
        let row = with_validators(count, seconds, bench)?;
        report.validators.push(row);
    }
    for count in &arguments.accounts {
        tell!("{count} accounts …");
        let row = with_accounts(*count, bench);
        let row = row.map_err(|error| Failure::retry(error.to_string()))?;
        report.accounts.push(row);
    }
    Ok(report)
}

fn with_validators(
    validators: usize,
    time: Duration,
    bench: &BenchArguments,
) -> Result<ValidatorsRow, Failure> {
    let run = consensus::measure(validators, time, bench)?;
    let n = validators as u64;
    let verifications = 2 * n * n - n - 1;
    let signatures_ms =
        ((2 * n + 1) as f64 * run.sign_us + verifications as f64 * run.verify_us) / 1e3;
    let cpu_ms = run.cpu_seconds_per_block.map(|cpu| cpu * 1e3);
    Ok(ValidatorsRow {
        validators,
        blocks: run.blocks,
        blocks_per_second: run.blocks_per_second,
        cpu_ms_per_block: cpu_ms,
        verifications,
        signatures_ms_per_block: signatures_ms,
        ratio: cpu_ms.map(|cpu| cpu / signatures_ms),
        floor_ratio: run.floor_ratio,
        max_round: run.max_round,
    })
}

fn with_accounts(accounts: u64, bench: &BenchArguments) -> Result<AccountsRow, ChainError> {
    let home = tempfile::Builder::new()
        .prefix("lockstep-growth-")
        .tempdir();
    let home = home.map_err(|error| {
        format!("no directory: {error}; make room, or name another one by TMPDIR")
    })?;
    let senders = TRANSFERS.min(accounts.div_ceil(2));
    let crowd = accounts.saturating_sub(senders).max(1);
    let senders = u32::try_from(senders).unwrap_or(u32::MAX);
    let builder = Devnet::builder()
        .scheme(bench.scheme)
        .durability(bench.durability.into())
        .load_accounts(senders)
        .crowd(crowd);
    let began = Instant::now();
    let (mut ledger, context) = open(&builder, home.path())?;
    let genesis_ms = began.elapsed().as_secs_f64() * 1e3;
    let senders = load_accounts(bench.scheme, senders)?;
    let mut times = Vec::new();
    for number in 0..WARM_UP_BLOCKS + BLOCKS {
        let transfers = transfers(&senders, &context, number, crowd)?;
        let keyed = transfers.into_iter().zip(&senders);
        let keys: Vec<_> = keyed.map(|(t, sender)| (t, sender.signer())).collect();
        let keyed = keys
            .iter()
            .map(|(t, signer)| (t.clone(), signer.public_key()));
        let took = ledger.commit(keyed.collect())?;
        if number >= WARM_UP_BLOCKS {
            times.push(took.as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let block_ms = super::quantile(&times, 0.5);
    let mut proof_bytes = 0.0;
    for number in 0..PROOFS {
        let address = crowd_address(number * 7_919 % crowd);
        proof_bytes += ledger.proof_bytes(&address)? as f64 / PROOFS as f64;
    }
    Ok(AccountsRow {
        accounts,
        genesis_ms,
        block_ms,
        us_per_transfer: block_ms * 1e3 / senders.len() as f64,
        proof_bytes,
    })
}

fn open(builder: &Builder, home: &Path) -> Result<(LoneLedger, SignContext), ChainError> {
    let context = builder.genesis()?.sign_context();
    Ok((builder.lone_ledger(home)?, context))
}

/// One of each sender, to accounts all over the state.
fn transfers(
    senders: &[FundedAccount],
    context: &SignContext,
    nonce: u64,
    crowd: u64,
) -> Result<Vec<Transaction>, ChainError> {
    let receivers = (nonce * TRANSFERS..).map(|number| crowd_address(number * 7_919 % crowd));
    let transfers = senders.iter().zip(receivers);
    let transfers = transfers.map(|(sender, to)| sender.transfer(context, nonce, to, 1));
    Ok(transfers.collect::<Result<_, _>>()?)
}

fn print(report: &Report) -> Result<(), Failure> {
    let Report {
        scheme, durability, ..
    } = report;
    say!(
        "{scheme}, durability {durability}, block time 0; sign {:.1} µs, verify {:.1} µs",
        report.sign_us,
        report.verify_us
    )?;
    say!("validators  blocks/s  CPU ms/block  2n²−n−1  signatures ms  ratio  of the floor")?;
    for row in &report.validators {
        say!(
            "{:>10}  {:>8.1}  {:>12.2}  {:>7}  {:>13.2}  {:>5.2}  {:>12.2}",
            row.validators,
            row.blocks_per_second,
            row.cpu_ms_per_block.unwrap_or(f64::NAN),
            row.verifications,
            row.signatures_ms_per_block,
            row.ratio.unwrap_or(f64::NAN),
            row.floor_ratio
        )?;
    }
    say!("  accounts  genesis ms  ms per block of {TRANSFERS}  µs per transfer  proof bytes")?;
    for row in &report.accounts {
        say!(
            "{:>10}  {:>10.0}  {:>18.2}  {:>15.1}  {:>11.0}",
            row.accounts,
            row.genesis_ms,
            row.block_ms,
            row.us_per_transfer,
            row.proof_bytes
        )?;
    }
    Ok(())
}
