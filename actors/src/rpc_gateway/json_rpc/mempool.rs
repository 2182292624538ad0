//! What calls ask the Mempool.
use super::caller::Caller;
use super::error::RpcError;
use crate::messages::mempool::{GetNextNonce, GetTransactionStatus, GetWaiting, TransactionStatus};
use lockstep_protocol::mempool::Entry;
use lockstep_protocol::types::{Address, Hash};

/// The nonce that continues what waits here of an account, whose next one in the ledger is `next`.
pub(super) async fn next_nonce(
    caller: &Caller,
    sender: Address,
    next: u64,
) -> Result<u64, RpcError> {
    let continued = caller
        .seed
        .ports
        .next_nonce
        .ask(GetNextNonce { sender, next });
    // The mempool may not have heard of the newest block yet.
    Ok(continued.await.map_err(|_| caller.busy())?.max(next))
}

/// What the mempool knows of it.
pub(super) async fn status(
    caller: &Caller,
    id: Hash,
) -> Result<Option<TransactionStatus>, RpcError> {
    let port = &caller.seed.ports.transaction_status;
    let status = port.ask(GetTransactionStatus(id)).await;
    status.map_err(|_| caller.busy())
}

/// Those that wait for a block here, by sender and nonce behind `after`, at most so many, each with
/// whether a block could carry it now; and how many wait in all.
pub(super) async fn pending(
    caller: &Caller,
    mut after: Option<(Address, u64)>,
    limit: usize,
) -> Result<(Vec<(Entry, bool)>, usize), RpcError> {
    let mut all = Vec::new();
    loop {
        let limit = limit.saturating_sub(all.len());
        let page = GetWaiting { after, limit };
        let waiting = caller.seed.ports.waiting.ask(page).await;
        let waiting = waiting.map_err(|_| caller.busy())?;
        let last = waiting.page.last();
        after = last.map(|(entry, _)| (entry.sender(), entry.nonce()));
        all.extend(waiting.page);
        if after.is_none() {
            return Ok((all, waiting.transactions));
        }
    }
}
