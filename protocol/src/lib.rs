//! **Room: protocol.** Everything that two honest nodes must compute identically.
//!
//! Here live the wire nouns, their canonical bytes, the signatures, the consensus brains and the
//! ledger's brain. Nothing here reads a clock, opens a socket or a file, starts a thread or draws
//! a random number; nothing here imports actix. (One exception: `aws-lc-rs` draws its own randomness
//! while signing, as its standard asks; so the id of what is signed never covers its signature.)
//!
//! To be read in this order. A module imports from those above it only:
//!
//! | Group | What it says |
//! |---|---|
//! | [`types`], [`limits`], [`codec`] | heights, hashes, addresses; how much of anything; canonical bytes |
//! | [`mutation`], [`budget`], `recent` | which guards a test can take away; what useless messages may cost; what is remembered for a while |
//! | [`crypto`] | signatures behind three traits; the Merkle tree of lists |
//! | [`validators`] | quorums, a set of validators, and which set decides which height |
//! | [`nouns`] | what is signed, sent and kept: transaction, vote, commit, block, proposal, evidence … |
//! | [`application`] | state machines of one's own: what they are told, and what they may do |
//! | [`ledger`] | which block is valid, and what it changes |
//! | [`mempool`] | which transactions wait for a block |
//! | [`proofs`] | what convinces who executes nothing: inclusion, light client, snapshot |
//! | [`consensus`] | who decides what, and when: from `round_machine` on |
//! | [`wire`] | the envelope around all that crosses a socket |
//!
//! The book (`docs/`) has a chapter for each.
//!
//! A transaction that is signed for one chain, and belongs to no other:
//!
//! ```
//! use lockstep_protocol::crypto::{self, SchemeId, Seed};
//! use lockstep_protocol::nouns::parameters::Parameters;
//! use lockstep_protocol::nouns::sign_bytes::SignContext;
//! use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
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
#![warn(clippy::wildcard_imports)]
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

// First, because those below use its macro.
#[macro_use]
pub mod mutation;

pub mod application;
pub mod budget;
pub mod codec;
pub mod consensus;
pub mod crypto;
pub mod ledger;
pub mod limits;
pub mod mempool;
pub mod nouns;
pub mod proofs;
mod recent;
pub mod types;
pub mod validators;
pub mod wire;
