//! Brings a signed transaction to a node and hears what becomes of it.
//!
//! Handing in the same bytes again is harmless: they have one id and one nonce, so the chain carries
//! them out at most once. So whatever may pass is tried again until the time is over, and an answer
//! that is lost costs nothing. Signing anew would take the next nonce, and pay twice.
use super::outcome::{Outcome, Stage};
use crate::cli::node::Node;
use crate::cli::receipt::{self, Found, NotInBlock};
use crate::cli::signals::{self, Asked};
use crate::failure::Failure;
use crate::output::shell;
use lockstep_protocol::types::{Hash, Height};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often to ask: far below the time between two blocks that people choose.
const ASK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Delivery<'a> {
    node: &'a Node,
    id: Hash,
    /// The canonical bytes.
    bytes: Vec<u8>,
    /// The node's newest block before it was handed in.
    head: Height,
    /// Somebody who does not wait any longer.
    stop: Receiver<Asked>,
    patience: Duration,
    until: Instant,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(
        node: &'a Node,
        head: Height,
        id: Hash,
        bytes: Vec<u8>,
        patience: Duration,
    ) -> Result<Delivery<'a>, Failure> {
        Ok(Delivery {
            node,
            id,
            bytes,
            head,
            stop: signals::hear(Asked::End)?,
            patience,
            until: Instant::now() + patience,
        })
    }

    /// Until it is time to ask again, unless somebody ends it: what is signed must still be named.
    fn pause(&self) -> Result<(), Failure> {
        match self.stop.recv_timeout(ASK_EVERY) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => Err(Failure::retry(
                "somebody ended the waiting, and it may still come to stand in a block",
            )),
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
            self.pause()?;
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
        let mut waits_for = None;
        loop {
            let mut trouble = match receipt::find(self.node, &self.id) {
                Ok(Found::InBlock(receipt)) => {
                    outcome.stage = Stage::InBlock(receipt);
                    return Ok(());
                }
                Ok(Found::Outside(outside)) => match outside.not_in_block() {
                    NotInBlock::Waits => {
                        waits_for = outside.waits_for();
                        None
                    }
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
                return Err(self.too_late(trouble, waits_for));
            }
            self.pause()?;
        }
    }

    fn too_late(&self, trouble: Option<Failure>, waits_for: Option<String>) -> Failure {
        let seconds = self.patience.as_secs();
        if let Some(failure) = trouble {
            return Failure::retry(format!(
                "it is not known to stand in a block after {seconds} s: {}",
                failure.message
            ));
        }
        let stands = self.node.status().is_ok_and(|now| now.height == self.head);
        let why = match waits_for {
            _ if stands => format!(
                "no block was made meanwhile; lockstep validators --rpc {} shows who is away",
                shell::word_of(&self.node.url.to_string())
            ),
            Some(why) => why,
            None => "it waits at the node, and no block has taken it yet".into(),
        };
        Failure::retry(format!("it stands in no block after {seconds} s: {why}"))
    }

    fn offer(&self) -> Result<(), Failure> {
        let answer = self.node.post("/transactions", &self.bytes)?;
        match answer.status {
            200..=299 => Ok(()),
            _ => Err(self.node.refusal(&answer)),
        }
    }
}
