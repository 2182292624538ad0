//! Four real nodes over real HTTP keep one ledger: every block by the validator whose turn it is,
//! proven by the signatures of more than two thirds, equal on all of them.
use lockstep_actors::state_store::{DEFAULT_MAP_BYTES, Store};
use lockstep_devnet::{Builder, Devnet, Durability, NodeTick, funded_accounts};
use lockstep_protocol::consensus::driver::TickOutcome;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::ledger::{FailureCode, Ledger, Status};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::wire::Wire;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use support::chain::{Validators, amount, number};
use support::{PATIENCE, assert_same_chain, get, post};

#[test]
fn four_nodes_commit_six_equal_blocks_each_by_the_scheduled_validator_and_proven() {
    commit_six_blocks(Devnet::builder().validators(4));
}

#[test]
fn four_nodes_do_the_same_with_ml_dsa_65() {
    commit_six_blocks(Devnet::builder().validators(4).scheme(SchemeId::MlDsa65));
}

#[test]
fn one_validator_alone_runs_the_same_code() {
    commit_six_blocks(Devnet::builder().validators(1));
}

fn commit_six_blocks(builder: Builder) {
    let devnet = builder.manual(true).boot().expect("it boots");
    let (urls, genesis) = (devnet.urls(), devnet.genesis());
    let validators = Validators::of(&urls[0], genesis.scheme, genesis.sign_context());
    let mut named: Vec<Address> = devnet.validators();
    named.sort();
    assert_eq!(validators.addresses(), named);

    let mut skipped = 0;
    for height in 1..=6 {
        let ticks = devnet.tick().expect("a block comes");
        skipped += check_ticks(&devnet, &ticks, validators.scheduled(height, 0));
        assert_eq!(devnet.heights(), vec![Some(height); urls.len()]);
    }
    let others = 6 * (urls.len() - 1);
    // Whoever is late to ask has heard of the block already.
    println!("{skipped} of {others} turns were skipped");
    assert!(skipped > 0 || others == 0, "nobody skipped");
    check_chain(&devnet, &validators);
    let nodes: Vec<usize> = (0..urls.len()).collect();
    assert_eq!(assert_same_chain(&devnet, &nodes), 6);
    devnet.shutdown();
}

/// The scheduled validator builds; the others skip and name it (or have heard of its block before
/// they were asked). Returns how many skipped.
fn check_ticks(devnet: &Devnet, ticks: &[NodeTick], scheduled: Address) -> usize {
    let validators = devnet.validators();
    assert_eq!(ticks.len(), validators.len());
    let mut skipped = 0;
    for tick in ticks {
        match tick.outcome {
            TickOutcome::Building => assert_eq!(validators[tick.node], scheduled),
            TickOutcome::Skipped { proposer } => {
                assert_ne!(validators[tick.node], scheduled);
                assert_eq!(proposer, scheduled);
                skipped += 1;
            }
            TickOutcome::AlreadyRunning => assert_ne!(validators[tick.node], scheduled),
            TickOutcome::Stopped | TickOutcome::WaitingForClock { .. } => {
                panic!("node {} does not take part", tick.node)
            }
        }
    }
    skipped
}

/// Through `GET /blocks/{h}` of every node.
fn check_chain(devnet: &Devnet, validators: &Validators) {
    let urls = devnet.urls();
    for height in 1..=6 {
        let ask = |url: &String| get(url, &format!("/blocks/{height}")).json();
        let blocks: Vec<Value> = urls.iter().map(ask).collect();
        for block in &blocks {
            assert_eq!(block["id"], blocks[0]["id"], "height {height}");
            assert_eq!(block["header"], blocks[0]["header"], "height {height}");
            let power = validators.signers(block).len();
            assert!(power * 3 > urls.len() * 2, "{power} of {}", urls.len());
            // A machine under load may need a second round; the builder was scheduled in one.
            let built_in = 0..=number(&block["commit"]["round"]);
            let builders: Vec<String> = built_in
                .map(|round| validators.scheduled(height, round).to_string())
                .collect();
            let builder = block["header"]["proposer"].as_str().expect("an address");
            assert!(builders.iter().any(|b| b == builder), "height {height}");
        }
        let parent = match height {
            1 => Value::from(devnet.genesis().hash().to_string()),
            _ => get(&urls[0], &format!("/blocks/{}", height - 1)).json()["id"].clone(),
        };
        assert_eq!(blocks[0]["header"]["previous_block"], parent);
    }
}

#[test]
fn all_four_restart_where_they_stopped_and_go_on() {
    let home = tempfile::tempdir().expect("a directory");
    let boot = || Devnet::builder().manual(true).home(home.path()).boot();
    let devnet = boot().expect("it boots");
    (0..3).for_each(|_| drop(devnet.tick().expect("a block comes")));
    let (heads, roots) = (devnet.head_ids(), devnet.state_roots());
    devnet.shutdown();

    let devnet = boot().expect("it boots again");
    assert_eq!(devnet.heights(), [Some(3); 4]);
    assert_eq!((devnet.head_ids(), devnet.state_roots()), (heads, roots));
    devnet.tick().expect("it goes on");
    assert_eq!(devnet.heights(), [Some(4); 4]);
    assert_same_chain(&devnet, &[0, 1, 2, 3]);
}

#[test]
fn each_node_keeps_the_whole_chain_in_a_directory_of_its_own() {
    let home = tempfile::tempdir().expect("a directory");
    let builder = Devnet::builder().manual(true).home(home.path());
    let devnet = builder.boot().expect("it boots");
    (0..3).for_each(|_| drop(devnet.tick().expect("a block comes")));
    let (dirs, validators) = (devnet.data_dirs(), devnet.validators());
    let genesis = devnet.genesis().clone();
    let head = devnet.head_ids()[0];
    devnet.shutdown();

    assert_eq!(dirs.iter().collect::<BTreeSet<_>>().len(), 4);
    for (index, dir) in dirs.iter().enumerate() {
        let elsewhere = tempfile::tempdir().expect("a directory");
        let alone = elsewhere.path().join("alone");
        std::fs::rename(dir, &alone).expect("it moves");
        let store = open(&alone, &genesis, validators[index]);
        let chain = store.decided(Height(1), 10, usize::MAX).expect("it reads");
        assert_eq!(chain.len(), 3, "node {index}");
        assert_eq!(chain.last().map(|d| d.block.id()), head, "node {index}");
    }
}

fn open(dir: &Path, genesis: &Genesis, validator: Address) -> Store {
    let changes = Ledger::genesis_changes(genesis).expect("a ledger");
    let durability = Durability::Process;
    Store::open(
        dir,
        durability,
        DEFAULT_MAP_BYTES,
        genesis,
        validator,
        &changes,
    )
    .expect("it opens")
}

#[test]
fn a_transfer_given_to_one_node_is_executed_by_all_and_nothing_is_lost_or_made() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    let (context, urls) = (devnet.sign_context(), devnet.urls());
    let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
    let (alice, bob) = (&people[0], &people[1]);
    let stranger = Address([7; 20]);
    let sign = |nonce, to, amount| alice.transfer(&context, nonce, to, amount);
    let first = sign(0, bob.address, 10).expect("it signs");
    let second = sign(1, stranger, 5).expect("it signs");
    let fees = first.body.fee + second.body.fee;
    assert!(fees > 0);
    post_transaction(&devnet, 2, &first);
    devnet.submit(2, second).expect("taken");
    tick_until_nonce(&devnet, alice.address, 2);

    let mut addresses: Vec<Address> = people.iter().map(|person| person.address).collect();
    addresses.push(stranger);
    addresses.extend(devnet.validators());
    for url in &urls {
        let held = |address: &Address| balance(url, address).0;
        assert_eq!(held(&alice.address), alice.balance - 15 - fees, "{url}");
        assert_eq!(held(&bob.address), bob.balance + 10, "{url}");
        assert_eq!(held(&stranger), 5, "{url}");
        let total: u64 = addresses.iter().map(held).sum();
        let funded: u64 = people.iter().map(|person| person.balance).sum();
        assert_eq!(total, funded, "{url}");
    }
    assert_same_chain(&devnet, &[0, 1, 2, 3]);
}

#[test]
fn an_unpayable_transfer_leaves_a_failed_receipt_and_the_same_root_everywhere() {
    let home = tempfile::tempdir().expect("a directory");
    let builder = Devnet::builder().manual(true).home(home.path());
    let devnet = builder.boot().expect("it boots");
    let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
    let (carol, dave) = (&people[2], &people[3]);
    let context = devnet.sign_context();
    let too_much = carol.transfer(&context, 0, dave.address, carol.balance + 1);
    let too_much = too_much.expect("it signs");
    post_transaction(&devnet, 3, &too_much);
    tick_until_nonce(&devnet, carol.address, 1);
    for url in &devnet.urls() {
        let rest = carol.balance - too_much.body.fee;
        assert_eq!(balance(url, &carol.address), (rest, 1), "{url}");
        assert_eq!(balance(url, &dave.address), (dave.balance, 0), "{url}");
    }
    let head = assert_same_chain(&devnet, &[0, 1, 2, 3]);
    let (dirs, validators) = (devnet.data_dirs(), devnet.validators());
    let genesis = devnet.genesis().clone();
    devnet.shutdown();
    for (dir, validator) in dirs.iter().zip(validators) {
        let store = open(dir, &genesis, validator);
        let read = |height| store.receipts(Height(height)).expect("it reads");
        let receipts: Vec<_> = (1..=head).filter_map(read).flatten().collect();
        let [receipt] = &receipts[..] else {
            panic!("one receipt, not {receipts:?}")
        };
        assert_eq!(receipt.transaction, too_much.id());
        let failed = FailureCode::InsufficientBalance;
        assert!(matches!(&receipt.status, Status::Failed { code, .. } if *code == failed));
    }
}

fn post_transaction(devnet: &Devnet, node: usize, transaction: &Transaction) {
    let bytes = Wire::new(devnet.genesis().hash()).encode_transaction(transaction);
    let answer = post(&devnet.urls()[node], "/transactions", &bytes);
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["id"], transaction.id().to_string());
}

/// A transaction may be on its way to the proposer yet: a few blocks, at most one turn each.
fn tick_until_nonce(devnet: &Devnet, who: Address, nonce: u64) {
    for _ in 0..8 {
        devnet.tick().expect("a block comes");
        let urls = devnet.urls();
        if urls.iter().all(|url| balance(url, &who).1 == nonce) {
            return;
        }
    }
    panic!("no block took the transactions of {who}");
}

/// Balance and nonce.
fn balance(url: &str, who: &Address) -> (u64, u64) {
    let account = get(url, &format!("/accounts/{who}")).json();
    (amount(&account["balance"]), number(&account["nonce"]))
}

#[test]
fn timed_blocks_come_by_themselves() {
    let devnet = Devnet::builder().block_time_ms(50).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(5, PATIENCE).expect("blocks come");
    assert!(assert_same_chain(&devnet, &[0, 1, 2, 3]) >= 5);
}

#[test]
fn a_waiting_transaction_does_not_wait_for_the_interval() {
    // Ten times longer than the test is willing to wait.
    let devnet = Devnet::builder().block_time_ms(300_000).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(1, PATIENCE).expect("the first block comes");
    let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
    let transfer = people[0].transfer(&devnet.sign_context(), 0, people[1].address, 1);
    devnet
        .submit(0, transfer.expect("it signs"))
        .expect("taken");
    devnet.wait_for(2, PATIENCE).expect("a block comes at once");
    for url in devnet.urls() {
        let block = get(&url, "/blocks/2").json();
        assert_eq!(block["transactions"].as_array().map(Vec::len), Some(1));
    }
}

/// A node knows its peers before it begins: a proposal that was sent to nobody would cost the first
/// block a whole timeout, which is long here.
#[test]
fn the_first_proposal_of_a_timed_devnet_reaches_everybody() {
    let propose_ms = 60_000;
    let patient = Timeouts {
        propose_ms,
        ..Timeouts::DEVNET
    };
    for _ in 0..5 {
        let devnet = Devnet::builder().block_time_ms(0).timeouts(patient).boot();
        let devnet = devnet.expect("it boots");
        devnet
            .wait_for(1, PATIENCE)
            .expect("the first block comes without a timeout");
    }
}
