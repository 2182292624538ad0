//! Ethereum's clients, unmodified, against a running devnet: viem, ethers and web3.js from npm, run by
//! node; web3.py from PyPI; alloy from crates.io. And what Java and Python bring along for HTTP, call after
//! call. `.ci/run` installs the packages: `npm ci` in `tests/clients`, its `requirements.txt` into
//! `target/clients`; alloy it builds if `LOCKSTEP_ALLOY=1`, because that takes minutes. What is not there
//! is said, and its test passes, unless the environment demands them all by `LOCKSTEP_CLIENTS=required`
//! (alloy by `LOCKSTEP_ALLOY=1`).
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use support::{PATIENCE, eventually, post};

/// Far longer than a script's own patience with each thing that it waits for.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(180);
const AMOUNT: u64 = 12_345;
const CALLS: &str = "3000";

fn scripts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn runs(program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

/// Why the script of this client cannot be run here, if it cannot.
fn missing(client: &str) -> Option<String> {
    if !runs("node") {
        return Some("there is no node on this machine".into());
    }
    let package = scripts().join("node_modules").join(client);
    let installed = package.join("package.json").exists();
    (!installed).then(|| format!("{client} is not installed: run npm ci in tests/clients"))
}

/// Says that a test is left out, or fails where none may be.
fn skip(script: &str, why: &str) {
    let demanded = std::env::var("LOCKSTEP_CLIENTS").is_ok_and(|value| value == "required");
    assert!(!demanded, "{script} is required: {why}");
    say_skipped(script, why);
}

fn say_skipped(script: &str, why: &str) {
    // Not by a macro: what those print of a test that passes is thrown away.
    #[expect(clippy::disallowed_methods, reason = "a test's own words")]
    let said = writeln!(std::io::stderr(), "skipped {script}: {why}");
    said.expect("it can be said");
}

fn send(devnet: &Devnet, transaction: &lockstep_protocol::nouns::transaction::Transaction) {
    let wire = Wire::new(devnet.genesis().hash());
    let bytes = wire.encode_transaction(transaction);
    let answer = post(&devnet.urls()[0], "/transactions", &bytes);
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// A transaction that is committed, one that may be handed in, and all that the scripts look for.
fn prepare(devnet: &Devnet) -> Value {
    let genesis = devnet.genesis();
    let accounts = funded_accounts(genesis.scheme).expect("accounts");
    let [alice, bob, carol]: &[FundedAccount; 3] = accounts[..3].try_into().expect("three");
    let context = devnet.sign_context();
    let pay = |from: &FundedAccount, to: &FundedAccount| {
        from.transfer(&context, 0, to.address, AMOUNT)
            .expect("it signs")
    };
    let (paid, raw) = (pay(alice, bob), pay(carol, alice));
    send(devnet, &paid);
    let url = &devnet.urls()[0];
    let status = eventually("the transfer is committed", || {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "lockstep_getTransaction",
                           "params": [paid.id()] });
        let answer = support::rpc::post(url, &call);
        let status = answer["result"]["status"].as_str()?.to_owned();
        (status != "pending").then_some(status)
    });
    assert_eq!(status, "committed");
    let bytes = Wire::new(genesis.hash()).encode_transaction(&raw);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "http": url,
        "webSocket": format!("{}/ws", url.replacen("http", "ws", 1)),
        "chainId": genesis.chain_id,
        "genesisHash": genesis.hash(),
        "height": devnet.heights()[0],
        "alice": alice.address,
        "aliceNonce": 1,
        "bob": bob.address,
        "bobBalance": (bob.balance + AMOUNT).to_string(),
        "transaction": paid.id(),
        "amount": AMOUNT.to_string(),
        "raw": format!("0x{digits}"),
        "rawId": raw.id(),
    })
}

/// Runs a script to its end, or kills it.
fn run(program: &str, arguments: &[&str], expected: &Value) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(scripts())
        .env("LOCKSTEP_EXPECTED", expected.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let until = Instant::now() + SCRIPT_PATIENCE;
    while child.try_wait().expect("it can be asked").is_none() {
        if Instant::now() > until {
            child.kill().expect("it can be killed");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

fn reads_everything(client: &str) {
    let script = format!("{client}.mjs");
    if let Some(why) = missing(client) {
        return skip(&script, &why);
    }
    succeeds("node", &[&script]);
}

/// A client's program, which is told what it has to find.
fn succeeds(program: &str, arguments: &[&str]) {
    let devnet = devnet();
    judge(arguments, &run(program, arguments, &prepare(&devnet)));
}

fn devnet() -> Devnet {
    let devnet = Devnet::builder().block_time_ms(200).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    devnet
}

fn judge(what: &[&str], output: &Output) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{what:?}:\n{said}");
    println!("{what:?}: {said}");
}

/// Call after call of a language's own client, of which none may fail.
fn calls(program: &str, script: &str) {
    if !runs(program) {
        return skip(script, &format!("there is no {program} on this machine"));
    }
    let devnet = devnet();
    let arguments = [script, &devnet.urls()[0], CALLS];
    judge(&arguments, &run(program, &arguments, &Value::Null));
}

/// web3.py's, where `.ci/run` has installed it.
fn python() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("target/clients/bin/python");
    let other = std::env::var_os("LOCKSTEP_CLIENTS_PYTHON");
    other.map_or(own, PathBuf::from)
}

#[test]
fn web3_js_reads_blocks_balances_receipts_and_new_heads() {
    reads_everything("web3");
}

#[test]
fn web3_py_reads_blocks_balances_receipts_and_new_heads() {
    let python = python();
    let python = support::process::text(&python);
    if !runs(python) {
        return skip(
            "web3py.py",
            &format!("{python} is not installed: see tests/clients"),
        );
    }
    succeeds(python, &["web3py.py"]);
}

#[test]
fn alloy_reads_blocks_balances_receipts_and_new_heads() {
    if std::env::var("LOCKSTEP_ALLOY").is_err() {
        return say_skipped(
            "alloy",
            "it takes minutes to build: LOCKSTEP_ALLOY=1 builds and runs it",
        );
    }
    let manifest = "alloy/Cargo.toml";
    let built = Command::new("cargo")
        .args(["build", "--locked", "--manifest-path", manifest])
        .current_dir(scripts())
        .status();
    assert!(built.is_ok_and(|status| status.success()), "alloy is built");
    let program = scripts().join("alloy/target/debug/lockstep-alloy-client");
    succeeds(support::process::text(&program), &[]);
}

#[test]
fn none_of_three_thousand_calls_of_javas_own_client_fails() {
    calls("java", "Calls.java");
}

#[test]
fn none_of_three_thousand_calls_of_each_of_pythons_own_clients_fails() {
    calls("python3", "calls.py");
}

#[test]
fn viem_reads_blocks_balances_receipts_and_new_heads() {
    reads_everything("viem");
}

#[test]
fn ethers_reads_blocks_balances_receipts_and_new_heads() {
    reads_everything("ethers");
}
