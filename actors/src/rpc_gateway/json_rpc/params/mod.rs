//! The parameters of a method: what each may be, and the one place where it is read. The same
//! [`Kind`] checks a value and describes itself in the OpenRPC document.
use super::error::RpcError;
use crate::limits::RPC_VALUES_MAX;
use crate::rpc_gateway::events::Topic;
use lockstep_protocol::types::{Address, Hash, Height};
use serde_json::Value;

mod kind;
mod read;
#[cfg(test)]
mod tests;

use kind::Arg;
pub(super) use kind::{At, Call, Kind};

/// Whatever is nested as deeply, the reader of JSON refuses.
const JSON_DEPTH_MAX: usize = 128;

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

/// The parameters of one call, checked.
#[derive(Clone, Debug)]
pub(super) struct Args(Vec<Arg>);

/// A handler asks for a parameter that its method does not have, or not of that kind.
fn not_in_table() -> RpcError {
    log::error!("a method reads a parameter that its table does not name");
    RpcError::Internal
}

macro_rules! readers {
    ($($need:ident $name:ident: $arg:ident => $type:ty;)*) => {
        $(readers! { @$need $name: $arg => $type })*
    };
    (@optional $name:ident: $arg:ident => $type:ty) => {
        pub(super) fn $name(&self, index: usize) -> Result<Option<$type>, RpcError> {
            match self.0.get(index) {
                Some(Arg::$arg(value)) => Ok(Some(value.clone())),
                Some(Arg::Absent) => Ok(None),
                _ => Err(not_in_table()),
            }
        }
    };
    (@needed $name:ident: $arg:ident => $type:ty) => {
        pub(super) fn $name(&self, index: usize) -> Result<$type, RpcError> {
            match self.0.get(index) {
                Some(Arg::$arg(value)) => Ok(value.clone()),
                _ => Err(not_in_table()),
            }
        }
    };
}

impl Args {
    /// By position or by name, against what the method takes.
    pub(super) fn read(params: &[Param], given: Option<&str>) -> Result<Args, RpcError> {
        let given = match given {
            None => Value::Null,
            Some(text) if values_in(text).0 > RPC_VALUES_MAX => {
                return Err(too_many_values(text));
            }
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
        needed address: Address => Address;
        needed hash: Hash => Hash;
        needed bytes: Bytes => Vec<u8>;
        needed name: Name => String;
        needed height: At => At;
        needed number: Number => u64;
        needed topic: Topic => Topic;
        needed call: Call => Call;
        optional maybe_height: At => At;
        optional maybe_cursor: Cursor => (Address, u64);
        optional maybe_place: Place => (Height, u32);
        optional maybe_number: Number => u64;
        optional maybe_bytes: Bytes => Vec<u8>;
        optional maybe_flag: Flag => bool;
        optional maybe_percentiles: Percentiles => Vec<f64>;
    }
}

fn too_many_values(text: &str) -> RpcError {
    if values_in(text).1 >= JSON_DEPTH_MAX {
        return RpcError::NestedTooDeeply;
    }
    let sentence = format!("one call has at most {RPC_VALUES_MAX} values in it");
    RpcError::OutOfRange("params", sentence)
}

/// At most so many values are in this text, which has the form of JSON, and so many lists and objects
/// one in the other: each value but the first stands behind one of these marks. Read, some bytes of
/// text are a hundred times as many.
fn values_in(text: &str) -> (usize, usize) {
    let mut count = 1;
    let mut depth = 0usize;
    let mut deepest = 0;
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b',' => count += 1,
            b'[' | b'{' => {
                (count, depth) = (count + 1, depth + 1);
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (count, deepest)
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
