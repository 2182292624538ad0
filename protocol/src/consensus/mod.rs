//! The consensus brains: Tendermint (Algorithm 1 of arXiv 1807.04938) with extensions E1–E10.
//!
//! Each brain is a plain value with `step(now, input) -> outputs`; an actor carries its messages,
//! the simulator interleaves them at random. The facts that brains tell each other are monotone
//! and idempotent: they may arrive twice, late, or in any order.
pub mod durable;
