//! Colours, and what stands for them where people want none. No colour says what no word or sign
//! says, too.
use super::super::rows::Tone;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// With colours or without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) colours: bool,
}

/// Those of proposers. The foreground stays that of the terminal: it may be light or dark.
const PROPOSERS: [Color; 6] = [
    Color::Cyan,
    Color::Magenta,
    Color::Yellow,
    Color::Green,
    Color::Blue,
    Color::LightRed,
];

impl Look {
    fn of(self, colour: Color, otherwise: Modifier) -> Style {
        match self.colours {
            true => Style::new().fg(colour),
            false => Style::new().add_modifier(otherwise),
        }
    }

    pub(crate) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Good => self.of(Color::Green, Modifier::empty()),
            Tone::Warn => self.of(Color::Yellow, Modifier::BOLD),
            Tone::Bad => self.of(Color::Red, Modifier::REVERSED),
            Tone::Dim => self.dim(),
        }
    }

    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn accent(self) -> Style {
        self.of(Color::Cyan, Modifier::empty())
    }

    /// Of the node at this place.
    pub(crate) fn proposer(self, place: Option<usize>) -> Style {
        match place {
            Some(place) => self.of(PROPOSERS[place % PROPOSERS.len()], Modifier::empty()),
            None => self.dim(),
        }
    }

    /// Of what is chosen.
    pub(crate) fn mark(self) -> char {
        '▸'
    }
}

/// Exactly so many columns: cut, with a mark, or filled up.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let wide = |text: &str| Span::raw(text.to_owned()).width();
    let whole = wide(text);
    if whole <= columns {
        return format!("{text}{}", " ".repeat(columns - whole));
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if wide(&cut) >= columns {
            cut.pop();
            break;
        }
    }
    let rest = columns.saturating_sub(wide(&cut));
    let mark = if rest > 0 { "…" } else { "" };
    format!("{cut}{mark}{}", " ".repeat(rest.saturating_sub(1)))
}

/// The same, at the right end.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let fitted = fit(text, columns);
    let trimmed = fitted.trim_end_matches(' ');
    format!("{}{trimmed}", " ".repeat(fitted.len() - trimmed.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_exactly_its_columns() {
        for text in [
            "",
            "a",
            "abcdef",
            "中文中文中文",
            "e\u{301}e\u{301}",
            "👍👍👍👍",
        ] {
            for columns in 0..9 {
                for fitted in [fit(text, columns), right(text, columns)] {
                    assert_eq!(Span::raw(fitted.clone()).width(), columns, "{fitted:?}");
                }
            }
        }
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(right("ab", 4), "  ab");
    }
}
