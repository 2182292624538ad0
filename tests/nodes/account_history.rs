//! The history of an account, as it is read over HTTP, by JSON-RPC and on the command line; and of a
//! node that keeps none.
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::nouns::transaction::{Action, Transaction};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use support::process::{Network, run, text};
use support::rpc::{call, result};
use support::{get, held_by_all, post};

struct World {
    devnet: Devnet,
    url: String,
    people: Vec<FundedAccount>,
}

impl World {
    fn new() -> World {
        let builder = Devnet::builder().validators(1).manual(true);
        let devnet = builder.boot().expect("it boots");
        let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
        let url = devnet.urls()[0].clone();
        World {
            devnet,
            url,
            people,
        }
    }

    /// Person `from` acts, and a block carries it.
    fn act(&self, from: usize, nonce: u64, action: Action) -> Transaction {
        let context = self.devnet.sign_context();
        let acted = self.people[from].act(&context, nonce, action);
        let acted = acted.expect("it signs");
        let wire = Wire::new(self.devnet.genesis().hash());
        let taken = post(&self.url, "/transactions", &wire.encode_transaction(&acted));
        assert_eq!(taken.status, 202, "{}", taken.text());
        held_by_all(&self.devnet, acted.id());
        self.devnet.tick().expect("a block comes");
        acted
    }

    fn pay(&self, from: usize, nonce: u64, to: usize, amount: u64) -> Transaction {
        let (to, memo) = (self.people[to].address, String::new());
        self.act(from, nonce, Action::Transfer { to, amount, memo })
    }

    fn page(&self, of: usize, query: &str) -> Value {
        let address = self.people[of].address;
        let path = format!("/accounts/{address}/transactions{query}");
        let answer = get(&self.url, &path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

/// Role and id of each row.
fn rows(page: &Value) -> Vec<(String, Value)> {
    let rows = page["transactions"].as_array().expect("a list").iter();
    let row = |row: &Value| {
        let role = row["role"].as_str().expect("a word").to_owned();
        (role, row["transaction"]["id"].clone())
    };
    rows.map(row).collect()
}

#[test]
fn an_account_is_told_what_it_sent_and_was_paid_the_newest_first() {
    let world = World::new();
    let sent = world.pay(0, 0, 1, 5);
    let back = world.pay(1, 0, 0, 3);
    let (key, value) = (b"deed".to_vec(), b"mine".to_vec());
    let kept = world.act(0, 1, Action::Put { key, value });
    let own = world.pay(0, 2, 0, 1);
    let failed = world.pay(1, 1, 0, 1 << 60);
    let expected = [
        ("receiver".to_owned(), json!(failed.id())),
        ("both".to_owned(), json!(own.id())),
        ("sender".to_owned(), json!(kept.id())),
        ("receiver".to_owned(), json!(back.id())),
        ("sender".to_owned(), json!(sent.id())),
    ];
    let page = world.page(0, "");
    assert_eq!(rows(&page), expected);
    assert_eq!((&page["next"], &page["height"]), (&Value::Null, &5.into()));
    let newest = &page["transactions"][0];
    assert_eq!(newest["receipt"]["code"], "insufficient_balance");
    assert_eq!(
        page["transactions"][4]["transaction"]["body"]["action"]["amount"],
        "5"
    );
    // In pages, by both ways.
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = world.page(0, &format!("?limit=2{before}"));
        let place = before.strip_prefix("&before=");
        let address = world.people[0].address;
        let params = json!({ "address": address, "limit": 2, "before": place });
        assert_eq!(
            result(&world.url, "lockstep_getAccountHistory", params),
            page
        );
        seen.extend(rows(&page));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    assert_eq!(rows(&world.page(3, "")), [], "of nobody's there is none");
}

#[test]
fn what_asks_for_no_page_is_refused() {
    let world = World::new();
    let address = world.people[0].address;
    for (path, code) in [
        ("/accounts/0x12/transactions".to_owned(), "malformed"),
        (
            format!("/accounts/{address}/transactions?before=7"),
            "bad_page",
        ),
        (
            format!("/accounts/{address}/transactions?limit=-1"),
            "malformed",
        ),
    ] {
        let answer = get(&world.url, &path);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &code.into()),
            "{path}"
        );
    }
    for params in [json!([address, 101]), json!([address, 1, "7"])] {
        let refused = call(&world.url, "lockstep_getAccountHistory", params);
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
}

#[test]
fn the_command_line_says_it_in_words() {
    let world = World::new();
    world.pay(0, 0, 1, 5);
    let (alice, bob) = (world.people[0].address, world.people[1].address);
    let ended = run(&["history", "alice", "--rpc", &world.url]).ok();
    let parts = [
        format!("of {alice}, up to block 1"),
        format!("sent 5 to {bob}"),
        "success".into(),
        "That is all".into(),
    ];
    for part in &parts {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let ended = run(&["history", "bob", "--rpc", &world.url, "--json"]).ok();
    let said: Value = serde_json::from_str(&ended.stdout).expect("one object");
    assert_eq!(said, world.page(1, "?limit=20"));
    let ended = run(&["history", "bob", "--rpc", &world.url, "--limit", "0"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

#[test]
fn a_node_that_keeps_no_history_says_so_until_it_is_turned_on_and_built() {
    let mut network = Network::new(1, &["block_interval_ms=100"]);
    let mut without = network.command(0);
    without.arg("--set=history=false");
    network.start_as(0, without);
    let url = network.urls[0].clone();
    network.wait_for(&[0], 3);
    let address = network.addresses[0];
    let path = format!("/accounts/{address}/transactions");
    let answer = get(&url, &path);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["code"], "no_history");
    let refused = call(&url, "lockstep_getAccountHistory", json!([address]));
    assert_eq!(refused["error"]["data"]["code"], "no_history");
    let ended = run(&["history", &address.to_string(), "--rpc", &url]);
    ended.assert_refused(2, &["history = true", "restart"]);
    network.kill(0);
    let height = 5;
    network.start(0);
    network.wait_for(&[0], height);
    let page = get(&url, &path).json();
    assert_eq!(
        (&page["transactions"], &page["next"]),
        (&json!([]), &Value::Null)
    );
    network.kill(0);
    let home = network.home(0);
    run(&["verify", "--home", text(&home)]).ok();
}
