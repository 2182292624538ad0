//! Room devnet.
pub mod simulation;
