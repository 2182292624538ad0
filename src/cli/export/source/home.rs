//! The data directory of a home, whose node may be running. This is the fastest way: nothing is asked
//! of the node.
use super::super::rows::BlockRows;
use super::{Chain, Found, Source};
use crate::config::{self, genesis};
use crate::failure::Failure;
use lockstep_actors::state_store::{Blocks, DATA_FILE, Executed, StoreError};
use lockstep_protocol::types::Height;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub(in super::super) struct HomeSource {
    chain: Chain,
    blocks: Blocks,
    data: PathBuf,
    /// Which file is open: another one may take its name meanwhile.
    opened: FileId,
}

/// Device and number.
type FileId = Option<(u64, u64)>;

impl HomeSource {
    pub(in super::super) fn open(home: &Path) -> Result<HomeSource, Failure> {
        let config = config::load(Some(home), Vec::new())?;
        let genesis = genesis::read(&config.genesis)?;
        let data = config.data;
        if !data.join(DATA_FILE).exists() {
            return Err(Failure::usage(format!(
                "{} holds no database: name the home of a node that has run",
                data.display()
            )));
        }
        let genesis_hash = genesis.hash();
        let opened = file_id(&data)?;
        let blocks = Blocks::open(&data, genesis_hash).map_err(failure)?;
        Ok(HomeSource {
            chain: Chain {
                chain_id: genesis.chain_id,
                genesis_hash,
                scheme: genesis.scheme,
            },
            blocks,
            data,
            opened,
        })
    }

    /// In a file that was moved away no block comes any more.
    fn demand_same_file(&self) -> Result<(), Failure> {
        if file_id(&self.data)? == self.opened {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "the database in {} was moved away or replaced: once it is there, run the same command \
             again, it goes on where the target stands",
            self.data.display()
        )))
    }
}

/// Which file stands there; none, if it was moved away. Where a file has no number that is easily asked
/// for, an open one cannot be replaced either.
fn file_id(data: &Path) -> Result<FileId, Failure> {
    let path = data.join(DATA_FILE);
    match path.metadata() {
        #[cfg(unix)]
        Ok(about) => {
            use std::os::unix::fs::MetadataExt;
            Ok(Some((about.dev(), about.ino())))
        }
        #[cfg(not(unix))]
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::retry(format!(
            "{}: {error}; try again",
            path.display()
        ))),
    }
}

impl Source for HomeSource {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn newest(&self) -> Result<u64, Failure> {
        self.demand_same_file()?;
        Ok(self.blocks.newest().map_err(failure)?.0)
    }

    fn at(&self, height: u64) -> Result<Found, Failure> {
        let found = self.blocks.at(Height(height)).map_err(failure)?;
        let Some(Executed { block, receipts }) = found else {
            let earliest = self.blocks.earliest().map_err(failure)?.0;
            return Ok(match height < earliest {
                true => Found::Pruned(Some(earliest)),
                false => Found::NotYet,
            });
        };
        let transactions = block.block().transactions.iter();
        let transactions = transactions.map(|transaction| {
            json!({ "id": transaction.id(), "sender": transaction.sender, "body": transaction.body })
        });
        let page = json!({
            "id": block.id(),
            "header": block.header(),
            "transactions": transactions.collect::<Vec<_>>(),
            "evidence": block.block().evidence.iter().map(|_| Value::Null).collect::<Vec<_>>(),
        });
        let receipts: Vec<Value> = receipts.iter().map(|receipt| json!(receipt)).collect();
        let rows = BlockRows::read(&page, &receipts);
        let rows = rows.ok_or_else(|| {
            let at = self.data.display();
            let next = "check it with lockstep verify";
            Failure::corrupt(format!("block {height} in {at} fits no table: {next}"))
        });
        Ok(Found::Block(Box::new(rows?)))
    }

    fn may_grow(&self) -> Result<(), Failure> {
        if self.blocks.is_beside_a_node() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "no node runs on {}, so no block will come: start it before --follow, or leave --follow \
             away",
            self.data.display()
        )))
    }
}

fn failure(error: StoreError) -> Failure {
    Failure {
        message: error.to_string(),
        exit_code: error.exit_code(),
    }
}
