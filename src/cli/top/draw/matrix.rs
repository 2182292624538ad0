//! A row a validator, with its votes at the height that is shown.
use super::super::rows::{Root, Row, Tone};
use super::super::state::State;
use super::super::votes::{self, Cell, Round, Votes};
use super::super::words::whole;
use super::Page;
use super::look::{Look, fit, right};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// From this width on columns have whole words.
const WIDE: usize = 120;
const BAR: usize = 12;
/// Columns of everything but state and votes.
const FIXED: usize = 2 + 13 + 10 + 5 + 7 + 8 + 1;

/// A wider one would lead the eye away from the row: its votes stand behind it.
const STATE_MAX: usize = 72;

/// How wide things are.
#[derive(Clone, Copy)]
struct Columns {
    state: usize,
    cell: usize,
}

impl Columns {
    fn of(width: usize, rounds: usize) -> Columns {
        let cell = if width >= WIDE { 10 } else { 2 };
        // At least as much as one round has: the table does not jump while votes come.
        let votes = rounds.max(1) * (3 * cell + 1);
        let state = width.saturating_sub(FIXED + votes).min(STATE_MAX);
        Columns { state, cell }
    }

    fn names(self) -> [&'static str; 3] {
        match self.cell > 2 {
            true => ["propose", "prevote", "precommit"],
            false => ["P", "V", "C"],
        }
    }
}

pub(super) fn draw(page: &mut Page<'_, '_>, state: &State, rows: &[Row], room: usize, look: Look) {
    let seen = votes::shown(state);
    let rounds = seen.as_ref().map_or(&[][..], |seen| &seen.rounds);
    let columns = Columns::of(page.width, rounds.len());
    page.line(heading(seen.as_ref(), rows.len(), columns, look));
    page.line(Span::styled(names(rounds.len(), columns), look.dim()));
    if rows.is_empty() {
        page.line(Span::styled(
            "   The set of validators is not known yet.",
            look.dim(),
        ));
    }
    let first = state.selected.saturating_sub(room.saturating_sub(1) / 2);
    let first = first.min(rows.len().saturating_sub(room));
    let shown = rows.iter().enumerate().skip(first).take(room);
    for (place, row) in shown {
        page.line(line(row, place == state.selected, rounds, columns, look));
    }
    page.line(foot(state, rounds, look));
}

fn heading(seen: Option<&Votes>, rows: usize, columns: Columns, look: Look) -> Line<'static> {
    let words = match seen {
        None => format!(" Validators ({rows}); no votes are seen yet"),
        Some(seen) => {
            let is = if seen.is_decided {
                "decided"
            } else {
                "under way"
            };
            let more = match seen.left_out {
                0 => String::new(),
                more => format!("; {more} rounds before are left out"),
            };
            format!(
                " Validators ({rows}); votes of height {}, {is}{more}",
                whole(seen.height)
            )
        }
    };
    let before = FIXED + columns.state;
    let mut spans = vec![Span::styled(fit(&words, before), look.strong())];
    for round in seen.iter().flat_map(|seen| &seen.rounds) {
        let wide = columns.cell > 2;
        let name = if wide {
            format!("round {}", round.round)
        } else {
            format!("r {}", round.round)
        };
        spans.push(Span::styled(fit(&name, 3 * columns.cell + 1), look.dim()));
    }
    Line::from(spans)
}

fn names(rounds: usize, columns: Columns) -> String {
    let mut words = format!(
        "  {}{} {}{} {} {}",
        fit("Validator", 13),
        right("Height", 10),
        fit("Root", 4),
        right("Power", 7),
        right("Missed", 7),
        fit("State", columns.state),
    );
    for _ in 0..rounds {
        for name in columns.names() {
            words.push_str(&fit(name, columns.cell));
        }
        words.push(' ');
    }
    words
}

fn line(
    row: &Row,
    is_chosen: bool,
    rounds: &[Round],
    columns: Columns,
    look: Look,
) -> Line<'static> {
    let mark = if is_chosen { look.mark() } else { ' ' };
    let name = if is_chosen {
        look.strong()
    } else {
        Style::new()
    };
    let number = |value: Option<u64>| value.map_or_else(|| "–".into(), whole);
    let (equal, root) = match row.root {
        Root::Equal => ("=", Tone::Good),
        Root::Other => ("≠", Tone::Bad),
        Root::Unknown => ("·", Tone::Dim),
    };
    let missed = row.missed.map(|(missed, of)| format!("{missed}/{of}"));
    let why = if row.why.is_empty() { "" } else { ": " };
    let state = format!("{}{why}{}", row.state, row.why);
    let mut spans = vec![
        Span::styled(format!("{mark} {}", fit(&row.name, 13)), name),
        Span::raw(format!("{}  ", right(&number(row.height), 10))),
        Span::styled(fit(equal, 3), look.tone(root)),
        Span::raw(right(&number(row.power), 7)),
        Span::raw(right(&missed.unwrap_or_else(|| "–".into()), 8)),
        Span::raw(" "),
        Span::styled(
            fit(&state, columns.state.saturating_sub(1)),
            look.tone(row.tone),
        ),
        Span::raw(" "),
    ];
    for round in rounds {
        for cell in round.cells.get(&row.address).copied().unwrap_or_default() {
            let (sign, tone) = sign(cell);
            spans.push(Span::styled(fit(sign, columns.cell), look.tone(tone)));
        }
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

fn sign(cell: Cell) -> (&'static str, Tone) {
    match cell {
        Cell::Absent => ("·", Tone::Dim),
        Cell::Nil => ("○", Tone::Warn),
        Cell::Value => ("●", Tone::Good),
        Cell::Both => ("!", Tone::Bad),
    }
}

/// How much of the power has voted in the newest round, with a mark at two thirds.
fn foot(state: &State, rounds: &[Round], look: Look) -> Line<'static> {
    let total = state.set.as_ref().map_or(0, |set| set.total_power);
    let mut spans = vec![Span::raw("  ")];
    if let Some(round) = rounds.last().filter(|_| total > 0) {
        for (name, power) in [
            ("prevotes ", round.power[1]),
            ("  precommits ", round.power[2]),
        ] {
            let percent = u128::from(power) * 100 / u128::from(total);
            spans.push(Span::styled(name, look.dim()));
            spans.extend(bar(power, total, look));
            spans.push(Span::raw(format!(" {percent:>3} %")));
        }
        spans.push(Span::styled("  ┃ two thirds", look.dim()));
    }
    Line::from(spans)
}

fn bar(power: u64, total: u64, look: Look) -> [Span<'static>; 3] {
    let full = u128::from(power) * BAR as u128 / u128::from(total.max(1));
    let full = usize::try_from(full).unwrap_or(BAR).min(BAR);
    let mark = BAR * 2 / 3;
    let part = |from: usize, to: usize| -> String {
        (from..to)
            .map(|at| if at < full { '█' } else { '░' })
            .collect()
    };
    let is_enough = u128::from(power) * 3 > u128::from(total) * 2;
    let tone = look.tone(if is_enough { Tone::Good } else { Tone::Warn });
    [
        Span::styled(part(0, mark), tone),
        Span::raw("┃"),
        Span::styled(part(mark, BAR), tone),
    ]
}
