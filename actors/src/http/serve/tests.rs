//! P15, the server's side of HTTP: at each call that can fail (accept, read of the head, read of
//! the body, write of the answer) an error, an end too early, and silence. Each is counted or
//! refused as declared, gives its place back, and the next client is served.
use super::super::answer_places::{AnswerPlaces, Asker};
use super::super::body;
use super::super::connection::Deadlines;
use super::super::pieces::Pieces;
use super::super::routes::Routes;
use super::super::streams::Leaving;
use super::*;
use crate::metrics::ListenerLabel;
use crate::runtime::Actors;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream as Client};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);
const DEADLINES: Deadlines = Deadlines {
    idle: PATIENCE,
    head: SHORT,
    answer: SHORT,
};
/// More than the sockets between two ends take when nobody reads.
const LARGE: usize = 64 << 20;
const BODY_MAX: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Head,
    Body,
    Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Error,
    Short,
    Stall,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Closed(&'static str),
    Refused(&'static str),
}

struct Server {
    at: SocketAddr,
    metrics: Arc<Metrics>,
}

impl Server {
    /// On a thread of its own; it ends with the test process. The first `errors` accepts fail.
    fn start(errors: usize) -> Server {
        let metrics = Metrics::new(Actors::default());
        let listener = StdListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let seen = metrics.clone();
        std::thread::spawn(move || {
            actix_rt::System::new().block_on(serve(listener, seen, errors));
        });
        Server { at, metrics }
    }

    fn open(&self) -> Client {
        let client = Client::connect(self.at).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        client
    }

    /// The sum of the family's series that have this reason.
    fn count(&self, counted: Counted) -> u64 {
        let (family, reason) = match counted {
            Counted::Closed(reason) => ("connections_closed_total", reason),
            Counted::Refused(reason) => ("messages_refused_total", reason),
        };
        self.read(family, &format!("reason=\"{reason}\""))
    }

    fn read(&self, family: &str, label: &str) -> u64 {
        let text = self.metrics.encode();
        let family = format!("lockstep_{family}");
        let lines = text.lines().filter(|line| line.starts_with(&family));
        let lines = lines.filter(|line| line.contains(label));
        let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
        values.sum()
    }

    /// Everything that has been counted with a reason.
    fn reasons(&self) -> Vec<String> {
        let text = self.metrics.encode();
        let lines = text.lines().filter(|line| line.contains("reason="));
        let counted = lines.filter(|line| !line.ends_with(" 0"));
        counted.map(str::to_owned).collect()
    }

    fn is_well(&self) -> bool {
        let mut client = self.open();
        let hello = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
        let mut answer = String::new();
        let asked = client.write_all(hello);
        let heard = asked.and_then(|()| client.read_to_string(&mut answer));
        heard.is_ok() && answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("5 bytes")
    }
}

async fn serve(listener: StdListener, metrics: Arc<Metrics>, errors: usize) {
    let listener = listen(&listener).expect("it listens");
    let house = House::new(terms(), metrics.clone());
    let errors = Cell::new(errors);
    let accept = async || {
        if errors.get() > 0 {
            errors.set(errors.get() - 1);
            return Err(io::Error::other("too many open files"));
        }
        listener.accept().await
    };
    let places = AnswerPlaces::new(64, PATIENCE);
    let echo = move |request: HttpRequest, payload: web::Payload| {
        let metrics = metrics.clone();
        async move {
            match body::read(&request, payload, BODY_MAX, None, &metrics).await {
                Ok(whole) => HttpResponse::Ok().body(format!("{} bytes", whole.bytes.len())),
                Err(refusal) => refusal,
            }
        }
    };
    let large = move |request: HttpRequest| {
        let place = places.enter(&Asker::of(&request)).expect("a place");
        async move { HttpResponse::Ok().body(Pieces::new(vec![7; LARGE].into(), Some(place))) }
    };
    let who = |request: HttpRequest| async move { format!("{:?}", Asker::of(&request)) };
    let panics = || async {
        if true {
            panic!("a fault of a handler");
        }
        HttpResponse::Ok().finish()
    };
    let routes = |config: &mut web::ServiceConfig| {
        config
            .route("/echo", web::post().to(echo))
            .route("/large", web::get().to(large))
            .route("/who", web::get().to(who))
            .route("/panic", web::get().to(panics));
    };
    super::run(&house, accept, routes).await;
}

fn terms() -> Terms {
    Terms {
        label: ListenerLabel::People,
        connections_max: 64,
        connections_per_stranger_max: 64,
        deadlines: DEADLINES,
        routes: Routes {
            all: Vec::new(),
            other_verb: StatusCode::METHOD_NOT_ALLOWED,
            who_asks: &[],
        },
        is_neighbour: Box::new(|_| false),
        proxies: Live::new("127.0.0.1".parse().expect("an address")),
    }
}

fn eventually(what: &str, done: impl Fn() -> bool) {
    let until = std::time::Instant::now() + PATIENCE;
    while !done() {
        assert!(std::time::Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Does it to one connection; returns what the server said before it was over.
fn fail(server: &Server, call: Call, how: How) -> String {
    let mut client = server.open();
    let said: &[u8] = match call {
        Call::Head => b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-le",
        Call::Body => {
            b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nthe beginning"
        }
        Call::Answer => b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n",
    };
    client.write_all(said).expect("it takes that");
    let mut heard = vec![0; 4_096];
    let mut length = 0;
    if call == Call::Answer {
        // It is being answered.
        length = client.read(&mut heard).expect("the beginning");
    } else {
        // What was said must not be overtaken by a reset.
        std::thread::sleep(Duration::from_millis(50));
    }
    match how {
        How::Error => {
            let linger = SockRef::from(&client).set_linger(Some(Duration::ZERO));
            linger.expect("a socket option");
            return String::new();
        }
        How::Short if call == Call::Answer => return String::new(),
        How::Short => client.shutdown(Shutdown::Write).expect("it is open"),
        How::Stall => {}
    }
    if call == Call::Answer {
        // Nothing more is read until this side has been given up.
        eventually("the reader is given up", || {
            server.count(Counted::Closed("SlowReader")) > 0
        });
        return String::from_utf8_lossy(&heard[..length]).into_owned();
    }
    // An error says that it was closed before a word.
    let length = client.read(&mut heard).unwrap_or(0);
    String::from_utf8_lossy(&heard[..length]).into_owned()
}

#[test]
fn every_call_of_the_server_that_fails_is_counted_and_the_next_client_is_served() {
    use Call::{Answer, Body, Head};
    use Counted::{Closed, Refused};
    use How::{Error, Short, Stall};
    let cases = [
        (Head, Error, Some(Closed("Broken"))),
        (Head, Short, None),
        (Head, Stall, Some(Closed("SlowHead"))),
        (Body, Error, Some(Closed("Broken"))),
        (Body, Short, Some(Refused("Malformed"))),
        (Body, Stall, Some(Refused("Slow"))),
        (Answer, Error, Some(Closed("Broken"))),
        (Answer, Short, Some(Closed("Broken"))),
        (Answer, Stall, Some(Closed("SlowReader"))),
    ];
    for (call, how, counted) in cases {
        let server = Server::start(0);
        let heard = fail(&server, call, how);
        if let Some(counted) = counted {
            let what = format!(
                "{call:?}, {how:?} is counted as {counted:?}: {}",
                server.metrics.encode()
            );
            eventually(&what, || server.count(counted) == 1);
        }
        eventually(&format!("{call:?}, {how:?}: its place is free"), || {
            server.read("connections{", "People") == 0
        });
        let reasons = server.reasons();
        let first = heard.lines().next().unwrap_or("nothing");
        println!("{call:?}, {how:?}: answered {first:?}, counted {reasons:?}");
        assert!(server.is_well(), "after {call:?}, {how:?}");
    }
    println!("P15 server: {} failures injected", cases.len());
}

#[test]
fn a_process_without_descriptors_serves_as_soon_as_it_has_some() {
    const ERRORS: usize = 5;
    let server = Server::start(ERRORS);
    assert!(server.is_well());
    let counted = server.count(Counted::Closed("NotAccepted"));
    assert_eq!(counted, ERRORS as u64);
    println!("P15 server: {ERRORS} failures of accept injected and counted");
}

/// What one client hears that sends this in one go, until the server closes.
fn heard(server: &Server, said: &[u8]) -> String {
    let mut client = server.open();
    client.write_all(said).expect("it takes that");
    let mut heard = String::new();
    client.read_to_string(&mut heard).expect("text");
    heard
}

const ECHO: &str = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";

/// They closed the connection without a word, or with an answer without a body.
#[test]
fn a_head_that_is_none_or_too_long_is_answered_with_a_code_behind_the_answers_before_it() {
    let server = Server::start(0);
    let long = format!(
        "GET / HTTP/1.1\r\na: {}\r\n\r\n",
        "a".repeat(HEAD_BYTES_MAX)
    );
    let lines = format!(
        "GET / HTTP/1.1\r\n{}\r\n",
        "a: b\r\n".repeat(HEAD_LINES_MAX + 1)
    );
    let cases = [
        ("nonsense\r\n\r\n", "400 Bad Request", "bad_request"),
        (
            &long,
            "431 Request Header Fields Too Large",
            "head_too_long",
        ),
        (
            &lines,
            "431 Request Header Fields Too Large",
            "head_too_long",
        ),
    ];
    for (bad, status, code) in cases {
        let heard = heard(&server, [ECHO, ECHO, bad, ECHO].concat().as_bytes());
        let answers: Vec<&str> = heard.matches("HTTP/1.1 ").collect();
        assert_eq!(answers.len(), 3, "{heard}");
        assert_eq!(heard.matches("5 bytes").count(), 2, "{heard}");
        let (_, last) = heard.rsplit_once("HTTP/1.1 ").expect("an answer");
        assert!(last.starts_with(status), "{heard}");
        assert!(last.contains(&format!("\"code\":\"{code}\"")), "{heard}");
    }
    assert_eq!(server.read("requests_refused_total", "status=\"431\""), 2);
}

/// The library keeps a map of 7 kB for each head that it is given: all that are waiting, once.
#[test]
fn many_requests_in_one_go_are_answered_one_after_the_other() {
    let server = Server::start(0);
    let chunked = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    let unwanted = "GET /nothing HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
                    5\r\nhello\r\n0\r\n\r\n";
    let close = "GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut said = [ECHO, chunked, unwanted].concat().repeat(20);
    said.push_str(close);
    let heard = heard(&server, said.as_bytes());
    assert_eq!(heard.matches("5 bytes").count(), 40, "{heard}");
    assert_eq!(heard.matches("404 Not Found").count(), 21, "{heard}");
}

/// Each request of a proxy's connection is somebody else's.
#[test]
fn a_trusted_proxy_says_of_each_request_whose_it_is() {
    let server = Server::start(0);
    let ask = |forwarded: &str, end: &str| {
        format!("GET /who HTTP/1.1\r\nhost: a\r\n{forwarded}{end}\r\n")
    };
    let said = [
        ask("x-forwarded-for: 192.0.2.1\r\n", ""),
        ask("forwarded: for=192.0.2.2\r\n", ""),
        ask("", "connection: close\r\n"),
    ];
    let heard = heard(&server, said.concat().as_bytes());
    let whose: Vec<&str> = heard.matches("from: ").collect();
    assert_eq!(whose.len(), 3, "{heard}");
    for address in ["192.0.2.1", "192.0.2.2", "127.0.0.1"] {
        assert!(heard.contains(&format!("from: {address},")), "{heard}");
    }
}

/// Java's client offers HTTP/2 with each request over plain HTTP. The library closed the connection
/// behind the answer and did not say so; the next request failed now and then.
#[test]
fn an_offer_of_http_2_is_declined_and_the_connection_kept() {
    let server = Server::start(0);
    let offers = "GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\n\
                  upgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\r\n";
    let close = "GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let heard = heard(&server, [offers, offers, close].concat().as_bytes());
    assert_eq!(heard.matches("404 Not Found").count(), 3, "{heard}");
    assert_eq!(
        heard.matches("keep-alive: timeout=30").count(),
        2,
        "{heard}"
    );
    assert_eq!(heard.matches("connection: ").count(), 1, "{heard}");
    assert!(heard.contains("connection: close"), "{heard}");
}

/// It was closed behind the answer, which did not say so.
#[test]
fn a_web_socket_that_is_refused_hears_that_its_connection_ends() {
    let server = Server::start(0);
    let socket =
        "GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
    let heard = heard(&server, socket.as_bytes());
    assert!(heard.starts_with("HTTP/1.1 404"), "{heard}");
    assert!(heard.contains("connection: close"), "{heard}");
}

#[test]
fn a_handler_that_panics_costs_its_own_connection_and_no_place() {
    let server = Server::start(0);
    let mut other = server.open();
    // Idle in between: a head that is half sent has a deadline, and a panic is told at length.
    let mut is_served = || {
        let head = b"GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n";
        other.write_all(head).expect("it is open");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            other.read_exact(&mut byte).expect("an answer");
            answer.extend(byte);
        }
        assert!(answer.starts_with(b"HTTP/1.1 404"), "{answer:?}");
    };
    is_served();
    for _ in 0..3 {
        assert_eq!(
            heard(&server, b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\n"),
            ""
        );
    }
    is_served();
    drop(other);
    eventually("all places are free", || {
        server.read("connections{", "People") == 0
    });
    assert!(server.is_well());
}

/// Its own turn, in which it would say so itself, may come much later.
#[test]
fn what_a_connection_has_shown_or_lost_counts_before_its_next_turn() {
    let full = Terms {
        connections_max: 2,
        ..terms()
    };
    let house = House::new(full, Metrics::new(Actors::default()));
    let enter = |last: u8| {
        let from = IpAddr::from([10, 0, 0, last]);
        let ticket = house.seat(from, Merit::Stranger).expect("a place");
        let turn = house.roster.open(from);
        let connection = Connection::new(Instant::now(), DEADLINES, Merit::Stranger, turn);
        let connection = Rc::new(connection);
        house.guests.borrow_mut().insert(ticket, connection.clone());
        connection
    };
    let left = |it: &Connection| it.pushed_out.notified().now_or_never().is_some();
    let stays = enter(1);
    stays.stay(Leaving::nobody());
    let before = enter(2);
    let after = enter(3);
    assert!(!left(&stays) && left(&before), "a stream is not pushed out");
    stays.over(Instant::now());
    enter(4);
    assert!(
        left(&stays) && !left(&after),
        "one that is over is, and first"
    );
}
