//! `lockstep_subscribe` and `eth_subscribe`: only where the connection stays.
use super::caller::Caller;
use super::error::RpcError;
use super::method::methods;
use super::params::Args;
use super::subscriptions::{Dialect, Subscriptions};
use std::rc::Rc;

methods! {
    /// Tells blocks, receipts of an address, or rounds as they come; from_seq begins earlier.
    "lockstep_subscribe"(needed topic: Topic, optional from_seq: Whole(u64::MAX))
        -> Quantity => |caller, args| subscribe(caller, &args, Dialect::Lockstep)?;

    /// Ends a subscription; false if there is none of that id.
    "lockstep_unsubscribe"(needed subscription: Subscription)
        -> Flag => |caller, args| unsubscribe(caller, &args)?;

    /// Tells the head of each block as it comes.
    "eth_subscribe"(needed topic: EthTopic)
        -> Quantity => |caller, args| subscribe(caller, &args, Dialect::Ethereum)?;

    /// Ends a subscription; false if there is none of that id.
    "eth_unsubscribe"(needed subscription: Subscription)
        -> Flag => |caller, args| unsubscribe(caller, &args)?;
}

fn subscriptions(caller: &Caller) -> Result<&Rc<Subscriptions>, RpcError> {
    caller
        .subscriptions
        .as_ref()
        .ok_or(RpcError::NeedsWebSocket)
}

fn subscribe(caller: &Caller, args: &Args, dialect: Dialect) -> Result<String, RpcError> {
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
    Ok(format!("{id:#x}"))
}

fn unsubscribe(caller: &Caller, args: &Args) -> Result<bool, RpcError> {
    Ok(subscriptions(caller)?.end(args.number(0)?))
}
