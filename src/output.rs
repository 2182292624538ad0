//! What is said to whoever reads stdout and stderr.
use crate::failure::Failure;
use serde::Serialize;
use std::fmt::Arguments;
use std::io::Write;

/// Prints a line on stdout, as `println!` does; without arguments an empty one. A reader who has left
/// is the end of the command, not a panic.
macro_rules! say {
    () => { say!("") };
    ($($line:tt)+) => { $crate::output::print_line(format_args!($($line)+)) };
}

/// Tells people on stderr, as `eprint!` does, if anybody still reads it.
macro_rules! tell {
    ($($text:tt)*) => { $crate::output::tell_people(format_args!($($text)*)) };
}

pub(crate) use {say, tell};

pub(crate) fn print_line(line: Arguments<'_>) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| {
        Failure::retry(format!(
            "cannot write to stdout: {error}; let its reader stay, or name a file with room"
        ))
    })
}

/// Prints one JSON object.
pub(crate) fn say_json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document);
    let text = text.map_err(|error| Failure::safety(error.to_string()))?;
    say!("{text}")
}

pub(crate) fn tell_people(text: Arguments<'_>) {
    // There is nobody left to tell of an error.
    let _ = write!(std::io::stderr(), "{text}");
}
