//! The brains that meet anybody's bytes before a handler does: frames of a WebSocket, requests one
//! behind the other, batches of calls. What each makes of them is held against another reading, and
//! must not depend on how the bytes are cut into pieces.
//!
//! Shared like `targets.rs`.
use crate::targets::Target;
use lockstep_actors::fuzzing::{self, Answered, Library, Outcome};
use lockstep_actors::limits::{
    HEAD_BYTES_MAX, RPC_ANSWER_BYTES_MAX, RPC_BATCH_MAX, RPC_REQUEST_BYTES_MAX,
};
use serde_json::Value;

/// The header of a frame is not longer.
const HEADER_BYTES_MAX: usize = 14;
/// What one answer to a call says besides its result and its id.
const ANSWER_BYTES_MAX: usize = 1_024;
/// A result of which one finds room in an answer, and two do not.
const LONG_RESULT_BYTES: usize = RPC_ANSWER_BYTES_MAX * 2 / 3;

/// All of them.
pub const BRAINS: [Target; 3] = [
    // Whoever announces a long message is given room for it.
    Target {
        name: "frames",
        limit: 2 * RPC_REQUEST_BYTES_MAX,
        at_once: 2 * RPC_REQUEST_BYTES_MAX,
        free: 2 * RPC_REQUEST_BYTES_MAX,
        times: 8,
        run: frames,
    },
    Target {
        name: "pipeline",
        limit: 4 * HEAD_BYTES_MAX,
        at_once: 8 * HEAD_BYTES_MAX,
        free: HEAD_BYTES_MAX,
        times: 8,
        run: pipeline,
    },
    // An answer as it grows, the results that it is made of, and what is read of it again.
    Target {
        name: "batch",
        limit: RPC_REQUEST_BYTES_MAX,
        at_once: 2 * RPC_ANSWER_BYTES_MAX,
        free: 6 * RPC_ANSWER_BYTES_MAX,
        times: 64,
        run: batch,
    },
];

/// Lengths of pieces that the bytes themselves choose, so that each input is always cut alike.
fn pieces(bytes: &[u8]) -> Vec<usize> {
    let mix = |state: u32, byte: &u8| (state ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let state = bytes.iter().fold(0x811c_9dc5, mix);
    let lengths = state.to_le_bytes();
    lengths.map(|byte| 1 + usize::from(byte) / 4).to_vec()
}

/// `GET /ws`, behind the upgrade.
pub fn frames(bytes: &[u8]) -> bool {
    let (whole, _) = fuzzing::frames(bytes, &[usize::MAX]);
    for pieces in [vec![1], pieces(bytes)] {
        let (cut, held) = fuzzing::frames(bytes, &pieces);
        assert_eq!(cut, whole, "the same in pieces of {pieces:?}");
        let held_max = RPC_REQUEST_BYTES_MAX + HEADER_BYTES_MAX;
        assert!(held <= held_max, "{held} bytes held");
    }
    let (messages, is_refused) = by_the_letter(bytes);
    assert_eq!(whole.whole, messages, "by RFC 6455");
    assert_eq!(whole.refusal.is_some(), is_refused, "{:?}", whole.refusal);
    !messages.is_empty()
}

/// The header of the frame that begins here (RFC 6455, section 5.2).
struct Header {
    is_last: bool,
    has_extension: bool,
    code: u8,
    is_masked: bool,
    /// Once it has come.
    length: Option<(u64, usize)>,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let first = *bytes.first()?;
    let second = *bytes.get(1)?;
    let number = |end: usize| {
        let digits = bytes.get(2..end)?.iter();
        let number = digits.fold(0, |all, byte| all << 8 | u64::from(*byte));
        Some((number, end))
    };
    Some(Header {
        is_last: first >= 0x80,
        has_extension: first & 0x70 != 0,
        code: first & 0x0f,
        is_masked: second >= 0x80,
        length: match second & 0x7f {
            126 => number(4),
            127 => number(10),
            short => Some((short.into(), 2)),
        },
    })
}

/// All messages that have come whole, and whether what follows ends the connection: it is wrong, too
/// long, or says so.
fn by_the_letter(mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut messages = Vec::new();
    let mut parts = None::<Vec<u8>>;
    while let Some(header) = header(bytes) {
        let is_control = header.code >= 8;
        let is_known = matches!(header.code, 0..=2 | 8..=10);
        if header.has_extension || !header.is_masked || !is_known {
            return (messages, true);
        }
        let Some((length, end)) = header.length else {
            return (messages, false);
        };
        let before = parts.as_ref().map_or(0, Vec::len);
        let room = if is_control {
            125
        } else {
            RPC_REQUEST_BYTES_MAX - before
        };
        // Before any of it has come.
        if length > room as u64 {
            return (messages, true);
        }
        let Some(payload) = bytes.get(end + 4..end + 4 + length as usize) else {
            return (messages, false);
        };
        let mask = bytes[end..end + 4].iter().cycle();
        let payload: Vec<u8> = payload
            .iter()
            .zip(mask)
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        bytes = &bytes[end + 4 + length as usize..];
        match header.code {
            8.. if !header.is_last => return (messages, true),
            8 => return (messages, true),
            9 => messages.push([b"ping", &payload[..]].concat()),
            10 => messages.push(b"pong".to_vec()),
            // A message goes on exactly if one has begun.
            code if (code == 0) != parts.is_some() => return (messages, true),
            _ => {
                let mut message = parts.take().unwrap_or_default();
                message.extend(payload);
                match header.is_last {
                    false => parts = Some(message),
                    true if std::str::from_utf8(&message).is_err() => return (messages, true),
                    true => messages.push(message),
                }
            }
        }
    }
    (messages, false)
}

/// What comes over one connection, before and between its answers.
pub fn pipeline(bytes: &[u8]) -> bool {
    let whole = requests(bytes, &[usize::MAX]);
    for pieces in [vec![1], pieces(bytes)] {
        let cut = requests(bytes, &pieces);
        assert_eq!(cut, whole, "the same in pieces of {pieces:?}");
    }
    let gone_on: usize = whole.whole.iter().map(Vec::len).sum();
    assert!(
        gone_on + whole.begun.len() <= bytes.len(),
        "nothing is added"
    );
    for request in &whole.whole {
        let library = fuzzing::library(request);
        let is_sound = matches!(library, Library::One | Library::Refuses);
        assert!(is_sound, "{library:?}: {}", request.escape_ascii());
    }
    let begun = fuzzing::library(&whole.begun);
    assert_ne!(begun, Library::GoesOn, "{}", whole.begun.escape_ascii());
    !whole.whole.is_empty()
}

/// The same whether a request is answered before it has come or after.
fn requests(bytes: &[u8], pieces: &[usize]) -> Outcome {
    let [late, early] = [Answered::Late, Answered::Early].map(|answered| {
        let (outcome, held) = fuzzing::pipeline(bytes, pieces, answered);
        assert!(held < HEAD_BYTES_MAX, "{held} bytes held");
        outcome
    });
    assert_eq!(early, late, "answered early in pieces of {pieces:?}");
    late
}

/// `POST /`, and a message over a WebSocket.
pub fn batch(bytes: &[u8]) -> bool {
    let calls = fuzzing::calls(bytes);
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    if let Some(value) = &value {
        split(&calls, value);
    }
    // Short results, and such as fill an answer.
    for result in [0, LONG_RESULT_BYTES] {
        let (text, carried_out) = fuzzing::answer(bytes, result);
        let count = calls.as_ref().map_or(0, Vec::len);
        assert!(carried_out <= count && count <= RPC_BATCH_MAX);
        let text = text.unwrap_or_default();
        let others = bytes.len() + (count + 1) * ANSWER_BYTES_MAX;
        let most = RPC_ANSWER_BYTES_MAX + others;
        assert!(text.len() <= most, "{} bytes answered", text.len());
        if let Some(value) = value.as_ref().filter(|_| calls.is_ok()) {
            answers(value, &text);
        }
        if carried_out == 0 {
            break;
        }
    }
    calls.is_ok()
}

/// The calls in a request.
fn elements(request: &Value) -> &[Value] {
    match request {
        Value::Array(calls) => calls,
        one => std::slice::from_ref(one),
    }
}

/// The calls are those of another reading.
fn split(calls: &Result<Vec<&str>, &str>, request: &Value) {
    let elements = elements(request);
    let expected = match elements.len() {
        0 => Err("empty_batch"),
        1..=RPC_BATCH_MAX => Ok(elements.to_vec()),
        _ => Err("batch_too_large"),
    };
    let read = |call: &&str| serde_json::from_str(call).expect("a call is a value");
    let calls = calls.as_ref().map(|calls| calls.iter().map(read).collect());
    assert_eq!(calls.map_err(|word| *word), expected, "by another reading");
}

/// Each call that is no notification has one answer, in a form that others read.
fn answers(request: &Value, text: &str) {
    let calls = elements(request);
    let has_no_id = |call: &&Value| {
        call.as_object()
            .is_some_and(|call| !call.contains_key("id"))
    };
    let notifications = calls.iter().filter(has_no_id).count();
    if text.is_empty() {
        assert_eq!(notifications, calls.len(), "all others are answered");
        return;
    }
    let answer: Value = serde_json::from_str(text).expect("an answer is a value");
    assert_eq!(answer.is_array(), request.is_array());
    let answers = elements(&answer);
    assert!(answers.len() <= calls.len() && answers.len() + notifications >= calls.len());
    for answer in answers {
        assert_eq!(answer["jsonrpc"], "2.0");
        let has = |name| usize::from(answer.get(name).is_some());
        assert_eq!(has("result") + has("error"), 1, "{answer}");
        let id = answer.get("id").expect("an id");
        let is_known = id.is_null() || calls.iter().any(|call| call.get("id") == Some(id));
        assert!(is_known, "{id}");
    }
}
