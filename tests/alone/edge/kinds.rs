//! What the connections of a flood do. The routes are those that the node itself counts refusals
//! of: a new one is flooded without a word here, and one with a body needs its limit below.
use super::flood::{Then, Worst};
use lockstep_actors::limits::{
    BLOCK_ANSWERS_MAX, GOSSIP_BODIES_BYTES_MAX, PEER_CONNECTIONS_MAX, PUBLIC_CONNECTIONS_MAX,
    PULL_ANSWERS_MAX, RPC_ANSWER_BYTES_MAX, RPC_BATCH_MAX, RPC_BODIES_BYTES_MAX,
    RPC_REQUEST_BYTES_MAX, STREAM_QUEUE_BYTES_MAX, STREAMS_MAX, SYNC_ANSWERS_MAX,
};
use lockstep_protocol::codec;
use lockstep_protocol::limits::{
    BLOCK_BYTES_MAX, EVIDENCE_MESSAGE_BYTES_MAX, MISSING_BYTES_MAX, PROPOSAL_BYTES_MAX,
    PROPOSAL_HEAD_BYTES_MAX, PULL_BYTES_MAX, PULLED_BYTES_MAX, QUESTION_BYTES_MAX, SYNC_BYTES_MAX,
    TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX,
};
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::{PROTOCOL_VERSION, TRANSACTIONS_BYTES_MAX, Wire};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Of a pipeline.
const REQUESTS: usize = 100;
/// Strangers come from so many addresses: enough to fill the house of people.
const STRANGERS: u8 = 8;
/// What the kernel of an honest machine would wrap in as many packets.
const STREAMED_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Port {
    People,
    Peers,
}

/// One kind of flood at one listener.
pub(super) struct Kind {
    pub(super) name: String,
    pub(super) port: Port,
    pub(super) worst: Worst,
    /// What it may make the node hold beyond its connections, by the limits.
    pub(super) budget_bytes: usize,
}

impl Port {
    pub(super) fn name(self) -> &'static str {
        match self {
            Port::People => "people",
            Port::Peers => "peers",
        }
    }

    pub(super) fn connections_max(self) -> usize {
        match self {
            Port::People => PUBLIC_CONNECTIONS_MAX,
            Port::Peers => PEER_CONNECTIONS_MAX,
        }
    }
}

/// Whom it is for.
pub(super) struct Target {
    pub(super) people: SocketAddr,
    pub(super) peers: SocketAddr,
    pub(super) genesis: Hash,
    /// Under which the files of the page stand.
    pub(super) build: String,
}

impl Target {
    fn kind(&self, port: Port, name: &str, first: Vec<u8>, then: Then, budget: usize) -> Kind {
        // Who floods the peers sits where a peer sits: that fills their house.
        let (to, strangers) = match port {
            Port::People => (self.people, STRANGERS),
            Port::Peers => (self.peers, 0),
        };
        Kind {
            name: name.to_owned(),
            port,
            worst: Worst {
                to,
                strangers,
                first,
                then,
            },
            budget_bytes: budget,
        }
    }

    /// Each route of both listeners, as the page with the metrics has it: a body that is held, or a
    /// pipeline that is not read.
    pub(super) fn of_routes(&self, metrics: &str) -> Vec<Kind> {
        let routes = routes(metrics).into_iter();
        let kinds = routes.map(|((port, route), takes_body)| match takes_body {
            true => self.held(port, &route),
            false => self.unread(port, &route),
        });
        kinds.collect()
    }

    /// The costliest question that this route takes.
    fn filled(&self, route: &str) -> String {
        let zeros = |bytes: usize| format!("0x{}", "00".repeat(bytes));
        let file = if route.contains("/views/") {
            "lockstep.js"
        } else {
            "style.css"
        };
        let asked = match route {
            "/validators" => "/validators?recent=100",
            other => other,
        };
        asked
            .replace("{height}", "1")
            .replace("{address}", &zeros(20))
            .replace("{id}", &zeros(32))
            .replace("{key}", &zeros(1))
            .replace("{build}", &self.build)
            .replace("{file}", file)
    }

    fn unread(&self, port: Port, route: &str) -> Kind {
        let first = get(&self.filled(route)).repeat(REQUESTS);
        let budget = answers(route);
        self.kind(
            port,
            &format!("unread {route}"),
            first,
            Then::Unread,
            budget,
        )
    }

    /// The same, but the answers are read as fast as they come: what costs the node most.
    fn read(&self, route: &str) -> Kind {
        let path = self.filled(route);
        let last = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let first = [get(&path).repeat(REQUESTS - 1), last.into_bytes()].concat();
        self.kind(
            Port::People,
            &format!("read {route}"),
            first,
            Then::Read,
            answers(route),
        )
    }

    /// All of a body of the largest size but its last byte.
    fn held(&self, port: Port, route: &str) -> Kind {
        let (limit, sent, budget) = body(port, route);
        let what = match route {
            "/" => "json",
            _ => "octet-stream",
        };
        let head = format!(
            "POST {route} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/{what}\r\n\
             content-length: {limit}\r\n\r\n"
        );
        let mut body = PROTOCOL_VERSION.to_le_bytes().to_vec();
        body.extend(self.genesis.0);
        body.resize(sent - 1, 0);
        let first = [head.as_bytes(), &body].concat();
        self.kind(port, &format!("held {route}"), first, Then::Hold, budget)
    }

    /// What is no matter of one route.
    pub(super) fn others(&self) -> Vec<Kind> {
        let rpc = 2 * RPC_BODIES_BYTES_MAX + BLOCK_ANSWERS_MAX * RPC_ANSWER_BYTES_MAX;
        let streams = STREAMS_MAX * (STREAM_QUEUE_BYTES_MAX + RPC_REQUEST_BYTES_MAX);
        let people = |name, first, then, budget| self.kind(Port::People, name, first, then, budget);
        let mut kinds = vec![
            people("notifications", batch(false), Then::Again, rpc),
            people("calls unread", batch(true), Then::Again, rpc),
            people("frame of 2^62 bytes", endless_frame(), stream(), streams),
            people(
                "sip of a block",
                get("/blocks/latest"),
                Then::Sip,
                answers("/blocks/latest"),
            ),
            people("page unread", get("/").repeat(REQUESTS), Then::Unread, 0),
            people("sip of OpenAPI", get("/openapi.json"), Then::Sip, 0),
            people("sip of txpool", call("txpool_content"), Then::Sip, rpc),
            people(
                "sip of events",
                get("/events?from_seq=0"),
                Then::Sip,
                streams,
            ),
        ];
        let costly = ["/validators", "/light/accounts/{address}", "/blocks/latest"];
        kinds.extend(costly.map(|route| self.read(route)));
        for port in [Port::People, Port::Peers] {
            let bad = b"nonsense\r\n\r\n".to_vec();
            kinds.push(self.kind(port, "malformed heads", bad, Then::Read, 0));
            let endless = [
                b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ",
                &[b'x'; 16_000][..],
            ]
            .concat();
            kinds.push(self.kind(port, "heads without an end", endless, Then::Hold, 0));
        }
        let blocks = "/sync/blocks?from=1&limit=100";
        let sip = self.kind(
            Port::Peers,
            "sip of blocks",
            get(blocks),
            Then::Sip,
            answers("/sync/blocks"),
        );
        kinds.push(sip);
        let budget = 2 * GOSSIP_BODIES_BYTES_MAX;
        let gossip = self.gossip();
        kinds.push(self.kind(
            Port::Peers,
            "gossip of the shortest",
            gossip,
            Then::Again,
            budget,
        ));
        kinds
    }

    /// As many of the shortest transactions as there is room for: no key is needed to make them.
    fn gossip(&self) -> Vec<u8> {
        let shortest = Transaction {
            sender: Address([1; 20]),
            public_key: None,
            body: TransactionBody {
                nonce: 0,
                fee: 0,
                expires_at: Height(1),
                action: Action::Delete { key: Vec::new() },
            },
            signature: Signature(Vec::new()),
        };
        let shortest = codec::encode(&shortest);
        let many = (TRANSACTIONS_BYTES_MAX - 64) / shortest.len();
        let body = Wire::new(self.genesis).encode_transactions(&vec![shortest; many]);
        let head = format!(
            "POST /mempool/transactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: \
             application/octet-stream\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), &body].concat()
    }
}

/// Every route that the node counts refusals of, and whether it may find a body too large.
fn routes(metrics: &str) -> BTreeMap<(Port, String), bool> {
    let mut routes = BTreeMap::new();
    for line in metrics.lines() {
        let Some(labels) = line.strip_prefix("lockstep_requests_refused_total{") else {
            continue;
        };
        let label = |name: &str| {
            let start = labels.split(&format!("{name}=\"")).nth(1);
            start.and_then(|rest| rest.split('"').next())
        };
        let port = match label("kind") {
            Some("People") => Port::People,
            Some("Peers") => Port::Peers,
            other => panic!("a listener that nobody floods: {other:?}"),
        };
        let route = label("route").expect("a route");
        if route.starts_with('/') {
            let takes_body = routes.entry((port, route.to_owned())).or_insert(false);
            // No node of a devnet is flooded here: others refuse orders before they read a body.
            let is_order = route.starts_with("/devnet/");
            *takes_body |= label("status") == Some("413") && !is_order;
        }
    }
    assert!(routes.len() > 20, "{routes:?}");
    routes
}

/// The limit of a body; what can be sent of it without a key, and its budget.
fn body(port: Port, route: &str) -> (usize, usize, usize) {
    let whole = |limit| (limit, limit, 0);
    match (port, route) {
        (Port::People, "/") => (
            RPC_REQUEST_BYTES_MAX,
            RPC_REQUEST_BYTES_MAX,
            2 * RPC_BODIES_BYTES_MAX,
        ),
        (_, "/transactions") => whole(TRANSACTION_BYTES_MAX),
        (_, "/consensus/vote") => whole(VOTE_BYTES_MAX),
        (_, "/consensus/evidence") => whole(EVIDENCE_MESSAGE_BYTES_MAX),
        (_, "/consensus/transactions") => whole(MISSING_BYTES_MAX),
        (_, "/consensus/standing") => whole(QUESTION_BYTES_MAX),
        (_, "/consensus/pull") => whole(PULL_BYTES_MAX),
        // The proposer's signature stands in the head: without it no more is read.
        (_, "/consensus/proposal" | "/consensus/compact") => {
            (PROPOSAL_BYTES_MAX, PROPOSAL_HEAD_BYTES_MAX, 0)
        }
        (_, "/mempool/transactions") => (
            TRANSACTIONS_BYTES_MAX,
            TRANSACTIONS_BYTES_MAX,
            2 * GOSSIP_BODIES_BYTES_MAX,
        ),
        other => panic!("{other:?} takes a body: say here how large it may be"),
    }
}

/// What the answers of this route may hold beyond the piece of each connection.
fn answers(route: &str) -> usize {
    match route {
        "/blocks/latest" | "/blocks/{height}" => 4 * BLOCK_ANSWERS_MAX * BLOCK_BYTES_MAX,
        "/sync/blocks" => 2 * SYNC_ANSWERS_MAX * SYNC_BYTES_MAX,
        "/consensus/pull" => 2 * PULL_ANSWERS_MAX * PULLED_BYTES_MAX,
        "/events" | "/ws" => STREAMS_MAX * (STREAM_QUEUE_BYTES_MAX + RPC_REQUEST_BYTES_MAX),
        _ => 0,
    }
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn call(method: &str) -> Vec<u8> {
    post(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#
    ))
}

/// As many calls as one request may hold.
fn batch(wants_answers: bool) -> Vec<u8> {
    let id = if wants_answers { r#""id":1,"# } else { "" };
    let one = format!(r#"{{"jsonrpc":"2.0",{id}"method":"rpc.discover"}}"#);
    post(&format!("[{}]", vec![one; RPC_BATCH_MAX].join(",")))
}

/// A WebSocket, and the header of its first frame.
fn endless_frame() -> Vec<u8> {
    let upgrade = b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let length = (1_u64 << 62).to_be_bytes();
    [&upgrade[..], &[0x82, 0xff], &length, &[1, 2, 3, 4]].concat()
}

fn stream() -> Then {
    Then::Stream(vec![0; STREAMED_BYTES])
}
