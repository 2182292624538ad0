//! **Room: protocol.** Everything that two honest nodes must compute identically.
//!
//! Here live the wire nouns, their canonical bytes, the signatures, the consensus brains and the
//! ledger's brain. Nothing here reads a clock, opens a socket or a file, starts a thread or draws
//! a random number; nothing here imports actix. (One exception: `aws-lc-rs` draws its own randomness
//! while signing, as its standard asks; so the id of what is signed never covers its signature.)
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod block;
pub mod codec;
pub mod commit;
pub mod compact;
pub mod consensus;
pub mod crypto;
pub mod evidence;
pub mod genesis;
pub mod inclusion;
pub mod ledger;
pub mod light_client;
pub mod limits;
pub mod mempool;
pub mod merkle;
pub mod mutation;
pub mod parameters;
pub mod proposal;
pub mod pull;
pub mod quorum;
pub mod retention;
pub mod sign_bytes;
pub mod snapshot;
pub mod standing;
pub mod transaction;
pub mod types;
pub mod validator_schedule;
pub mod validator_set;
pub mod vote;
pub mod wire;
