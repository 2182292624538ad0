//! What a full mailbox between two consensus actors means.
use crate::runtime::{Port, Refused};
use actix::Message;

/// Telling where a refusal cannot be shrugged off.
pub(crate) trait Deliver<M> {
    /// Tells, and falls if the mailbox is full: the mailboxes between consensus actors hold more
    /// than all validators can say in a round, so this is a broken invariant, and a rebuilt actor
    /// asks anew for what it misses. A closed mailbox means that the node is stopping.
    fn deliver(&self, message: M);
}

impl<M> Deliver<M> for Port<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn deliver(&self, message: M) {
        match self.tell(message) {
            Ok(()) | Err(Refused::Closed) => {}
            Err(Refused::Full) => panic!("the mailbox of {} is full", self.actor()),
        }
    }
}
