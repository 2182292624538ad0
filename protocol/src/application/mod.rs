//! Applications: state machines of one's own beside transfers and records. An application is a Rust
//! value that reads and writes a namespace of its own in the chain's Merkle tree; the genesis names
//! it, and [`Action::Call`](crate::nouns::transaction::Action::Call) carries bytes to it.
//!
//! ```text
//! mod        Application: what somebody else writes; what it is told and what it answers
//! state      AppState and AppView: reads, writes and events, each against a budget of work
//! registry   Applications: which ones a build knows, and a chain names
//! guard      no panic of an application goes further than here
//! limits     what a call may do at the most
//! ```
//!
//! The whole of a node trusts an application as it trusts its own code: nothing bounds what it
//! computes between two operations on its state. What is bounded is what anybody may have it do, by
//! the bytes of a call: reads, writes, bytes and events. Whatever an application does must follow
//! from what it is given: no clock, no randomness, no file, no static that changes, no order of a
//! `HashMap`. `docs/applications.md` has the rules, and what happens to a node whose
//! application breaks one.
//!
//! Nothing here knows the ledger: it gives [`Below`], and takes what was written.
//!
//! ```
//! use lockstep_protocol::application::{
//!     AppState, AppView, Application, BlockContext, Call, Failed, QueryRefused, Refused,
//! };
//!
//! /// Counts calls.
//! struct Counter;
//!
//! impl Application for Counter {
//!     fn name(&self) -> &str {
//!         "counter"
//!     }
//!     fn version(&self) -> u32 {
//!         1
//!     }
//!     fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
//!         Ok(state.set(b"count", document)?)
//!     }
//!     fn check(&self, call: &[u8]) -> Result<(), Refused> {
//!         if call.is_empty() { Ok(()) } else { Err("a call has no data".into()) }
//!     }
//!     fn execute(
//!         &self,
//!         state: &mut AppState<'_>,
//!         _: &Call<'_>,
//!         _: &BlockContext,
//!     ) -> Result<(), Failed> {
//!         let count = state.get(b"count")?.unwrap_or_default();
//!         let count = count.first().map_or(Ok(1), |n| n.checked_add(1).ok_or(Failed::code(1)))?;
//!         state.set(b"count", &[count])?;
//!         Ok(state.emit("counted", &[count])?)
//!     }
//!     fn query(&self, view: &AppView<'_>, _: &str, _: &[u8]) -> Result<Vec<u8>, QueryRefused> {
//!         Ok(view.get(b"count")?.unwrap_or_default())
//!     }
//! }
//! ```
mod guard;
pub mod limits;
mod registry;
mod state;
#[cfg(test)]
mod tests;

pub use guard::Panicked;
pub use registry::{ApplicationError, Applications, Installed, is_name};
pub(crate) use state::state_key;
pub use state::{AppState, AppView, Below, Ending, StateKey, Stopped, Unreadable, Written};

use crate::types::{Address, ChainId, Hash, Height, Timestamp};
use limits::SENTENCE_BYTES_MAX;

/// A state machine of somebody's own.
///
/// Two nodes that are given the same must do the same: each function follows from its arguments, and
/// from nothing else.
pub trait Application: Send + Sync {
    /// Which one it is, for calls and for the genesis: 1 to 32 of `a-z 0-9 -`, a letter first.
    fn name(&self) -> &str;

    /// Raised with every change of what a call does: the genesis names it.
    fn version(&self) -> u32;

    /// Begins the state from the bytes that the genesis has for it. Events are told to nobody here.
    fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String>;

    /// What can be said of a call by its bytes alone. A call that is refused here never stands in a
    /// block, and a block that holds it is invalid: so it sees no state, on purpose, for what it said
    /// when a call began to wait must still be so when a block carries it. Whatever depends on the
    /// state is found by [`execute`](Self::execute), and fails there.
    fn check(&self, call: &[u8]) -> Result<(), Refused>;

    /// Does what a call says. One that fails leaves nothing behind, no write and no event; its sender
    /// has paid for it all the same.
    fn execute(
        &self,
        state: &mut AppState<'_>,
        call: &Call<'_>,
        block: &BlockContext,
    ) -> Result<(), Failed>;

    /// Answers a question about committed state. No other node need say the same, and nothing is
    /// proved: whoever wants a proof asks for the value under a key.
    fn query(&self, view: &AppView<'_>, path: &str, data: &[u8]) -> Result<Vec<u8>, QueryRefused>;
}

/// A call as its application sees it: signed by the sender, whose nonce and fee are in order.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Who has signed it.
    pub sender: Address,
    /// What it says.
    pub data: &'a [u8],
    /// The id of its transaction: no two calls of a chain share it.
    pub transaction: Hash,
}

/// The block that a call stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// The chain's number.
    pub chain_id: ChainId,
    /// The block's height.
    pub height: Height,
    /// The block's own time: later than that of the block before it, and no node's clock.
    pub time: Timestamp,
    /// Who has built it, and gets the fees.
    pub proposer: Address,
}

/// A sentence of an application, cut to one line's length: it goes to whoever has sent the call.
fn sentence(text: impl Into<String>) -> String {
    let mut text: String = text.into();
    let fits = |end: &usize| text.is_char_boundary(*end);
    if text.len() > SENTENCE_BYTES_MAX {
        let end = (0..=SENTENCE_BYTES_MAX).rev().find(fits);
        text.truncate(end.unwrap_or(0));
    }
    text
}

/// An application does not take these bytes for a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// From a sentence, of which one line's length is told.
macro_rules! of_sentence {
    ($($refusal:ident of $text:ty),*) => {
        $(impl From<$text> for $refusal {
            fn from(text: $text) -> $refusal {
                $refusal(sentence(text))
            }
        })*
    };
}
of_sentence!(Refused of &str, Refused of String, QueryRefused of &str, QueryRefused of String);

/// An application does not answer this question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QueryRefused(String);

impl From<Stopped> for QueryRefused {
    fn from(stopped: Stopped) -> QueryRefused {
        QueryRefused(stopped.to_string())
    }
}

/// A call could not do what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(Why);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Code(u32),
    Stopped,
}

impl Failed {
    /// For a reason that the application's own documents number.
    pub const fn code(code: u32) -> Failed {
        Failed(Why::Code(code))
    }
}

impl From<Stopped> for Failed {
    fn from(_: Stopped) -> Failed {
        Failed(Why::Stopped)
    }
}

impl From<Stopped> for String {
    fn from(stopped: Stopped) -> String {
        stopped.to_string()
    }
}
