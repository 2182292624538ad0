//! `lockstep_subscribe` and `eth_subscribe`: only where the connection stays.
use super::caller::Caller;
use super::error::RpcError;
use super::method::{Answer, Method, Shape, method};
use super::params::{Args, Kind, needed, optional};
use super::subscriptions::{Dialect, Subscriptions};
use serde_json::json;
use std::rc::Rc;

pub(super) const METHODS: &[Method] = &[
    method(
        "lockstep_subscribe",
        "Tells blocks, receipts of an address, or rounds as they come; from_seq begins earlier.",
        &[
            needed("topic", Kind::Topic),
            optional("from_seq", Kind::Whole(u64::MAX)),
        ],
        Shape::Quantity,
        |caller, args| Box::pin(async move { subscribe(caller, &args, Dialect::Lockstep) }),
    ),
    method(
        "lockstep_unsubscribe",
        "Ends a subscription; false if there is none of that id.",
        &[needed("subscription", Kind::Subscription)],
        Shape::Flag,
        |caller, args| Box::pin(async move { unsubscribe(caller, &args) }),
    ),
    method(
        "eth_subscribe",
        "Tells the head of each block as it comes.",
        &[needed("topic", Kind::EthTopic)],
        Shape::Quantity,
        |caller, args| Box::pin(async move { subscribe(caller, &args, Dialect::Ethereum) }),
    ),
    method(
        "eth_unsubscribe",
        "Ends a subscription; false if there is none of that id.",
        &[needed("subscription", Kind::Subscription)],
        Shape::Flag,
        |caller, args| Box::pin(async move { unsubscribe(caller, &args) }),
    ),
];

fn subscriptions(caller: &Caller) -> Result<&Rc<Subscriptions>, RpcError> {
    caller
        .subscriptions
        .as_ref()
        .ok_or(RpcError::NeedsWebSocket)
}

fn subscribe(caller: &Caller, args: &Args, dialect: Dialect) -> Answer {
    let subscriptions = subscriptions(caller)?;
    let topic = args.topic(0)?;
    let from = match dialect {
        Dialect::Lockstep => args.maybe_number(1)?,
        Dialect::Ethereum => None,
    };
    let events = &caller.seed.events;
    let from = from.unwrap_or_else(|| events.next());
    // Whether it can be told from there is said now, not by silence.
    events.since(from, &[])?;
    let id = subscriptions.begin(topic, dialect, from)?;
    caller.begun.borrow_mut().push(id);
    Ok(json!(format!("{id:#x}")))
}

fn unsubscribe(caller: &Caller, args: &Args) -> Answer {
    let ended = subscriptions(caller)?.end(args.number(0)?);
    Ok(json!(ended))
}
