//! P20: a home that was restored from a backup, with the record beside its key, decides no finalised
//! block again and signs no position twice, whoever else is there.
use lockstep_protocol::crypto::{self, SchemeId, Seed};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::standing::Question;
use lockstep_protocol::types::{Address, ChainId, Hash, Height};
use lockstep_protocol::wire::Wire;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::process::{Network, Seen};
use support::recorder::{Recorder, Signed};
use support::{eventually, metric, post, try_get};

const SETTINGS: &[&str] = &["block_interval_ms=100", "arrival_wait_ms=1500"];

/// Copies a directory of a node that does not run.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it reads");
        let path = entry.path();
        let to = to.join(entry.file_name());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            // With its mode: a key that others may read is refused.
            fs::copy(&path, &to).expect("it is copied");
        }
    }
}

fn back_up(network: &Network, index: usize) -> PathBuf {
    let backup = network.dir.path().join("backup");
    copy(&network.home(index), &backup);
    backup
}

fn restore(network: &Network, index: usize, backup: &Path) {
    fs::remove_dir_all(network.home(index)).expect("it is there");
    copy(backup, &network.home(index));
}

/// Gives node `index` this power in the genesis of all.
fn weigh(network: &Network, powers: &[u64]) {
    for index in 0..powers.len() {
        let path = network.home(index).join("genesis.json");
        let text = fs::read_to_string(&path).expect("it is there");
        let mut genesis: Value = serde_json::from_str(&text).expect("JSON");
        for validator in genesis["validators"].as_array_mut().expect("a list") {
            let key = validator["public_key"].as_str().expect("a text");
            let key = key.trim_start_matches("0x");
            let byte = |i| u8::from_str_radix(&key[i..i + 2], 16).expect("hex");
            let key: Vec<u8> = (0..key.len()).step_by(2).map(byte).collect();
            let address = Address::of(SchemeId::MlDsa65, &key);
            let node = network.addresses.iter().position(|a| *a == address);
            validator["power"] = powers[node.expect("a node's")].into();
        }
        fs::write(&path, genesis.to_string()).expect("it is written");
    }
}

fn observing(network: &Network, index: usize) -> Option<String> {
    let status = try_get(&network.urls[index], "/status").ok()?.json();
    status["observing"].as_str().map(str::to_owned)
}

fn blocks(network: &Network, index: usize) -> Seen {
    let height = network.height(index).expect("it runs");
    let block = |height| Some(((index, height), network.block(index, height)?));
    (1..=height).filter_map(block).collect()
}

/// The heights of the chain do not move for so long.
fn stands_still(network: &Network, index: usize, lasts: Duration) {
    let height = network.height(index);
    let began = Instant::now();
    while began.elapsed() < lasts {
        assert_eq!(network.height(index), height);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Powers 4, 3 and 3. Node 2 was away for some heights that nodes 0 and 1 decided; then node 0 is
/// restored to before them, and node 1 is down.
#[test]
fn a_restored_home_and_a_straggler_decide_nothing_again_and_say_why() {
    let mut network = Network::new(3, SETTINGS);
    weigh(&network, &[4, 3, 3]);
    (0..3).for_each(|index| network.start(index));
    network.wait_for(&[0, 1, 2], 3);
    network.kill(0);
    let backup = back_up(&network, 0);
    network.start(0);
    network.wait_for(&[0], network.highest(&[1, 2]) + 2);
    network.kill(2);
    network.wait_for(&[0, 1], network.highest(&[1]) + 10);
    network.kill(0);
    let finalised = blocks(&network, 1);
    network.kill(1);

    restore(&network, 0, &backup);
    network.start(0);
    network.start(2);
    let why = eventually("it says why", || observing(&network, 0));
    for word in [
        "more than a third",
        "lockstep arm",
        &network.addresses[1].to_string(),
    ] {
        assert!(why.contains(word), "{word}: {why}");
    }
    network.wait_for(&[0], network.highest(&[2]));
    stands_still(&network, 0, Duration::from_secs(2));

    network.start(1);
    // It may have met what its key has signed since, and then it stops until it is re-armed: what is
    // final comes back all the same, and nothing else.
    network.wait_for(&[0, 1, 2], finalised.len() as u64);
    network.assert_same_chain(&[0, 1, 2]);
    for ((_, height), id) in &finalised {
        assert_eq!(network.block(0, *height).as_ref(), Some(id), "{height}");
    }
    let log = network.node(0).log_text();
    assert!(
        log.contains("this node observes: this validator holds"),
        "{log}"
    );
}

/// The disk is the newest, and one of the two others is gone for good.
#[test]
fn whoever_holds_more_than_a_third_goes_on_when_its_operator_vouches_for_its_disk() {
    let mut network = Network::new(3, SETTINGS);
    weigh(&network, &[4, 3, 3]);
    (0..3).for_each(|index| network.start(index));
    network.wait_for(&[0, 1, 2], 2);
    network.kill(2);
    network.kill(0);
    network.start(0);
    let why = eventually("it says why", || observing(&network, 0));
    assert!(why.contains("lockstep arm"), "{why}");
    stands_still(&network, 1, Duration::from_secs(2));
    network.kill(0);
    network.arm(0);
    network.start(0);
    network.wait_for(&[0, 1], network.highest(&[1]) + 3);
    network.assert_same_chain(&[0, 1]);
    assert_eq!(observing(&network, 0), None);
}

/// Node 0 speaks through recorders, over both its lives.
fn start_recorded(network: &mut Network, recorders: &[Recorder]) {
    let addresses = network.addresses[1..].iter();
    let peers = addresses.zip(recorders);
    let peers: Vec<String> = peers
        .map(|(address, recorder)| format!("{address}@{}", recorder.listens))
        .collect();
    let mut command = network.command(0);
    command.env("LOCKSTEP_PEERS", peers.join(","));
    network.start_as(0, command);
}

/// It has begun a height that nobody can decide, and is restored to before it began it.
#[test]
fn a_home_that_is_restored_while_the_chain_stands_still_signs_no_position_twice() {
    let mut network = Network::new(4, SETTINGS);
    let recorders = network.peers[1..].iter();
    let recorders: Vec<Recorder> = recorders.map(|peer| Recorder::before(*peer)).collect();
    (1..4).for_each(|index| network.start(index));
    start_recorded(&mut network, &recorders);
    network.wait_for(&[0, 1, 2, 3], 3);
    network.kill(0);
    let backup = back_up(&network, 0);
    start_recorded(&mut network, &recorders);
    network.wait_for(&[0], network.highest(&[1]) + 5);
    network.kill(2);
    network.kill(3);
    // Whatever the two that are left can still decide, they have decided; and both have begun what
    // they cannot.
    std::thread::sleep(Duration::from_secs(3));
    let stands_at = network.height(0).expect("it runs");
    network.kill(0);
    restore(&network, 0, &backup);
    network.start(2);
    start_recorded(&mut network, &recorders);
    // It may meet what its key has signed there, and then it stops.
    std::thread::sleep(Duration::from_secs(5));
    network.start(3);
    network.wait_for(&[0, 1, 2, 3], stands_at + 5);
    network.assert_same_chain(&[0, 1, 2, 3]);

    let wire = Wire::new(network.context(1).genesis_hash);
    let me = network.addresses[0];
    let mut signed = Signed::default();
    for recorder in &recorders {
        signed.add(&wire, me, &recorder.take());
    }
    assert!(signed.positions() > 10, "{}", signed.positions());
    signed.assert_once();
}

/// Only a validator is answered, once for each question, and nobody asks who has arrived.
#[test]
fn whoever_asks_without_right_is_refused_by_code_and_costs_no_signature() {
    let network = Network::running(4, SETTINGS);
    network.wait_for(&[0, 1, 2, 3], 3);
    let count = |name: &str| metric(&network.urls[0], name, "");
    let answered = count("standings_answered_total");
    let context = network.context(0);
    let wire = Wire::new(context.genesis_hash);
    let signer = |index: usize| {
        let (_, seed) = network.key(&format!("node{index}/validator.key"));
        let scheme = crypto::scheme(SchemeId::MlDsa65);
        scheme.signer(&Seed(seed)).expect("a key")
    };
    let url = format!("http://{}", network.peers[0]);
    let ask = |bytes: &[u8]| post(&url, "/consensus/standing", bytes);
    let to = network.addresses[0];
    let question = |context: &SignContext, index, to, nonce: u8| {
        Question::sign(context, &*signer(index), to, [nonce; 16]).expect("it signs")
    };
    let good = question(&context, 1, to, 1);
    let answer = ask(&wire.encode_question(&good));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let statement = wire.decode_statement(&answer.body).expect("a statement");
    assert_eq!((statement.sayer, statement.nonce), (to, good.nonce));
    assert!(statement.standing.committed >= Height(3) && statement.standing.remembers);

    let other = SignContext {
        chain_id: ChainId(context.chain_id.0 + 1),
        ..context
    };
    let (_, stranger) = network.key("account0.key");
    let stranger = crypto::scheme(SchemeId::MlDsa65).signer(&Seed(stranger));
    let stranger = Question::sign(&context, &*stranger.expect("a key"), to, [1; 16]);
    let refused = [
        (good, 403, "replayed"),
        (question(&other, 1, to, 2), 403, "bad_signature"),
        (
            question(&context, 1, network.addresses[2], 3),
            403,
            "wrong_addressee",
        ),
        (question(&context, 0, to, 4), 403, "own_key"),
        (stranger.expect("it signs"), 403, "unknown_validator"),
    ];
    for (question, status, code) in &refused {
        let answer = ask(&wire.encode_question(question));
        assert_eq!(answer.status, *status, "{code}: {}", answer.text());
        assert_eq!(answer.json()["code"], *code);
        let label = format!("reason=\"{code}\"");
        let counted = metric(&network.urls[0], "standings_refused_total", &label);
        assert!(counted >= 1.0, "{code}");
    }
    let foreign = Wire::new(Hash([9; 32]));
    let malformed = ask(b"how far are you?");
    assert_eq!(malformed.json()["code"], "malformed");
    let foreign = ask(&foreign.encode_question(&refused[0].0));
    assert_eq!(foreign.json()["code"], "foreign_chain");
    assert_eq!(count("standings_answered_total"), answered + 1.0);
}
