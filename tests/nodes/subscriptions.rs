//! What is told as it happens: over the WebSocket and as server-sent events, from any event that is
//! still kept, and never at the cost of a block.
use lockstep_devnet::{Devnet, funded_accounts};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::process::Network;
use support::web_socket::{Said, WebSocket};
use support::{Connection, PATIENCE, eventually, get, metric};

fn manual(validators: usize) -> Devnet {
    let builder = Devnet::builder().validators(validators).manual(true);
    builder.boot().expect("it boots")
}

fn tick(devnet: &Devnet) {
    devnet.tick().expect("a block comes");
}

fn open(devnet: &Devnet) -> WebSocket {
    WebSocket::open(&devnet.urls()[0], "/ws")
}

fn subscribe(socket: &mut WebSocket, params: Value) -> String {
    let id = socket.result("lockstep_subscribe", params);
    id.as_str().expect("an id").to_owned()
}

#[test]
fn blocks_and_receipts_and_rounds_are_told_with_rising_numbers() {
    let devnet = manual(4);
    let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
    let alice = &people[0];
    let bob = &people[1];
    let carol = &people[2];
    let mut socket = open(&devnet);
    let blocks = subscribe(&mut socket, json!(["newBlocks"]));
    let bobs = subscribe(
        &mut socket,
        json!([{ "receipts": { "address": bob.address } }]),
    );
    let carols = subscribe(
        &mut socket,
        json!([{ "receipts": { "address": carol.address } }]),
    );
    let rounds = subscribe(&mut socket, json!({ "topic": "rounds" }));
    let paid = alice.transfer(&devnet.sign_context(), 0, bob.address, 1);
    let paid = paid.expect("it signs");
    let bytes = Wire::new(devnet.genesis().hash()).encode_transaction(&paid);
    assert_eq!(
        support::post(&devnet.urls()[0], "/transactions", &bytes).status,
        202
    );
    support::held_by_all(&devnet, paid.id());
    tick(&devnet);
    let mut told: Vec<(String, Value)> = Vec::new();
    let of = |told: &[(String, Value)], id: &str| {
        let of = told.iter().filter(|(whose, _)| whose == id);
        of.map(|(_, params)| params.clone()).collect::<Vec<Value>>()
    };
    while of(&told, &blocks).is_empty() || of(&told, &bobs).is_empty() {
        let params = socket.notification("lockstep_subscription");
        let id = params["subscription"].as_str().expect("an id").to_owned();
        told.push((id, params));
    }
    let (block, receipt) = (&of(&told, &blocks)[0], &of(&told, &bobs)[0]);
    assert_eq!(block["result"]["header"]["height"], 1);
    assert_eq!(block["result"]["id"], json!(devnet.head_ids()[0]));
    assert_eq!(receipt["result"]["transaction"], json!(paid.id()));
    assert_eq!(receipt["result"]["to"], json!(bob.address));
    let seq = |params: &Value| params["seq"].as_u64().expect("a number");
    assert_eq!(seq(receipt), seq(block) + 1, "a receipt follows its block");
    assert!(of(&told, &carols).is_empty(), "nothing concerns carol");
    let steps = of(&told, &rounds);
    assert!(!steps.is_empty(), "rounds are told");
    assert!(steps.windows(2).all(|pair| seq(&pair[0]) < seq(&pair[1])));

    assert_eq!(socket.result("lockstep_unsubscribe", json!([rounds])), true);
    assert_eq!(
        socket.result("lockstep_unsubscribe", json!([rounds])),
        false
    );
    tick(&devnet);
    // Steps that were on their way when the answer came are still told, later ones are not.
    let block = loop {
        let params = socket.notification("lockstep_subscription");
        if params["subscription"] == blocks.as_str() {
            break params;
        }
    };
    assert_eq!(block["result"]["header"]["height"], 2);
}

#[test]
fn eth_subscribe_tells_heads_as_ethereum_does() {
    let devnet = manual(1);
    let mut socket = open(&devnet);
    let id = socket.result("eth_subscribe", json!(["newHeads"]));
    tick(&devnet);
    let params = socket.notification("eth_subscription");
    assert_eq!(params["subscription"], id);
    let head = &params["result"];
    let block = socket.result("eth_getBlockByNumber", json!(["0x1", false]));
    for (name, value) in head.as_object().expect("an object") {
        assert_eq!(*value, block[name], "{name}");
    }
    assert_eq!(socket.result("eth_unsubscribe", json!([id])), true);
}

#[test]
fn a_reader_resumes_where_it_stopped_or_hears_that_it_cannot() {
    let devnet = manual(1);
    let mut socket = open(&devnet);
    subscribe(&mut socket, json!(["newBlocks"]));
    tick(&devnet);
    let first = socket.notification("lockstep_subscription")["seq"]
        .as_u64()
        .expect("a number");
    drop(socket);
    (0..3).for_each(|_| tick(&devnet));
    let mut socket = open(&devnet);
    subscribe(&mut socket, json!(["newBlocks", first + 1]));
    for height in 2..=4 {
        let params = socket.notification("lockstep_subscription");
        assert_eq!(params["result"]["header"]["height"], height);
        assert!(params["seq"].as_u64() > Some(first));
    }
    let gone = socket.call("lockstep_subscribe", json!(["newBlocks", 1]));
    assert_eq!(gone["error"]["code"], -32008);
    assert_eq!(gone["error"]["data"]["code"], "events_gone");
    assert!(gone["error"]["data"]["oldest_seq"].as_u64() <= Some(first));
    let ahead = socket.call(
        "lockstep_subscribe",
        json!(["newBlocks", first + 1_000_000]),
    );
    assert_eq!(ahead["error"]["data"]["code"], "event_in_future");
}

/// Reads one event: its fields by name.
fn event(from: &mut BufReader<TcpStream>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    loop {
        let mut line = String::new();
        assert!(
            from.read_line(&mut line).expect("a line") > 0,
            "the stream has ended"
        );
        let line = line.trim_end();
        match line.split_once(": ") {
            Some((name, value)) => fields.push((name.to_owned(), value.to_owned())),
            None if line.is_empty() && !fields.is_empty() => return fields,
            None => {} // the length of a chunk, a comment
        }
    }
}

fn stream(url: &str, path: &str) -> BufReader<TcpStream> {
    stream_with(url, path, "")
}

fn stream_with(url: &str, path: &str, more: &str) -> BufReader<TcpStream> {
    let address = url.strip_prefix("http://").expect("an http url");
    let mut stream = TcpStream::connect(address).expect("the node listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).expect("it is sent");
    let mut stream = BufReader::new(stream);
    let head = event(&mut stream);
    let is_stream = |(_, kind): &(String, String)| kind == "text/event-stream";
    assert!(head.iter().any(is_stream), "{head:?}");
    stream
}

#[test]
fn server_sent_events_tell_the_same_and_resume() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    let mut all = stream(url, "/events?topics=newBlocks");
    (0..3).for_each(|_| tick(&devnet));
    let events: Vec<_> = (0..3).map(|_| event(&mut all)).collect();
    for (event, height) in events.iter().zip(1..) {
        assert_eq!(event[1].1, "newBlocks");
        let content: Value = serde_json::from_str(&event[2].1).expect("JSON");
        assert_eq!(content["header"]["height"], height);
    }
    let from = &events[1][0].1;
    let mut resumed = stream(url, &format!("/events?topics=newBlocks&from_seq={from}"));
    assert_eq!(event(&mut resumed), events[1]);
    assert_eq!(event(&mut resumed), events[2]);
    let refused = get(url, "/events?from_seq=1");
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (410, &"events_gone".into())
    );
    for path in [
        "/events?from_seq=-1",
        "/events?topics=blocks",
        "/events?colour=red",
    ] {
        assert_eq!(get(url, path).status, 400, "{path}");
    }
}

#[test]
fn bad_frames_end_the_connection_with_a_reason() {
    let devnet = manual(1);
    let mut socket = open(&devnet);
    socket.send(0x81, b"\xff\xfe");
    assert_eq!(socket.closed().0, 1007);
    let mut socket = open(&devnet);
    socket.send(0x81, &vec![b' '; 128 * 1024 + 1]);
    assert_eq!(socket.closed().0, 1009);
    let mut socket = open(&devnet);
    socket.send(0x01, &vec![b' '; 100 * 1024]);
    socket.send(0x80, &vec![b' '; 100 * 1024]);
    assert_eq!(socket.closed().0, 1009);
    let mut socket = open(&devnet);
    socket.send(0x83, b"");
    assert_eq!(socket.closed().0, 1002);
    // A message in two frames is one request; text that is no JSON is answered like everywhere.
    let mut socket = open(&devnet);
    socket.send(0x01, br#"{"jsonrpc":"2.0","id":7,"#);
    socket.send(0x80, br#""method":"net_version"}"#);
    assert_eq!(socket.message()["result"], "1337");
    socket.send(0x81, b"{");
    assert_eq!(socket.message()["error"]["code"], -32700);
    socket.send(0x89, b"are you there");
    let pong = loop {
        if let Said::Pong(payload) = socket.said() {
            break payload;
        }
    };
    assert_eq!(pong, b"are you there");
}

/// One that announced 2^62 bytes and sent on was kept in memory, byte for byte.
#[test]
fn a_frame_is_refused_by_its_header_before_its_payload_comes() {
    let devnet = manual(1);
    let announced = |first: u8, length: u64| {
        let mut header = vec![first, 0x80 | 127];
        header.extend_from_slice(&length.to_be_bytes());
        header
    };
    for length in [(1_u64 << 62), 1 << 32, 128 * 1024 + 1] {
        let mut socket = open(&devnet);
        socket.send_raw(&announced(0x81, length));
        assert_eq!(socket.closed().0, 1009, "{length}");
    }
    // Nor as a part of a message that holds enough already, nor as a frame of control.
    let mut socket = open(&devnet);
    socket.send(0x01, &vec![b' '; 100 * 1024]);
    socket.send_raw(&announced(0x00, 100 * 1024));
    assert_eq!(socket.closed().0, 1009);
    let mut socket = open(&devnet);
    socket.send_raw(&announced(0x89, 126));
    assert_eq!(socket.closed().0, 1002);
}

#[test]
fn a_client_that_closes_hears_its_own_code_and_the_connection_ends() {
    let devnet = manual(1);
    for (said, heard) in [(1000_u16, 1000), (1001, 1001), (4321, 4321), (1006, 1002)] {
        let mut socket = open(&devnet);
        socket.send(0x88, &said.to_be_bytes());
        assert_eq!(socket.closed().0, heard);
    }
    let mut socket = open(&devnet);
    socket.send(0x88, b"");
    assert_eq!(socket.closed().0, 1000);
    assert!(socket.is_at_its_end());
}

/// A browser leaves it to the node to end the connection (RFC 6455, 7.1.1), and a node that stops waits
/// for its connections. Each of these took half a second at least, as long as the library reads what a
/// client may still send.
#[test]
fn a_connection_on_which_both_sides_have_closed_ends_at_once() {
    let devnet = manual(1);
    let began = Instant::now();
    let closing = |mut socket: WebSocket, is_told: bool| {
        if is_told {
            assert_eq!(socket.closed().0, 1013);
        }
        socket.send(0x88, &1000_u16.to_be_bytes());
        if !is_told {
            assert_eq!(socket.closed().0, 1000);
        }
        assert!(socket.is_at_its_end());
    };
    (0..8).for_each(|_| closing(open(&devnet), false));
    // The oldest makes room for the newest.
    let mut kept: VecDeque<WebSocket> = (0..16).map(|_| open(&devnet)).collect();
    for _ in 0..8 {
        kept.push_back(open(&devnet));
        closing(kept.pop_front().expect("the oldest"), true);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "sixteen took {took:?}");
}

/// As some libraries do by default.
#[test]
fn a_request_may_come_in_a_binary_frame_and_at_the_root() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    for path in ["/", "/ws"] {
        let mut socket = WebSocket::open(url, path);
        socket.send(0x82, br#"{"jsonrpc":"2.0","id":7,"method":"net_version"}"#);
        assert_eq!(socket.message()["result"], "1337");
    }
}

#[test]
fn a_connection_has_a_bounded_number_of_subscriptions() {
    let devnet = manual(1);
    let mut socket = open(&devnet);
    for _ in 0..16 {
        subscribe(&mut socket, json!(["newBlocks"]));
    }
    let refused = socket.call("lockstep_subscribe", json!(["newBlocks"]));
    assert_eq!(refused["error"]["data"]["code"], "too_many_subscriptions");
}

/// Those that stay have a class of their own: a newcomer takes the place of the oldest of its
/// address, and requests that come and go find their places all the same.
#[test]
fn more_streams_than_may_stay_push_out_the_oldest_and_leave_requests_alone() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    let mut sockets: Vec<WebSocket> = (0..17).map(|_| open(&devnet)).collect();
    let (code, reason) = sockets[0].closed();
    assert_eq!(code, 1013, "{reason}");
    assert_eq!(sockets[16].result("net_version", json!([])), "1337");
    assert_eq!(sockets[1].result("net_version", json!([])), "1337");
    // More short connections than an address may hold: they push out each other.
    let short: Vec<Connection> = (0..200).map(|_| Connection::open(url)).collect();
    assert_eq!(sockets[1].result("net_version", json!([])), "1337");
    drop(short);
    let closed = || metric(url, "connections_closed_total", "reason=\"Full\"") >= 1.0;
    eventually("it is counted", || closed().then_some(()));
}

/// Nobody waits for a reader: it is dropped with a reason when the ring has turned past it.
#[test]
fn a_reader_that_stops_reading_delays_no_block_and_is_dropped() {
    let devnet = Devnet::builder().validators(1).block_time_ms(0).boot();
    let devnet = devnet.expect("it boots");
    let mut socket = open(&devnet);
    for _ in 0..16 {
        subscribe(&mut socket, json!(["newBlocks"]));
    }
    let begin = devnet.heights()[0].expect("it runs");
    // The kernel's buffers and the queue fill up, then the ring turns.
    let url = &devnet.urls()[0];
    let dropped = || metric(url, "connections_closed_total", "reason=\"SlowReader\"") >= 1.0;
    eventually("the reader that does not read is dropped", || {
        dropped().then_some(())
    });
    devnet.wait_for(begin + 100, PATIENCE).expect("blocks come");
    assert!(devnet.ended().is_empty());
    drop(socket);
}

/// A browser gives up for good where it is refused, and it resumes by what an earlier life of the node
/// has told it.
#[test]
fn a_browser_that_resumes_behind_what_is_gone_hears_that_it_has_missed_something_and_goes_on() {
    let devnet = manual(1);
    let url = &devnet.urls()[0];
    tick(&devnet);
    let path = "/events?topics=newBlocks";
    for (last, code) in [
        ("7", "events_gone"),
        ("9999999999999999", "event_in_future"),
    ] {
        let mut resumed = stream_with(url, path, &format!("last-event-id: {last}\r\n"));
        let missed = event(&mut resumed);
        assert_eq!(missed[1].1, "missed", "{missed:?}");
        let content: Value = serde_json::from_str(&missed[2].1).expect("JSON");
        assert_eq!(content["code"], code);
        let wanted = last.parse::<u64>().expect("a number") + 1;
        assert_eq!(content["wanted_seq"], wanted);
        let next = content["next_seq"].as_u64().expect("a number");
        assert_eq!(missed[0].1, (next - 1).to_string(), "it resumes there");
        let block = event(&mut resumed);
        assert_eq!(block[1].1, "newBlocks");
        // From where it was told, nothing is missing.
        let mut again = stream_with(url, path, &format!("last-event-id: {}\r\n", next - 1));
        assert_eq!(event(&mut again), block);
    }
}

/// Both were cut.
#[test]
fn a_node_that_stops_says_so_to_web_sockets_and_event_streams() {
    let mut network = Network::running(1, &["log=warn"]);
    network.wait_for(&[0], 1);
    let url = network.urls[0].clone();
    let mut socket = WebSocket::open(&url, "/ws");
    subscribe(&mut socket, json!(["newBlocks"]));
    let mut silent = WebSocket::open(&url, "/");
    let mut events = stream(&url, "/events");
    network.node(0).child.signal("-TERM");
    assert_eq!(socket.closed(), (1001, "the node stops".into()));
    socket.send(0x88, &1001_u16.to_be_bytes());
    assert!(socket.is_at_its_end());
    assert_eq!(silent.closed().0, 1001);
    let mut rest = String::new();
    events.read_to_string(&mut rest).expect("text");
    assert!(
        rest.contains("event: dropped\ndata: the node stops\n\n"),
        "{rest}"
    );
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "{rest}");
    let ended = network.node(0).child.wait("it stops");
    assert!(ended.success(), "{ended}");
}
