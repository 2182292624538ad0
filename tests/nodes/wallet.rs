//! Keys, transactions and questions on the command line, against a devnet.
use lockstep_devnet::Devnet;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::chain::amount;
use support::process::{Ended, Guarded, finish, lockstep, run};
use support::{eventually, get, proxy};
use tempfile::TempDir;

/// Somebody with a directory of keys and one password.
struct User {
    dir: TempDir,
}

impl User {
    fn new() -> User {
        let dir = tempfile::tempdir().expect("a directory");
        let user = User { dir };
        user.password("word", "password\n");
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn password(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("it is written");
        mode(&self.path(name), 0o600);
    }

    /// Runs the command with this user's keys and password.
    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = lockstep(arguments);
        command.env("LOCKSTEP_KEYS", self.path("keys"));
        command.args(["--password-file".as_ref(), self.path("word").as_os_str()]);
        finish(command)
    }

    /// The same for a command that needs no password.
    fn ask(&self, arguments: &[&str]) -> Ended {
        let mut command = lockstep(arguments);
        command.env("LOCKSTEP_KEYS", self.path("keys"));
        finish(command)
    }

    fn new_key(&self, name: &str, scheme: &str) -> String {
        let ended = self.run(&["keys", "new", name, "--scheme", scheme, "--json"]);
        text(&json_of(&ended.ok()), "address")
    }
}

fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}", ended.stdout))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().expect("text").to_owned()
}

/// A devnet that makes its blocks itself.
fn devnet() -> Devnet {
    let builder = Devnet::builder().validators(4).scheme(SchemeId::MlDsa65);
    builder.block_time_ms(50).boot().expect("it boots")
}

#[test]
fn a_key_is_made_listed_shown_copied_and_taken_in() {
    let user = User::new();
    let address = user.new_key("savings", "ml-dsa-65");
    let listed = json_of(&user.ask(&["keys", "list", "--json"]).ok());
    assert_eq!(listed["keys"][0]["name"], "savings");
    assert_eq!(listed["keys"][0]["address"], *address);
    let shown = user.ask(&["keys", "show", "savings"]).ok();
    assert!(shown.stdout.contains(&address), "{}", shown.stdout);

    let (sealed, plain) = (user.path("sealed"), user.path("plain"));
    let (sealed, plain) = (
        sealed.to_str().expect("text"),
        plain.to_str().expect("text"),
    );
    user.ask(&["keys", "export", "savings", "--output", sealed])
        .ok();
    user.run(&["keys", "export", "savings", "--plain", "--output", plain])
        .ok();
    assert!(
        !fs::read_to_string(sealed)
            .expect("text")
            .contains("\"seed\"")
    );
    assert!(
        fs::read_to_string(plain)
            .expect("text")
            .contains("\"seed\"")
    );
    for (name, file) in [("again", sealed), ("too", plain)] {
        let taken = json_of(&user.run(&["keys", "import", name, file, "--json"]).ok());
        assert_eq!(taken["address"], *address);
    }
    // What was exported is never written over, and neither is what is kept.
    let again = user.ask(&["keys", "export", "savings", "--output", sealed]);
    again.assert_refused(2, &["there already"]);
    user.run(&["keys", "new", "savings"])
        .assert_refused(2, &["overwritten"]);
    user.run(&["keys", "import", "savings", plain])
        .assert_refused(2, &["overwritten"]);
}

#[test]
fn a_key_file_says_nothing_to_others() {
    let user = User::new();
    user.new_key("savings", "dilithium3");
    let path = user.path("keys/savings.json");
    mode(&path, 0o644);
    user.ask(&["keys", "show", "savings"])
        .assert_refused(2, &["0644", "chmod 600"]);
    mode(&path, 0o600);
    user.password("word", "another\n");
    let output = user.path("plain");
    let output = output.to_str().expect("text");
    let ended = user.run(&["keys", "export", "savings", "--plain", "--output", output]);
    ended.assert_refused(2, &["does not open with this password"]);
    assert!(!user.path("plain").exists());
    let ended = user.run(&["keys", "import", "copy", path.to_str().expect("text")]);
    ended.assert_refused(2, &["does not open with this password"]);
    mode(&user.path("word"), 0o604);
    let ended = user.run(&["keys", "new", "other"]);
    ended.assert_refused(2, &["word", "chmod 600"]);
}

#[test]
fn a_broken_key_file_hides_no_other_key() {
    let user = User::new();
    for name in ["broken", "loose", "savings"] {
        user.new_key(name, "ml-dsa-65");
    }
    fs::write(user.path("keys/broken.json"), "{}").expect("it is written");
    mode(&user.path("keys/loose.json"), 0o644);
    let listed = user.ask(&["keys", "list", "--json"]);
    assert_eq!(listed.code, Some(2), "{}", listed.stderr);
    let keys = json_of(&listed)["keys"].take();
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
    assert_eq!(keys[0]["name"], "savings");
    for word in ["broken.json", "loose.json", "chmod 600"] {
        assert!(listed.stderr.contains(word), "{word} in {}", listed.stderr);
    }
    let shown = user.ask(&["keys", "list"]);
    assert!(shown.stdout.contains("savings"), "{}", shown.stdout);
}

#[test]
fn the_accounts_of_a_devnet_have_no_files() {
    let user = User::new();
    for name in ["alice", "bob", "carol", "dave"] {
        user.run(&["keys", "new", name])
            .assert_refused(2, &[name, "every devnet"]);
        let shown = json_of(&user.ask(&["keys", "show", name, "--json"]).ok());
        assert_eq!(shown["public"], true);
        assert_eq!(
            shown["addresses"].as_object().map(serde_json::Map::len),
            Some(2)
        );
    }
}

/// The second one continues what the first one left waiting, also where that brings the key.
#[test]
fn two_transactions_in_a_row_need_no_block_between_them() {
    let user = User::new();
    let devnet = devnet();
    let url = &devnet.urls()[0];
    user.new_key("savings", "ml-dsa-65");
    let send = |from: &str, to: &str, amount: &str| {
        let arguments = [
            "tx", "transfer", "--from", from, "--to", to, "--amount", amount,
        ];
        json_of(
            &user
                .run(&[&arguments[..], &["--rpc", url, "--json"]].concat())
                .ok(),
        )
    };
    let wait = |sent: &Value| {
        let id = text(sent, "id");
        eventually("it is committed", || {
            let ended = user.ask(&["receipt", &id, "--rpc", url, "--json"]);
            (ended.code == Some(0)).then(|| json_of(&ended)["status"].clone())
        })
    };
    let fed = send("alice", "savings", "1000000");
    assert_eq!(wait(&fed), "success");
    for from in ["alice", "savings"] {
        let (first, second) = (send(from, "bob", "1"), send(from, "bob", "2"));
        let nonce = |sent: &Value| sent["nonce"].as_u64().expect("a number");
        assert_eq!(nonce(&second), nonce(&first) + 1, "{from}");
        assert_eq!(
            (wait(&first), wait(&second)),
            (json!("success"), json!("success"))
        );
    }
}

#[test]
fn a_transfer_is_signed_sent_and_waited_for() {
    let user = User::new();
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let savings = user.new_key("savings", "ml-dsa-65");
    let transfer = |from: &str, to: &str, amount: &str, more: &[&str]| {
        let arguments = [
            "tx", "transfer", "--from", from, "--to", to, "--amount", amount,
        ];
        user.run(&[&arguments[..], &["--rpc", url, "--json"], more].concat())
    };
    let paid = transfer("alice", "savings", "1000000", &["--wait", "--memo", "rent"]);
    let paid = json_of(&paid.ok());
    assert_eq!(paid["status"], "success");
    assert_eq!(paid["receipt"]["fee"], paid["fee"]);
    assert_eq!(paid["receipt"]["bytes"], paid["bytes"]);

    // The new account's first transaction brings its key; the second does not.
    let first = json_of(&transfer("savings", "bob", "5", &["--wait"]).ok());
    let second = json_of(&transfer("savings", "bob", "5", &["--wait"]).ok());
    let bytes = |paid: &Value| paid["bytes"].as_u64().expect("a number");
    assert_eq!((&first["nonce"], &second["nonce"]), (&json!(0), &json!(1)));
    assert_eq!(bytes(&first) - bytes(&second), 1_952 + 4);
    let fees = amount(&first["fee"]) + amount(&second["fee"]);

    let account = json_of(
        &user
            .ask(&["account", "savings", "--rpc", url, "--json"])
            .ok(),
    );
    assert_eq!(amount(&account["balance"]), 1_000_000 - 10 - fees);
    assert_eq!(account["address"], *savings);
    let shown = user.ask(&["account", &savings, "--rpc", url]).ok();
    assert!(shown.stdout.contains("nonce         2"), "{}", shown.stdout);

    let id = text(&first, "id");
    let receipt = user.ask(&["receipt", &id, "--rpc", url]).ok();
    for word in ["status        success", &id, "fee"] {
        assert!(
            receipt.stdout.contains(word),
            "{word} in {}",
            receipt.stdout
        );
    }
    let height = first["receipt"]["height"].to_string();
    let block = user.ask(&["block", &height, "--rpc", url]).ok();
    for word in [&id, "transfer 5 to", &format!("block {height}")] {
        assert!(block.stdout.contains(word), "{word} in {}", block.stdout);
    }
    let block = json_of(&user.ask(&["block", &height, "--rpc", url, "--json"]).ok());
    assert_eq!(block, get(url, &format!("/blocks/{height}")).json());
}

/// Adds a byte to the value of each record that `url` proves.
fn liar_about_records(url: &str, wire: Wire) -> String {
    proxy::serve(url, move |path, mut answer| {
        if path.starts_with("/light/records/") {
            let mut shown = wire.decode_proved_record(&answer.body).expect("a record");
            if let Some(record) = &mut shown.proof.record {
                record.value.push(7);
            }
            answer.body = wire.encode_proved_record(&shown);
        }
        answer
    })
}

#[test]
fn a_record_is_put_read_proved_and_deleted() {
    let user = User::new();
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let send = |what: &[&str]| {
        let signed = ["--from", "alice", "--rpc", url, "--wait", "--json"];
        json_of(&user.ask(&[&["tx"], what, &signed[..]].concat()).ok())
    };
    let put = send(&["put", "--key", "deed/7", "--value", "the house by the lake"]);
    let arguments = ["record", "alice", "deed/7", "--rpc", url];
    let read = user.ask(&arguments).ok();
    let height = put["receipt"]["height"].to_string();
    for word in [
        "the house by the lake",
        "deed/7",
        &format!("since block   {height}"),
    ] {
        assert!(read.stdout.contains(word), "{word} in {}", read.stdout);
    }
    let document = user.path("document");
    fs::write(&document, [0, 1, 255]).expect("it is written");
    let file = document.to_str().expect("text");
    send(&["put", "--key", "0x00ff", "--file", file]);
    let read = user
        .ask(&["record", "alice", "0x00ff", "--rpc", url, "--json"])
        .ok();
    assert_eq!(json_of(&read)["value"], "0x0001ff");

    let trusted = text(&get(url, "/blocks/1").json(), "id") + "@1";
    let verify = |rpc: &str, key: &str| {
        let arguments = [
            "light",
            "verify",
            "--trusted",
            &trusted,
            "--rpc",
            rpc,
            "--json",
        ];
        user.ask(&[&arguments[..], &["record", "alice", key]].concat())
    };
    let proved = json_of(&verify(url, "0x00ff").ok());
    assert_eq!(
        (&proved["exists"], &proved["record"]["value"]),
        (&json!(true), &json!("0x0001ff"))
    );
    assert_eq!(json_of(&verify(url, "nothing").ok())["exists"], false);
    let liar = liar_about_records(url, Wire::new(devnet.genesis().hash()));
    let caught = verify(&liar, "deed/7");
    assert_eq!(caught.code, Some(3), "{}", caught.stderr);
    assert_eq!(json_of(&caught)["code"], "proof");

    send(&["delete", "--key", "deed/7"]);
    user.ask(&arguments).assert_refused(1, &["unknown_record"]);
}

#[test]
fn a_record_has_a_value_of_a_limited_size() {
    let user = User::new();
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let large = user.path("large");
    fs::write(&large, [0; 4_097]).expect("it is written");
    let large = large.to_str().expect("text");
    let put = ["tx", "put", "--from", "alice", "--rpc", url, "--key", "k"];
    let ended = user.ask(&[&put[..], &["--file", large]].concat());
    ended.assert_refused(2, &["4096", "keep its hash"]);
    assert_eq!(user.ask(&put).code, Some(2), "a value is needed");
}

#[test]
fn a_transfer_without_wait_says_where_to_look() {
    let user = User::new();
    let devnet = Devnet::builder().validators(1).manual(true).boot();
    let devnet = devnet.expect("it boots");
    let url = &devnet.urls()[0];
    let arguments = [
        "tx", "transfer", "--from", "alice", "--to", "bob", "--amount", "1",
    ];
    let sent = user.ask(&[&arguments[..], &["--rpc", url]].concat()).ok();
    let id = sent
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("id "));
    let id = id.expect("an id").trim();
    assert!(
        sent.stdout.contains(&format!("lockstep receipt {id}")),
        "{}",
        sent.stdout
    );
    let early = user.ask(&["receipt", id, "--rpc", url]);
    early.assert_refused(1, &["no block up to 0", "it waits", "ask again"]);
    let late = user.ask(&[&arguments[..], &["--rpc", url, "--wait", "--timeout", "1"]].concat());
    late.assert_refused(1, &["no block after 1 s", "lockstep receipt"]);
    devnet.tick().expect("a block");
    user.ask(&["receipt", id, "--rpc", url]).ok();
}

/// It said nothing, and whoever repeated the command paid twice.
#[test]
fn a_wait_that_somebody_ends_names_what_was_sent() {
    for more in [&["--wait"][..], &["--wait", "--json"]] {
        let devnet = Devnet::builder().validators(1).manual(true).boot();
        let devnet = devnet.expect("it boots");
        let url = &devnet.urls()[0];
        let transfer = ["tx", "transfer", "--from", "alice", "--to", "bob"];
        let transfer = [&transfer[..], &["--amount", "1", "--rpc", url], more].concat();
        let mut command = lockstep(&transfer);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guarded(command.spawn().expect("it starts"));
        let waits = || get(url, "/mempool").json()["transactions"] == 1;
        eventually("it waits at the node", || waits().then_some(()));
        child.signal("-INT");
        assert_eq!(child.wait("it ends").code(), Some(1));
        let mut said = String::new();
        let out = child.0.stdout.take().expect("a pipe");
        let err = child.0.stderr.take().expect("a pipe");
        let mut both = out.chain(err);
        both.read_to_string(&mut said).expect("text");
        for word in ["(nonce 0)", "lockstep receipt 0x", "--nonce 0"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert_eq!(
            said.contains("\"status\": \"pending\""),
            more.len() == 2,
            "{said}"
        );
    }
}

#[test]
fn a_transaction_that_fails_is_a_command_that_fails() {
    let user = User::new();
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let too_much = "18446744073709551615";
    let arguments = [
        "tx", "transfer", "--from", "alice", "--to", "bob", "--amount", too_much, "--rpc", url,
    ];
    // A block would keep the fee: it is not sent unless somebody insists.
    let ended = user.ask(&[&arguments[..], &["--wait", "--json"]].concat());
    ended.assert_refused(2, &["alice", "holds 1000000000000,", too_much, "--force"]);
    let alice = json_of(&user.ask(&["account", "alice", "--rpc", url, "--json"]).ok());
    assert_eq!(alice["nonce"], 0, "nothing was sent");
    let ended = user.ask(&[&arguments[..], &["--force", "--wait", "--json"]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let outcome = json_of(&ended);
    assert_eq!(outcome["status"], "failed");
    assert_eq!(outcome["receipt"]["code"], "insufficient_balance");
    assert!(ended.stderr.contains("but failed"), "{}", ended.stderr);
    // Asked later it is a receipt like any other.
    let receipt = user
        .ask(&["receipt", &text(&outcome, "id"), "--rpc", url])
        .ok();
    assert!(
        receipt.stdout.contains("insufficient_balance"),
        "{}",
        receipt.stdout
    );
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_next_step() {
    let user = User::new();
    let devnet = devnet();
    let url = &devnet.urls()[0];
    user.new_key("poor", "ml-dsa-65");
    user.new_key("other", "dilithium3");
    let refused = |from: &str, to: &str, more: &[&str], words: &[&str]| {
        let arguments = [
            "tx", "transfer", "--from", from, "--to", to, "--amount", "1",
        ];
        let ended = user.run(&[&arguments[..], &["--rpc", url], more].concat());
        ended.assert_refused(2, words);
    };
    refused("nobody", "bob", &[], &["nobody", "keys list"]);
    refused("0x12", "bob", &[], &["name the key"]);
    refused("alice", "0x12", &[], &["whole address"]);
    refused("alice", "nobody", &[], &["keys list"]);
    refused("other", "bob", &[], &["--scheme ml-dsa-65"]);
    // Whoever mistypes a receiver needs no new key.
    refused("alice", "bbo", &[], &["no key bbo", "did you mean bob?"]);
    refused(
        "alice",
        "Bob",
        &[],
        &["\"Bob\" is no name", "did you mean bob?"],
    );
    refused(
        "alice",
        "other",
        &[],
        &["dilithium3", "an address of that chain"],
    );
    let digits = "370b0e42646ecdb159fd8bcc655e98cbd0eb092e";
    let whole = format!("write 0x{digits}");
    refused("alice", digits, &[], &["an address begins with 0x", &whole]);
    refused("alice", &format!("0X{digits}"), &[], &[&whole]);
    refused("poor", "bob", &[], &["holds 0", "pay in"]);
    refused(
        "alice",
        "bob",
        &["--fee", "1"],
        &["at least", "sign it again"],
    );
    refused("alice", "bob", &["--nonce", "99999"], &["nonce"]);
    refused(
        "alice",
        "bob",
        &["--expires-at", "1000000"],
        &["expires", "ahead"],
    );
    refused(
        "alice",
        "bob",
        &["--memo", &"m".repeat(257)],
        &["memo", "256"],
    );
}

/// Nobody types a password, and no node is asked, for what no block may carry.
#[test]
fn what_is_too_long_is_refused_before_any_node_is_asked() {
    let user = User::new();
    let nowhere = ["--rpc", "http://127.0.0.1:1"];
    let from = ["--from", "alice"];
    let (key, value, memo) = ("k".repeat(257), "v".repeat(4_097), "m".repeat(257));
    let hash = ["257 bytes", "at most 256", "hash"];
    let refused = |arguments: &[&str], words: &[&str]| {
        let ended = user.ask(&[arguments, &nowhere].concat());
        ended.assert_refused(2, words);
    };
    let put = ["tx", "put", "--value", "v", "--key", &key];
    refused(&[&put[..], &from].concat(), &hash);
    refused(
        &[&["tx", "delete", "--key", &key][..], &from].concat(),
        &hash,
    );
    refused(&["record", "alice", &key], &hash);
    let put = ["tx", "put", "--key", "k", "--value", &value];
    refused(
        &[&put[..], &from].concat(),
        &["the value has more than 4096", "hash"],
    );
    let pay = [
        "tx", "transfer", "--to", "bob", "--amount", "1", "--memo", &memo,
    ];
    refused(
        &[&pay[..], &from].concat(),
        &["the memo has 257", "256", "shorten"],
    );
}

/// The remedy that a lost answer names: the same command hands in the same transaction, whatever its
/// block has left in the account.
#[test]
fn a_transfer_that_a_block_carries_is_handed_in_again_whatever_the_account_holds() {
    let user = User::new();
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let arguments = [
        "tx",
        "transfer",
        "--from",
        "alice",
        "--to",
        "bob",
        "--amount",
        "900000000000",
        "--nonce",
        "0",
        "--fee",
        "100000",
        "--expires-at",
        "1000",
        "--rpc",
        url,
        "--wait",
        "--json",
    ];
    let first = json_of(&user.ask(&arguments).ok());
    let again = json_of(&user.ask(&arguments).ok());
    assert_eq!(first["receipt"], again["receipt"]);
}

#[test]
fn a_public_key_signs_on_a_devnet_only() {
    let user = User::new();
    let devnet = devnet();
    let url = proxy::serve(&devnet.urls()[0], |path, mut answer| {
        if path == "/status" {
            let mut status = answer.json();
            status["chain_id"] = json!(7);
            answer.body = status.to_string().into_bytes();
        }
        answer
    });
    let arguments = [
        "tx", "transfer", "--from", "alice", "--to", "bob", "--amount", "1",
    ];
    let ended = user.ask(&[&arguments[..], &["--rpc", &url]].concat());
    ended.assert_refused(2, &["public", "1337", "lockstep keys new"]);
}

#[test]
fn silence_may_be_retried_and_nonsense_is_a_mistake() {
    let devnet = devnet();
    let nowhere = "http://127.0.0.1:1";
    for question in [&["account", "alice"][..], &["block"], &["tx", "transfer"]] {
        let more: &[&str] = match question[0] {
            "tx" => &["--from", "alice", "--to", "bob", "--amount", "1"],
            _ => &[],
        };
        let ended = run(&[question, more, &["--rpc", nowhere]].concat());
        ended.assert_refused(1, &["no answer", "is the node running", "--rpc"]);
    }
    let url = &devnet.urls()[0];
    let missing = run(&["block", "999999", "--rpc", url]);
    missing.assert_refused(1, &["no block 999999", "newest"]);
    for wrong in ["0", "-1", "1e3"] {
        assert_eq!(
            run(&["block", wrong, "--rpc", url]).code,
            Some(2),
            "{wrong}"
        );
    }
    let peers = &devnet.peer_urls()[0];
    let ended = run(&["account", "alice", "--rpc", peers]);
    ended.assert_refused(2, &["this listener is for nodes", "rpc_listen"]);
}
