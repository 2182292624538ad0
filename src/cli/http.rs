//! One request, for a command that asks a node: HTTP/1.0 over a plain connection, bounded in time
//! and size. A node speaks no TLS.
use crate::endpoint::Url;
use crate::limits::{ANSWER_LISTS_MAX, ANSWER_MEMBERS_MAX};
use serde_json::Value;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How long to wait for a connection, and for a part of an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for a whole answer: a server that sends a byte at a time holds nobody.
const DEADLINE: Duration = Duration::from_secs(20);
/// Longer than whatever a node says of itself.
const BYTES_MAX: usize = 4 << 20;

/// What a node answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as text; what is none shows as such.
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// What is posted.
pub(super) enum Body<'a> {
    /// Canonical bytes.
    Bytes(&'a [u8]),
    /// A JSON-RPC call.
    Json(&'a [u8]),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// Whoever listens there has taken the connection and says nothing.
    Mute,
    /// In the system's words, or ours.
    Broken(String),
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Silence {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Silence::Mute,
            _ => Silence::Broken(error.to_string()),
        }
    }
}

/// How long to wait for a connection and for each part of an answer, and for the whole.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) part: Duration,
    pub(super) whole: Duration,
}

const TIMES: Times = Times {
    part: PATIENCE,
    whole: DEADLINE,
};

/// Asks for a path, behind that of the URL.
pub(super) fn get(url: &Url, path: &str) -> Result<Answer, Silence> {
    get_in(TIMES, url, path)
}

/// The same with another patience.
pub(super) fn get_in(times: Times, url: &Url, path: &str) -> Result<Answer, Silence> {
    exchange(times, url, ("GET", path), &Body::Bytes(&[]))
}

/// Posts `body` to a path, behind that of the URL.
pub(super) fn post(url: &Url, path: &str, body: &Body<'_>) -> Result<Answer, Silence> {
    post_in(TIMES, url, path, body)
}

/// The same with another patience.
pub(super) fn post_in(
    times: Times,
    url: &Url,
    path: &str,
    body: &Body<'_>,
) -> Result<Answer, Silence> {
    exchange(times, url, ("POST", path), body)
}

fn exchange(
    times: Times,
    url: &Url,
    (method, path): (&str, &str),
    body: &Body<'_>,
) -> Result<Answer, Silence> {
    let (host, above) = (url.at(), url.path());
    let (kind, body) = match body {
        Body::Bytes(bytes) => ("content-type: application/octet-stream\r\n", bytes),
        Body::Json(bytes) => ("content-type: application/json\r\n", bytes),
    };
    let length = body.len();
    let head = format!(
        "{method} {above}{path} HTTP/1.0\r\nhost: {host}\r\n{kind}content-length: {length}\r\n\r\n"
    );
    let request = [head.as_bytes(), body].concat();
    let addresses = host.to_socket_addrs();
    let addresses = addresses.map_err(|error| Silence::Broken(error.to_string()))?;
    let mut failed = String::from("no address found");
    // A name may stand for several addresses, and the node listens on one of them.
    for address in addresses {
        match connect(times, &address) {
            Ok(stream) => {
                let bytes = converse(times, stream, &request)?;
                return parse(&bytes).map_err(Silence::Broken);
            }
            Err(error) => failed = error.to_string(),
        }
    }
    Err(Silence::Broken(failed))
}

fn connect(times: Times, address: &SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, times.part)?;
    stream.set_read_timeout(Some(times.part))?;
    stream.set_write_timeout(Some(times.part))?;
    Ok(stream)
}

fn converse(times: Times, mut stream: TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    let until = Instant::now() + times.whole;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 << 10];
    loop {
        let length = stream.read(&mut part)?;
        if length == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&part[..length]);
        if bytes.len() > BYTES_MAX {
            return Err(io::Error::other("its answer is too long"));
        }
        if Instant::now() > until {
            return Err(io::Error::other("its answer takes too long"));
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Answer, String> {
    const END: &[u8] = b"\r\n\r\n";
    let strange = || String::from("its answer is no HTTP");
    let end = bytes.windows(END.len()).position(|window| window == END);
    let (head, body) = bytes.split_at(end.ok_or_else(strange)?);
    let head = std::str::from_utf8(head).map_err(|_| strange())?;
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|code| code.parse().ok());
    let status = status.ok_or_else(strange)?;
    let body = body[END.len()..].to_vec();
    // A connection that breaks ends like one that is closed.
    if content_length(head).is_some_and(|length| body.len() < length) {
        return Err("its answer breaks off".into());
    }
    Ok(Answer { status, body })
}

/// The JSON of an answer, if it is some, and has no more lists and members than any of a node.
pub(super) fn json(body: &[u8]) -> Option<Value> {
    let (lists, members) = shape(body);
    let is_small = lists <= ANSWER_LISTS_MAX && members <= ANSWER_MEMBERS_MAX;
    is_small.then(|| serde_json::from_slice(body).ok())?
}

/// How many lists and objects begin, and how many commas stand between members: what stands in a
/// text is its writer's, and costs what it is long.
fn shape(body: &[u8]) -> (usize, usize) {
    let (mut lists, mut members) = (0, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in body {
        match (in_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => lists += 1,
            (false, b',') => members += 1,
            _ => {}
        }
    }
    (lists, members)
}

fn content_length(head: &str) -> Option<usize> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four megabytes of empty objects took four hundred.
    #[test]
    fn an_answer_of_more_lists_or_members_than_any_of_a_node_is_not_read() {
        let list = |of: &str, count: usize| format!("[{}0]", format!("{of},").repeat(count));
        for (of, most) in [("{}", ANSWER_LISTS_MAX - 1), ("0", ANSWER_MEMBERS_MAX)] {
            assert!(json(list(of, most).as_bytes()).is_some(), "{of}");
            assert!(json(list(of, most + 1).as_bytes()).is_none(), "{of}");
        }
        assert_eq!(json(b"{"), None);
    }

    /// Thirty-six memos of braces made a block that no command could read.
    #[test]
    fn what_stands_in_a_text_is_no_list() {
        let memo = r#"{[,\"{\\"#.repeat(ANSWER_MEMBERS_MAX);
        let text = format!(r#"[{{"memo":"{memo}"}},0]"#);
        assert_eq!(shape(text.as_bytes()), (2, 1));
        assert!(json(text.as_bytes()).is_some_and(|said| said[1] == 0));
        assert_eq!(shape(br#"{"a":"\\","b":[1,{}]}"#), (3, 2));
    }

    #[test]
    fn half_an_answer_is_none() {
        for (body, whole) in [("", false), ("12", false), ("123", true)] {
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{body}");
            assert_eq!(parse(answer.as_bytes()).is_ok(), whole, "{body:?}");
        }
    }

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let answer = parse(b"HTTP/1.0 503 Busy\r\na: b\r\n\r\nnot ready\n").expect("HTTP");
        assert_eq!((answer.status, &*answer.text()), (503, "not ready\n"));
        let answer = parse(b"HTTP/1.0 200 OK\r\n\r\n\xff\x00\r\n\r\n").expect("HTTP");
        assert_eq!(
            (answer.status, &*answer.body),
            (200, &b"\xff\x00\r\n\r\n"[..])
        );
        for wrong in [
            "",
            "HTTP/1.1 200 OK",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    /// A node behind a reverse proxy was out of reach.
    #[test]
    fn what_is_asked_stands_behind_the_path_of_the_url() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let proxy = std::thread::spawn(move || {
            let asked = [(); 2].map(|()| {
                let (mut stream, _) = listener.accept().expect("somebody asks");
                let mut head = [0; 1024];
                let length = stream.read(&mut head).expect("a request");
                let answered = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nyes");
                answered.expect("it is still there");
                let text = String::from_utf8_lossy(&head[..length]).into_owned();
                text.lines().next().map(str::to_owned)
            });
            asked.map(Option::unwrap_or_default)
        });
        let url: Url = format!("http://{at}/some/path/").parse().expect("a URL");
        let answer = get(&url, "/status").expect("an answer");
        assert_eq!((answer.status, &*answer.text()), (200, "yes"));
        post(&url, "/", &Body::Json(b"{}")).expect("an answer");
        let asked = [
            "GET /some/path/status HTTP/1.0",
            "POST /some/path/ HTTP/1.0",
        ];
        assert_eq!(proxy.join().expect("it ended"), asked);
    }
}
