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
        "of the newest 100 blocks those whose certificate lacks its vote",
    ),
    (
        "",
        "(a certificate is closed with more than two thirds of the power)",
    ),
    (
        "commit",
        "from the proposal to the decision, at the node that is asked first",
    ),
    (
        "intervals",
        "between the newest blocks, the last on the right",
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
    let newest = state.log.len().saturating_sub(room - 1);
    for line in state.log.iter().skip(newest) {
        page.line(Span::styled(format!("   {line}"), look.dim()));
    }
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
