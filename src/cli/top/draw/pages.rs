//! What stands around the rows: the log, the keys, the help, and what is said where there is no room.
use super::super::state::State;
use super::look::{Look, fit};
use super::{Page, SMALLEST};
use ratatui::text::{Line, Span};

const HELP: [(&str, &str); 17] = [
    ("↑ ↓", "choose a node"),
    ("k", "kill it, as a process is killed (devnet)"),
    ("s", "stop it in good order (devnet)"),
    ("r", "start it again (devnet)"),
    ("t, Enter", "make a block now (devnet)"),
    ("p", "cut the network into two halves (devnet)"),
    ("h", "heal all cuts and faults (devnet)"),
    ("?", "this help, and back"),
    ("q, Ctrl-C", "leave"),
    ("", ""),
    (
        "P V C",
        "proposal, prevote, precommit of each round at the height",
    ),
    (
        "● ○ · !",
        "for the block, for nil, not seen, two different ones",
    ),
    (
        "= ≠ ·",
        "state root: as others have it at that height, another, not known",
    ),
    (
        "Missed",
        "turns to propose that brought no block, in the newest 100 blocks",
    ),
    (
        "commit",
        "from the proposal to the decision, at the node that is asked first",
    ),
    (
        "intervals",
        "between the newest blocks, the last on the right",
    ),
    (
        "After",
        "the block before, as the node that is asked first decided them",
    ),
];

pub(super) fn too_small(page: &mut Page<'_, '_>, (width, height): (u16, u16)) {
    let (least_width, least_height) = SMALLEST;
    for words in [
        "lockstep: too small".to_owned(),
        format!("needs {least_width} x {least_height}"),
        format!("this is {width} x {height}"),
        "q leaves".to_owned(),
    ] {
        page.line(fit(&words, page.width));
    }
}

pub(super) fn help(page: &mut Page<'_, '_>, look: Look) {
    page.gap();
    for (key, words) in HELP {
        page.line(Line::from(vec![
            Span::styled(format!("  {} ", fit(key, 11)), look.strong()),
            Span::raw(words),
        ]));
    }
}

pub(super) fn log(page: &mut Page<'_, '_>, state: &State, look: Look) {
    let room = usize::from(page.left().saturating_sub(1));
    if state.log.is_empty() || room < 2 {
        return;
    }
    page.line(Span::styled(" Log", look.strong()));
    let width = page.width.saturating_sub(3).max(1);
    let rows: Vec<String> = state
        .log
        .iter()
        .flat_map(|line| wrapped(line, width))
        .collect();
    for row in rows.iter().skip(rows.len().saturating_sub(room - 1)) {
        page.line(Span::styled(format!("   {row}"), look.dim()));
    }
}

/// A line of the log in as many rows as it needs, without the day and without who in the program
/// says it.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let short = line.strip_prefix('[').and_then(|rest| {
        let (before, words) = rest.split_once("] ")?;
        let mut before = before.split_whitespace();
        let (_, time) = before.next()?.split_once('T')?;
        Some(format!(
            "{} {} {words}",
            time.trim_end_matches('Z'),
            before.next()?
        ))
    });
    let line: Vec<char> = short.as_deref().unwrap_or(line).chars().collect();
    line.chunks(width).map(|row| row.iter().collect()).collect()
}

/// The last line: what came of the last order, else what keys there are.
pub(super) fn keys(state: &State, width: usize, look: Look) -> Line<'static> {
    if let Some(outcome) = &state.outcome {
        let tone = match outcome.is_good {
            true => super::Tone::Good,
            false => super::Tone::Bad,
        };
        return Span::styled(fit(&format!(" {}", outcome.words), width), look.tone(tone)).into();
    }
    let words = match state.is_devnet {
        Some(true) => {
            " ↑↓ choose  k kill  s stop  r restart  t tick  p cut  h heal  ? help  q leave"
        }
        _ => " ↑↓ choose  ? help  q leave",
    };
    Span::styled(words, look.dim()).into()
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_log_line_is_shown_whole_without_its_day_and_its_module() {
        let line = "[2026-11-29T16:39:17Z WARN  lockstep_actors::tidings] node 0x6c: lost";
        assert_eq!(wrapped(line, 80), ["16:39:17 WARN node 0x6c: lost"]);
        assert_eq!(wrapped(line, 20), ["16:39:17 WARN node 0", "x6c: lost"]);
        for strange in ["", "[", "[] x", "[T] x", "no bracket"] {
            assert_eq!(wrapped(strange, 80).concat(), strange);
        }
    }
}
