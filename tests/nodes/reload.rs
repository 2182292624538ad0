//! SIGHUP of a node without a terminal: peers, and who may ask, are others from then on; what is wrong
//! changes nothing.
use std::fs;
use support::process::Network;
use support::{Answer, Connection, eventually, get};

const FAST: &str = "block_interval_ms=50";
const PAGE: &str = "https://wallet.example";

/// Writes the settings of node 0, and tells it.
fn set(network: &mut Network, settings: &str) {
    fs::write(network.home(0).join("lockstep.toml"), settings).expect("they are written");
    network.node(0).child.signal("-HUP");
}

/// How often the log of node 0 has these words.
fn said(network: &mut Network, words: &str) -> usize {
    network.node(0).log_text().matches(words).count()
}

/// Waits until the log of node 0 has these words so many times.
fn says(network: &mut Network, words: &str, times: usize) {
    eventually(words, || (said(network, words) >= times).then_some(()));
}

/// Where node 0 believes its only peer to be, and whether it reaches it.
fn peer(network: &Network) -> Option<(String, bool)> {
    let peers = get(&network.urls[0], "/status").json()["peers"].clone();
    let peer = peers.as_array().expect("a list").first()?.clone();
    let url = peer["url"].as_str().expect("a text").to_owned();
    Some((url, peer["reachable"] == true))
}

#[test]
fn peers_come_move_and_go_at_a_hang_up_and_wrong_ones_change_nothing() {
    let mut network = Network::new(2, &[FAST]);
    let whole = fs::read_to_string(network.home(0).join("lockstep.toml")).expect("settings");
    let rest = whole.split("[[peers]]").next().expect("the other settings");
    let alone = format!("{rest}peers = []\n");
    fs::write(network.home(0).join("lockstep.toml"), &alone).expect("written");
    network.start(0);
    network.start(1);
    let ready = network.node(0).ready();
    network.node(1).ready();
    assert_eq!(ready["height"], 0);
    assert_eq!(peer(&network), None);

    let there = format!("http://{}", network.peers[1]);
    set(&mut network, &whole);
    says(&mut network, "; new, and taken: peers\n", 1);
    eventually("the link is up", || {
        (peer(&network) == Some((there.clone(), true))).then_some(())
    });
    network.wait_for(&[0, 1], 5);

    // Somebody whom the genesis does not name, and what is no list.
    let known = network.addresses[1].to_string();
    let stranger = format!("0x{}", "1".repeat(40));
    set(&mut network, &whole.replace(&known, &stranger));
    says(&mut network, "SIGHUP: nothing was changed: ", 1);
    set(&mut network, &format!("{rest}peers = 5\n"));
    says(&mut network, "SIGHUP: nothing was changed: ", 2);
    assert_eq!(peer(&network), Some((there.clone(), true)));
    let height = network.highest(&[0, 1]);
    network.wait_for(&[0, 1], height + 5);
    // Whoever stays keeps its link.
    set(
        &mut network,
        &whole.replace("\nlog = \"info\"", "\nlog = \"debug\""),
    );
    says(&mut network, "the log's filter is \"debug\"", 1);
    assert_eq!(said(&mut network, "has no link there any more"), 0);

    let elsewhere = network.peers[1].to_string();
    let nobody = format!("127.0.0.1:{}", network.peers[1].port() + 5);
    set(&mut network, &whole.replace(&elsewhere, &nobody));
    says(&mut network, "; new, and taken: peers\n", 2);
    let lost = Some((format!("http://{nobody}"), false));
    eventually("it is looked for there", || {
        (peer(&network) == lost).then_some(())
    });
    set(&mut network, &whole);
    eventually("the link is up again", || {
        (peer(&network) == Some((there.clone(), true))).then_some(())
    });
    let height = network.highest(&[0, 1]);
    network.wait_for(&[0, 1], height + 3);

    let unnamed = said(&mut network, "validators without a link");
    set(&mut network, &alone);
    eventually("it has no peer", || peer(&network).is_none().then_some(()));
    says(&mut network, "validators without a link", unnamed + 1);
    for index in [0, 1] {
        let node = network.node(index);
        node.child.signal("-TERM");
        assert_eq!(node.child.wait("it ends").code(), Some(0));
        assert!(!node.log_text().contains("panicked"), "{}", node.log_text());
    }
}

/// What a page in a browser sends; one that is refused loses its connection.
fn call(url: &str) -> Answer {
    let mut connection = Connection::open(url);
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
    let length = call.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\norigin: {PAGE}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{call}"
    );
    connection.send(head.as_bytes());
    connection.answer().expect("an answer")
}

/// Whether the page may read what it is answered on this connection, which stays.
fn may_read(connection: &mut Connection) -> bool {
    let head = format!("GET /status HTTP/1.1\r\nhost: localhost\r\norigin: {PAGE}\r\n\r\n");
    connection.send(head.as_bytes());
    let answer = connection.answer().expect("the connection stays");
    answer
        .head
        .contains(&format!("access-control-allow-origin: {PAGE}"))
}

#[test]
fn a_page_that_was_refused_may_ask_after_a_hang_up_and_connections_stay() {
    let mut network = Network::new(1, &[FAST]);
    network.start(0);
    network.node(0).ready();
    let url = network.urls[0].clone();
    let mut connection = Connection::open(&url);
    assert!(!may_read(&mut connection));
    assert_eq!(call(&url).status, 403);

    let file = network.home(0).join("lockstep.toml");
    let before = fs::read_to_string(file).expect("settings");
    let allowed = before
        .replace(
            "\ncors_origins = \"\"",
            &format!("\ncors_origins = \"{PAGE}\""),
        )
        .replace("\nrpc_hosts = \"\"", "\nrpc_hosts = \"node.example\"");
    set(&mut network, &allowed);
    says(
        &mut network,
        "; new, and taken: cors_origins, rpc_hosts\n",
        1,
    );
    assert!(may_read(&mut connection));
    assert_eq!(call(&url).status, 200);

    let wrong = allowed.replace(PAGE, "wallet.example");
    set(&mut network, &wrong);
    says(&mut network, "SIGHUP: nothing was changed: cors_origins", 1);
    assert!(may_read(&mut connection));
    set(&mut network, &before);
    says(
        &mut network,
        "; new, and taken: cors_origins, rpc_hosts\n",
        2,
    );
    assert!(!may_read(&mut connection));
    assert_eq!(call(&url).status, 403);
}
