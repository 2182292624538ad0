//! Transactions between nodes: passed on once, verified once per node, listed until they are
//! committed.
#![allow(clippy::unwrap_used)]

use lockstep_devnet::{Devnet, funded_accounts, load_accounts};
use lockstep_protocol::codec;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::wire::Wire;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use support::*;

/// Four nodes that make blocks when they are told to, and signed transfers of two people.
fn stage(each: u64) -> (Devnet, Vec<Transaction>) {
    let devnet = Devnet::builder().validators(4).manual(true).boot().unwrap();
    let context = devnet.sign_context();
    let people = funded_accounts(devnet.genesis().scheme).unwrap();
    let transfers = people.iter().take(2).flat_map(|who| {
        (0..each).map(|nonce| who.transfer(&context, nonce, people[2].address, 1).unwrap())
    });
    let transfers = transfers.collect();
    (devnet, transfers)
}

fn wire(devnet: &Devnet) -> Wire {
    Wire::new(devnet.genesis().hash())
}

fn listed(url: &str) -> Vec<String> {
    let page = get(url, "/mempool").json();
    let rows = page["waiting"].as_array().cloned().unwrap_or_default();
    assert_eq!(page["transactions"], rows.len());
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_one_node_takes_all_list_verify_once_and_commit() {
    let (devnet, transfers) = stage(3);
    let urls = devnet.urls();
    for (index, transfer) in transfers.iter().enumerate() {
        // Each person by one node: another one may hear of the first transfer too late.
        let url = &urls[index / 3];
        let answer = post(
            url,
            "/transactions",
            &wire(&devnet).encode_transaction(transfer),
        );
        assert_eq!(answer.json()["status"], "pending", "{}", answer.text());
    }
    let mut ids: Vec<String> = transfers.iter().map(|t| t.id().to_string()).collect();
    ids.sort();
    for url in &urls {
        eventually("all are listed", || {
            let mut listed = listed(url);
            listed.sort();
            (listed == ids).then_some(())
        });
        assert_eq!(metric(url, "transactions_admitted_total", ""), 6.0);
    }
    devnet.tick().unwrap();
    for url in &urls {
        eventually("none waits", || listed(url).is_empty().then_some(()));
        assert_eq!(metric(url, "transactions_committed_total", ""), 6.0);
        // Whoever took or heard of them again would have counted them.
        assert_eq!(metric(url, "transactions_admitted_total", ""), 6.0);
    }
    let block = devnet.block(0, 1).unwrap().unwrap();
    assert_eq!(block.block.block().transactions.len(), 6);
}

#[test]
fn a_page_of_the_list_names_the_next_one() {
    let (devnet, transfers) = stage(2);
    let url = &devnet.urls()[0];
    for transfer in &transfers {
        post(
            url,
            "/transactions",
            &wire(&devnet).encode_transaction(transfer),
        );
    }
    let first = get(url, "/mempool?limit=3").json();
    let next = first["next"].as_str().unwrap();
    let second = get(url, &format!("/mempool?limit=3&after={next}")).json();
    assert_eq!(first["waiting"].as_array().map(Vec::len), Some(3));
    assert_eq!(second["waiting"].as_array().map(Vec::len), Some(1));
    assert_eq!(first["transactions"], 4);
    let bad = get(url, "/mempool?after=nobody");
    assert_eq!((bad.status, &bad.json()["code"]), (400, &"bad_page".into()));
}

#[test]
fn a_batch_with_a_forged_transaction_is_no_honest_peers() {
    let (devnet, transfers) = stage(2);
    let (url, peer_url) = (&devnet.urls()[0], &devnet.peer_urls()[0]);
    let mut forged = transfers[1].clone();
    forged.signature.0[100] ^= 1;
    let batch = [codec::encode(&transfers[0]), codec::encode(&forged)];
    let body = wire(&devnet).encode_transactions(&batch);
    let answer = post(peer_url, "/mempool/transactions", &body);
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (400, &"bad_signature".into())
    );
    let counted = metric(
        url,
        "transactions_refused_total",
        "reason=\"bad_signature\"",
    );
    assert_eq!(counted, 1.0);
    assert_eq!(
        listed(url),
        [transfers[0].id().to_string()],
        "the other one is in order"
    );
    // It came from a peer, who tells all others as well.
    assert_eq!(listed(&devnet.urls()[1]), Vec::<String>::new());
    let again = wire(&devnet).encode_transactions(&batch[..1]);
    assert_eq!(post(peer_url, "/mempool/transactions", &again).status, 202);
}

#[test]
fn what_is_longer_than_a_batch_or_none_is_refused() {
    let (devnet, transfers) = stage(1);
    let peer_url = &devnet.peer_urls()[0];
    let body = wire(&devnet).encode_transactions(&[codec::encode(&transfers[0])]);
    let cut = &body[..body.len() - 1];
    assert_eq!(post(peer_url, "/mempool/transactions", cut).status, 400);
    let long = vec![0; lockstep_protocol::wire::TRANSACTIONS_BYTES_MAX + 1];
    assert_eq!(post(peer_url, "/mempool/transactions", &long).status, 413);
}

/// Five thousand of the shortest took a node's thread for 17 ms, and eight connections that sent them to
/// each of four nodes stopped the chain. No key is needed to make them.
#[test]
fn more_transactions_than_a_batch_of_signed_ones_holds_are_not_looked_at() {
    let (devnet, transfers) = stage(1);
    let (url, peer_url) = (&devnet.urls()[0], &devnet.peer_urls()[0]);
    let mut shortest = transfers[0].clone();
    (shortest.public_key, shortest.signature.0) = (None, Vec::new());
    let shortest = codec::encode(&shortest);
    let most = lockstep_protocol::wire::TRANSACTIONS_BATCH_MAX;
    for (many, code) in [(most + 1, "malformed"), (most, "bad_signature")] {
        let body = wire(&devnet).encode_transactions(&vec![&shortest[..]; many]);
        let answer = post(peer_url, "/mempool/transactions", &body);
        assert_eq!((answer.status, &answer.json()["code"]), (400, &code.into()));
    }
    let counted = metric(
        url,
        "transactions_refused_total",
        "reason=\"bad_signature\"",
    );
    assert_eq!(
        counted, most as f64,
        "those of the longer batch were not looked at"
    );
}

/// Transactions that bring their key are the longest: 5.3 kB each, as many as fill several blocks.
/// Whatever a block of them takes, nobody's patience for a proposal ends.
#[test]
fn blocks_full_of_first_transactions_never_cost_a_second_round() {
    let rounds = Arc::new(Mutex::new(BTreeMap::new()));
    let seen = rounds.clone();
    let devnet = Devnet::builder()
        .validators(4)
        .scheme(SchemeId::MlDsa65)
        .timeouts(Timeouts::NETWORK)
        .block_time_ms(0)
        .load_accounts(400)
        .on_commit(move |event| {
            let figures = (event.round.0, event.transactions);
            seen.lock().unwrap().insert(event.height.0, figures);
        })
        .boot()
        .unwrap();
    let accounts = load_accounts(SchemeId::MlDsa65, 400).unwrap();
    let context = devnet.sign_context();
    let transfers: Vec<Vec<u8>> = accounts
        .iter()
        .map(|account| {
            account
                .transfer(&context, 0, accounts[0].address, 1)
                .unwrap()
        })
        .map(|transfer| wire(&devnet).encode_transaction(&transfer))
        .collect();
    assert!(transfers.iter().all(|bytes| bytes.len() > 5_200));
    std::thread::scope(|scope| {
        for (share, url) in transfers.chunks(100).zip(devnet.urls()) {
            scope.spawn(move || {
                let mut connection = Connection::open(&url);
                for bytes in share {
                    let answer = connection.request("POST", "/transactions", bytes).unwrap();
                    assert_eq!(answer.status, 202, "{}", answer.text());
                }
            });
        }
    });
    let committed = || {
        let rounds = rounds.lock().unwrap();
        rounds
            .values()
            .map(|(_, transactions)| transactions)
            .sum::<usize>()
    };
    eventually("all are committed", || (committed() == 400).then_some(()));
    let rounds = rounds.lock().unwrap();
    let full = rounds
        .values()
        .filter(|(_, transactions)| *transactions > 0);
    let later = full.clone().filter(|(round, _)| *round > 0).count();
    println!(
        "{} blocks carried them, {later} in a later round",
        full.count()
    );
    assert_eq!(later, 0, "{rounds:?}");
}
