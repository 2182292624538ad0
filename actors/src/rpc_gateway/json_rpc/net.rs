//! `net_…`, `web3_…` and `txpool_…`: what Ethereum's tools ask of a node itself.
use super::caller::Caller;
use super::mempool::pending;
use super::method::{Answer, methods};
use super::params::Args;
use crate::limits::PENDING_ANSWER_MAX;
use crate::messages::mempool::GetWaitingCount;
use crate::rpc_gateway::json::ethereum::{self, quantity};
use lockstep_protocol::mempool::limits::SENDER_TRANSACTIONS_MAX;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::Address;
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

    /// Those of one sender, by nonce.
    "txpool_contentFrom"(needed address: EthAddress) -> Object = content_from;

    /// The same as txpool_content, each in one line: whom it pays how much, its bytes and their price.
    "txpool_inspect"() -> Object = inspect;
}

fn reached(caller: &Caller) -> u64 {
    let peers = caller.seed.view.peers().into_iter();
    peers.filter(|peer| peer.reachable).count() as u64
}

async fn status(caller: &Caller, _: Args) -> Answer {
    let count = caller.seed.ports.waiting_count.ask(GetWaitingCount).await;
    let count = count.map_err(|_| caller.busy())?;
    let queued = count.transactions.saturating_sub(count.ready);
    Ok(json!({ "pending": quantity(count.ready as u64), "queued": quantity(queued as u64) }))
}

async fn content(caller: &Caller, _: Args) -> Answer {
    listed(caller, ethereum::waiting).await
}

async fn inspect(caller: &Caller, _: Args) -> Answer {
    listed(caller, |transaction, _| {
        ethereum::inspected(transaction).into()
    })
    .await
}

/// What waits by sender and nonce, each as `show` shows it.
async fn listed(caller: &Caller, show: fn(&Transaction, &Genesis) -> Value) -> Answer {
    caller.take_place().await?;
    let waiting = pending(caller, None, PENDING_ANSWER_MAX).await?.0;
    let shown = caller.look_up(move |seed| {
        let mut answer = json!({ "pending": {}, "queued": {} });
        for (entry, is_ready) in waiting {
            let sender = entry.sender().to_string();
            let shown = show(&entry.transaction, &seed.genesis);
            answer[list(is_ready)][sender][entry.nonce().to_string()] = shown;
        }
        Ok(answer)
    });
    shown.await
}

async fn content_from(caller: &Caller, args: Args) -> Answer {
    let sender = args.address(0)?;
    caller.take_place().await?;
    let first = before(&sender).map(|before| (before, u64::MAX));
    let waiting = pending(caller, first, SENDER_TRANSACTIONS_MAX).await?.0;
    let shown = caller.look_up(move |seed| {
        let mut answer = json!({ "pending": {}, "queued": {} });
        for (entry, is_ready) in waiting {
            if entry.sender() == sender {
                let shown = ethereum::waiting(&entry.transaction, &seed.genesis);
                answer[list(is_ready)][entry.nonce().to_string()] = shown;
            }
        }
        Ok(answer)
    });
    shown.await
}

fn list(is_ready: bool) -> &'static str {
    match is_ready {
        true => "pending",
        false => "queued",
    }
}

/// The address before this one: a page of what waits begins behind it.
fn before(address: &Address) -> Option<Address> {
    let Address(mut bytes) = *address;
    for byte in bytes.iter_mut().rev() {
        *byte = byte.wrapping_sub(1);
        if *byte != u8::MAX {
            return Some(Address(bytes));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_lies_between_one_and_the_one_before_it() {
        let mut address = Address([0; 20]);
        assert_eq!(before(&address), None);
        address.0[18] = 1;
        let Some(Address(found)) = before(&address) else {
            panic!("there is one");
        };
        assert_eq!((found[18], found[19]), (0, u8::MAX));
        assert_eq!(before(&Address([7; 20])).map(|it| it.0[19]), Some(6));
    }
}
