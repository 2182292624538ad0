//! What actors say to each other, one file for each receiver.
//!
//! A sender knows messages and ports, never an actor. Each file ends with two tables. One names
//! the messages that are **told**, each with what it means that the receiver has no room for it.
//! The other names the messages that are **asked**, each with its answer: the asker hears that
//! there was no room, and says so to the peer or the person that it asks for (503).
//!
//! These files know `lockstep-protocol`, [`peers`](crate::peers) and each other.
use actix::Message;

/// What it means that the mailbox of the receiver is full. A mailbox that is closed means, for
/// every message, that the node is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// It is a broken invariant, and the sender falls: the mailboxes between consensus actors hold
    /// more than all validators can say in a round. An actor that was rebuilt asks anew for what it
    /// misses.
    Falls,
    /// The message is dropped, and counted as refused at the receiver: it will be told again, or
    /// somebody's patience ends.
    ToldAgain,
    /// The message is dropped and counted likewise, nobody tells it again, and the log has this
    /// sentence.
    Dropped(&'static str),
}

/// A message that is told: nobody waits for an answer.
pub(crate) trait Told: Message<Result = ()> + Send + 'static {
    /// What it means that there is no room for it.
    const WHEN_FULL: WhenFull;
}

/// Declares messages that are told, each with what it means that there is no room for it.
macro_rules! told {
    ($($message:ty => $when_full:expr),* $(,)?) => {$(
        impl actix::Message for $message {
            type Result = ();
        }

        impl super::Told for $message {
            const WHEN_FULL: super::WhenFull = $when_full;
        }
    )*};
}

/// Declares messages that are asked, each with its answer.
macro_rules! asked {
    ($($message:ty => $answer:ty),* $(,)?) => {$(
        impl actix::Message for $message {
            type Result = $answer;
        }
    )*};
}

pub(crate) mod announcements;
pub(crate) mod block_sync;
pub(crate) mod committer;
pub(crate) mod mempool;
pub(crate) mod peer_broadcaster;
pub(crate) mod proposer;
pub(crate) mod round_driver;
pub(crate) mod state_store;
pub(crate) mod vote_collector;
