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
        Some(error) => match in_our_words(&error.to_string()) {
            Some(words) => refuse(&words),
            None => said_by(&error),
        },
        None => refuse(&error.to_string()),
    })
}

/// Help and version on stdout, a mistake on stderr with clap's colours.
fn said_by(error: &clap::Error) -> ExitCode {
    // Whoever does not read it any more is told nothing.
    let _ = error.print();
    match error.use_stderr() {
        true => mistaken(&error.to_string()),
        false => ExitCode::SUCCESS,
    }
}

fn refuse(words: &str) -> ExitCode {
    words.lines().for_each(|line| tell!("{line}"));
    mistaken(words)
}

fn mistaken(words: &str) -> ExitCode {
    say_failure(&in_one_line(words), 2);
    ExitCode::from(2)
}

/// Its first paragraph, which names what is missing in lines of their own.
fn in_one_line(words: &str) -> String {
    let said = words.lines().take_while(|line| !line.trim().is_empty());
    let said: Vec<&str> = said.map(str::trim).collect();
    said.join(" ").trim_start_matches("error: ").to_owned()
}

/// What the library of numbers says of a text that is none names no next step. `None` if it has said
/// nothing.
fn in_our_words(said: &str) -> Option<String> {
    const WHOLE: &str = "write a whole number, as 15, without a point, comma or unit";
    const SMALLER: &str = "the number is too large: write a smaller one";
    let ours = [
        ("invalid digit found in string", WHOLE),
        ("cannot parse integer from empty string", WHOLE),
        ("number too large to fit in target type", SMALLER),
    ];
    let (theirs, ours) = ours.into_iter().find(|(theirs, _)| said.contains(theirs))?;
    Some(said.replace(theirs, ours))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `--json` ended with a colon.
    #[test]
    fn what_is_missing_is_named_in_the_one_line_too() {
        let said = "error: the following required arguments were not provided:\n  --amount \
                    <AMOUNT>\n  --to <TO>\n\nUsage: lockstep tx transfer\n";
        let expected =
            "the following required arguments were not provided: --amount <AMOUNT> --to <TO>";
        assert_eq!(in_one_line(said), expected);
    }

    /// `--amount 1.5` was told of an invalid digit.
    #[test]
    fn a_text_that_is_no_number_is_told_how_to_write_one() {
        for (text, word) in [
            ("1.5", "whole number"),
            ("", "whole number"),
            ("99999999999999999999", "smaller"),
        ] {
            let said = text.parse::<u64>().expect_err(text).to_string();
            let words = in_our_words(&format!("error: {said}")).expect(text);
            assert!(words.contains(word) && !words.contains(&said), "{words}");
        }
        assert_eq!(in_our_words("error: unexpected argument"), None);
    }
}
