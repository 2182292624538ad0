//! P15, the client's side of HTTP: at each call that can fail (connect, write, read of the status,
//! read of the body) an error, an end too early, and silence. Each is reported as what it is and
//! counted, and the link goes on.
use super::*;
use crate::peer_broadcaster::client::{ExchangeError, PeerClient};
use socket2::SockRef;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// For an exchange that is meant to be given up.
const SHORT: Duration = Duration::from_millis(300);
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);
/// More than the sockets between two ends take when nobody reads.
const LARGE: usize = 16 << 20;

/// Where it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Connect,
    Write,
    Status,
    Body,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// The connection is reset.
    Error,
    /// It ends, as if all were said.
    Short,
    /// Nothing more happens.
    Stall,
}

const ALL: [(Call, How); 10] = [
    (Call::Connect, How::Error),
    (Call::Write, How::Error),
    (Call::Write, How::Short),
    (Call::Write, How::Stall),
    (Call::Status, How::Error),
    (Call::Status, How::Short),
    (Call::Status, How::Stall),
    (Call::Body, How::Error),
    (Call::Body, How::Short),
    (Call::Body, How::Stall),
];

/// Does to one connection what is asked for.
fn fail(stream: TcpStream, call: Call, how: How) {
    let mut from = BufReader::new(stream.try_clone().expect("a socket"));
    if call != Call::Write {
        // All of it, or what is unread would reset the connection.
        let mut head = String::new();
        let mut length = 0;
        while !head.ends_with("\r\n\r\n") && from.read_line(&mut head).unwrap_or(0) > 0 {}
        for line in head.lines() {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        let _ = from.read_exact(&mut vec![0; length]);
    }
    let said = match call {
        Call::Connect | Call::Write => b"".as_slice(),
        Call::Status => b"HTTP/1.1 20",
        Call::Body => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthe beginning",
    };
    let _ = (&stream).write_all(said);
    match how {
        How::Error => {
            // What was said must not be overtaken by the reset.
            std::thread::sleep(Duration::from_millis(20));
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        How::Short => {
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = from.read(&mut [0; 1]);
        }
        // Until the other end gives up; unread, so that a large body stays unsaid.
        How::Stall if call == Call::Write => std::thread::sleep(4 * SHORT),
        How::Stall => _ = from.read(&mut [0; 1]),
    }
}

/// A peer whose first `failing` connections fail in this way; those behind them are answered.
fn failing(call: Call, how: How, failing: usize, answers: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let answers = Arc::new(answers);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (count, answers) = (Arc::clone(&count), Arc::clone(&answers));
            std::thread::spawn(move || {
                if count.fetch_add(1, SeqCst) < failing {
                    return fail(stream, call, how);
                }
                fake_peer::connection(stream, &move |_, out| out.write_all(&answers));
            });
        }
    });
    address
}

/// The four ways to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Post,
    PostFor,
    Get,
    GetBlocks,
}

impl Ask {
    async fn of(
        self,
        client: &PeerClient,
        body: usize,
        time: Duration,
    ) -> Result<(), ExchangeError> {
        let uri = client.uri("/somewhere");
        let body = Bytes::from(vec![7; body]);
        match self {
            Ask::Post => client.post_within(&uri, body, time).await.map(|_| ()),
            Ask::PostFor => client.post_for(uri, body, 4_096, time).await.map(|_| ()),
            Ask::Get => client.get(uri, 4_096, time).await.map(|_| ()),
            Ask::GetBlocks => client.get_blocks(uri, time).await.map(|_| ()),
        }
    }
}

/// What a failure must be told as; `None` where a message counts as taken already, because its
/// status came.
fn is_as_declared(ask: Ask, call: Call, how: How, told: &Result<(), ExchangeError>) -> bool {
    if ask == Ask::Post && call == Call::Body {
        return told.is_ok();
    }
    match (how, told) {
        (How::Stall, Err(error)) => error.is_slow(),
        (How::Short, Err(ExchangeError::Answer(_))) => call == Call::Body,
        (_, Err(ExchangeError::Send(_))) => call != Call::Body,
        (_, Err(ExchangeError::Body(_))) => call == Call::Body,
        _ => false,
    }
}

#[test]
fn every_call_of_the_client_that_fails_is_told_as_what_it_is_and_the_next_one_works() {
    let mut injected = 0;
    System::new().block_on(async {
        for ask in [Ask::Post, Ask::PostFor, Ask::Get, Ask::GetBlocks] {
            for (call, how) in ALL {
                let is_get = matches!(ask, Ask::Get | Ask::GetBlocks);
                if call == Call::Write && is_get && how == How::Stall {
                    // A question fits the socket's buffer: there is no write to wait for.
                    continue;
                }
                let bytes = if call == Call::Write { LARGE } else { 100 };
                let at = match call {
                    Call::Connect => place(&refused(Address([4; 20]))),
                    _ => failing(call, how, 1, answer("200 OK", b"an answer")),
                };
                let client = PeerClient::new(at);
                let time = if how == How::Stall { SHORT } else { LONG };
                let began = Instant::now();
                let told = ask.of(&client, bytes, time).await;
                let what = format!("{ask:?}: {call:?}, {how:?}: {told:?}");
                assert!(is_as_declared(ask, call, how, &told), "{what}");
                assert!(began.elapsed() < LONG, "{what}");
                injected += 1;
                if call != Call::Connect {
                    let next = ask.of(&client, 100, LONG).await;
                    assert!(next.is_ok(), "{what}, and then {next:?}");
                }
            }
        }
    });
    println!("P15 client: {injected} failures injected, each told as what it is");
    assert_eq!(injected, 38);
}

/// Four failures of each kind while a link shakes hands, then it works: the vote that waited
/// arrives, and every failure has been counted.
#[test]
fn a_link_counts_every_failure_and_goes_on_when_the_peer_is_well() {
    const FAILURES: usize = 4;
    let mut injected = 0;
    System::new().block_on(async {
        for (call, how) in ALL {
            if call == Call::Connect || how == How::Stall {
                // Nobody can come back behind a port that is closed; and a stall costs two seconds.
                continue;
            }
            let sender = sender();
            let hello = serde_json::to_vec(&handshake(Address([4; 20]))).unwrap();
            let at = failing(call, how, FAILURES, answer("200 OK", &hello));
            sender.send(1);
            sender.connect(&[Peer::at(Address([4; 20]), at)], 1).await;
            let errors = sender.metrics.peer_errors.get();
            assert_eq!(errors, FAILURES as u64, "{call:?}, {how:?}");
            injected += FAILURES;
        }
    });
    println!("P15 link: {injected} failures injected and counted, and it went on");
}
