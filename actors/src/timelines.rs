//! The flight recorder: what this node did when, for each of the newest heights.
//!
//! Shells note here what their brains have said and what they have done about it; no brain knows of
//! it, and nothing is decided on it. It is one per node and outlives the falls of actors, as the
//! counters do. A note is a small value; there is room for several at once, and the oldest heights go
//! when there are too many of either.
//!
//! Times are of the monotonic clock, from the first note of a height. That is nearly always that the
//! height began here; but a proposal of a faster node may be there before.
use crate::limits::{
    TIMELINE_NOTE_BYTES, TIMELINE_NOTES_MAX, TIMELINE_NOTES_ROOM, TIMELINES_MAX,
    TIMELINES_NOTES_MAX,
};
use lockstep_protocol::consensus::durable::{SignStep, SignedMessage};
use lockstep_protocol::nouns::proposal::Proposal;
use lockstep_protocol::nouns::vote::{Vote, VoteKind};
use lockstep_protocol::types::{Address, Height, Round};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What a node can have done, in the order of a height that goes well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Did {
    /// The height began here.
    Began,
    /// A round after the first began here.
    RoundBegan,
    /// A block of this node was built.
    ProposalBuilt,
    /// … its proposal was signed.
    ProposalSigned,
    /// … its signature was written.
    ProposalDurable,
    /// … it was given to the links.
    ProposalSent,
    /// A proposal of another node was read.
    ProposalReceived,
    /// … its signature was verified, and its block was whole.
    ProposalVerified,
    /// The ledger executed a block.
    Executed,
    /// A vote of this node, as its proposal.
    PrevoteSigned,
    /// …
    PrevoteDurable,
    /// …
    PrevoteSent,
    /// A vote of another node was verified and counted.
    PrevoteReceived,
    /// Prevotes of a quorum for one block.
    Polka,
    /// A vote of this node, as its proposal.
    PrecommitSigned,
    /// …
    PrecommitDurable,
    /// …
    PrecommitSent,
    /// A vote of another node was verified and counted.
    PrecommitReceived,
    /// A step had waited long enough.
    Timeout,
    /// Precommits of a quorum for one block, which is here.
    Decided,
    /// The block and all that follows from it were written.
    Stored,
    /// The block came from a peer that had decided it before.
    CaughtUp,
}

/// How far an own message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Signed,
    Durable,
    Sent,
}

impl Did {
    /// All of them.
    pub(crate) const ALL: [Did; 22] = [
        Did::Began,
        Did::RoundBegan,
        Did::ProposalBuilt,
        Did::ProposalSigned,
        Did::ProposalDurable,
        Did::ProposalSent,
        Did::ProposalReceived,
        Did::ProposalVerified,
        Did::Executed,
        Did::PrevoteSigned,
        Did::PrevoteDurable,
        Did::PrevoteSent,
        Did::PrevoteReceived,
        Did::Polka,
        Did::PrecommitSigned,
        Did::PrecommitDurable,
        Did::PrecommitSent,
        Did::PrecommitReceived,
        Did::Timeout,
        Did::Decided,
        Did::Stored,
        Did::CaughtUp,
    ];

    fn own(stage: Stage, step: SignStep) -> Did {
        match (step, stage) {
            (SignStep::Propose, Stage::Signed) => Did::ProposalSigned,
            (SignStep::Propose, Stage::Durable) => Did::ProposalDurable,
            (SignStep::Propose, Stage::Sent) => Did::ProposalSent,
            (SignStep::Prevote, Stage::Signed) => Did::PrevoteSigned,
            (SignStep::Prevote, Stage::Durable) => Did::PrevoteDurable,
            (SignStep::Prevote, Stage::Sent) => Did::PrevoteSent,
            (SignStep::Precommit, Stage::Signed) => Did::PrecommitSigned,
            (SignStep::Precommit, Stage::Durable) => Did::PrecommitDurable,
            (SignStep::Precommit, Stage::Sent) => Did::PrecommitSent,
        }
    }
}

/// What is noted: all but when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) did: Did,
    pub(crate) height: Height,
    pub(crate) round: Round,
    /// Whose message it is about; nobody's, if it is about this node alone.
    pub(crate) who: Option<Address>,
    /// Whether that is a vote for no block.
    pub(crate) nil: bool,
}

impl Note {
    pub(crate) fn new(did: Did, height: Height, round: Round) -> Note {
        Note {
            did,
            height,
            round,
            who: None,
            nil: false,
        }
    }

    pub(crate) fn proposal(did: Did, proposal: &Proposal) -> Note {
        Note {
            who: Some(proposal.proposer),
            ..Note::new(did, proposal.height, proposal.round)
        }
    }

    fn vote(did: Did, vote: &Vote) -> Note {
        Note {
            who: Some(vote.validator),
            nil: vote.block_id.is_none(),
            ..Note::new(did, vote.height, vote.round)
        }
    }

    /// A vote of another node.
    pub(crate) fn received(vote: &Vote) -> Note {
        let did = match vote.kind {
            VoteKind::Prevote => Did::PrevoteReceived,
            VoteKind::Precommit => Did::PrecommitReceived,
        };
        Note::vote(did, vote)
    }

    /// A vote of this node that is on its way.
    pub(crate) fn sent(vote: &Vote) -> Note {
        let step = match vote.kind {
            VoteKind::Prevote => SignStep::Prevote,
            VoteKind::Precommit => SignStep::Precommit,
        };
        Note::vote(Did::own(Stage::Sent, step), vote)
    }

    /// A message of this node.
    pub(crate) fn own(stage: Stage, message: &SignedMessage) -> Note {
        let did = Did::own(stage, message.position().2);
        match message {
            SignedMessage::Proposal(proposal) => Note::proposal(did, proposal),
            SignedMessage::Vote(signed) => Note::vote(did, &signed.vote),
        }
    }
}

/// A note of one height, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    at_us: u64,
    round: Round,
    who: Option<Address>,
    did: Did,
    nil: bool,
}

/// The limits count with it.
const _: () = assert!(size_of::<Entry>() <= TIMELINE_NOTE_BYTES);

#[derive(Debug)]
struct Kept {
    height: Height,
    began: Instant,
    began_ms: u64,
    entries: Vec<Entry>,
    left_out: u64,
}

impl Kept {
    fn begin(height: Height, at: Instant) -> Kept {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default().saturating_sub(at.elapsed());
        Kept {
            height,
            began: at,
            began_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            entries: Vec::with_capacity(TIMELINE_NOTES_ROOM),
            left_out: 0,
        }
    }

    /// Of a height that takes many rounds both ends are worth knowing: what came in the middle goes.
    /// Answers by how many notes there are more.
    fn put(&mut self, at: Instant, note: Note) -> usize {
        let is_full = self.entries.len() >= TIMELINE_NOTES_MAX;
        if is_full {
            self.entries.remove(TIMELINE_NOTES_MAX / 2);
            self.left_out += 1;
        } else if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(TIMELINE_NOTES_ROOM);
        }
        let since = at.saturating_duration_since(self.began);
        self.entries.push(Entry {
            at_us: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            round: note.round,
            who: note.who,
            did: note.did,
            nil: note.nil,
        });
        usize::from(!is_full)
    }
}

/// The newest heights, oldest first, and how many notes they have together.
#[derive(Debug, Default)]
struct Log {
    heights: VecDeque<Kept>,
    notes: usize,
}

impl Log {
    fn of(&self, height: Height) -> Option<&Kept> {
        self.heights.iter().rev().find(|kept| kept.height == height)
    }

    fn note(&mut self, at: Instant, note: Note) {
        let heights = &mut self.heights;
        // Nearly always the newest.
        let mut place = match heights.back() {
            Some(newest) if newest.height == note.height => heights.len() - 1,
            _ => heights.partition_point(|kept| kept.height < note.height),
        };
        if heights
            .get(place)
            .is_none_or(|kept| kept.height != note.height)
        {
            if heights.len() >= TIMELINES_MAX {
                // What is older than all that is kept is not noted.
                let Some(before) = place.checked_sub(1) else {
                    return;
                };
                place = before;
                self.forget_oldest();
            }
            self.heights.insert(place, Kept::begin(note.height, at));
        }
        self.notes += self.heights[place].put(at, note);
        while self.notes > TIMELINES_NOTES_MAX {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.heights.pop_front();
        let fewer = oldest.map_or(0, |kept| kept.entries.len());
        self.notes = self.notes.saturating_sub(fewer);
    }
}

/// What happened when, as all actors of a node note it.
#[derive(Debug, Default)]
pub(crate) struct Timelines(Mutex<Log>);

impl Timelines {
    /// This has happened now.
    pub(crate) fn note(&self, note: Note) {
        self.note_at(Instant::now(), note);
    }

    /// This has happened then.
    pub(crate) fn note_at(&self, at: Instant, note: Note) {
        self.0.lock().note(at, note);
    }

    /// The block of this height is final here. One that nobody decided here came from a peer.
    pub(crate) fn committed(&self, height: Height, round: Round) {
        if !self.has_decided(height) {
            self.note(Note::new(Did::CaughtUp, height, round));
        }
    }

    fn has_decided(&self, height: Height) -> bool {
        let log = self.0.lock();
        let is_decision = |entry: &Entry| entry.did == Did::Decided;
        let kept = log.of(height);
        kept.is_some_and(|kept| kept.entries.iter().any(is_decision))
    }

    /// What is kept of this height.
    pub(crate) fn of(&self, height: Height) -> Option<Timeline> {
        let log = self.0.lock();
        let kept = log.of(height)?;
        let entries = kept.entries.iter().map(|entry| TimelineEntry {
            what: entry.did,
            round: entry.round,
            who: entry.who,
            at_us: entry.at_us,
            nil: entry.nil,
        });
        let mut timeline = Timeline {
            height,
            began_ms: kept.began_ms,
            left_out: kept.left_out,
            entries: entries.collect(),
        };
        drop(log);
        // What was stamped when it came is noted when it is known what it was.
        timeline.entries.sort_by_key(|entry| entry.at_us);
        Some(timeline)
    }
}

/// One height, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Timeline {
    pub(crate) height: Height,
    /// The wall clock at the first note, in milliseconds since 1970.
    pub(crate) began_ms: u64,
    /// Notes from the middle that had no room.
    pub(crate) left_out: u64,
    /// In the order in which they happened.
    pub(crate) entries: Vec<TimelineEntry>,
}

/// One note, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TimelineEntry {
    pub(crate) what: Did,
    pub(crate) round: Round,
    pub(crate) who: Option<Address>,
    /// Microseconds since the first note.
    pub(crate) at_us: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) nil: bool,
}

#[cfg(test)]
mod tests;
