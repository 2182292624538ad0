//! alloy, unmodified: blocks, balances, receipts over HTTP and the WebSocket, and new heads.
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use alloy::rpc::types::{BlockNumberOrTag, TransactionRequest};
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

struct Expected(Value);

impl Expected {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect("a text")
    }

    fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().expect("a number")
    }

    fn address(&self, name: &str) -> Address {
        self.text(name).parse().expect("an address")
    }

    fn hash(&self, name: &str) -> B256 {
        self.text(name).parse().expect("a hash")
    }
}

async fn reads(provider: &impl Provider, expected: &Expected) {
    let chain = provider.get_chain_id().await.expect("a chain id");
    assert_eq!(chain, expected.number("chainId"));
    let latest = provider.get_block_by_number(BlockNumberOrTag::Latest);
    let latest = latest.await.expect("an answer").expect("a block").header;
    assert!(latest.number >= expected.number("height"));
    let parent = provider.get_block_by_number((latest.number - 1).into());
    let parent = parent.await.expect("an answer").expect("a block").header;
    assert_eq!(parent.hash, latest.parent_hash);
    let earliest = provider.get_block_by_number(BlockNumberOrTag::Earliest);
    let genesis = earliest.await.expect("an answer").expect("a block").header;
    assert_eq!(genesis.hash, expected.hash("genesisHash"));
    let none = provider.get_block_by_number(1_000_000_000.into()).await;
    assert!(none.expect("an answer").is_none());
    let (alice, bob) = (expected.address("alice"), expected.address("bob"));
    let balance: U256 = expected.text("bobBalance").parse().expect("digits");
    assert_eq!(provider.get_balance(bob).await.expect("a balance"), balance);
    let nonce = provider.get_transaction_count(alice).await;
    assert_eq!(nonce.expect("a nonce"), expected.number("aliceNonce"));
    assert!(provider.get_code_at(bob).await.expect("code").is_empty());
    let call = provider.call(TransactionRequest::default().to(bob)).await;
    assert!(call.expect("an answer").is_empty(), "bob is no contract");
    // A method that there is not is no contract that reverted.
    let proof = provider.get_proof(bob, Vec::new()).await;
    let error = proof.expect_err("there are no proofs of Ethereum's");
    let payload = error.as_error_resp().expect("an answer");
    assert_eq!(payload.code, -32601);
    assert!(payload.as_revert_data().is_none());
}

async fn transaction(provider: &impl Provider, expected: &Expected) {
    let hash = expected.hash("transaction");
    let receipt = provider.get_transaction_receipt(hash).await;
    let receipt = receipt.expect("an answer").expect("a receipt");
    assert!(receipt.status());
    assert_eq!(receipt.from, expected.address("alice"));
    assert_eq!(receipt.to, Some(expected.address("bob")));
}

async fn pushed(provider: &impl Provider, expected: &Expected) {
    let mut heads = provider.subscribe_blocks().await.expect("a subscription");
    let first = heads.recv().await.expect("a head");
    let second = heads.recv().await.expect("a head");
    assert_eq!(second.number, first.number + 1);
    assert_eq!(second.parent_hash, first.hash);
    let raw: Bytes = expected.text("raw").parse().expect("bytes");
    let sent = provider.send_raw_transaction(&raw).await.expect("it is taken");
    assert_eq!(*sent.tx_hash(), expected.hash("rawId"));
    assert!(sent.get_receipt().await.expect("a receipt").status());
}

#[tokio::main]
async fn main() {
    let expected = std::env::var("LOCKSTEP_EXPECTED").expect("run by tests/nodes/clients.rs");
    let expected = Expected(serde_json::from_str(&expected).expect("JSON"));
    let all = async {
        let url = expected.text("http").parse().expect("an address");
        let asked = ProviderBuilder::new().connect_http(url);
        reads(&asked, &expected).await;
        transaction(&asked, &expected).await;
        let socket = WsConnect::new(expected.text("webSocket"));
        let told = ProviderBuilder::new().connect_ws(socket).await;
        let told = told.expect("a WebSocket");
        reads(&told, &expected).await;
        transaction(&told, &expected).await;
        pushed(&told, &expected).await;
    };
    tokio::time::timeout(PATIENCE, all).await.expect("in time");
    println!("ok");
}
