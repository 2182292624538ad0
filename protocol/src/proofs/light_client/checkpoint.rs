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
            &format!("{id}0@7"),
            &format!("{id}@ 7"),
            &format!(" {id}@7"),
            &format!("0x{id}@7"),
            &format!("0X{}@7", bare(id)),
            &format!("{}g@7", &id.to_string()[..65]),
            &format!("{id}@{}", "1".repeat(1_000_000)),
            &format!("7@{id}"),
        ] {
            assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong}");
        }
        assert_eq!(format!("{}@7", bare(id)).parse(), Ok(checkpoint));
    }

    /// The digits alone, as other tools write them.
    fn bare(id: BlockId) -> String {
        id.to_string().replace("0x", "")
    }

    #[test]
    fn what_is_no_checkpoint_is_answered_with_what_one_looks_like_in_few_words() {
        let wrong = "0x12".repeat(1_000);
        let said = wrong.parse::<Checkpoint>().unwrap_err().to_string();
        assert!(said.len() < 250, "{said}");
        for word in ["HASH@HEIGHT", "64 hex digits", "height from 1"] {
            assert!(said.contains(word), "{word} in {said}");
        }
    }
}
