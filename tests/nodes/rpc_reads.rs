//! JSON-RPC reads that a program checks or builds on: proofs of transactions and receipts, states
//! by the name of a block, the next nonce of an account that has transactions waiting, amounts
//! beyond what a double holds.
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::codec;
use lockstep_protocol::ledger::Status;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::proofs::inclusion::{ReceiptProof, TransactionProof};
use lockstep_protocol::types::Hash;
use lockstep_protocol::wire::Wire;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::chain::{amount, hash, unhex};
use support::rpc::{call, is_data, is_quantity, result};
use support::{get, held_by_all};

/// Of a block of a few transactions.
const PROOF_BYTES_MAX: usize = 1_024;

fn manual(validators: usize) -> Devnet {
    let builder = Devnet::builder().validators(validators).manual(true);
    builder.boot().expect("it boots")
}

fn people(devnet: &Devnet) -> Vec<FundedAccount> {
    funded_accounts(devnet.genesis().scheme).expect("accounts")
}

fn hex(devnet: &Devnet, transaction: &Transaction) -> String {
    let bytes = Wire::new(devnet.genesis().hash()).encode_transaction(transaction);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// Person `from` pays bob, by the first node.
fn pay(devnet: &Devnet, from: usize, nonce: u64, amount: u64) -> Transaction {
    let people = people(devnet);
    let paid = people[from].transfer(&devnet.sign_context(), nonce, people[1].address, amount);
    let paid = paid.expect("it signs");
    let url = &devnet.urls()[0];
    result(url, "lockstep_sendTransaction", json!([hex(devnet, &paid)]));
    held_by_all(devnet, paid.id());
    paid
}

fn proof(answer: &Value) -> Vec<u8> {
    unhex(answer["proof"].as_str().expect("hex"))
}

fn member<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("it is one")
}

#[test]
fn a_node_says_the_same_of_itself_over_json_rpc_as_at_its_status() {
    let devnet = manual(4);
    devnet.tick().expect("a block comes");
    for url in devnet.urls() {
        let mut answers = [
            get(&url, "/status").json(),
            result(&url, "lockstep_status", json!([])),
        ];
        for answer in &mut answers {
            assert_eq!(answer["height"], 1);
            assert_eq!(answer["peers"].as_array().expect("peers").len(), 3);
            // Some of it goes on between the two.
            for name in ["time", "peers", "clock_difference_ms"] {
                answer[name].take();
            }
        }
        assert_eq!(answers[0], answers[1]);
        // A block is told after it is shown.
        let newest = support::eventually("a block is told", || {
            let newest = result(&url, "lockstep_getNewestBlocks", json!([]));
            (newest != json!([])).then_some(newest)
        });
        let whole = get(&url, "/blocks/1").json();
        let told = json!([{
            "id": whole["id"],
            "header": whole["header"],
            "round": whole["commit"]["round"],
            "transactions": whole["transactions"].as_array().expect("a list").len(),
        }]);
        assert_eq!(newest, told);
        let newer = result(&url, "lockstep_getNewestBlocks", json!([1, 100]));
        assert_eq!(newer, json!([]));
        let newest = result(&url, "lockstep_getTimeline", json!(["latest"]));
        assert_eq!(newest["height"], 1);
    }
}

#[test]
fn transactions_and_receipts_are_proved_under_the_roots_that_their_commit_certifies() {
    let devnet = manual(4);
    let url = &devnet.urls()[0];
    let paid: Vec<Transaction> = (0..4).map(|from| pay(&devnet, from, 0, 5)).collect();
    // More than anybody holds: it stands in the block, and its receipt says that it failed.
    let failed = pay(&devnet, 0, 1, 1 << 60);
    devnet.tick().expect("a block comes");
    let commit = result(url, "lockstep_getCommit", json!([1]));
    let header = &commit["header"];
    let (root, receipts_root) = (
        hash(&header["transactions_root"]),
        hash(&header["receipts_root"]),
    );
    for transaction in paid.iter().chain([&failed]) {
        let id = transaction.id();
        let found = result(url, "lockstep_getTransaction", json!([id, true]));
        assert_eq!(hash(&found["transactions_root"]), root);
        let carried = codec::decode("proof", &proof(&found), PROOF_BYTES_MAX);
        let carried: TransactionProof = carried.expect("a proof");
        carried.verify(&root, &id).expect("it leads there");
        let other = Hash([7; 32]);
        assert!(carried.verify(&root, &other).is_err());

        let found = result(
            url,
            "lockstep_getReceipt",
            json!({ "id": id, "prove": true }),
        );
        assert_eq!(hash(&found["receipts_root"]), receipts_root);
        let came_to = codec::decode("proof", &proof(&found), PROOF_BYTES_MAX);
        let came_to: ReceiptProof = came_to.expect("a proof");
        let receipt = came_to.verify(&receipts_root, &id).expect("it leads there");
        assert_eq!(receipt.status == Status::Success, id != failed.id());
        assert_eq!(json!(receipt)["fee"], found["fee"]);
        assert!(came_to.verify(&root, &id).is_err());
    }
    // Unasked it is not there, and what stands in no block has none.
    let found = result(url, "lockstep_getReceipt", json!([failed.id()]));
    assert_eq!(found["proof"], Value::Null);
    let waits = pay(&devnet, 0, 2, 1);
    let found = result(url, "lockstep_getTransaction", json!([waits.id(), true]));
    assert_eq!(
        (&found["status"], &found["proof"]),
        (&"pending".into(), &Value::Null)
    );
}

#[test]
fn the_next_nonce_counts_what_waits() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    let alice = people(&devnet)[0].address;
    let nonces = || {
        let account = result(url, "lockstep_getAccount", json!([alice]));
        let plain = get(url, &format!("/accounts/{alice}")).json();
        for key in ["height", "balance", "nonce", "next_nonce"] {
            assert_eq!(account[key], plain[key], "{key}");
        }
        let count = |tag: &str| result(url, "eth_getTransactionCount", json!([alice, tag]));
        let next = account["next_nonce"].as_u64().expect("a number");
        assert_eq!(count("pending"), format!("{next:#x}"));
        assert_eq!(
            count("latest"),
            format!("{:#x}", member::<u64>(&account["nonce"]))
        );
        (member::<u64>(&account["nonce"]), next)
    };
    assert_eq!(nonces(), (0, 0));
    pay(&devnet, 0, 0, 1);
    pay(&devnet, 0, 1, 1);
    assert_eq!(nonces(), (0, 2));
    // Behind a gap: the next one is the gap.
    pay(&devnet, 0, 3, 1);
    assert_eq!(nonces(), (0, 2));
    devnet.tick().expect("a block comes");
    support::eventually("the mempool knows the block", || {
        (nonces() == (2, 2)).then_some(())
    });
    // Of an older state there is none.
    let before = result(
        url,
        "lockstep_getAccount",
        json!({ "address": alice, "height": 0 }),
    );
    assert_eq!(
        (&before["nonce"], &before["next_nonce"]),
        (&0.into(), &Value::Null)
    );
}

#[test]
fn a_page_of_what_waits_names_the_next_one() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    let mut sent: Vec<Transaction> = (0..2)
        .flat_map(|from| (0..2).map(move |nonce| (from, nonce)))
        .map(|(from, nonce)| pay(&devnet, from, nonce, 5))
        .collect();
    sent.sort_by_key(|paid| (paid.sender, paid.body.nonce));
    let page = |params: Value| {
        let page = result(url, "lockstep_pendingTransactions", params);
        assert_eq!(page["count"], 4);
        let rows = page["transactions"].as_array().expect("a list").iter();
        let ids: Vec<Value> = rows.map(|row| row["id"].clone()).collect();
        (ids, page["next"].clone())
    };
    let ids: Vec<Value> = sent.iter().map(|paid| json!(paid.id())).collect();
    let (first, next) = page(json!([3]));
    assert_eq!(first, ids[..3]);
    let plain = get(url, "/mempool?limit=3").json();
    assert_eq!(plain["next"], next, "the same place by both ways");
    let (second, last) = page(json!({ "limit": 3, "after": next }));
    assert_eq!(second, ids[3..]);
    assert_eq!(page(json!({ "after": last })), (vec![], Value::Null));
    let wrong = call(url, "lockstep_pendingTransactions", json!([3, "nobody"]));
    assert_eq!(wrong["error"]["data"]["code"], "wrong_type");
}

#[test]
fn a_state_is_named_by_the_number_or_the_hash_of_its_block() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    let person = &people(&devnet)[1];
    let (bob, before) = (person.address, person.balance);
    devnet.tick().expect("a block comes");
    let first = devnet.head_ids()[0].expect("it runs");
    pay(&devnet, 0, 0, 5);
    devnet.tick().expect("a block comes");
    let second = devnet.head_ids()[0].expect("it runs");
    let genesis = devnet.genesis().hash();
    for (block, balance) in [
        (json!({ "blockHash": genesis }), before),
        (json!({ "blockHash": first }), before),
        (json!({ "blockNumber": "0x1" }), before),
        (
            json!({ "blockHash": second, "requireCanonical": true }),
            before + 5,
        ),
        (json!({ "blockNumber": "0x2" }), before + 5),
    ] {
        let held = result(url, "eth_getBalance", json!([bob, block]));
        assert_eq!(held, format!("{balance:#x}"), "{block}");
        assert_eq!(result(url, "eth_getCode", json!([bob, block])), "0x");
        assert_eq!(
            result(url, "eth_getTransactionCount", json!([bob, block])),
            "0x0"
        );
    }
    // A block that nobody has, and a transaction's id: its number is the one of EIP-1898.
    let unknown = json!({ "blockHash": Hash([7; 32]) });
    let refused = call(url, "eth_getBalance", json!([bob, unknown]));
    assert_eq!(refused["error"]["code"], -32001, "{refused}");
    assert_eq!(refused["error"]["data"]["code"], "unknown_block");
    let held = result(url, "eth_getBalance", json!([bob, first]));
    assert_eq!(held, format!("{before:#x}"), "by the hash alone");
    let refused = call(url, "eth_getBlockByNumber", json!([{ "blockHash": first }]));
    assert_eq!(refused["error"]["data"]["code"], "wrong_type");
}

/// Members of blocks, transactions and receipts that are numbers.
const QUANTITIES: [&str; 23] = [
    "number",
    "difficulty",
    "totalDifficulty",
    "gasLimit",
    "gasUsed",
    "baseFeePerGas",
    "timestamp",
    "size",
    "type",
    "chainId",
    "nonce",
    "blockNumber",
    "blockTimestamp",
    "transactionIndex",
    "value",
    "gas",
    "gasPrice",
    "cumulativeGasUsed",
    "effectiveGasPrice",
    "status",
    "v",
    "r",
    "s",
];

/// Members that are bytes, and how many.
const DATA: [(&str, Option<usize>); 15] = [
    ("hash", Some(32)),
    ("parentHash", Some(32)),
    ("sha3Uncles", Some(32)),
    ("logsBloom", Some(256)),
    ("transactionsRoot", Some(32)),
    ("stateRoot", Some(32)),
    ("receiptsRoot", Some(32)),
    ("miner", Some(20)),
    ("extraData", None),
    ("mixHash", Some(32)),
    ("blockHash", Some(32)),
    ("from", Some(20)),
    ("to", Some(20)),
    ("transactionHash", Some(32)),
    ("input", None),
];

/// Every member is what its name says there: clients are stricter than people.
fn assert_strict(object: &Value, nulls: &[&str]) {
    let members = object.as_object().unwrap_or_else(|| panic!("{object}"));
    // Of a block it is the eight bytes of a puzzle, of a transaction a number.
    let is_block = members.contains_key("parentHash");
    for (name, value) in members {
        let name = name.as_str();
        let is_right = match value {
            Value::Null => nulls.contains(&name),
            Value::Array(list) => list.iter().all(|item| {
                if item.is_object() {
                    assert_strict(item, nulls);
                    return true;
                }
                is_data(item, Some(32))
            }),
            _ if is_block && name == "nonce" => is_data(value, Some(8)),
            _ => match DATA.iter().find(|(data, _)| *data == name) {
                Some((_, bytes)) => is_data(value, *bytes),
                None => QUANTITIES.contains(&name) && is_quantity(value),
            },
        };
        assert!(is_right, "{name}: {value} in {object}");
    }
}

#[test]
fn every_member_of_blocks_transactions_and_receipts_is_strict_hex() {
    for wrong in ["0x00", "0x01", "0x", "1", "0xA", "0xg"] {
        assert!(!is_quantity(&json!(wrong)), "{wrong}");
    }
    for wrong in ["0x0", "0xAB", "ab", "0xgg"] {
        assert!(!is_data(&json!(wrong), None), "{wrong}");
    }
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    let paid = pay(&devnet, 0, 0, 5);
    let found = result(url, "eth_getTransactionByHash", json!([paid.id()]));
    let waiting = [
        "blockHash",
        "blockNumber",
        "blockTimestamp",
        "transactionIndex",
    ];
    assert_strict(&found, &waiting);
    devnet.tick().expect("a block comes");
    let hash = devnet.head_ids()[0].expect("it runs");
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x0", true])),
        ("eth_getBlockByNumber", json!(["0x1", true])),
        ("eth_getBlockByNumber", json!(["0x1", false])),
        ("eth_getBlockByHash", json!([hash, true])),
        ("eth_getTransactionByHash", json!([paid.id()])),
        ("eth_getTransactionReceipt", json!([paid.id()])),
    ] {
        assert_strict(&result(url, method, params), &["contractAddress"]);
    }
    let full = result(url, "eth_getBlockByNumber", json!(["0x1", true]));
    assert_eq!(full["transactions"][0]["hash"], json!(paid.id()));
    let history = result(url, "eth_feeHistory", json!(["0x2", "latest"]));
    let prices = history["baseFeePerGas"].as_array().expect("a list");
    assert!(is_quantity(&history["oldestBlock"]) && prices.iter().all(is_quantity));
    for name in ["pending", "queued"] {
        assert!(is_quantity(&result(url, "txpool_status", json!([]))[name]));
    }
}

/// A number of JSON would arrive in JavaScript as 9007199254740992.
#[test]
fn amounts_beyond_two_to_the_53_arrive_as_they_are() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    let odd = (1 << 53) + 1;
    let failed = pay(&devnet, 0, 0, odd);
    let digits = odd.to_string();
    let listed = result(url, "lockstep_pendingTransactions", json!([]));
    let body = &listed["transactions"][0]["body"];
    assert_eq!(body["action"]["amount"], digits);
    devnet.tick().expect("a block comes");
    let block = get(url, "/blocks/1").json();
    assert_eq!(block["transactions"][0]["body"]["action"]["amount"], digits);
    let receipt = result(url, "lockstep_getReceipt", json!([failed.id()]));
    assert_eq!(amount(&receipt["fee"]), failed.body.fee);
    let account = result(url, "lockstep_getAccount", json!([failed.sender]));
    assert_eq!(
        amount(&account["balance"]),
        people(&devnet)[0].balance - failed.body.fee
    );
}
