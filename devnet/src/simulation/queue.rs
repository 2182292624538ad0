//! The virtual clock and what is going to happen. Events of the same instant keep the order in
//! which they were scheduled.
use super::brain::Brain;
use super::message::Payload;
use super::node::TimerMail;
use super::plan::Fault;
use std::collections::BTreeMap;
use std::fmt;

/// Something that happens at an instant of virtual time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A message arrives.
    Deliver {
        from: usize,
        to: usize,
        payload: Payload,
    },
    /// A timer of a brain fires; it means nothing to a later life of that brain.
    Timer {
        node: usize,
        brain: Brain,
        life: u32,
        mail: TimerMail,
    },
    /// A sync of the disk is over; it means nothing to a later life of the node.
    Synced { node: usize, life: u32 },
    /// A planned fault begins or ends.
    Fault(Fault),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Deliver { from, to, payload } => write!(f, "{from} -> {to}  {payload}"),
            Event::Timer {
                node, brain, mail, ..
            } => write!(f, "node {node}: {brain:?} timer {mail:?}"),
            Event::Synced { node, .. } => write!(f, "node {node}: disk synced"),
            Event::Fault(fault) => write!(f, "{fault:?}"),
        }
    }
}

/// Time, and the events to come.
#[derive(Default)]
pub(crate) struct Queue {
    now_us: u64,
    sequence: u64,
    /// By their instants, and in the order in which they were scheduled.
    events: BTreeMap<(u64, u64), Event>,
}

impl Queue {
    /// Microseconds since the world began.
    pub(crate) fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Something will happen after this many microseconds.
    pub(crate) fn after_us(&mut self, delay_us: u64, event: Event) {
        self.sequence += 1;
        let at = (self.now_us + delay_us, self.sequence);
        self.events.insert(at, event);
    }

    /// The next event; time moves on to it.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let ((at_us, _), event) = self.events.pop_first()?;
        self.now_us = at_us;
        Some(event)
    }
}
