//! From the bytes of a request to those of its answer, by the letter of the specification:
//! <https://www.jsonrpc.org/specification>. A request without an id is a notification: it is carried
//! out and not answered.
use super::caller::Caller;
use super::error::RpcError;
use super::method::Method;
use super::methods;
use super::params::Args;
use crate::http::answer_places::AnswerPlace;
use crate::limits::{RPC_ANSWER_BYTES_MAX, RPC_BATCH_MAX, SHORT_ANSWER_BYTES_MAX};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod given;

/// What goes back.
pub(in crate::rpc_gateway) struct Reply {
    pub(in crate::rpc_gateway) text: String,
    /// Kept until a long answer is written.
    pub(in crate::rpc_gateway) place: Option<AnswerPlace>,
}

/// One call as it stands in the request; what it carries is not read yet.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

/// An id that is null is there; an absent one makes a notification.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Carries out a request; `None` if nothing in it wants an answer.
pub(in crate::rpc_gateway) async fn answer(caller: &Caller, request: &[u8]) -> Option<Reply> {
    let text = text(caller, request).await;
    let place = caller.place.take();
    text.map(|text| Reply { text, place })
}

/// Who carries calls out.
trait Hands {
    async fn result(&self, method: &Method, args: Args) -> Result<Cow<'static, str>, RpcError>;

    /// Waits a moment for a place among the long answers.
    async fn take_place(&self) -> Result<(), RpcError>;
}

async fn text(hands: &impl Hands, request: &[u8]) -> Option<String> {
    match requests(request) {
        Ok(Requests::One(call)) => one(hands, call, &mut Room::default()).await,
        Ok(Requests::Batch(calls)) => batch(hands, &calls).await,
        Err(error) => Some(failure("null", &error)),
    }
}

enum Requests<'a> {
    One(&'a RawValue),
    Batch(Vec<&'a RawValue>),
}

fn requests(request: &[u8]) -> Result<Requests<'_>, RpcError> {
    let malformed = |error: serde_json::Error| RpcError::Malformed(error.to_string());
    let is_batch = request.trim_ascii_start().first() == Some(&b'[');
    if !is_batch {
        return Ok(Requests::One(
            serde_json::from_slice(request).map_err(malformed)?,
        ));
    }
    let calls: Vec<&RawValue> = serde_json::from_slice(request).map_err(malformed)?;
    match calls.len() {
        0 => Err(RpcError::EmptyBatch),
        1..=RPC_BATCH_MAX => Ok(Requests::Batch(calls)),
        _ => Err(RpcError::BatchTooLarge),
    }
}

/// What the answers of one request may still hold. What has been made and found no room counts, too: so
/// the work for an answer ends where the answer is full.
#[derive(Default)]
struct Room {
    written: usize,
    made: usize,
}

impl Room {
    fn is_full(&self) -> bool {
        self.made >= RPC_ANSWER_BYTES_MAX
    }

    /// Whether an answer of this length fits behind the others.
    fn takes(&mut self, length: usize) -> bool {
        self.made = self.made.saturating_add(length);
        self.written.saturating_add(length) <= RPC_ANSWER_BYTES_MAX
    }
}

async fn batch(hands: &impl Hands, calls: &[&RawValue]) -> Option<String> {
    let (mut all, mut room) = (String::new(), Room::default());
    for call in calls {
        room.written = all.len();
        if let Some(text) = one(hands, call, &mut room).await {
            all.push(if all.is_empty() { '[' } else { ',' });
            all.push_str(&text);
        }
        // Between two calls the rest of this thread has its turn: it votes.
        tokio::task::yield_now().await;
    }
    if all.is_empty() {
        return None;
    }
    all.push(']');
    Some(all)
}

/// Answers one call in as much room as there is, or says that there is none.
async fn one(hands: &impl Hands, call: &RawValue, room: &mut Room) -> Option<String> {
    let whole = call.get();
    // A list would be read as an object whose names are left out.
    let call: Call<'_> = match serde_json::from_str(whole)
        .ok()
        .filter(|_| whole.starts_with('{'))
    {
        Some(call) => call,
        None => {
            let sentence = "send an object with jsonrpc, id, method and params, each once";
            return Some(failure("null", &RpcError::InvalidRequest(sentence)));
        }
    };
    let name = match call.name() {
        Ok(name) => name,
        Err(error) => return Some(failure(call.echo(), &error)),
    };
    // One that wants no answer is carried out all the same, if it does anything: nobody would hear that
    // it was not.
    let outcome = match room.is_full() && call.id.is_some() {
        true => Err(RpcError::AnswerTooLarge),
        false => carry_out(hands, &name, &call).await,
    };
    let id = call.id?.get();
    let text = match outcome {
        Ok(result) => success(id, &result),
        Err(error) => return Some(failure(id, &error)),
    };
    if !room.takes(text.len()) {
        return Some(failure(id, &RpcError::AnswerTooLarge));
    }
    if room.written + text.len() > SHORT_ANSWER_BYTES_MAX
        && let Err(busy) = hands.take_place().await
    {
        return Some(failure(id, &busy));
    }
    Some(text)
}

impl Call<'_> {
    fn name(&self) -> Result<String, RpcError> {
        if self.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
            return Err(RpcError::InvalidRequest("jsonrpc must be \"2.0\""));
        }
        if self.id.is_some_and(|id| !is_id(id)) {
            return Err(RpcError::InvalidRequest("id is a text, a number or null"));
        }
        let params = self.params.map_or("null", RawValue::get);
        if !params.starts_with(['[', '{']) && params != "null" {
            return Err(RpcError::InvalidRequest("params is a list or an object"));
        }
        let name = self.method.map(RawValue::get).unwrap_or_default();
        serde_json::from_str(name).map_err(|_| RpcError::InvalidRequest("method is a text"))
    }

    /// What the answer to an invalid call names it by.
    fn echo(&self) -> &str {
        let id = self.id.filter(|id| is_id(id));
        id.map_or("null", RawValue::get)
    }
}

fn is_id(id: &RawValue) -> bool {
    let text = id.get();
    text == "null" || text.starts_with(['"', '-']) || text.starts_with(|c: char| c.is_ascii_digit())
}

async fn carry_out(
    hands: &impl Hands,
    name: &str,
    call: &Call<'_>,
) -> Result<Cow<'static, str>, RpcError> {
    let found = methods::all().find(|method| method.name == name);
    let unknown = || RpcError::UnknownMethod {
        name: name.chars().take(80).collect(),
    };
    let method = found.ok_or_else(unknown)?;
    if call.id.is_none() && !method.acts() {
        // Its result would count for no room, and a hundred of them would be read for nobody.
        return Ok("null".into());
    }
    let args = Args::read(method.params, call.params.map(RawValue::get))?;
    hands.result(method, args).await
}

impl Hands for Caller {
    async fn result(&self, method: &Method, args: Args) -> Result<Cow<'static, str>, RpcError> {
        if method.name == methods::DOCUMENT {
            return Ok(methods::document().into());
        }
        let result = (method.handler)(self, args).await?;
        Ok(result.to_string().into())
    }

    async fn take_place(&self) -> Result<(), RpcError> {
        Caller::take_place(self).await
    }
}

fn success(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn failure(id: &str, error: &RpcError) -> String {
    let error = error.to_json();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred readings without an id were no answer, so their work had no end: 11 KB were 2.6 s.
    #[test]
    fn what_only_reads_is_not_read_for_nobody() {
        let calls = |id: &str, method: &str, params: &str| {
            let call = format!(r#"{{"jsonrpc":"2.0"{id},"method":"{method}","params":{params}}}"#);
            let given = given::given(format!("[{call},{call}]").as_bytes(), 10);
            (given.calls, given.text.is_some())
        };
        assert_eq!(calls(r#","id":1"#, "eth_blockNumber", "[]"), (2, true));
        assert_eq!(calls("", "eth_blockNumber", "[]"), (0, false));
        assert_eq!(
            calls("", "lockstep_sendTransaction", r#"["0x00"]"#),
            (2, false)
        );
    }

    /// One that is missing here would not be carried out without an id.
    #[test]
    fn every_method_that_hands_in_or_ends_something_acts() {
        let begins = |method: &Method, words: &[&str]| {
            let (_, verb) = method.name.split_once('_').unwrap_or_default();
            words.iter().any(|word| verb.starts_with(word))
        };
        for method in methods::all() {
            let words = ["send", "uninstall", "subscribe", "unsubscribe"];
            assert_eq!(method.acts(), begins(method, &words), "{}", method.name);
        }
    }

    #[test]
    fn what_was_made_and_found_no_room_counts_until_nothing_more_is_made() {
        let mut room = Room::default();
        assert!(room.takes(RPC_ANSWER_BYTES_MAX - 10));
        room.written = RPC_ANSWER_BYTES_MAX - 10;
        assert!(!room.takes(11) && room.is_full());
        let mut room = Room::default();
        assert!(room.takes(10) && !room.is_full());
        room.written = 10;
        assert!(!room.takes(RPC_ANSWER_BYTES_MAX));
        assert!(room.is_full(), "in vain, but made");
    }
}
