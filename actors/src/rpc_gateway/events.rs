//! What has happened, in order, for whoever wants to be told: each committed block, each receipt in
//! it and each new round has a number of its own, one more than the one before.
//!
//! One ring is shared by all readers. A reader only remembers the number that it wants next, so a
//! slow one costs nothing and delays nobody: when the ring has turned past its number, it is told
//! so and dropped. The ring outlives the RpcGateway's falls, not the process. Numbers begin with the
//! microseconds of the wall clock at the node's start, so that none of an earlier life means
//! anything else now.
use crate::limits::{EVENTS_BYTES_MAX, EVENTS_KEPT_MAX, EVENTS_MISSED_MAX};
use crate::state_store::{Store, StoreError};
use crate::view::{NewestBlock, NodeView, Snapshot};
use lockstep_protocol::block::{Header, SealedBlock};
use lockstep_protocol::consensus::round_machine::Step;
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::parameters::Parameters;
use lockstep_protocol::transaction::Action;
use lockstep_protocol::types::{Address, BlockId, Height, Round};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;

#[cfg(test)]
mod tests;

/// What a reader wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Each committed block.
    NewBlocks,
    /// Each receipt, or only those of transactions that this address sends or receives.
    Receipts(Option<Address>),
    /// Each round that begins and each step in it, as far as they last.
    Rounds,
    /// Each committed block in the form that Ethereum's tools know.
    NewHeads,
}

/// A committed block, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockEvent {
    pub(super) id: BlockId,
    pub(super) header: Header,
    /// Canonical bytes of the transactions together.
    pub(super) transaction_bytes: u64,
    /// One for each transaction.
    pub(super) receipts: Vec<ReceiptEvent>,
}

/// What became of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReceiptEvent {
    sender: Address,
    to: Option<Address>,
    receipt: Receipt,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Block(Arc<BlockEvent>),
    Round {
        height: Height,
        round: Round,
        step: Option<Step>,
    },
}

impl What {
    /// How many numbers it takes: a block one for itself and one for each receipt.
    fn numbers(&self) -> u64 {
        match self {
            What::Block(block) => 1 + block.receipts.len() as u64,
            What::Round { .. } => 1,
        }
    }

    fn bytes(&self) -> usize {
        let receipts = match self {
            What::Block(block) => block.receipts.len(),
            What::Round { .. } => 0,
        };
        // A failed receipt has a sentence.
        size_of::<BlockEvent>() + receipts * (size_of::<ReceiptEvent>() + 64)
    }
}

/// Something to tell: its number, its name, its content.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) seq: u64,
    pub(super) name: &'static str,
    pub(super) content: Value,
}

/// There is nothing to tell from that number on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OutOfReach {
    /// It is too old, or of an earlier life of the node.
    #[error(
        "event {asked} is not kept: the oldest here is {oldest}; read what you have missed by \
         height, and subscribe anew without from_seq"
    )]
    Gone {
        /// The number that was asked for.
        asked: u64,
        /// The oldest that is kept.
        oldest: u64,
    },
    /// It has not happened.
    #[error("event {asked} has not happened: the next one here is {next}")]
    Future {
        /// The number that was asked for.
        asked: u64,
        /// The number of the next event.
        next: u64,
    },
}

impl OutOfReach {
    pub(super) fn code(self) -> &'static str {
        match self {
            OutOfReach::Gone { .. } => "events_gone",
            OutOfReach::Future { .. } => "event_in_future",
        }
    }

    pub(super) fn data(self) -> Value {
        match self {
            OutOfReach::Gone { oldest, .. } => json!({ "code": self.code(), "oldest_seq": oldest }),
            OutOfReach::Future { next, .. } => json!({ "code": self.code(), "next_seq": next }),
        }
    }
}

#[derive(Debug)]
struct Kept {
    first: u64,
    what: What,
}

#[derive(Debug)]
struct Ring {
    kept: VecDeque<Kept>,
    bytes: usize,
    next: u64,
    height: Height,
    round: (Height, Round, Option<Step>),
}

impl Ring {
    fn push(&mut self, what: What) {
        let (first, numbers) = (self.next, what.numbers());
        self.bytes += what.bytes();
        self.kept.push_back(Kept { first, what });
        self.next += numbers;
        while self.kept.len() > EVENTS_KEPT_MAX || self.bytes > EVENTS_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.what.bytes();
        }
    }

    /// Blocks up to this height are never told. The numbers go on with one that nothing has, so
    /// that whoever waits for the next one hears that it has missed something.
    fn skip_to(&mut self, height: Height) {
        self.kept.clear();
        self.bytes = 0;
        self.next += 1;
        self.height = height;
    }

    fn oldest(&self) -> u64 {
        self.kept.front().map_or(self.next, |kept| kept.first)
    }
}

/// The events of one node.
#[derive(Debug)]
pub(crate) struct Events {
    ring: Mutex<Ring>,
    /// The number of the next event.
    next: watch::Sender<u64>,
    parameters: Parameters,
}

impl Events {
    /// Nothing has happened since `height` on a chain with these parameters; the first number is
    /// `first`.
    pub(crate) fn new(first: u64, height: Height, parameters: Parameters) -> Events {
        let ring = Ring {
            kept: VecDeque::new(),
            bytes: 0,
            next: first,
            height,
            round: (height.next(), Round::ZERO, None),
        };
        Events {
            ring: Mutex::new(ring),
            next: watch::Sender::new(first),
            parameters,
        }
    }

    /// Wakes whoever waits for the next event.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.next.subscribe()
    }

    /// The number of the next event.
    pub(super) fn next(&self) -> u64 {
        self.ring.lock().next
    }

    /// What `topics` have to tell from number `from` on, and the number to ask for next time. Looks
    /// at one entry of the ring at the most: then others have a turn.
    pub(super) fn since(
        &self,
        from: u64,
        wanted: &[Topic],
    ) -> Result<(Vec<Told>, u64), OutOfReach> {
        let (first, what) = {
            let ring = self.ring.lock();
            let (asked, next, oldest) = (from, ring.next, ring.oldest());
            if asked < oldest {
                return Err(OutOfReach::Gone { asked, oldest });
            }
            if asked > next {
                return Err(OutOfReach::Future { asked, next });
            }
            let after = ring.kept.partition_point(|kept| kept.first <= asked);
            let here = after.checked_sub(1).and_then(|index| ring.kept.get(index));
            match here.filter(|_| asked < next) {
                Some(kept) => (kept.first, kept.what.clone()),
                None => return Ok((Vec::new(), next)),
            }
        };
        let end = first + what.numbers();
        let mut told: Vec<Told> = wanted
            .iter()
            .flat_map(|topic| topic.tell(first, &what, &self.parameters))
            .collect();
        told.retain(|told| told.seq >= from);
        told.sort_by_key(|told| told.seq);
        Ok((told, end))
    }

    /// Takes down what the node shows of itself now. Blocks that were committed since the last time
    /// come one by one; of very many only the newest, and readers hear that others are missing. Only
    /// those that are not the newest any more are read back.
    pub(super) fn take_down(&self, view: &NodeView, store: &Store) -> Result<(), StoreError> {
        let Snapshot {
            head, round, step, ..
        } = view.snapshot();
        let mut ring = self.ring.lock();
        let earliest = Height(head.height.0.saturating_sub(EVENTS_MISSED_MAX));
        if ring.height < earliest {
            ring.skip_to(earliest);
        }
        let told = ring.height;
        drop(ring);
        for height in (told.0 + 1..=head.height.0).map(Height) {
            let event = if let Some(NewestBlock { block, receipts }) = view.newest(height) {
                BlockEvent::new(&block, &receipts)
            } else {
                let (block, receipts) = (store.block(height)?, store.receipts(height)?);
                let Some((block, receipts)) = block.zip(receipts) else {
                    break;
                };
                BlockEvent::new(&block, &receipts)
            };
            let mut ring = self.ring.lock();
            ring.push(What::Block(Arc::new(event)));
            ring.height = height;
        }
        let mut ring = self.ring.lock();
        let now = (head.height.next(), round, step);
        if std::mem::replace(&mut ring.round, now) != now {
            let (height, round, step) = now;
            ring.push(What::Round {
                height,
                round,
                step,
            });
        }
        let next = ring.next;
        drop(ring);
        self.next.send_if_modified(|shown| {
            let is_new = *shown != next;
            *shown = next;
            is_new
        });
        Ok(())
    }
}

impl BlockEvent {
    fn new(block: &SealedBlock, receipts: &[Receipt]) -> BlockEvent {
        let transactions = &block.block().transactions;
        let told = transactions.iter().zip(receipts);
        let told = told.map(|(transaction, receipt)| ReceiptEvent {
            sender: transaction.sender,
            to: receiver(&transaction.body.action),
            receipt: receipt.clone(),
        });
        BlockEvent {
            id: block.id(),
            header: block.header().clone(),
            transaction_bytes: super::json_rpc::bytes_of(transactions),
            receipts: told.collect(),
        }
    }
}

/// Whom an action pays.
pub(super) fn receiver(action: &Action) -> Option<Address> {
    match action {
        Action::Transfer { to, .. } => Some(*to),
        Action::Put { .. }
        | Action::Delete { .. }
        | Action::UpdateValidator { .. }
        | Action::DeclareReady => None,
    }
}

impl Topic {
    pub(super) fn name(self) -> &'static str {
        match self {
            Topic::NewBlocks => "newBlocks",
            Topic::Receipts(_) => "receipts",
            Topic::Rounds => "rounds",
            Topic::NewHeads => "newHeads",
        }
    }

    fn tell(self, first: u64, what: &What, parameters: &Parameters) -> Vec<Told> {
        let told = |seq, content| Told {
            seq,
            name: self.name(),
            content,
        };
        match (self, what) {
            (Topic::NewBlocks, What::Block(block)) => vec![told(first, block.to_json())],
            (Topic::NewHeads, What::Block(block)) => {
                vec![told(first, super::json_rpc::eth_head(block, parameters))]
            }
            (Topic::Receipts(whose), What::Block(block)) => {
                let receipts = block.receipts.iter().zip(first + 1..);
                let receipts = receipts.filter(|(receipt, _)| receipt.concerns(whose));
                let tell = |(receipt, seq): (&ReceiptEvent, u64)| {
                    told(seq, receipt.to_json(block.header.height, block.id))
                };
                receipts.map(tell).collect()
            }
            (
                Topic::Rounds,
                What::Round {
                    height,
                    round,
                    step,
                },
            ) => {
                let content = json!({ "height": height, "round": round, "step": step });
                vec![told(first, content)]
            }
            _ => Vec::new(),
        }
    }
}

impl BlockEvent {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "header": self.header,
            "transactions": self.receipts.len(),
        })
    }
}

impl ReceiptEvent {
    fn concerns(&self, whose: Option<Address>) -> bool {
        whose.is_none_or(|address| self.sender == address || self.to == Some(address))
    }

    fn to_json(&self, height: Height, block: BlockId) -> Value {
        let mut content = json!(self.receipt);
        content["height"] = json!(height);
        content["block_id"] = json!(block);
        content["sender"] = json!(self.sender);
        content["to"] = json!(self.to);
        content
    }
}
