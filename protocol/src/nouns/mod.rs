//! What nodes sign, send and keep: each noun with its canonical bytes, its checks, its id.
//!
//! ```text
//! parameters, genesis    what all nodes of a chain share from the start
//! sign_bytes             what a signature covers
//! transaction, receipt   what somebody wants, and what became of it
//! vote, commit           one validator's word, and that of more than two thirds
//! evidence               that a validator has broken the rules; which of them made a fork
//! block                  header and body; its id covers every byte
//! proposal, compact      the wish that a block be decided; the same, its transactions only named
//! decided                a block with the proof of its decision
//! pull, standing         what a node asks another for, and what it is told
//! ```
//!
//! Nothing here knows how nouns cross a socket: that is [`wire`](crate::wire).
pub mod block;
pub mod commit;
pub mod compact;
pub mod decided;
pub mod evidence;
pub mod genesis;
pub mod parameters;
pub mod proposal;
pub mod pull;
pub mod receipt;
pub mod sign_bytes;
pub mod standing;
pub mod transaction;
pub mod vote;
