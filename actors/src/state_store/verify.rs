//! `lockstep verify`: is every byte of a data directory what a node would write again?
//!
//! Nothing that is stored is trusted but the genesis: each block is executed on a state in memory
//! that begins at genesis, so hash chain, certificates, receipts and roots are judged by the same
//! ledger that judged them first, and the stored state is compared with what came out. The first
//! thing that differs is the finding, with its height and table.
//!
//! Where the first blocks are gone, the replay begins at the first height whose block and state are
//! both here: [`base`]. What lies before is no state any more, only blocks, and they are checked by
//! their hash chain and their certificates.
//!
//! The directory is not changed, and must not be in use: its lock is held meanwhile. Memory is
//! bounded by the size of the state, not by the length of the chain.
use super::error::StoreError;
use super::history;
use super::layout::{
    HeadRecord, META_BEGAN, META_HEAD, META_LAYOUT, META_TRANSACTION, META_VALIDATOR, Tables,
    height_key, locations,
};
use super::mark::{self, MarkFile};
use super::read::Reading;
use super::table::Table;
use super::{DATA_FILE, Env, open, page_check};
use lockstep_protocol::ledger::{
    self, ChainRules, CommitBatch, KeyHash, Ledger, MemoryState, STATE_VERSIONS_KEPT, StateReader,
    VersionStart,
};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::validators::set::ValidatorSet;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use base::Base;

mod accusations;
mod base;

/// A data directory without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The newest height: so many blocks were executed again.
    pub height: Height,
    /// The newest block.
    pub block_id: Hash,
    /// The state after it, computed and found.
    pub state_root: Hash,
    /// The lowest height whose block is here.
    pub earliest: Height,
    /// The first height that was executed again. The state before it, and blocks below the earliest,
    /// are vouched for by certificates from the genesis on.
    pub executed_from: Height,
    /// Transactions in all blocks.
    pub transactions: u64,
    /// Commit certificates whose signatures were verified: one per block.
    pub certificates: u64,
    /// Whose sign record stands in it.
    pub validator: Address,
    /// Pages of the data file that are in use.
    pub pages: u64,
}

/// Verifies the directory of a chain that begins with `genesis`. `progress` is told each height
/// that is verified, and the newest there is.
///
/// The error is [`Corrupt`](StoreError::Corrupt) with file and first bad height, or says why the
/// directory cannot be read at all.
pub fn verify(
    dir: &Path,
    genesis: &Genesis,
    rules: &Arc<ChainRules>,
    progress: impl FnMut(Height, Height),
) -> Result<Report, StoreError> {
    let file = dir.join(DATA_FILE);
    verify_dir(dir, &file, genesis, rules, progress).map_err(|error| error.in_file(&file))
}

fn verify_dir(
    dir: &Path,
    file: &Path,
    genesis: &Genesis,
    rules: &Arc<ChainRules>,
    mut progress: impl FnMut(Height, Height),
) -> Result<Report, StoreError> {
    let missing = |error| StoreError::directory(format!("read {}", dir.display()), &error);
    std::fs::read_dir(dir).map_err(missing)?;
    let _lock = open::lock_existing(dir)?;
    if !file.exists() {
        return Err(StoreError::corrupt("its database is gone"));
    }
    let pages = page_check::check(file)?;
    if pages == 0 {
        return Err(StoreError::corrupt("its database is gone"));
    }
    let env = open::open_to_read(dir)?;
    let tables = Tables::open(&env, 0)?;
    let failed = |error| StoreError::lmdb("begin a read", 0, error);
    let txn = env.read_txn().map_err(failed)?;
    let reading = Reading {
        tables: &tables,
        txn: &txn,
    };
    let validator = identity(dir, &env, &reading, genesis)?;
    let record: HeadRecord = reading.meta(META_HEAD)?;
    let earliest = reading.earliest()?;
    // A directory that began with a snapshot of height 1 has that block, and not the state before it.
    let base = match (earliest, reading.meta(META_BEGAN)?) {
        (Height(1), Height(0)) => Base::genesis(genesis, rules)?,
        _ => Base::find(&reading, env.clone(), genesis, rules, &mut progress)?,
    };
    let state = Arc::new(base.state);
    let begun = base.head.height;
    let mut replay = Replay {
        reading: &reading,
        ledger: Ledger::new(rules.clone(), state.clone(), base.head)?,
        state,
        transactions: base.transactions,
        locations: base.locations,
        accusing: base.accusing,
        history: base.history,
        versions: vec![base.version],
    };
    for height in begun.next().0..=record.height.0 {
        replay.next(Height(height))?;
        progress(Height(height), record.height);
    }
    replay.compare_head(&record)?;
    replay.compare_state()?;
    replay.check_rows()?;
    accusations::check_waiting(&reading, rules, &replay)?;
    accusations::check_forks(&reading, rules, &replay)?;
    check_sign_record(&reading, rules, &replay, validator)?;
    Ok(Report {
        height: record.height,
        block_id: record.block_id,
        state_root: record.state_root,
        earliest,
        executed_from: begun.next(),
        transactions: replay.transactions,
        certificates: (record.height.0 + 1).saturating_sub(earliest.0),
        validator,
        pages,
    })
}

fn identity(
    dir: &Path,
    env: &Env,
    reading: &Reading<'_>,
    genesis: &Genesis,
) -> Result<Address, StoreError> {
    open::check_chain(reading, reading.meta(META_LAYOUT)?, genesis.hash())?;
    let transaction = env.info().last_txn_id as u64;
    if reading.meta::<u64>(META_TRANSACTION)? != transaction {
        let what = format!("its newest meta page names transaction {transaction}, its tables not");
        return Err(StoreError::corrupt(what));
    }
    mark::check(MarkFile::read_in(dir)?, transaction)?;
    reading.meta(META_VALIDATOR)
}

struct Replay<'a> {
    reading: &'a Reading<'a>,
    ledger: Ledger,
    state: Arc<MemoryState>,
    transactions: u64,
    /// Ids that the blocks so far have added.
    locations: usize,
    /// Blocks so far that carry evidence.
    accusing: usize,
    /// Rows that the blocks so far add to the history of accounts.
    history: usize,
    /// Those that are readable.
    versions: Vec<VersionStart>,
}

impl Replay<'_> {
    /// Executes one stored block again and compares all that was stored with it.
    fn next(&mut self, height: Height) -> Result<(), StoreError> {
        let gone = |table: &str| bad(table, height, "its row is gone");
        let block = self.reading.block(height)?.ok_or_else(|| gone("blocks"))?;
        let certificate = self.reading.certificate(height)?;
        let certificate = certificate.ok_or_else(|| gone("certificates"))?;
        demand(certificate.height == height, "certificates", height)?;
        self.ledger
            .verify_certificate(&certificate)
            .map_err(|error| bad("certificates", height, error))?;
        let batch = self
            .ledger
            .commit(&block, certificate)
            .map_err(|error| bad("blocks", height, error))?;
        let receipts = self.reading.receipts(height)?;
        if receipts.as_deref() != Some(&batch.receipts[..]) {
            return Err(bad("receipts", height, "execution gives others"));
        }
        for (id, location) in locations(&block) {
            let stored = self.reading.location(&id)?;
            demand(stored == Some(location), "locations", height)?;
            self.locations += 1;
        }
        self.accusing += accusations::check_carried(self.reading, &block)?;
        self.history += check_history(self.reading, &block)?;
        self.state.apply(&batch.changes);
        self.ledger.committed(&batch);
        self.count(&batch);
        self.note_version(&batch);
        Ok(())
    }

    fn count(&mut self, batch: &CommitBatch) {
        self.transactions += batch.block.block().transactions.len() as u64;
    }

    fn note_version(&mut self, batch: &CommitBatch) {
        let version = batch.changes.version;
        let height = batch.block.height();
        if !batch.changes.is_empty() {
            self.versions.push(VersionStart { version, height });
            self.versions
                .retain(|start| start.version + STATE_VERSIONS_KEPT >= version);
        }
    }

    /// Who decided the height that a row of this table is about: a validator that has left may have
    /// signed its newest message long ago.
    fn set_of(
        &self,
        rules: &ChainRules,
        (table, height): (&str, Height),
    ) -> Result<ValidatorSet, StoreError> {
        let version = self.ledger.head().state_version;
        let record = ledger::validator_set_of(&*self.state, version, height)?;
        let record = record.ok_or_else(|| bad(table, height, "no validator has it"))?;
        let members = record.validators.into_iter();
        let members = members.map(|validator| (validator.public_key, validator.power));
        ValidatorSet::new(&*rules.scheme, members).map_err(|error| bad(table, height, error))
    }

    fn compare_head(&self, record: &HeadRecord) -> Result<(), StoreError> {
        let head = self.ledger.head();
        let same = record.block_id == head.block_id
            && record.time == head.time
            && record.state_root == head.state_root
            && record.state_version == head.state_version;
        let what = "the head is not the newest block";
        same.then_some(())
            .ok_or_else(|| bad("meta", record.height, what))
    }

    /// Every stored node and value, of all versions that are kept, must be one of the replay's, and
    /// there must be as many.
    fn compare_state(&self) -> Result<(), StoreError> {
        let reading = self.reading;
        let head = self.ledger.head().height;
        let mut rows = 0usize;
        reading.tables.nodes.each(reading.txn, |key, node| {
            rows += 1;
            let computed = self.state.node(key).unwrap_or_default();
            demand(computed.as_deref() == Some(node), "nodes", head)
        })?;
        reading.tables.values.each(reading.txn, |key, value| {
            rows += 1;
            let key = key.split_first_chunk::<32>();
            let split = key.and_then(|(key, version)| Some((key, version.try_into().ok()?)));
            let computed = split.and_then(|(key, version): (&KeyHash, [u8; 8])| {
                self.state.value(key, u64::from_be_bytes(version)).ok()?
            });
            // A row without bytes says that the key has no value any more.
            let stored = Some(value).filter(|value| !value.is_empty());
            demand(computed.as_deref() == stored, "values", head)
        })?;
        if rows == self.state.size() {
            return Ok(());
        }
        let what = format!(
            "the stored state has {rows} rows, execution gives {}",
            self.state.size()
        );
        Err(bad("nodes or values", head, what))
    }

    /// Seals of all other rows; and no row of a height that is not committed.
    fn check_rows(&self) -> Result<(), StoreError> {
        let reading = self.reading;
        let head = self.ledger.head().height;
        let tables = reading.tables;
        self.check_versions()?;
        for table in [
            &tables.meta,
            &tables.stale,
            &tables.signed,
            &tables.handovers,
        ] {
            table.each(reading.txn, |_, _| Ok::<_, StoreError>(()))?;
        }
        for (table, expected) in [
            (&tables.locations, self.locations),
            (&tables.accusing, self.accusing),
            (&tables.history, self.history),
        ] {
            let mut rows = 0usize;
            table.each(reading.txn, |_, _| {
                rows += 1;
                Ok::<_, StoreError>(())
            })?;
            demand(rows == expected, table.name(), head)?;
        }
        let earliest = self.reading.earliest()?;
        for table in [&tables.blocks, &tables.certificates, &tables.receipts] {
            self.demand_none_after(table, head)?;
            self.demand_none_before(table, earliest)?;
        }
        tables.proposed.each(reading.txn, |key, _| {
            let open = key.starts_with(&height_key(head.next()));
            demand(open, "proposed", head.next())
        })
    }

    /// The readable versions are the last that the replay has made, each from its block on.
    fn check_versions(&self) -> Result<(), StoreError> {
        let head = self.ledger.head().height;
        let stored = self.reading.versions()?;
        demand(stored == self.versions, "versions", head)
    }

    fn demand_none_before(&self, table: &Table, earliest: Height) -> Result<(), StoreError> {
        let first = height_key(Height(0));
        let last = height_key(earliest.previous());
        let before = table.last_in(self.reading.txn, &(&first[..]..=&last[..]))?;
        let what = "a row below the first block";
        before.map_or(Ok(()), |_| Err(bad(table.name(), earliest, what)))
    }

    fn demand_none_after(&self, table: &Table, head: Height) -> Result<(), StoreError> {
        let all = [0xff; 9];
        let first = height_key(head.next());
        let last = &all[..];
        let beyond = table.last_in(self.reading.txn, &(&first[..]..=last))?;
        let what = "a row beyond the head";
        beyond.map_or(Ok(()), |_| Err(bad(table.name(), head.next(), what)))
    }
}

/// Own messages: signed by this validator, and none further than the height that may be open.
fn check_sign_record(
    reading: &Reading<'_>,
    rules: &ChainRules,
    replay: &Replay<'_>,
    validator: Address,
) -> Result<(), StoreError> {
    let recovery = reading.recovery()?;
    let context = &rules.context;
    let head = replay.ledger.head().height;
    let wrong = |what: &dyn Display| bad("signed", head.next(), what);
    if recovery.position().is_some_and(|at| at.0 > head.next()) {
        return Err(wrong(&"it goes beyond the height after the head"));
    }
    if let Some(proposal) = &recovery.proposal {
        let verified =
            proposal.verify(&replay.set_of(rules, ("signed", proposal.height))?, context);
        verified.map_err(|error| wrong(&error))?;
    }
    let votes = [&recovery.prevote, &recovery.precommit];
    for vote in votes.into_iter().flatten() {
        let verified = vote.verify(
            &replay.set_of(rules, ("signed", vote.vote.height))?,
            context,
        );
        verified.map_err(|error| wrong(&error))?;
    }
    let signers = votes.into_iter().flatten().map(|vote| vote.vote.validator);
    let mut signers = signers.chain(recovery.proposal.as_ref().map(|p| p.proposer));
    if signers.any(|signer| signer != validator) {
        return Err(wrong(&"a message of another validator"));
    }
    if let Some(lock) = &recovery.lock {
        let verified =
            (lock.polka).verify(&replay.set_of(rules, ("signed", lock.height))?, context);
        verified.map_err(|error| wrong(&error))?;
    }
    let blocks: Vec<&SealedBlock> = recovery.blocks.iter().map(|block| &**block).collect();
    demand(
        blocks.iter().all(|block| block.height() == head.next()),
        "proposed",
        head.next(),
    )
}

/// How many rows of the history a block has, if they are what is stored of it.
fn check_history(reading: &Reading<'_>, block: &SealedBlock) -> Result<usize, StoreError> {
    let height = block.height();
    let rows = history::check(reading, block.block()).map_err(|error| error.at(height))?;
    rows.ok_or_else(|| bad("history", height, "a row that its block does not give"))
}

fn bad(table: &str, height: Height, what: impl Display) -> StoreError {
    StoreError::corrupt(format!("table {table}: {what}")).at(height)
}

fn demand(holds: bool, table: &str, height: Height) -> Result<(), StoreError> {
    let what = "a row that execution does not give";
    holds.then_some(()).ok_or_else(|| bad(table, height, what))
}
