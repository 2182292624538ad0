//! Limits of the command line, each with its reason. Units stand last in the name.
use std::time::Duration;

/// How long a pipe may take to say what it has to: whoever writes into it may ask a person first.
pub(crate) const PIPE_PATIENCE: Duration = Duration::from_secs(120);
