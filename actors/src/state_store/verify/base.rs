//! Where a replay begins. With all blocks here that is the genesis. Otherwise it is the first height
//! whose block and state are both here, proven as a snapshot of that height is: from the genesis by
//! certificates to the block, and from the leaves to its state root. Blocks before it are checked one
//! by one, back to the earliest: hash chain, certificate, receipts, places of their ids.
use super::super::error::StoreError;
use super::super::layout::Env;
use super::super::layout::locations;
use super::super::read::Reading;
use super::super::snapshot_file::{SnapshotFileError, Source};
use super::{accusations, bad, check_history, demand};
use lockstep_protocol::ledger::{self, ChainRules, Head, MemoryState, VersionStart};
use lockstep_protocol::nouns::block::{Block, Header, SealedBlock};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::proofs::snapshot::{
    Anchor, Check, SnapshotError, encode_opening, encode_record,
};
use lockstep_protocol::types::{BlockId, Height};
use lockstep_protocol::validators::set::ValidatorSet;

/// The state that a replay begins with, and what was counted up to it.
pub(super) struct Base {
    pub(super) head: Head,
    pub(super) state: MemoryState,
    pub(super) version: VersionStart,
    pub(super) transactions: u64,
    pub(super) locations: usize,
    pub(super) accusing: usize,
    pub(super) history: usize,
}

impl Base {
    pub(super) fn genesis(genesis: &Genesis, rules: &ChainRules) -> Result<Base, StoreError> {
        let changes = rules
            .genesis_changes(genesis)
            .map_err(|error| StoreError::corrupt(format!("the genesis gives no state: {error}")))?;
        Ok(Base {
            head: Head::genesis(genesis, &changes),
            state: MemoryState::new(&changes),
            version: VersionStart {
                version: 0,
                height: Height(0),
            },
            transactions: 0,
            locations: 0,
            accusing: 0,
            history: 0,
        })
    }

    /// Of a directory whose first blocks are gone.
    pub(super) fn find(
        reading: &Reading<'_>,
        env: Env,
        genesis: &Genesis,
        rules: &ChainRules,
        progress: &mut impl FnMut(Height, Height),
    ) -> Result<Base, StoreError> {
        let source = Source::of(*reading.tables, env)?;
        let earliest = reading.earliest()?;
        let newest = reading.head()?.height;
        let kept = reading.versions()?;
        let version = kept.first().copied();
        let version = version.ok_or_else(|| bad("versions", newest, "no state can be read"))?;
        let height = version.height.max(earliest);
        demand(height <= newest, "versions", newest)?;
        let header = prove(&source, height, genesis, rules)?;
        let mut base = Base {
            state: state(&source, version.version, &header)?,
            head: Head {
                height,
                block_id: header.id(),
                time: header.time,
                state_root: header.state_root,
                state_version: version.version,
                certificate: reading.certificate(height)?,
            },
            version,
            transactions: 0,
            locations: 0,
            accusing: 0,
            history: 0,
        };
        let mut expected = header.id();
        for height in (earliest.0..=height.0).rev().map(Height) {
            expected = base.check_block(reading, &source, rules, (height, expected))?;
            progress(height, newest);
        }
        Ok(base)
    }

    /// One block that is not executed again; returns its parent.
    fn check_block(
        &mut self,
        reading: &Reading<'_>,
        source: &Source,
        rules: &ChainRules,
        (height, expected): (Height, BlockId),
    ) -> Result<BlockId, StoreError> {
        let gone = |table: &str| bad(table, height, "its row is gone");
        let block = reading.block(height)?.ok_or_else(|| gone("blocks"))?;
        demand(block.id() == expected, "blocks", height)?;
        demand(block.height() == height, "blocks", height)?;
        let certificate = reading.certificate(height)?;
        let certificate = certificate.ok_or_else(|| gone("certificates"))?;
        let own = (certificate.height, certificate.block_id) == (height, expected);
        demand(own, "certificates", height)?;
        let set = self.set(source, rules, &block)?;
        certificate
            .verify(&set, &rules.context)
            .map_err(|error| bad("certificates", height, error))?;
        let receipts = reading.receipts(height)?.ok_or_else(|| gone("receipts"))?;
        let root = Block::receipts_root(&receipts);
        demand(root == block.header().receipts_root, "receipts", height)?;
        for (id, location) in locations(&block) {
            let stored = reading.location(&id)?;
            demand(stored == Some(location), "locations", height)?;
            self.locations += 1;
        }
        self.accusing += accusations::check_carried(reading, &block)?;
        self.history += check_history(reading, &block)?;
        self.transactions += block.block().transactions.len() as u64;
        Ok(block.header().previous_block)
    }

    /// Who decided a block.
    fn set(
        &self,
        source: &Source,
        rules: &ChainRules,
        block: &SealedBlock,
    ) -> Result<ValidatorSet, StoreError> {
        let height = block.height();
        let record = source.set(height, self.version.version)?;
        let members = record.validators.into_iter();
        let members = members.map(|validator| (validator.public_key, validator.power));
        let set = ValidatorSet::new(&*rules.scheme, members);
        let set = set.map_err(|error| bad("values", height, error))?;
        let named = block.header().validators_hash;
        demand(set.hash() == named, "values", height)?;
        Ok(set)
    }
}

/// The block of `height` and the state after it, from the genesis on.
fn prove(
    source: &Source,
    height: Height,
    genesis: &Genesis,
    rules: &ChainRules,
) -> Result<Header, StoreError> {
    let anchor = Anchor::new(genesis, rules.scheme.clone(), None);
    let anchor = anchor.map_err(|error| StoreError::corrupt(error.to_string()))?;
    let wrong = |error: SnapshotError| StoreError::corrupt(error.to_string()).at(height);
    let mut check = Check::open(anchor, &encode_opening(&genesis.hash())).map_err(wrong)?;
    let mut put = |record| {
        let framed = encode_record(&record);
        let taken = check.take(framed.get(4..).unwrap_or_default());
        Ok(taken.map(drop).map_err(wrong)?)
    };
    let proven = source.records(Some(height), &mut put, |_, _| {});
    let (header, _) = proven.map_err(|error| match error {
        SnapshotFileError::Store(error) => error,
        other => StoreError::corrupt(other.to_string()).at(height),
    })?;
    Ok(header)
}

/// The state after a proven header, as it is stored.
fn state(source: &Source, version: u64, header: &Header) -> Result<MemoryState, StoreError> {
    let mut values = Vec::new();
    source.reading(|reading| {
        reading.values_at(version, |key, written, value| {
            values.push((key, written, value));
            Ok::<_, StoreError>(())
        })
    })?;
    let keys = values.iter().map(|(key, ..)| *key);
    let nodes = ledger::tree_nodes(source, version, &header.state_root, keys)?;
    Ok(MemoryState::restored(version, nodes, values))
}
