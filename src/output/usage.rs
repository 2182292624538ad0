//! What clap says: the help, the version, and mistakes in arguments. It quotes those in sentences of
//! its own, which have several lines and colours.
use super::unseen::{Spelling, written_out};
use super::{say_failure, tell};
use clap::{Command, Parser};
use std::ffi::OsString;
use std::process::ExitCode;

/// The arguments, or what the process ends with: 2 after a mistake, 0 after help and version.
pub(crate) fn parse<A: Parser>() -> Result<A, ExitCode> {
    let given = help_asked(std::env::args_os().collect());
    read::<A, _>(&given).map_err(|error| match said_of_shown::<A>(&given) {
        // All that is unseen in it is clap's own.
        Some(error) => match in_our_words(&error.to_string()) {
            Some(words) => refuse(&words),
            None => said_by(&error),
        },
        None => refuse(&error.to_string()),
    })
}

/// `help start` as `start --help`: what is no command gets the names that are like it.
fn help_asked(mut given: Vec<OsString>) -> Vec<OsString> {
    if given.len() > 2 && given[1] == "help" {
        given.remove(1);
        given.push("--help".into());
    }
    given
}

fn read<A: Parser, T: Into<OsString> + Clone>(
    given: impl IntoIterator<Item = T>,
) -> Result<A, clap::Error> {
    let mut matches = with_negatives(A::command()).try_get_matches_from(given)?;
    A::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut A::command()))
}

/// A number below zero is a value that is wrong, and no flag that nobody knows.
fn with_negatives(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let takes_values = argument.get_action().takes_values();
        argument.allow_negative_numbers(takes_values)
    });
    command.mut_subcommands(with_negatives)
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
    read::<A, _>(shown).err()
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

    /// `help strat` was told of no name that is like it, and `--amount -5` of an unknown flag.
    #[test]
    fn what_is_mistyped_is_told_what_it_may_mean() {
        #[derive(Parser)]
        #[command(name = "it")]
        enum It {
            Start {
                #[arg(long)]
                amount: u64,
            },
        }
        let said = |words: &[&str]| {
            let given = words.iter().map(OsString::from).collect();
            let read = read::<It, _>(help_asked(given));
            read.map(|It::Start { amount }| amount)
                .map_err(|error| error.to_string())
        };
        let helped = said(&["it", "help", "strat"]).expect_err("no command");
        assert!(
            helped.contains("similar") && helped.contains("'start'"),
            "{helped}"
        );
        let help = said(&["it", "help", "start"]).expect_err("help");
        assert!(help.contains("Usage: it start"), "{help}");
        let below = said(&["it", "start", "--amount", "-5"]).expect_err("below zero");
        assert!(below.contains("invalid value '-5'"), "{below}");
        assert_eq!(said(&["it", "start", "--amount", "5"]), Ok(5));
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
