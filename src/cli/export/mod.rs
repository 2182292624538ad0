//! `lockstep export`: blocks with all that is in them go into tables: files of CSV, a file of JSONL, a
//! PostgreSQL database. Whole blocks only, each after the one before. The target says how far it got;
//! so the same command goes on, however often it was ended.
//!
//! ```text
//! source    where blocks come from: a node, or a data directory
//! rows      what a block becomes
//! table     names, columns, types
//! line      a row as text
//! target    what every target can do, and its head
//! file      CSV and JSONL
//! postgres  PostgreSQL
//! copy      the loop
//! ```
//!
//! What a source says is believed, as by every command but `light`; that each block names the one before
//! is checked.
use super::node::Rpc;
use super::signals::{self, Asked};
use crate::environment::{EXPORT_VARIABLE, variable};
use crate::failure::Failure;
use crate::output::{say, say_json};
use clap::Args;
use copy::{Copied, Copying};
use file::{CsvTarget, JsonlTarget};
use postgres::PostgresTarget;
use serde_json::json;
use source::{HomeSource, RpcSource, Source};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Instant;
use target::Target;

mod copy;
mod file;
mod line;
mod postgres;
mod rows;
mod source;
mod table;
mod target;

/// `lockstep export`
///
/// The same command goes on where it stands, however it was ended. Ctrl-C ends it between two blocks.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to: csv:DIR, jsonl:FILE or postgres://USER@HOST/DATABASE [env: LOCKSTEP_EXPORT_TO]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// The first block of a new target [default: 1]
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// The last block [default: the newest of now]
    #[arg(long, value_name = "HEIGHT", conflicts_with = "follow",
          value_parser = clap::value_parser!(u64).range(1..))]
    until: Option<u64>,
    /// Go on with each new block until Ctrl-C
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    rpc: Rpc,
    /// Read the data of this home instead of asking a node; its node may be running
    #[arg(long, value_name = "DIR", conflicts_with = "rpc")]
    home: Option<PathBuf>,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut target = target(arguments.to.as_deref())?;
    let asked = signals::hear(Asked::End)?;
    let source = source(arguments)?;
    if arguments.follow {
        source.may_grow()?;
    }
    let began = Instant::now();
    let mut copy = Copying {
        source: &*source,
        target: &mut *target,
        asked,
        is_asked: Cell::new(false),
        from: arguments.from,
        until: arguments.until,
        follow: arguments.follow,
        is_told: Cell::new(false),
        copied: Copied::default(),
    };
    let done = copy.run();
    let copied = copy.copied;
    print(
        arguments.json,
        &*source,
        &target.name(),
        &copied,
        (&done, began),
    )?;
    done
}

fn source(arguments: &Arguments) -> Result<Box<dyn Source>, Failure> {
    Ok(match &arguments.home {
        Some(home) => Box::new(HomeSource::open(home)?),
        None => Box::new(RpcSource::ask(arguments.rpc.node()?)?),
    })
}

/// What is named is not repeated where it is wrong: it may hold a password.
fn target(named: Option<&str>) -> Result<Box<dyn Target>, Failure> {
    const RIGHT: &str = "csv:DIR, jsonl:FILE or postgres://USER@HOST/DATABASE";
    let of_environment = variable(EXPORT_VARIABLE)?;
    let named = named.or(of_environment.as_deref());
    let named = named.ok_or_else(|| {
        Failure::usage(format!(
            "where to? Write --to {RIGHT}, or set {EXPORT_VARIABLE}"
        ))
    })?;
    let wrong = || {
        Failure::usage(format!(
            "the target is not one that is known: write {RIGHT}"
        ))
    };
    match named.split_once(':') {
        Some((_, "")) => Err(wrong()),
        Some((_, path)) if path.starts_with("~/") => Err(Failure::usage(
            "no shell puts a home in the place of ~ behind a colon: write $HOME",
        )),
        Some(("csv", dir)) => Ok(Box::new(CsvTarget::new(Path::new(dir)))),
        Some(("jsonl", file)) => Ok(Box::new(JsonlTarget::new(Path::new(file)))),
        Some(("postgres" | "postgresql", _)) => Ok(Box::new(PostgresTarget::read(named)?)),
        _ => Err(wrong()),
    }
}

fn print(
    json: bool,
    source: &dyn Source,
    target: &str,
    copied: &Copied,
    (done, began): (&Result<(), Failure>, Instant),
) -> Result<(), Failure> {
    let known = copied
        .standing
        .filter(|_| done.is_ok() || copied.added.blocks > 0);
    let Some((first, newest)) = known else {
        return Ok(()); // the failure says it all
    };
    let seconds = began.elapsed().as_secs_f64();
    if json {
        let mut document = json!({
            "ok": true, "target": target, "chain": source.chain(), "first": first,
            "height": newest, "added": copied.added, "seconds": seconds,
        });
        if let Err(failure) = done {
            document = failure.add_to(document);
        }
        return say_json(&document);
    }
    let added = &copied.added;
    say!("Lockstep export")?;
    say!("  target        {target}")?;
    match newest {
        Some(newest) => say!("  holds         blocks {first} to {newest}")?,
        None => say!("  holds         no block yet")?,
    }
    say!(
        "  added         {} blocks, {} transactions with receipts, {} events",
        added.blocks,
        added.transactions,
        added.events
    )?;
    say!("  took          {seconds:.1} s")
}
