//! Who decides: power and quorums, one set of validators, and which set decides which height.
pub mod schedule;
pub mod set;
