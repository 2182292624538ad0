//! The one line at the foot of a terminal on which a command shows how it goes on. Log lines pass
//! above it, it is drawn anew below them, and it is gone when the command says so. Where stderr is
//! no terminal, the same is a line of its own now and then.
use super::unseen::{Spelling, written_out};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What stands there now; empty if nothing does. One for the process, as there is one stderr.
static FOOT: Mutex<String> = Mutex::new(String::new());

/// Characters of a bar between its brackets.
const BAR_WIDTH: u64 = 30;

/// Whether a line can be drawn at all.
pub(crate) fn is_there() -> bool {
    stderr().is_terminal()
}

/// Between two lines where there is no terminal.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// When such a line was last said, or could have been.
static SAID: Mutex<Option<Instant>> = Mutex::new(None);

/// Draws this in place of what stands there.
pub(crate) fn show(line: &str) {
    if !is_there() {
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *said.get_or_insert_with(Instant::now);
        if since.elapsed() >= SAY_EVERY {
            *said = Some(Instant::now());
            super::tell_people(format_args!("{line}"));
        }
    } else {
        let line = written_out(line, Spelling::Line);
        let mut foot = foot();
        foot.clear();
        foot.push_str(&line);
        put(drawn(&line).as_bytes());
    }
}

/// How often a [`Foot`] is drawn anew.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// A line that changes often, and is drawn now and then.
#[derive(Default)]
pub(crate) struct Foot(Option<Instant>);

impl Foot {
    pub(crate) fn show(&mut self, line: impl FnOnce() -> String) {
        if self.0.is_none_or(|at| at.elapsed() >= SHOW_EVERY) {
            self.0 = Some(Instant::now());
            show(&line());
        }
    }
}

/// Erases what stands there.
pub(crate) fn wipe() {
    let mut foot = foot();
    if !foot.is_empty() {
        foot.clear();
        put(ERASE.as_bytes());
    }
}

/// `[####    ]`: `done` of `total`.
pub(crate) fn bar(done: u64, total: u64) -> String {
    let filled = u128::from(done) * u128::from(BAR_WIDTH) / u128::from(total.max(1));
    let filled = usize::try_from(filled.min(u128::from(BAR_WIDTH))).unwrap_or_default();
    let empty = (BAR_WIDTH as usize).saturating_sub(filled);
    format!("[{}{}]", "#".repeat(filled), " ".repeat(empty))
}

/// Back to the margin, and nothing behind it.
const ERASE: &str = "\r\x1b[K";

/// Without wrapping: on a narrow terminal the line is cut, because only one row can be erased.
fn drawn(line: &str) -> String {
    format!("{ERASE}\x1b[?7l{line}\x1b[?7h")
}

fn foot() -> MutexGuard<'static, String> {
    FOOT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the one way to stderr")]
fn stderr() -> io::Stderr {
    io::stderr()
}

fn put(bytes: &[u8]) {
    let mut err = stderr();
    // There is nobody left to tell of an error.
    let _ = err.write_all(bytes).and_then(|()| err.flush());
}

/// Writes this above the foot, if there is one. What is unseen in it is written out already.
pub(super) fn put_line(line: &str) {
    let foot = foot();
    put(&above(line.as_bytes(), &foot));
}

/// Where log lines go while stderr is a terminal: each whole, above the foot.
pub(super) struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let foot = foot();
        stderr().write_all(&above(line, &foot))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

/// One write, so that nothing of this process can come in between.
fn above(line: &[u8], foot: &str) -> Vec<u8> {
    if foot.is_empty() {
        return line.to_vec();
    }
    let again = drawn(foot);
    [ERASE.as_bytes(), line, again.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_what_is_done_and_never_longer() {
        let bar_of = |filled| format!("[{}{}]", "#".repeat(filled), " ".repeat(30 - filled));
        assert_eq!(bar(0, 10), bar_of(0));
        assert_eq!(bar(5, 10), bar_of(15));
        assert_eq!(bar(10, 10), bar_of(30));
        assert_eq!(bar(11, 10), bar_of(30));
        assert_eq!(bar(0, 0), bar_of(0));
        assert_eq!(bar(u64::MAX, u64::MAX), bar_of(30));
    }

    #[test]
    fn a_log_line_erases_the_foot_and_the_foot_follows_it() {
        assert_eq!(above(b"a line\n", ""), b"a line\n");
        let both = above(b"a line\n", "[##]");
        assert_eq!(both, b"\r\x1b[Ka line\n\r\x1b[K\x1b[?7l[##]\x1b[?7h");
    }
}
