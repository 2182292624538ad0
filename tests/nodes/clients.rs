//! Ethereum's clients, unmodified, against a running devnet: viem and ethers from npm, run by node.
//! Their packages are installed by `npm ci` in `tests/clients`, which `.ci/run` does; where there is no
//! node, or nothing is installed, the tests say so and pass, unless the environment demands them by
//! `LOCKSTEP_CLIENTS=required`.
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

fn scripts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Why the script of this client cannot be run here, if it cannot.
fn missing(client: &str) -> Option<String> {
    let node = Command::new("node").arg("--version").output();
    if !node.is_ok_and(|output| output.status.success()) {
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
fn run(script: &str, expected: &Value) -> Output {
    let mut child = Command::new("node")
        .arg(script)
        .current_dir(scripts())
        .env("LOCKSTEP_EXPECTED", expected.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
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
    let devnet = Devnet::builder().block_time_ms(200).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let output = run(&script, &prepare(&devnet));
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{script}:\n{said}");
}

#[test]
fn viem_reads_blocks_balances_receipts_and_new_heads() {
    reads_everything("viem");
}

#[test]
fn ethers_reads_blocks_balances_receipts_and_new_heads() {
    reads_everything("ethers");
}
