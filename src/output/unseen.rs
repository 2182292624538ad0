//! The one place that decides what of a text may stand on a terminal as it is. Whatever moves a
//! cursor, turns a line round, begins a new one or does not show is written out instead: texts come
//! from servers, files and arguments, and the sinks of [`output`](super) trust none of them.
use std::borrow::Cow;
use std::fmt::Write;

/// How an unseen character is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// One line for people: `\u{1b}`, and `\n` for the end of a line.
    Line,
    /// A JSON document: `\u001b`, which is still the same text to a program. JSON itself has nothing
    /// unseen outside of its texts but the ends of its lines, and none of those within its texts.
    Json,
}

/// Whether a reader would not see this character as what it is: C0, DEL and C1; the separators of
/// lines and paragraphs; annotations; and what Unicode calls default-ignorable, which has the marks,
/// overrides and isolates of direction and all that has no width. Accents are seen, and so are the
/// variation selectors U+FE00 to U+FE0F, without which many an emoji is none.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with all that is unseen written out.
pub(super) fn written_out(text: &str, spelling: Spelling) -> Cow<'_, str> {
    let stays = |c: char| !is_unseen(c) || (c == '\n' && spelling == Spelling::Json);
    if text.chars().all(stays) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match spelling {
            _ if stays(c) => shown.push(c),
            Spelling::Line => shown.extend(c.escape_default()),
            Spelling::Json => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a String cannot fail.
                    let _ = write!(shown, "\\u{unit:04x}");
                }
            }
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn line(text: &str) -> Cow<'_, str> {
        written_out(text, Spelling::Line)
    }

    #[test]
    fn what_is_said_moves_no_cursor_and_is_one_line() {
        for seen in [
            "",
            "zu alt: \"é\"",
            "中文 e\u{301} ñ 👍 ❤\u{fe0f} العربية",
            "\\n",
        ] {
            assert!(matches!(line(seen), Cow::Borrowed(same) if same == seen));
        }
        assert_eq!(line("a\n\x1b[2J"), "a\\n\\u{1b}[2J");
        assert_eq!(line("\t\r\0\u{7f}\u{9b}"), "\\t\\r\\u{0}\\u{7f}\\u{9b}");
        let turned = "\u{202e}a\u{2066}b\u{200f}c\u{61c}";
        assert_eq!(line(turned), "\\u{202e}a\\u{2066}b\\u{200f}c\\u{61c}");
        let hidden = "\u{200b}\u{2060}\u{feff}\u{2028}\u{2029}\u{e0041}";
        let shown = "\\u{200b}\\u{2060}\\u{feff}\\u{2028}\\u{2029}\\u{e0041}";
        assert_eq!(line(hidden), shown);
    }

    #[test]
    fn all_that_must_not_be_raw_is_unseen() {
        let ranges = [
            '\0'..='\u{1f}',
            '\u{7f}'..='\u{9f}',
            '\u{61c}'..='\u{61c}',
            '\u{200b}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{2060}',
            '\u{2066}'..='\u{2069}',
            '\u{feff}'..='\u{feff}',
        ];
        assert!(ranges.into_iter().flatten().all(is_unseen));
        assert!(
            (' '..='~')
                .chain('\u{a0}'..='\u{ac}')
                .all(|c| !is_unseen(c))
        );
    }

    #[test]
    fn json_keeps_its_lines_and_its_meaning() {
        let said = json!({ "a\u{9b}": "\u{202e}\n\u{7f}\u{e0041}\u{1b}" });
        let shown = format!("{said:#}");
        let shown = written_out(&shown, Spelling::Json);
        assert_eq!(
            shown,
            "{\n  \"a\\u009b\": \"\\u202e\\n\\u007f\\udb40\\udc41\\u001b\"\n}"
        );
        assert_eq!(serde_json::from_str::<Value>(&shown).ok(), Some(said));
    }

    /// Any text, with more of what is unseen in it than chance would give.
    fn texts() -> impl Strategy<Value = String> {
        let unseen = prop_oneof![
            any::<char>(),
            proptest::char::range('\0', '\u{ff}'),
            proptest::char::range('\u{2000}', '\u{2070}'),
        ];
        proptest::collection::vec(unseen, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left_and_nothing_seen_is_changed(text in texts()) {
            let shown = line(&text);
            prop_assert!(!shown.contains(is_unseen));
            let seen: String = text.chars().filter(|c| !is_unseen(*c)).collect();
            prop_assert_eq!(line(&seen), &*seen);
            prop_assert!(shown.len() >= seen.len());
            // Once is enough.
            prop_assert_eq!(line(&shown), &*shown);
        }

        #[test]
        fn a_program_reads_what_was_meant(text in texts(), key in texts()) {
            let said = json!({ key: [text] });
            let pretty = format!("{said:#}");
            let shown = written_out(&pretty, Spelling::Json);
            prop_assert!(!shown.contains(|c| c != '\n' && is_unseen(c)));
            prop_assert_eq!(shown.lines().count(), 5);
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).ok(), Some(said));
        }
    }
}
