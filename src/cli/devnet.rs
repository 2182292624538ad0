//! `lockstep devnet`: several validators in this process, until Ctrl-C or for a number of blocks.
use super::signals::{self, Asked};
use super::{allowance, top};
use crate::config::values::{DurabilityArgument, retention};
use crate::failure::Failure;
use crate::output::{self, tell};
use clap::Args;
use lockstep_devnet::{Builder, CommitEvent, Devnet, Pacing, Timeouts};
use lockstep_protocol::ledger::Retention;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

pub(super) mod block_time;
mod chain;
mod config_out;
mod print;
mod same_blocks;
mod state;
mod view;

use chain::{Chain, ChainArguments};
use same_blocks::{BlockRow, Blocks};
use state::State;
use view::View;

/// How often the loop looks at interrupts and at nodes that ended.
const LOOK: Duration = Duration::from_millis(100);

/// `lockstep devnet`
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    chain: ChainArguments,
    /// Commit this many blocks, print the heights and exit
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    blocks: Option<u64>,
    /// Time between blocks, such as 1s or 250ms; 0: as fast as it goes
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = block_time::parse)]
    block_time: Duration,
    /// Make a block only at Enter (in the view also key t) or at POST /devnet/tick
    #[arg(long)]
    manual: bool,
    /// Make a block only when transactions wait for one
    #[arg(long, conflicts_with_all = ["manual", "block_time", "blocks"])]
    no_empty_blocks: bool,
    /// How long a round waits for its proposal, such as 300ms
    #[arg(long, default_value = "300ms", value_name = "TIME", value_parser = timeout)]
    timeout_propose: Duration,
    /// How long it waits for more prevotes
    #[arg(long, default_value = "100ms", value_name = "TIME", value_parser = timeout)]
    timeout_prevote: Duration,
    /// How long it waits for more precommits
    #[arg(long, default_value = "100ms", value_name = "TIME", value_parser = timeout)]
    timeout_precommit: Duration,
    /// Keep the chain here, and go on with the one that is here; otherwise it is temporary
    #[arg(long, visible_alias = "state", value_name = "DIR")]
    home: Option<PathBuf>,
    /// Write into this file, as JSON, where the nodes are and with which keys the accounts sign
    #[arg(long, value_name = "FILE")]
    config_out: Option<PathBuf>,
    /// Node i answers people on 127.0.0.1:P+i; 0: ports assigned by the system
    /// [default: 8545, or 0 with --blocks]
    #[arg(long, value_name = "P")]
    rpc_port: Option<u16>,
    /// What a commit survives
    #[arg(long, value_enum, default_value = "process")]
    durability: DurabilityArgument,
    /// Keep so many of the newest blocks; 0: all
    #[arg(long, default_value = "0", value_name = "N", value_parser = retention)]
    retain_blocks: Retention,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long)]
    json: bool,
    /// Print a line a block, as where stdout is no terminal or TERM is dumb; otherwise a terminal
    /// shows what lockstep top shows
    #[arg(long)]
    plain: bool,
    /// Log filter on stderr, as for RUST_LOG
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// When things happened.
struct Times {
    boot: Duration,
    blocks: Duration,
    teardown: Duration,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    output::log::start_of_several(arguments.log.as_deref(), "warn")?;
    let state = State::named(arguments.home.as_deref())?;
    let (builder, chain) = builder(arguments, state.as_ref())?;
    let builder = allowance::for_devnet(builder)?;
    let stop = signals::hear(Asked::End)?;
    super::memory::give_back();
    let (tell, commits) = mpsc::channel();
    let began = Instant::now();
    let devnet = builder
        .on_commit(move |event| {
            // An error says that the command is ending.
            let _ = tell.send(event);
        })
        .boot()?;
    let boot = began.elapsed();
    if let Some(state) = &state {
        state.write(&chain, devnet.genesis())?;
    }
    write_config(arguments, &devnet)?;
    if !arguments.json {
        print::banner(arguments, &devnet)?;
    }
    let view = match shows_view(arguments) {
        true => Some(View::begin(&devnet)?),
        false => None,
    };
    if !arguments.json && view.is_none() {
        print::head()?;
    }
    if arguments.manual && view.is_none() {
        ticks_at_enter(&devnet);
    }

    let began = Instant::now();
    let mut blocks = Blocks::new();
    let mut rows = Vec::new();
    let ended = follow(
        arguments,
        &devnet,
        (&mut blocks, &mut rows),
        (&commits, &stop),
        view.as_ref(),
    );
    let took = began.elapsed();
    let drawn = view.map_or(Ok(()), View::end);
    let summary = print::Summary::of(arguments, &devnet);

    let began = Instant::now();
    devnet.shutdown();
    let times = Times {
        boot,
        blocks: took,
        teardown: began.elapsed(),
    };
    ended?;
    drawn?;
    summary.check()?;
    if arguments.json {
        rows.sort_by_key(|row| row.height);
        summary.print_json(&rows, &times)
    } else {
        summary.print(arguments.blocks, &times)
    }
}

/// For programs that are to use this devnet.
fn write_config(arguments: &Arguments, devnet: &Devnet) -> Result<(), Failure> {
    match &arguments.config_out {
        Some(path) => config_out::write(path, devnet),
        None => Ok(()),
    }
}

/// Whether this devnet is watched rather than read.
fn shows_view(arguments: &Arguments) -> bool {
    let is_read = arguments.json || arguments.blocks.is_some();
    !is_read && top::is_wanted(arguments.plain)
}

/// A step that waits for nothing would let every round fail.
fn timeout(text: &str) -> Result<Duration, String> {
    let time = block_time::parse(text)?;
    match time.is_zero() {
        true => Err("a round waits for 1ms at least".into()),
        false => Ok(time),
    }
}

fn builder(arguments: &Arguments, state: Option<&State>) -> Result<(Builder, Chain), Failure> {
    let (builder, chain) = arguments.chain.resolve(state)?;
    let port = arguments
        .rpc_port
        .unwrap_or(if arguments.blocks.is_some() { 0 } else { 8545 });
    let validators = builder.nodes();
    let last_port = usize::from(port) + validators.saturating_sub(1);
    if port != 0 && last_port > usize::from(u16::MAX) {
        let message = format!(
            "--rpc-port {port} leaves no room for {validators} ports: choose a lower one, or 0"
        );
        return Err(Failure::usage(message));
    }
    let pacing = match arguments.no_empty_blocks {
        true => Pacing::OnDemand,
        false => Pacing::Interval(ms(arguments.block_time)),
    };
    let mut builder = builder
        .durability(arguments.durability.into())
        .retention(arguments.retain_blocks)
        .rpc_port(port)
        .timeouts(timeouts(arguments))
        .pacing(pacing);
    if arguments.manual || arguments.blocks.is_some() {
        builder = builder.manual(true);
    }
    if let Some(home) = &arguments.home {
        builder = builder.home(home);
    }
    Ok((builder, chain))
}

fn timeouts(arguments: &Arguments) -> Timeouts {
    Timeouts {
        propose_ms: ms(arguments.timeout_propose).max(1),
        prevote_ms: ms(arguments.timeout_prevote).max(1),
        precommit_ms: ms(arguments.timeout_precommit).max(1),
        ..Timeouts::DEVNET
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Prints blocks as they come, or keeps them for the JSON at the end, or leaves that to the view:
/// until enough, an interrupt, the end of a node or of the view.
fn follow(
    arguments: &Arguments,
    devnet: &Devnet,
    (blocks, rows): (&mut Blocks, &mut Vec<BlockRow>),
    (commits, stop): (&Receiver<CommitEvent>, &Receiver<Asked>),
    view: Option<&View>,
) -> Result<(), Failure> {
    let mut due = Instant::now();
    let mut ticks = 0;
    let interrupted = || Failure::retry("interrupted before all blocks were committed");
    while arguments
        .blocks
        .is_none_or(|wanted| blocks.complete() < wanted)
    {
        let ticking = !arguments.manual && arguments.blocks.is_some_and(|wanted| ticks < wanted);
        if ticking && due <= Instant::now() {
            (due, ticks) = (Instant::now() + arguments.block_time, ticks + 1);
            devnet.tick()?;
        }
        let patience = if ticking {
            due.saturating_duration_since(Instant::now())
        } else {
            LOOK
        };
        match commits.recv_timeout(patience.min(LOOK)) {
            Ok(event) => blocks.note(event)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Failure::retry("all nodes ended")),
        }
        // A block counts when every node has it that runs, and no node is to end by itself. One that
        // somebody has stopped or killed is not waited for.
        devnet.check_running()?;
        let runs = devnet.running();
        while let Some((row, nodes)) = blocks.next(&runs) {
            match arguments.json {
                true => rows.push(row),
                false if view.is_some() => {}
                false => print::block(&row, (nodes, runs.len()))?,
            }
        }
        if view.is_some_and(View::is_left) {
            return Ok(());
        }
        if stop.try_recv().is_ok() {
            return arguments.blocks.map_or(Ok(()), |_| Err(interrupted()));
        }
    }
    Ok(())
}

/// Every Enter makes one block. The thread ends with the process: a read of the terminal cannot be
/// taken back.
fn ticks_at_enter(devnet: &Devnet) {
    let ticker = devnet.ticker();
    let read = move || {
        for line in std::io::stdin().lines() {
            if line.is_err() {
                return;
            }
            match ticker.tick() {
                Ok(_) => {}
                Err(error) => tell!("lockstep: {error}"),
            }
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("terminal".into())
        .spawn(read)
    {
        tell!("lockstep: Enter makes no blocks ({error}); use POST /devnet/tick");
    }
}
