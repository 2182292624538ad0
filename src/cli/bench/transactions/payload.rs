//! What the transactions of a load do.
use lockstep_protocol::limits::RECORD_VALUE_BYTES_MAX;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::types::Address;
use std::fmt;
use std::str::FromStr;

/// `--payload`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// Moves one unit to the same account each time.
    Transfer,
    /// Writes a new record, its value of so many bytes.
    Put(usize),
}

impl Payload {
    /// Of an account's transaction with this nonce.
    pub(super) fn action(self, nonce: u64) -> Action {
        match self {
            Payload::Transfer => Action::Transfer {
                to: Address([7; 20]),
                amount: 1,
                memo: String::new(),
            },
            Payload::Put(bytes) => Action::Put {
                key: nonce.to_be_bytes().to_vec(),
                value: vec![0xa5; bytes],
            },
        }
    }
}

impl FromStr for Payload {
    type Err = String;

    fn from_str(text: &str) -> Result<Payload, String> {
        let bytes = match text.split_once(':') {
            None if text == "transfer" => return Ok(Payload::Transfer),
            Some(("put", bytes)) => bytes.parse().ok(),
            _ => None,
        };
        let bytes = bytes.filter(|bytes| *bytes <= RECORD_VALUE_BYTES_MAX);
        bytes.map(Payload::Put).ok_or_else(|| {
            format!(
                "expected transfer, or put:N with a value of 0 to {RECORD_VALUE_BYTES_MAX} bytes"
            )
        })
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Transfer => f.write_str("transfer"),
            Payload::Put(bytes) => write!(f, "put:{bytes}"),
        }
    }
}

impl serde::Serialize for Payload {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_as_it_is_written_and_nothing_else_is() {
        for text in ["transfer", "put:0", "put:1024", "put:4096"] {
            let payload: Payload = text.parse().expect(text);
            assert_eq!(payload.to_string(), text);
        }
        for text in [
            "",
            "put",
            "put:",
            "put:4097",
            "put:-1",
            "transfer:1",
            "delete",
        ] {
            let error = text.parse::<Payload>().expect_err(text);
            assert!(error.contains("put:N") && error.contains("4096"), "{error}");
        }
    }

    #[test]
    fn each_record_is_a_new_one_of_the_length_that_was_asked_for() {
        let record = |nonce| match Payload::Put(1024).action(nonce) {
            Action::Put { key, value } => (key, value.len()),
            other => panic!("{other:?}"),
        };
        assert_ne!(record(1).0, record(2).0);
        assert_eq!(record(1).1, 1024);
    }
}
