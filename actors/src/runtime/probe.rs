//! [`Probe`]: what a test holds instead of an actor.

use super::ctx::Ctx;
use super::port::Port;
use super::spawner::Inbox;
use actix::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Receives what is told to its port, in order. Dropped, it goes on answering; nobody looks.
pub struct Probe<M> {
    heard: UnboundedReceiver<M>,
}

impl<M> Probe<M>
where
    M: Message + Send + Unpin + 'static,
    M::Result: Send,
{
    /// A port with this limit, and what will be heard through it; every answer is the default.
    /// Needs a running actix system.
    pub fn open(limit: usize) -> (Port<M>, Self)
    where
        M::Result: Default,
    {
        Self::answering(limit, |_| M::Result::default())
    }

    /// The same, with answers.
    pub fn answering(
        limit: usize,
        answer: impl FnMut(&M) -> M::Result + Unpin + 'static,
    ) -> (Port<M>, Self) {
        let inbox = Inbox::<Recorder<M>>::named("Probe", limit);
        let (port, (mail, stats)) = (inbox.port(), inbox.into_parts());
        let (tell, heard) = unbounded_channel();
        let recorder = Recorder {
            tell,
            answer: Box::new(answer),
        };
        actix_rt::spawn(Ctx::future(mail, stats, |_| recorder));
        (port, Probe { heard })
    }

    /// The next message, awaited; none if the system has ended.
    pub async fn next(&mut self) -> Option<M> {
        self.heard.recv().await
    }

    /// What has been heard up to now and not yet taken.
    pub fn drain(&mut self) -> Vec<M> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

type Answer<M> = Box<dyn FnMut(&M) -> <M as Message>::Result + Unpin>;

struct Recorder<M: Message> {
    tell: UnboundedSender<M>,
    answer: Answer<M>,
}

impl<M: Message + Unpin + 'static> Actor for Recorder<M> {
    type Context = Ctx<Self>;
}

impl<M: Message + Unpin + 'static> Handler<M> for Recorder<M> {
    type Result = MessageResult<M>;

    fn handle(&mut self, message: M, _: &mut Ctx<Self>) -> MessageResult<M> {
        let answer = (self.answer)(&message);
        // Nobody looks any more: the answer still stands.
        let _ = self.tell.send(message);
        MessageResult(answer)
    }
}

impl<M> Port<M>
where
    M: Message + Send + Unpin + 'static,
    M::Result: Send,
{
    /// A port to nobody: every message is refused as `Closed`.
    pub fn detached() -> Self {
        Inbox::<Recorder<M>>::named("nobody", 1).port()
    }
}

/// In tests all ports of an actor are detached unless one says otherwise.
impl<M> Default for Port<M>
where
    M: Message + Send + Unpin + 'static,
    M::Result: Send,
{
    fn default() -> Self {
        Port::detached()
    }
}
