//! A node whose data directory may be behind its key follows the chain and has no voice, until its
//! operator re-arms it; and a node that meets its own key at work elsewhere stops voting.
use lockstep_actors::limits::{ARRIVAL_WAIT_MS, HEIGHT_LATE_MIN};
use lockstep_actors::node::{Node, NodeConfig, NodeHandle, devnet_keys};
use lockstep_actors::runtime::Policy;
use lockstep_actors::state_store::{DEFAULT_MAP_BYTES, begin_key_guard, key_guard_file};
use lockstep_devnet::{Devnet, Durability};
use lockstep_protocol::application::Applications;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Address, Height, Round};
use lockstep_protocol::wire::Wire;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::{Connection, PATIENCE, eventually, get, post};

fn start(genesis: &Genesis, index: u8, home: &Path, rearm: bool) -> NodeHandle {
    let listener = || Arc::new(TcpListener::bind("127.0.0.1:0").expect("a port"));
    let dir = home.join(format!("node{index}"));
    std::fs::create_dir_all(&dir).expect("a directory");
    let signer = devnet_keys::signer(genesis.scheme, index).expect("a key");
    let record = key_guard_file(&dir.join("key"));
    if !record.exists() {
        let me = Address::of(genesis.scheme, signer.public_key());
        begin_key_guard(&record, me).expect("a record");
    }
    let started = Node::start(NodeConfig {
        signer,
        genesis: Arc::new(genesis.clone()),
        applications: Applications::none(),
        data_dir: dir.join("data"),
        map_bytes: DEFAULT_MAP_BYTES,
        key_guard: Some(record),
        trusted: None,
        rearm,
        arrival_wait_ms: ARRIVAL_WAIT_MS,
        durability: Durability::Process,
        retention: Retention::All,
        history: true,
        peer_listener: listener(),
        public_listener: Some(listener()),
        peers: Vec::new(),
        timeouts: Timeouts::DEVNET,
        pacing: Pacing::Interval(50),
        last_height: None,
        on_commit: None,
        origins: lockstep_actors::rpc_gateway::Origins::Nobody,
        trusted_proxies: Default::default(),
        hosts: Default::default(),
        controls: None,
        serves_page: false,
        policy: Policy::default(),
    });
    started.unwrap_or_else(|error| panic!("{error}"))
}

fn connect(nodes: &[NodeHandle]) {
    for node in nodes {
        let others = nodes.iter().filter(|o| o.address() != node.address());
        node.connect(others.map(NodeHandle::peer).collect());
    }
}

fn url(node: &NodeHandle) -> String {
    let listens = node.public_listens().expect("it answers people");
    format!("http://{listens}")
}

fn wait(nodes: &[NodeHandle], height: Height) {
    for node in nodes {
        assert!(node.view().wait_for(height, PATIENCE), "no block {height}");
    }
}

/// Heights at which `node`'s validator proposed or precommitted, as `witness` tells.
fn voices(witness: &NodeHandle, node: &NodeHandle, from: u64) -> Vec<u64> {
    let me = serde_json::Value::from(node.address().to_string());
    let spoke = |height: &u64| {
        let block = get(&url(witness), &format!("/blocks/{height}")).json();
        let precommits = block["commit"]["precommits"].as_array().expect("a list");
        block["header"]["proposer"] == me || precommits.iter().any(|p| p["validator"] == me)
    };
    let head = witness.view().head().height.0;
    (from..=head).filter(spoke).collect()
}

#[test]
fn a_directory_begun_anew_with_a_used_key_follows_without_a_voice_until_it_is_re_armed() {
    let home = tempfile::tempdir().expect("a directory");
    let genesis = Devnet::builder().genesis().expect("a genesis");
    let mut nodes: Vec<_> = (0..4)
        .map(|index| start(&genesis, index, home.path(), false))
        .collect();
    connect(&nodes);
    wait(&nodes, Height(3));

    drop(nodes.pop());
    std::fs::remove_dir_all(home.path().join("node3/data")).expect("it was there");
    nodes.push(start(&genesis, 3, home.path(), false));
    connect(&nodes);
    let status = get(&url(&nodes[3]), "/status").json();
    let reason = status["observing"].as_str().expect("it observes");
    assert!(reason.contains("lockstep arm"), "{reason}");
    let ready = get(&url(&nodes[3]), "/readyz?verbose").text();
    assert!(ready.contains("[-] voting"), "{ready}");
    // A height that its earlier life cannot have spoken at: it may still have been in the next one.
    let from = nodes[0].view().head().height.0 + 2;
    wait(&nodes, Height(from + 8));
    assert_eq!(voices(&nodes[0], &nodes[3], from), Vec::<u64>::new());

    drop(nodes.pop());
    nodes.push(start(&genesis, 3, home.path(), true));
    // Without peers it stands still: two heights further on it signs.
    let armed_at = nodes[3].view().head().height.0 + 2;
    connect(&nodes);
    let spoke = eventually("it has a voice again", || {
        let spoke = voices(&nodes[0], &nodes[3], from);
        (!spoke.is_empty()).then_some(spoke)
    });
    assert!(spoke.iter().all(|height| *height >= armed_at), "{spoke:?}");
    eventually("it shows so", || {
        let status = get(&url(&nodes[3]), "/status").json();
        status["observing"].is_null().then_some(())
    });
}

/// A prevote under the key of this node, for a height that it is not at yet.
fn signed_elsewhere(devnet: &Devnet, index: u8, height: u64) -> SignedVote {
    let signer = devnet_keys::signer(devnet.genesis().scheme, index).expect("a key");
    let vote = Vote {
        kind: VoteKind::Prevote,
        height: Height(height),
        round: Round(1),
        block_id: None,
        valid_round: None,
        validator: devnet.validators()[usize::from(index)],
    };
    let bytes = devnet.sign_context().vote(&vote);
    let signature = Signature(signer.sign(&bytes).expect("it signs"));
    SignedVote { vote, signature }
}

/// Their nodes answer, so they count as reachable: the others said that they were ready, and the
/// chain stood.
#[test]
fn two_of_four_that_answer_without_a_vote_make_the_others_unready_and_are_named() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    devnet.tick().expect("a block comes");
    let (urls, validators) = (devnet.urls(), devnet.validators());
    let wire = Wire::new(devnet.genesis().hash());
    for silent in [2, 3] {
        let vote = wire.encode_vote(&signed_elsewhere(&devnet, silent, 2));
        let silent = usize::from(silent);
        let peer_url = &devnet.peer_urls()[silent];
        assert_eq!(post(peer_url, "/consensus/vote", &vote).status, 202);
        eventually("it stops voting", || {
            let status = get(&urls[silent], "/status").json();
            status["halted"].is_string().then_some(())
        });
    }
    // Nothing is under way: nobody has asked for a block. That lasts as long as it likes.
    std::thread::sleep(HEIGHT_LATE_MIN + Duration::from_secs(1));
    for url in &urls[..2] {
        let text = get(url, "/readyz?verbose").text();
        assert!(text.ends_with("\nready\n"), "{text}");
    }

    // It waits longer for its block than this test needs to see that there is none.
    let mut asks = Connection::open(&urls[0]);
    asks.send(
        b"POST /devnet/tick HTTP/1.1\r\nhost: localhost\r\n\
          content-type: application/json\r\ncontent-length: 0\r\n\r\n",
    );
    for url in &urls[..2] {
        let text = eventually("it is not ready", || {
            let answer = get(url, "/readyz?verbose");
            (answer.status == 503).then(|| answer.text())
        });
        assert!(text.contains("[+] quorum: ok\n"), "{text}");
        let line = text.lines().find(|line| line.starts_with("[-] progress: "));
        let line = line.unwrap_or_else(|| panic!("{text}"));
        assert!(
            line.contains("height 2 ") && line.contains("prevotes"),
            "{line}"
        );
        for (index, who) in validators.iter().enumerate() {
            assert_eq!(line.contains(&who.to_string()), index >= 2, "{line}");
        }
        assert_eq!(
            get(url, "/status").json()["height"],
            1,
            "two decide nothing"
        );
    }
}

#[test]
fn a_node_that_meets_a_vote_of_its_own_key_that_it_has_not_signed_stops_voting() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    devnet.tick().expect("a block comes");
    let signed = signed_elsewhere(&devnet, 1, 2);
    let url = &devnet.urls()[1];
    let body = Wire::new(devnet.genesis().hash()).encode_vote(&signed);
    let peer_url = &devnet.peer_urls()[1];
    assert_eq!(post(peer_url, "/consensus/vote", &body).status, 202);
    let halted = eventually("it stops voting", || {
        let status = get(url, "/status").json();
        status["halted"].as_str().map(str::to_owned)
    });
    assert!(halted.contains("the same key runs twice"), "{halted}");
    // The others go on, and it follows.
    for _ in 0..3 {
        devnet.tick().expect("three are enough");
    }
    eventually("it follows", || {
        (devnet.heights()[1] >= Some(4)).then_some(())
    });
    // Another start is no proof that the other node has stopped.
    let end = devnet.stop(1).expect("it ran");
    assert_eq!(end.exit_code(), 4, "{end}");
    devnet.restart(1).expect("it restarts");
    let status = get(&devnet.urls()[1], "/status").json();
    let observing = status["observing"].as_str().expect("it observes");
    assert!(observing.contains("run lockstep arm"), "{observing}");
    for _ in 0..2 {
        devnet.tick().expect("three are enough");
    }
    eventually("it follows again", || {
        (devnet.heights()[1] >= Some(6)).then_some(())
    });
}
