//! How each kind of value is read, strictly.
use super::kind::{Arg, At, Call, Kind, TAGS};
use crate::rpc_gateway::events::Topic;
use crate::rpc_gateway::history::parse_place;
use crate::rpc_gateway::json::unhex;
use crate::rpc_gateway::json_rpc::error::RpcError;
use crate::rpc_gateway::transactions::parse_cursor;
use lockstep_protocol::types::{Address, AddressError, Height};
use serde_json::Value;

impl Kind {
    /// Reads a value that is there.
    pub(super) fn read(self, name: &'static str, value: &Value) -> Result<Arg, RpcError> {
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
            Kind::Key(max) => {
                let key = data(name, text()?, max).map_err(|e| e.unwrap_or_else(wrong))?;
                if key.is_empty() {
                    return Err(RpcError::OutOfRange(
                        name,
                        "it holds at least 1 byte".into(),
                    ));
                }
                Arg::Bytes(key)
            }
            Kind::Name(max) => {
                let text = text()?;
                if text.len() > max {
                    let sentence = format!("it has at most {max} bytes");
                    return Err(RpcError::OutOfRange(name, sentence));
                }
                Arg::Name(text.into())
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
            Kind::Slot => slot(text()?).ok_or_else(wrong)?,
            Kind::Cursor => Arg::Cursor(parse_cursor(text()?).ok_or_else(wrong)?),
            Kind::Place => Arg::Place(parse_place(text()?).ok_or_else(wrong)?),
            Kind::Flag => Arg::Flag(value.as_bool().ok_or_else(wrong)?),
            Kind::Percentiles(max) => Arg::Percentiles(percentiles(name, value, max, wrong)?),
            Kind::Topic => Arg::Topic(topic(name, value, wrong)?),
            Kind::EthTopic if value == "newHeads" => Arg::Topic(Topic::NewHeads),
            Kind::EthTopic => return Err(wrong()),
            Kind::Subscription => Arg::Number(quantity(name, text()?, wrong)?),
            Kind::Filter => value.is_object().then_some(Arg::Filter).ok_or_else(wrong)?,
            Kind::Call => Arg::Call(call(value).ok_or_else(wrong)?),
        })
    }
}

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
        let text = value.as_str().ok_or_else(&wrong)?;
        // No height has so many digits.
        return match hex_digits(text, 64) {
            Some(id) => Ok(At::Block(id)),
            None => block_tag(name, text, wrong),
        };
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

fn slot(text: &str) -> Option<Arg> {
    let digits = text.strip_prefix("0x")?;
    let is_slot = (1..=64).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_hexdigit());
    is_slot.then_some(Arg::Slot)
}

/// Members that say what a machine may use or who is paid do not matter: there is none.
fn call(value: &Value) -> Option<Call> {
    let object = value.as_object()?;
    let text = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(Some),
    };
    let address = |name: &str| match text(name)? {
        Some(text) if text.starts_with("0x") => Address::from_any_case(text).ok().map(Some),
        Some(_) => None,
        None => Some(None),
    };
    // Newer tools say input, older ones data.
    let data = text("input")?.or(text("data")?).unwrap_or("0x");
    Some(Call {
        from: address("from")?,
        to: address("to")?,
        data: unhex(data)?,
    })
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
    if text.starts_with("0x") && text.len() > 2 + 2 * max {
        let sentence = format!("it holds at most {max} bytes");
        return Err(Some(RpcError::OutOfRange(name, sentence)));
    }
    unhex(text).ok_or(None)
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
