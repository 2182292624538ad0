//! `net_…`, `web3_…` and `txpool_…`: what Ethereum's tools ask of a node itself.
use super::caller::Caller;
use super::mempool::pending;
use super::method::{Answer, methods};
use super::params::Args;
use crate::limits::PENDING_ANSWER_MAX;
use crate::rpc_gateway::json::ethereum::{self, quantity};
use serde_json::{Value, json};

methods! {
    /// The chain's number as decimal text.
    "net_version"() -> Text => |caller, _| caller.seed.genesis.chain_id.to_string();

    /// Always true: it answers.
    "net_listening"() -> Flag => |_, _| true;

    /// Peers whose last exchange succeeded.
    "net_peerCount"() -> Quantity => |caller, _| quantity(reached(caller));

    /// Name and version of this node.
    "web3_clientVersion"() -> Text => |_, _| concat!("lockstep/", env!("CARGO_PKG_VERSION"));

    /// How many transactions wait: those that could be executed, and those behind a gap.
    "txpool_status"() -> Object = status;

    /// The first thousand transactions that wait, by sender and nonce; lockstep_pendingTransactions
    /// has the others.
    "txpool_content"() -> Object = content;
}

fn reached(caller: &Caller) -> u64 {
    let peers = caller.seed.view.peers().into_iter();
    peers.filter(|peer| peer.reachable).count() as u64
}

async fn status(caller: &Caller, _: Args) -> Answer {
    caller.take_place().await?;
    let (waiting, _) = pending(caller, None, usize::MAX).await?;
    let executable = waiting.iter().filter(|(_, is_ready)| *is_ready).count();
    let queued = waiting.len() - executable;
    Ok(json!({ "pending": quantity(executable as u64), "queued": quantity(queued as u64) }))
}

async fn content(caller: &Caller, _: Args) -> Answer {
    caller.take_place().await?;
    let waiting = pending(caller, None, PENDING_ANSWER_MAX).await?.0;
    let shown = caller.look_up(move |seed| {
        let mut answer = json!({ "pending": {}, "queued": {} });
        for (entry, is_ready) in waiting {
            let list = if is_ready { "pending" } else { "queued" };
            let sender = entry.sender().to_string();
            let nonce = entry.nonce();
            let shown: Value = ethereum::transaction(&entry.transaction, &seed.genesis, None);
            answer[list][sender][nonce.to_string()] = shown;
        }
        Ok(answer)
    });
    shown.await
}
