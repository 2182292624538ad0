//! A snapshot: the chain at one height, in a file that anybody may have made. A node that reads it
//! goes on from there without the blocks before.
//!
//! ```text
//! format   the bytes: an opening, then records, each with its length before it
//! check    Check: takes one record after the other and says what it proves
//! changes  whether the changes of validators that it shows are those that its state lists
//! error    why a file is refused, and with which exit code
//! ```
//!
//! Every byte is covered by something that is known already, and what is not covered is not there:
//!
//! - The opening names format and genesis; both are compared.
//! - A **handover** is a certified header whose block names other validators for the next height. The
//!   first is signed by the validators of the genesis, each further one by those that the one before
//!   it names. So the set of the snapshot's own height is known before its block is looked at.
//! - The **head** is the block, certified by that set; its header covers block, receipts, and the
//!   root of the state.
//! - The **leaves** are the state in order of key. The tree is built anew from them, and its root must
//!   be that of the header. How they are cut into records is a rule, too ([`Cutter`]). The state lists
//!   every set with its first height: the handovers must be these, all of them and no others.
//!
//! What it takes to forge one is the keys of more than two thirds of the power of some set of the
//! chain. Of a set long gone they may be lost or sold: whoever cannot exclude that names a block that
//! it trusts ([`Checkpoint`](crate::proofs::light_client::Checkpoint)), which must be the head or a handover.
//!
//! Not in it: older blocks, votes, evidence that waits, and what the validator that made it has signed.
mod changes;
mod check;
mod error;
mod format;
#[cfg(test)]
mod tests;

pub use check::{Anchor, Check, Checked, is_handover};
pub use error::SnapshotError;
pub use format::{
    Cutter, FORMAT_VERSION, Leaf, OPENING_BYTES, SnapshotBlock, SnapshotPart, decode_opening,
    encode_opening, encode_record, record_bytes,
};
