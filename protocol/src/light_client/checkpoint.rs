//! `HASH@HEIGHT`: the block that the owner of a light client trusts.
use crate::types::{BlockId, Height};
use std::fmt;
use std::str::FromStr;

/// A block that is trusted: its owner has the id from a node of their own, from another person, or
/// from a published page. Everything else is checked against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The block's id.
    pub id: BlockId,
    /// Its height, from 1.
    pub height: Height,
}

/// The text is no `HASH@HEIGHT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected HASH@HEIGHT, a block id (0x and 64 hex digits) and its height from 1, got {0:?}")]
pub struct MalformedCheckpoint(String);

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.height)
    }
}

impl FromStr for Checkpoint {
    type Err = MalformedCheckpoint;

    fn from_str(text: &str) -> Result<Checkpoint, MalformedCheckpoint> {
        let refuse = || MalformedCheckpoint(text.chars().take(100).collect());
        let (id, height) = text.split_once('@').ok_or_else(refuse)?;
        let digits = height.bytes().all(|c| c.is_ascii_digit());
        let height = height.parse().ok().filter(|height| digits && *height > 0);
        Ok(Checkpoint {
            id: id.parse().map_err(|_| refuse())?,
            height: Height(height.ok_or_else(refuse)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Hash;

    #[test]
    fn a_checkpoint_is_an_id_and_a_height_from_1() {
        let checkpoint = Checkpoint {
            id: Hash::of(&[b"a block"]),
            height: Height(7),
        };
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
        let id = checkpoint.id;
        for wrong in [
            "",
            "@",
            "7",
            &format!("{id}"),
            &format!("{id}@"),
            &format!("{id}@0"),
            &format!("{id}@-1"),
            &format!("{id}@+1"),
            &format!("{id}@1@1"),
            &format!("{id}@18446744073709551616"),
            "0x12@3",
        ] {
            assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong}");
        }
    }
}
