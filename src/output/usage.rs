//! What clap says: the help, the version, and mistakes in arguments. It quotes those in sentences of
//! its own, which have several lines and colours.
use super::unseen::{Spelling, written_out};
use super::{say_failure, tell};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// The arguments, or what the process ends with: 2 after a mistake, 0 after help and version.
pub(crate) fn parse<A: Parser>() -> Result<A, ExitCode> {
    let given: Vec<OsString> = std::env::args_os().collect();
    A::try_parse_from(&given).map_err(|error| match said_of_shown::<A>(&given) {
        // All that is unseen in it is clap's own.
        Some(error) => error.exit(),
        None => {
            let said = error.to_string();
            said.lines().for_each(|line| tell!("{line}"));
            let first = said.lines().next().unwrap_or_default();
            say_failure(first.trim_start_matches("error: "), 2);
            ExitCode::from(2)
        }
    })
}

/// What clap says of the same arguments, had all that is unseen in them been written out. `None` if
/// they would be no mistake then.
fn said_of_shown<A: Parser>(given: &[OsString]) -> Option<clap::Error> {
    let shown = given.iter().map(|argument| {
        let text = argument.to_string_lossy();
        written_out(&text, Spelling::Line).into_owned()
    });
    A::try_parse_from(shown).err()
}
