//! `lockstep devnet` with accounts, fees and a directory of its own, and who uses it: programs by
//! `--config-out`, people by `faucet` and `keys new`.
use serde_json::Value;
use std::path::{Path, PathBuf};
use support::process::{Ended, Process, finish, lockstep, run, text};
use support::{eventually, get};

struct User {
    dir: tempfile::TempDir,
}

impl User {
    fn new() -> User {
        let dir = tempfile::tempdir().expect("a directory");
        User { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A devnet that runs; what it wrote down.
    fn devnet(&self, more: &[&str]) -> (Process, Value) {
        let out = self.path("config.json");
        let arguments = [
            "devnet",
            "--plain",
            "--rpc-port",
            "0",
            "--config-out",
            text(&out),
        ];
        let command = lockstep(&[&arguments[..], more].concat());
        let process = Process::start(command, self.path("log"));
        let written = || std::fs::read_to_string(&out).ok();
        let config = eventually("it writes where it is", written);
        std::fs::remove_file(&out).expect("it is there");
        (process, serde_json::from_str(&config).expect("JSON"))
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = lockstep(arguments);
        command.env("LOCKSTEP_KEYS", self.path("keys"));
        command.env("LOCKSTEP_PASSWORD", "word");
        command.current_dir(self.dir.path());
        finish(command)
    }
}

fn word(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn url(config: &Value) -> &str {
    word(&config["nodes"][0]["url"])
}

fn balance(url: &str, address: &str) -> String {
    let account = get(url, &format!("/accounts/{address}")).json();
    word(&account["balance"]).to_owned()
}

#[test]
fn a_program_finds_nodes_chain_and_keys_in_one_file_and_signs_with_them() {
    let user = User::new();
    let more = ["--accounts", "6", "--balance", "5000000", "--seed", "rain"];
    let quick = ["--block-time", "50ms", "--fee-per-byte", "2"];
    let (_devnet, config) = user.devnet(&[&more[..], &quick].concat());
    assert_eq!(config["chain_id"], 1337);
    assert_eq!(config["nodes"].as_array().map(Vec::len), Some(4));
    assert_eq!(config["parameters"]["fee_per_byte"], 2);
    let accounts = config["accounts"].as_array().expect("a list");
    assert_eq!(accounts.len(), 6);
    let last = &accounts[5];
    assert_eq!(
        (&last["name"], &last["balance"]),
        (&"account5".into(), &"5000000".into())
    );
    assert_eq!(balance(url(&config), word(&last["address"])), "5000000");
    let key = user.path("key.json");
    std::fs::write(&key, last["key"].to_string()).expect("it is written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mode).expect("chmod");
    let to = word(&accounts[0]["address"]);
    let pay = [
        "tx",
        "transfer",
        "--from",
        "./key.json",
        "--to",
        to,
        "--amount",
        "7",
    ];
    user.run(&[&pay[..], &["--rpc", url(&config), "--wait"]].concat())
        .ok();
    assert_eq!(balance(url(&config), to), "5000007");
}

#[test]
fn a_faucet_pays_a_new_key_that_fits_the_chain_that_was_asked() {
    let user = User::new();
    for scheme in ["dilithium3", "ml-dsa-65"] {
        let (_devnet, config) = user.devnet(&["--scheme", scheme, "--block-time", "50ms"]);
        let url = url(&config);
        let made = user.run(&["keys", "new", scheme, "--rpc", url]).ok();
        assert!(
            made.stdout.contains(&format!("scheme        {scheme}")),
            "{}",
            made.stdout
        );
        let paid = [
            "faucet", scheme, "--amount", "77", "--wait", "--json", "--rpc", url,
        ];
        let paid: Value = serde_json::from_str(&user.run(&paid).ok().stdout).expect("JSON");
        assert!(
            paid["height"].as_u64().is_some_and(|height| height > 0),
            "{paid}"
        );
        assert_eq!(balance(url, word(&paid["to"])), "77");
    }
    // The key that fits the one chain is of no use on the other.
    let (_devnet, config) = user.devnet(&["--scheme", "ml-dsa-65"]);
    let refused = user.run(&["faucet", "dilithium3", "--rpc", url(&config)]);
    refused.assert_refused(2, &["is for dilithium3", "signs with ml-dsa-65"]);
}

#[test]
fn a_directory_that_is_named_again_goes_on_with_its_chain_and_refuses_another_one() {
    let user = User::new();
    let state = user.path("state");
    let state = text(&state);
    let blocks = |count: &str, more: &[&str]| {
        let all = [&["devnet", "--state", state, "--blocks", count][..], more].concat();
        run(&[&all[..], &["--block-time", "0", "--json"]].concat())
    };
    let began = [
        "--validators",
        "1",
        "--accounts",
        "2",
        "--fee-per-byte",
        "0",
        "--seed",
        "x",
    ];
    let first: Value = serde_json::from_str(&blocks("2", &began).ok().stdout).expect("JSON");
    let second: Value = serde_json::from_str(&blocks("3", &[]).ok().stdout).expect("JSON");
    assert_eq!(first["genesis_hash"], second["genesis_hash"]);
    assert_eq!(second["validators"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["validators"][0]["height"], 5);
    blocks("1", &began).ok();
    for (flag, value) in [
        ("--validators", "2"),
        ("--scheme", "ml-dsa-65"),
        ("--accounts", "3"),
        ("--balance", "1"),
        ("--seed", "y"),
        ("--fee-per-byte", "1"),
    ] {
        let refused = blocks("1", &[flag, value]);
        refused.assert_refused(4, &[flag, value, "leave the flag out", "--state"]);
    }
}

#[test]
fn a_devnet_begins_with_the_accounts_of_a_genesis() {
    let user = User::new();
    let home = user.path("home");
    run(&["init", "--home", text(&home)]).ok();
    let path = home.join("genesis.json");
    let genesis = std::fs::read_to_string(&path).expect("text");
    let mut genesis: Value = serde_json::from_str(&genesis).expect("JSON");
    let who = "0x0707070707070707070707070707070707070707";
    genesis["accounts"] = serde_json::json!([{ "address": who, "balance": 123 }]);
    genesis["parameters"]["fee_per_byte"] = 3.into();
    std::fs::write(&path, genesis.to_string()).expect("it is written");
    let (_devnet, config) = user.devnet(&["--genesis", text(&path), "--validators", "2"]);
    assert_eq!(config["scheme"], genesis["scheme"]);
    assert_eq!(config["parameters"]["fee_per_byte"], 3);
    assert_eq!(balance(url(&config), who), "123");
    let alice = word(&config["accounts"][0]["address"]);
    assert_eq!(balance(url(&config), alice), "1000000000000");
}

#[test]
fn wrong_flags_are_refused_before_anything_begins() {
    let nowhere = Path::new("/proc/none/config.json");
    for (arguments, word) in [
        (["--accounts", "0"], "1 to 1000"),
        (["--accounts", "1001"], "1 to 1000"),
        (["--no-empty-blocks", "--manual"], "cannot be used with"),
        (["--timeout-propose", "0"], "1ms at least"),
    ] {
        let ended = run(&[&["devnet"], &arguments[..]].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(
            ended.stderr.contains(word),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    for (arguments, words) in [
        (
            &["--accounts", "2", "--balance", "18446744073709551615"][..],
            &["64 bits"][..],
        ),
        (&["--genesis", "/nowhere/genesis.json"], &["genesis.json"]),
        (
            &["--blocks", "1", "--config-out", text(nowhere)],
            &["--config-out"],
        ),
    ] {
        run(&[&["devnet"], arguments].concat()).assert_refused(2, words);
    }
}
