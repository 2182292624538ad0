//! What people may do with a devnet over HTTP, each verb at a node of a devnet that runs.
use lockstep_devnet::Devnet;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::chain::{amount, number, text};
use support::process::Network;
use support::web_socket::WebSocket;
use support::{
    Answer, Connection, PATIENCE, assert_nobody_signed_twice, assert_stands_still, eventually, get,
    grows_by, metric, same_chain,
};

const ALL: [usize; 4] = [0, 1, 2, 3];

fn boot() -> Devnet {
    let devnet = Devnet::builder().block_time_ms(20).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    devnet
}

fn by_hand() -> Devnet {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    devnet.tick().expect("a block comes");
    devnet
}

fn order(url: &str, verb: &str, body: &Value) -> Answer {
    let path = format!("/devnet/{verb}");
    let answer = Connection::open(url).request_json("POST", &path, body.to_string().as_bytes());
    answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
}

fn done(url: &str, verb: &str, body: &Value) -> Value {
    let answer = order(url, verb, body);
    let told = answer.json();
    assert_eq!(
        (answer.status, &told["done"]),
        (200, &true.into()),
        "{verb} {body}: {told}"
    );
    told
}

fn refused(url: &str, verb: &str, body: &Value) -> (u16, String) {
    let answer = order(url, verb, body);
    assert_ne!(answer.status, 200, "{verb} {body}");
    (answer.status, text(&answer.json()["code"]).to_owned())
}

fn shown(url: &str) -> Value {
    let answer = get(url, "/devnet");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn account(devnet: &Devnet, name: &str) -> Value {
    let url = &devnet.urls()[0];
    let accounts = shown(url)["accounts"].clone();
    let mut accounts = accounts.as_array().expect("a list").iter();
    let found = accounts.find(|account| account["name"] == name);
    let address = text(&found.expect("it is listed")["address"]).to_owned();
    get(url, &format!("/accounts/{address}")).json()
}

#[test]
fn a_devnet_shows_its_nodes_its_accounts_and_its_pace() {
    let devnet = by_hand();
    for url in devnet.urls() {
        let shown = shown(&url);
        assert_eq!(shown["pace_ms"], Value::Null, "by hand");
        assert_eq!(shown["genesis"], json!(devnet.genesis().hash()));
        assert_eq!(
            (&shown["groups"], &shown["faults"]),
            (&Value::Null, &json!([]))
        );
        assert_eq!(shown["can_panic"], true, "the tests' build");
        let nodes = shown["nodes"].as_array().expect("a list");
        assert_eq!(nodes.len(), 4);
        for (index, node) in nodes.iter().enumerate() {
            assert_eq!(number(&node["index"]), index as u64);
            assert_eq!(node["validator"], json!(devnet.validators()[index]));
            assert_eq!(text(&node["url"]), devnet.urls()[index]);
            assert_eq!(
                (&node["state"], &node["reason"], &node["height"]),
                (&json!("running"), &Value::Null, &json!(1))
            );
        }
        let names = shown["accounts"].as_array().expect("a list").iter();
        let names: Vec<&str> = names.map(|account| text(&account["name"])).collect();
        assert_eq!(names, ["alice", "bob", "carol", "dave"]);
    }
}

#[test]
fn a_node_that_is_killed_over_http_is_down_and_the_others_go_on_and_it_comes_back() {
    let devnet = boot();
    let (mine, other) = (&devnet.urls()[0], &devnet.urls()[1]);
    let began = Instant::now();
    done(mine, "kill", &json!({ "node": 3 }));
    println!("a kill took {:?}", began.elapsed());
    let node = shown(mine)["nodes"][3].clone();
    assert_eq!(
        (&node["state"], &node["reason"], &node["height"]),
        (&json!("down"), &json!("killed"), &Value::Null)
    );
    grows_by(&devnet, &[0, 1, 2], 3, "three are a quorum");
    assert_eq!(
        refused(mine, "kill", &json!({ "node": 3 })),
        (409, "is_down".into())
    );
    assert_eq!(
        refused(mine, "restart", &json!({ "node": 1 })),
        (409, "is_running".into())
    );
    done(other, "restart", &json!({ "node": 3 }));
    let node = shown(mine)["nodes"][3].clone();
    assert_eq!(
        (&node["state"], &node["reason"]),
        (&json!("running"), &Value::Null)
    );
    grows_by(&devnet, &ALL, 3, "all four go on");
    same_chain(&devnet, &ALL);
    assert_nobody_signed_twice(&devnet, &ALL);
    devnet.check_running().expect("nobody has ended by itself");
}

#[test]
fn a_node_that_is_told_to_end_itself_answers_and_then_ends() {
    let devnet = boot();
    let (mine, other) = (&devnet.urls()[0], &devnet.urls()[1]);
    for (verb, reason) in [("kill", "killed"), ("stop", "stopped")] {
        for _ in 0..5 {
            done(mine, verb, &json!({ "node": 0 }));
            eventually("it is down", || devnet.heights()[0].is_none().then_some(()));
            assert_eq!(text(&shown(other)["nodes"][0]["reason"]), reason);
            done(other, "restart", &json!({ "node": 0 }));
        }
    }
    grows_by(&devnet, &ALL, 3, "all four go on");
    same_chain(&devnet, &ALL);
}

/// What an orderly stop says to whoever is connected, a killed process does not say.
#[test]
fn a_node_that_is_stopped_says_farewell_and_one_that_is_killed_does_not() {
    let devnet = by_hand();
    let mine = &devnet.urls()[0];
    let subscribe = |node: usize| {
        let mut socket = WebSocket::open(&devnet.urls()[node], "/ws");
        socket.result("lockstep_subscribe", json!(["newBlocks"]));
        socket
    };
    let (mut first, mut second) = (subscribe(1), subscribe(2));
    done(mine, "stop", &json!({ "node": 1 }));
    done(mine, "kill", &json!({ "node": 2 }));
    assert_eq!(first.closed().0, 1001, "the node stops");
    let words = second.last_words();
    let only_pings = words.chunks(2).all(|frame| frame == [0x89, 0]);
    assert!(only_pings, "not a word: {words:?}");
}

#[test]
fn two_and_two_halt_and_go_on_when_they_are_healed_also_without_links_from_the_start() {
    let devnet = boot();
    let mine = &devnet.urls()[0];
    done(mine, "partition", &json!({ "groups": [[0, 1], [2, 3]] }));
    assert_eq!(shown(mine)["groups"], json!([[0, 1], [2, 3]]));
    assert_stands_still(&devnet);
    done(mine, "heal", &json!({}));
    assert_eq!(shown(mine)["groups"], Value::Null);
    grows_by(&devnet, &ALL, 4, "all go on");
    done(mine, "partition", &json!({ "groups": [[0, 1, 2]] }));
    grows_by(
        &devnet,
        &[0, 1, 2],
        4,
        "three go on without the one that is named nowhere",
    );
    // A node that restarts inside of a partition finds nobody.
    done(mine, "kill", &json!({ "node": 3 }));
    done(mine, "restart", &json!({ "node": 3 }));
    let alone = devnet.heights()[3].expect("it runs");
    grows_by(&devnet, &[0, 1, 2], 4, "three go on");
    assert_eq!(devnet.heights()[3], Some(alone));
    devnet.heal().expect("as over HTTP");
    grows_by(&devnet, &ALL, 4, "all go on");
    same_chain(&devnet, &ALL);
    assert_nobody_signed_twice(&devnet, &ALL);
}

#[test]
fn links_that_are_slow_or_lossy_are_listed_and_felt_until_they_are_healed() {
    let devnet = boot();
    let mine = &devnet.urls()[0];
    done(mine, "delay", &json!({ "ms": 5, "from": 0, "to": 1 }));
    done(
        mine,
        "drop",
        &json!({ "per_thousand": 200, "from": 2, "to": 3 }),
    );
    let fault = |from: u64, to: u64, delay: u64, lost: u64| json!({ "from": from, "to": to, "delay_ms": delay, "drop_per_thousand": lost });
    assert_eq!(
        shown(mine)["faults"],
        json!([fault(0, 1, 5, 0), fault(2, 3, 0, 200)])
    );
    grows_by(&devnet, &ALL, 4, "blocks come");
    done(mine, "delay", &json!({ "ms": 60 }));
    assert_eq!(shown(mine)["faults"].as_array().map(Vec::len), Some(12));
    let slow = grows_by(&devnet, &ALL, 4, "blocks come slowly");
    assert!(slow >= Duration::from_millis(4 * 60), "{slow:?}");
    done(mine, "heal", &json!({}));
    assert_eq!(shown(mine)["faults"], json!([]));
    grows_by(&devnet, &ALL, 4, "all go on");
    same_chain(&devnet, &ALL);
}

#[test]
fn the_pace_of_a_devnet_changes_while_it_runs_and_outlives_a_restart() {
    let devnet = by_hand();
    let mine = &devnet.urls()[0];
    done(mine, "pace", &json!({ "block_time_ms": 10 }));
    assert_eq!(shown(mine)["pace_ms"], 10);
    grows_by(&devnet, &ALL, 5, "blocks come by themselves");
    let params = support::rpc::result(&devnet.urls()[2], "lockstep_getParams", json!([]));
    assert_eq!(params["block_time_ms"], 10);
    done(mine, "pace", &json!({ "block_time_ms": null }));
    assert_eq!(shown(mine)["pace_ms"], Value::Null);
    assert_stands_still(&devnet);
    devnet.tick().expect("by hand again");
    done(mine, "kill", &json!({ "node": 2 }));
    done(mine, "restart", &json!({ "node": 2 }));
    assert_stands_still(&devnet);
    // An hour is no reason to wait for an hour, once it is over.
    done(mine, "pace", &json!({ "block_time_ms": 3_600_000 }));
    done(mine, "pace", &json!({ "block_time_ms": 10 }));
    grows_by(&devnet, &ALL, 5, "blocks come by themselves again");
    // A driver that falls begins with the pace of now, not with that of the boot.
    assert!(devnet.inject_panic(1, "RoundDriver"));
    grows_by(
        &devnet,
        &ALL,
        8,
        "blocks come, also in the turns of the one that fell",
    );
    same_chain(&devnet, &ALL);
}

#[test]
fn transfers_records_and_the_faucet_end_in_the_state_with_nonces_of_their_own() {
    let devnet = by_hand();
    let urls = devnet.urls();
    let before = amount(&account(&devnet, "bob")["balance"]);
    // At every node, so that none knows of the others' at once.
    let sent: Vec<Value> = (0..8)
        .map(|n| {
            let body = json!({ "from": "alice", "to": "bob", "amount": "5" });
            done(&urls[n % 4], "transfer", &body)["transaction"].clone()
        })
        .collect();
    let stranger = format!("0x{}", "07".repeat(20));
    done(
        &urls[1],
        "faucet",
        &json!({ "to": stranger, "amount": "100" }),
    );
    done(
        &urls[2],
        "record",
        &json!({ "from": "bob", "key": "deed/7", "value": "lot 12" }),
    );
    let record = devnet.record("bob", b"deed/8", b"lot 13").send();
    let _ = record.expect("as over HTTP");
    eventually("all are committed", || {
        devnet.tick().expect("a block comes");
        let found = |id: &Value| get(&urls[0], &format!("/receipts/{}", text(id))).status == 200;
        sent.iter().all(found).then_some(())
    });
    devnet.tick().expect("a block comes");
    assert_eq!(number(&account(&devnet, "alice")["nonce"]), 8);
    let given = get(&urls[3], &format!("/accounts/{stranger}")).json();
    assert_eq!(amount(&given["balance"]), 100);
    let bob = account(&devnet, "bob");
    let bob_holds = amount(&bob["balance"]);
    assert!(bob_holds <= before + 40, "two records cost him something");
    assert_eq!(number(&bob["nonce"]), 2);
    let owner = text(&bob["address"]);
    for (key, value) in [("deed/7", "lot 12"), ("deed/8", "lot 13")] {
        let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        let record = get(&urls[0], &format!("/records/{owner}/0x{hex}")).json();
        let held = support::chain::unhex(text(&record["value"]));
        assert_eq!(held, value.as_bytes(), "{record}");
    }
}

#[test]
fn an_actor_that_is_made_to_panic_is_restarted_and_the_chain_goes_on() {
    let devnet = boot();
    let mine = &devnet.urls()[0];
    done(mine, "panic", &json!({ "node": 1, "actor": "Mempool" }));
    eventually("it has fallen", || {
        let row = support::actor(&devnet.urls()[1], "Mempool");
        (number(&row["restarts"]) == 1).then_some(())
    });
    grows_by(&devnet, &ALL, 3, "all go on");
    let unknown = json!({ "node": 1, "actor": "Nobody" });
    assert_eq!(refused(mine, "panic", &unknown), (404, "no_actor".into()));
}

/// An order, what it says, and the status and the code of its refusal.
type Case = (&'static str, Value, u16, &'static str);

const FAR: u64 = u32::MAX as u64;

/// Orders to nodes and links that make no sense.
#[rustfmt::skip] // a line a case
fn of_nodes() -> Vec<Case> {
    vec![
        ("kill", json!({}), 400, "malformed"),
        ("kill", json!({ "node": -1 }), 400, "malformed"),
        ("kill", json!({ "node": "1" }), 400, "malformed"),
        ("kill", json!({ "node": 1, "now": true }), 400, "malformed"),
        ("kill", json!([1]), 400, "malformed"),
        ("kill", json!({ "node": 4 }), 404, "no_node"),
        ("stop", json!({ "node": FAR }), 404, "no_node"),
        ("restart", json!({ "node": FAR }), 404, "no_node"),
        ("restart", json!({ "node": 0 }), 409, "is_running"),
        ("panic", json!({ "node": FAR, "actor": "Mempool" }), 404, "no_node"),
        ("pace", json!({}), 400, "malformed"),
        ("pace", json!({ "block_time_ms": FAR }), 400, "bad_block_time"),
        ("partition", json!({ "groups": [] }), 400, "bad_groups"),
        ("partition", json!({ "groups": [[0], []] }), 400, "bad_groups"),
        ("partition", json!({ "groups": [[0, 1], [1, 2]] }), 400, "bad_groups"),
        ("partition", json!({ "groups": [[0, 0]] }), 400, "bad_groups"),
        ("partition", json!({ "groups": [[0, 4]] }), 404, "no_node"),
        ("partition", json!({ "groups": [vec![0; 4_000]] }), 400, "bad_groups"),
        ("delay", json!({ "ms": FAR }), 400, "bad_delay"),
        ("delay", json!({ "ms": 5, "from": 1 }), 400, "bad_link"),
        ("delay", json!({ "ms": 5, "from": 1, "to": 1 }), 400, "bad_link"),
        ("delay", json!({ "ms": 5, "from": 1, "to": 9 }), 404, "no_node"),
        ("drop", json!({ "per_thousand": 1_001 }), 400, "bad_share"),
        ("heal", json!({ "all": true }), 400, "malformed"),
        ("tick", json!({ "blocks": 7 }), 400, "malformed"),
        ("time", json!({}), 400, "bad_time"),
        ("time", json!({ "set_ms": 1 }), 400, "bad_time"),
        ("time", json!({ "add_ms": u64::MAX }), 400, "bad_time"),
        ("time", json!({ "add_ms": -1 }), 400, "malformed"),
        ("snapshot", json!({ "snapshot": 1 }), 400, "malformed"),
        ("revert", json!({}), 400, "malformed"),
        ("revert", json!({ "snapshot": FAR }), 404, "no_snapshot"),
    ]
}

/// Transactions that make no sense.
#[rustfmt::skip] // a line a case
fn of_accounts() -> Vec<Case> {
    vec![
        ("transfer", json!({ "from": "eve", "to": "bob", "amount": "5" }), 404, "no_account"),
        ("transfer", json!({ "from": "alice", "to": "0x12", "amount": "5" }), 400, "bad_address"),
        ("transfer", json!({ "from": "alice", "to": "bob", "amount": 5 }), 400, "malformed"),
        ("transfer", json!({ "from": "alice", "to": "bob", "amount": "-5" }), 400, "bad_amount"),
        ("transfer", json!({ "from": "alice", "to": "bob", "amount": "0x5" }), 400, "bad_amount"),
        ("faucet", json!({ "to": "bob", "amount": "18446744073709551616" }), 400, "bad_amount"),
        ("record", json!({ "from": "bob", "key": "", "value": "" }), 400, "bad_key"),
        ("record", json!({ "from": "bob", "key": "0x0", "value": "" }), 400, "bad_key"),
        ("record", json!({ "from": "bob", "key": "k".repeat(257), "value": "" }), 400, "bad_key"),
        ("record", json!({ "from": "bob", "key": "k", "value": "v".repeat(4_097) }), 400, "bad_value"),
        ("record", json!({ "from": "bob", "key": "k", "value": "v".repeat(40_000) }), 413, "too_large"),
    ]
}

/// Whatever is wrong is refused with a word of its own, and nothing has changed.
#[test]
fn orders_that_make_no_sense_are_refused_counted_and_change_nothing() {
    let devnet = by_hand();
    let mine = &devnet.urls()[0];
    let before = shown(mine);
    let counted = |code: &str| {
        metric(
            mine,
            "requests_refused_total",
            &format!("status=\"{code}\""),
        )
    };
    let (bad, unknown) = (counted("400"), counted("404"));
    let cases = [of_nodes(), of_accounts()].concat();
    for (verb, body, status, code) in &cases {
        assert_eq!(
            refused(mine, verb, body),
            (*status, (*code).to_owned()),
            "{verb} {body:.80}"
        );
    }
    for nonsense in [&b"{"[..], b"\xff", b"nonsense", &b"[".repeat(10_000)] {
        let answer = Connection::open(mine).request_json("POST", "/devnet/kill", nonsense);
        let answer = answer.expect("an answer");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &"malformed".into())
        );
    }
    assert_eq!(shown(mine), before);
    let made = |status: u16| cases.iter().filter(|case| case.2 == status).count() as f64;
    assert!(counted("400") >= bad + made(400) && counted("404") >= unknown + made(404));
    devnet.tick().expect("nothing was done");
    assert_eq!(devnet.heights(), [Some(2); 4]);
}

fn asked_by(url: &str, verb: &str, path: &str, head: &str, body: &str) -> Answer {
    let length = body.len();
    let mut connection = Connection::open(url);
    let request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{head}\r\n{body}"
    );
    connection.send(request.as_bytes());
    connection.answer().expect("an answer")
}

const ORDERS: [&str; 16] = [
    "tick",
    "pace",
    "stop",
    "kill",
    "restart",
    "partition",
    "heal",
    "delay",
    "drop",
    "transfer",
    "record",
    "faucet",
    "panic",
    "time",
    "snapshot",
    "revert",
];

/// What a page sends without asking first.
fn refuses_what_needs_no_leave(other: &str, path: &str, mine: &str) {
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
    ] {
        for origin in ["", "https://wallet.example", mine] {
            let head = format!("content-type: {kind}\r\norigin: {origin}\r\n");
            let answer = asked_by(other, "POST", path, &head, "{\"node\":3}");
            assert!([403, 415].contains(&answer.status), "{path} {kind}");
        }
    }
}

#[test]
fn only_pages_that_a_node_of_the_devnet_serves_may_give_orders() {
    let devnet = by_hand();
    let (mine, other) = (&devnet.urls()[0], &devnet.urls()[1]);
    let before = shown(mine);
    let json = "content-type: application/json\r\n";
    let port = mine.rsplit(':').next().expect("a port");
    let local = format!("http://localhost:{port}");
    for verb in ORDERS {
        let path = format!("/devnet/{verb}");
        for foreign in [
            "https://wallet.example",
            "null",
            "http://127.0.0.1:1",
            "http://localhost:1",
        ] {
            let head = format!("{json}origin: {foreign}\r\n");
            let answer = asked_by(other, "POST", &path, &head, "{}");
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (403, &"origin".into()),
                "{path}"
            );
            assert!(
                !answer
                    .head
                    .to_lowercase()
                    .contains("access-control-allow-origin")
            );
            let leave = format!("origin: {foreign}\r\naccess-control-request-method: POST\r\n");
            assert_eq!(asked_by(other, "OPTIONS", &path, &leave, "").status, 403);
        }
        for page in [mine.as_str(), &local] {
            let leave = format!("origin: {page}\r\naccess-control-request-method: POST\r\n");
            let leave = asked_by(other, "OPTIONS", &path, &leave, "");
            assert_eq!(leave.status, 204, "{path}");
            assert!(
                leave
                    .head
                    .contains(&format!("access-control-allow-origin: {page}\r\n"))
            );
        }
        refuses_what_needs_no_leave(other, &path, mine);
    }
    assert_eq!(shown(mine), before, "nothing has changed");
    let head = format!("{json}origin: {mine}\r\n");
    let answer = asked_by(other, "POST", "/devnet/kill", &head, "{\"node\":3}");
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .head
            .contains(&format!("access-control-allow-origin: {mine}\r\n"))
    );
    assert_eq!(devnet.heights()[3], None);
}

#[test]
fn a_node_of_no_devnet_takes_no_orders() {
    let network = Network::running(1, &["log=warn"]);
    network.wait_for(&[0], 1);
    let url = &network.urls[0];
    assert_eq!(get(url, "/devnet").json()["code"], "no_devnet");
    for verb in ORDERS {
        assert_eq!(
            refused(url, verb, &json!({})),
            (404, "no_devnet".into()),
            "{verb}"
        );
    }
}

/// Why proxies stand between the nodes of a devnet only while a link has a fault. Each is measured in
/// turn, so that what else the machine does meets both.
#[test]
#[ignore = "a figure for a quiet machine: cargo test --release -p lockstep --test nodes what_links_cost -- --ignored --nocapture"]
fn what_links_cost_that_always_stand_there() {
    let mut blocks = [0; 2];
    for _ in 0..5 {
        for (with, made) in blocks.iter_mut().enumerate() {
            let builder = Devnet::builder().block_time_ms(0);
            let builder = if with == 1 {
                builder.faulty_links(1)
            } else {
                builder
            };
            let devnet = builder.boot().expect("it boots");
            devnet.wait_for(20, PATIENCE).expect("blocks come");
            let height = || devnet.heights()[0].expect("it runs");
            let before = height();
            std::thread::sleep(Duration::from_secs(2));
            *made += height() - before;
        }
    }
    let [without, with] = blocks;
    println!("blocks in 10 s: {without} without links, {with} with them");
    assert!(without > 0 && with > 0);
}
