//! `lockstep bench soak`: four nodes under a light load for a long time, and whether they stay
//! small. Unlike its neighbours it judges: exit code 1 says that a node grows.
use super::BenchArguments;
use crate::cli::devnet::block_time;
use crate::cli::process;
use crate::cli::signals::{self, Asked};
use crate::failure::{Failure, outcome};
use crate::output::terminal::Progress;
use crate::output::{say, tell};
use clap::Args;
use figures::{Blocks, Report, Sample};
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::codec;
use lockstep_protocol::ledger::limits::KNOWN_SIGNATURES_MAX;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

mod figures;

/// `lockstep bench soak`
#[derive(Args)]
pub(crate) struct SoakArguments {
    /// How long it runs; the slope of memory is judged from 10 minutes on
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_080))]
    minutes: u64,
    /// A block this often, such as 100ms or 1s
    #[arg(long, default_value = "100ms", value_name = "TIME", value_parser = block_time::parse)]
    block_time: Duration,
    /// Transfers per second, all nodes together
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000))]
    transfers: u64,
    #[command(flatten)]
    bench: BenchArguments,
}

const VALIDATORS: usize = 4;
/// How many samples a run has, unless that would be more than one in a second: enough for a fit,
/// and few enough that taking them is no load.
const SAMPLES: u32 = 600;
/// How long it waits for room for more transfers.
const FULL_PAUSE: Duration = Duration::from_millis(20);
/// For the first block of a devnet that has just booted, and for a transfer to be taken.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(arguments: &SoakArguments) -> Result<(), Failure> {
    arguments.bench.start_log()?;
    let report = soak(arguments)?;
    let done = judge(&report);
    let known = outcome(&report, &done)?;
    arguments.bench.show(&known, |_| {
        let mut lines = report.lines().into_iter();
        lines.try_for_each(|line| say!("{line}"))
    })?;
    done
}

fn judge(report: &Report) -> Result<(), Failure> {
    if report.broken.is_empty() {
        return Ok(());
    }
    Err(Failure::retry(format!(
        "it does not stay small: {}; run it longer, and compare /actors and /metrics of a node \
         early and late",
        report.broken.join("; ")
    )))
}

fn soak(arguments: &SoakArguments) -> Result<Report, Failure> {
    let stop = signals::hear(Asked::End)?;
    let block_ms = u64::try_from(arguments.block_time.as_millis()).unwrap_or(u64::MAX);
    let devnet = arguments.bench.devnet(VALIDATORS)?;
    let devnet = devnet.block_time_ms(block_ms).boot()?;
    devnet.wait_for(1, PATIENCE)?;
    let time = Duration::from_secs(arguments.minutes * 60);
    let mut load = Load::new(&devnet, arguments)?;
    load.fill(&devnet, &stop)?;
    let mut soak = Soak {
        load,
        devnet,
        began: Instant::now(),
        time,
        samples: room_for_samples(),
        blocks: Blocks::default(),
    };
    soak.go_on(&stop)?;
    let report = Report::of(&soak.samples, soak.load.sent);
    soak.devnet.shutdown();
    report.ok_or_else(|| {
        Failure::retry(
            "it ended before there was anything to compare: let it run, or give more --minutes",
        )
    })
}

/// Empty, its memory in use: what is measured must not be the measuring.
fn room_for_samples() -> Vec<Sample> {
    let mut samples = vec![Sample::default(); SAMPLES as usize + 2];
    samples.clear();
    samples
}

struct Soak {
    devnet: Devnet,
    load: Load,
    began: Instant,
    time: Duration,
    samples: Vec<Sample>,
    blocks: Blocks,
}

impl Soak {
    /// Until the time is up or somebody interrupts.
    fn go_on(&mut self, stop: &Receiver<Asked>) -> Result<(), Failure> {
        let every = (self.time / SAMPLES).max(Duration::from_secs(1));
        let mut next_sample = Duration::ZERO;
        let seconds = self.time.as_secs();
        let shown = Progress::new(seconds, "seconds");
        while self.began.elapsed() < self.time {
            let elapsed = self.began.elapsed();
            self.load.catch_up(&self.devnet, elapsed);
            if elapsed >= next_sample {
                next_sample += every;
                self.sample()?;
                let newest = self.samples.last().map(Sample::in_words);
                shown.show(elapsed.as_secs(), seconds, newest.unwrap_or_default());
            }
            let pause = self.load.pause().min(every);
            match stop.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.sample()
    }

    fn sample(&mut self) -> Result<(), Failure> {
        self.devnet.check_running()?;
        let height = super::lowest(&self.devnet);
        for height in self.blocks.height + 1..=height {
            if let Some(decided) = self.devnet.block(0, height)? {
                let block = codec::encode(decided.block.block()).len();
                let certificate = codec::encode(&*decided.certificate).len();
                self.blocks.add(height, block as u64, certificate as u64);
            }
        }
        let no_procfs = || Failure::usage("this system has no /proc/self: soak on Linux");
        self.samples.push(Sample {
            seconds: self.began.elapsed().as_secs_f64(),
            memory_bytes: process::rss_anon_bytes().ok_or_else(no_procfs)?,
            descriptors: process::open_descriptors().ok_or_else(no_procfs)?,
            threads: process::threads().ok_or_else(no_procfs)?,
            disk_bytes: self.disk_bytes()? / VALIDATORS as u64,
            blocks: self.blocks,
        });
        Ok(())
    }

    fn disk_bytes(&self) -> Result<u64, Failure> {
        let mut sum = 0;
        for dir in self.devnet.data_dirs() {
            let files = std::fs::read_dir(&dir).and_then(|entries| {
                let lengths = entries.map(|entry| Ok(entry?.metadata()?.len()));
                lengths.sum::<std::io::Result<u64>>()
            });
            sum += files.map_err(|error| {
                Failure::retry(format!("cannot look into {}: {error}", dir.display()))
            })?;
        }
        Ok(sum)
    }
}

/// Two accounts that pay each other: the state does not grow, only the chain.
struct Load {
    accounts: Vec<FundedAccount>,
    nonces: [u64; 2],
    per_second: u64,
    asked: u64,
    sent: u64,
}

impl Load {
    fn new(devnet: &Devnet, arguments: &SoakArguments) -> Result<Load, Failure> {
        let accounts = funded_accounts(devnet.genesis().scheme);
        let accounts = accounts.map_err(|error| Failure::safety(error.to_string()))?;
        Ok(Load {
            accounts,
            nonces: [0; 2],
            per_second: arguments.transfers,
            asked: 0,
            sent: 0,
        })
    }

    /// Until the next transfer is due.
    fn pause(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second.max(1) as f64)
    }

    /// Each node remembers so many of the newest transactions, in B-trees. Until it does, it grows
    /// with each of them; and then, as old ones make room for new ones at random places, until all
    /// have been renewed once: a tree that was only added to is 5 % denser. At a light load that
    /// takes hours: they come at once, before anything is measured.
    fn fill(&mut self, devnet: &Devnet, stop: &Receiver<Asked>) -> Result<(), Failure> {
        let enough = KNOWN_SIGNATURES_MAX as u64 * 2;
        let mut moved = Instant::now();
        let shown = Progress::new(enough, "transfers");
        tell!("filling the caches with {enough} transfers …");
        while self.per_second > 0 && self.sent < enough {
            if self.send(devnet, 0) | self.send(devnet, 1) {
                moved = Instant::now();
                if self.sent.is_multiple_of(100) {
                    shown.show(self.sent, enough, "");
                }
                continue;
            }
            // As many wait for a block as may.
            match stop.recv_timeout(FULL_PAUSE) {
                Err(RecvTimeoutError::Timeout) if moved.elapsed() < PATIENCE => {}
                Err(RecvTimeoutError::Timeout) => {
                    let sentence = "no transfer was taken for a minute; --log debug says more";
                    return Err(Failure::retry(sentence));
                }
                Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::retry(
                        "interrupted before anything was measured: let it run",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Sends what is due by now. A transfer that is not taken is not missed.
    fn catch_up(&mut self, devnet: &Devnet, elapsed: Duration) {
        let due = (elapsed.as_secs_f64() * self.per_second as f64) as u64;
        while self.asked < due {
            self.asked += 1;
            self.send(devnet, (self.asked % 2) as usize);
        }
    }

    /// One transfer of this account through one of the nodes; whether it was taken.
    fn send(&mut self, devnet: &Devnet, from: usize) -> bool {
        let node = (self.nonces[from] as usize) % VALIDATORS;
        let to = self.accounts[1 - from].address;
        let context = devnet.sign_context();
        let transfer = self.accounts[from].transfer(&context, self.nonces[from], to, 1);
        let taken = transfer.is_ok_and(|transfer| {
            let answer = devnet.submit(node, transfer);
            answer.is_ok()
        });
        self.nonces[from] += u64::from(taken);
        self.sent += u64::from(taken);
        taken
    }
}
