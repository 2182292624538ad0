//! What people and programs read of a devnet.
use super::{Arguments, BlockRow, Times};
use crate::failure::Failure;
use crate::hex::hex;
use crate::output::{say, say_json};
use lockstep_devnet::Devnet;
use lockstep_protocol::types::{Address, ChainId, Hash};
use serde::Serialize;
use std::time::Duration;

/// So many accounts fit a terminal beside what follows; more are in the file of `--config-out`.
const ACCOUNTS_SHOWN_MAX: usize = 20;

pub(super) fn banner(arguments: &Arguments, devnet: &Devnet) -> Result<(), Failure> {
    let genesis = devnet.genesis();
    say!("Lockstep devnet")?;
    say!("  chain id      {}", genesis.chain_id)?;
    say!("  genesis hash  {}", genesis.hash())?;
    say!("  scheme        {}", genesis.scheme)?;
    say!(
        "  durability    {}: {}",
        arguments.durability.name(),
        arguments.durability.in_words()
    )?;
    say!("  blocks        {}", when(arguments))?;
    say!()?;
    let rows = devnet
        .validators()
        .into_iter()
        .zip(devnet.urls())
        .zip(devnet.peer_urls())
        .zip(devnet.data_dirs());
    for (index, (((address, url), peers), dir)) in rows.enumerate() {
        say!(
            "  node {index}  {address}  {url}  peers {peers}  {}",
            dir.display()
        )?;
    }
    say!()?;
    accounts(devnet)?;
    say!("  All keys above are public: anyone can sign with them.")?;
    say!()
}

/// Names, addresses and balances, and below them the seeds of the keys.
fn accounts(devnet: &Devnet) -> Result<(), Failure> {
    let all = devnet.accounts();
    let shown = all.get(..ACCOUNTS_SHOWN_MAX).unwrap_or(all);
    let width = shown.iter().map(|account| account.name.len()).max();
    let width = width.unwrap_or(0).max(6);
    for account in shown {
        let (name, address) = (&account.name, account.address);
        say!("  {name:<width$} {address}  {}", account.balance)?;
    }
    if let Some(more @ 1..) = all.len().checked_sub(shown.len()) {
        say!("  and {more} more, which --config-out FILE writes down with their keys")?;
    }
    say!()?;
    for account in shown {
        let name = &account.name;
        say!("  {name:<width$} key {}", hex(&account.seed))?;
    }
    say!()
}

/// What stands above the lines of blocks.
pub(super) fn head() -> Result<(), Failure> {
    say!("  height round proposer    txs votes      ms  state root")
}

fn when(arguments: &Arguments) -> String {
    if arguments.no_empty_blocks {
        return "when transactions wait".into();
    }
    match (arguments.manual, arguments.block_time) {
        (true, _) => "at Enter, or at POST /devnet/tick".into(),
        (false, Duration::ZERO) => "as fast as it goes".into(),
        (false, time) => format!("every {time:?}, at once when transactions wait"),
    }
}

pub(super) fn block(row: &BlockRow, (nodes, all): (usize, usize)) -> Result<(), Failure> {
    let held = match nodes == all {
        true => "all nodes".to_owned(),
        false => format!("{nodes} of {all} nodes"),
    };
    say!(
        "  {:>6} {:>5} {} {:>4} {:>5} {:>7.1}  {} on {held}",
        row.height,
        row.round,
        row.proposer.short(),
        row.txs,
        row.precommits,
        row.commit_ms,
        row.state_root.short()
    )
}

#[derive(Serialize)]
struct ValidatorRow {
    index: usize,
    address: Address,
    rpc: String,
    height: u64,
    block_hash: Hash,
    state_root: Hash,
}

/// Where the nodes stood at the end.
#[derive(Serialize)]
pub(super) struct Summary {
    chain_id: ChainId,
    genesis_hash: Hash,
    scheme: String,
    durability: &'static str,
    validators: Vec<ValidatorRow>,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    blocks: &'a [BlockRow],
    boot_ms: f64,
    blocks_ms: f64,
    teardown_ms: f64,
}

impl Summary {
    pub(super) fn of(arguments: &Arguments, devnet: &Devnet) -> Summary {
        let genesis = devnet.genesis();
        let nodes = devnet
            .validators()
            .into_iter()
            .zip(devnet.urls())
            .enumerate();
        let heads = devnet.heads();
        let validators = nodes
            .zip(heads)
            .filter_map(|((index, (address, rpc)), head)| {
                let head = head?;
                let height = head.height.0;
                let block_hash = head.block_id;
                let state_root = head.state_root;
                Some(ValidatorRow {
                    index,
                    address,
                    rpc,
                    height,
                    block_hash,
                    state_root,
                })
            })
            .collect();
        Summary {
            chain_id: genesis.chain_id,
            genesis_hash: genesis.hash(),
            scheme: genesis.scheme.to_string(),
            durability: arguments.durability.name(),
            validators,
        }
    }

    /// Nodes at one height must have one block and one state.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for a in &self.validators {
            for b in self.validators.iter().filter(|b| b.height == a.height) {
                if (a.block_hash, a.state_root) != (b.block_hash, b.state_root) {
                    return Err(Failure::safety(format!(
                        "at height {} node {} has block {} with state root {}, node {} has block \
                         {} with state root {}",
                        a.height,
                        a.index,
                        a.block_hash,
                        a.state_root,
                        b.index,
                        b.block_hash,
                        b.state_root
                    )));
                }
            }
        }
        Ok(())
    }

    pub(super) fn print(&self, blocks: Option<u64>, times: &Times) -> Result<(), Failure> {
        let heights: Vec<String> = self
            .validators
            .iter()
            .map(|v| v.height.to_string())
            .collect();
        say!()?;
        match blocks {
            Some(blocks) => say!("heights after {blocks} blocks: {}", heights.join(", "))?,
            None => say!("stopped at heights {}", heights.join(", "))?,
        }
        say!(
            "boot {:.1} ms, blocks {:.1} ms, teardown {:.1} ms",
            ms(times.boot),
            ms(times.blocks),
            ms(times.teardown)
        )
    }

    pub(super) fn print_json(&self, blocks: &[BlockRow], times: &Times) -> Result<(), Failure> {
        let document = Document {
            summary: self,
            blocks,
            boot_ms: ms(times.boot),
            blocks_ms: ms(times.blocks),
            teardown_ms: ms(times.teardown),
        };
        say_json(&document)
    }
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}
