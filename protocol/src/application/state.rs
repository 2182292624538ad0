//! What an application sees of its state, and what it may do to it: reads, writes and events, each
//! against a budget of work. Nothing that an application can name leaves its own namespace: the key
//! in the tree is the hash of the application's name and of the key.
use super::limits::{
    BYTE_WORK, CALL_WORK_MAX, EVENT_DATA_BYTES_MAX, EVENT_WORK, EVENTS_BYTES_MAX, EVENTS_MAX,
    GENESIS_WORK_MAX, QUERY_WORK_MAX, READ_WORK, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX,
    WRITE_WORK,
};
use super::{Failed, Why, is_name};
use crate::codec;
use crate::nouns::receipt::{Event, FailureCode};
use crate::types::{Hash, Height};
use std::cell::Cell;
use std::collections::BTreeMap;

/// Where a value of an application stands in the tree.
pub type StateKey = [u8; 32];

/// The key in the tree of `key` in the namespace of the application `name`.
pub(crate) fn state_key(name: &str, key: &[u8]) -> StateKey {
    let place = codec::encode(&(name, key));
    Hash::of(&[b"lockstep/application/v1", &place]).0
}

/// The state below could not be read; whoever gave [`Below`] knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The state that an application's operations go to, by the keys of the tree.
pub trait Below {
    /// The value under `key`, if there is one.
    fn value(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Unreadable>;
}

/// An operation was not done, and no further one will be: the call has failed, whatever the
/// application makes of this. `?` carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// All work that a call may do is done.
    #[error("its budget of work is gone: do less in one call")]
    Work,
    /// A key, a value or an event is longer than one may be, or there are too many events.
    #[error("a key, a value or an event is beyond its limit: do less in one call")]
    Limit,
    /// The node cannot read its own state.
    #[error("the state cannot be read")]
    Unreadable,
}

/// What remains of a budget, and what has ended it.
#[derive(Debug)]
struct Budget {
    left: Cell<u64>,
    stopped: Cell<Option<Stopped>>,
}

impl Budget {
    fn of(work: u64) -> Budget {
        Budget {
            left: Cell::new(work),
            stopped: Cell::new(None),
        }
    }

    fn stop<T>(&self, why: Stopped) -> Result<T, Stopped> {
        self.stopped.set(Some(self.stopped.get().unwrap_or(why)));
        Err(why)
    }

    fn spend(&self, work: u64) -> Result<(), Stopped> {
        if let Some(why) = self.stopped.get() {
            return Err(why);
        }
        match self.left.get().checked_sub(work) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => self.stop(Stopped::Work),
        }
    }

    /// The same for an operation on so many bytes.
    fn spend_on(&self, work: u64, bytes: usize) -> Result<(), Stopped> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.spend(work.saturating_add(bytes.saturating_mul(BYTE_WORK)))
    }

    /// Refuses what is beyond a limit of its own, whatever work is left.
    fn demand(&self, fits: bool) -> Result<(), Stopped> {
        if fits {
            return Ok(());
        }
        self.stop(Stopped::Limit)
    }

    fn demand_key(&self, key: &[u8]) -> Result<(), Stopped> {
        self.demand((1..=STATE_KEY_BYTES_MAX).contains(&key.len()))
    }

    fn read(
        &self,
        below: &dyn Below,
        (application, key): (&str, &[u8]),
    ) -> Result<Option<Vec<u8>>, Stopped> {
        let found = below.value(&state_key(application, key));
        let found = found.or_else(|Unreadable| self.stop(Stopped::Unreadable))?;
        self.spend_on(0, found.as_ref().map_or(0, Vec::len))?;
        Ok(found)
    }
}

/// What a call has written: each key of the application, and the new value or that it is removed.
pub type Written = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did this.
    Done(Written, Vec<Event>),
    /// It failed, and what it had written until then is to be forgotten.
    Failed(FailureCode, Written),
    /// The node cannot read its own state: nothing is said of the call.
    Unreadable,
}

/// The state of one application, for one call.
///
/// Each operation costs work (`application/limits.rs`). Once it is gone, or something is beyond a
/// limit, every further operation answers an error, and the call fails.
pub struct AppState<'a> {
    application: &'a str,
    below: &'a dyn Below,
    budget: Budget,
    written: Written,
    events: Vec<Event>,
    event_bytes: usize,
}

impl<'a> AppState<'a> {
    /// For one call.
    pub(super) fn of_call(application: &'a str, below: &'a dyn Below) -> AppState<'a> {
        AppState::new(application, below, CALL_WORK_MAX)
    }

    /// For the genesis.
    pub(super) fn of_genesis(application: &'a str, below: &'a dyn Below) -> AppState<'a> {
        AppState::new(application, below, GENESIS_WORK_MAX)
    }

    fn new(application: &'a str, below: &'a dyn Below, work: u64) -> AppState<'a> {
        AppState {
            application,
            below,
            budget: Budget::of(work),
            written: BTreeMap::new(),
            events: Vec::new(),
            event_bytes: 0,
        }
    }

    /// The value under `key`, as this call has left it.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Stopped> {
        let key = key.as_ref();
        self.budget.demand_key(key)?;
        self.budget.spend_on(READ_WORK, key.len())?;
        match self.written.get(key) {
            Some(value) => {
                let bytes = value.as_ref().map_or(0, Vec::len);
                self.budget.spend_on(0, bytes)?;
                Ok(value.clone())
            }
            None => self.budget.read(self.below, (self.application, key)),
        }
    }

    /// Writes `value` under `key`, or over what stands there. A value of no bytes is none: it
    /// removes the key.
    pub fn set(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Stopped> {
        let value = value.as_ref();
        let value = (!value.is_empty()).then(|| value.to_vec());
        self.write(key.as_ref(), value)
    }

    /// Removes `key`, whether anything stands there or not.
    pub fn remove(&mut self, key: impl AsRef<[u8]>) -> Result<(), Stopped> {
        self.write(key.as_ref(), None)
    }

    fn write(&mut self, key: &[u8], value: Option<Vec<u8>>) -> Result<(), Stopped> {
        let bytes = value.as_ref().map_or(0, Vec::len);
        self.budget.demand_key(key)?;
        self.budget.demand(bytes <= STATE_VALUE_BYTES_MAX)?;
        let bytes = bytes.saturating_add(key.len());
        self.budget.spend_on(WRITE_WORK, bytes)?;
        self.written.insert(key.to_vec(), value);
        Ok(())
    }

    /// Tells whoever reads the receipt. `event` is named as applications are.
    pub fn emit(&mut self, event: &str, data: impl AsRef<[u8]>) -> Result<(), Stopped> {
        const LENGTHS_BYTES: usize = 8;
        let data = data.as_ref();
        let bytes = event.len().saturating_add(data.len());
        let all = self.event_bytes.saturating_add(bytes);
        let all = all.saturating_add(LENGTHS_BYTES);
        let fits = data.len() <= EVENT_DATA_BYTES_MAX && self.events.len() < EVENTS_MAX;
        self.budget.demand(is_name(event) && fits)?;
        self.budget.demand(all <= EVENTS_BYTES_MAX)?;
        self.budget.spend_on(EVENT_WORK, bytes)?;
        self.event_bytes = all;
        self.events.push(Event {
            name: event.into(),
            data: data.to_vec(),
        });
        Ok(())
    }

    /// Spends work on what the application computes between its operations, in units of about a
    /// tenth of a microsecond: what nobody else counts.
    pub fn spend(&mut self, work: u64) -> Result<(), Stopped> {
        self.budget.spend(work)
    }

    /// How the call ended that `answer` was the answer to. What has stopped it counts, and not what
    /// the application made of that.
    pub(super) fn end(self, answer: Result<(), Failed>) -> Ending {
        match (self.budget.stopped.get(), answer) {
            (Some(Stopped::Unreadable), _) => Ending::Unreadable,
            (Some(Stopped::Work | Stopped::Limit), _) | (None, Err(Failed(Why::Stopped))) => {
                Ending::Failed(FailureCode::WorkExhausted, self.written)
            }
            (None, Err(Failed(Why::Code(code)))) => {
                Ending::Failed(FailureCode::Application { code }, self.written)
            }
            (None, Ok(())) => Ending::Done(self.written, self.events),
        }
    }

    /// What has stopped it.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.budget.stopped.get()
    }

    /// What it has written.
    pub(super) fn into_written(self) -> Written {
        self.written
    }
}

/// The committed state of one application, for one question.
pub struct AppView<'a> {
    application: &'a str,
    height: Height,
    below: &'a dyn Below,
    budget: Budget,
}

impl<'a> AppView<'a> {
    /// After the block of `height`.
    pub(super) fn new(application: &'a str, height: Height, below: &'a dyn Below) -> AppView<'a> {
        AppView {
            application,
            height,
            below,
            budget: Budget::of(QUERY_WORK_MAX),
        }
    }

    /// The block after which this is the state.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The value under `key`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Stopped> {
        let key = key.as_ref();
        self.budget.demand_key(key)?;
        self.budget.spend_on(READ_WORK, key.len())?;
        self.budget.read(self.below, (self.application, key))
    }

    /// Spends work on what the application computes.
    pub fn spend(&self, work: u64) -> Result<(), Stopped> {
        self.budget.spend(work)
    }

    /// What has stopped it.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.budget.stopped.get()
    }
}
