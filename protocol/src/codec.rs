//! Canonical bytes: `borsh`, one encoding for each value, a limit on each input, no trailing bytes.
use borsh::io::{self, Read};
use borsh::{BorshDeserialize, BorshSerialize};

/// Why bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Longer than the limit of its kind; not looked at any further.
    #[error("{actual} bytes are more than the limit of {limit}")]
    TooLarge {
        /// The limit of this kind of message in bytes.
        limit: usize,
        /// What arrived, in bytes.
        actual: usize,
    },
    /// No value of this kind has these bytes.
    #[error("malformed {kind}: {reason}")]
    Malformed {
        /// What was expected.
        kind: &'static str,
        /// What the decoder met.
        reason: String,
    },
}

/// The canonical bytes of `value`.
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    // Counted first: a block would be copied twenty times as its buffer grows.
    let mut bytes = Vec::with_capacity(borsh::object_length(value).unwrap_or(0));
    // Writing into a Vec fails only if a collection has more than u32::MAX entries; every
    // collection of the protocol is bounded far below (see `limits.rs`).
    let written = value.serialize(&mut bytes);
    assert!(written.is_ok(), "a bounded value always encodes");
    bytes
}

/// Reads one value and demands that it uses every byte.
pub fn decode<T: BorshDeserialize>(
    kind: &'static str,
    bytes: &[u8],
    limit: usize,
) -> Result<T, CodecError> {
    if bytes.len() > limit {
        return Err(CodecError::TooLarge {
            limit,
            actual: bytes.len(),
        });
    }
    T::try_from_slice(bytes).map_err(|error| CodecError::Malformed {
        kind,
        reason: error.to_string(),
    })
}

/// Room that is made for a list before any of it has been read: a signature, a key, a record.
const LIST_ROOM_BYTES: u32 = 4_096;

/// Reads a list of bytes as borsh does, but makes room for no more than a page before there is
/// more: borsh itself makes a mebibyte for a length that lies.
pub(crate) fn read_bytes<R: Read>(reader: &mut R) -> io::Result<Vec<u8>> {
    let length = u32::deserialize_reader(reader)?;
    let room = usize::try_from(length.min(LIST_ROOM_BYTES)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(room);
    reader.take(u64::from(length)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()) != Ok(u64::from(length)) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// The same for text.
pub(crate) fn read_text<R: Read>(reader: &mut R) -> io::Result<String> {
    String::from_utf8(read_bytes(reader)?).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The same for a list that may be absent.
pub(crate) fn read_optional_bytes<R: Read>(reader: &mut R) -> io::Result<Option<Vec<u8>>> {
    match u8::deserialize_reader(reader)? {
        0 => Ok(None),
        1 => read_bytes(reader).map(Some),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Reads a list as borsh does, and none of it where it says that it has more than `MAX` values.
pub(crate) struct AtMost<T, const MAX: usize>(pub(crate) Vec<T>);

impl<T: BorshDeserialize, const MAX: usize> BorshDeserialize for AtMost<T, MAX> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        let count = u32::deserialize_reader(reader)?;
        if usize::try_from(count).map_or(true, |count| count > MAX) {
            let why = format!("{count} values are more than {MAX}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let values = (0..count).map(|_| T::deserialize_reader(reader));
        Ok(AtMost(values.collect::<io::Result<Vec<T>>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_bytes_short_bytes_and_long_bytes_are_refused() {
        let bytes = encode(&(7u32, vec![1u8, 2, 3]));
        assert_eq!(
            decode::<(u32, Vec<u8>)>("pair", &bytes, 64),
            Ok((7, vec![1, 2, 3]))
        );
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(
            decode::<(u32, Vec<u8>)>("pair", &longer, 64),
            Err(CodecError::Malformed { .. })
        ));
        assert!(decode::<(u32, Vec<u8>)>("pair", &bytes[..bytes.len() - 1], 64).is_err());
        assert_eq!(
            decode::<(u32, Vec<u8>)>("pair", &bytes, 3),
            Err(CodecError::TooLarge {
                limit: 3,
                actual: bytes.len()
            })
        );
    }

    #[test]
    fn a_list_with_a_limit_is_read_like_every_list_and_not_at_all_beyond() {
        let read = |bytes: &[u8]| decode::<AtMost<u16, 3>>("list", bytes, 64).map(|list| list.0);
        assert_eq!(read(&encode(&vec![1u16, 2, 3])), Ok(vec![1, 2, 3]));
        let error = read(&encode(&vec![1u16; 4])).expect_err("one too many");
        assert!(
            error.to_string().contains("4 values are more than 3"),
            "{error}"
        );
        assert!(read(&3u32.to_le_bytes()).is_err(), "nothing of it is there");
    }

    #[test]
    fn a_length_that_lies_does_not_allocate_what_it_claims() {
        let bytes = u32::MAX.to_le_bytes();
        assert!(decode::<Vec<u8>>("bytes", &bytes, 64).is_err());
    }
}
