//! The newest blocks: one sign each, the intervals between them, and a line each where there is room.
use super::super::state::{Block, State};
use super::super::words::{ago, micros, whole};
use super::Page;
use super::look::{Look, fit, right};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

/// A terminal that is wider shows no more: nobody counts so many.
const BLOCKS_SHOWN: usize = 120;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn draw(page: &mut Page<'_, '_>, state: &State, look: Look) {
    let room = page.width.saturating_sub(4).min(BLOCKS_SHOWN);
    let newest = state.blocks.last_key_value().map(|(height, _)| *height);
    let words = Span::styled(" Newest blocks", look.strong());
    let Some(newest) = newest else {
        page.line(words);
        page.line(Span::styled("   No block is seen yet.", look.dim()));
        return;
    };
    let meaning = ", each by its proposer; underlined: of round 1 or later";
    page.line(Line::from(vec![words, Span::styled(meaning, look.dim())]));
    let first = newest.saturating_sub(room as u64 - 1).max(1);
    let known = state
        .blocks
        .range(first..)
        .next()
        .map_or(first, |(height, _)| *height);
    let signs = (known..=newest).map(|height| sign(state, height, look));
    let mut spans = vec![Span::raw("   ")];
    spans.extend(signs);
    page.line(Line::from(spans));
}

fn sign(state: &State, height: u64, look: Look) -> Span<'static> {
    let Some(block) = state.blocks.get(&height) else {
        return Span::styled("·", look.dim());
    };
    let place = block.proposer.as_deref().and_then(|who| place(state, who));
    let digit = place.map(|place| u32::try_from(place % 36).unwrap_or(0));
    let digit = digit
        .and_then(|digit| char::from_digit(digit, 36))
        .unwrap_or('?');
    let style = look.proposer(place);
    let late = if block.round > 0 {
        Modifier::UNDERLINED | Modifier::BOLD
    } else {
        Modifier::empty()
    };
    Span::styled(digit.to_string(), style.add_modifier(late))
}

/// The newest blocks from the top. It takes so many rows with its head, also where there are fewer
/// blocks: what stands below keeps its place.
pub(super) fn table(page: &mut Page<'_, '_>, state: &State, rows: u16, look: Look) {
    /// A gap, a head and some blocks.
    const LEAST: u16 = 5;
    if rows < LEAST {
        return;
    }
    let end = page.at.saturating_add(rows);
    if !state.blocks.is_empty() {
        blocks(page, state, usize::from(rows) - 2, look);
    }
    page.at = end;
}

fn blocks(page: &mut Page<'_, '_>, state: &State, count: usize, look: Look) {
    page.gap();
    let head = "       Height  Proposer       Round      Commit       After";
    page.line(Span::styled(head, look.dim()));
    for (height, block) in state.blocks.iter().rev().take(count) {
        page.line(line(state, *height, block, look));
    }
}

fn line(state: &State, height: u64, block: &Block, look: Look) -> Line<'static> {
    let who = block.proposer.as_deref();
    let place = who.and_then(|who| place(state, who));
    let name = who.map_or_else(|| "–".to_owned(), |who| state.name_of(who));
    let after = state
        .interval_ms(height)
        .map_or_else(|| "–".to_owned(), time);
    let round = match block.round {
        0 => Span::raw(right("0", 5)),
        late => Span::styled(right(&late.to_string(), 5), look.strong()),
    };
    Line::from(vec![
        Span::raw(format!("{}  ", right(&whole(height), 13))),
        Span::styled(fit(&name, 13), look.proposer(place)),
        Span::raw("  "),
        round,
        Span::raw(right(&micros(block.took_us), 12)),
        Span::raw(right(&after, 12)),
    ])
}

/// Of fast blocks tenths of a second say nothing.
fn time(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ => ago(ms),
    }
}

/// Of a devnet the node's number, else its place in the set.
fn place(state: &State, who: &str) -> Option<usize> {
    let index = state.devnet_node(who).map(|node| node.index);
    let mut set = state.set.iter().flat_map(|set| &set.validators);
    index.or_else(|| set.position(|one| one.address == who))
}

/// A line of bars, the newest on the right.
pub(super) fn spark(values: &[u64]) -> String {
    let top = values.iter().max().copied().unwrap_or(0).max(1);
    let level = |value: &u64| {
        let level = u128::from(*value) * (LEVELS.len() as u128 - 1) / u128::from(top);
        LEVELS[usize::try_from(level).unwrap_or(0).min(LEVELS.len() - 1)]
    };
    values.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::spark;

    #[test]
    fn the_longest_interval_is_the_highest_bar() {
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[0, 0]), "▁▁");
        assert_eq!(spark(&[0, 500, 1_000, u64::MAX]), "▁▁▁█");
        assert_eq!(spark(&[100, 50, 0]), "█▄▁");
    }
}
