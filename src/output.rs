//! All that this program says: on stdout, on stderr, in its log. Each way out writes out what is
//! unseen in what it is given ([`unseen`]), so no command can forget it, and adds the only control
//! characters that reach a terminal: the ends of lines, colours of the log, the line at the foot, the
//! picture of a view ([`screen`]).
//! Nothing else of this program writes to either stream; clippy.toml sees to that.
use crate::failure::Failure;
use crate::remedy;
use serde::Serialize;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use unseen::{Spelling, written_out};

mod fold;
pub(crate) mod log;
pub(crate) mod screen;
pub(crate) mod shell;
pub(crate) mod terminal;
mod unseen;
pub(crate) mod usage;

pub(crate) use unseen::is_unseen;

/// Prints one line on stdout; without arguments an empty one. A reader who has left is the end of
/// the command, not a panic.
macro_rules! say {
    () => { say!("") };
    ($($line:tt)+) => { $crate::output::print_line(format_args!($($line)+)) };
}

/// Tells people one line on stderr, if anybody still reads it.
macro_rules! tell {
    ($($line:tt)+) => { $crate::output::tell_people(format_args!($($line)+)) };
}

pub(crate) use {say, tell};

pub(crate) fn print_line(line: Arguments<'_>) -> Result<(), Failure> {
    let line = line.to_string();
    let line = written_out(&line, Spelling::Line);
    match fold::width() {
        Some(width) => print(&fold::fold(&line, width).join("\n")),
        None => print(&line),
    }
}

/// Prints one line that has its end where it has it, however wide it is: it may be copied.
pub(crate) fn say_whole(line: &str) -> Result<(), Failure> {
    print(&written_out(line, Spelling::Line))
}

/// Prints one JSON document.
pub(crate) fn say_json(document: &impl Serialize) -> Result<(), Failure> {
    print_json(serde_json::to_string_pretty(document))
}

/// Prints one JSON document on one line.
pub(crate) fn say_json_line(document: &impl Serialize) -> Result<(), Failure> {
    print_json(serde_json::to_string(document))
}

/// Whether a JSON document was printed.
static SAID_JSON: AtomicBool = AtomicBool::new(false);

/// Tells people how the command failed; programs too, if the command line has `--json` and nothing
/// was printed yet: every failure is one object with `ok`, `error` and `exit_code`.
pub(crate) fn tell_failure(failure: &Failure) {
    if !log::takes(&failure.message, ::log::Level::Error) {
        tell_people(format_args!("lockstep: {}", failure.message));
    }
    say_failure(&failure.message, failure.exit_code);
}

pub(crate) fn say_failure(error: &str, exit_code: u8) {
    let given = std::env::args_os().take_while(|argument| argument != "--");
    let mut given = given.skip(1);
    if given.any(|argument| argument == "--json") && !SAID_JSON.load(Ordering::Relaxed) {
        // Whoever does not read it any more is told on stderr alone.
        let _ = say_json_line(&serde_json::json!({
            "ok": false, "error": error, "exit_code": exit_code,
        }));
    }
}

fn print_json(text: serde_json::Result<String>) -> Result<(), Failure> {
    SAID_JSON.store(true, Ordering::Relaxed);
    let text = text.map_err(|error| Failure::safety(error.to_string()))?;
    print(&written_out(&text, Spelling::Json))
}

#[expect(clippy::disallowed_methods, reason = "the one way to stdout")]
fn print(shown: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{shown}").map_err(|error| {
        let next = match error.kind() {
            ErrorKind::BrokenPipe => "its reader left before the end: let it read all",
            _ => remedy::of_writing(&error, "lead it to a file that this user can write"),
        };
        Failure::retry(format!("cannot write to stdout: {error}; {next}"))
    })
}

pub(crate) fn tell_people(line: Arguments<'_>) {
    let line = line.to_string();
    if log::takes(&line, ::log::Level::Info) {
        return;
    }
    let line = written_out(&line, Spelling::Line);
    terminal::put_line(&format!("{line}\n"));
}

/// Tells of a panic as of everything else: what fell may have had a stranger's words in its hands.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        screen::leave_if_mine();
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let at = panic.location().map(ToString::to_string);
        let words = panic.payload_as_str().unwrap_or("no words");
        tell!(
            "thread '{name}' panicked at {}: {words}",
            at.unwrap_or_default()
        );
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            for line in trace.to_string().lines() {
                tell!("{line}");
            }
        }
    }));
}

/// Asks people on stderr, who answer on the same line.
pub(crate) fn ask(words: &str) {
    terminal::put_line(&written_out(words, Spelling::Line));
}
