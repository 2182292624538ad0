//! JSON-RPC 2.0, at `POST /` and over the WebSocket: what may be called, by which name, with which
//! parameters, stands in one line of a table; the methods of one prefix live in one file. The
//! OpenRPC document ([`open_rpc`]) is made from the same tables.
//!
//! A client's error is an error object under status 200 with a number and a stable word
//! ([`error`]), never a 5xx. What a call may hold is bounded: the length of a request, the calls in
//! a batch, the levels of its parameters, the bytes of all answers together; whatever is long holds
//! one of the few places for long answers until it is written.
use crate::http::answer_places::{AnswerPlace, Asker};
use crate::limits::{BLOCK_ANSWER_PATIENCE, RPC_WAIT_MAX};
use crate::rpc_gateway::seed::Seed;
use crate::rpc_gateway::subscriptions::Subscriptions;
use actix_web::web;
use error::RpcError;
use futures_util::future::LocalBoxFuture;
use params::{Args, Param};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use tokio::time::Instant;

mod dispatch;
pub(super) mod error;
mod eth;
mod http;
mod lockstep;
mod net;
mod open_rpc;
mod params;
mod subscribe;
mod transactions;

pub(super) use dispatch::{Reply, answer};
pub(super) use http::post;

/// What a method answers.
type Answer = Result<Value, RpcError>;

type Handler = for<'a> fn(&'a Caller, Args) -> LocalBoxFuture<'a, Answer>;

/// A method, in one line of a table.
pub(super) struct Method {
    name: &'static str,
    summary: &'static str,
    params: &'static [Param],
    result: Shape,
    handler: Handler,
}

/// What a result is, as far as the document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number in hex without leading zeros.
    Quantity,
    /// Bytes in hex.
    Data,
    /// Text.
    Text,
    /// A number in hex, or null if there is nothing to count.
    TextOrNull,
    /// `true` or `false`.
    Flag,
    /// A list of objects, or of texts.
    List,
    /// An object.
    Object,
    /// An object, or null if there is nothing like that.
    ObjectOrNull,
    /// `false`, or an object.
    FalseOrObject,
}

impl Shape {
    fn schema(self) -> Value {
        match self {
            Shape::Quantity => {
                json!({ "type": "string", "pattern": "^0x(0|[1-9a-f][0-9a-f]*)$" })
            }
            Shape::Data => json!({ "type": "string", "pattern": "^0x([0-9a-f]{2})*$" }),
            Shape::Text => json!({ "type": "string" }),
            Shape::TextOrNull => json!({ "type": ["string", "null"] }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::List => json!({ "type": "array" }),
            Shape::Object => json!({ "type": "object" }),
            Shape::ObjectOrNull => json!({ "type": ["object", "null"] }),
            Shape::FalseOrObject => json!({ "oneOf": [{ "const": false }, { "type": "object" }] }),
        }
    }
}

const fn method(
    name: &'static str,
    summary: &'static str,
    params: &'static [Param],
    result: Shape,
    handler: Handler,
) -> Method {
    Method {
        name,
        summary,
        params,
        result,
        handler,
    }
}

/// All methods, by prefix.
fn methods() -> impl Iterator<Item = &'static Method> {
    let tables = [
        lockstep::METHODS,
        transactions::METHODS,
        subscribe::METHODS,
        eth::METHODS,
        net::METHODS,
        open_rpc::METHODS,
    ];
    tables.into_iter().flatten()
}

/// Who calls, and what a call needs.
pub(super) struct Caller {
    seed: web::Data<Seed>,
    asker: Asker,
    /// Of a connection that stays.
    subscriptions: Option<Rc<Subscriptions>>,
    /// Held as soon as the answer is long.
    place: RefCell<Option<AnswerPlace>>,
    /// Subscriptions whose ids have not been answered yet.
    begun: RefCell<Vec<u64>>,
    /// The calls of a batch come one after the other: together they wait no longer than one may.
    waits_until: Instant,
}

impl Caller {
    pub(super) fn new(
        seed: web::Data<Seed>,
        asker: Asker,
        subscriptions: Option<Rc<Subscriptions>>,
    ) -> Caller {
        Caller {
            seed,
            asker,
            subscriptions,
            place: RefCell::new(None),
            begun: RefCell::default(),
            waits_until: Instant::now() + RPC_WAIT_MAX,
        }
    }

    /// The subscriptions that its calls have begun.
    pub(super) fn begun(&self) -> Vec<u64> {
        self.begun.take()
    }

    /// Waits a moment for a place among the long answers, once for all calls of a batch.
    async fn take_place(&self) -> Result<(), RpcError> {
        if self.place.borrow().is_some() {
            return Ok(());
        }
        let places = &self.seed.shares.block_answers;
        let place = places.wait(&self.asker, BLOCK_ANSWER_PATIENCE).await;
        self.place.replace(Some(place.ok_or(RpcError::Busy)?));
        Ok(())
    }

    /// Reads what may be megabytes: with a place, and not on the thread that votes.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Seed) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        self.take_place().await?;
        let seed = self.seed.clone();
        web::block(move || read(&seed)).await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_method_has_one_line_and_needed_parameters_come_first() {
        let mut names = BTreeSet::new();
        for method in methods() {
            assert!(names.insert(method.name), "{} stands twice", method.name);
            assert!(method.summary.ends_with('.'), "{}", method.name);
            let needed: Vec<bool> = method.params.iter().map(|param| param.required).collect();
            assert!(needed.is_sorted_by(|a, b| a >= b), "{}", method.name);
        }
    }
}
