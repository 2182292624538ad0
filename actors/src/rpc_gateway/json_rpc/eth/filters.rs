//! Filters, for clients that poll where others subscribe: of new blocks, and of logs, which there are
//! none of.
use crate::limits::{FILTER_CHANGES_MAX, FILTER_UNASKED_MAX};
use crate::metrics::RefusalLabel;
use crate::rpc_gateway::json::ethereum::quantity;
use crate::rpc_gateway::json_rpc::caller::Caller;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::json_rpc::filters::Told;
use crate::rpc_gateway::json_rpc::method::Answer;
use crate::rpc_gateway::json_rpc::params::Args;
use lockstep_protocol::types::{BlockId, Height};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Begins one behind the newest block.
pub(super) fn new_block_filter(caller: &Caller) -> Value {
    let next = caller.seed.head().height.next();
    begin(caller, Told::Blocks(next))
}

pub(super) fn new_log_filter(caller: &Caller) -> Value {
    begin(caller, Told::Logs)
}

fn begin(caller: &Caller, told: Told) -> Value {
    let filters = &caller.seed.shares.filters;
    let (id, gave_way) = filters.begin(caller.address(), told, Instant::now());
    if gave_way {
        caller.seed.metrics.refusal(RefusalLabel::Busy);
    }
    json!(quantity(id))
}

pub(super) async fn filter_changes(caller: &Caller, args: Args) -> Answer {
    let id = args.number(0)?;
    let from = match told(caller, id)? {
        Told::Blocks(from) => from,
        Told::Logs => return Ok(json!([])),
    };
    let filters = &caller.seed.shares.filters;
    let earliest = caller.seed.store.earliest()?;
    if from < earliest {
        // Told once: from the next question on it goes on with what is kept.
        filters.told_to(id, earliest);
        let asked = from;
        return Err(RpcError::Pruned { asked, earliest });
    }
    let last = caller.seed.head().height;
    let last = last.min(Height(from.0.saturating_add(FILTER_CHANGES_MAX - 1)));
    if last < from {
        return Ok(json!([]));
    }
    let ids = caller.read(move |seed| {
        let ids = (from.0..=last.0).map(|height| {
            let certificate = seed.store.certificate(Height(height))?;
            Ok(certificate.map(|certificate| certificate.block_id))
        });
        ids.collect::<Result<Vec<Option<BlockId>>, RpcError>>()
    });
    let ids: Vec<BlockId> = ids.await?.into_iter().flatten().collect();
    filters.told_to(id, last.next());
    Ok(json!(ids))
}

/// Of a filter of logs, which has none. One of blocks has nothing to begin with.
pub(super) fn logs(caller: &Caller, args: &Args) -> Answer {
    match told(caller, args.number(0)?)? {
        Told::Logs => Ok(json!([])),
        Told::Blocks(_) => Err(RpcError::Refused {
            code: "no_log_filter",
            sentence: "that filter is of blocks: eth_getFilterChanges tells what is new".into(),
        }),
    }
}

/// False if there is none of that id.
pub(super) fn end(caller: &Caller, args: &Args) -> Result<bool, RpcError> {
    Ok(caller.seed.shares.filters.end(args.number(0)?))
}

fn told(caller: &Caller, id: u64) -> Result<Told, RpcError> {
    let filters = &caller.seed.shares.filters;
    filters.ask(id, Instant::now()).ok_or_else(|| {
        let id = quantity(id);
        RpcError::Refused {
            code: "unknown_filter",
            sentence: format!(
                "filter not found: {id} was not asked for in {} s, gave way to others, or the node \
                 was restarted; make another one with eth_newBlockFilter",
                FILTER_UNASKED_MAX.as_secs()
            ),
        }
    })
}
