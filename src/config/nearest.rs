//! The known name that is most like an unknown one.

/// The name of `known` that needs the fewest single-letter changes to be written as `word`. `None`
/// only if nothing is known.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().min_by_key(|name| distance(word, name))
}

/// Levenshtein's distance: letters put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_are_missing_too_many_or_wrong_count_one_each() {
        for (a, b, want) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("rpc_listen", "rpc_listen", 0),
            ("rcp_listen", "rpc_listen", 2),
            ("rpc_listn", "rpc_listen", 1),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (want, want), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_changes() {
        let known = ["durability", "rpc_listen", "peer_listen"];
        assert_eq!(nearest("rpc-listen", known), Some("rpc_listen"));
        assert_eq!(nearest("durable", known), Some("durability"));
        assert_eq!(nearest("x", []), None);
    }
}
