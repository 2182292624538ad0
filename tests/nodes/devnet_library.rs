//! The devnet as a library, beyond what its examples show: its clock, blocks on demand, its refusals.
use lockstep_devnet::{Accounts, Devnet, DevnetError, Pacing, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;
use support::{Connection, PATIENCE, assert_stands_still, eventually, get, same_chain, try_get};

const ALL: [usize; 4] = [0, 1, 2, 3];
const DAY_MS: u64 = 24 * 3_600 * 1_000;

fn by_hand() -> Devnet {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    devnet.tick().expect("a block comes");
    devnet
}

fn time_of_block(devnet: &Devnet, height: u64) -> u64 {
    let block = devnet.block(0, height).expect("it is read");
    block.expect("it is there").block.header().time.0
}

fn order_time(devnet: &Devnet, body: &Value) -> (u16, Value) {
    let url = &devnet.urls()[1];
    let body = body.to_string();
    let answer = Connection::open(url).request_json("POST", "/devnet/time", body.as_bytes());
    let answer = answer.expect("an answer");
    (answer.status, answer.json())
}

#[test]
fn the_clock_of_all_nodes_goes_forward_and_blocks_have_its_time() {
    let devnet = by_hand();
    let before = devnet.time().0;
    let now = devnet.advance_time(Duration::from_millis(DAY_MS));
    let now = now.expect("it goes forward").0;
    assert!(now >= before + DAY_MS);
    devnet.tick().expect("everybody takes such a block");
    assert!(time_of_block(&devnet, 2) >= now);
    let later = Timestamp(now + DAY_MS);
    assert_eq!(devnet.set_time(later).expect("it is later"), later);
    devnet.tick().expect("a block comes");
    assert!(time_of_block(&devnet, 3) >= later.0);
    let refused = devnet.set_time(Timestamp(before)).expect_err("it is over");
    assert!(matches!(refused, DevnetError::Time(_)), "{refused}");
    // A node that begins anew has the clock of the others.
    devnet.node(3).kill().expect("it runs");
    devnet.node(3).restart().expect("it starts");
    devnet.tick().expect("all four take the block");
    same_chain(&devnet, &ALL);
}

#[test]
fn the_next_block_has_exactly_the_time_that_was_named_and_time_goes_on_from_it() {
    let devnet = by_hand();
    let named = devnet.time().0 + 7 * DAY_MS;
    let (status, told) = order_time(&devnet, &json!({ "next_block_ms": named }));
    assert_eq!((status, &told["time_ms"]), (200, &json!(named)), "{told}");
    devnet.tick().expect("a block comes");
    assert_eq!(time_of_block(&devnet, 2), named);
    devnet.tick().expect("a block comes");
    assert!((named + 1..named + DAY_MS).contains(&time_of_block(&devnet, 3)));
    let shown = get(&devnet.urls()[2], "/devnet").json();
    let ahead = shown["clock"]["ahead_ms"].as_u64().expect("a time");
    assert!(ahead > 6 * DAY_MS && shown["clock"]["held_ms"].is_null());
    let over = json!({ "next_block_ms": named });
    for body in [
        over,
        json!({ "set_ms": named }),
        json!({}),
        json!({ "add_ms": u64::MAX }),
    ] {
        let (status, told) = order_time(&devnet, &body);
        assert_eq!((status, &told["code"]), (400, &json!("bad_time")), "{body}");
    }
}

/// The machine's clock lies behind a chain that somebody has set forward, and nobody could propose.
#[test]
fn a_chain_that_was_set_forward_goes_on_after_a_new_boot() {
    let home = tempfile::tempdir().expect("a directory");
    let boot = || {
        let builder = Devnet::builder().manual(true).home(home.path());
        builder.boot().expect("it boots")
    };
    let devnet = boot();
    let ahead = devnet.advance_time(Duration::from_millis(DAY_MS));
    devnet.tick().expect("a block comes");
    devnet.shutdown();
    let devnet = boot();
    devnet.tick().expect("and another one");
    assert!(time_of_block(&devnet, 2) > ahead.expect("it went forward").0);
}

#[test]
fn on_demand_a_block_comes_for_a_transaction_also_where_its_proposer_is_down_and_no_empty_one() {
    let builder = Devnet::builder().pacing(Pacing::OnDemand);
    let devnet = builder.boot().expect("it boots");
    assert_stands_still(&devnet);
    assert_eq!(devnet.heights(), [Some(0); 4]);
    for amount in 1..=5 {
        let sent = devnet.transfer("alice", "bob", amount).send();
        let paid = sent.expect("it is taken").wait().expect("it is paid");
        assert_eq!(paid.height, amount, "a block for each, and none between");
    }
    devnet.wait_for(5, PATIENCE).expect("all have it");
    assert_stands_still(&devnet);
    // In four blocks the one that is down has its turn. Its round is over at once, for nobody waits for
    // it; whose turn it is then may hear so before it has the transaction, and gives it a moment.
    devnet.node(2).kill().expect("it runs");
    for amount in 6..=9 {
        let sent = devnet.transfer("alice", "bob", amount).send();
        let paid = sent.expect("it is taken").wait().expect("it is paid");
        assert_eq!(paid.height, amount, "a block for each, and none between");
    }
    assert_stands_still(&devnet);
    devnet.node(2).restart().expect("it starts");
    devnet.wait_for(9, PATIENCE).expect("it catches up");
    same_chain(&devnet, &ALL);
}

#[test]
fn many_transactions_at_once_on_demand_leave_none_waiting() {
    let builder = Devnet::builder().pacing(Pacing::OnDemand);
    let devnet = builder.boot().expect("it boots");
    let names = ["alice", "bob", "carol", "dave"];
    let sent: Vec<_> = (0..40)
        .map(|number| {
            let from = names[number % 4];
            let unsent = devnet.transfer(from, "alice", 1).at(number % 3);
            unsent.send().expect("it is taken")
        })
        .collect();
    for sent in sent {
        sent.wait().expect("a block holds it");
    }
    assert_stands_still(&devnet);
}

#[test]
fn a_revert_takes_all_nodes_back_to_a_snapshot_and_they_make_other_blocks() {
    let devnet = by_hand();
    let pay = |amount| {
        let sent = devnet.transfer("alice", "bob", amount).send();
        let sent = sent.expect("it is taken");
        devnet.tick().expect("a block comes");
        sent.wait().expect("it is paid").id
    };
    let balance = || devnet.balance("bob").expect("it is read");
    pay(5);
    let (before, roots) = (balance(), devnet.state_roots());
    let first = devnet.snapshot().expect("it is taken");
    assert_eq!(devnet.heights(), [Some(2); 4], "all go on where they were");
    let undone = pay(7);
    let second = devnet.snapshot().expect("it is taken");
    let old = devnet.head_ids();
    pay(9);
    devnet.revert(first).expect("it is kept");
    assert_eq!(devnet.heights(), [Some(2); 4]);
    assert_eq!((balance(), devnet.state_roots()), (before, roots));
    assert_eq!(devnet.receipt(undone).expect("it is read"), None);
    pay(11);
    assert_ne!(devnet.head_ids(), old, "another block of height 3");
    assert_eq!(balance(), before + 11);
    devnet.node(3).kill().expect("it runs");
    devnet.node(3).restart().expect("it starts");
    devnet.tick().expect("a block comes");
    same_chain(&devnet, &ALL);
    for gone in [first, second, 99] {
        let refused = devnet.revert(gone).expect_err("it is gone");
        assert!(matches!(refused, DevnetError::NoSnapshot(_)), "{refused}");
    }
}

#[test]
fn a_snapshot_is_taken_and_gone_back_to_over_http_while_blocks_come() {
    let devnet = Devnet::builder()
        .block_time_ms(20)
        .boot()
        .expect("it boots");
    devnet.wait_for(3, PATIENCE).expect("blocks come");
    let url = &devnet.urls()[1];
    let order = |verb: &str, body: Value| {
        let path = format!("/devnet/{verb}");
        let body = body.to_string();
        let answer = Connection::open(url).request_json("POST", &path, body.as_bytes());
        let told = answer.expect("an answer").json();
        assert_eq!(told["done"], true, "{told}");
        let turn = told["turn"].as_u64().expect("a number");
        eventually("the turn is over", || {
            let shown = try_get(url, "/devnet").ok()?.json();
            (shown["turns"]["over"].as_u64()? >= turn).then_some(())
        });
        told
    };
    let kept = order("snapshot", json!({}));
    let at = get(url, "/devnet").json()["turns"]["snapshots"][0]["height"].as_u64();
    let at = at.expect("a height");
    devnet.wait_for(at + 5, PATIENCE).expect("blocks come");
    let old = devnet
        .block(0, at + 5)
        .expect("it is read")
        .map(|it| it.block.id());
    order("revert", json!({ "snapshot": kept["snapshot"] }));
    devnet.wait_for(at + 8, PATIENCE).expect("blocks come");
    let new = devnet
        .block(0, at + 5)
        .expect("it is read")
        .map(|it| it.block.id());
    assert_ne!(old, new, "the chain has gone another way");
    same_chain(&devnet, &ALL);
    devnet.check_running().expect("nobody has ended by itself");
}

#[test]
fn what_there_is_not_is_an_error_and_no_panic() {
    let devnet = by_hand();
    let said = |error: DevnetError| error.to_string();
    let none = devnet.node(9);
    assert_eq!(said(none.kill().expect_err("none")), "there is no node 9");
    assert_eq!(
        said(none.restart().expect_err("none")),
        "there is no node 9"
    );
    assert_eq!(
        (none.url(), none.height(), none.is_running()),
        (None, None, false)
    );
    let links = devnet.links();
    assert_eq!(
        said(links.cut(0, 9).expect_err("none")),
        "there is no node 9"
    );
    assert!(matches!(
        links.drop_rate(0, 1, 1.5),
        Err(DevnetError::NoRate(_))
    ));
    let nobody = devnet.transfer("erin", "bob", 1).send();
    let nobody = nobody.err().map(said).expect("no such account");
    assert!(nobody.contains("alice, bob, carol, dave"), "{nobody}");
    let waits = devnet.transfer("alice", "bob", 1).send().expect("taken");
    let waits = waits.wait_within(Duration::from_millis(1));
    let waits = waits.map(|_| ()).map_err(said).expect_err("nobody ticks");
    assert!(waits.contains("Devnet::tick"), "{waits}");
    let accounts = Accounts {
        count: 0,
        ..Accounts::default()
    };
    let none = Devnet::builder().accounts(accounts).boot();
    assert!(matches!(none.err(), Some(DevnetError::Accounts(0))));
    let foreign = Devnet::builder()
        .validators(3)
        .genesis()
        .expect("a genesis");
    let foreign = Devnet::builder().begin_with(foreign).boot();
    assert!(matches!(
        foreign.err(),
        Some(DevnetError::ForeignGenesis(4))
    ));
}
