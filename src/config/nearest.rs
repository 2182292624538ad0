//! The known name that is most like an unknown one.

/// The name of `known` that needs the fewest single-letter changes to be written as `word`. `None`
/// if that would change more than half of the letters: such a word was no slip.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter().map(|name| (distance(word, name), name));
    let (changes, name) = known.min_by_key(|(changes, _)| *changes)?;
    let letters = word.chars().count().max(name.chars().count());
    (changes <= letters / 2).then_some(name)
}

/// Levenshtein's distance: letters put in, taken out or replaced; two that have changed places are
/// one change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut above = Vec::new();
    let mut before = None;
    for (i, x) in a.chars().enumerate() {
        let two_above = std::mem::replace(&mut above, row);
        row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(x != *y);
            let mut least = replaced.min(row[j] + 1).min(above[j + 1] + 1);
            if j > 0 && before == Some(*y) && x == b[j - 1] {
                least = least.min(two_above[j - 1] + 1);
            }
            row.push(least);
        }
        before = Some(x);
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
            ("rcp_listen", "rpc_listen", 1),
            ("bbo", "bob", 1),
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

    /// `--set foo=bar` was asked whether it meant `log`.
    #[test]
    fn what_is_like_no_name_is_not_taken_for_one() {
        let known = ["log", "data", "durability", "peers"];
        for word in ["foo", "", "x", "home", "no_such_setting"] {
            assert_eq!(nearest(word, known), None, "{word}");
        }
        for (word, name) in [("lgo", "log"), ("date", "data"), ("peer", "peers")] {
            assert_eq!(nearest(word, known), Some(name));
        }
    }
}
