//! Brings a signed transaction to a node and hears what becomes of it.
//!
//! Handing in the same bytes again is harmless: they have one id and one nonce, so the chain carries
//! them out at most once. So whatever may pass is tried again until the time is over, and an answer
//! that is lost costs nothing. Signing anew would take the next nonce, and pay twice.
use super::outcome::{Outcome, Stage};
use crate::cli::node::Node;
use crate::cli::receipt::{self, Found, NotInBlock};
use crate::failure::Failure;
use lockstep_protocol::types::Hash;
use std::time::{Duration, Instant};

/// How often to ask: far below the time between two blocks that people choose.
const ASK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Delivery<'a> {
    node: &'a Node,
    id: Hash,
    /// The canonical bytes.
    bytes: Vec<u8>,
    patience: Duration,
    until: Instant,
}

impl Delivery<'_> {
    pub(super) fn new(node: &Node, id: Hash, bytes: Vec<u8>, patience: Duration) -> Delivery<'_> {
        Delivery {
            node,
            id,
            bytes,
            patience,
            until: Instant::now() + patience,
        }
    }

    /// Until the node has taken it, or has refused it for good.
    pub(super) fn hand_in(&self, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut is_first = true;
        loop {
            let failure = match self.offer() {
                Ok(()) => {
                    outcome.stage = Stage::Pending;
                    return Ok(());
                }
                Err(failure) => failure,
            };
            if failure.may_be_retried() {
                if Instant::now() >= self.until {
                    return Err(failure);
                }
            } else if is_first {
                outcome.stage = Stage::Refused;
                return Err(failure);
            } else {
                return self.was_taken_before(outcome, failure);
            }
            is_first = false;
            std::thread::sleep(ASK_EVERY);
        }
    }

    /// Its nonce may be refused because the node took it the first time, and a block has it by now.
    fn was_taken_before(&self, outcome: &mut Outcome, failure: Failure) -> Result<(), Failure> {
        match receipt::find(self.node, &self.id) {
            Ok(Found::Outside(outside)) if outside.not_in_block() == NotInBlock::Unknown => {
                Err(failure)
            }
            Ok(_) => {
                outcome.stage = Stage::Pending;
                Ok(())
            }
            Err(_) => Err(failure),
        }
    }

    /// Until a block holds it, or none will.
    pub(super) fn wait(&self, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut was_refused = false;
        loop {
            let mut trouble = match receipt::find(self.node, &self.id) {
                Ok(Found::InBlock(receipt)) => {
                    outcome.stage = Stage::InBlock(receipt);
                    return Ok(());
                }
                Ok(Found::Outside(outside)) => match outside.not_in_block() {
                    NotInBlock::Waits => None,
                    NotInBlock::Over => {
                        let why = outside.sentence();
                        outcome.stage = Stage::Outside(outside);
                        return Err(Failure::retry(why));
                    }
                    // It has restarted: what waited is lost with its process.
                    NotInBlock::Unknown => self.offer().err(),
                },
                Err(failure) => Some(failure),
            };
            if let Some(failure) = trouble.take_if(|failure| !failure.may_be_retried()) {
                // Between the two questions a block may have carried it.
                if was_refused {
                    return Err(failure);
                }
                was_refused = true;
            }
            if Instant::now() >= self.until {
                return Err(self.too_late(trouble));
            }
            std::thread::sleep(ASK_EVERY);
        }
    }

    fn too_late(&self, trouble: Option<Failure>) -> Failure {
        let seconds = self.patience.as_secs();
        Failure::retry(match trouble {
            Some(failure) => format!(
                "it is not known to stand in a block after {seconds} s: {}",
                failure.message
            ),
            None => format!("it stands in no block after {seconds} s"),
        })
    }

    fn offer(&self) -> Result<(), Failure> {
        let answer = self.node.post("/transactions", &self.bytes)?;
        match answer.status {
            200..=299 => Ok(()),
            _ => Err(self.node.refusal(&answer)),
        }
    }
}
