//! Doors for the fuzzer, which no normal package opens: the brains that meet anybody's bytes before a
//! handler does. A door says what has become of bytes; what should have, the fuzzer says.
use crate::http::connection as http;
use crate::rpc_gateway::{frames_given, request_given, request_split};

pub use crate::http::connection::{Answered, Library};

/// What has become of bytes that came in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What they were, one by one.
    pub whole: Vec<Vec<u8>>,
    /// What has gone on of one that is not whole yet.
    pub begun: Vec<u8>,
    /// Why the rest is not read.
    pub refusal: Option<String>,
}

/// The frames of a WebSocket in pieces of these lengths: messages, `ping` and what it carries, `pong`.
/// And the most bytes that were held when more were asked for.
pub fn frames(bytes: &[u8], pieces: &[usize]) -> (Outcome, usize) {
    let given = frames_given(bytes, pieces);
    let outcome = Outcome {
        whole: given.whole(),
        begun: Vec::new(),
        refusal: given.refusal(),
    };
    (outcome, given.held)
}

/// Requests one behind the other, in pieces of these lengths, as the HTTP library is given them. And
/// the most bytes that were held when more were asked for.
pub fn pipeline(bytes: &[u8], pieces: &[usize], answered: Answered) -> (Outcome, usize) {
    let given = http::given(bytes, pieces, answered);
    let outcome = Outcome {
        refusal: given.refusal(),
        whole: given.requests,
        begun: given.begun,
    };
    (outcome, given.held)
}

/// What the HTTP library makes of one request of a pipeline.
pub fn library(request: &[u8]) -> Library {
    http::library(request)
}

/// The calls of a JSON-RPC request, as they stand in it; or the word for what is wrong with it.
pub fn calls(request: &[u8]) -> Result<Vec<&str>, &'static str> {
    request_split(request)
}

/// The answer to a JSON-RPC request if the result of each call is a text of so many bytes; and how many
/// calls were carried out.
pub fn answer(request: &[u8], bytes: usize) -> (Option<String>, usize) {
    let given = request_given(request, bytes);
    (given.text, given.calls)
}
