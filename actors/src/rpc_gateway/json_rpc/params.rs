//! The parameters of a method: what each may be, and the one place where it is read. The same
//! [`Kind`] checks a value and describes itself in the OpenRPC document.
use super::error::RpcError;
use crate::rpc_gateway::events::Topic;
use crate::rpc_gateway::transactions::parse_place;
use lockstep_protocol::types::{Address, AddressError, Hash, Height};
use serde_json::{Value, json};

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

fn block_tag(name: &'static str, text: &str, wrong: impl Fn() -> RpcError) -> Result<At, RpcError> {
    Ok(match text {
        "earliest" => At::Height(Height(0)),
        "pending" => At::Pending,
        tag if TAGS.contains(&tag) => At::Latest,
        number => At::Height(Height(quantity(name, number, wrong)?)),
    })
}

/// A block of which the state is wanted, as <https://eips.ethereum.org/EIPS/eip-1898> has it: every
/// committed block is canonical, so it does not matter whether that is required.
fn state_block(
    name: &'static str,
    value: &Value,
    wrong: impl Fn() -> RpcError,
) -> Result<At, RpcError> {
    let Some(object) = value.as_object() else {
        return block_tag(name, value.as_str().ok_or_else(&wrong)?, wrong);
    };
    let is_known = |(member, value): (&String, &Value)| match member.as_str() {
        "blockNumber" | "blockHash" => value.is_string(),
        "requireCanonical" => value.is_boolean(),
        _ => false,
    };
    if !object.iter().all(is_known) {
        return Err(wrong());
    }
    let member = |name: &str| object.get(name).and_then(Value::as_str);
    match (member("blockNumber"), member("blockHash")) {
        (Some(number), None) if object.len() == 1 => {
            Ok(At::Height(Height(quantity(name, number, wrong)?)))
        }
        (None, Some(hash)) => Ok(At::Block(hex_digits(hash, 64).ok_or_else(wrong)?)),
        _ => Err(wrong()),
    }
}

/// Hex digits without leading zeros, after 0x.
fn quantity(name: &'static str, text: &str, wrong: impl Fn() -> RpcError) -> Result<u64, RpcError> {
    let digits = text.strip_prefix("0x").ok_or_else(&wrong)?;
    let strict = !digits.is_empty()
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        && (digits == "0" || !digits.starts_with('0'));
    if !strict {
        return Err(wrong());
    }
    u64::from_str_radix(digits, 16)
        .map_err(|_| RpcError::OutOfRange(name, "a number here fits into 64 bits".into()))
}

fn whole(
    name: &'static str,
    value: &Value,
    max: u64,
    wrong: impl Fn() -> RpcError,
) -> Result<u64, RpcError> {
    match value.as_u64() {
        Some(number) => within(name, number, max),
        None if value.is_number() => Err(RpcError::OutOfRange(name, up_to(max))),
        None => Err(wrong()),
    }
}

fn within(name: &'static str, number: u64, max: u64) -> Result<u64, RpcError> {
    if number > max {
        return Err(RpcError::OutOfRange(name, up_to(max)));
    }
    Ok(number)
}

fn up_to(max: u64) -> String {
    format!("send a whole number from 0 to {max}")
}

fn address(name: &'static str, text: &str) -> Result<Address, RpcError> {
    let wrong = || RpcError::WrongType(name, Kind::Address.sentence());
    if !text.starts_with("0x") {
        return Err(wrong());
    }
    text.parse().map_err(|error| match error {
        AddressError::Hex(_) => wrong(),
        checksum => RpcError::Checksum(checksum),
    })
}

fn hex_digits<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    let fits = text.starts_with("0x") && text.len() == digits + 2;
    fits.then(|| text.parse().ok()).flatten()
}

/// `Err(None)`: this is no hex.
fn data(name: &'static str, text: &str, max: usize) -> Result<Vec<u8>, Option<RpcError>> {
    let digits = text.strip_prefix("0x").ok_or(None)?;
    if digits.len() > 2 * max {
        let sentence = format!("it holds at most {max} bytes");
        return Err(Some(RpcError::OutOfRange(name, sentence)));
    }
    if digits.len() % 2 != 0 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(None);
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    let bytes = digits.as_bytes().chunks(2);
    Ok(bytes
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect())
}

fn percentiles(
    name: &'static str,
    value: &Value,
    max: usize,
    wrong: impl Fn() -> RpcError,
) -> Result<Vec<f64>, RpcError> {
    let list = value.as_array().ok_or_else(&wrong)?;
    let list: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
    let list = list.ok_or_else(wrong)?;
    let in_range = list.iter().all(|p| (0.0..=100.0).contains(p));
    if list.len() > max || !in_range || list.windows(2).any(|pair| pair[0] > pair[1]) {
        let sentence = format!("send at most {max} numbers that rise from 0 to 100");
        return Err(RpcError::OutOfRange(name, sentence));
    }
    Ok(list)
}

fn topic(
    name: &'static str,
    value: &Value,
    wrong: impl Fn() -> RpcError,
) -> Result<Topic, RpcError> {
    match value.as_str() {
        Some("newBlocks") => return Ok(Topic::NewBlocks),
        Some("rounds") => return Ok(Topic::Rounds),
        _ => {}
    }
    let only = |value: &Value, member: &str| {
        let object = value.as_object().filter(|object| object.len() == 1)?;
        object.get(member).cloned()
    };
    let whose = only(value, "receipts").and_then(|filter| only(&filter, "address"));
    let whose = whose.ok_or_else(&wrong)?;
    let whose = address(name, whose.as_str().ok_or_else(wrong)?)?;
    Ok(Topic::Receipts(Some(whose)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, value: &str) -> Result<Args, RpcError> {
        Args::read(&[needed("it", kind)], Some(&format!("[{value}]")))
    }

    fn code(kind: Kind, value: &str) -> &'static str {
        read(kind, value).map_or_else(|error| error.code(), |_| "read")
    }

    #[test]
    fn a_quantity_has_no_leading_zeros_and_fits_into_64_bits() {
        for (text, number) in [("0x0", 0), ("0x1b4", 436), ("0xffffffffffffffff", u64::MAX)] {
            let read = read(Kind::Quantity(u64::MAX), &format!("\"{text}\""));
            assert_eq!(read.and_then(|args| args.number(0)), Ok(number), "{text}");
        }
        for text in ["0x", "0x00", "0x01", "1", "0X1", "0x1 ", "0xz", "", "0x+1"] {
            let code = code(Kind::Quantity(u64::MAX), &format!("\"{text}\""));
            assert_eq!(code, "wrong_type", "{text}");
        }
        let beyond = "\"0x10000000000000000\"";
        assert_eq!(code(Kind::Quantity(u64::MAX), beyond), "out_of_range");
        assert_eq!(code(Kind::Quantity(9), "\"0xa\""), "out_of_range");
    }

    #[test]
    fn a_block_is_named_by_number_tag_or_hash() {
        let at = |value: &str| read(Kind::StateBlock, value).and_then(|args| args.height(0));
        assert_eq!(at("\"latest\""), Ok(At::Latest));
        assert_eq!(at("\"pending\""), Ok(At::Pending));
        let seven = Ok(At::Height(Height(7)));
        assert_eq!(
            (at("\"0x7\""), at(r#"{"blockNumber":"0x7"}"#)),
            (seven.clone(), seven)
        );
        let digits = "ab".repeat(32);
        for more in [
            "",
            r#","requireCanonical":true"#,
            r#","requireCanonical":false"#,
        ] {
            let found = at(&format!(r#"{{"blockHash":"0x{digits}"{more}}}"#));
            assert_eq!(found, Ok(At::Block(Hash([0xab; 32]))), "{more}");
        }
        for wrong in [
            "7".to_owned(),
            "{}".to_owned(),
            r#"{"blockNumber":7}"#.to_owned(),
            r#"{"blockNumber":"latest"}"#.to_owned(),
            r#"{"blockNumber":"0x7","requireCanonical":true}"#.to_owned(),
            r#"{"blockHash":"0x7"}"#.to_owned(),
            r#"{"blockHash":null}"#.to_owned(),
            r#"{"requireCanonical":true}"#.to_owned(),
            format!(r#"{{"blockHash":"0x{digits}","blockNumber":"0x7"}}"#),
            format!(r#"{{"blockHash":"0x{digits}","requireCanonical":1}}"#),
            format!(r#"{{"blockHash":"0x{digits}","more":1}}"#),
        ] {
            assert_eq!(code(Kind::StateBlock, &wrong), "wrong_type", "{wrong}");
        }
    }

    #[test]
    fn data_is_whole_bytes_within_its_limit() {
        let read = read(Kind::Data(2), "\"0x01fF\"");
        assert_eq!(read.and_then(|args| args.bytes(0)), Ok(vec![1, 255]));
        assert_eq!(code(Kind::Data(2), "\"0x\""), "read");
        assert_eq!(code(Kind::Data(2), "\"0x010203\""), "out_of_range");
        for wrong in ["\"0x1\"", "\"01\"", "\"0xzz\"", "\"0x0é\"", "1", "[]", "{}"] {
            assert_eq!(code(Kind::Data(2), wrong), "wrong_type", "{wrong}");
        }
    }

    #[test]
    fn a_whole_number_is_neither_negative_nor_broken_nor_huge() {
        assert_eq!(code(Kind::Whole(7), "7"), "read");
        for wrong in ["8", "-1", "1.5", "1e300", "18446744073709551616"] {
            assert_eq!(code(Kind::Whole(7), wrong), "out_of_range", "{wrong}");
        }
        assert_eq!(code(Kind::Whole(7), "\"7\""), "wrong_type");
        assert_eq!(code(Kind::Whole(7), "null"), "missing_param");
    }

    #[test]
    fn what_is_no_value_of_json_is_told_by_its_reason() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (value, expected) in [
            (deep.as_str(), "nested_too_deeply"),
            ("1e400", "out_of_range"),
            (r#"{"a":[-1e999]}"#, "out_of_range"),
            (r#""\ud800""#, "malformed_json"),
            (r#""\udc00\ud800""#, "malformed_json"),
        ] {
            assert_eq!(code(Kind::Height, value), expected, "{value}");
        }
    }

    #[test]
    fn a_place_among_those_that_wait_is_a_sender_and_a_nonce() {
        let sender = Address([0xab; 20]);
        let found = read(Kind::Place, &format!("\"{sender}:7\""));
        assert_eq!(found.and_then(|args| args.place(0)), Ok((sender, 7)));
        for wrong in [
            "7",
            "\"\"",
            "\":7\"",
            &format!("\"{sender}:-1\""),
            "\"0x:7\"",
        ] {
            assert_eq!(code(Kind::Place, wrong), "wrong_type", "{wrong}");
        }
    }

    #[test]
    fn parameters_come_by_position_or_by_name() {
        let params = [needed("height", Kind::Height), optional("full", Kind::Flag)];
        for given in [
            "[3]",
            "[3,null]",
            r#"{"height":3}"#,
            r#"{"full":null,"height":3}"#,
        ] {
            let args = Args::read(&params, Some(given)).expect("they fit");
            assert_eq!(args.height(0), Ok(At::Height(Height(3))), "{given}");
            assert_eq!(args.maybe_flag(1), Ok(None), "{given}");
        }
        let both = Args::read(&params, Some(r#"["latest",true]"#)).expect("they fit");
        assert_eq!(both.height(0), Ok(At::Latest));
        assert_eq!(both.flag(1), Ok(true));
        let refused = Args::read(&params, Some(r#"{"height":3,"ful":true}"#));
        assert_eq!(
            refused.map_err(|error| error.code()).err(),
            Some("unknown_param")
        );
        // A handler that asks for something else than its table says is our fault.
        assert_eq!(both.address(0), Err(RpcError::Internal));
    }
}
