//! The ring: the newest events, within a number and a size, and who reaches back too far.
use super::happened::{BlockEvent, What};
use crate::limits::{EVENTS_BYTES_MAX, EVENTS_KEPT_MAX};
use lockstep_protocol::consensus::round_machine::Step;
use lockstep_protocol::types::{Height, Round};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;

/// There is nothing to tell from that number on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::rpc_gateway) enum OutOfReach {
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
    pub(in crate::rpc_gateway) fn code(self) -> &'static str {
        match self {
            OutOfReach::Gone { .. } => "events_gone",
            OutOfReach::Future { .. } => "event_in_future",
        }
    }

    pub(in crate::rpc_gateway) fn data(self) -> Value {
        match self {
            OutOfReach::Gone { oldest, .. } => json!({ "code": self.code(), "oldest_seq": oldest }),
            OutOfReach::Future { next, .. } => json!({ "code": self.code(), "next_seq": next }),
        }
    }
}

/// Something that is kept, and the number that it begins with.
#[derive(Debug)]
pub(super) struct Kept {
    first: u64,
    pub(super) what: What,
}

/// The newest events.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) kept: VecDeque<Kept>,
    pub(super) bytes: usize,
    /// The number of the next event.
    pub(super) next: u64,
    /// Blocks up to this height have been taken down.
    pub(super) height: Height,
    /// The round that was shown last.
    round: (Height, Round, Option<Step>),
}

impl Ring {
    /// Nothing has happened since `height`.
    pub(super) fn new(first: u64, height: Height) -> Ring {
        Ring {
            kept: VecDeque::new(),
            bytes: 0,
            next: first,
            height,
            round: (height.next(), Round::ZERO, None),
        }
    }

    /// What has this number, and the first number that it takes; `None` if it is the next event's.
    pub(super) fn at(&self, asked: u64) -> Result<Option<(u64, What)>, OutOfReach> {
        let next = self.next;
        let oldest = self.oldest();
        if asked < oldest {
            return Err(OutOfReach::Gone { asked, oldest });
        }
        if asked > next {
            return Err(OutOfReach::Future { asked, next });
        }
        let after = self.kept.partition_point(|kept| kept.first <= asked);
        let here = after.checked_sub(1).and_then(|index| self.kept.get(index));
        let here = here.filter(|_| asked < next);
        Ok(here.map(|kept| (kept.first, kept.what.clone())))
    }

    /// The newest first.
    pub(super) fn newest_blocks(&self, after: Height, limit: usize) -> Vec<Arc<BlockEvent>> {
        let blocks = self.kept.iter().rev().filter_map(|kept| match &kept.what {
            What::Block(block) => Some(block),
            What::Round { .. } => None,
        });
        let newer = blocks.take_while(|block| block.header.height > after);
        newer.take(limit).cloned().collect()
    }

    /// Takes down the round under way, if it is another one or another step of it.
    pub(super) fn enter(&mut self, height: Height, round: Round, step: Option<Step>) {
        let now = (height, round, step);
        if std::mem::replace(&mut self.round, now) != now {
            self.push(What::Round {
                height,
                round,
                step,
            });
        }
    }

    pub(super) fn push(&mut self, what: What) {
        let first = self.next;
        let numbers = what.numbers();
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
    pub(super) fn skip_to(&mut self, height: Height) {
        self.kept.clear();
        self.bytes = 0;
        self.next += 1;
        self.height = height;
    }

    pub(super) fn oldest(&self) -> u64 {
        self.kept.front().map_or(self.next, |kept| kept.first)
    }
}
