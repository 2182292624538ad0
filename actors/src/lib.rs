//! **Room: actors.** Thin shells that carry messages and effects between the brains.
//!
//! A file (or a folder) per actor, with the messages it handles. An actor owns one thing, knows
//! the others only as [`runtime::Port`]s named for what they do, and leaves every decision to its
//! brain in `lockstep-protocol`: a shell that grows past ~200 lines has its brain in the wrong
//! place.
//!
//! [`runtime`] is the floor they stand on: bounded ports, a measured context, supervision that
//! survives panics.
//!
//! May be imported here: `lockstep-protocol`, actix and its relatives, heed. May not: the rooms
//! built on this one (`devnet`, the command line).
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod runtime;
pub mod state_store;
