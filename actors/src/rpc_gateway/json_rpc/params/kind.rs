//! What a parameter may be, and how that is said: to people who sent something else, and in the
//! OpenRPC document.
use crate::rpc_gateway::events::Topic;
use lockstep_protocol::types::{Address, Hash, Height};
use serde_json::{Value, json};

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rpc_gateway::json_rpc) enum Kind {
    /// 20 bytes in hex; where upper and lower case are mixed, they are a checksum.
    Address,
    /// The same in any case: Ethereum's tools put checksums of their own on every address.
    EthAddress,
    /// 32 bytes in hex.
    Hash,
    /// At most so many bytes in hex.
    Data(usize),
    /// The same, and at least one.
    Key(usize),
    /// A text of at most so many bytes.
    Name(usize),
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
    /// A place in a contract's storage: a QUANTITY, or 32 bytes.
    Slot,
    /// Where a page of waiting transactions begins: behind this sender and nonce.
    Cursor,
    /// Where a page of a history begins: before this height and place.
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
    /// A transaction of Ethereum that is not signed: to and data are read, the rest does not matter.
    Call,
}

/// Which height is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rpc_gateway::json_rpc) enum At {
    /// The newest committed one.
    Latest,
    /// The same, and what waits for a block.
    Pending,
    /// This one.
    Height(Height),
    /// That of the block with this id.
    Block(Hash),
}

/// What of such a transaction matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rpc_gateway::json_rpc) struct Call {
    pub(in crate::rpc_gateway::json_rpc) from: Option<Address>,
    pub(in crate::rpc_gateway::json_rpc) to: Option<Address>,
    /// As hex, which nobody has read.
    pub(in crate::rpc_gateway::json_rpc) data: Vec<u8>,
}

/// A parameter as it was read.
#[derive(Clone, Debug)]
pub(super) enum Arg {
    Absent,
    Address(Address),
    Hash(Hash),
    Bytes(Vec<u8>),
    Name(String),
    At(At),
    Cursor((Address, u64)),
    Place((Height, u32)),
    Number(u64),
    Flag(bool),
    Percentiles(Vec<f64>),
    Topic(Topic),
    Filter,
    Slot,
    Call(Call),
}

impl Kind {
    /// What to send: the end of a refusal.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Kind::Address | Kind::EthAddress => "send 0x and 40 hex digits as text",
            Kind::Hash => "send 0x and 64 hex digits as text",
            Kind::Data(_) | Kind::Key(_) => "send 0x and an even number of hex digits as text",
            Kind::Name(_) => "send a text",
            Kind::Height => "send a height as a whole number, or \"latest\"",
            Kind::BlockTag => {
                "send a QUANTITY such as \"0x1b4\", or latest, finalized, safe or earliest"
            }
            Kind::StateBlock => {
                "send a QUANTITY, a tag such as latest, a block's hash, {\"blockNumber\": …} or \
                 {\"blockHash\": …}"
            }
            Kind::Whole(_) => "send a whole number from 0",
            Kind::Quantity(_) => "send a QUANTITY such as \"0x1b4\"",
            Kind::Slot => "send 0x and at most 64 hex digits as text",
            Kind::Cursor => "send the next of the page before: a sender, a colon and a nonce",
            Kind::Place => "send the next of the page before: a height, a colon and a place",
            Kind::Flag => "send true or false",
            Kind::Percentiles(_) => "send a list of numbers that rise from 0 to 100",
            Kind::Topic => {
                "send \"newBlocks\", \"rounds\", or {\"receipts\": {\"address\": \"0x…\"}}"
            }
            Kind::EthTopic => "send \"newHeads\": nothing else is told here",
            Kind::Subscription => "send the id that the subscription was answered with",
            Kind::Filter => "send an object",
            Kind::Call => {
                "send an object with to, and from and data if there are any, each 0x and hex digits"
            }
        }
    }

    /// For the OpenRPC document.
    pub(in crate::rpc_gateway::json_rpc) fn schema(self) -> Value {
        let hex = |digits: usize| json!({ "type": "string", "pattern": format!("^0x[0-9a-fA-F]{{{digits}}}$") });
        let quantity = json!({ "type": "string", "pattern": "^0x(0|[1-9a-fA-F][0-9a-fA-F]*)$" });
        match self {
            Kind::Address | Kind::EthAddress => hex(40),
            Kind::Hash => hex(64),
            Kind::Data(max) => data("*", max),
            Kind::Key(max) => data("+", max),
            Kind::Name(max) => json!({ "type": "string", "maxLength": max }),
            Kind::Height => {
                json!({ "oneOf": [{ "type": "integer", "minimum": 0 }, { "const": "latest" }] })
            }
            Kind::BlockTag => json!({ "oneOf": [quantity, { "enum": TAGS }] }),
            Kind::StateBlock => json!({ "oneOf": [
                quantity, { "enum": TAGS }, hex(64),
                { "type": "object", "required": ["blockNumber"], "additionalProperties": false,
                  "properties": { "blockNumber": quantity } },
                { "type": "object", "required": ["blockHash"], "additionalProperties": false,
                  "properties": { "blockHash": hex(64),
                                  "requireCanonical": { "type": "boolean" } } },
            ] }),
            Kind::Whole(max) => json!({ "type": "integer", "minimum": 0, "maximum": max }),
            Kind::Quantity(_) | Kind::Subscription => quantity,
            Kind::Slot => json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{1,64}$" }),
            Kind::Cursor => json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{40}:[0-9]+$" }),
            Kind::Place => json!({ "type": "string", "pattern": "^[0-9]+:[0-9]+$" }),
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
            Kind::Call => {
                let address = json!({ "oneOf": [hex(40), { "type": "null" }] });
                let data =
                    json!({ "type": ["string", "null"], "pattern": "^0x([0-9a-fA-F]{2})*$" });
                let members =
                    json!({ "from": address, "to": address, "data": data, "input": data });
                json!({ "type": "object", "properties": members })
            }
        }
    }
}

fn data(times: &str, max: usize) -> Value {
    let pattern = format!("^0x([0-9a-fA-F]{{2}}){times}$");
    json!({ "type": "string", "pattern": pattern, "maxLength": 2 + 2 * max })
}

/// Every committed block is final, and there is no pending one: but for "earliest" all are the
/// newest.
pub(super) const TAGS: [&str; 5] = ["latest", "finalized", "safe", "pending", "earliest"];
