//! Limits of the command line, each with its reason. Units stand last in the name.
use std::time::Duration;

/// Memory that opening a foreign key file may cost before its password is known to be right: four
/// times what ours take.
pub(crate) const KEY_MEMORY_KIB_MAX: u32 = 256 * 1024;
/// How often that memory is gone over: with the limit above some five times the work of ours, a
/// second or two.
pub(crate) const KEY_PASSES_MAX: u32 = 4;
/// Parts that this memory may be cut into; they cost nothing by themselves.
pub(crate) const KEY_LANES_MAX: u32 = 16;
/// How long a pipe may take to say what it has to: whoever writes into it may ask a person first.
pub(crate) const PIPE_PATIENCE: Duration = Duration::from_secs(120);
