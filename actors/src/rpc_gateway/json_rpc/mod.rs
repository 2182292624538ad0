//! JSON-RPC 2.0, at `POST /` and over the WebSocket: what may be called, by which name, with which
//! parameters, stands in one line of a table; the methods of one prefix live in one file. The
//! OpenRPC document ([`open_rpc`]) is made from the same tables.
//!
//! A client's error is an error object under status 200 with a number and a stable word
//! ([`error`]), never a 5xx. What a call may hold is bounded: the length of a request, the calls in
//! a batch, the levels of its parameters, the bytes of all answers together; whatever is long holds
//! one of the few places for long answers until it is written.
mod caller;
mod dispatch;
mod error;
mod eth;
mod filters;
mod heights;
mod http;
mod instead;
mod lockstep;
mod mempool;
mod method;
mod methods;
mod net;
mod open_rpc;
mod params;
mod subscribe;
mod subscriptions;
mod transactions;

pub(super) use caller::Caller;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use dispatch::given::{given as request_given, split as request_split};
pub(super) use dispatch::{Reply, answer};
pub(super) use filters::Filters;
pub(super) use http::post;
pub(super) use subscriptions::Subscriptions;
