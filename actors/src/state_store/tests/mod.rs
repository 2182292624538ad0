//! The store under a chain of four validators: see [`fixture`](crate::fixture).
mod accounts;
mod bad_input;
mod commits;
mod cost;
mod evidence_tables;
mod faults;
mod guarding;
mod history;
mod opening;
mod power_cut;
mod pruning;
mod rot;
mod signing;
mod snapshots;
mod verifying;
mod verifying_pruned;

use super::*;
use crate::fixture::{MAP_BYTES, World, address, opened, signer};
use lockstep_protocol::crypto::Scheme;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::ledger::{CommitBatch, Draft, Head, Ledger};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, VoteKind};
use lockstep_protocol::types::{Hash, Height, Round, Timestamp};
use tempfile::TempDir;
