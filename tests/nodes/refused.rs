//! What a node will not begin with or talk to: another chain, another key, a directory in use, a
//! port that is taken, a public key on a real chain. One line each, an exit code, the next step.
use lockstep_actors::limits::ARRIVAL_WAIT_MS;
use lockstep_actors::node::{Node, NodeConfig, NodeError, NodeHandle, devnet_keys};
use lockstep_actors::peers::Peer;
use lockstep_actors::runtime::Policy;
use lockstep_actors::state_store::DEFAULT_MAP_BYTES;
use lockstep_devnet::{Devnet, Durability};
use lockstep_protocol::application::Applications;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::Address;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{eventually, get, tick};

/// The genesis of a devnet with so many validators; another number is another chain.
fn genesis(validators: usize) -> Genesis {
    let builder = Devnet::builder().validators(validators);
    builder.genesis().expect("a genesis")
}

/// A node of its own, as an operator would start it.
fn start(genesis: Genesis, key: u8, dir: &Path) -> Result<NodeHandle, NodeError> {
    let listener = || Arc::new(TcpListener::bind("127.0.0.1:0").expect("a port"));
    Node::start(NodeConfig {
        signer: devnet_keys::signer(genesis.scheme, key).expect("a key"),
        genesis: Arc::new(genesis),
        applications: Applications::none(),
        data_dir: dir.to_owned(),
        map_bytes: DEFAULT_MAP_BYTES,
        key_guard: None,
        trusted: None,
        rearm: false,
        arrival_wait_ms: ARRIVAL_WAIT_MS,
        durability: Durability::Process,
        retention: Retention::All,
        history: true,
        peer_listener: listener(),
        public_listener: Some(listener()),
        peers: Vec::new(),
        timeouts: Timeouts::DEVNET,
        pacing: Pacing::Manual,
        last_height: None,
        on_commit: None,
        origins: lockstep_actors::rpc_gateway::Origins::Nobody,
        trusted_proxies: Default::default(),
        hosts: Default::default(),
        controls: None,
        serves_page: false,
        policy: Policy::default(),
    })
}

fn running(genesis: Genesis, key: u8, dir: &Path) -> NodeHandle {
    start(genesis, key, dir).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(genesis: Genesis, key: u8, dir: &Path) -> NodeError {
    let refused = start(genesis, key, dir).err();
    refused.expect("it does not start")
}

fn assert_one_line(text: &str, names: &[&str]) {
    assert!(!text.contains('\n') && text.len() < 400, "{text}");
    for name in names {
        assert!(text.contains(name), "{name:?} in: {text}");
    }
}

/// Answers `GET /handshake` with what `node` says, and counts how often it was asked.
fn counting_relay(node: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::default();
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let node = node.clone();
            let count = Arc::clone(&count);
            std::thread::spawn(move || relay(&node, stream, &count));
        }
    });
    (address, asked)
}

fn relay(node: &str, mut stream: TcpStream, asked: &AtomicUsize) {
    let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.starts_with("GET /handshake ") {
            asked.fetch_add(1, Ordering::SeqCst);
        } else if line.is_empty() {
            let answer = get(node, "/handshake");
            let bytes = [answer.head.as_bytes(), &answer.body].concat();
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

/// Where a node answers people.
fn public_url(node: &NodeHandle) -> String {
    format!("http://{}", node.public_listens().expect("a listener"))
}

/// The first peer, once it has been refused.
fn refused_peer(node: &NodeHandle) -> Value {
    let url = public_url(node);
    eventually("the peer is refused", || {
        let peer = get(&url, "/status").json()["peers"][0].clone();
        (!peer["refused"].is_null()).then_some(peer)
    })
}

#[test]
fn a_peer_of_another_chain_is_refused_with_a_reason_and_left_alone() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let (ours, theirs) = (genesis(2), genesis(1));
    let node = running(ours, 0, dirs[0].path());
    let other = running(theirs.clone(), 0, dirs[1].path());
    let (listens, asked) = counting_relay(format!("http://{}", other.peer_listens()));
    let address = other.address();
    node.connect(vec![Peer::at(address, listens)]);
    let peer = refused_peer(&node);
    assert_eq!(peer["reachable"], false);
    let reason = peer["refused"].as_str().expect("a reason");
    assert_one_line(reason, &[&theirs.hash().to_string(), "genesis", "check"]);
    std::thread::sleep(Duration::from_secs(2));
    let asked = asked.load(Ordering::SeqCst);
    assert!(
        (1..=2).contains(&asked),
        "{asked} handshakes in two seconds"
    );

    // The same is true the other way round.
    other.connect(vec![node.peer()]);
    let reason = refused_peer(&other)["refused"].to_string();
    assert!(
        reason.contains(&node.genesis_hash().to_string()),
        "{reason}"
    );
}

#[test]
fn a_peer_that_runs_another_validator_than_the_list_says_is_refused() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let node = running(genesis(2), 0, dirs[0].path());
    let other = running(genesis(2), 1, dirs[1].path());
    let address = Address([9; 20]);
    let listens = other.peer_listens();
    node.connect(vec![Peer::at(address, listens)]);
    let reason = refused_peer(&node)["refused"].to_string();
    assert_one_line(&reason, &[&other.address().to_string(), "peer list"]);
}

#[test]
fn a_node_outside_of_a_devnet_makes_no_block_on_request() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = running(genesis(1), 0, dir.path());
    let answer = tick(&public_url(&node));
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (404, &"no_devnet".into())
    );
}

#[test]
fn a_data_directory_of_another_chain_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ours, theirs) = (genesis(1), genesis(2));
    let (expected, found) = (ours.hash().to_string(), theirs.hash().to_string());
    drop(running(theirs, 0, dir.path()));
    let error = refusal(ours, 0, dir.path());
    assert_eq!(error.exit_code(), 4);
    let file = dir.path().join("data.mdb").display().to_string();
    let names = [&*file, "at height 0 ", &expected, &found, "choose"];
    assert_one_line(&error.to_string(), &names);
}

#[test]
fn a_data_directory_of_another_key_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = running(genesis(2), 0, dir.path());
    let found = first.address().to_string();
    drop(first);
    let error = refusal(genesis(2), 1, dir.path());
    assert_eq!(error.exit_code(), 4);
    let file = dir.path().join("data.mdb").display().to_string();
    let names = [&*file, "at height 0 ", &found, "key", "choose"];
    assert_one_line(&error.to_string(), &names);
}

#[test]
fn a_data_directory_in_use_is_refused_until_it_is_free() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = running(genesis(1), 0, dir.path());
    let error = refusal(genesis(1), 0, dir.path());
    assert_eq!(error.exit_code(), 4);
    let path = dir.path().display().to_string();
    assert_one_line(&error.to_string(), &[&path, "in use", "stop it"]);
    drop(first);
    drop(running(genesis(1), 0, dir.path()));
}

#[test]
fn a_devnet_on_the_home_of_another_devnet_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    let boot = |n: usize| {
        Devnet::builder()
            .validators(n)
            .manual(true)
            .home(home.path())
            .boot()
    };
    boot(1).expect("it boots").shutdown();
    let error = boot(4).err().expect("another chain");
    assert_eq!(error.exit_code(), 4);
    assert_one_line(&error.to_string(), &["node 0", "data directory", "choose"]);
    boot(1).expect("the first still boots").shutdown();
}

#[test]
fn the_public_devnet_keys_are_refused_on_any_other_chain() {
    let error = Devnet::builder().chain_id(7).boot().err();
    let error = error.expect("it does not boot");
    assert_eq!(error.exit_code(), 4);
    assert_one_line(
        &error.to_string(),
        &["public", "1337", "not 7", "make a key"],
    );
}

#[test]
fn a_port_that_is_taken_is_named_with_the_next_step() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let error = Devnet::builder().validators(1).rpc_port(port).boot().err();
    let error = error.expect("it does not boot");
    assert_eq!(error.exit_code(), 1);
    assert_one_line(&error.to_string(), &[&port.to_string(), "another port"]);
}
