//! The whole terminal as one picture, while a view has it. It is given back at every end: when the
//! view is left, when the thread that draws panics, before a second signal ends the process.
//!
//! What is said meanwhile (log lines, `tell!`) would tear the picture. It is kept here: the view shows
//! the newest lines, and all that is kept is written to stderr when the terminal is given back.
use super::unseen::{Spelling, is_unseen, written_out};
use crate::limits::{SCREEN_LINE_CHARS_MAX, SCREEN_LINES_MAX};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Stdout};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

/// Who draws, and what was said since.
struct Taken {
    by: ThreadId,
    said: Said,
}

/// The newest lines.
#[derive(Default)]
struct Said(VecDeque<String>);

impl Said {
    fn keep(&mut self, bytes: &[u8]) {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.0.push_back(plain(line));
        }
        while self.0.len() > SCREEN_LINES_MAX {
            self.0.pop_front();
        }
    }

    fn newest(&self, count: usize) -> Vec<String> {
        let skipped = self.0.len().saturating_sub(count);
        self.0.iter().skip(skipped).cloned().collect()
    }
}

/// One for the process, as there is one terminal.
static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

/// The terminal, while a view has it.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

/// Whether a picture can be drawn and keys be read: both ends are terminals, and not dumb ones.
pub(crate) fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    !dumb && stdout().is_terminal() && io::stdin().is_terminal()
}

/// Whether people want colours: <https://no-color.org>.
pub(crate) fn has_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A text from outside as it may stand in a picture: what is unseen in it is written out.
pub(crate) fn shown(text: &str) -> String {
    written_out(text, Spelling::Line).into_owned()
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn open() -> io::Result<Screen> {
        let by = std::thread::current().id();
        *taken() = Some(Taken {
            by,
            said: Said::default(),
        });
        let opened = Screen::enter();
        if opened.is_err() {
            leave();
        }
        opened
    }

    fn enter() -> io::Result<Screen> {
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen)?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(Screen { terminal })
    }

    /// Draws what has changed.
    pub(crate) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(picture).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back, and says what was kept. Does nothing where nobody has it.
pub(crate) fn leave() {
    let Some(taken) = taken().take() else {
        return;
    };
    // There is nobody left to tell of an error.
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    for line in taken.said.0 {
        super::terminal::put_line(&format!("{line}\n"));
    }
}

/// The same in a panic: only that of the thread that draws ends the picture. An actor that falls is
/// caught by its supervisor, and the view goes on.
pub(super) fn leave_if_mine() {
    let mine = std::thread::current().id();
    let is_mine = taken().as_ref().is_some_and(|taken| taken.by == mine);
    if is_mine {
        leave();
    }
}

/// The newest lines that were said while the picture stands.
pub(crate) fn newest_lines(count: usize) -> Vec<String> {
    let taken = taken();
    let said = taken.as_ref().map(|taken| taken.said.newest(count));
    said.unwrap_or_default()
}

/// Whether a picture stands, and has kept this.
pub(super) fn keeps(bytes: &[u8]) -> bool {
    let mut taken = taken();
    let Some(taken) = taken.as_mut() else {
        return false;
    };
    taken.said.keep(bytes);
    true
}

/// A line without the colours of the log. What was unseen in its words is written out already.
fn plain(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => drop(rest.by_ref().find(|c| c.is_ascii_alphabetic())),
            c if is_unseen(c) => {}
            c => kept.push(c),
        }
    }
    kept.chars().take(SCREEN_LINE_CHARS_MAX).collect()
}

fn taken() -> MutexGuard<'static, Option<Taken>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the picture, whose texts are `shown`"
)]
fn stdout() -> Stdout {
    io::stdout()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_loses_its_colours_and_nothing_else() {
        let line = "[\u{1b}[90m12:00\u{1b}[0m \u{1b}[33mWARN\u{1b}[0m] peer \\u{1b}[2J left";
        assert_eq!(plain(line), "[12:00 WARN] peer \\u{1b}[2J left");
    }

    #[test]
    fn of_many_lines_the_newest_are_kept() {
        let mut said = Said::default();
        for number in 0..SCREEN_LINES_MAX + 5 {
            said.keep(format!("line {number}\n").as_bytes());
        }
        let last = SCREEN_LINES_MAX + 4;
        let newest = [last - 1, last].map(|number| format!("line {number}"));
        assert_eq!(said.newest(2), newest);
        assert_eq!(said.newest(usize::MAX).len(), SCREEN_LINES_MAX);
    }
}
