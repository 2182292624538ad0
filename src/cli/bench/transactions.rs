//! `lockstep bench transactions`: signed transactions over HTTP until they are committed, beside
//! the floor of verifying each once per node. Whatever was accepted and is not committed after the
//! drain, or did not do in its block what it says, makes the benchmark fail.
use super::{BenchArguments, quantile};
use crate::cli::{floor, process};
use crate::failure::Failure;
use crate::output::{say, tell};
use clap::Args;
use load::{Load, Plan, Sent};
use lockstep_devnet::{CommitEvent, Devnet};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::ledger::{Receipt, Status};
use lockstep_protocol::types::Hash;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

mod load;
mod payload;

use payload::Payload;

/// `lockstep bench transactions`
#[derive(Args)]
pub(crate) struct TransactionsArguments {
    /// How long to send
    #[arg(long, default_value_t = 20, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Transactions per second that are offered, signed before
    #[arg(long, default_value_t = 2_500, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=50_000))]
    rate: u64,
    /// How many accounts send, each on a connection of its own
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    senders: u32,
    /// What each of them does: transfer, or put:N, a record with a value of N bytes
    #[arg(long, default_value = "transfer", value_name = "KIND")]
    payload: Payload,
    #[command(flatten)]
    bench: BenchArguments,
}

/// What was measured.
#[derive(Serialize)]
struct Report {
    submitted: u64,
    accepted: u64,
    /// Of the accepted ones: they stand in a block and did what they say.
    committed: u64,
    /// Of the accepted ones: they stand in a block and did not.
    failed: u64,
    transactions_per_second: f64,
    latency_ms_p50: f64,
    latency_ms_p99: f64,
    /// Of a node, on the average: what the load itself used is not in it.
    cpu_seconds_per_node: Option<f64>,
    /// Of the load: its connections, and the look at each new block.
    cpu_seconds_load: Option<f64>,
    /// The same of all nodes together, for each transaction.
    cpu_us_per_transaction: Option<f64>,
    peak_rss_bytes: Option<u64>,
    /// The most that a node held, on the average, without pages of mapped files: those are the
    /// system's to take back. With a share of the load's own.
    held_bytes_per_node: Option<u64>,
    verify_us: f64,
    verify_once_floor_per_second: f64,
    floor_ratio: f64,
    blocks: u64,
    max_round: u32,
    scheme: SchemeId,
    durability: &'static str,
    validators: usize,
    payload: Payload,
    rate: u64,
    seconds: f64,
}

const VALIDATORS: usize = 4;
/// After the last transaction, for all that were accepted to be committed.
const DRAIN: Duration = Duration::from_secs(60);
/// How often the chain is looked at for new blocks: how exact a latency is.
const LOOK: Duration = Duration::from_millis(2);
/// Of these looks one in so many is at the memory.
const LOOKS_AT_MEMORY: u64 = 25;

pub(crate) fn run(arguments: &TransactionsArguments) -> Result<(), Failure> {
    arguments.bench.start_log()?;
    let report = measure(arguments)?;
    arguments.bench.show(&report, print)?;
    if report.failed > 0 {
        return Err(Failure::retry(format!(
            "{} transactions failed in their blocks: GET /receipts/ID says why",
            report.failed
        )));
    }
    if report.committed < report.accepted {
        let lost = report.accepted - report.committed;
        let sentence = format!(
            "{lost} accepted transactions were not committed in {DRAIN:?}: give a lower --rate"
        );
        return Err(Failure::retry(sentence));
    }
    Ok(())
}

fn measure(arguments: &TransactionsArguments) -> Result<Report, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let scheme = arguments.bench.scheme;
    tell!("measuring the verify-once floor of {scheme} …");
    let floor = floor::measure(scheme, VALIDATORS, cores, Duration::from_secs(2))?;
    let max_round = Arc::new(AtomicU32::new(0));
    let held_before = process::rss_anon_bytes();
    let devnet = boot(arguments, max_round.clone())?;
    let load = sign(arguments, &devnet)?;
    devnet.wait_for(1, DRAIN)?;
    tell!("sending for {} s …", arguments.seconds);
    let meter = Meter::start();
    let began = Instant::now();
    let (sent, watch) = send(&devnet, load)?;
    let (cpu_nodes, cpu_load) = meter.nodes_and_load(sent.cpu_seconds).unzip();
    let held = watch.held_bytes.zip(held_before);
    let held = held.map(|(most, before)| most.saturating_sub(before) / VALIDATORS as u64);
    let found = watch.found(&sent.accepted);
    let mut latencies = found.latencies;
    latencies.sort_by(f64::total_cmp);
    let seconds = found.last.map_or(0.0, |last| (last - began).as_secs_f64());
    devnet.shutdown();
    let committed = latencies.len() as u64;
    let per_second = if seconds > 0.0 {
        committed as f64 / seconds
    } else {
        0.0
    };
    // Every node verifies every transaction, all of them on these cores.
    let floor_per_second = cores as f64 * 1e6 / (VALIDATORS as f64 * floor.verify_us);
    Ok(Report {
        submitted: sent.submitted,
        accepted: sent.accepted.len() as u64,
        committed,
        failed: found.failed,
        transactions_per_second: per_second,
        latency_ms_p50: quantile(&latencies, 0.5),
        latency_ms_p99: quantile(&latencies, 0.99),
        cpu_seconds_per_node: cpu_nodes.map(|cpu| cpu / VALIDATORS as f64),
        cpu_seconds_load: cpu_load,
        cpu_us_per_transaction: cpu_nodes.map(|cpu| cpu * 1e6 / committed.max(1) as f64),
        peak_rss_bytes: process::peak_rss_bytes(),
        held_bytes_per_node: held,
        verify_us: floor.verify_us,
        verify_once_floor_per_second: floor_per_second,
        floor_ratio: per_second / floor_per_second,
        blocks: watch.blocks,
        max_round: max_round.load(Ordering::Relaxed),
        scheme,
        durability: arguments.bench.durability.name(),
        validators: VALIDATORS,
        payload: arguments.payload,
        rate: arguments.rate,
        seconds,
    })
}

fn sign(arguments: &TransactionsArguments, devnet: &Devnet) -> Result<Load, Failure> {
    let total = arguments.rate * arguments.seconds;
    tell!("signing {total} transactions …");
    Load::sign(Plan {
        scheme: arguments.bench.scheme,
        context: devnet.sign_context(),
        urls: devnet.urls(),
        senders: arguments.senders,
        payload: arguments.payload,
        rate: arguments.rate,
        time: Duration::from_secs(arguments.seconds),
    })
}

/// The CPU of the process and of the thread that watches, at the beginning.
struct Meter {
    process: Option<f64>,
    watching: Option<f64>,
}

impl Meter {
    fn start() -> Meter {
        Meter {
            process: process::cpu_seconds(),
            watching: process::thread_cpu_seconds(),
        }
    }

    /// What the nodes have used since then, and what the load has, in seconds.
    fn nodes_and_load(&self, sending: f64) -> Option<(f64, f64)> {
        let load = process::thread_cpu_seconds()? - self.watching? + sending;
        Some((process::cpu_seconds()? - self.process? - load, load))
    }
}

/// Sends everything, and watches the chain until it holds all that was accepted.
fn send(devnet: &Devnet, load: Load) -> Result<(Sent, Watch), Failure> {
    let sending = load.start();
    let mut watch = Watch::from(devnet);
    while sending.is_under_way() {
        watch.look(devnet)?;
        std::thread::sleep(LOOK);
    }
    let sent = sending.finish()?;
    let until = Instant::now() + DRAIN;
    while !watch.has_all(&sent.accepted) && Instant::now() < until {
        watch.look(devnet)?;
        std::thread::sleep(LOOK);
    }
    Ok((sent, watch))
}

fn boot(arguments: &TransactionsArguments, max_round: Arc<AtomicU32>) -> Result<Devnet, Failure> {
    let devnet = arguments
        .bench
        .devnet(VALIDATORS)?
        .load_accounts(arguments.senders)
        .block_time_ms(0)
        .on_commit(move |event: CommitEvent| {
            max_round.fetch_max(event.round.0, Ordering::Relaxed);
        })
        .boot()?;
    Ok(devnet)
}

/// What the chain holds, and since when it was seen.
struct Watch {
    height: u64,
    blocks: u64,
    committed: HashMap<Hash, Instant>,
    /// They stand in a block, and did not do what they say.
    failed: HashSet<Hash>,
    looks: u64,
    held_bytes: Option<u64>,
}

/// What became of accepted transactions.
struct Found {
    /// Of the committed ones.
    latencies: Vec<f64>,
    failed: u64,
    last: Option<Instant>,
}

impl Watch {
    fn from(devnet: &Devnet) -> Watch {
        Watch {
            height: highest(devnet),
            blocks: 0,
            committed: HashMap::new(),
            failed: HashSet::new(),
            looks: 0,
            held_bytes: None,
        }
    }

    /// Reads the receipts of the blocks that are new on the first node.
    fn look(&mut self, devnet: &Devnet) -> Result<(), Failure> {
        if self.looks.is_multiple_of(LOOKS_AT_MEMORY) {
            self.held_bytes = self.held_bytes.max(process::rss_anon_bytes());
        }
        self.looks += 1;
        while self.height < highest(devnet) {
            let now = Instant::now();
            self.height += 1;
            let Some(receipts) = devnet.receipts(0, self.height)? else {
                return Err(Failure::retry("a committed block is gone"));
            };
            self.blocks += 1;
            self.note(&receipts, now);
        }
        Ok(())
    }

    fn note(&mut self, receipts: &[Receipt], now: Instant) {
        for receipt in receipts {
            match receipt.status {
                Status::Success => _ = self.committed.insert(receipt.transaction, now),
                Status::Failed { .. } => _ = self.failed.insert(receipt.transaction),
            }
        }
    }

    fn has_all(&self, accepted: &[(Hash, Instant)]) -> bool {
        accepted
            .iter()
            .all(|(id, _)| self.committed.contains_key(id) || self.failed.contains(id))
    }

    fn found(&self, accepted: &[(Hash, Instant)]) -> Found {
        let both = |(id, sent): &(Hash, Instant)| Some((self.committed.get(id)?, *sent));
        let found: Vec<_> = accepted.iter().filter_map(both).collect();
        let failed = accepted.iter().filter(|(id, _)| self.failed.contains(id));
        Found {
            failed: failed.count() as u64,
            last: found.iter().map(|(at, _)| **at).max(),
            latencies: found
                .iter()
                .map(|(at, sent)| at.saturating_duration_since(*sent).as_secs_f64() * 1e3)
                .collect(),
        }
    }
}

fn highest(devnet: &Devnet) -> u64 {
    devnet.heights().first().copied().flatten().unwrap_or(0)
}

fn print(report: &Report) -> Result<(), Failure> {
    let Report {
        scheme, durability, ..
    } = report;
    say!(
        "{VALIDATORS} validators, {scheme}, durability {durability}, {} transactions/s offered ({})",
        report.rate,
        report.payload
    )?;
    let count = |name: &str, value: u64| say!("{name:<18}{value:>10}");
    count("submitted", report.submitted)?;
    count("accepted", report.accepted)?;
    count("committed", report.committed)?;
    count("failed", report.failed)?;
    let figure = |name: &str, value: f64, unit: &str| say!("{name:<18}{value:>10.1} {unit}");
    figure("transactions/s", report.transactions_per_second, "")?;
    figure("latency p50", report.latency_ms_p50, "ms")?;
    figure("latency p99", report.latency_ms_p99, "ms")?;
    if let Some(cpu) = report.cpu_seconds_per_node {
        figure("CPU per node", cpu, "s")?;
    }
    if let Some(cpu) = report.cpu_seconds_load {
        figure("CPU of the load", cpu, "s")?;
    }
    if let Some(cpu) = report.cpu_us_per_transaction {
        figure("per transaction", cpu, "µs of CPU, all nodes")?;
    }
    if let Some(bytes) = report.peak_rss_bytes {
        let mib = bytes as f64 / f64::from(1 << 20);
        figure("peak RSS", mib, "MiB (all nodes and the load)")?;
    }
    if let Some(bytes) = report.held_bytes_per_node {
        let mib = bytes as f64 / f64::from(1 << 20);
        figure(
            "memory per node",
            mib,
            "MiB at the most, mapped files apart",
        )?;
    }
    figure("verify", report.verify_us, "µs")?;
    let floor = report.verify_once_floor_per_second;
    figure("verify-once floor", floor, "transactions/s")?;
    say!("of the floor      {:>10.2}", report.floor_ratio)?;
    count("blocks", report.blocks)?;
    count("highest round", u64::from(report.max_round))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_protocol::ledger::FailureCode;

    #[test]
    fn a_failed_transaction_is_not_a_committed_one() {
        let mut watch = Watch {
            height: 0,
            blocks: 0,
            committed: HashMap::new(),
            failed: HashSet::new(),
            looks: 0,
            held_bytes: None,
        };
        let now = Instant::now();
        let receipt = |number: u8, status| Receipt {
            transaction: Hash([number; 32]),
            status,
            fee: 1,
            bytes: 1,
            events: Vec::new(),
        };
        let code = FailureCode::InsufficientBalance;
        watch.note(
            &[
                receipt(1, Status::Success),
                receipt(2, Status::Failed { code }),
            ],
            now,
        );
        let accepted = [1, 2, 3].map(|number| (Hash([number; 32]), now));
        let found = watch.found(&accepted);
        assert_eq!((found.latencies.len(), found.failed), (1, 1));
        assert!(!watch.has_all(&accepted) && watch.has_all(&accepted[..2]));
    }
}
