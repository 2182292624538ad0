//! Whatever comes, over real HTTP: an answer by the letter of the specification, never a 5xx, never an
//! internal error, and a node that goes on.
use lockstep_devnet::{Devnet, funded_accounts};
use lockstep_protocol::limits::TRANSACTION_BYTES_MAX;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::wire::Wire;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::Connection;
use support::rpc::{post_bytes, result};

/// Requests of one test: some seconds.
const CASES: u32 = 1_500;

fn devnet() -> Devnet {
    let devnet = Devnet::builder().validators(1).manual(true).boot();
    let devnet = devnet.expect("it boots");
    (0..3).for_each(|_| drop(devnet.tick().expect("a block comes")));
    devnet
}

fn runner() -> TestRunner {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
}

/// Texts that are nearly right, and numbers at the edges.
fn leaf() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "0x",
        "0x0",
        "0x1",
        "0x00",
        "0x3",
        "0xffffffffffffffff",
        "0x10000000000000000",
        "latest",
        "finalized",
        "safe",
        "pending",
        "earliest",
        "newBlocks",
        "newHeads",
        "rounds",
        "0x0000000000000000000000000000000000000000",
        "2.0",
        "-1",
        "0x0000000000000000000000000000000000000000000000000000000000000000",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0u64..5).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        prop_oneof![Just(1e300), Just(-0.0), Just(1.8446744073709552e19)].prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "0x[0-9a-fA-F]{0,70}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("receipts|address|from_seq|.{0,5}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A list, or an object with names that the methods know.
fn params(names: Vec<String>) -> impl Strategy<Value = Value> {
    let named = prop::collection::hash_map(prop::sample::select(names), value(), 0..4);
    prop_oneof![
        prop::collection::vec(value(), 0..4).prop_map(Value::from),
        named.prop_map(|members| Value::Object(members.into_iter().collect())),
        value(),
    ]
}

fn assert_answer(answer: &Value) {
    let object = answer.as_object().expect("an object");
    assert_eq!(object["jsonrpc"], "2.0", "{answer}");
    assert!(object.contains_key("id"), "{answer}");
    assert_ne!(
        object.contains_key("result"),
        object.contains_key("error"),
        "{answer}"
    );
    if let Some(error) = object.get("error") {
        let number = error["code"].as_i64().expect("a number");
        assert_ne!(number, -32603, "{answer}");
        // What no machine carries out is told by its number alone: web3.py takes data for a revert.
        let is_told = error["data"]["code"].is_string() || number == -32015;
        assert!(error["message"].is_string() && is_told, "{answer}");
    }
}

/// One answer, several, or none.
fn assert_answered(url: &str, body: &[u8]) {
    let answer = post_bytes(&mut Connection::open(url), body);
    match answer.status {
        204 => assert!(answer.body.is_empty()),
        200 => match answer.json() {
            Value::Array(answers) => answers.iter().for_each(assert_answer),
            answer => assert_answer(&answer),
        },
        other => panic!("{other} for {:?}", String::from_utf8_lossy(body)),
    }
}

#[test]
fn every_method_answers_whatever_it_is_given() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let document = result(url, "rpc.discover", json!([]));
    let methods = document["methods"].as_array().expect("a list");
    let name = |of: &Value| of["name"].as_str().map(str::to_owned);
    let params_of = methods
        .iter()
        .filter_map(|method| method["params"].as_array());
    let names: Vec<String> = params_of.flatten().filter_map(name).collect();
    let methods: Vec<String> = methods.iter().filter_map(name).collect();
    let call = (prop::sample::select(methods), params(names)).prop_map(
        |(method, params)| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }),
    );
    let check = |call: Value| {
        assert_answered(url, call.to_string().as_bytes());
        Ok(())
    };
    runner().run(&call, check).expect("every call is answered");
    devnet.tick().expect("the node goes on");
    assert!(devnet.ended().is_empty());
}

#[test]
fn every_body_is_answered() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let member = prop::sample::select(vec!["jsonrpc", "id", "method", "params", "extra"]);
    let object = prop::collection::hash_map(member.prop_map(str::to_owned), value(), 0..5);
    let object = object.prop_map(|members| Value::Object(members.into_iter().collect()));
    let object = object.boxed();
    let batch = prop::collection::vec(prop_oneof![object.clone(), value()], 0..8);
    let text = prop_oneof![object, batch.prop_map(Value::from), value()];
    let text = text.prop_map(|value| value.to_string().into_bytes());
    let broken = (text.clone(), any::<prop::sample::Index>(), any::<u8>());
    let broken = broken.prop_map(|(mut text, at, byte)| {
        let at = at.index(text.len());
        text[at] = byte;
        text
    });
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    let body = prop_oneof![text, broken, bytes];
    let check = |body: Vec<u8>| {
        assert_answered(url, &body);
        Ok(())
    };
    runner().run(&body, check).expect("every body is answered");
    devnet.tick().expect("the node goes on");
}

/// What stands in the place of a parameter of a path: good, at an edge, or anything.
fn part(good: Vec<String>) -> impl Strategy<Value = String> {
    let edges = [
        "0",
        "1",
        "00",
        "-1",
        "1e300",
        "18446744073709551615",
        "18446744073709551616",
        "latest",
        "0x",
        "0x0",
        "%00",
        "%ff",
        "%2f",
        "%",
        "..",
        "../",
        "{height}",
    ];
    prop_oneof![
        prop::sample::select(good),
        prop::sample::select(edges.to_vec()).prop_map(str::to_owned),
        "0x[0-9a-fA-F]{38,42}",
        "0x[0-9a-fA-F]{62,66}",
        "0x[0-9a-fA-F]{510,516}",
        "[0-9]{1,20}",
        "[ -~]{0,12}",
    ]
}

/// `path` with one of `parts` for each of its parameters.
fn filled(path: &str, parts: &[String]) -> String {
    let mut parts = parts.iter().cycle();
    let filled = path.split('/').map(|step| {
        let is_param = step.starts_with('{');
        let part = is_param.then(|| parts.next().expect("there are some"));
        part.map_or(step, String::as_str)
    });
    filled.collect::<Vec<_>>().join("/")
}

/// A body of a POST: none, anything, a transaction in order, cut off or damaged, or too much.
fn body(transaction: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let at = any::<prop::sample::Index>;
    let (whole, length) = (transaction.clone(), transaction.len());
    let cut = at().prop_map({
        let whole = whole.clone();
        move |at| whole[..at.index(length)].to_vec()
    });
    let damaged = (at(), any::<u8>()).prop_map({
        let whole = whole.clone();
        move |(at, byte)| {
            let mut damaged = whole.clone();
            damaged[at.index(length)] = byte;
            damaged
        }
    });
    prop_oneof![
        2 => Just(Vec::new()),
        2 => prop::collection::vec(any::<u8>(), 0..300),
        2 => Just(whole),
        3 => cut,
        3 => damaged,
        1 => Just(vec![0; TRANSACTION_BYTES_MAX + 1]),
        1 => Just(vec![b'['; 128 * 1024 + 1]),
    ]
}

/// What the document says that this path answers to this verb. Other verbs than those it names are
/// answered 405; OPTIONS is the browsers' and asked for them.
fn documented(paths: &Value, path: &str, verb: &str) -> Vec<u16> {
    let operations = paths[path].as_object().expect("an object");
    let asked = operations.get(&verb.to_lowercase());
    let asked = asked.or_else(|| operations.values().next());
    let responses = asked.expect("a verb")["responses"].as_object();
    let statuses = responses.expect("an object").keys();
    statuses
        .map(|status| status.parse().expect("a status"))
        .collect()
}

/// Good values of each kind of parameter on a chain with a transaction and a record.
fn good_parts(devnet: &Devnet) -> (Vec<String>, Vec<u8>) {
    let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
    let alice = &people[0];
    let context = devnet.sign_context();
    let wire = Wire::new(devnet.genesis().hash());
    let (key, value) = (b"deed".to_vec(), b"signed".to_vec());
    let put = alice.act(&context, 0, Action::Put { key, value });
    let put = put.expect("it signs");
    let taken = support::post(
        &devnet.urls()[0],
        "/transactions",
        &wire.encode_transaction(&put),
    );
    assert_eq!(taken.status, 202, "{}", taken.text());
    devnet.tick().expect("a block comes");
    let next = alice.transfer(&context, 1, people[1].address, 1);
    let next = wire.encode_transaction(&next.expect("it signs"));
    let good = [
        "2".into(),
        alice.address.to_string(),
        put.id().to_string(),
        "0x64656564".into(),
    ];
    (good.to_vec(), next)
}

/// With good parts there is something to find: the parsers of parameters are reached.
fn assert_found(url: &str, good: &[String]) {
    let record = [good[1].clone(), good[3].clone()];
    for (path, parts) in [
        ("/blocks/{height}", &good[..1]),
        ("/accounts/{address}", &good[1..2]),
        ("/receipts/{id}", &good[2..3]),
        ("/records/{address}/{key}", &record),
        ("/light/records/{address}/{key}", &record),
    ] {
        assert_eq!(
            support::get(url, &filled(path, parts)).status,
            200,
            "{path}"
        );
    }
}

/// A request to the route `name`, and that its answer is among those of the document.
fn assert_documented(url: &str, paths: &Value, name: &str, verb: &str, asked: &str, body: &[u8]) {
    let mut connection = Connection::open(url);
    let answer = if (verb, name) == ("POST", "/") {
        post_bytes(&mut connection, body) // by its content type
    } else {
        let answer = connection.request(verb, asked, body);
        answer.unwrap_or_else(|error| panic!("{verb} {asked}: {error}"))
    };
    // What no URI holds never gets beyond the reading of the head.
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    if !asked.chars().all(legal) && answer.status == 400 && answer.body.is_empty() {
        return;
    }
    let status = answer.status;
    assert!(status < 500, "{verb} {asked}: {status}");
    let path = asked.split(['?', '#']).next().unwrap_or_default();
    let is_elsewhere = path.split('/').count() != name.split('/').count()
        || path.split('/').skip(1).any(str::is_empty);
    assert!(
        documented(paths, name, verb).contains(&status) || (is_elsewhere && status == 404),
        "{verb} {asked} ({name}): {status} is not in /openapi.json"
    );
    if status >= 400 {
        let refusal = answer.json();
        let word = |key: &str| refusal[key].as_str().is_some_and(|word| word.len() > 4);
        assert!(word("code") && word("message"), "{verb} {asked}: {refusal}");
    }
}

#[test]
fn every_path_query_and_body_is_answered_as_documented_and_without_an_error_of_ours() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let (good, transaction) = good_parts(&devnet);
    assert_found(url, &good);
    let document = support::get(url, "/openapi.json").json();
    let paths = &document["paths"];
    let names = paths.as_object().expect("an object").keys().cloned();
    let names: Vec<String> = names.collect();
    let query =
        "((from_seq|limit|after|topics|address|verbose|height)=[0-9a-zA-Z,:%+.-]{0,24}&?){0,3}";
    let verb = prop::sample::select(vec!["GET", "POST", "POST", "PUT", "DELETE", "OPTIONS"]);
    let parts = prop::collection::vec(part(good), 2);
    let asked = (
        verb,
        prop::sample::select(names),
        parts,
        query,
        body(transaction),
    );
    let check = |(verb, name, parts, query, body): (&str, String, Vec<String>, String, Vec<u8>)| {
        let path = filled(&name, &parts);
        let path: String = path.chars().filter(|c| c.is_ascii_graphic()).collect();
        if verb == "GET" && path == "/events" {
            return Ok(()); // a good one has no end: tests/subscriptions.rs
        }
        let asked = format!("{path}?{query}");
        let body = if verb == "POST" { &body[..] } else { b"" };
        assert_documented(url, paths, &name, verb, &asked, body);
        Ok(())
    };
    runner()
        .run(&asked, check)
        .expect("every request is answered");
    devnet.tick().expect("the node goes on");
    assert!(devnet.ended().is_empty());
}
