//! The flight recorder: what this node did when, for each of the newest heights.
//!
//! Shells note here what their brains have said and what they have done about it; no brain knows of
//! it, and nothing is decided on it. It is one per node and outlives the falls of actors, as the
//! counters do. A note is a small value, and a height that is forgotten gives its room to the next:
//! once all are in use, nothing is allocated.
//!
//! Times are of the monotonic clock, from the first note of a height. That is nearly always that the
//! height began here; but a proposal of a faster node may be there before.
use crate::limits::{TIMELINE_NOTE_BYTES, TIMELINE_NOTES_MAX, TIMELINES_MAX};
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
    fn begin(height: Height, at: Instant, mut room: Vec<Entry>) -> Kept {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default().saturating_sub(at.elapsed());
        room.clear();
        Kept {
            height,
            began: at,
            began_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            entries: room,
            left_out: 0,
        }
    }

    /// Of a height that takes many rounds both ends are worth knowing: what came in the middle goes.
    fn put(&mut self, at: Instant, note: Note) {
        if self.entries.len() >= TIMELINE_NOTES_MAX {
            self.entries.remove(TIMELINE_NOTES_MAX / 2);
            self.left_out += 1;
        }
        let since = at.saturating_duration_since(self.began);
        self.entries.push(Entry {
            at_us: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            round: note.round,
            who: note.who,
            did: note.did,
            nil: note.nil,
        });
    }
}

/// The newest heights, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Timelines(Mutex<VecDeque<Kept>>);

impl Timelines {
    /// This has happened now.
    pub(crate) fn note(&self, note: Note) {
        self.note_at(Instant::now(), note);
    }

    /// This has happened then.
    pub(crate) fn note_at(&self, at: Instant, note: Note) {
        let mut all = self.0.lock();
        let mut place = all.partition_point(|kept| kept.height < note.height);
        if all.get(place).is_none_or(|kept| kept.height != note.height) {
            let is_full = all.len() >= TIMELINES_MAX;
            if is_full && place == 0 {
                // Older than all that is kept.
                return;
            }
            let oldest = is_full.then(|| all.pop_front()).flatten();
            place -= usize::from(is_full);
            let room = oldest.map_or_else(Vec::new, |kept| kept.entries);
            all.insert(place, Kept::begin(note.height, at, room));
        }
        all[place].put(at, note);
    }

    /// The block of this height is final here. One that nobody decided here came from a peer.
    pub(crate) fn committed(&self, height: Height, round: Round) {
        if !self.has_decided(height) {
            self.note(Note::new(Did::CaughtUp, height, round));
        }
    }

    fn has_decided(&self, height: Height) -> bool {
        let all = self.0.lock();
        let kept = all.iter().rev().find(|kept| kept.height == height);
        kept.is_some_and(|kept| kept.entries.iter().any(|entry| entry.did == Did::Decided))
    }

    /// What is kept of this height.
    pub(crate) fn of(&self, height: Height) -> Option<Timeline> {
        let all = self.0.lock();
        let kept = all.iter().rev().find(|kept| kept.height == height)?;
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
        drop(all);
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
