//! Whose request is worked at next. All connections of a listener together are one task of the node's
//! thread: after a slice of time the actors have their turn, however many clients want something.
//!
//! Within a slice the turn goes to the address that has had least, and of its connections to the
//! one that has had least. What counts is time on the thread. Whoever comes anew, or comes back,
//! begins a little before the last turn: a light request does not wait behind heavy ones, and nobody
//! saves up turns.
use crate::limits::TURN_SLICE;
use crate::seldom::seldom;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use shares::{Shares, Whose};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

mod shares;
#[cfg(test)]
mod tests;

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// The connections of one listener, and what they do.
#[derive(Clone, Default)]
pub(super) struct Roster(Rc<Inner>);

#[derive(Default)]
struct Inner {
    tasks: RefCell<Tasks>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Tasks {
    all: BTreeMap<u64, Task>,
    shares: Shares,
    next: u64,
}

struct Task {
    whose: Whose,
    waker: Waker,
    /// Taken out while it runs.
    work: Option<Work>,
}

/// Tasks that can go on, in the order in which they were woken; by threads that have made their
/// answers, too.
#[derive(Default)]
struct Woken {
    tasks: Mutex<Vec<u64>>,
    all: AtomicWaker,
}

struct Wakes(u64, Arc<Woken>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.1.tasks.lock().push(self.0);
        self.1.all.wake();
    }
}

/// One connection's part in the turns.
#[derive(Clone)]
pub(crate) struct Turn {
    whose: Whose,
    // A task holds its connection, which holds this.
    roster: Weak<Inner>,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whose.fmt(f)
    }
}

impl Turn {
    /// Who has connected.
    pub(super) fn from(&self) -> IpAddr {
        self.whose.from
    }

    /// Works at this in the connection's turns.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        if let Some(roster) = self.roster.upgrade() {
            Roster(roster).add(self.whose, Box::pin(work));
        }
    }
}

impl Roster {
    /// The part of a connection from this address.
    pub(super) fn open(&self, from: IpAddr) -> Turn {
        let mut tasks = self.0.tasks.borrow_mut();
        tasks.next += 1;
        let connection = tasks.next;
        Turn {
            whose: Whose { from, connection },
            roster: Rc::downgrade(&self.0),
        }
    }

    fn add(&self, whose: Whose, work: Work) {
        let mut tasks = self.0.tasks.borrow_mut();
        tasks.next += 1;
        let name = tasks.next;
        let waker = Waker::from(Arc::new(Wakes(name, self.0.woken.clone())));
        waker.wake_by_ref();
        tasks.shares.enter(whose);
        let work = Some(work);
        tasks.all.insert(name, Task { whose, waker, work });
    }

    /// Works, until dropped; and what is under way then, is dropped.
    pub(super) async fn work(&self) -> Infallible {
        let _ends = Ends(self.clone());
        std::future::poll_fn(|task| self.slice(task)).await
    }

    fn slice(&self, task: &Context<'_>) -> Poll<Infallible> {
        self.0.woken.all.register(task.waker());
        let begun = Instant::now();
        let mut now = begun;
        loop {
            let woken = std::mem::take(&mut *self.0.woken.tasks.lock());
            let mut tasks = self.0.tasks.borrow_mut();
            woken.into_iter().for_each(|name| tasks.ready(name));
            let Some((name, waker, mut work)) = tasks.next() else {
                return Poll::Pending;
            };
            drop(tasks);
            // What falls is one connection's work, not the actor with all the others.
            let polled = catch_unwind(AssertUnwindSafe(|| {
                work.as_mut().poll(&mut Context::from_waker(&waker))
            }));
            if polled.is_err() {
                seldom!(
                    Error,
                    "what was done for a connection has panicked: it is closed"
                );
            }
            let is_over = !polled.is_ok_and(|polled| polled.is_pending());
            // Without the loan: what it holds may have a last word.
            let work = (!is_over).then_some(work);
            let spent = now.elapsed();
            now += spent;
            self.0.tasks.borrow_mut().back(name, work, spent);
            let is_enough = now.duration_since(begun) >= TURN_SLICE;
            if is_enough || !tokio::task::coop::has_budget_remaining() {
                task.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
}

/// What a connection does holds its house, which holds this roster: they would keep each other, and the
/// store, for good.
struct Ends(Roster);

impl Drop for Ends {
    fn drop(&mut self) {
        // Without the loan: what it holds may have a last word.
        let all = std::mem::take(&mut self.0.0.tasks.borrow_mut().all);
        drop(all);
    }
}

impl Tasks {
    fn ready(&mut self, name: u64) {
        if let Some(task) = self.all.get(&name) {
            self.shares.ready(task.whose, name);
        }
    }

    fn next(&mut self) -> Option<(u64, Waker, Work)> {
        loop {
            let name = self.shares.next()?;
            let task = self.all.get_mut(&name);
            let task = task.and_then(|task| Some((task.waker.clone(), task.work.take()?)));
            if let Some((waker, work)) = task {
                return Some((name, waker, work));
            }
        }
    }

    fn back(&mut self, name: u64, work: Option<Work>, spent: Duration) {
        let Some(task) = self.all.get_mut(&name) else {
            return;
        };
        let whose = task.whose;
        self.shares.spend(whose, spent);
        match work {
            Some(work) => task.work = Some(work),
            None => {
                self.all.remove(&name);
                self.shares.leave(whose, name);
            }
        }
    }
}
