//! `net_…`, `web3_…` and `txpool_…`: what Ethereum's tools ask of a node itself.
use super::caller::Caller;
use super::mempool::pending;
use super::method::{Answer, Method, Shape, method};
use super::params::Args;
use crate::limits::PENDING_ANSWER_MAX;
use crate::rpc_gateway::json::ethereum::{self, quantity};
use serde_json::{Value, json};

pub(super) const METHODS: &[Method] = &[
    method(
        "net_version",
        "The chain's number as decimal text.",
        &[],
        Shape::Text,
        |caller, _| {
            let id = caller.seed.genesis.chain_id;
            Box::pin(async move { Ok(json!(id.to_string())) })
        },
    ),
    method(
        "net_listening",
        "Always true: it answers.",
        &[],
        Shape::Flag,
        |_, _| Box::pin(async { Ok(json!(true)) }),
    ),
    method(
        "net_peerCount",
        "Peers whose last exchange succeeded.",
        &[],
        Shape::Quantity,
        |caller, _| {
            let peers = caller.seed.view.peers().into_iter();
            let reached = peers.filter(|peer| peer.reachable).count() as u64;
            Box::pin(async move { Ok(json!(quantity(reached))) })
        },
    ),
    method(
        "web3_clientVersion",
        "Name and version of this node.",
        &[],
        Shape::Text,
        |_, _| Box::pin(async { Ok(json!(concat!("lockstep/", env!("CARGO_PKG_VERSION")))) }),
    ),
    method(
        "txpool_status",
        "How many transactions wait: those that could be executed, and those behind a gap.",
        &[],
        Shape::Object,
        |caller, args| Box::pin(status(caller, args)),
    ),
    method(
        "txpool_content",
        "The first thousand transactions that wait, by sender and nonce; \
         lockstep_pendingTransactions has the others.",
        &[],
        Shape::Object,
        |caller, args| Box::pin(content(caller, args)),
    ),
];

async fn status(caller: &Caller, _: Args) -> Answer {
    caller.take_place().await?;
    let (waiting, _) = pending(caller, None, usize::MAX).await?;
    let executable = waiting.iter().filter(|(_, is_ready)| *is_ready).count();
    let queued = waiting.len() - executable;
    Ok(json!({ "pending": quantity(executable as u64), "queued": quantity(queued as u64) }))
}

async fn content(caller: &Caller, _: Args) -> Answer {
    caller.take_place().await?;
    let mut answer = json!({ "pending": {}, "queued": {} });
    for (entry, is_ready) in pending(caller, None, PENDING_ANSWER_MAX).await?.0 {
        let list = if is_ready { "pending" } else { "queued" };
        let sender = entry.sender().to_string();
        let nonce = entry.nonce();
        let shown: Value = ethereum::transaction(&entry.transaction, &caller.seed.genesis, None);
        answer[list][sender][nonce.to_string()] = shown;
    }
    Ok(answer)
}
