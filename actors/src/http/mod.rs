//! The machine under both gateways: what it takes to serve HTTP to anybody and stay well.
//!
//! Cheapest check first: a place ([`places`]), bytes and deadlines of the connection
//! ([`connection`]), size and encoding of a body ([`body`]), a part of what bodies may hold
//! ([`bodies`]), a share of the actor's mailbox (the
//! gateway's ports), a place among the long answers ([`answer_places`]) and among the connections
//! that stay ([`streams`]); and who works next on the thread is decided by what each has had
//! ([`roster`]). A connection pays for messages that no honest peer sends, until it is
//! closed; one that has brought a validator's message keeps its place and has a door of its own.
//! What all of it can hold together is
//! [`MEMORY_UNDER_FLOOD_BYTES`](crate::limits::MEMORY_UNDER_FLOOD_BYTES).
//!
//! Nothing here knows what is served: a gateway hands [`serve`](serve::serve) its routes and terms.
//! This folder imports neither gateway.

pub(crate) mod answer;
pub(crate) mod answer_places;
pub(crate) mod bodies;
pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod intake;
pub(crate) mod pace;
pub(crate) mod pieces;
mod places;
pub(crate) mod proxies;
pub(crate) mod queue;
mod roster;
pub(crate) mod routes;
pub(crate) mod serve;
pub(crate) mod streams;
