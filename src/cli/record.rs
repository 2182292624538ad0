//! `lockstep record`: what an account keeps under a key, as a node says it. `lockstep light verify`
//! checks it.
use super::node::Rpc;
use super::who;
use crate::failure::Failure;
use crate::hex::{hex, unhex};
use crate::output::{is_unseen, say, say_json};
use crate::wallet::Keyring;
use clap::Args;
use lockstep_protocol::limits::RECORD_KEY_BYTES_MAX;

/// `lockstep record`
#[derive(Args)]
pub(crate) struct Arguments {
    /// Whose: an address, the name of a key, or on a devnet alice, bob, carol, dave
    #[arg(value_name = "OWNER")]
    owner: String,
    /// Its key: a text, or 0x and hex digits
    #[arg(value_name = "KEY", value_parser = Key::parse)]
    key: Key,
    #[command(flatten)]
    rpc: Rpc,
    #[command(flatten)]
    keyring: Keyring,
    /// Print one JSON object, as the node answers it
    #[arg(long)]
    json: bool,
}

/// A key as people write it. What begins with 0x is hex, so that every key can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn parse(text: &str) -> Result<Key, String> {
        let bytes = match text.strip_prefix("0x") {
            Some(_) => unhex(text).ok_or("expected 0x and pairs of hex digits")?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return Err("a key has at least one byte".into());
        }
        Ok(Key(bytes))
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Its bytes, if a record may have such a key: nobody signs or asks for any other.
    pub(super) fn bytes(&self) -> Result<&[u8], Failure> {
        match self.0.len() {
            0..=RECORD_KEY_BYTES_MAX => Ok(&self.0),
            length => Err(Failure::usage(format!(
                "the key has {length} bytes, that of a record at most {RECORD_KEY_BYTES_MAX}: take its \
                 hash for one"
            ))),
        }
    }
}

/// Bytes as people read them: a text if they are one, or else hex.
pub(super) fn readable(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).ok();
    let text = text.filter(|text| !text.contains(is_unseen) && !text.starts_with("0x"));
    text.map_or_else(|| hex(bytes), str::to_owned)
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let key = arguments.key.bytes()?;
    let node = arguments.rpc.node()?;
    let owner = who::address(&arguments.owner, &arguments.keyring, &node.status()?)?;
    let path = format!("/records/{owner}/{}", hex(key));
    let record = node.json_in_time(&path)?;
    if arguments.json {
        return say_json(&record);
    }
    let value = record["value"].as_str().and_then(unhex);
    let value = value.ok_or_else(|| node.strange())?;
    say!("Lockstep record")?;
    say!("  owner         {owner}")?;
    say!("  key           {}", readable(key))?;
    say!("  value         {}", readable(&value))?;
    say!("  bytes         {}", value.len())?;
    say!("  since block   {}", record["height"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_text_or_hex() {
        assert_eq!(Key::parse("a b"), Ok(Key(b"a b".to_vec())));
        assert_eq!(Key::parse("0x00fF"), Ok(Key(vec![0, 255])));
        for wrong in ["", "0x", "0x1", "0xzz", "0x+1"] {
            assert!(Key::parse(wrong).is_err(), "{wrong}");
        }
        let bytes = |length: usize| Key::parse(&"k".repeat(length)).map(|key| key.bytes().is_ok());
        assert_eq!((bytes(256), bytes(257)), (Ok(true), Ok(false)));
    }

    #[test]
    fn bytes_that_are_no_text_show_as_hex() {
        assert_eq!(readable("straße".as_bytes()), "straße");
        for bytes in [&b"a\n"[..], b"\xff", b"0x12", b"\x1b[2J"] {
            assert_eq!(Key::parse(&readable(bytes)), Ok(Key(bytes.to_vec())));
        }
    }
}
