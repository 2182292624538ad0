//! The consensus brains: Tendermint (Algorithm 1 of arXiv 1807.04938) with extensions E1–E12.
//!
//! Each brain is a plain value with `step(now, input) -> outputs`; an actor carries its messages,
//! the simulator interleaves them at random. The facts that brains tell each other are monotone
//! and idempotent: they may arrive twice, late, or in any order.
//!
//! | Brain | Actor | Owns |
//! |---|---|---|
//! | [`driver::Driver`] | RoundDriver | height, round, step, locks; the only signer |
//! | [`tally::Tally`] | VoteCollector | votes, quorums, equivocations |
//! | [`proposals::Proposals`] | Proposer | proposals of others and their verdicts |
//! | [`pull::Puller`] | RoundDriver | whom to ask for messages that this node lacks, and when |
//! | [`clocks::Clocks`] | – (links and pages) | how far the validators' clocks are apart |
//! | [`catch_up::CatchUp`] | BlockSync | whom to ask for blocks that this node lacks |
//! | [`committer::Committer`] | Committer | [`crate::ledger`], with the decided blocks that wait before it and [`evidence_pool`] beside it; second decisions; the [`trusted::TrustedBlock`] is asked before anything is written |
pub mod catch_up;
pub mod clocks;
pub mod committer;
pub mod driver;
pub mod durable;
pub mod evidence_pool;
pub mod facts;
pub mod proposals;
pub mod pull;
pub mod round_machine;
pub mod sign_guard;
pub mod tally;
#[cfg(test)]
pub(crate) mod testkit;
pub mod timeouts;
pub mod trusted;
