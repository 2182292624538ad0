//! Lines that are longer than a terminal is wide, in parts that are not: a terminal itself breaks
//! them within a word, and a table is none any more. Where stdout is no terminal, a line stays one.
use rustix::termios::tcgetwinsize;
use std::io;

/// How many columns stdout has, if it is a terminal that says so.
#[expect(clippy::disallowed_methods, reason = "nothing is written to it")]
pub(super) fn width() -> Option<usize> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The line in parts of at most so many characters, each broken between two words. What follows the
/// first part stands below its second column. A word that is longer than that is a part of its own.
/// A command stays one for whoever copies it, and a word in quotes stays whole.
pub(super) fn fold(line: &str, width: usize) -> Vec<String> {
    if length(line) <= width {
        return vec![line.to_owned()];
    }
    let hang = hang(line, width);
    let (goes_on, width) = match is_command(line) {
        true => (" \\", width.saturating_sub(2).max(1)),
        false => ("", width),
    };
    let mut parts = Vec::new();
    let mut rest = line.trim_end_matches(' ').to_owned();
    while length(&rest) > width
        && let Some((part, behind)) = cut(&rest, width)
    {
        let word = cut(behind, 0).map_or(behind, |(word, _)| word);
        let indent = hang.min(width.saturating_sub(length(word)));
        parts.push(format!("{part}{goes_on}"));
        rest = format!("{}{behind}", " ".repeat(indent));
    }
    parts.push(rest);
    parts
}

/// A line that is to be typed, and no sentence about one.
fn is_command(line: &str) -> bool {
    line.trim_start_matches(' ').starts_with("lockstep ") && !line.ends_with(['.', ':'])
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Where the text of the second column begins, if that leaves room for it.
fn hang(line: &str, width: usize) -> usize {
    let text = line.trim_start_matches(' ');
    let lead = length(line) - length(text);
    let second = text.split_once("  ").map(|(first, behind)| {
        let gap = length(behind) - length(behind.trim_start_matches(' '));
        lead + length(first) + 2 + gap
    });
    second.filter(|at| *at <= width / 2).unwrap_or(lead + 2)
}

/// What fits, and the words behind it; or the first word, if even that does not fit.
fn cut(line: &str, width: usize) -> Option<(&str, &str)> {
    let text_at = line.len() - line.trim_start_matches(' ').len();
    let limit = line
        .char_indices()
        .nth(width)
        .map_or(line.len(), |(at, _)| at);
    let gap = |at: usize| (line[at..].starts_with(' ') && !is_quoted(&line[..at])).then_some(at);
    let fits = (text_at + 1..=limit)
        .rev()
        .filter(|at| line.is_char_boundary(*at));
    let beyond = (limit..line.len()).filter(|at| line.is_char_boundary(*at));
    let at = fits.chain(beyond).find_map(gap)?;
    let (part, behind) = line.split_at(at);
    let behind = behind.trim_start_matches(' ');
    (!behind.is_empty()).then_some((part.trim_end_matches(' '), behind))
}

/// Whether a word in quotes goes on behind this, as a shell reads it. It begins with its quote: that of
/// "node's" begins none.
fn is_quoted(text: &str) -> bool {
    let (mut open, mut before) = (None, ' ');
    for c in text.chars() {
        let is_escaped = before == '\\' && open != Some('\'');
        match open {
            _ if is_escaped => {}
            None if before == ' ' && matches!(c, '\'' | '"') => open = Some(c),
            Some(quote) if quote == c => open = None,
            _ => {}
        }
        before = if is_escaped { 'x' } else { c };
    }
    open.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_that_is_too_long_goes_on_below_its_second_column() {
        assert_eq!(fold("  a  short", 80), ["  a  short"]);
        let node = "  node 0  0x4c6b4136  http://127.0.0.1:8545  peers http://127.0.0.1:34411";
        let parts = [
            "  node 0  0x4c6b4136",
            "          http://127.0.0.1:8545  peers",
            "          http://127.0.0.1:34411",
        ];
        assert_eq!(fold(node, 41), parts);
        let words = "no second column here, and words enough for more than a line";
        let parts = [
            "no second column here, and words",
            "  enough for more than a line",
        ];
        assert_eq!(fold(words, 32), parts);
    }

    #[test]
    fn a_command_is_broken_as_a_shell_takes_it() {
        let command = "  lockstep tx put --key k --value v --from alice";
        let parts = [
            "  lockstep tx put \\",
            "    --key k --value \\",
            "    v --from alice",
        ];
        assert_eq!(fold(command, 22), parts);
        let quoted = "  lockstep start --home 'a b c d e f g' --json";
        let parts = [
            "  lockstep start \\",
            "    --home \\",
            "    'a b c d e f g' \\",
            "    --json",
        ];
        assert_eq!(fold(quoted, 22), parts);
        let escaped = "  next  lockstep start --home \"it's \\\"a b\\\" c\" --json";
        let parts = [
            "  next  lockstep start",
            "        --home",
            "      \"it's \\\"a b\\\" c\"",
            "        --json",
        ];
        assert_eq!(fold(escaped, 22), parts);
        let sentence = "  lockstep receipt 0x12 shows it.";
        assert_eq!(
            fold(sentence, 22),
            ["  lockstep receipt", "    0x12 shows it."]
        );
    }

    #[test]
    fn a_long_word_stands_as_far_to_the_left_as_it_must() {
        let hash = "0".repeat(18);
        let parts = ["  genesis", &format!("  {hash}")];
        assert_eq!(fold(&format!("  genesis  {hash}"), 20), parts);
        let hash = "0".repeat(30);
        let parts = ["  genesis", &*hash, "    more"];
        assert_eq!(fold(&format!("  genesis  {hash} more"), 20), parts);
    }

    proptest! {
        #[test]
        fn no_part_is_wider_but_a_word_alone_and_no_word_is_lost(
            line in "[ ]{0,6}([a-z0-9é]{1,90}[ ]{1,4}){0,12}[a-z]{0,9}",
            width in 1_usize..100,
        ) {
            let parts = fold(&line, width);
            for part in &parts {
                let is_word = part.trim_start().split(' ').count() == 1;
                prop_assert!(length(part) <= width || is_word || parts.len() == 1, "{part:?}");
            }
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&parts.join(" ")), words(&line));
        }
    }
}
