//! Doors for the fuzzer, which no normal package opens: the brains that meet anybody's bytes before a
//! handler does. A door says what has become of bytes; what should have, the fuzzer says.
use crate::rpc_gateway::frames_given;

/// What has become of bytes that came in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What they were, one by one.
    pub whole: Vec<Vec<u8>>,
    /// Why the rest is not read.
    pub refusal: Option<String>,
}

/// The frames of a WebSocket in pieces of these lengths: messages, `ping` and what it carries, `pong`.
/// And the most bytes that were held when more were asked for.
pub fn frames(bytes: &[u8], pieces: &[usize]) -> (Outcome, usize) {
    let given = frames_given(bytes, pieces);
    let outcome = Outcome {
        whole: given.whole(),
        refusal: given.refusal(),
    };
    (outcome, given.held)
}
