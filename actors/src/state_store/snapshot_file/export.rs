//! Writes a snapshot of a data directory. The reader's own check goes over each record before it is
//! written: what is handed out is proven.
use super::super::error::StoreError;
use super::super::layout::{
    HANDOVER_BYTES_MAX, HandoverRecord, HeadRecord, META_HEAD, META_LAYOUT, Tables, height_key,
};
use super::super::read::{Reading, state_reader};
use super::super::{DATA_FILE, Env, open};
use super::{Contents, SnapshotFileError, io};
use crate::private;
use heed::{RoTxn, WithoutTls};
use lockstep_protocol::crypto::Scheme;
use lockstep_protocol::ledger::{self, KeyHash, ReadError, StateReader, ValidatorSetRecord};
use lockstep_protocol::nouns::block::Header;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::proofs::light_client::LightBlock;
use lockstep_protocol::proofs::snapshot::{
    Anchor, Check, Cutter, SnapshotBlock, SnapshotPart, encode_opening, encode_record,
};
use lockstep_protocol::types::Height;
use lockstep_protocol::validators::set::Validator;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A snapshot that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// What it is of.
    #[serde(flatten)]
    pub contents: Contents,
    /// Whether the node was running meanwhile.
    pub beside_a_node: bool,
}

/// Writes the chain at `height`, or at the head, of the node whose data directory is `dir` to
/// `output`, which must not be there yet. The node may be running: LMDB lets another process read
/// beside it. As long as that reads, no page that it may read is used again, so the data file grows
/// by what is committed meanwhile.
///
/// `progress` hears how many values have been looked at, and how many there are.
pub fn export(
    dir: &Path,
    output: &Path,
    (genesis, scheme): (&Genesis, Arc<dyn Scheme>),
    height: Option<Height>,
    progress: impl FnMut(u64, u64),
) -> Result<Exported, SnapshotFileError> {
    let in_file = |error: SnapshotFileError| match error {
        SnapshotFileError::Store(error) => error.in_file(&dir.join(DATA_FILE)).into(),
        other => other,
    };
    let source = Source::open(dir, genesis).map_err(in_file)?;
    let target = Target::create(output, genesis, scheme.clone())?;
    let written = source.write(target, height, progress).map_err(in_file)?;
    Ok(Exported {
        contents: written,
        beside_a_node: source.beside_a_node,
    })
}

/// One moment of a directory.
pub(in super::super) struct Source {
    /// Behind a mutex because one thread at a time may use it. Before `env`, so that it ends first.
    txn: Mutex<RoTxn<'static, WithoutTls>>,
    tables: Tables,
    beside_a_node: bool,
    _lock: Option<File>,
}

impl Source {
    fn open(dir: &Path, genesis: &Genesis) -> Result<Source, SnapshotFileError> {
        if !dir.join(DATA_FILE).exists() {
            let at = dir.display();
            let what = format!("{at} holds no database: name the home of a node that has run");
            return Err(SnapshotFileError::Usage(what));
        }
        let (env, lock, beside_a_node) = match open::lock_existing(dir) {
            Ok(lock) => {
                open::check_pages_of(dir)?;
                (open::open_to_read(dir)?, lock, false)
            }
            Err(StoreError::InUse(_)) => (open::open_beside_a_node(dir)?, None, true),
            Err(error) => return Err(error.into()),
        };
        let source = Source {
            beside_a_node,
            _lock: lock,
            ..Source::of(Tables::open(&env, 0)?, env)?
        };
        source.reading(|reading| {
            open::check_chain(reading, reading.meta(META_LAYOUT)?, genesis.hash())
        })?;
        Ok(source)
    }

    /// Of an environment to which nobody writes.
    pub(in super::super) fn of(tables: Tables, env: Env) -> Result<Source, StoreError> {
        Ok(Source {
            tables,
            txn: Mutex::new(begin(env)?),
            beside_a_node: false,
            _lock: None,
        })
    }

    pub(in super::super) fn reading<T, E>(
        &self,
        read: impl FnOnce(&Reading<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let txn = self.txn.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = &self.tables;
        read(&Reading { tables, txn: &txn })
    }

    fn write(
        &self,
        mut target: Target,
        height: Option<Height>,
        progress: impl FnMut(u64, u64),
    ) -> Result<Contents, SnapshotFileError> {
        let (header, handovers) =
            self.records(height, &mut |record| target.put(record), progress)?;
        let (leaves, bytes) = target.finish()?;
        Ok(Contents {
            height: header.height,
            block_id: header.id(),
            state_root: header.state_root,
            leaves,
            handovers,
            bytes,
        })
    }

    /// All records of a snapshot; which block it is of, and how often the validators have changed.
    pub(in super::super) fn records(
        &self,
        height: Option<Height>,
        put: &mut Put<'_>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(Header, u64), SnapshotFileError> {
        let (head, version) = self.head(height)?;
        let header = head.block.header.clone();
        let handovers = self.handovers(header.height, version)?;
        let count = handovers.len() as u64;
        for handover in handovers {
            let shown = self.handover(handover, version)?;
            put(SnapshotPart::Handover(Box::new(shown)))?;
        }
        put(SnapshotPart::Block(Box::new(head)))?;
        self.leaves(version, put, &mut progress)?;
        put(SnapshotPart::End)?;
        Ok((header, count))
    }

    /// The block to hand out, and the version of the state after it.
    fn head(&self, height: Option<Height>) -> Result<(SnapshotBlock, u64), SnapshotFileError> {
        let newest = self.reading(|reading| reading.meta::<HeadRecord>(META_HEAD))?;
        let height = height.unwrap_or(newest.height);
        let usage = |error: &dyn std::fmt::Display| SnapshotFileError::Usage(error.to_string());
        if height == Height(0) {
            let nothing = "there is no block yet, and nothing to hand out: try again later";
            return Err(usage(&nothing));
        }
        let version = self.reading(|reading| reading.version_after(height))?;
        let version = version.map_err(|error| usage(&error))?;
        let (block, certificate, receipts) = self.reading(|reading| {
            Ok::<_, StoreError>((
                reading.block(height)?,
                reading.certificate(height)?,
                reading.receipts(height)?,
            ))
        })?;
        let gone = || StoreError::corrupt("its newest block is gone").at(height);
        let block = block.ok_or_else(gone)?;
        let head = SnapshotBlock {
            block: block.block().clone(),
            certificate: (*certificate.ok_or_else(gone)?).clone(),
            validators: self.validators(height, version)?,
            receipts: receipts.ok_or_else(gone)?,
        };
        Ok((head, version))
    }

    /// The validators of a height, in order of address.
    fn validators(&self, height: Height, version: u64) -> Result<Vec<Validator>, StoreError> {
        Ok(self.set(height, version)?.validators)
    }

    pub(in super::super) fn set(
        &self,
        height: Height,
        version: u64,
    ) -> Result<ValidatorSetRecord, StoreError> {
        let found = ledger::validator_set_of(self, version, height)?;
        found.ok_or_else(|| StoreError::corrupt("no validator set").at(height))
    }

    /// The heights below `height` after which other validators decide: the state lists every set.
    fn handovers(&self, height: Height, version: u64) -> Result<Vec<Height>, StoreError> {
        let mut found = Vec::new();
        let mut set = self.set(height, version)?;
        while let Some(before) = set.previous {
            found.push(set.from.previous());
            set = self.set(before, version)?;
        }
        found.reverse();
        Ok(found)
    }

    /// Of a block that is here, or of one that was pruned.
    fn handover(&self, height: Height, version: u64) -> Result<LightBlock, StoreError> {
        let HandoverRecord {
            header,
            certificate,
        } = self.reading(|reading| {
            let table = &reading.tables.handovers;
            let key = height_key(height);
            if let Some(kept) = table.get(reading.txn, &key, HANDOVER_BYTES_MAX)? {
                return Ok(kept);
            }
            let gone = || StoreError::corrupt("a change of validators is gone").at(height);
            let block = reading.block(height)?.ok_or_else(gone)?;
            let certificate = reading.certificate(height)?.ok_or_else(gone)?;
            Ok::<_, StoreError>(HandoverRecord {
                header: block.header().clone(),
                certificate: (*certificate).clone(),
            })
        })?;
        Ok(LightBlock {
            validators: self.validators(height, version)?,
            header,
            certificate,
        })
    }

    /// The values of a state, in order of key.
    fn leaves(
        &self,
        version: u64,
        put: &mut Put<'_>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), SnapshotFileError> {
        let mut cutter = Cutter::default();
        let mut seen = 0u64;
        self.reading(|reading| {
            let all = reading.tables.values.len(reading.txn)?;
            reading.values_at(version, |key, _, value| {
                seen += 1;
                if let Some(record) = cutter.add(key, value) {
                    put(record)?;
                    progress(seen, all);
                }
                Ok::<_, SnapshotFileError>(())
            })
        })?;
        cutter.end().map_or(Ok(()), put)
    }
}

/// Takes one record after the other.
type Put<'a> = dyn FnMut(SnapshotPart) -> Result<(), SnapshotFileError> + 'a;

fn begin(env: Env) -> Result<RoTxn<'static, WithoutTls>, StoreError> {
    let txn = env.static_read_txn();
    txn.map_err(|error| StoreError::lmdb("begin a read", 0, error))
}

state_reader!(Source, reading);

/// The file, under another name until it is whole.
struct Target {
    output: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    check: Check,
    bytes: u64,
    done: bool,
}

impl Target {
    fn create(
        output: &Path,
        genesis: &Genesis,
        scheme: Arc<dyn Scheme>,
    ) -> Result<Target, SnapshotFileError> {
        let taken = |path: &Path| {
            let at = path.display();
            let what = format!("{at} is there already, and nothing is overwritten: name another");
            SnapshotFileError::Usage(what)
        };
        if output.exists() {
            return Err(taken(output));
        }
        let mut part = output.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = private::create(&part).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => taken(&part),
            _ => StoreError::directory(format!("create {}", part.display()), &error).into(),
        })?;
        let opening = encode_opening(&genesis.hash());
        let refused = |error| SnapshotFileError::refused(output, error);
        let anchor = Anchor::new(genesis, scheme, None);
        let anchor = anchor.map_err(|error| SnapshotFileError::Usage(error.to_string()))?;
        let mut target = Target {
            output: output.to_owned(),
            part,
            file: BufWriter::new(file),
            check: Check::open(anchor, &opening).map_err(refused)?,
            bytes: 0,
            done: false,
        };
        target.append(&opening)?;
        Ok(target)
    }

    /// Checks a record as its reader will, and writes it.
    fn put(&mut self, record: SnapshotPart) -> Result<(), SnapshotFileError> {
        let framed = encode_record(&record);
        let bytes = framed.get(4..).unwrap_or_default();
        let checked = self.check.take(bytes);
        // Its own seals are whole, so what it says was written like that.
        let wrong = |error| StoreError::corrupt(format!("what it holds proves nothing: {error}"));
        checked.map_err(wrong)?;
        self.append(&framed)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SnapshotFileError> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| io("write", &self.part, &error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// The whole file is on disk under its own name.
    fn finish(mut self) -> Result<(u64, u64), SnapshotFileError> {
        let synced = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| io("write", &self.part, &error))?;
        let named = std::fs::rename(&self.part, &self.output);
        named.map_err(|error| io("name", &self.output, &error))?;
        self.done = true;
        Ok((self.check.leaf_count(), self.bytes))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.done {
            // What is left of it is no snapshot, and the error that ended it is told already.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
