//! JSON-RPC at `POST /` over real HTTP: the letter of the specification, every method that is listed,
//! and what a client may do wrong.
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use support::rpc::{call, is_data, is_quantity, post_bytes, result};
use support::{Answer, Connection, get, post};

fn manual(validators: usize, ticks: usize) -> Devnet {
    let builder = Devnet::builder().validators(validators).manual(true);
    let devnet = builder.boot().expect("it boots");
    (0..ticks).for_each(|_| drop(devnet.tick().expect("a block comes")));
    devnet
}

fn raw(url: &str, body: &[u8]) -> Answer {
    post_bytes(&mut Connection::open(url), body)
}

fn accounts(devnet: &Devnet) -> Vec<FundedAccount> {
    funded_accounts(devnet.genesis().scheme).expect("accounts")
}

/// Alice pays Bob, as bytes in hex.
fn payment(devnet: &Devnet, nonce: u64, amount: u64) -> (Transaction, String) {
    let people = accounts(devnet);
    let context = devnet.sign_context();
    let paid = people[0].transfer(&context, nonce, people[1].address, amount);
    let paid = paid.expect("it signs");
    let hex = hex(&Wire::new(devnet.genesis().hash()).encode_transaction(&paid));
    (paid, hex)
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// Number, word and id of an error.
fn error(answer: &Value) -> (i64, &str, &Value) {
    let error = &answer["error"];
    let sentence = error["message"].as_str().expect("a sentence");
    assert!(sentence.len() > 10 && !sentence.contains('\n'), "{answer}");
    let number = error["code"].as_i64().expect("a number");
    (
        number,
        // An unknown method is told by its number alone.
        error["data"]["code"].as_str().unwrap_or_default(),
        &answer["id"],
    )
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn what_is_no_call_is_answered_by_the_letter_of_the_specification() {
    let devnet = manual(1, 1);
    let url = &devnet.urls()[0];
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let nested =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{{"a":{deep}}}]}}"#);
    let many = format!("[{}]", vec!["1"; 101].join(","));
    let cases: [(&str, i64, &str); 22] = [
        ("", -32700, "malformed_json"),
        ("{", -32700, "malformed_json"),
        ("nonsense", -32700, "malformed_json"),
        (
            r#"{"jsonrpc":"2.0","method":"foobar, "params":"bar","baz]"#,
            -32700,
            "malformed_json",
        ),
        (
            r#"[{"jsonrpc":"2.0","method":"net_version","id":1},{"jsonrpc""#,
            -32700,
            "malformed_json",
        ),
        (r#"{"a":1e999}"#, -32600, "invalid_request"),
        ("\u{0}", -32700, "malformed_json"),
        ("[]", -32600, "empty_batch"),
        (&many, -32600, "batch_too_large"),
        ("1", -32600, "invalid_request"),
        ("null", -32600, "invalid_request"),
        (r#""eth_chainId""#, -32600, "invalid_request"),
        ("{}", -32600, "invalid_request"),
        (
            r#"{"id":1,"method":"eth_chainId"}"#,
            -32600,
            "invalid_request",
        ),
        (
            r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#,
            -32600,
            "invalid_request",
        ),
        (
            r#"{"jsonrpc":2.0,"id":1,"method":"eth_chainId"}"#,
            -32600,
            "invalid_request",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
            -32600,
            "invalid_request",
        ),
        (
            r#"{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}"#,
            -32600,
            "invalid_request",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":"x"}"#,
            -32600,
            "invalid_request",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"eth_chainId"}"#,
            -32600,
            "invalid_request",
        ),
        (&nested, -32602, "nested_too_deeply"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getlogs"}"#,
            -32601,
            "",
        ),
    ];
    for (request, number, word) in cases {
        let answer = raw(url, request.as_bytes());
        let shown: String = request.chars().take(100).collect();
        assert_eq!(answer.status, 200, "{shown}");
        let answer = answer.json();
        let found = error(&answer);
        assert_eq!((found.0, found.1), (number, word), "{shown}");
    }
    // A batch's brackets are not a level of a parameter.
    let found = raw(url, format!("[{deep}]").as_bytes()).json();
    assert_eq!(found[0]["error"]["code"], -32600);
}

#[test]
fn ids_come_back_as_they_were_and_a_notification_is_not_answered() {
    let devnet = manual(1, 1);
    let url = &devnet.urls()[0];
    for id in [
        "1",
        "-7",
        "1.5",
        "18446744073709551616",
        "null",
        r#""text""#,
        r#""ü\u0000""#,
    ] {
        let request = format!(r#"{{"method":"eth_blockNumber","id":{id},"jsonrpc":"2.0"}}"#);
        let answer = raw(url, request.as_bytes()).text();
        assert!(answer.contains(&format!(r#""id":{id},"#)), "{answer}");
        assert!(answer.contains(r#""result":"0x1""#), "{answer}");
    }
    let silent = [
        r#"{"jsonrpc":"2.0","method":"eth_blockNumber"}"#,
        r#"{"jsonrpc":"2.0","method":"no_such_method"}"#,
        r#"[{"jsonrpc":"2.0","method":"eth_blockNumber"},{"jsonrpc":"2.0","method":"nothing"}]"#,
    ];
    for request in silent {
        let answer = raw(url, request.as_bytes());
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{request}");
    }
    // It is carried out all the same.
    let (paid, bytes) = payment(&devnet, 0, 1);
    let request = json!({ "jsonrpc": "2.0", "method": "lockstep_sendTransaction",
                          "params": [bytes] });
    assert_eq!(raw(url, request.to_string().as_bytes()).status, 204);
    let found = result(url, "lockstep_getTransaction", json!([paid.id()]));
    assert_eq!(found["status"], "pending");
}

#[test]
fn a_batch_is_answered_in_order_each_call_for_itself() {
    let devnet = manual(1, 2);
    let url = &devnet.urls()[0];
    let batch = json!([
        { "jsonrpc": "2.0", "id": "a", "method": "eth_blockNumber" },
        { "jsonrpc": "2.0", "method": "eth_blockNumber" },
        { "jsonrpc": "2.0", "id": "b", "method": "nothing" },
        7,
        { "jsonrpc": "2.0", "id": "c", "method": "lockstep_getBlock", "params": { "height": 2 } },
        ["2.0", "d", "eth_blockNumber", []],
        { "jsonrpc": "2.0", "id": "e", "method": "eth_blockNumber", "params": null },
    ]);
    let answers = raw(url, batch.to_string().as_bytes()).json();
    let answers = answers.as_array().expect("a list");
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    let null = &Value::Null;
    let [a, b, c, e] = ["a", "b", "c", "e"].map(Value::from);
    assert_eq!(ids, [&a, &b, null, &c, null, &e]);
    assert_eq!(answers[0]["result"], "0x2");
    assert_eq!(error(&answers[1]).0, -32601);
    assert_eq!(error(&answers[2]).0, -32600);
    assert_eq!(answers[3]["result"], get(url, "/blocks/2").json());
    assert_eq!(error(&answers[4]).0, -32600, "a list is no call");
    assert_eq!(answers[5]["result"], "0x2", "no parameters");
}

#[test]
fn http_says_no_only_to_what_never_reaches_json_rpc() {
    let devnet = manual(1, 0);
    let url = &devnet.urls()[0];
    let plain = post(
        url,
        "/",
        br#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#,
    );
    assert_eq!(
        (plain.status, &plain.json()["code"]),
        (415, &"content_type".into())
    );
    let long = raw(url, &vec![b' '; 128 * 1024 + 1]);
    assert_eq!(
        (long.status, &long.json()["code"]),
        (413, &"too_large".into())
    );
}

/// Each absurd parameter has an error of its own that stays the same.
#[test]
#[allow(clippy::too_many_lines)] // a table
fn absurd_parameters_are_each_refused_by_a_stable_word() {
    let devnet = manual(1, 1);
    let url = &devnet.urls()[0];
    let alice = accounts(&devnet)[0].address.to_string();
    let hash = devnet.genesis().hash().to_string();
    let (block, nonce) = ("lockstep_getBlock", "eth_getTransactionCount");
    let fees = "eth_feeHistory";
    let cases = [
        (block, json!([]), "missing_param"),
        (block, json!([null]), "missing_param"),
        (block, json!([1, 2]), "too_many_params"),
        (block, json!({ "hight": 1 }), "unknown_param"),
        (block, json!(["1"]), "wrong_type"),
        (block, json!(["earliest"]), "wrong_type"),
        (block, json!([[1]]), "wrong_type"),
        (block, json!([true]), "wrong_type"),
        (block, json!([-1]), "out_of_range"),
        (block, json!([1.5]), "out_of_range"),
        (block, json!([1e300]), "out_of_range"),
        ("eth_getBlockByNumber", json!([1]), "wrong_type"),
        ("eth_getBlockByNumber", json!(["1"]), "wrong_type"),
        ("eth_getBlockByNumber", json!(["0x01"]), "wrong_type"),
        ("eth_getBlockByNumber", json!(["0x"]), "wrong_type"),
        ("eth_getBlockByNumber", json!(["0xg"]), "wrong_type"),
        ("eth_getBlockByNumber", json!(["0x-1"]), "wrong_type"),
        (
            "eth_getBlockByNumber",
            json!(["0x10000000000000000"]),
            "out_of_range",
        ),
        ("eth_getBlockByNumber", json!(["0x1", "true"]), "wrong_type"),
        ("eth_getBlockByHash", json!(["0x12"]), "wrong_type"),
        ("eth_getBlockByHash", json!([hash[2..]]), "wrong_type"),
        ("eth_getBalance", json!([alice[2..]]), "wrong_type"),
        ("eth_getBalance", json!([alice, "0x2"]), "not_committed"),
        (nonce, json!([alice, "newest"]), "wrong_type"),
        (fees, json!(["0x1", "latest", [50, 25]]), "out_of_range"),
        (fees, json!(["0x1", "latest", [101]]), "out_of_range"),
        (fees, json!(["0x1", "latest", ["1"]]), "wrong_type"),
        (fees, json!(["0x1", "latest", vec![1; 17]]), "out_of_range"),
        ("lockstep_sendTransaction", json!(["0x0"]), "wrong_type"),
        ("lockstep_sendTransaction", json!(["00"]), "wrong_type"),
        ("lockstep_sendTransaction", json!(["0x"]), "malformed"),
        ("lockstep_sendTransaction", json!(["0x00ff"]), "malformed"),
        (
            "eth_sendRawTransaction",
            json!([format!("0x{}", "00".repeat(50_000))]),
            "out_of_range",
        ),
        (
            "lockstep_sendTransactionAndWait",
            json!(["0x", 1e9]),
            "out_of_range",
        ),
        (
            "lockstep_subscribe",
            json!(["newBlocks"]),
            "needs_web_socket",
        ),
        ("eth_subscribe", json!(["logs"]), "wrong_type"),
        ("lockstep_getEvidence", json!([101]), "out_of_range"),
    ];
    for (method, params, word) in cases {
        let answer = call(url, method, params.clone());
        let (number, found, _) = error(&answer);
        assert_eq!(found, word, "{method}{params}: {answer}");
        let of_params = [
            "missing_param",
            "too_many_params",
            "unknown_param",
            "wrong_type",
        ];
        if of_params.contains(&word) || word == "out_of_range" {
            assert_eq!(number, -32602, "{method}{params}");
        } else {
            assert!(
                (-32099..=-32000).contains(&number),
                "{method}{params}: {number}"
            );
        }
    }
    // 2^64 as a number of JSON.
    let request =
        r#"{"jsonrpc":"2.0","id":1,"method":"lockstep_getBlock","params":[18446744073709551616]}"#;
    assert_eq!(
        error(&raw(url, request.as_bytes()).json()).1,
        "out_of_range"
    );
}

/// A parameter that a method of this name takes.
fn sample(devnet: &Devnet, schema: &Value, name: &str) -> Value {
    let alice = accounts(devnet)[0].address.to_string();
    match name {
        "address" => json!(alice),
        "hash" | "id" => json!(devnet.genesis().hash()),
        "height" => json!(1),
        "block" | "newest" => json!("latest"),
        "transaction" => json!(payment(devnet, 0, 5).1),
        "filter" => json!({}),
        "key" => json!("0x01"),
        "count" => json!("0x2"),
        "index" | "slot" | "filter_id" => json!("0x0"),
        "call" => json!({ "to": alice }),
        "topic" | "subscription" | "application" | "path" => Value::Null,
        _ => panic!("no sample of {name}: {schema}"),
    }
}

#[test]
fn every_method_of_the_document_answers_as_the_document_says() {
    let devnet = manual(1, 1);
    let url = &devnet.urls()[0];
    let document = result(url, "rpc.discover", json!([]));
    let methods = document["methods"].as_array().expect("a list");
    assert!(methods.len() >= 30, "{} methods", methods.len());
    for method in methods {
        let name = method["name"].as_str().expect("a name");
        let params = method["params"].as_array().expect("a list").iter();
        let needed = params.filter(|param| param["required"] == true);
        let params = needed.map(|param| {
            let name = param["name"].as_str().expect("a name");
            (name.to_owned(), sample(&devnet, &param["schema"], name))
        });
        let params: serde_json::Map<String, Value> = params.collect();
        if params.values().any(Value::is_null) {
            continue; // subscriptions.rs, applications.rs
        }
        if name == "lockstep_sendTransactionAndWait" {
            continue; // waits for a block: below
        }
        if name.starts_with("eth_getFilter") {
            continue; // wants a filter that is there: rpc_published.rs
        }
        let found = result(url, name, Value::Object(params));
        let schema = &method["result"]["schema"];
        let kinds = match &schema["type"] {
            Value::String(kind) => vec![kind.as_str()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => vec!["object", "boolean"],
        };
        let kind = match &found {
            Value::String(_) => "string",
            Value::Bool(_) => "boolean",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Null => "null",
            Value::Number(_) => "number",
        };
        assert!(kinds.contains(&kind), "{name}: {found} is no {schema}");
        let is_right = match schema["pattern"].as_str() {
            Some("^0x(0|[1-9a-f][0-9a-f]*)$") => is_quantity(&found),
            Some("^0x([0-9a-f]{2})*$") => is_data(&found, None),
            Some(other) => panic!("{name}: the pattern {other} is not checked here"),
            None => true,
        };
        assert!(is_right, "{name}: {found} is no {schema}");
    }
}

#[test]
fn a_transaction_is_pending_then_committed_and_known_ever_after() {
    let devnet = manual(4, 0);
    let url = &devnet.urls()[0];
    let (paid, bytes) = payment(&devnet, 0, 5);
    let id = json!(paid.id());
    let status = || result(url, "lockstep_getTransaction", json!([id]))["status"].clone();
    assert_eq!(status(), "unknown");
    assert_eq!(result(url, "lockstep_getReceipt", json!([id])), Value::Null);
    for expected in ["pending", "known"] {
        let sent = result(url, "lockstep_sendTransaction", json!([bytes]));
        assert_eq!((&sent["id"], &sent["status"]), (&id, &expected.into()));
    }
    assert_eq!(status(), "pending");
    let listed = result(url, "lockstep_pendingTransactions", json!([]));
    assert_eq!(
        (&listed["count"], &listed["transactions"][0]["id"]),
        (&1.into(), &id)
    );
    let pool = result(url, "txpool_status", json!([]));
    assert_eq!(pool, json!({ "pending": "0x1", "queued": "0x0" }));
    let content = result(url, "txpool_content", json!([]));
    assert_eq!(content["pending"][paid.sender.to_string()]["0"]["hash"], id);
    let open = result(url, "eth_getTransactionByHash", json!([id]));
    assert_eq!(
        (&open["blockHash"], &open["value"]),
        (&Value::Null, &"0x5".into())
    );
    let waited = result(url, "lockstep_sendTransactionAndWait", json!([bytes, 1]));
    assert_eq!(waited, json!({ "id": id, "status": "pending" }));

    let waits = std::thread::spawn({
        let (url, bytes) = (url.clone(), bytes.clone());
        move || {
            result(
                &url,
                "lockstep_sendTransactionAndWait",
                json!([bytes, 30_000]),
            )
        }
    });
    support::held_by_all(&devnet, paid.id());
    devnet.tick().expect("a block comes");
    let waited = waits.join().expect("it answers");
    assert_eq!(waited["status"], "committed");
    let receipt = result(url, "lockstep_getReceipt", json!([id]));
    assert_eq!(
        (&receipt, &receipt["height"]),
        (&waited["receipt"], &1.into())
    );
    assert_eq!(json!(devnet.head_ids()[0]), receipt["block_id"]);
    assert_eq!(status(), "committed");
    for method in ["lockstep_sendTransaction", "eth_sendRawTransaction"] {
        let again = result(url, method, json!([bytes]));
        assert!(
            again == id || again == json!({ "id": id, "status": "known" }),
            "{again}"
        );
    }
    support::eventually("it waits no more", || {
        (result(url, "txpool_status", json!([]))["pending"] == "0x0").then_some(())
    });
}

#[test]
fn a_transaction_that_no_block_may_carry_is_refused_by_a_stable_word() {
    let devnet = manual(1, 0);
    let url = &devnet.urls()[0];
    let wire = Wire::new(devnet.genesis().hash());
    let foreign = Wire::new(lockstep_protocol::types::Hash([7; 32]));
    let send = |wire: &Wire, transaction: &Transaction| {
        let bytes = hex(&wire.encode_transaction(transaction));
        let answer = call(url, "lockstep_sendTransaction", json!([bytes]));
        let (number, word, _) = error(&answer);
        assert_eq!(number, -32000, "{answer}");
        word.to_owned()
    };
    let (good, _) = payment(&devnet, 0, 5);
    assert_eq!(send(&foreign, &good), "foreign_chain");
    let mut forged = good.clone();
    forged.signature.0[100] ^= 1;
    assert_eq!(send(&wire, &forged), "bad_signature");
    let mut stolen = good.clone();
    stolen.sender = accounts(&devnet)[1].address;
    assert_eq!(send(&wire, &stolen), "foreign_key");
    let people = accounts(&devnet);
    let keyless = people[2].transfer(&devnet.sign_context(), 0, people[1].address, 5);
    let mut keyless = keyless.expect("it signs");
    keyless.public_key = None;
    assert_eq!(send(&wire, &keyless), "unknown_key");
}

#[test]
fn a_record_is_read_and_proved_until_it_is_deleted() {
    use lockstep_protocol::ledger::RecordProof;
    use lockstep_protocol::nouns::transaction::Action;
    let devnet = manual(1, 0);
    let url = &devnet.urls()[0];
    let alice = &accounts(&devnet)[0];
    let (key, value) = (b"deed".to_vec(), b"sha256:00ff".to_vec());
    let act = |nonce, action| {
        let acted = alice.act(&devnet.sign_context(), nonce, action);
        let wire = Wire::new(devnet.genesis().hash());
        let bytes = hex(&wire.encode_transaction(&acted.expect("it signs")));
        result(url, "lockstep_sendTransaction", json!([bytes]));
        devnet.tick().expect("a block comes");
    };
    let read = || {
        let params = json!({ "address": alice.address, "key": hex(&key), "prove": true });
        let found = result(url, "lockstep_getRecord", params);
        let proof = unhex(found["proof"].as_str().expect("hex"));
        let proof = lockstep_protocol::codec::decode("proof", &proof, 1 << 20);
        let proof: RecordProof = proof.expect("a proof");
        let root = found["state_root"]
            .as_str()
            .expect("text")
            .parse()
            .expect("a hash");
        let proved = proof
            .verify(&root, &alice.address, &key)
            .expect("it leads there");
        assert_eq!(json!(proved), found["record"]);
        found["record"].clone()
    };
    let put = Action::Put {
        key: key.clone(),
        value: value.clone(),
    };
    act(0, put);
    assert_eq!(read(), json!({ "value": hex(&value), "height": 1 }));
    act(1, Action::Delete { key: key.clone() });
    assert_eq!(read(), Value::Null);
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("a byte")
    };
    text.as_bytes()[2..].chunks(2).map(byte).collect()
}

#[test]
fn an_account_is_proved_under_the_root_that_its_commit_certifies() {
    use lockstep_protocol::ledger::AccountProof;
    let devnet = manual(4, 0);
    let url = &devnet.urls()[0];
    let (paid, bytes) = payment(&devnet, 0, 5);
    result(url, "lockstep_sendTransaction", json!([bytes]));
    support::held_by_all(&devnet, paid.id());
    devnet.tick().expect("a block comes");
    let params = json!({ "address": paid.sender, "prove": true, "height": 1 });
    let account = result(url, "lockstep_getAccount", params);
    let commit = result(url, "lockstep_getCommit", json!([1]));
    assert_eq!(commit["header"]["state_root"], account["state_root"]);
    assert_eq!(commit["block_id"], account["block_id"]);
    let proof = unhex(account["proof"].as_str().expect("hex"));
    let proof: AccountProof =
        lockstep_protocol::codec::decode("proof", &proof, 1 << 20).expect("one");
    let root = account["state_root"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a hash");
    let proved = proof.verify(&root, &paid.sender).expect("it leads there");
    let proved = proved.expect("she has an account");
    assert_eq!(account["balance"], proved.balance.to_string());
    assert_eq!((&account["nonce"], proved.nonce), (&1.into(), 1));
    // Before that block she held what genesis gave her.
    let before = result(url, "lockstep_getAccount", json!([paid.sender, true, 0]));
    let given = accounts(&devnet)[0].balance;
    assert_eq!(
        (&before["balance"], &before["nonce"]),
        (&given.to_string().into(), &0.into())
    );
    let before = result(url, "eth_getBalance", json!([paid.sender, "earliest"]));
    assert_eq!(before, format!("{given:#x}"));
    let typo = paid
        .sender
        .checksummed()
        .replacen(['a', 'b', 'c', 'd', 'e', 'f'], "A", 1);
    let refused = call(url, "lockstep_getAccount", json!([typo]));
    assert_eq!(error(&refused).1, "bad_checksum");
}

/// web3.py takes an error with `data` for a contract that reverted, and says so.
#[test]
fn an_unknown_method_is_told_by_its_number_and_looks_like_no_revert() {
    let devnet = manual(1, 1);
    let answer = call(&devnet.urls()[0], "eth_callMany", json!([{}, "latest"]));
    assert_eq!(answer["error"]["code"], -32601);
    assert_eq!(answer["error"].get("data"), None, "{answer}");
    let sentence = answer["error"]["message"].as_str().expect("a sentence");
    assert!(sentence.starts_with("the method eth_callMany does not exist"));
    assert!(!sentence.contains("revert") && !sentence.contains("0x"));
}
