//! What the tests of whole nodes share: a small HTTP/1.1 client, waits with a bound, and how to read
//! what a node says of itself.

use lockstep_devnet::Devnet;
use lockstep_protocol::types::{Address, Hash};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub mod chain;
pub mod foreign;
pub mod liar;
pub mod load;
pub mod open_metrics;
pub mod process;
pub mod proxy;
pub mod recorder;
pub mod rpc;
pub mod slow_reader;
pub mod target;
pub mod web_socket;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a node answered.
pub struct Answer {
    /// The number of the status line.
    pub status: u16,
    /// Everything before the body.
    pub head: String,
    /// As it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body, which has to be text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the answer is text")
    }

    /// The body, which has to be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// One kept-alive connection to a node.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Fails where nobody listens.
    pub fn open(url: &str) -> Connection {
        let address = url.strip_prefix("http://").expect("an http url");
        let stream = TcpStream::connect(address).expect("the node listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Connection(BufReader::new(stream))
    }

    /// Sends a request, and reads its answer.
    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}");
        let kind = b"\r\ncontent-type: application/octet-stream\r\n\r\n";
        self.send(&[head.as_bytes(), kind, body].concat());
        self.answer()
    }

    /// The same with a body that is said to be JSON.
    pub fn request_json(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        );
        self.send(&[head.as_bytes(), body].concat());
        self.answer()
    }

    /// Sends raw bytes. A node may answer and close before it has read them all.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.get_mut().write_all(bytes);
    }

    /// All that comes until the node closes: the head of the first answer, and what is behind it.
    pub fn rest(mut self) -> (String, Vec<u8>) {
        let mut all = Vec::new();
        self.0.read_to_end(&mut all).expect("it closes");
        let end = all.windows(4).position(|four| four == b"\r\n\r\n");
        let body = all.split_off(end.expect("a head") + 4);
        (String::from_utf8(all).expect("text"), body)
    }

    /// Reads one answer; an error if the node closed the connection instead.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().expect("a length"))
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body)?;
        let status = status.expect("a status line");
        Ok(Answer { status, head, body })
    }
}

/// As [`get`], of a node that may be down.
pub fn try_get(url: &str, path: &str) -> io::Result<Answer> {
    let address = url.strip_prefix("http://").expect("an http url");
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Connection(BufReader::new(stream)).request("GET", path, b"")
}

/// Asks over a connection of its own.
pub fn get(url: &str, path: &str) -> Answer {
    let answer = Connection::open(url).request("GET", path, b"");
    answer.unwrap_or_else(|error| panic!("GET {url}{path}: {error}"))
}

/// Sends this over a connection of its own.
pub fn post(url: &str, path: &str, body: &[u8]) -> Answer {
    let answer = Connection::open(url).request("POST", path, body);
    answer.unwrap_or_else(|error| panic!("POST {url}{path}: {error}"))
}

/// Asks a devnet for a block.
pub fn tick(url: &str) -> Answer {
    let answer = Connection::open(url).request_json("POST", "/devnet/tick", b"");
    answer.unwrap_or_else(|error| panic!("a tick at {url}: {error}"))
}

/// Looks again and again until there is something; fails after [`PATIENCE`].
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A page that is not answered to whoever asks too often, as tests that wait for something do.
pub fn page(url: &str, path: &str) -> Answer {
    eventually("a page", || {
        let answer = get(url, path);
        (answer.status != 429).then_some(answer)
    })
}

/// As [`page`], of a node whose actors fall: the connections of a gateway fall with it.
fn page_through_falls(url: &str, path: &str) -> Answer {
    eventually("a page", || {
        let answer = try_get(url, path).ok();
        answer.filter(|answer| answer.status != 429)
    })
}

/// The row of one actor on a node's actors page.
pub fn actor(url: &str, name: &str) -> Value {
    let page = page_through_falls(url, "/actors").json();
    let rows = page.as_array().expect("a list of actors");
    let row = rows.iter().find(|row| row["actor"] == name);
    row.unwrap_or_else(|| panic!("no actor {name} in {page}"))
        .clone()
}

/// Restarts of all actors of a node together.
pub fn restarts(url: &str) -> u64 {
    let page = page_through_falls(url, "/actors").json();
    let rows = page.as_array().expect("a list of actors").iter();
    rows.map(|row| row["restarts"].as_u64().expect("a count"))
        .sum()
}

/// The sum of a node's metric (its name without `lockstep_`) over all series whose labels contain `label`.
pub fn metric(url: &str, name: &str, label: &str) -> f64 {
    let text = page(url, "/metrics").text();
    let name = &format!("lockstep_{name}");
    let mut found = false;
    let values = text.lines().filter_map(|line| {
        let (series, value) = line.split_once("} ").or_else(|| line.split_once(' '))?;
        let (family, labels) = series.split_once('{').unwrap_or((series, ""));
        (family == name && labels.contains(label)).then(|| {
            found = true;
            value.parse::<f64>().expect("a value")
        })
    });
    let sum = values.sum();
    assert!(found, "no series {name} with {label:?}");
    sum
}

/// Nobody has seen anybody sign two things for one position.
pub fn assert_nobody_signed_twice(devnet: &Devnet, nodes: &[usize]) {
    let urls = devnet.urls();
    for url in nodes.iter().map(|node| &urls[*node]) {
        assert_eq!(metric(url, "evidence_total", ""), 0.0, "{url}");
        for family in ["votes_received_total", "proposals_received_total"] {
            let equivocations = metric(url, family, "result=\"equivocation\"");
            assert_eq!(equivocations, 0.0, "{family} at {url}");
        }
        assert_eq!(get(url, "/status").json()["halted"], Value::Null, "{url}");
    }
}

/// Until every node holds this transaction: it goes from one to the others in batches, and whoever's
/// turn it is can build a block of what it holds.
pub fn held_by_all(devnet: &Devnet, id: Hash) {
    eventually("all nodes hold it", || {
        let holds = |url: &String| {
            let page = get(url, "/mempool").json();
            let waiting = page["waiting"].as_array().expect("a list");
            waiting.iter().any(|row| row["id"] == id.to_string())
        };
        devnet.urls().iter().all(holds).then_some(())
    });
}

/// These nodes hold equal blocks and state roots at every height; returns the lowest head.
pub fn assert_same_chain(devnet: &Devnet, nodes: &[usize]) -> u64 {
    let heights = devnet.heights();
    let all = nodes.iter().map(|node| heights[*node].expect("it runs"));
    let lowest = all.min().expect("a node");
    for height in 1..=lowest {
        let mut blocks = nodes.iter().map(|node| {
            let found = devnet.block(*node, height).expect("it reads");
            let block = found.unwrap_or_else(|| panic!("node {node} has no block {height}"));
            (block.block.id(), block.block.header().state_root)
        });
        let first = blocks.next().expect("a node");
        assert!(blocks.all(|other| other == first), "a fork at {height}");
    }
    lowest
}

/// These nodes answer `GET /blocks/{h}` alike at every height that all of them have; returns the
/// last. It is all that an outsider can judge by.
pub fn same_chain(devnet: &Devnet, nodes: &[usize]) -> u64 {
    let (heights, urls) = (devnet.heights(), devnet.urls());
    let all = nodes.iter().map(|node| heights[*node].expect("it runs"));
    let lowest = all.min().expect("a node");
    let open = |node: &usize| (*node, Connection::open(&urls[*node]));
    let mut connections: Vec<(usize, Connection)> = nodes.iter().map(open).collect();
    for height in 1..=lowest {
        let mut first = None;
        for (node, connection) in &mut connections {
            let answer = connection.request("GET", &format!("/blocks/{height}"), b"");
            let answer = answer.unwrap_or_else(|error| panic!("node {node}: {error}"));
            assert_eq!(answer.status, 200, "node {node} has no block {height}");
            let mut block = answer.json();
            // Each certificate proves the block by a quorum of its own.
            block["commit"]["precommits"].take();
            block["commit"]["round"].take();
            let other = first.get_or_insert_with(|| block.clone());
            assert_eq!(*other, block, "a fork at {height}, seen by node {node}");
        }
    }
    lowest
}

/// Waits until each of these nodes has this many blocks more than the highest of them has now.
/// Returns how long that took.
pub fn grows_by(devnet: &Devnet, nodes: &[usize], blocks: u64, what: &str) -> Duration {
    let heights = devnet.heights();
    let highest = nodes.iter().filter_map(|node| heights[*node]).max();
    let wanted = highest.expect("a node runs") + blocks;
    let began = Instant::now();
    eventually(what, || {
        let heights = devnet.heights();
        let there = |node: &usize| heights[*node] >= Some(wanted);
        nodes.iter().all(there).then_some(())
    });
    began.elapsed()
}

/// No block comes while one looks, once what was under way at the call has come.
pub fn assert_stands_still(devnet: &Devnet) {
    let calm = Duration::from_secs(1);
    let mut since = (devnet.heights(), Instant::now());
    eventually("what was under way is over", || {
        let heights = devnet.heights();
        if heights != since.0 {
            since = (heights, Instant::now());
        }
        (since.1.elapsed() > calm).then_some(())
    });
    std::thread::sleep(calm * 2);
    assert_eq!(devnet.heights(), since.0, "no block comes");
}

/// Whether a validator built or precommitted a block from this height on, as node `witness` has it.
pub fn took_part(devnet: &Devnet, witness: usize, who: Address, from: u64) -> bool {
    let url = &devnet.urls()[witness];
    let head = devnet.heights()[witness].expect("the witness runs");
    (from..=head).any(|height| {
        let block = get(url, &format!("/blocks/{height}")).json();
        let who = Value::from(who.to_string());
        let precommits = block["commit"]["precommits"].as_array().expect("a list");
        block["header"]["proposer"] == who || precommits.iter().any(|p| p["validator"] == who)
    })
}
