//! `lockstep tx` and `lockstep receipt` where answers get lost or nothing is decided: whoever has
//! signed a transaction is always told its id, and how not to pay twice.
use lockstep_devnet::Devnet;
use lockstep_protocol::crypto::SchemeId;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::process::{Ended, finish, lockstep};
use support::rpc::result;
use support::{eventually, proxy};

const PAY_BOB: [&str; 8] = [
    "tx", "transfer", "--from", "alice", "--to", "bob", "--amount", "1",
];

fn pay_bob(url: &str, more: &[&str]) -> Ended {
    finish(lockstep(
        &[&PAY_BOB[..], &["--rpc", url, "--json"], more].concat(),
    ))
}

fn receipt(url: &str, id: &str, more: &[&str]) -> Ended {
    finish(lockstep(&[&["receipt", id, "--rpc", url], more].concat()))
}

fn json_of(ended: &Ended) -> Value {
    let text = &ended.stdout;
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text:?}, {}", ended.stderr))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().expect("text").to_owned()
}

fn devnet(is_manual: bool) -> Devnet {
    let builder = Devnet::builder().validators(1).scheme(SchemeId::MlDsa65);
    let builder = match is_manual {
        true => builder.manual(true),
        false => builder.block_time_ms(50),
    };
    builder.boot().expect("it boots")
}

fn nonce_of_alice(url: &str) -> u64 {
    let account = finish(lockstep(&["account", "alice", "--rpc", url, "--json"]));
    json_of(&account.ok())["nonce"].as_u64().expect("a number")
}

/// The reply breaks off after the node has taken the transaction. A sender who only knows that would
/// send another one, under the next nonce.
#[test]
fn a_reply_that_breaks_off_pays_once() {
    let devnet = devnet(false);
    let node = &devnet.urls()[0];
    let posts = AtomicUsize::new(0);
    let url = proxy::serve(node, move |path, mut answer| {
        if path == "/transactions" && posts.fetch_add(1, Ordering::Relaxed) < 2 {
            answer.status = proxy::NO_ANSWER;
        }
        answer
    });
    for (number, more) in [&["--wait"][..], &[]].into_iter().enumerate() {
        let paid = json_of(&pay_bob(&url, more).ok());
        assert_eq!(paid["nonce"], number);
        let id = text(&paid, "id");
        eventually("it is committed", || {
            (receipt(node, &id, &[]).code == Some(0)).then_some(())
        });
    }
    assert_eq!(nonce_of_alice(node), 2);
}

/// A node restarts, or has too much to do, while a command waits.
#[test]
fn a_command_that_waits_outlasts_silence_and_refusals() {
    let devnet = devnet(false);
    let asked = AtomicUsize::new(0);
    let url = proxy::serve(&devnet.urls()[0], move |path, mut answer| {
        let is_status = matches!(path, "/" | "/status") || path.starts_with("/receipts");
        match asked.fetch_add(usize::from(is_status), Ordering::Relaxed) {
            // The first one is the question for the chain.
            1 | 2 if is_status => answer.status = proxy::NO_ANSWER,
            3 if is_status => {
                answer.status = 503;
                answer.body = br#"{"code":"busy","message":"try again"}"#.to_vec();
            }
            4 if is_status => {
                answer.status = 502;
                answer.body = b"<html>some gateway</html>".to_vec();
            }
            _ => {}
        }
        answer
    });
    let paid = json_of(&pay_bob(&url, &["--wait"]).ok());
    assert_eq!(paid["status"], "success");
}

/// What the command knows of the transaction stands in its JSON, and the line on stderr says how to
/// hand in the same one again.
#[test]
fn whatever_fails_after_signing_names_the_transaction_and_its_nonce() {
    let devnet = devnet(true);
    let node = devnet.urls()[0].clone();
    let is_mute = std::sync::Arc::new(AtomicUsize::new(0));
    let after_post = is_mute.clone();
    let mute = proxy::serve(&node, move |path, mut answer| {
        is_mute.fetch_add(usize::from(path == "/transactions"), Ordering::Relaxed);
        if is_mute.load(Ordering::Relaxed) > 0 {
            answer.status = proxy::NO_ANSWER;
        }
        answer
    });
    let mut ids = Vec::new();
    let wait = &["--wait", "--timeout", "1"];
    for (url, status) in [(&node, "pending"), (&mute, "unknown")] {
        let ended = pay_bob(url, &[&wait[..], &["--nonce", "0"]].concat());
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let told = json_of(&ended);
        assert_eq!(
            (&told["status"], &told["nonce"]),
            (&json!(status), &json!(0))
        );
        let id = text(&told, "id");
        let expires_at = told["expires_at"].to_string();
        let again = [
            "--nonce",
            "0",
            "--fee",
            &text(&told, "fee"),
            "--expires-at",
            &expires_at,
        ];
        for word in [&id, &format!("lockstep receipt {id}"), &again.join(" ")] {
            assert!(ended.stderr.contains(word), "{word} in {}", ended.stderr);
        }
        let same = json_of(&pay_bob(&node, &again).ok());
        assert_eq!(text(&same, "id"), id);
        ids.push(id);
    }
    assert!(after_post.load(Ordering::Relaxed) > 0);
    assert_eq!(ids[0], ids[1], "both were the same transaction");
    // What the node refuses is named as well.
    let refused = pay_bob(&node, &["--nonce", "99999"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let told = json_of(&refused);
    assert_eq!(
        (&told["status"], &told["nonce"]),
        (&json!("refused"), &json!(99_999))
    );
    assert!(
        refused.stderr.contains(&text(&told, "id")),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_command_that_waits_ends_when_another_transaction_takes_the_place() {
    let devnet = devnet(true);
    let url = &devnet.urls()[0];
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| pay_bob(url, &["--nonce", "0", "--wait"]));
        eventually("it waits", || {
            let waiting = result(url, "lockstep_pendingTransactions", json!([]));
            (waiting["count"] == 1).then_some(())
        });
        let second = pay_bob(url, &["--nonce", "0", "--fee", "50000"]).ok();
        (
            first.join().expect("it ends"),
            text(&json_of(&second), "id"),
        )
    });
    assert_eq!(first.code, Some(1), "{}", first.stderr);
    let told = json_of(&first);
    assert_eq!(
        (&told["status"], &told["by"]),
        (&json!("replaced"), &json!(second))
    );
    assert!(first.stderr.contains(&second), "{}", first.stderr);
}

#[test]
fn a_receipt_says_whether_a_transaction_waits_is_replaced_expired_or_unknown() {
    let devnet = devnet(true);
    let url = &devnet.urls()[0];
    let send = |more: &[&str]| text(&json_of(&pay_bob(url, more).ok()), "id");
    let replaced = send(&["--nonce", "0"]);
    let waits = send(&["--nonce", "0", "--fee", "50000"]);
    let gap = send(&["--nonce", "3", "--expires-at", "1"]);
    let unknown = format!("0x{}", "7".repeat(64));
    let is = |id: &str, status: &str, words: &[&str]| {
        receipt(url, id, &[]).assert_refused(1, words);
        let ended = receipt(url, id, &["--json"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let told = json_of(&ended);
        assert_eq!((&told["id"], &told["status"]), (&json!(id), &json!(status)));
    };
    is(&waits, "pending", &["waits", "next block"]);
    is(&gap, "pending", &["waits", "lower nonce"]);
    is(&replaced, "replaced", &[&waits, "took its place"]);
    is(&unknown, "unknown", &["does not know", "same bytes"]);
    devnet.tick().expect("a block");
    receipt(url, &waits, &[]).ok();
    eventually("it has expired", || {
        let ended = receipt(url, &gap, &["--json"]);
        (json_of(&ended)["status"] == "expired").then_some(())
    });
    is(&gap, "expired", &["expired at height 1", "send it anew"]);
}

/// A node that lies about the price, or the wrong node, must not empty an account.
#[test]
fn a_dear_node_is_not_paid_unless_it_is_meant() {
    let devnet = devnet(false);
    let url = proxy::serve(&devnet.urls()[0], |path, mut answer| {
        if path == "/status" {
            let mut status = answer.json();
            status["parameters"]["fee_per_byte"] = json!(11);
            answer.body = status.to_string().into_bytes();
        }
        answer
    });
    let refused = pay_bob(&url, &[]);
    refused.assert_refused(2, &["11", "--max-fee", "--fee"]);
    let named = pay_bob(&url, &["--max-fee", "20000"]);
    named.assert_refused(2, &["20000", "--max-fee", "--fee"]);
    assert_eq!(nonce_of_alice(&url), 0);
    pay_bob(&url, &["--max-fee", "100000", "--wait"]).ok();
    pay_bob(&url, &["--fee", "60000", "--wait"]).ok();
    let both = pay_bob(&url, &["--fee", "1", "--max-fee", "1"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}
