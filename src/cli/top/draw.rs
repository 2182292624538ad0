//! The picture: a head strip, a row a validator with the votes of the height, the newest blocks, and
//! what was said. Parts have fixed heights, so nothing jumps while one looks.
use super::rows::{Now, Row, Tone, rows};
use super::state::{State, short};
use super::verdict::{Verdict, verdict};
use super::words::{ago, micros, rate, whole};
use look::fit;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

pub(crate) mod look;
mod matrix;
mod pages;
mod strip;

pub(crate) use look::Look;

/// Below this the picture would be no use.
pub(crate) const SMALLEST: (u16, u16) = (80, 24);
/// From this height on there is room for more than the least.
const TALL: u16 = 36;

/// What is drawn, where it goes line by line.
struct Page<'a, 'b> {
    frame: &'a mut Frame<'b>,
    at: u16,
    width: usize,
    until: u16,
}

impl Page<'_, '_> {
    fn line(&mut self, line: impl Into<Line<'static>>) {
        if self.at < self.until {
            let width = u16::try_from(self.width).unwrap_or(u16::MAX);
            let area = Rect::new(0, self.at, width, 1);
            self.frame.render_widget(line.into(), area);
        }
        self.at = self.at.saturating_add(1);
    }

    fn gap(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn left(&self) -> u16 {
        self.until.saturating_sub(self.at)
    }
}

/// Draws what is known.
pub(crate) fn draw(frame: &mut Frame<'_>, state: &State, now: Now, look: Look) {
    let area = frame.area();
    let mut page = Page {
        width: usize::from(area.width),
        until: area.height,
        at: 0,
        frame,
    };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return pages::too_small(&mut page, (area.width, area.height));
    }
    let all = rows(state, now);
    let said = verdict(state, &all, now);
    let is_tall = area.height >= TALL;
    page.line(title(state, page.width, look));
    if state.shows_help {
        return pages::help(&mut page, look);
    }
    headline(
        &mut page,
        &said,
        reasons(state, area.height, all.len()),
        look,
    );
    figures(&mut page, state, &said, look);
    page.gap();
    // What stands below the rows: their foot, the strip, the chosen row, the log, the keys.
    let below = 1 + 1 + 2 + 1 + 1;
    let log = match (state.log.is_empty(), is_tall) {
        (true, _) => 0,
        (false, false) => 4,
        (false, true) => 13,
    };
    let room = page.left().saturating_sub(2 + below);
    let room = match usize::from(room) > all.len() {
        true => room,
        false => room.saturating_sub(log.min(room / 2)),
    };
    matrix::draw(&mut page, state, &all, usize::from(room), look);
    page.gap();
    strip::draw(&mut page, state, look);
    let width = page.width;
    page.line(chosen(state, &all, width, look));
    let room = page.left().saturating_sub(1 + log);
    strip::table(&mut page, state, if is_tall { room } else { 0 }, look);
    pages::log(&mut page, state, look);
    page.at = area.height.saturating_sub(1);
    let keys = pages::keys(state, page.width, look);
    page.line(keys);
}

/// Lines for reasons. Where there is no log, the rows leave room for more.
fn reasons(state: &State, height: u16, rows: usize) -> usize {
    const LEAST: usize = 3;
    const MOST: usize = 6;
    // Everything else that has a height of its own.
    const OTHERS: usize = 13;
    let needed = OTHERS + LEAST + rows;
    match state.log.is_empty() || height >= TALL {
        true => (LEAST + usize::from(height).saturating_sub(needed)).clamp(LEAST, MOST),
        false => LEAST,
    }
}

fn title(state: &State, width: usize, look: Look) -> Line<'static> {
    let status = state.lead_node().and_then(|node| node.status.as_ref());
    let chain = status.map(|status| {
        let genesis = short(&status.genesis_hash);
        format!(
            "chain {}  {}  genesis {genesis}",
            status.chain_id, status.scheme
        )
    });
    let kind = match state.is_devnet {
        Some(true) => "devnet",
        _ => "network",
    };
    let here = state.nodes.iter().filter(|node| node.is_here()).count();
    let asked = state.nodes.iter().filter(|node| !node.is_double).count();
    let right = format!("{kind}, {here} of {asked} answer ");
    let name = " lockstep  ";
    let chain = chain.unwrap_or_else(|| "no chain is known yet".into());
    let middle = width.saturating_sub(name.len() + right.len() + 1);
    Line::from(vec![
        Span::styled(name, look.strong()),
        Span::raw(fit(&chain, middle)),
        Span::raw(" "),
        Span::styled(right, look.dim()),
    ])
}

fn headline(page: &mut Page<'_, '_>, said: &Verdict, reasons: usize, look: Look) {
    let sign = match said.tone {
        Tone::Good => "●",
        Tone::Warn => "▲",
        Tone::Bad => "✖",
        Tone::Dim => "○",
    };
    let words = format!(" {sign} {} ", said.headline);
    let style = look.tone(said.tone).patch(look.strong());
    page.line(Span::styled(fit(&words, page.width), style));
    for place in 0..reasons {
        let more = said.reasons.len().saturating_sub(reasons);
        let words = match said.reasons.get(place) {
            Some(_) if place + 1 == reasons && more > 0 => format!("   … {} more", more + 1),
            Some(reason) => format!("   {reason}"),
            None => String::new(),
        };
        page.line(fit(&words, page.width));
    }
}

fn figures(page: &mut Page<'_, '_>, state: &State, said: &Verdict, look: Look) {
    let lead = state.lead_node();
    let status = lead.and_then(|node| node.status.as_ref());
    let step = match status {
        None => String::new(),
        Some(status) => match (&status.step, status.round) {
            (Some(step), round) => format!("round {round}, {step}"),
            (None, 0) => "waits for the next".into(),
            (None, round) => format!("round {round}"),
        },
    };
    let height = status.map_or_else(|| "–".into(), |status| whole(status.height));
    let age = said
        .age_ms
        .map_or_else(|| "–".into(), |ms| format!("{} ago", ago(ms)));
    let is_late = if said.is_still {
        look.tone(Tone::Bad)
    } else {
        Style::new()
    };
    let pace = rate(lead.and_then(super::state::Node::block_rate));
    page.line(Line::from(vec![
        Span::styled(" height ", look.dim()),
        Span::styled(fit(&height, 12), look.strong()),
        Span::raw(format!(" {}", fit(&step, 20))),
        Span::styled("  block ", look.dim()),
        Span::styled(fit(&age, 12), is_late),
        Span::raw(pace),
        Span::styled(" blocks/s", look.dim()),
    ]));
    let p50 = micros(state.commit_us(0.5));
    let p99 = micros(state.commit_us(0.99));
    let room = page.width.saturating_sub(46).min(120);
    let intervals = strip::spark(&state.intervals_ms(room));
    page.line(Line::from(vec![
        Span::styled(" commit p50 ", look.dim()),
        Span::raw(fit(&p50, 8)),
        Span::styled(" p99 ", look.dim()),
        Span::raw(fit(&p99, 8)),
        Span::styled(" intervals ", look.dim()),
        Span::styled(intervals, look.accent()),
    ]));
}

/// The chosen row in full, as far as there is room.
fn chosen(state: &State, rows: &[Row], width: usize, look: Look) -> Line<'static> {
    let Some(row) = rows.get(state.selected) else {
        return Line::default();
    };
    let cut = |text: &str, columns| fit(text, columns).trim_end().to_owned();
    let name = Span::raw(format!(" {} {}  ", look.mark(), row.name));
    let room = width.saturating_sub(name.width());
    let why = if row.why.is_empty() { "" } else { ": " };
    let told = cut(&format!("{}{why}{}", row.state, row.why), room);
    let told = Span::styled(told, look.tone(row.tone));
    let room = room.saturating_sub(told.width());
    let whence = cut(&format!("  {}  {}", row.url, row.address), room);
    Line::from(vec![name, told, Span::styled(whence, look.dim())])
}

#[cfg(test)]
mod tests;
