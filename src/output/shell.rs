//! Words in commands that people copy.
use std::path::Path;

/// The path as one word of a shell, in quotes if it takes them.
pub(crate) fn word(path: &Path) -> String {
    word_of(&path.display().to_string())
}

/// The same of another word: a URL may have what a shell reads as its own.
pub(crate) fn word_of(text: &str) -> String {
    // One with NUL is none that anybody could type.
    shlex::try_quote(text).map_or(text.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell_whatever_it_holds() {
        for path in [
            "http://[::1]:8545",
            "http://h:1/a;id",
            "net/node0",
            "/srv/my chain",
            "it's",
            "$HOME;ls",
            "a\"b",
            "-x",
            "",
        ] {
            let words = shlex::split(&word(Path::new(path)));
            assert_eq!(words, Some(vec![path.to_owned()]));
        }
        assert_eq!(word(Path::new("net/node0")), "net/node0");
        assert_eq!(word(Path::new("/srv/my chain")), "'/srv/my chain'");
    }
}
