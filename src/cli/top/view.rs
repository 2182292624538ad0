//! The view: draws what is known, and does what keys say. It waits for keys only, never for a node.
use super::draw::{Look, draw};
use super::keys::{self, Action, Verb};
use super::rows::rows;
use super::session::Session;
use crate::endpoint::Url;
use crate::failure::Failure;
use crate::output::screen::{self, Screen};
use ratatui::crossterm::event::{self, Event};
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Keys that were pressed and not looked at yet: whoever leans on one is not obeyed for minutes.
const KEYS_MAX: usize = 16;
/// Between two pictures, if no key is pressed.
const DRAW_EVERY: Duration = Duration::from_millis(125);
/// How long what came of an order is shown.
const OUTCOME_SHOWN: Duration = Duration::from_secs(5);
/// Lines of the log that the tallest terminal shows.
const LOG_LINES: usize = 40;

/// Whether a view can be shown, and is not refused.
pub(crate) fn is_wanted(plain: bool) -> bool {
    !plain && screen::is_there()
}

/// Shows these nodes, and the other nodes of their devnet, until a key leaves or `ended` says so.
pub(crate) fn show(urls: &[Url], ended: impl Fn() -> bool) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::retry(format!(
            "the terminal cannot be drawn on: {error}; try --plain"
        ))
    };
    let mut session = Session::begin(urls)?;
    let colours = screen::has_colours();
    let mut screen = Screen::open().map_err(failed)?;
    let keys = keys_of_the_terminal().map_err(failed)?;
    let mut said_at: Option<Instant> = None;
    while !ended() && screen::is_there() {
        session.take(Duration::ZERO);
        session.state.log = screen::newest_lines(LOG_LINES);
        forget(&mut session, &mut said_at);
        let now = session.now();
        let count = rows(&session.state, now).len();
        session.state.selected = session.state.selected.min(count.saturating_sub(1));
        let picture = |frame: &mut ratatui::Frame<'_>| {
            draw(frame, &session.state, now, Look { colours });
        };
        screen.draw(picture).map_err(failed)?;
        match keys.recv_timeout(DRAW_EVERY) {
            Ok(Action::Quit) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(action) => act(&mut session, action, count),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    Ok(())
}

/// What the keys say, from a thread of its own. It ends with the process: a read of the terminal cannot
/// be taken back, and of one that was closed the library reads for ever.
fn keys_of_the_terminal() -> io::Result<Receiver<Action>> {
    let (tell, keys) = mpsc::sync_channel(KEYS_MAX);
    let read = move || {
        while let Ok(event) = event::read() {
            // A size that has changed needs no key: the next picture has it.
            if let Event::Key(key) = event
                && let Some(action) = keys::action(key)
                && tell.send(action).is_err()
            {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("keys".into())
        .spawn(read)?;
    Ok(keys)
}

/// What came of an order is shown for a while.
fn forget(session: &mut Session, said_at: &mut Option<Instant>) {
    let outcome = &mut session.state.outcome;
    match (outcome.is_some(), *said_at) {
        (true, None) => *said_at = Some(Instant::now()),
        (true, Some(at)) if at.elapsed() > OUTCOME_SHOWN => (*outcome, *said_at) = (None, None),
        (true, Some(_)) => {}
        (false, _) => *said_at = None,
    }
}

fn act(session: &mut Session, action: Action, rows: usize) {
    let state = &mut session.state;
    match action {
        Action::Up => state.selected = state.selected.saturating_sub(1),
        Action::Down => state.selected = (state.selected + 1).min(rows.saturating_sub(1)),
        Action::Help => state.shows_help = !state.shows_help,
        Action::Order(verb) => order(session, verb),
        Action::Quit => {}
    }
}

fn order(session: &mut Session, verb: Verb) {
    let all = rows(&session.state, session.now());
    match keys::request(&session.state, &all, verb) {
        Ok((place, path, body)) => session.order(place, path, body),
        Err(words) => {
            let is_good = false;
            session.state.outcome = Some(super::state::Outcome { words, is_good });
        }
    }
}
