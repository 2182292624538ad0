//! A server that puts, wherever a text can stand, what moves a cursor, turns a line round or hides.
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A word of each kind, and a line that looks like the program's own.
pub const FOREIGN: &str = "a\u{1}\u{7}\u{8}\u{b}\t\r\u{1b}[2K\u{1b}]0;t\u{7}\u{7f}\u{85}\u{9b}2J\u{ad}\u{61c}\
    \u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\
    \u{202e}\u{2060}\u{2064}\u{2066}\u{2067}\u{2068}\u{2069}\u{206f}\u{feff}\u{fff9}\u{34f}\u{3164}\u{e0041}\n\
    Proved, whoever said it\n  balance       999999999999";

/// What no terminal may hear, but the end of a line: said here once more, apart from the program.
pub fn is_raw(c: char) -> bool {
    let ranges = [
        '\0'..='\u{1f}',
        '\u{7f}'..='\u{9f}',
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{61c}'..='\u{61c}',
        '\u{115f}'..='\u{1160}',
        '\u{180b}'..='\u{180f}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{3164}'..='\u{3164}',
        '\u{feff}'..='\u{feff}',
        '\u{ffa0}'..='\u{ffa0}',
        '\u{fff0}'..='\u{fffb}',
        '\u{e0000}'..='\u{e0fff}',
    ];
    c != '\n' && ranges.iter().any(|range| range.contains(&c))
}

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Every field that may be a text is the foreign one, where a program would not notice.
    Plausible,
    /// Also those that ought to be numbers, ids, words of a list.
    Absurd,
    /// What lists hold are words instead of objects.
    Wordy,
    /// Every number is the largest that there is.
    Vast,
    /// It knows no transaction.
    Forgetful,
    /// It refuses whatever comes after the first question.
    Refuses,
    /// It refuses everything, and may be asked again.
    Busy,
    /// What it says is no JSON.
    Babbles,
}

/// All of them.
pub const HABITS: [Habit; 8] = [
    Habit::Plausible,
    Habit::Absurd,
    Habit::Wordy,
    Habit::Vast,
    Habit::Forgetful,
    Habit::Refuses,
    Habit::Busy,
    Habit::Babbles,
];

/// Serves with this habit; returns where. Its threads end with the process.
pub fn serve(habit: Habit) -> String {
    let respond = move |path: &str, body: &[u8]| match (habit, path) {
        (Habit::Babbles, _) => (200, FOREIGN.as_bytes().to_vec()),
        (Habit::Busy, _) => (503, refusal().to_string().into_bytes()),
        (Habit::Refuses, "/") => (
            200,
            json!({ "error": rpc_error() }).to_string().into_bytes(),
        ),
        (Habit::Refuses, path) if path != "/status" => (400, refusal().to_string().into_bytes()),
        (_, "/readyz?verbose") => (503, format!("[-] {FOREIGN}\n[-] b").into_bytes()),
        _ => match page(habit, path, body) {
            Some(page) => (200, misshapen(habit, page).to_string().into_bytes()),
            None => (404, refusal().to_string().into_bytes()),
        },
    };
    serve_with(respond)
}

/// HTTP/1.0, whose words beside the status are foreign as well.
fn serve_with(respond: impl Fn(&str, &[u8]) -> (u16, Vec<u8>) + Copy + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // An error says that the other side has gone.
            let words = FOREIGN.replace(['\n', '\r'], "\u{1b}c");
            std::thread::spawn(move || answer(stream, &words, respond).is_err());
        }
    });
    url
}

/// Answers one request of HTTP/1.0, with these words beside the status.
pub fn answer(
    stream: TcpStream,
    words: &str,
    respond: impl Fn(&str, &[u8]) -> (u16, Vec<u8>),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let path = head.split(' ').nth(1).unwrap_or("").to_owned();
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let (status, body) = respond(&path, &body);
    let length = body.len();
    let head = format!("HTTP/1.0 {status} {words}\r\ncontent-length: {length}\r\n\r\n");
    let stream = reader.get_mut();
    stream.write_all(&[head.as_bytes(), &body].concat())
}

fn refusal() -> Value {
    json!({ "code": FOREIGN, "message": FOREIGN, FOREIGN: FOREIGN })
}

fn rpc_error() -> Value {
    json!({ "code": -32000, "message": FOREIGN, "data": FOREIGN })
}

fn id() -> String {
    format!("0x{}", "12".repeat(32))
}

fn address() -> String {
    format!("0x{}", "12".repeat(20))
}

/// A field that ought to be something else than a text.
fn field(habit: Habit, value: Value) -> Value {
    match habit {
        Habit::Absurd => json!(FOREIGN),
        _ => value,
    }
}

/// The same with other members of lists, or other numbers.
fn misshapen(habit: Habit, page: Value) -> Value {
    match (habit, page) {
        (Habit::Wordy, Value::Array(values)) => values.iter().map(|_| json!(FOREIGN)).collect(),
        (Habit::Vast, Value::Array(values)) => {
            values.into_iter().map(|it| misshapen(habit, it)).collect()
        }
        (Habit::Vast, Value::Number(_)) => json!(u64::MAX),
        (Habit::Wordy | Habit::Vast, Value::Object(fields)) => {
            // What no command goes on without.
            let is_fixed = |name: &str| ["protocol_version", "chain_id"].contains(&name);
            let fields = fields
                .into_iter()
                .map(|(name, value)| match is_fixed(&name) {
                    true => (name, value),
                    false => (name, misshapen(habit, value)),
                });
            fields.collect()
        }
        (_, page) => page,
    }
}

fn page(habit: Habit, path: &str, body: &[u8]) -> Option<Value> {
    let of = |value: Value| field(habit, value);
    let (route, _) = path[1..].split_once(['/', '?']).unwrap_or((&path[1..], ""));
    Some(match route {
        "status" => status(),
        "accounts" => json!({ "address": of(json!(address())), "balance": of(json!("1000000000")),
            "nonce": of(json!(3)), "next_nonce": of(json!(3)), FOREIGN: FOREIGN }),
        "blocks" => block(habit),
        "records" => json!({ "value": hex(FOREIGN), "height": FOREIGN, FOREIGN: [FOREIGN] }),
        "transactions" => json!({ "status": FOREIGN, "id": FOREIGN }),
        "validators" => validators(habit),
        "heights" => timeline(habit),
        "devnet" => {
            json!({ "pace_ms": of(json!(1_000)), "groups": [[0], [FOREIGN]], FOREIGN: FOREIGN,
            "nodes": [{ "index": of(json!(0)), "validator": FOREIGN, "url": FOREIGN, "state": FOREIGN,
                "reason": FOREIGN, "since_ms": of(json!(1)) }] })
        }
        "" => {
            let asked: Value = serde_json::from_slice(body).unwrap_or_default();
            json!({ "jsonrpc": "2.0", "id": 1, "result": transaction(habit, &asked["params"][0]) })
        }
        _ => return None,
    })
}

fn validators(habit: Habit) -> Value {
    let of = |value: u64| field(habit, json!(value));
    let row = || {
        json!({ "address": address(), "power": 9, "public_key": FOREIGN, "turns": of(5),
            "failed_turns": of(2), "certificates": of(7),
            "last_proposed": { "height": of(9), "time": of(1) } })
    };
    json!({ "height": of(9), "total_power": 9, "validators": [row(), row()], FOREIGN: FOREIGN,
        "recent": { "from_height": of(1), "to_height": of(9), "blocks": of(9) } })
}

fn timeline(habit: Habit) -> Value {
    let of = |value: u64| field(habit, json!(value));
    let entry = |what: &str, round: u64| json!({ "what": what, "round": of(round), "who": address(), "at_us": of(7), "nil": true });
    let entries = [
        entry("began", 0),
        entry("proposal_received", 1),
        entry(FOREIGN, 2),
    ];
    json!({ "height": of(1), "validator": address(), "began_ms": of(1), "left_out": of(1),
        "entries": entries, FOREIGN: FOREIGN })
}

fn status() -> Value {
    let peer = json!({ "address": FOREIGN, "url": FOREIGN, "refused": FOREIGN });
    let other = json!({ "address": FOREIGN, "url": FOREIGN, "reachable": true, "height": FOREIGN });
    json!({
        "chain_id": 1337, "genesis_hash": id(), "scheme": "ml-dsa-65", "height": 9,
        "protocol_version": PROTOCOL_VERSION, "parameters": { "fee_per_byte": 1 },
        "validator": FOREIGN, "version": FOREIGN, "latest_block_hash": FOREIGN, "round": FOREIGN,
        "earliest_height": FOREIGN, "step": FOREIGN, "catching_up": true, "clock": FOREIGN,
        "peers": [peer, other], FOREIGN: { FOREIGN: FOREIGN },
    })
}

fn block(habit: Habit) -> Value {
    let of = |value: Value| field(habit, value);
    let action =
        |kind: &str| json!({ "kind": kind, "amount": FOREIGN, "to": FOREIGN, "key": hex(FOREIGN) });
    let transaction = |kind: &str| json!({ "id": FOREIGN, "sender": FOREIGN, "body": { "action": action(kind) } });
    json!({
        "id": FOREIGN,
        "header": { "height": FOREIGN, "previous_block": FOREIGN, "time": of(json!(7)),
            "proposer": FOREIGN, "state_root": FOREIGN },
        "commit": { "round": FOREIGN, "precommits": of(json!([FOREIGN])) },
        "transactions": [transaction("transfer"), transaction("put"), transaction(FOREIGN)],
    })
}

fn transaction(habit: Habit, id: &Value) -> Value {
    match habit {
        Habit::Forgetful => json!({ "status": "dropped", "code": FOREIGN, "by": FOREIGN,
            "expires_at": FOREIGN, "earliest_height": FOREIGN, "ready": FOREIGN }),
        Habit::Absurd => json!({ "status": FOREIGN, "earliest_height": FOREIGN }),
        _ => json!({ "status": FOREIGN, "receipt": { "transaction": id, "status": FOREIGN,
            "code": FOREIGN, "sentence": FOREIGN, "fee": "1", "bytes": 1, "height": 9, "index": 0,
            FOREIGN: FOREIGN } }),
    }
}

fn hex(text: &str) -> String {
    let digits = text.bytes().map(|byte| format!("{byte:02x}"));
    format!("0x{}", digits.collect::<String>())
}
