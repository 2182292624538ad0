//! Makes a data directory of a snapshot. It grows under another name, and has an identity only when
//! all of it is proven: whatever stops the import leaves nothing that a node would open.
use super::super::error::StoreError;
use super::super::layout::{
    HandoverRecord, HeadRecord, META_EARLIEST, META_HEAD, Tables, height_key, locations,
};
use super::super::open::Identity;
use super::super::write::Failure;
use super::super::{DEFAULT_MAP_BYTES, Durability, Store};
use super::records::Records;
use super::{Contents, SnapshotFileError, io};
use heed::RwTxn;
use lockstep_protocol::ledger::{Receipt, StateChanges};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::CommitCertificate;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::proofs::light_client::LightBlock;
use lockstep_protocol::proofs::snapshot::{Anchor, Checked};
use lockstep_protocol::types::{Address, Height};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A data directory that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Imported {
    /// What it begins with.
    #[serde(flatten)]
    pub contents: Contents,
    /// Whose sign record will stand in it.
    pub validator: Address,
}

/// Makes the data directory `dir` of `validator` from the snapshot `input`. Nothing may be there yet.
/// `progress` hears how much has been read, and how much there is.
pub fn import(
    input: &Path,
    dir: &Path,
    (genesis, anchor): (&Genesis, Anchor),
    validator: Address,
    mut progress: impl FnMut(u64, u64),
) -> Result<Imported, SnapshotFileError> {
    demand_nothing(dir)?;
    let mut records = Records::open(input, anchor)?;
    let site = Site::clear(beside(dir)?)?;
    let identity = Identity {
        genesis: genesis.hash(),
        validator,
    };
    let contents = fill(&site.path, &identity, &mut records, &mut progress)?;
    site.become_dir(dir)?;
    Ok(Imported {
        contents,
        validator,
    })
}

/// Where the directory grows: a name beside it, also if its own is written with a slash at the end.
fn beside(dir: &Path) -> Result<PathBuf, SnapshotFileError> {
    let nameless = || {
        let what = format!("{} has no name of its own: name a directory", dir.display());
        SnapshotFileError::Usage(what)
    };
    let mut part = dir.file_name().ok_or_else(nameless)?.to_owned();
    part.push(".importing");
    Ok(dir.with_file_name(part))
}

/// What a data directory is made from, until it is whole.
struct Site {
    path: PathBuf,
    done: bool,
}

impl Site {
    /// Takes away what an import that was stopped has left, unless it is still at work.
    fn clear(path: PathBuf) -> Result<Site, SnapshotFileError> {
        if path.exists() {
            let _lock = super::super::open::lock_existing(&path)?;
            fs::remove_dir_all(&path).map_err(|error| io("remove", &path, &error))?;
        }
        Ok(Site { path, done: false })
    }

    fn become_dir(mut self, dir: &Path) -> Result<(), SnapshotFileError> {
        for entry in fs::read_dir(&self.path).map_err(|error| io("read", &self.path, &error))? {
            let path = entry
                .map_err(|error| io("read", &self.path, &error))?
                .path();
            sync(&path)?;
        }
        sync(&self.path)?;
        fs::rename(&self.path, dir).map_err(|error| io("name", dir, &error))?;
        self.done = true;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if !self.done {
            // The next import takes away what is left.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn sync(path: &Path) -> Result<(), SnapshotFileError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| io("sync", path, &error))
}

fn demand_nothing(dir: &Path) -> Result<(), SnapshotFileError> {
    let is_free = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_free {
        return Ok(());
    }
    let at = dir.display();
    Err(SnapshotFileError::Usage(format!(
        "there is something in {at}, and nothing is overwritten: move it away first, if this node \
         shall begin anew"
    )))
}

/// The proven block.
type ProvenBlock = (Arc<SealedBlock>, Arc<CommitCertificate>, Arc<Vec<Receipt>>);

fn fill(
    path: &Path,
    identity: &Identity,
    records: &mut Records,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Contents, SnapshotFileError> {
    let (store, _, _) = Store::attach(path, Durability::Process, DEFAULT_MAP_BYTES)?;
    let mut head: Option<ProvenBlock> = None;
    while let Some(checked) = records.next()? {
        match checked {
            Checked::Handover(shown) => put_handover(&store, *shown)?,
            Checked::Head {
                block,
                certificate,
                receipts,
            } => head = Some((block, certificate, receipts)),
            Checked::Leaves(changes) => put_leaves(&store, &changes)?,
            Checked::End { version } => {
                let head = head.as_ref().ok_or_else(no_head)?;
                // The file may still be too long.
                if records.next()?.is_some() {
                    return Err(no_head().into());
                }
                begin(&store, identity, head, version)?;
                break;
            }
        }
        let (read, bytes) = records.progress();
        progress(read, bytes);
    }
    store.note_database(identity)?;
    store.sync()?;
    Ok(records.contents().ok_or_else(no_head)?)
}

fn no_head() -> StoreError {
    StoreError::corrupt("a snapshot that was checked has no block")
}

fn put_handover(store: &Store, shown: LightBlock) -> Result<(), StoreError> {
    let handover = HandoverRecord {
        header: shown.header,
        certificate: shown.certificate,
    };
    store.write("keep a change of validators", |tables, txn| {
        let key = height_key(handover.header.height);
        Ok(tables.handovers.put(txn, &key, &handover)?)
    })
}

fn put_leaves(store: &Store, changes: &StateChanges) -> Result<(), StoreError> {
    store.write("write a part of the state", |tables, txn| {
        for (key, node) in &changes.nodes {
            tables.nodes.put_bytes(txn, key, node.clone())?;
        }
        for (key, value) in &changes.values {
            let key = super::super::layout::value_key(key, changes.version);
            tables
                .values
                .put_bytes(txn, &key, value.clone().unwrap_or_default())?;
        }
        for key in &changes.stale {
            tables.nodes.delete(txn, key)?;
        }
        Ok(())
    })
}

/// From here on it is a directory that a node opens.
fn begin(
    store: &Store,
    identity: &Identity,
    (block, certificate, receipts): &ProvenBlock,
    version: u64,
) -> Result<(), StoreError> {
    let height = block.height();
    store.write("begin with a snapshot", |tables, txn| {
        identity.write(tables, txn, height)?;
        put_head(tables, txn, block, version)?;
        let key = height_key(height);
        tables.certificates.put(txn, &key, &**certificate)?;
        tables.receipts.put(txn, &key, &**receipts)?;
        Ok(())
    })
}

fn put_head(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    block: &SealedBlock,
    version: u64,
) -> Result<(), Failure> {
    let height = block.height();
    let key = height_key(block.height());
    let record = HeadRecord {
        height,
        block_id: block.id(),
        time: block.header().time,
        state_root: block.header().state_root,
        state_version: version,
    };
    tables.meta.put(txn, META_HEAD, &record)?;
    tables.meta.put(txn, META_EARLIEST, &height)?;
    tables.blocks.put(txn, &key, block.block())?;
    for (id, location) in locations(block) {
        tables.locations.put(txn, &id.0, &location)?;
    }
    let carried = &block.block().evidence;
    if !carried.is_empty() {
        tables.accusing.put(txn, &key, carried)?;
    }
    let version = version.to_be_bytes();
    Ok(tables.versions.put::<Height>(txn, &version, &height)?)
}
