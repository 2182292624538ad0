//! The parameters of a method: what each may be, and the one place where it is read. The same
//! [`Kind`] checks a value and describes itself in the OpenRPC document.
use super::error::RpcError;
use crate::rpc_gateway::events::Topic;
use crate::rpc_gateway::transactions::parse_place;
use lockstep_protocol::types::{Address, AddressError, Hash, Height};
use serde_json::{Value, json};

mod read;
#[cfg(test)]
mod tests;

use read::*;

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 20 bytes in hex; where upper and lower case are mixed, they are a checksum.
    Address,
    /// The same in any case: Ethereum's tools put checksums of their own on every address.
    EthAddress,
    /// 32 bytes in hex.
    Hash,
    /// At most so many bytes in hex.
    Data(usize),
    /// A height as a whole number, or "latest".
    Height,
    /// A height as a QUANTITY, or a tag.
    BlockTag,
    /// The same, or an object that names a block by number or hash (EIP-1898).
    StateBlock,
    /// A whole number from 0 to this one.
    Whole(u64),
    /// A QUANTITY from 0 to this one, or a whole number.
    Quantity(u64),
    /// Where a page of waiting transactions begins: behind this sender and nonce.
    Place,
    /// `true` or `false`.
    Flag,
    /// Percentages that rise from 0 to 100, at most so many.
    Percentiles(usize),
    /// What a subscription may be to.
    Topic,
    /// What eth_subscribe knows.
    EthTopic,
    /// What a subscription is called.
    Subscription,
    /// An object whose members do not matter here.
    Filter,
}

/// One parameter of a method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// A parameter that has to be there.
pub(super) const fn needed(name: &'static str, kind: Kind) -> Param {
    let required = true;
    Param {
        name,
        kind,
        required,
    }
}

/// A parameter that may be left out, or null.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Param {
    let required = false;
    Param {
        name,
        kind,
        required,
    }
}

/// Which height is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// The newest committed one.
    Latest,
    /// The same, and what waits for a block.
    Pending,
    /// This one.
    Height(Height),
    /// That of the block with this id.
    Block(Hash),
}

/// A parameter as it was read.
#[derive(Clone, Debug)]
enum Arg {
    Absent,
    Address(Address),
    Hash(Hash),
    Bytes(Vec<u8>),
    At(At),
    Place((Address, u64)),
    Number(u64),
    Flag(bool),
    Percentiles(Vec<f64>),
    Topic(Topic),
    Filter,
}

/// The parameters of one call, checked.
#[derive(Clone, Debug)]
pub(super) struct Args(Vec<Arg>);

/// A handler asks for a parameter that its method does not have, or not of that kind.
fn not_in_table() -> RpcError {
    log::error!("a method reads a parameter that its table does not name");
    RpcError::Internal
}

macro_rules! readers {
    ($($name:ident, $maybe:ident: $arg:ident => $type:ty;)*) => {$(
        #[allow(dead_code)]
        pub(super) fn $name(&self, index: usize) -> Result<$type, RpcError> {
            self.$maybe(index)?.ok_or_else(not_in_table)
        }

        #[allow(dead_code)]
        pub(super) fn $maybe(&self, index: usize) -> Result<Option<$type>, RpcError> {
            match self.0.get(index) {
                Some(Arg::$arg(value)) => Ok(Some(value.clone())),
                Some(Arg::Absent) => Ok(None),
                _ => Err(not_in_table()),
            }
        }
    )*};
}

impl Args {
    /// By position or by name, against what the method takes.
    pub(super) fn read(params: &[Param], given: Option<&str>) -> Result<Args, RpcError> {
        let given = match given {
            None => Value::Null,
            Some(text) => serde_json::from_str(text).map_err(|error| unreadable(&error))?,
        };
        let mut values: Vec<Value> = match given {
            Value::Null => Vec::new(),
            Value::Array(values) if values.len() > params.len() => {
                return Err(RpcError::TooManyParams(params.len()));
            }
            Value::Array(values) => values,
            Value::Object(mut members) => {
                let by_name = params.iter().map(|param| members.remove(param.name));
                let values = by_name.map(Option::unwrap_or_default).collect();
                if let Some((name, _)) = members.into_iter().next() {
                    return Err(RpcError::UnknownParam(name.chars().take(80).collect()));
                }
                values
            }
            _ => {
                let sentence = "params is a list or an object";
                return Err(RpcError::InvalidRequest(sentence));
            }
        };
        values.resize(params.len(), Value::Null);
        let args = params.iter().zip(&values).map(|(param, value)| {
            if !value.is_null() {
                return param.kind.read(param.name, value);
            }
            if param.required {
                return Err(RpcError::MissingParam(param.name, param.kind.sentence()));
            }
            Ok(Arg::Absent)
        });
        Ok(Args(args.collect::<Result<_, _>>()?))
    }

    readers! {
        address, maybe_address: Address => Address;
        hash, maybe_hash: Hash => Hash;
        bytes, maybe_bytes: Bytes => Vec<u8>;
        height, maybe_height: At => At;
        place, maybe_place: Place => (Address, u64);
        number, maybe_number: Number => u64;
        flag, maybe_flag: Flag => bool;
        percentiles, maybe_percentiles: Percentiles => Vec<f64>;
        topic, maybe_topic: Topic => Topic;
    }
}

/// What had the form of JSON when the request was taken apart, but is no value. The reader of JSON
/// tells the reasons apart by its words only.
fn unreadable(error: &serde_json::Error) -> RpcError {
    let why = error.to_string();
    if why.starts_with("recursion limit exceeded") {
        return RpcError::NestedTooDeeply;
    }
    if why.starts_with("number out of range") {
        let sentence = "a number in it is too large for 64 bits: send a smaller one".into();
        return RpcError::OutOfRange("params", sentence);
    }
    RpcError::Malformed(why)
}

impl Kind {
    /// What to send: the end of a refusal.
    fn sentence(self) -> &'static str {
        match self {
            Kind::Address | Kind::EthAddress => "send 0x and 40 hex digits as text",
            Kind::Hash => "send 0x and 64 hex digits as text",
            Kind::Data(_) => "send 0x and an even number of hex digits as text",
            Kind::Height => "send a height as a whole number, or \"latest\"",
            Kind::BlockTag => {
                "send a QUANTITY such as \"0x1b4\", or latest, finalized, safe or earliest"
            }
            Kind::StateBlock => {
                "send a QUANTITY, a tag such as latest, {\"blockNumber\": …} or {\"blockHash\": …}"
            }
            Kind::Whole(_) => "send a whole number from 0",
            Kind::Quantity(_) => "send a QUANTITY such as \"0x1b4\"",
            Kind::Place => "send the next of the page before: a sender, a colon and a nonce",
            Kind::Flag => "send true or false",
            Kind::Percentiles(_) => "send a list of numbers that rise from 0 to 100",
            Kind::Topic => {
                "send \"newBlocks\", \"rounds\", or {\"receipts\": {\"address\": \"0x…\"}}"
            }
            Kind::EthTopic => "send \"newHeads\": nothing else is told here",
            Kind::Subscription => "send the id that the subscription was answered with",
            Kind::Filter => "send an object",
        }
    }

    fn read(self, name: &'static str, value: &Value) -> Result<Arg, RpcError> {
        let wrong = || RpcError::WrongType(name, self.sentence());
        let text = || value.as_str().ok_or_else(wrong);
        Ok(match self {
            Kind::Address => Arg::Address(address(name, text()?)?),
            Kind::EthAddress => {
                let text = text()?;
                let read = text.starts_with("0x").then(|| Address::from_any_case(text));
                Arg::Address(read.and_then(Result::ok).ok_or_else(wrong)?)
            }
            Kind::Hash => Arg::Hash(hex_digits(text()?, 64).ok_or_else(wrong)?),
            Kind::Data(max) => {
                Arg::Bytes(data(name, text()?, max).map_err(|e| e.unwrap_or_else(wrong))?)
            }
            Kind::Height if value == "latest" => Arg::At(At::Latest),
            Kind::Height => Arg::At(At::Height(Height(whole(name, value, u64::MAX, wrong)?))),
            Kind::BlockTag => Arg::At(block_tag(name, text()?, wrong)?),
            Kind::StateBlock => Arg::At(state_block(name, value, wrong)?),
            Kind::Whole(max) => Arg::Number(whole(name, value, max, wrong)?),
            Kind::Quantity(max) if value.is_number() => {
                Arg::Number(whole(name, value, max, wrong)?)
            }
            Kind::Quantity(max) => {
                let number = quantity(name, text()?, wrong)?;
                Arg::Number(within(name, number, max)?)
            }
            Kind::Place => Arg::Place(parse_place(text()?).ok_or_else(wrong)?),
            Kind::Flag => Arg::Flag(value.as_bool().ok_or_else(wrong)?),
            Kind::Percentiles(max) => Arg::Percentiles(percentiles(name, value, max, wrong)?),
            Kind::Topic => Arg::Topic(topic(name, value, wrong)?),
            Kind::EthTopic if value == "newHeads" => Arg::Topic(Topic::NewHeads),
            Kind::EthTopic => return Err(wrong()),
            Kind::Subscription => Arg::Number(quantity(name, text()?, wrong)?),
            Kind::Filter => value.is_object().then_some(Arg::Filter).ok_or_else(wrong)?,
        })
    }

    /// For the OpenRPC document.
    pub(super) fn schema(self) -> Value {
        let hex = |digits: usize| json!({ "type": "string", "pattern": format!("^0x[0-9a-fA-F]{{{digits}}}$") });
        let quantity = json!({ "type": "string", "pattern": "^0x(0|[1-9a-fA-F][0-9a-fA-F]*)$" });
        match self {
            Kind::Address | Kind::EthAddress => hex(40),
            Kind::Hash => hex(64),
            Kind::Data(max) => json!({
                "type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$", "maxLength": 2 + 2 * max,
            }),
            Kind::Height => {
                json!({ "oneOf": [{ "type": "integer", "minimum": 0 }, { "const": "latest" }] })
            }
            Kind::BlockTag => json!({ "oneOf": [quantity, { "enum": TAGS }] }),
            Kind::StateBlock => json!({ "oneOf": [
                quantity, { "enum": TAGS },
                { "type": "object", "required": ["blockNumber"], "additionalProperties": false,
                  "properties": { "blockNumber": quantity } },
                { "type": "object", "required": ["blockHash"], "additionalProperties": false,
                  "properties": { "blockHash": hex(64),
                                  "requireCanonical": { "type": "boolean" } } },
            ] }),
            Kind::Whole(max) => json!({ "type": "integer", "minimum": 0, "maximum": max }),
            Kind::Quantity(_) | Kind::Subscription => quantity,
            Kind::Place => json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{40}:[0-9]+$" }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Percentiles(max) => json!({
                "type": "array", "maxItems": max,
                "items": { "type": "number", "minimum": 0, "maximum": 100 },
            }),
            Kind::Topic => json!({ "oneOf": [
                { "enum": ["newBlocks", "rounds"] },
                { "type": "object", "required": ["receipts"], "additionalProperties": false,
                  "properties": { "receipts": {
                      "type": "object", "required": ["address"], "additionalProperties": false,
                      "properties": { "address": hex(40) } } } },
            ] }),
            Kind::EthTopic => json!({ "const": "newHeads" }),
            Kind::Filter => json!({ "type": "object" }),
        }
    }
}

/// Every committed block is final, and there is no pending one: but for "earliest" all are the
/// newest.
const TAGS: [&str; 5] = ["latest", "finalized", "safe", "pending", "earliest"];
