//! How far long work is, for people: a bar at the foot of a terminal, drawn by `indicatif`. Log lines
//! pass above it, and it is gone when the work is done. Where stderr is no terminal, the same is a
//! line of its own now and then.
use indicatif::style::TemplateError;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is shown. One for the process, as there is one stderr.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Between two lines where there is no terminal.
const SAY_EVERY: Duration = Duration::from_secs(10);

const BAR: &str = "[{wide_bar}] {pos}/{len} {prefix}, {rate}, {left} left{msg}";

/// Whether a bar can be drawn at all.
pub(crate) fn is_there() -> bool {
    stderr().is_terminal()
}

/// How far some work is, for as long as this lives.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// When a line was last said, or could have been.
    said: Mutex<Instant>,
}

impl Progress {
    /// Of work that has so many parts, which are called `what`.
    pub(crate) fn new(of: u64, what: &'static str) -> Progress {
        let target = match is_there() {
            true => ProgressDrawTarget::stderr_with_hz(5),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(of), target).with_prefix(what);
        // An error says that the template is wrong, which a test sees.
        if let Ok(style) = style() {
            bar.set_style(style);
        }
        *shown() = Some(bar.clone());
        let said = Mutex::new(Instant::now());
        Progress { bar, said }
    }

    /// So much is done, of so much; with more words about it.
    pub(crate) fn show(&self, done: u64, of: u64, words: impl Into<String>) {
        let words = words.into();
        let (bar, gap) = (&self.bar, if words.is_empty() { "" } else { ", " });
        bar.set_length(of);
        bar.set_message(format!("{gap}{words}"));
        bar.set_position(done);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_there() && said.elapsed() >= SAY_EVERY {
            *said = Instant::now();
            super::tell_people(format_args!("{}", self.line()));
        }
    }

    fn line(&self) -> String {
        let bar = &self.bar;
        let done = bar.position();
        let of = bar.length().unwrap_or(0);
        let rate = bar.per_sec();
        let left = left(bar.eta());
        let (what, words) = (bar.prefix(), bar.message());
        format!("{done}/{of} {what}, {rate:.1}/s, {left} left{words}")
    }
}

/// A time to come, in words. None is known before anything is done.
fn left(eta: Duration) -> String {
    if eta.is_zero() {
        return "?".to_owned();
    }
    let whole = Duration::from_secs(eta.as_secs().max(1));
    format!("{:#}", HumanDuration(whole))
}

fn style() -> Result<ProgressStyle, TemplateError> {
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // An error says that nobody draws any more.
        let _ = write!(out, "{:.1}/s", state.per_sec());
    };
    let left = |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = write!(out, "{}", left(state.eta()));
    };
    let style = ProgressStyle::with_template(BAR)?.progress_chars("## ");
    Ok(style.with_key("rate", rate).with_key("left", left))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        *shown() = None;
    }
}

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the one way to stderr")]
fn stderr() -> io::Stderr {
    io::stderr()
}

/// Writes above the bar, if there is one. A picture that stands keeps it.
fn put(bytes: &[u8]) -> io::Result<()> {
    if super::screen::keeps(bytes) {
        return Ok(());
    }
    let write = || stderr().write_all(bytes);
    match &*shown() {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Writes this line. What is unseen in it is written out already.
pub(super) fn put_line(line: &str) {
    // There is nobody left to tell of an error.
    let _ = put(line.as_bytes());
}

/// Where log lines go while stderr is a terminal.
pub(super) struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        put(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_work_is_how_fast_and_how_long_still() {
        assert!(style().is_ok());
        let progress = Progress::new(0, "blocks");
        progress.show(5, 10, "height 7");
        let line = progress.line();
        assert!(line.starts_with("5/10 blocks, "), "{line}");
        assert!(line.ends_with(" left, height 7"), "{line}");
        assert!(line.contains("/s, "), "{line}");
    }

    #[test]
    fn what_is_done_is_shown_no_more() {
        let progress = Progress::new(10, "blocks");
        progress.show(10, 10, "");
        drop(progress);
        assert!(shown().is_none());
    }
}
