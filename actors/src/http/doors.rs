//! Two ways to one actor: one for connections that have proven themselves, one for all others, each
//! with its own share of the mailbox. What strangers send cannot keep out what validators send.
use super::connection::Connection;
use crate::runtime::Port;
use actix::Message;
use actix_web::HttpRequest;
use std::rc::Rc;

/// The doors of one kind of message.
pub(crate) struct Doors<M: Message + Send + 'static>
where
    M::Result: Send,
{
    proven: Port<M>,
    others: Port<M>,
}

impl<M: Message + Send + 'static> Doors<M>
where
    M::Result: Send,
{
    /// At most so many messages wait from proven connections, and so many from others.
    pub(crate) fn new(port: &Port<M>, proven_max: usize, others_max: usize) -> Doors<M> {
        Doors {
            proven: port.within(proven_max),
            others: port.within(others_max),
        }
    }

    pub(crate) fn of(&self, request: &HttpRequest) -> &Port<M> {
        let connection = request.conn_data::<Rc<Connection>>();
        if connection.is_some_and(|connection| connection.is_proven()) {
            &self.proven
        } else {
            &self.others
        }
    }
}

impl<M: Message + Send + 'static> Clone for Doors<M>
where
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Doors {
            proven: self.proven.clone(),
            others: self.others.clone(),
        }
    }
}

#[cfg(test)]
impl<M: Message + Send + Unpin + 'static> Doors<M>
where
    M::Result: Send,
{
    /// To nobody: every message is refused as `Closed`.
    pub(crate) fn detached() -> Doors<M> {
        Doors::new(&Port::detached(), 1, 1)
    }
}
