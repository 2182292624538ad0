//! Connections that nobody needs: silent, half-spoken, too many, with heads that never end. Each
//! costs its place for a moment; the peers keep theirs and the chain goes on.
use lockstep_actors::limits::{PEER_CONNECTIONS_MAX, PUBLIC_CONNECTIONS_MAX};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;
use support::target::{TRANSACTION, Target, VOTE};
use support::{Connection, PATIENCE, eventually, get, metric};

const CLOSED: &str = "connections_closed_total";

fn connect(url: &str) -> TcpStream {
    let address = url.strip_prefix("http://").expect("an http url");
    let stream = TcpStream::connect(address).expect("the node listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Waits until the node has closed it; says whether there was an answer before.
fn closed(mut stream: TcpStream) -> bool {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(bytes) => bytes > 0,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("still open"),
        // Cut off while bytes were on their way.
        Err(_) => false,
    }
}

fn labels(kind: &str, reason: &str) -> String {
    format!("kind=\"{kind}\",reason=\"{reason}\"")
}

#[test]
fn whoever_connects_and_says_nothing_is_let_go_and_counted() {
    let target = Target::boot();
    let silent = [&target.url, &target.peer_url].map(|url| connect(url));
    for stream in silent {
        assert!(!closed(stream), "nothing was asked");
    }
    for kind in ["People", "Peers"] {
        let counted = metric(&target.url, CLOSED, &labels(kind, "SlowHead"));
        assert_eq!(counted, 1.0, "{kind}");
    }
    target.assert_unharmed();
}

/// A second head may not take longer than a first one.
#[test]
fn half_a_head_after_a_whole_request_is_let_go_like_any_other() {
    let target = Target::boot();
    let mut connection = Connection::open(&target.url);
    let answer = connection.request("GET", "/livez", b"");
    assert_eq!(answer.expect("an answer").status, 200);
    connection.send(b"GET /li");
    assert!(connection.answer().is_err(), "half a request has no answer");
    let counted = metric(&target.url, CLOSED, &labels("People", "SlowHead"));
    assert_eq!(counted, 1.0);
    target.assert_unharmed();
}

#[test]
fn a_head_that_never_ends_is_cut_at_its_limit() {
    let target = Target::boot();
    for url in [&target.url, &target.peer_url] {
        let mut stream = connect(url);
        let mut sent = stream
            .write(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n")
            .expect("it takes it");
        while let Ok(bytes) =
            stream.write(&[b"x-more: ".as_slice(), &[b'y'; 4_000], b"\r\n"].concat())
        {
            sent += bytes;
            assert!(sent < 64 << 20, "it goes on reading");
        }
        closed(stream);
    }
    target.assert_unharmed();
}

/// One after the other, each with its answer, and never ahead of it.
#[test]
fn ten_thousand_requests_in_one_go_are_answered_in_turn() {
    const REQUESTS: usize = 10_000;
    let target = Target::boot();
    let mut stream = connect(&target.url);
    let mut writer = stream.try_clone().expect("a handle");
    let sender = std::thread::spawn(move || {
        let request = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
        (1..REQUESTS).for_each(|_| writer.write_all(request).expect("it takes it"));
        // Not by closing this half: what is not decoded when actix-http sees that has no answer.
        let last = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        writer.write_all(last).expect("it takes it");
    });
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("answers");
    sender.join().expect("it sends");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), REQUESTS);
    target.assert_unharmed();
}

/// Sixteen in a row; the connection goes, the node does not.
#[test]
fn a_connection_that_only_sends_rubbish_is_closed_after_a_few_answers() {
    let target = Target::boot();
    for url in [&target.url, &target.peer_url] {
        let mut connection = Connection::open(url);
        let mut answers = 0;
        while let Ok(answer) = connection.request("POST", TRANSACTION, b"rubbish") {
            assert_eq!(answer.status, 400);
            answers += 1;
            if answer.head.contains("connection: close") {
                break;
            }
            assert!(answers < 64, "it is never closed");
        }
        assert!((16..32).contains(&answers), "{answers}");
    }
    for kind in ["People", "Peers"] {
        assert_eq!(
            metric(&target.url, CLOSED, &labels(kind, "BadMessages")),
            1.0
        );
    }
    target.assert_unharmed();
}

/// A bomb is never unpacked: nothing here unpacks anything.
#[test]
fn a_compressed_body_is_refused_unread() {
    let target = Target::boot();
    let before = metric(&target.url, "messages_refused_total", "reason=\"Encoded\"");
    for (encoding, path) in [("gzip", VOTE), ("br", TRANSACTION), ("zstd, gzip", VOTE)] {
        let mut connection = Connection::open(&target.peer_url);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-encoding: {encoding}\r\n\
             content-length: 64\r\n\r\n"
        );
        connection.send(&[head.as_bytes(), &[0x1f; 64]].concat());
        let answer = connection.answer().expect("an answer");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (415, &"encoded".into())
        );
    }
    let after = metric(&target.url, "messages_refused_total", "reason=\"Encoded\"");
    assert_eq!(after - before, 3.0);
    target.assert_unharmed();
}

/// Descriptors for everything else here, and for the other ends, which go soon.
const OTHER_FILES: usize = 4_000;

/// How many connections this machine lets one process have, which takes all that it may.
fn connections_possible() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("a process may take what it is granted");
    let files = limit.current.and_then(|files| usize::try_from(files).ok());
    let possible = files.unwrap_or(usize::MAX).saturating_sub(OTHER_FILES);
    possible.min(10_000)
}

/// Opened by somebody who sits where the peers sit, and kept open as long as the node lets him.
#[test]
fn ten_thousand_connections_to_either_listener_push_out_each_other_and_nobody_else() {
    let target = Target::boot();
    target.devnet.tick().expect("the links are up");
    let count = connections_possible();
    for (kind, url, count, max) in [
        ("Peers", &target.peer_url, count, PEER_CONNECTIONS_MAX),
        ("People", &target.url, count / 5, PUBLIC_CONNECTIONS_MAX),
    ] {
        assert!(
            count >= 2 * max,
            "{count} connections are no flood: let this process open more files (ulimit -Hn)"
        );
        let began = Instant::now();
        let held: Vec<TcpStream> = std::thread::scope(|scope| {
            // In parallel: where the backlog is full for a moment, connecting takes a second.
            let open = || (0..count / 16).map(|_| connect(url)).collect::<Vec<_>>();
            let openers: Vec<_> = (0..16).map(|_| scope.spawn(open)).collect();
            (0..3).for_each(|_| drop(target.devnet.tick().expect("blocks go on")));
            let opened = openers
                .into_iter()
                .map(|opener| opener.join().expect("it opens"));
            opened.flatten().collect()
        });
        let count = held.len();
        target.devnet.tick().expect("blocks go on");
        let counted = eventually("the flood is counted", || {
            // Where opening takes long, the first ones have to leave because they ask for nothing.
            let closed = ["Full", "SlowHead"]
                .map(|reason| metric(&target.url, CLOSED, &labels(kind, reason)));
            let counted = closed[0] + closed[1];
            (counted >= count.saturating_sub(max) as f64 && closed[0] > 0.0).then_some(counted)
        });
        let open = metric(&target.url, "connections", &format!("kind=\"{kind}\""));
        println!(
            "{kind}: {count} connections in {:?}, {counted} closed, {open} open",
            began.elapsed()
        );
        assert!(open <= max as f64, "{open}");
        drop(held);
        assert_eq!(get(&target.url, "/livez").text(), "ok\n");
    }
    target.assert_unharmed();
}
