//! Every answer to Ethereum's tools, held against what Ethereum publishes of it: the schemas of
//! <https://github.com/ethereum/execution-apis> (`src/schemas`, `src/eth`; CC0-1.0). They are told here
//! in our own words, of each version the strictest: what a member is, which ones there must be, and
//! that there are no others. What is different on purpose stands in docs/rpc.md, and in
//! [`WAITING`].
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::Hash;
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::rpc::{call, is_data, is_quantity, result};
use support::{eventually, held_by_all};

/// What a value may be.
#[derive(Clone, Copy, Debug)]
enum Schema {
    /// A number in hex without leading zeros.
    Uint,
    /// So many bytes in hex.
    Bytes(usize),
    /// Any number of bytes in hex.
    AnyBytes,
    /// A number from 0 to 1.
    Ratio,
    Flag,
    Text,
    Null,
    /// This text.
    Only(&'static str),
    AnyOf(&'static [Schema]),
    List(&'static Schema),
    /// Members of any name.
    Map(&'static Schema),
    /// Members that must be there, and those that may; there are no others.
    Object(Members, Members),
}

type Members = &'static [(&'static str, Schema)];

use Schema::*;

const HASH: Schema = Bytes(32);
const ADDRESS: Schema = Bytes(20);

const PAID: Members = &[
    ("type", Only("0x0")),
    ("nonce", Uint),
    ("gas", Uint),
    ("value", Uint),
    ("input", AnyBytes),
    ("gasPrice", Uint),
    ("v", Uint),
    ("r", Uint),
    ("s", Uint),
    ("from", ADDRESS),
    ("hash", HASH),
    ("blockHash", HASH),
    ("blockNumber", Uint),
    ("blockTimestamp", Uint),
    ("transactionIndex", Uint),
];
const TO: Members = &[("to", AnyOf(&[Null, ADDRESS])), ("chainId", Uint)];
const TRANSACTION: Schema = Object(PAID, TO);

/// Of one that waits the schema demands a place in a block all the same. It has none: null stands there,
/// as in the answers of Ethereum's own nodes.
const WAITING: Schema = Object(
    &[
        ("type", Only("0x0")),
        ("nonce", Uint),
        ("gas", Uint),
        ("value", Uint),
        ("input", AnyBytes),
        ("gasPrice", Uint),
        ("v", Uint),
        ("r", Uint),
        ("s", Uint),
        ("from", ADDRESS),
        ("hash", HASH),
        ("blockHash", Null),
        ("blockNumber", Null),
        ("blockTimestamp", Null),
        ("transactionIndex", Null),
    ],
    TO,
);

const BLOCK: Schema = Object(
    &[
        ("hash", HASH),
        ("parentHash", HASH),
        ("sha3Uncles", HASH),
        ("miner", ADDRESS),
        ("stateRoot", HASH),
        ("transactionsRoot", HASH),
        ("receiptsRoot", HASH),
        ("logsBloom", Bytes(256)),
        ("number", Uint),
        ("gasLimit", Uint),
        ("gasUsed", Uint),
        ("timestamp", Uint),
        ("extraData", AnyBytes),
        ("mixHash", HASH),
        ("nonce", Bytes(8)),
        ("size", Uint),
        ("transactions", AnyOf(&[List(&HASH), List(&TRANSACTION)])),
        ("uncles", List(&HASH)),
    ],
    &[
        ("difficulty", Uint),
        ("totalDifficulty", Uint),
        ("baseFeePerGas", Uint),
    ],
);

const RECEIPT: Schema = Object(
    &[
        ("blockHash", HASH),
        ("blockNumber", Uint),
        ("from", ADDRESS),
        ("cumulativeGasUsed", Uint),
        ("gasUsed", Uint),
        ("logs", List(&Null)),
        ("logsBloom", Bytes(256)),
        ("transactionHash", HASH),
        ("transactionIndex", Uint),
        ("effectiveGasPrice", Uint),
    ],
    &[
        ("type", Only("0x0")),
        ("to", AnyOf(&[Null, ADDRESS])),
        ("contractAddress", AnyOf(&[Null, ADDRESS])),
        ("status", AnyOf(&[Only("0x0"), Only("0x1")])),
    ],
);

const FEES: Schema = Object(
    &[
        ("oldestBlock", Uint),
        ("baseFeePerGas", List(&Uint)),
        ("gasUsedRatio", List(&Ratio)),
    ],
    &[("reward", List(&List(&Uint)))],
);

const SYNCING: Schema = AnyOf(&[
    Only("false"),
    Object(
        &[],
        &[
            ("startingBlock", Uint),
            ("currentBlock", Uint),
            ("highestBlock", Uint),
        ],
    ),
]);

const COUNTS: Schema = Object(&[("pending", Uint), ("queued", Uint)], &[]);
const BY_NONCE: Schema = Map(&WAITING);
const POOL: Schema = Object(
    &[("pending", Map(&BY_NONCE)), ("queued", Map(&BY_NONCE))],
    &[],
);
const POOL_OF_ONE: Schema = Object(&[("pending", BY_NONCE), ("queued", BY_NONCE)], &[]);
const IN_LINES: Schema = Map(&Map(&Text));
const LINES: Schema = Object(&[("pending", IN_LINES), ("queued", IN_LINES)], &[]);

impl Schema {
    fn check(&self, value: &Value) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{value} is no {what}"));
        let holds = match self {
            Uint => is_quantity(value),
            Bytes(count) => is_data(value, Some(*count)),
            AnyBytes => is_data(value, None),
            Ratio => value.as_f64().is_some_and(|it| (0.0..=1.0).contains(&it)),
            Flag => value.is_boolean(),
            Text => value.is_string(),
            Null => value.is_null(),
            Only(word) => match value {
                Value::String(it) => it == word,
                other => &other.to_string() == word,
            },
            AnyOf(all) => all.iter().any(|one| one.check(value).is_ok()),
            List(of) => return each(value.as_array().ok_or("no list")?, of),
            Map(of) => return each(value.as_object().ok_or("no object")?.values(), of),
            Object(must, may) => return members(value, must, may),
        };
        if holds {
            Ok(())
        } else {
            wrong(&format!("{self:?}"))
        }
    }
}

fn each<'a>(values: impl IntoIterator<Item = &'a Value>, of: &Schema) -> Result<(), String> {
    values.into_iter().try_for_each(|value| of.check(value))
}

fn members(value: &Value, must: Members, may: Members) -> Result<(), String> {
    let object = value.as_object().ok_or(format!("{value} is no object"))?;
    for (name, _) in must {
        object.get(*name).ok_or(format!("{name} is missing"))?;
    }
    for (name, value) in object {
        let known = must.iter().chain(may).find(|(known, _)| known == name);
        let (_, schema) = known.ok_or(format!("{name} is none of its members"))?;
        schema
            .check(value)
            .map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

struct World {
    devnet: Devnet,
    url: String,
    people: Vec<FundedAccount>,
}

impl World {
    /// A chain with a block of two transactions, and one that waits.
    fn new() -> (World, Transaction, Transaction) {
        let builder = Devnet::builder().validators(1).manual(true);
        let devnet = builder.boot().expect("it boots");
        let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
        let url = devnet.urls()[0].clone();
        let world = World {
            devnet,
            url,
            people,
        };
        let paid = world.pay(0, 0);
        world.pay(1, 0);
        world.devnet.tick().expect("a block comes");
        let waits = world.pay(0, 1);
        (world, paid, waits)
    }

    fn pay(&self, from: usize, nonce: u64) -> Transaction {
        let paid = self.sign(from, nonce);
        result(
            &self.url,
            "lockstep_sendTransaction",
            json!([self.hex(&paid)]),
        );
        held_by_all(&self.devnet, paid.id());
        paid
    }

    fn sign(&self, from: usize, nonce: u64) -> Transaction {
        let context = self.devnet.sign_context();
        let paid = self.people[from].transfer(&context, nonce, self.people[2].address, 5);
        paid.expect("it signs")
    }

    fn hex(&self, transaction: &Transaction) -> String {
        let bytes = Wire::new(self.devnet.genesis().hash()).encode_transaction(transaction);
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("0x{digits}")
    }
}

const NOT_FOUND: Schema = Null;
const COUNT: Schema = AnyOf(&[NOT_FOUND, Uint]);

/// Every method that Ethereum's tools know, what it is asked here, and what it may answer.
#[allow(clippy::too_many_lines)] // a table
fn cases(
    world: &World,
    paid: &Transaction,
    waits: &Transaction,
) -> Vec<(&'static str, Value, Schema)> {
    let block = world.devnet.head_ids()[0].expect("it runs");
    let (id, waiting, nobody) = (paid.id(), waits.id(), Hash([7; 32]));
    let alice = world.people[0].address;
    let to = json!({ "from": alice, "to": world.people[1].address, "value": "0x5" });
    let blocks = result(&world.url, "eth_newBlockFilter", json!([]));
    let logs = result(&world.url, "eth_newFilter", json!([{}]));
    let raw = world.hex(&world.sign(3, 0));
    vec![
        ("eth_chainId", json!([]), Uint),
        ("eth_blockNumber", json!([]), Uint),
        ("eth_getBlockByNumber", json!(["0x0", true]), BLOCK),
        ("eth_getBlockByNumber", json!(["0x1", true]), BLOCK),
        ("eth_getBlockByNumber", json!(["latest", false]), BLOCK),
        ("eth_getBlockByNumber", json!(["0x99", false]), NOT_FOUND),
        ("eth_getBlockByHash", json!([block, true]), BLOCK),
        ("eth_getBlockByHash", json!([nobody, true]), NOT_FOUND),
        ("eth_getBlockReceipts", json!(["0x1"]), List(&RECEIPT)),
        ("eth_getBlockReceipts", json!([block]), List(&RECEIPT)),
        ("eth_getBlockReceipts", json!(["earliest"]), List(&RECEIPT)),
        ("eth_getBlockReceipts", json!(["0x99"]), NOT_FOUND),
        ("eth_getBlockReceipts", json!([nobody]), NOT_FOUND),
        (
            "eth_getBlockTransactionCountByNumber",
            json!(["0x1"]),
            Only("0x2"),
        ),
        (
            "eth_getBlockTransactionCountByNumber",
            json!(["0x99"]),
            NOT_FOUND,
        ),
        (
            "eth_getBlockTransactionCountByHash",
            json!([block]),
            Only("0x2"),
        ),
        (
            "eth_getBlockTransactionCountByHash",
            json!([nobody]),
            NOT_FOUND,
        ),
        ("eth_getUncleCountByBlockNumber", json!(["0x1"]), COUNT),
        ("eth_getUncleCountByBlockHash", json!([block]), COUNT),
        ("eth_getUncleCountByBlockHash", json!([nobody]), NOT_FOUND),
        (
            "eth_getUncleByBlockNumberAndIndex",
            json!(["0x1", "0x0"]),
            NOT_FOUND,
        ),
        (
            "eth_getUncleByBlockHashAndIndex",
            json!([block, "0x0"]),
            NOT_FOUND,
        ),
        ("eth_getTransactionByHash", json!([id]), TRANSACTION),
        ("eth_getTransactionByHash", json!([waiting]), WAITING),
        ("eth_getTransactionByHash", json!([nobody]), NOT_FOUND),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["0x1", "0x1"]),
            TRANSACTION,
        ),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["0x1", "0x2"]),
            NOT_FOUND,
        ),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!([block, "0x0"]),
            TRANSACTION,
        ),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!([nobody, "0x0"]),
            NOT_FOUND,
        ),
        ("eth_getTransactionReceipt", json!([id]), RECEIPT),
        ("eth_getTransactionReceipt", json!([waiting]), NOT_FOUND),
        ("eth_getBalance", json!([alice, "latest"]), Uint),
        ("eth_getTransactionCount", json!([alice, "pending"]), Uint),
        ("eth_getCode", json!([alice, "latest"]), AnyBytes),
        ("eth_getStorageAt", json!([alice, "0x0", "latest"]), HASH),
        (
            "eth_getStorageAt",
            json!([alice, Hash([1; 32]), "latest"]),
            HASH,
        ),
        ("eth_call", json!([to, "latest"]), AnyBytes),
        ("eth_estimateGas", json!([to]), Uint),
        ("eth_getLogs", json!([{}]), List(&Null)),
        ("eth_newBlockFilter", json!([]), Uint),
        ("eth_newFilter", json!([{}]), Uint),
        ("eth_getFilterChanges", json!([blocks]), List(&HASH)),
        ("eth_getFilterChanges", json!([logs]), List(&Null)),
        ("eth_getFilterLogs", json!([logs]), List(&Null)),
        ("eth_uninstallFilter", json!([logs]), Flag),
        ("eth_gasPrice", json!([]), Uint),
        ("eth_maxPriorityFeePerGas", json!([]), Uint),
        ("eth_feeHistory", json!(["0x2", "latest", [25, 75]]), FEES),
        ("eth_syncing", json!([]), SYNCING),
        ("eth_accounts", json!([]), List(&ADDRESS)),
        ("eth_sendRawTransaction", json!([raw]), HASH),
        ("net_version", json!([]), Text),
        ("net_listening", json!([]), Flag),
        ("net_peerCount", json!([]), Uint),
        ("web3_clientVersion", json!([]), Text),
        ("txpool_status", json!([]), COUNTS),
        ("txpool_content", json!([]), POOL),
        ("txpool_contentFrom", json!([alice]), POOL_OF_ONE),
        ("txpool_inspect", json!([]), LINES),
    ]
}

#[test]
fn every_answer_to_ethereums_tools_is_what_ethereum_publishes() {
    let (world, paid, waits) = World::new();
    let mut asked = BTreeSet::new();
    for (method, params, schema) in cases(&world, &paid, &waits) {
        asked.insert(method.to_owned());
        let answer = result(&world.url, method, params.clone());
        let fits = schema.check(&answer);
        assert_eq!(fits, Ok(()), "{method}{params}: {answer}");
    }
    let document = result(&world.url, "rpc.discover", json!([]));
    let methods = document["methods"].as_array().expect("a list").iter();
    let names = methods.filter_map(|method| method["name"].as_str());
    let theirs = names.filter(|name| !name.starts_with("lockstep_") && *name != "rpc.discover");
    let unasked: Vec<&str> = theirs.filter(|name| !asked.contains(*name)).collect();
    // These need a connection that stays: tests/nodes/subscriptions.rs.
    assert_eq!(unasked, ["eth_subscribe", "eth_unsubscribe"]);
}

#[test]
fn the_receipts_of_a_block_are_those_of_its_transactions_by_number_and_by_hash() {
    let (world, ..) = World::new();
    let block = result(&world.url, "eth_getBlockByNumber", json!(["0x1", false]));
    let receipts = result(&world.url, "eth_getBlockReceipts", json!(["0x1"]));
    let by_hash = result(&world.url, "eth_getBlockReceipts", json!([block["hash"]]));
    assert_eq!(receipts, by_hash);
    let ids = block["transactions"].as_array().expect("a list");
    assert_eq!(ids.len(), 2);
    for (index, id) in ids.iter().enumerate() {
        let alone = result(&world.url, "eth_getTransactionReceipt", json!([id]));
        assert_eq!(receipts[index], alone);
        let at = format!("{index:#x}");
        let place = json!([block["hash"], at]);
        let found = result(&world.url, "eth_getTransactionByBlockHashAndIndex", place);
        let by_id = result(&world.url, "eth_getTransactionByHash", json!([id]));
        assert_eq!(
            (&found, &found["blockTimestamp"]),
            (&by_id, &block["timestamp"])
        );
    }
    assert_eq!(receipts[1]["cumulativeGasUsed"], block["gasUsed"]);
}

#[test]
fn a_filter_tells_each_new_block_once_until_it_is_taken_away() {
    let (world, ..) = World::new();
    let filter = result(&world.url, "eth_newBlockFilter", json!([]));
    let other = result(&world.url, "eth_newBlockFilter", json!([]));
    let changes = |filter: &Value| result(&world.url, "eth_getFilterChanges", json!([filter]));
    assert_eq!(changes(&filter), json!([]), "the newest is no news");
    let mut new = Vec::new();
    for _ in 0..2 {
        world.devnet.tick().expect("a block comes");
        new.push(json!(world.devnet.head_ids()[0].expect("it runs")));
    }
    let told = eventually("both are told", || {
        let told = changes(&filter);
        (!told.as_array()?.is_empty()).then_some(told)
    });
    assert_eq!(told, json!(new));
    assert_eq!(changes(&filter), json!([]));
    assert_eq!(changes(&other), json!(new), "each hears by itself");
    for expected in [true, false] {
        let ended = result(&world.url, "eth_uninstallFilter", json!([filter]));
        assert_eq!(ended, expected);
    }
    let gone = call(&world.url, "eth_getFilterChanges", json!([filter]));
    assert_eq!(gone["error"]["data"]["code"], "unknown_filter", "{gone}");
    let of_blocks = call(&world.url, "eth_getFilterLogs", json!([other]));
    assert_eq!(of_blocks["error"]["data"]["code"], "no_log_filter");
}

#[test]
fn what_waits_is_listed_of_one_sender_and_in_lines() {
    let (world, _, waits) = World::new();
    let alice = waits.sender;
    let of_alice = result(&world.url, "txpool_contentFrom", json!([alice]));
    assert_eq!(of_alice["pending"]["1"]["hash"], json!(waits.id()));
    assert_eq!(of_alice["queued"], json!({}));
    let of_bob = result(
        &world.url,
        "txpool_contentFrom",
        json!([world.people[1].address]),
    );
    assert_eq!(of_bob, json!({ "pending": {}, "queued": {} }));
    let lines = result(&world.url, "txpool_inspect", json!([]));
    let line = &lines["pending"][alice.to_string()]["1"];
    let bytes = waits.bytes();
    let price = waits.body.fee / bytes as u64;
    let to = world.people[2].address;
    assert_eq!(*line, format!("{to}: 5 wei + {bytes} gas × {price} wei"));
}

#[test]
fn a_transfer_is_estimated_at_the_bytes_that_are_paid_for() {
    let (world, paid, waits) = World::new();
    let (alice, dave) = (paid.sender, world.people[3].address);
    let to = world.people[2].address;
    let estimate = |call: Value| result(&world.url, "eth_estimateGas", json!([call]));
    // Her key is on record, his is not.
    let known = estimate(json!({ "from": alice, "to": to, "value": "0x5" }));
    assert_eq!(known, format!("{:#x}", waits.bytes()));
    let first = estimate(json!({ "from": dave, "to": to }));
    assert_eq!(first, format!("{:#x}", world.sign(3, 0).bytes()));
    let with_memo = estimate(json!({ "from": alice, "to": to, "input": "0x6869" }));
    assert_eq!(with_memo, format!("{:#x}", waits.bytes() + 2));
    for (method, params) in [
        ("eth_call", json!([{ "data": "0x6001" }, "latest"])),
        ("eth_estimateGas", json!([{ "data": "0x6001" }])),
        ("eth_estimateGas", json!([{ "to": to, "data": "0xff" }])),
    ] {
        let refused = call(&world.url, method, params);
        assert_eq!(refused["error"]["code"], -32015, "{refused}");
        // web3.py takes an error with data for a contract that reverted.
        assert_eq!(refused["error"].get("data"), None, "{refused}");
        let sentence = refused["error"]["message"].as_str().expect("a sentence");
        assert!(
            sentence.starts_with("there is no machine here"),
            "{sentence}"
        );
    }
}

/// Wallets ask a node to sign; its own name for that is what they look for.
#[test]
fn whoever_asks_for_what_is_not_here_hears_what_to_do_instead() {
    let (world, ..) = World::new();
    for (method, part) in [
        ("eth_sendTransaction", "holds nobody's key"),
        ("personal_sign", "lockstep_sendTransaction"),
        ("wallet_sendTransaction", "lockstep tx"),
        ("eth_createAccessList", "no machine here"),
        ("debug_traceTransaction", "nothing to trace"),
        ("eth_getProof", "lockstep_getAccount"),
        ("eth_nothing", "rpc.discover"),
    ] {
        let refused = call(&world.url, method, json!([]));
        assert_eq!(refused["error"]["code"], -32601);
        let sentence = refused["error"]["message"].as_str().expect("a sentence");
        let begins = format!("the method {method} does not exist: ");
        assert!(
            sentence.starts_with(&begins) && sentence.contains(part),
            "{sentence}"
        );
    }
    // Signed by a key of Ethereum, of each kind of transaction.
    for bytes in ["f86b80", "02f86b0180", "01f86b0180", "03f8a201", "04f86b01"] {
        let raw = format!("0x{bytes}{}", "00".repeat(100));
        for method in ["eth_sendRawTransaction", "lockstep_sendTransaction"] {
            let refused = call(&world.url, method, json!([raw]));
            let sentence = refused["error"]["message"].as_str().expect("a sentence");
            assert!(sentence.contains("an Ethereum transaction"), "{sentence}");
        }
    }
}
