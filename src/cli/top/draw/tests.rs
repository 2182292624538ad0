//! Pictures, as they stand in `pictures/`. With `LOCKSTEP_KEEP_PICTURES=1` they are written anew.
use super::super::rows::{Now, rows};
use super::super::samples;
use super::super::shapes::read;
use super::super::state::{Outcome, State};
use super::super::verdict::verdict;
use super::{Look, draw};
use crate::output::is_unseen;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use std::path::Path;

const SIZES: [(u16, u16); 2] = [(80, 24), (200, 50)];

fn picture(state: &State, (width, height): (u16, u16), colours: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    let look = Look { colours };
    let drawn = terminal.draw(|frame| draw(frame, state, samples::now(), look));
    drawn.expect("it is drawn").buffer.clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    let lines = rows.map(|row| {
        let mut line = String::new();
        let mut covered = 0_usize;
        for cell in row {
            // The cell behind a wide sign holds nothing of its own.
            if covered == 0 {
                line.push_str(cell.symbol());
                covered = ratatui::text::Span::raw(cell.symbol()).width();
            }
            covered = covered.saturating_sub(1);
        }
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn compare(name: &str, state: &State) {
    for size in SIZES {
        let shown = text(&picture(state, size, true));
        let file = format!("src/cli/top/draw/pictures/{name}_{}x{}.txt", size.0, size.1);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("LOCKSTEP_KEEP_PICTURES").is_some() {
            std::fs::write(&path, &shown).expect("it is written");
        }
        let kept = std::fs::read_to_string(&path).expect("a picture");
        assert_eq!(shown, kept, "{name} at {size:?}:\n{shown}");
    }
}

#[test]
fn a_chain_that_is_alive_looks_like_this() {
    compare("alive", &samples::alive());
}

#[test]
fn a_chain_with_a_dead_node_looks_like_this() {
    compare("one_dead", &samples::one_dead());
}

#[test]
fn a_chain_that_is_cut_in_two_looks_like_this() {
    compare("partition", &samples::partition());
}

#[test]
fn a_chain_before_its_first_block_looks_like_this() {
    compare("empty", &samples::empty());
}

#[test]
fn before_any_answer_it_looks_like_this() {
    compare("asked", &samples::asked());
}

#[test]
fn hostile_words_stay_text() {
    let state = samples::hostile();
    compare("hostile", &state);
    for size in SIZES.into_iter().chain([(80, 60), (500, 200)]) {
        let buffer = picture(&state, size, true);
        let raw = buffer
            .content
            .iter()
            .find(|cell| cell.symbol().contains(is_unseen));
        assert!(raw.is_none(), "{raw:?}");
    }
}

#[test]
fn the_help_has_room_on_the_smallest_terminal() {
    let mut state = samples::alive();
    state.shows_help = true;
    compare("help", &state);
}

#[test]
fn a_log_is_shown_below_and_what_came_of_an_order_last() {
    let mut state = samples::one_dead();
    state.log = (0..30)
        .map(|at| format!("[2026-11-29T16:39:17Z WARN  lockstep] line {at} of the log"))
        .collect();
    let words = "POST /devnet/kill: done".to_owned();
    let is_good = true;
    state.outcome = Some(Outcome { words, is_good });
    compare("log", &state);
}

#[test]
fn a_terminal_that_is_too_small_is_told_so_and_none_is_a_panic() {
    let state = samples::hostile();
    for size in [(79, 24), (80, 23), (20, 4)] {
        let shown = text(&picture(&state, size, true));
        assert!(shown.contains("too small"), "{shown}");
        assert!(shown.contains("80 x 24"), "{shown}");
    }
    for width in (1..130).step_by(3) {
        for height in (1..60).step_by(3) {
            picture(&state, (width, height), true);
        }
    }
}

#[test]
fn without_colours_there_are_none_and_the_words_are_the_same() {
    for state in [
        samples::one_dead(),
        samples::partition(),
        samples::hostile(),
    ] {
        let (plain, coloured) = (
            picture(&state, SIZES[0], false),
            picture(&state, SIZES[0], true),
        );
        let is_plain =
            |cell: &ratatui::buffer::Cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset);
        assert!(plain.content.iter().all(is_plain));
        assert!(!coloured.content.iter().all(is_plain));
        assert_eq!(text(&plain), text(&coloured));
    }
}

#[test]
fn the_time_since_the_last_block_is_red_after_three_intervals() {
    let is_red = |after: u64| {
        let mut state = samples::alive();
        let at = samples::now().at + after;
        for node in 0..4 {
            let mut told = samples::status(node, samples::HEIGHT);
            told["time"] = (5_400 + after).into();
            let told = read(told.to_string().as_bytes()).expect("a status");
            state.status(node, told, at);
        }
        let now = Now {
            at,
            ..samples::now()
        };
        verdict(&state, &rows(&state, now), now).is_still
    };
    // Of a second each; 0.4 s have passed.
    assert_eq!([0, 2_600, 2_601].map(is_red), [false, false, true]);
}

#[test]
fn many_rows_follow_the_chosen_one() {
    let mut state = samples::alive();
    let set = state.set.as_mut().expect("a set");
    let one = set.validators[0].clone();
    for number in 4..128 {
        let mut more = one.clone();
        more.address = format!("0x{number:040}");
        set.validators.push(more);
    }
    for selected in [0, 60, 127] {
        state.selected = selected;
        let shown = text(&picture(&state, SIZES[0], true));
        assert!(
            shown.lines().any(|line| line.starts_with('▸')),
            "{selected}: {shown}"
        );
        assert!(shown.contains("Validators (128)"), "{shown}");
    }
}
