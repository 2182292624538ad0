//! Wiring and starting: first all [`Inbox`]es and their ports, then the actors in start order.

use super::ctx::Ctx;
use super::guard::{Guard, Lifeline};
#[cfg(any(test, feature = "inject-panics"))]
use super::injection::Strike;
use super::policy::OnFall;
use super::port::Port;
use super::stats::{ActorRow, OUTSIDE, Stats, short_name};
use super::supervisor::{Child, Fatal, Supervisor, Word};
use actix::dev::channel;
use actix::prelude::*;
use parking_lot::RwLock;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;

/// The name under which [`Children::inject_panic`] knows the supervisor.
#[cfg(any(test, feature = "inject-panics"))]
pub(super) const SUPERVISOR: &str = "Supervisor";

/// A mailbox whose actor is not there yet. Its ports work: what they are told waits.
///
/// Made before the actor, it lets two actors hold ports to each other without either being
/// half-made. Dropped without an actor, it closes its ports.
pub struct Inbox<A: Actor<Context = Ctx<A>>> {
    address: Addr<A>,
    mail: channel::AddressReceiver<A>,
    stats: Arc<Stats>,
}

impl<A: Actor<Context = Ctx<A>>> Inbox<A> {
    /// A mailbox for at most `limit` messages, of an actor that is named as its type.
    pub fn new(limit: usize) -> Self {
        Self::named(short_name::<A>(), limit)
    }

    /// The same under another name, for one of several actors of a type.
    pub fn named(name: impl Into<String>, limit: usize) -> Self {
        // 0: without a limit of its own. actix would count each sender apart; permits do not.
        let (address, mail) = channel::channel(0);
        Inbox {
            address: Addr::new(address),
            mail,
            stats: Arc::new(Stats::new(name, limit)),
        }
    }

    /// A port for one type of message that the actor handles, for the outside.
    pub fn port<M>(&self) -> Port<M>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        self.port_from(OUTSIDE)
    }

    /// The same for an actor of the type `S`: what it tells is counted as its own.
    pub fn port_of<S, M>(&self) -> Port<M>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        self.port_from(&short_name::<S>())
    }

    fn port_from<M>(&self, from: &str) -> Port<M>
    where
        A: Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        // So that the page of actors lists the type before the first message.
        self.stats.message::<M>();
        Port::new(self.address.clone().recipient(), self.stats.clone(), from)
    }

    /// What the actor has done so far.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    pub(super) fn into_parts(self) -> (channel::AddressReceiver<A>, Arc<Stats>) {
        (self.mail, self.stats)
    }
}

/// Starts actors under one supervisor. From [`Supervisor::start`].
pub struct Spawner(Children);

impl Spawner {
    pub(super) fn new(supervisor: Addr<Supervisor>, actors: Actors) -> Self {
        let cut = Arc::default();
        Spawner(Children {
            supervisor,
            actors,
            cut,
        })
    }

    /// Starts the next actor on the thread of `on`; `make` runs there.
    ///
    /// `make` does nothing that can fail: what can (files, sockets, the store's environment) is
    /// opened before and moved in. If it panics, the actor is lost, and the node ends unless it
    /// can do without.
    pub fn spawn<A>(
        &mut self,
        on: &ArbiterHandle,
        inbox: Inbox<A>,
        on_fall: OnFall,
        make: impl FnOnce(&mut Ctx<A>) -> A + Send + 'static,
    ) where
        A: Supervised + Actor<Context = Ctx<A>>,
    {
        let (tell_guard, orders) = unbounded_channel();
        let (mail, stats) = inbox.into_parts();
        let supervisor = self.0.supervisor.clone();
        let adopted = Child::new(stats.clone(), on_fall, tell_guard);
        supervisor.do_send(Word::Adopt(adopted));
        let child = self.0.actors.add(stats.clone());
        let last_words = "the thread that it lived on has ended".to_owned();
        let lifeline = Lifeline {
            child,
            supervisor,
            stats: stats.clone(),
            cut: self.0.cut.clone(),
            last_words,
        };
        // On a thread that has ended the closure is dropped, and the lifeline tells.
        on.spawn_fn(move || {
            if let Some(guard) = Guard::new(lifeline, orders, || Ctx::future(mail, stats, make)) {
                actix_rt::spawn(guard);
            }
        });
    }

    /// A handle to end the node on purpose.
    pub fn fatal(&self) -> Fatal {
        Fatal::new(self.0.supervisor.clone())
    }

    /// The registry; it also shows actors that are started later.
    pub fn actors(&self) -> Actors {
        self.0.actors.clone()
    }

    /// The handle on all that were started, for the rest of the node's life.
    pub fn children(&self) -> Children {
        self.0.clone()
    }
}

/// The actors of a running node.
#[derive(Clone)]
pub struct Children {
    supervisor: Addr<Supervisor>,
    actors: Actors,
    /// Set when nobody is to be stopped in good order any more.
    cut: Arc<AtomicBool>,
}

impl Children {
    /// Stops all actors in reverse start order; ready when they are gone.
    ///
    /// The order is given by the call, before the future is polled.
    pub fn stop(&self) -> impl Future<Output = ()> + use<> {
        let (done, all_gone) = oneshot::channel();
        self.supervisor.do_send(Word::StopAll(done));
        // An error says that the supervisor is gone, and then so are they.
        async move { all_gone.await.unwrap_or_default() }
    }

    /// From now on an actor that is dropped with its thread handles nothing more and runs no hook, as
    /// if the process had been killed. (Otherwise it empties its mailbox first.)
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    /// The registry of their counters.
    pub fn actors(&self) -> Actors {
        self.actors.clone()
    }

    /// Makes the actor of this name panic as a handler of its own would, before its next message;
    /// `"Supervisor"` means the supervisor. False if there is no such actor.
    #[cfg(any(test, feature = "inject-panics"))]
    pub fn inject_panic(&self, name: &str) -> bool {
        let word = Word::InjectPanic(name.to_owned());
        self.supervisor.do_send(word);
        name == SUPERVISOR || self.actors.find(name).is_some()
    }

    /// Makes the actor of this name panic in the handling of its next message of the type with
    /// this name. False if there is no such actor.
    #[cfg(any(test, feature = "inject-panics"))]
    pub fn inject_panic_at(&self, name: &str, message: &str, strike: Strike) -> bool {
        let stats = self.actors.find(name);
        stats.is_some_and(|stats| {
            stats.injection.arm(message, strike);
            true
        })
    }

    /// Takes back what [`Children::inject_panic_at`] has done. False if it has struck, or if there
    /// is no such actor.
    #[cfg(any(test, feature = "inject-panics"))]
    pub fn take_panic_back(&self, name: &str) -> bool {
        let stats = self.actors.find(name);
        stats.is_some_and(|stats| stats.injection.disarm())
    }
}

/// The counters of a node's actors, readable from any thread.
#[derive(Clone, Debug, Default)]
pub struct Actors {
    stats: Arc<RwLock<Vec<Arc<Stats>>>>,
}

impl Actors {
    fn add(&self, stats: Arc<Stats>) -> usize {
        let mut all = self.stats.write();
        all.push(stats);
        all.len() - 1
    }

    /// Their counters, in start order.
    pub fn stats(&self) -> Vec<Arc<Stats>> {
        self.stats.read().clone()
    }

    /// The counters of the first actor of this name.
    pub fn find(&self, name: &str) -> Option<Arc<Stats>> {
        self.stats
            .read()
            .iter()
            .find(|stats| stats.name() == name)
            .cloned()
    }

    /// One row per actor at this moment, in start order.
    pub fn rows(&self) -> Vec<ActorRow> {
        self.stats().iter().map(|stats| stats.row()).collect()
    }
}
