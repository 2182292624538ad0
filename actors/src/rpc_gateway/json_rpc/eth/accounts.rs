//! What an address holds, after one of the blocks whose state is kept.
use crate::rpc_gateway::json::ethereum::quantity;
use crate::rpc_gateway::json_rpc::caller::Caller;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::json_rpc::heights::{height_of, version_after};
use crate::rpc_gateway::json_rpc::mempool::next_nonce;
use crate::rpc_gateway::json_rpc::method::Answer;
use crate::rpc_gateway::json_rpc::params::{Args, At};
use lockstep_protocol::ledger::{self, Account};
use serde_json::json;

pub(super) fn account(caller: &Caller, args: &Args) -> Result<Account, RpcError> {
    let seed = &caller.seed;
    let (address, at) = (args.address(0)?, args.maybe_height(1)?);
    let newest = seed.head().height;
    let view = seed.store.view()?;
    let asked = match at {
        Some(At::Height(height)) => height,
        Some(At::Block(id)) => height_of(seed, &id)?.ok_or(RpcError::UnknownBlockId(id))?,
        Some(At::Latest | At::Pending) | None => newest,
    };
    let version = version_after(&view, asked, newest)?;
    Ok(ledger::account_at(&view, version, &address)?.unwrap_or_default())
}

pub(super) async fn transaction_count_of(caller: &Caller, args: Args) -> Answer {
    let next = account(caller, &args)?.nonce;
    if args.maybe_height(1)? != Some(At::Pending) {
        return Ok(json!(quantity(next)));
    }
    let pending = next_nonce(caller, args.address(0)?, next).await?;
    Ok(json!(quantity(pending)))
}
