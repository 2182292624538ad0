//! What one connection has subscribed to: each subscription with the number of the event that it is
//! told next. Shared by the connection's calls, which begin and end them, and its loop, which tells.
use super::error::RpcError;
use crate::limits::SUBSCRIPTIONS_MAX;
use crate::rpc_gateway::events::{Events, OutOfReach, Topic};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// In whose words a subscription is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `lockstep_subscription`, with the number of the event.
    Lockstep,
    /// `eth_subscription`.
    Ethereum,
}

#[derive(Clone, Copy, Debug)]
struct Subscription {
    topic: Topic,
    dialect: Dialect,
    next: u64,
    /// Its id has been answered: nothing is told before.
    answered: bool,
}

/// The subscriptions of one connection.
#[derive(Debug, Default)]
pub(in crate::rpc_gateway) struct Subscriptions {
    all: RefCell<BTreeMap<u64, Subscription>>,
    last: Cell<u64>,
}

impl Subscriptions {
    /// Begins one, told from event `next` on once its id is [`answered`](Self::answered).
    pub(super) fn begin(&self, topic: Topic, dialect: Dialect, next: u64) -> Result<u64, RpcError> {
        let mut all = self.all.borrow_mut();
        if all.len() >= SUBSCRIPTIONS_MAX {
            return Err(RpcError::TooManySubscriptions);
        }
        let id = self.last.get() + 1;
        self.last.set(id);
        let answered = false;
        let subscription = Subscription {
            topic,
            dialect,
            next,
            answered,
        };
        all.insert(id, subscription);
        Ok(id)
    }

    /// False if there is none of that id.
    pub(super) fn end(&self, id: u64) -> bool {
        self.all.borrow_mut().remove(&id).is_some()
    }

    /// The answers that name these are on their way.
    pub(in crate::rpc_gateway) fn answered(&self, begun: &[u64]) {
        let mut all = self.all.borrow_mut();
        for id in begun {
            if let Some(one) = all.get_mut(id) {
                one.answered = true;
            }
        }
    }

    /// Whether anybody waits for something that has happened.
    pub(in crate::rpc_gateway) fn is_behind(&self, events: &Events) -> bool {
        let newest = events.next();
        self.all.borrow().values().any(|one| one.is_behind(newest))
    }

    /// Returns when the ring has turned past what somebody is to be told next.
    pub(in crate::rpc_gateway) async fn overtaken(&self, events: &Events) -> OutOfReach {
        let mut news = events.watch();
        loop {
            let oldest_wanted = self.all.borrow().values().map(|one| one.next).min();
            if let Some(Err(error)) = oldest_wanted.map(|next| events.since(next, &[])) {
                return error;
            }
            if news.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// What is to be told now, of one subscription and of one entry of the ring: then others have a
    /// turn.
    pub(in crate::rpc_gateway) fn tell(&self, events: &Events) -> Result<Vec<String>, OutOfReach> {
        let mut all = self.all.borrow_mut();
        let newest = events.next();
        let Some((id, one)) = all.iter_mut().find(|(_, one)| one.is_behind(newest)) else {
            return Ok(Vec::new());
        };
        let (told, next) = events.since(one.next, &[one.topic])?;
        one.next = next;
        let told = told.into_iter();
        let told = told.map(|told| one.dialect.notification(*id, told.seq, told.content));
        Ok(told.map(|notification| notification.to_string()).collect())
    }
}

impl Subscription {
    fn is_behind(&self, newest: u64) -> bool {
        self.answered && self.next < newest
    }
}

impl Dialect {
    fn notification(self, id: u64, seq: u64, content: Value) -> Value {
        let subscription = format!("{id:#x}");
        match self {
            Dialect::Lockstep => json!({
                "jsonrpc": "2.0",
                "method": "lockstep_subscription",
                "params": { "subscription": subscription, "seq": seq, "result": content },
            }),
            Dialect::Ethereum => json!({
                "jsonrpc": "2.0",
                "method": "eth_subscription",
                "params": { "subscription": subscription, "result": content },
            }),
        }
    }
}
