//! `net_…`, `web3_…` and `txpool_…`: what Ethereum's tools ask of a node itself.
use super::eth_json::{self, quantity};
use super::params::Args;
use super::transactions::pending;
use super::{Answer, Caller, Method, Shape, method};
use crate::limits::PENDING_ANSWER_MAX;
use lockstep_protocol::ledger;
use lockstep_protocol::transaction::Transaction;
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
        "Transactions that wait, by sender and nonce.",
        &[],
        Shape::Object,
        |caller, args| Box::pin(content(caller, args)),
    ),
];

/// Of each waiting transaction whether the ledger could execute it after those before it.
async fn waiting(
    caller: &Caller,
) -> Result<Vec<(bool, std::sync::Arc<Transaction>)>, super::RpcError> {
    let (mut waiting, _) = pending(caller).await?;
    waiting.sort_by_key(|transaction| (transaction.sender, transaction.body.nonce));
    let mut next = None;
    let mut sorted = Vec::new();
    for transaction in waiting {
        let (sender, nonce) = (transaction.sender, transaction.body.nonce);
        let expected = match next {
            Some((same, nonce)) if same == sender => nonce,
            _ => {
                ledger::account(&caller.seed.store, &sender)?
                    .unwrap_or_default()
                    .nonce
            }
        };
        let follows = nonce == expected;
        next = Some((
            sender,
            if follows {
                nonce.saturating_add(1)
            } else {
                expected
            },
        ));
        sorted.push((follows, transaction));
    }
    Ok(sorted)
}

async fn status(caller: &Caller, _: Args) -> Answer {
    let waiting = waiting(caller).await?;
    let executable = waiting.iter().filter(|(follows, _)| *follows).count();
    let queued = waiting.len() - executable;
    Ok(json!({ "pending": quantity(executable as u64), "queued": quantity(queued as u64) }))
}

async fn content(caller: &Caller, _: Args) -> Answer {
    caller.take_place().await?;
    let mut answer = json!({ "pending": {}, "queued": {} });
    for (follows, transaction) in waiting(caller).await?.into_iter().take(PENDING_ANSWER_MAX) {
        let list = if follows { "pending" } else { "queued" };
        let (sender, nonce) = (transaction.sender.to_string(), transaction.body.nonce);
        let shown: Value = eth_json::transaction(&transaction, &caller.seed.genesis, None);
        answer[list][sender][nonce.to_string()] = shown;
    }
    Ok(answer)
}
