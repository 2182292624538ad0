//! **Room: protocol.** Everything that two honest nodes must compute identically.
//!
//! Here live the wire nouns, their canonical bytes, the signatures, the consensus brains and the
//! ledger's brain. Nothing here reads a clock, opens a socket or a file, starts a thread or draws
//! a random number; nothing here imports actix. (One exception: `aws-lc-rs` draws its own randomness
//! while signing, as its standard asks; so the id of what is signed never covers its signature.)
//!
//! Read first: [`types`] and the nouns ([`block`], [`transaction`], [`proposal`], [`vote`], [`commit`]); then
//! [`consensus`], from `round_machine` on; then [`ledger`]. The book (`docs/`) has a chapter for each.
//!
//! A transaction that is signed for one chain, and belongs to no other:
//!
//! ```
//! use lockstep_protocol::crypto::{self, SchemeId, Seed};
//! use lockstep_protocol::parameters::Parameters;
//! use lockstep_protocol::sign_bytes::SignContext;
//! use lockstep_protocol::transaction::{Action, Transaction, TransactionBody};
//! use lockstep_protocol::types::{Address, ChainId, Hash, Height};
//!
//! let scheme = crypto::scheme(SchemeId::MlDsa65);
//! let signer = scheme.signer(&Seed([7; 32]))?;
//! let chain = SignContext { chain_id: ChainId(7), genesis_hash: Hash::of(&[b"a genesis"]) };
//! let body = TransactionBody {
//!     nonce: 0,
//!     fee: 0,
//!     expires_at: Height(1_000),
//!     action: Action::Transfer { to: Address([1; 20]), amount: 5, memo: String::new() },
//! };
//! let body = body.for_least_fee(&*signer, &Parameters::default());
//! let transaction = Transaction::sign(&*signer, &chain, body)?;
//!
//! let key = scheme.prepare(signer.public_key())?;
//! assert!(transaction.verify(&*key, &chain).is_ok());
//! let other = SignContext { chain_id: ChainId(8), ..chain };
//! assert!(transaction.verify(&*key, &other).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
