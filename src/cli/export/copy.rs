//! The loop: what comes next is asked of the target, read from the source, and written in batches.
use super::rows::BlockRows;
use super::source::{Found, Source};
use super::target::{Head, Standing, Target};
use crate::cli::signals::Asked;
use crate::failure::Failure;
use crate::limits::{
    EXPORT_BLOCKS_A_BATCH, EXPORT_BYTES_A_BATCH, EXPORT_LOOK, EXPORT_ROWS_A_BATCH,
};
use crate::output::tell;
use crate::output::terminal::Progress;
use lockstep_protocol::types::Hash;
use serde::Serialize;
use std::cell::Cell;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How often a block is asked for again where the source may be asked again, and after what pause.
const TRIES: u32 = 9;
const PAUSE: Duration = Duration::from_millis(250);

/// How many blocks were added, and what was in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Added {
    pub(super) blocks: u64,
    pub(super) transactions: u64,
    pub(super) receipts: u64,
    pub(super) events: u64,
}

/// What has been done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copied {
    pub(super) added: Added,
    /// The first and the newest block of the target, once they are known.
    pub(super) standing: Option<(u64, Option<u64>)>,
}

pub(super) struct Copying<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) target: &'a mut dyn Target,
    pub(super) asked: Receiver<Asked>,
    /// Whether somebody has asked for the end.
    pub(super) is_asked: Cell<bool>,
    pub(super) from: Option<u64>,
    pub(super) until: Option<u64>,
    pub(super) follow: bool,
    /// Whether somebody was told that the source is waited for, since it last went on.
    pub(super) is_told: Cell<bool>,
    pub(super) copied: Copied,
}

/// What ends one way through the loop.
#[derive(Debug, PartialEq, Eq)]
enum Reached {
    /// The last block that was wanted.
    End,
    /// Somebody wants it to end.
    Asked,
}

impl Copying<'_> {
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        match self.copy() {
            // A question that a signal breaks off is no trouble of the source.
            Err(failure) if failure.may_be_retried() && self.is_asked_within(PAUSE) => self.ended(),
            done => done,
        }
    }

    /// Ended because somebody wanted it.
    fn ended(&self) -> Result<(), Failure> {
        if self.follow {
            return Ok(());
        }
        let next = match self.copied.standing {
            Some((_, Some(newest))) => newest.saturating_add(1),
            Some((first, None)) => first,
            None => self.from.unwrap_or(1),
        };
        Err(Failure::retry(format!(
            "ended as asked before block {next}: the same command goes on there"
        )))
    }

    fn copy(&mut self) -> Result<(), Failure> {
        let newest = self.source.newest()?;
        self.refuse_a_future(newest)?;
        let Some(mut standing) = self.begin(newest)? else {
            return Ok(());
        };
        self.note(&standing);
        let mut until = self.until.unwrap_or(newest);
        loop {
            match self.go(&mut standing, until)? {
                Reached::Asked => return self.ended(),
                Reached::End if !self.follow => return Ok(()),
                Reached::End => {}
            }
            match self.wait(&standing)? {
                Some(newest) => until = newest,
                None => return Ok(()),
            }
        }
    }

    fn refuse_a_future(&self, newest: u64) -> Result<(), Failure> {
        match self.until {
            Some(until) if self.from.is_some_and(|from| from > until) => Err(Failure::usage(
                "--until is before --from: name a later one, or leave --until away",
            )),
            Some(until) if until > newest => Err(Failure::retry(format!(
                "block {until} is not committed yet, the newest is {newest}: wait for it, or leave \
                 --until away"
            ))),
            _ => Ok(()),
        }
    }

    /// Where the target stands, or begins; `None`: somebody wants it to end before it does.
    fn begin(&mut self, newest: u64) -> Result<Option<Standing>, Failure> {
        let chain = self.source.chain().clone();
        if let Some(standing) = self.target.standing(&chain)? {
            self.note(&standing);
            self.compare(&standing, newest)?;
            return Ok(Some(standing));
        }
        let first = self.from.unwrap_or(1);
        let new = Standing {
            first,
            newest: None,
        };
        if first > newest && self.follow {
            if self.wait(&new)?.is_none() {
                return Ok(None);
            }
        } else if first > newest {
            return Err(Failure::retry(format!(
                "block {first} is not committed yet, the newest is {newest}: wait for it, or name a \
                 lower --from"
            )));
        }
        // A target that could not hold its first block is not begun.
        if let Found::Pruned(earliest) = self.find(first)? {
            return Err(gone(first, earliest, None));
        }
        self.target.begin(&Head::new(&chain, first))?;
        Ok(Some(new))
    }

    /// A target that is there has its own beginning, and one history.
    fn compare(&self, standing: &Standing, newest: u64) -> Result<(), Failure> {
        let name = self.target.name();
        let (first, next) = (standing.first, standing.next());
        match self.from {
            Some(from) if from < first => {
                return Err(Failure::usage(format!(
                    "{name} begins with block {first}, and none can be put before it: leave --from \
                     away, or name another target"
                )));
            }
            Some(from) if from > next => {
                return Err(Failure::usage(format!(
                    "{name} goes on with block {next}, and none may be missing: leave --from away, or \
                     name another target"
                )));
            }
            _ => {}
        }
        let Some((height, id)) = standing.newest else {
            return Ok(());
        };
        if height > newest {
            let why = format!(
                "the source has {newest} blocks, {name} has {height}: it is behind, or of a devnet that \
                 went back: wait for it, or name another source or another target"
            );
            if self.follow {
                self.tell_once(&why);
                return Ok(());
            }
            return Err(Failure::retry(why));
        }
        match self.find(height)? {
            Found::Block(block) if block.id != id => Err(self.other_history(height)),
            _ => Ok(()),
        }
    }

    fn other_history(&self, height: u64) -> Failure {
        Failure::safety(format!(
            "block {height} of the source is not the one in {}: one of them is of a fork, or of a \
             devnet that went back; name another source or another target",
            self.target.name()
        ))
    }

    /// Copies until a height.
    fn go(&mut self, standing: &mut Standing, until: u64) -> Result<Reached, Failure> {
        if standing.next() > until {
            return Ok(self.reached());
        }
        let (from, of) = (standing.next() - 1, until);
        let progress = Progress::new(of - from, "blocks");
        while standing.next() <= until {
            if self.reached() == Reached::Asked {
                return Ok(Reached::Asked);
            }
            let batch = match self.batch(standing, until) {
                Err(failure) if failure.may_be_retried() && self.is_asked_within(PAUSE) => {
                    return Ok(Reached::Asked);
                }
                Err(failure) if self.follow && failure.may_be_retried() => {
                    self.tell_once(&failure.message);
                    return Ok(Reached::End);
                }
                batch => batch?,
            };
            self.is_told.set(false);
            self.target.put(&batch)?;
            self.count(&batch);
            if let Some(last) = batch.last() {
                standing.newest = Some((last.height, last.id));
            }
            self.note(standing);
            let done = standing.next() - 1;
            progress.show(done - from, of - from, format!("block {done}"));
        }
        Ok(Reached::End)
    }

    /// Some blocks, each with the one before it; fewer if somebody wants it to end.
    fn batch(&self, standing: &Standing, until: u64) -> Result<Vec<BlockRows>, Failure> {
        let mut batch: Vec<BlockRows> = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        let mut before = standing.newest.map(|(_, id)| id);
        if standing.next() == 1 {
            before = Some(self.source.chain().genesis_hash);
        }
        for height in standing.next()..=until {
            let block = match self.block(height, standing) {
                // What was read is written; the source is asked once more behind it.
                Err(failure) if failure.may_be_retried() && !batch.is_empty() => break,
                block => block?,
            };
            self.check(&block, before)?;
            before = Some(block.id);
            rows += 1 + block.transactions.len() + block.receipts.len() + block.events.len();
            bytes += block.bytes();
            batch.push(block);
            let is_full = batch.len() >= EXPORT_BLOCKS_A_BATCH
                || rows >= EXPORT_ROWS_A_BATCH
                || bytes >= EXPORT_BYTES_A_BATCH;
            if is_full || self.reached() == Reached::Asked {
                break;
            }
        }
        Ok(batch)
    }

    fn block(&self, height: u64, standing: &Standing) -> Result<BlockRows, Failure> {
        match self.find(height)? {
            Found::Block(block) => Ok(*block),
            Found::Pruned(earliest) => Err(gone(height, earliest, standing.newest)),
            Found::NotYet => Err(Failure::retry(format!(
                "the source said that it has block {height}, and has not: try again, it goes on there"
            ))),
        }
    }

    /// A source with much to do, or a node that is started again, is asked once more, unless somebody
    /// wants it to end.
    fn find(&self, height: u64) -> Result<Found, Failure> {
        let mut tries = 0;
        loop {
            let found = self.source.at(height);
            tries += 1;
            let is_over = found.as_ref().err().is_none_or(|failure| {
                !failure.may_be_retried() || tries == TRIES || self.is_asked_within(PAUSE)
            });
            if is_over {
                return found;
            }
        }
    }

    fn check(&self, block: &BlockRows, before: Option<Hash>) -> Result<(), Failure> {
        match before.is_none_or(|before| before == block.previous) {
            true => Ok(()),
            false => Err(self.other_history(block.height.saturating_sub(1))),
        }
    }

    fn count(&mut self, batch: &[BlockRows]) {
        let added = &mut self.copied.added;
        for block in batch {
            added.blocks += 1;
            added.transactions += block.transactions.len() as u64;
            added.receipts += block.receipts.len() as u64;
            added.events += block.events.len() as u64;
        }
    }

    fn note(&mut self, standing: &Standing) {
        let newest = standing.newest.map(|(height, _)| height);
        self.copied.standing = Some((standing.first, newest));
    }

    fn reached(&self) -> Reached {
        match self.is_asked_within(Duration::ZERO) {
            true => Reached::Asked,
            false => Reached::End,
        }
    }

    /// Whether somebody has asked for the end, or does within this time.
    fn is_asked_within(&self, time: Duration) -> bool {
        let is_asked = self.is_asked.get() || self.asked.recv_timeout(time).is_ok();
        self.is_asked.set(is_asked);
        is_asked
    }

    /// Waits for a block that the target does not have; `None`: somebody wants it to end. A source that
    /// is silent for a while is waited for.
    fn wait(&self, standing: &Standing) -> Result<Option<u64>, Failure> {
        loop {
            if self.is_asked_within(EXPORT_LOOK) {
                return Ok(None);
            }
            match self.source.newest() {
                Ok(newest) if newest >= standing.next() => return Ok(Some(newest)),
                Ok(_) => {}
                Err(failure) if failure.may_be_retried() => {
                    if self.is_asked_within(PAUSE) {
                        return Ok(None);
                    }
                    self.tell_once(&failure.message);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Why nothing is added, until something is again.
    fn tell_once(&self, why: &str) {
        if !self.is_told.replace(true) {
            tell!("waiting for the source: {why}");
        }
    }
}

/// The source does not keep what comes next.
fn gone(height: u64, earliest: Option<u64>, newest: Option<(u64, Hash)>) -> Failure {
    let earliest = earliest.filter(|earliest| *earliest > height);
    let (keeps, from) = match earliest {
        Some(earliest) => (
            format!("; its first is {earliest}"),
            format!("--from {earliest}"),
        ),
        None => (String::new(), "--from".to_owned()),
    };
    let next = match newest {
        None => format!("begin later with {from}, or name a source that keeps it"),
        Some(_) => format!("name a source that keeps it, or begin another target with {from}"),
    };
    Failure::usage(format!(
        "the source does not keep block {height} any more{keeps}: {next}"
    ))
}

#[cfg(test)]
mod tests;
