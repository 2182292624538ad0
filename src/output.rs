//! What is said to whoever reads stdout and stderr.
use crate::failure::Failure;
use std::fmt::Arguments;
use std::io::Write;

/// Prints a line on stdout. A reader who has left is the end of the command, not a panic.
pub(crate) fn say(line: Arguments<'_>) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| {
        Failure::retry(format!(
            "cannot write to stdout: {error}; let its reader stay, or name a file with room"
        ))
    })
}

/// Tells people on stderr, if anybody still reads it.
pub(crate) fn tell(text: Arguments<'_>) {
    // There is nobody left to tell of an error.
    let _ = write!(std::io::stderr(), "{text}");
}
