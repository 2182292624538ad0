//! Applications on whole nodes: asked over HTTP, JSON-RPC and the command line, proved to a light
//! client; and what becomes of nodes whose application panics, or is not deterministic.
use lockstep_devnet::{
    AppState, AppView, Application, BlockContext, Call, Devnet, DevnetError, Failed, FailureCode,
    QueryRefused, Refused,
};
use lockstep_protocol::ledger::ApplicationProof;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::get;
use support::process::{lockstep, run};
use support::rpc::{call, result};

/// Notes under names: `name=value`. Some values do what no application should.
struct Notes;

static COUNT: AtomicU64 = AtomicU64::new(0);

fn note(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

impl Application for Notes {
    fn name(&self) -> &str {
        "notes"
    }

    fn version(&self) -> u32 {
        4
    }

    fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
        let (name, value) = note(document).ok_or("no note")?;
        Ok(state.set(name, value)?)
    }

    fn check(&self, call: &[u8]) -> Result<(), Refused> {
        match note(call) {
            Some((b"!", _)) => panic!("no such name"),
            Some(_) => Ok(()),
            None => Err("a call is name=value".into()),
        }
    }

    fn execute(
        &self,
        state: &mut AppState<'_>,
        call: &Call<'_>,
        _: &BlockContext,
    ) -> Result<(), Failed> {
        let (name, value) = note(call.data).ok_or(Failed::code(1))?;
        state.set(name, value)?;
        state.emit("noted", name)?;
        match value {
            b"?" => Err(Failed::code(7)),
            b"!" => panic!("this value is too much"),
            b"#" => {
                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                Ok(state.set(name, count.to_be_bytes())?)
            }
            _ => Ok(()),
        }
    }

    fn query(&self, view: &AppView<'_>, path: &str, of: &[u8]) -> Result<Vec<u8>, QueryRefused> {
        match path {
            "note" => Ok(view.get(of)?.ok_or("there is no such note")?),
            "panic" => panic!("no such path"),
            _ => Err("ask for a note".into()),
        }
    }
}

fn boot(validators: usize) -> Devnet {
    let builder = Devnet::builder().validators(validators).block_time_ms(50);
    let builder = builder.application(Arc::new(Notes), *b"first=hello");
    builder.boot().expect("it boots")
}

fn hex(text: &str) -> String {
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

#[test]
fn an_application_is_asked_over_http_and_json_rpc_and_its_state_is_proved() {
    let devnet = boot(4);
    let url = &devnet.urls()[0];
    let noted = devnet.call("alice", "notes", *b"milk=2").send();
    let noted = noted.expect("it is taken").wait().expect("it is noted");
    devnet
        .wait_for(noted.height, Duration::from_secs(30))
        .expect("all have it");
    let listed = json!([{ "name": "notes", "version": 4 }]);
    assert_eq!(get(url, "/applications").json(), listed);
    assert_eq!(result(url, "lockstep_getApplications", json!([])), listed);
    let asked = format!("/applications/notes/query?path=note&data={}", hex("milk"));
    assert_eq!(get(url, &asked).json()["value"], hex("2"));
    let params = json!({ "application": "notes", "path": "note", "data": hex("first") });
    assert_eq!(result(url, "lockstep_query", params)["value"], hex("hello"));
    let state = |key: &str| get(url, &format!("/applications/notes/state/{}", hex(key))).json();
    assert_eq!(state("milk")["value"], hex("2"));
    assert_eq!(state("bread")["value"], Value::Null);
    let params = json!({ "application": "notes", "key": hex("milk"), "prove": true });
    let proved = result(url, "lockstep_getApplicationState", params);
    let bytes = unhex(proved["proof"].as_str().expect("hex"));
    let proof: ApplicationProof =
        lockstep_protocol::codec::decode("proof", &bytes, 1 << 20).expect("it is a proof");
    let root = proved["state_root"].as_str().expect("hex").parse();
    let value = proof.verify(&root.expect("a root"), "notes", b"milk");
    assert_eq!(value, Ok(Some(&b"2"[..])));
    let receipt = get(url, &format!("/receipts/{}", noted.id)).json();
    assert_eq!(
        receipt["events"],
        json!([{ "name": "noted", "data": hex("milk") }]),
        "{receipt}"
    );
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("a byte")
    };
    text.as_bytes()[2..].chunks(2).map(byte).collect()
}

#[test]
fn what_nobody_could_be_answered_is_refused_by_a_stable_word() {
    let devnet = boot(1);
    let url = &devnet.urls()[0];
    let long = format!("/applications/notes/state/0x{}", "00".repeat(65));
    for (path, status, word) in [
        (
            "/applications/token/query?path=note",
            404,
            "unknown_application",
        ),
        ("/applications/token/state/0x00", 404, "unknown_application"),
        (
            "/light/applications/token/state/0x00",
            404,
            "unknown_application",
        ),
        ("/applications/notes/state/0x", 400, "malformed"),
        (&long, 400, "malformed"),
        (
            "/applications/notes/query?path=note&data=zz",
            400,
            "malformed",
        ),
        ("/applications/notes/query?path=bill", 400, "query_refused"),
        (
            "/applications/notes/query?path=panic",
            500,
            "application_panicked",
        ),
    ] {
        let answer = get(url, path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_eq!(answer.json()["code"], word, "{path}");
    }
    assert_eq!(support::metric(url, "query_panics_total", ""), 1.0);
    let answer = call(url, "lockstep_query", json!(["notes", "panic"]));
    assert_eq!(answer["error"]["data"]["code"], "application_panicked");
    assert!(devnet.ended().is_empty(), "a question ends no node");
    for (data, words) in [(&b"milk"[..], "name=value"), (b"!=1", "no such name")] {
        let refused = devnet.call("alice", "notes", data).send();
        let said = refused.map(|_| ()).expect_err("it is refused").to_string();
        assert!(said.contains(words), "{said}");
    }
    assert!(devnet.ended().is_empty(), "and no bytes do");
    let failed = devnet.call("alice", "notes", *b"milk=?").send();
    let failed = failed.expect("it is taken").wait();
    let code = FailureCode::Application { code: 7 };
    assert!(
        matches!(&failed, Err(DevnetError::Failed { code: found, .. }) if *found == code),
        "{failed:?}"
    );
}

#[test]
fn the_command_line_calls_asks_and_proves() {
    let devnet = boot(4);
    let url = &devnet.urls()[1];
    let id = devnet.block(0, 1).expect("a node");
    let id = match id {
        Some(decided) => decided.block.id(),
        None => {
            devnet
                .wait_for(1, Duration::from_secs(30))
                .expect("a block");
            devnet
                .block(0, 1)
                .expect("a node")
                .expect("a block")
                .block
                .id()
        }
    };
    let milk = hex("milk=3");
    let sent = ["tx", "call", "notes", "--data", &milk, "--from", "alice"];
    let sent = run(&[&sent[..], &["--wait", "--rpc", url]].concat()).ok();
    assert!(sent.stdout.contains("block"), "{}", sent.stdout);
    let asked = [
        "query",
        "notes",
        "note",
        "--data",
        &hex("milk"),
        "--rpc",
        url,
    ];
    assert!(run(&asked).ok().stdout.contains("value         3"));
    let trusted = format!("--trusted={id}@1");
    let proved = ["light", "verify", &trusted, "--rpc", url, "--json"];
    let proved = run(&[&proved[..], &["application", "notes", "milk"]].concat()).ok();
    let proved: Value = serde_json::from_str(&proved.stdout).expect("an object");
    assert_eq!(proved["value"], hex("3"));
    assert_eq!(proved["verified"], true);
}

/// Whoever has a call that its application falls over does not know what the block does, and stops.
#[test]
fn a_panic_in_a_block_ends_the_node_with_a_sentence_that_names_the_call() {
    let devnet = boot(1);
    let sent = devnet
        .call("alice", "notes", *b"milk=!")
        .send()
        .expect("it is taken");
    let error = support::eventually("the node ends", || devnet.check_running().err());
    let said = error.to_string();
    for words in [
        "notes, version 4",
        &sent.id().to_string(),
        "this value is too much",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(error.exit_code(), 4);
}

/// The block is executed twice before it is proposed: the call is given up, and the chain goes on.
#[test]
fn an_application_that_is_not_deterministic_costs_its_call_and_not_the_chain() {
    let devnet = boot(4);
    let url = &devnet.urls()[0];
    let sent = devnet
        .call("alice", "notes", *b"milk=#")
        .send()
        .expect("it is taken");
    let height = devnet.heights()[0].expect("it runs");
    devnet
        .wait_for(height + 20, Duration::from_secs(60))
        .expect("the chain goes on");
    assert!(devnet.ended().is_empty());
    assert_eq!(devnet.receipt(sent.id()).expect("a node"), None);
    let state = get(url, &format!("/applications/notes/state/{}", hex("milk"))).json();
    assert_eq!(state["value"], Value::Null);
}

/// A build of Lockstep alone does not run a chain that names an application: exit code 4, and which one.
#[test]
fn a_home_whose_genesis_names_an_application_that_the_build_lacks_is_refused_by_name() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("home");
    let path = dir.to_str().expect("a path");
    run(&["init", "--home", path]).ok();
    let genesis = dir.join("genesis.json");
    let text = std::fs::read_to_string(&genesis).expect("it is there");
    let mut document: Value = serde_json::from_str(&text).expect("an object");
    document["applications"] = json!([{ "name": "token", "version": 3, "state": "0x00" }]);
    std::fs::write(&genesis, document.to_string()).expect("it is written");
    let mut command = lockstep(&["start", "--home", path]);
    command.env("LOCKSTEP_LOG", "info");
    let ended = support::process::finish(command);
    ended.assert_refused(4, &["token, version 3", "start a build that has it"]);
}
