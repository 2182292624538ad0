//! `lockstep query`: what an application of the chain answers a question, as a node says it: nothing
//! proves it. A value of its state `lockstep light verify` checks.
use super::node::Rpc;
use super::record::{Key, readable};
use crate::failure::Failure;
use crate::hex::{hex, unhex};
use crate::output::{say, say_json};
use clap::Args;
use lockstep_protocol::application::is_name;
use lockstep_protocol::application::limits::{
    CALL_DATA_BYTES_MAX, QUERY_PATH_BYTES_MAX, STATE_KEY_BYTES_MAX,
};
use std::fmt::Write;

/// `lockstep query`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The application: a node lists those of its chain at /applications
    #[arg(value_name = "NAME", value_parser = application_name)]
    name: String,
    /// What is asked, as the application calls it; at most 256 bytes
    #[arg(value_name = "PATH", value_parser = path)]
    path: String,
    /// What is asked of: 0x and hex digits, at most 8192 bytes
    #[arg(long, value_name = "HEX", default_value = "0x", value_parser = data)]
    data: Data,
    #[command(flatten)]
    rpc: Rpc,
    /// Print one JSON object, as the node answers it
    #[arg(long)]
    json: bool,
}

/// Bytes for an application, as hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Data(pub(super) Vec<u8>);

pub(super) fn data(text: &str) -> Result<Data, String> {
    let bytes = unhex(text).ok_or("expected 0x and pairs of hex digits")?;
    match bytes.len() {
        0..=CALL_DATA_BYTES_MAX => Ok(Data(bytes)),
        length => Err(format!(
            "it has {length} bytes, the limit is {CALL_DATA_BYTES_MAX}"
        )),
    }
}

pub(super) fn application_name(text: &str) -> Result<String, String> {
    let refused = "expected 1 to 32 of a-z, 0-9 and -, a letter first";
    is_name(text).then(|| text.to_owned()).ok_or(refused.into())
}

pub(super) fn application_key(text: &str) -> Result<Key, String> {
    let key = Key::parse(text)?;
    match key.len() {
        0..=STATE_KEY_BYTES_MAX => Ok(key),
        length => Err(format!(
            "the key has {length} bytes, that of an application at most {STATE_KEY_BYTES_MAX}"
        )),
    }
}

fn path(text: &str) -> Result<String, String> {
    match text.len() {
        0..=QUERY_PATH_BYTES_MAX => Ok(text.into()),
        length => Err(format!(
            "it has {length} bytes, the limit is {QUERY_PATH_BYTES_MAX}"
        )),
    }
}

/// For a query of a URL.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => _ = write!(escaped, "%{byte:02X}"),
        }
        escaped
    })
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments {
        name, path, data, ..
    } = arguments;
    let node = arguments.rpc.node()?;
    let (path, data) = (escaped(path), hex(&data.0));
    let answer = node.json_in_time(&format!(
        "/applications/{name}/query?path={path}&data={data}"
    ))?;
    if arguments.json {
        return say_json(&answer);
    }
    let value = answer["value"].as_str().and_then(unhex);
    let value = value.ok_or_else(|| node.strange())?;
    let height = answer["height"].as_u64().ok_or_else(|| node.strange())?;
    say!("Lockstep query")?;
    say!("  application   {name}")?;
    say!("  after block   {height}")?;
    say!("  value         {}", readable(&value))?;
    say!("  bytes         {}", value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_application_could_be_asked_is_refused_before_anybody_is_asked() {
        assert!(application_name("Token").is_err());
        assert!(data("0x0").is_err());
        assert!(data(&format!("0x{}", "00".repeat(8_193))).is_err());
        assert_eq!(data("0x0102"), Ok(Data(vec![1, 2])));
        assert!(application_key(&"k".repeat(65)).is_err());
        assert!(path(&"p".repeat(257)).is_err());
        assert_eq!(escaped("a b/ü&"), "a%20b%2F%C3%BC%26");
    }
}
