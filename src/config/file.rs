//! `lockstep.toml`: read strictly, and written with every setting, its default and its meaning.
use super::home;
use super::layers::{Layers, Origin};
use super::peers::{self, PeerEntry};
use super::settings::{SETTINGS, Setting, Shape};
use crate::failure::Failure;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use toml_edit::{Document, Item, TableLike, TomlError};

/// The file's name in a home.
pub(crate) const FILE: &str = "lockstep.toml";
/// A file of this size is none of ours.
const BYTES_MAX: u64 = 1 << 20;

/// Lays the file's values over the ones before.
pub(super) fn lay(layers: &mut Layers, path: &Path) -> Result<(), Failure> {
    let next = path.parent().map_or(String::new(), home::instead);
    let text = super::read_text(path, BYTES_MAX, &next)?;
    let refuse = |what: String| Failure::usage(format!("{}: {what}", path.display()));
    let document = Document::parse(&text).map_err(|error| {
        let line = line_of_error(&error, &text);
        refuse(format!("line {line}: {}", sentence(&error, &text)))
    })?;
    for (name, item) in document.iter() {
        let value = plain(name, item).map_err(refuse)?;
        layers.lay(name, value, Origin::File(path.to_path_buf()))?;
    }
    Ok(())
}

/// Which line the parser means. It is not shown: in that of a peer, what stands before the `@` may be
/// a password.
fn line_of_error(error: &TomlError, text: &str) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map_or(0, |before| before.matches('\n').count()) + 1
}

/// What is wrong and what would be right: in the words of the setting, if the line is one's.
fn sentence(error: &TomlError, text: &str) -> String {
    let what = error.message().trim();
    let line = text.lines().nth(line_of_error(error, text) - 1);
    let line = line.unwrap_or_default().replace(' ', "");
    if what.contains("duplicate key") {
        let has_none = text
            .lines()
            .any(|line| line.replace(' ', "").starts_with("peers=[]"));
        let is_of_peers = line.starts_with("[[peers]]") || line.starts_with("peers=");
        let next = match (line.starts_with("[peers]"), is_of_peers && has_none) {
            (true, _) => "each peer begins with [[peers]], in two brackets: write it so",
            (_, true) => "peers = [] stands there as well: take that line out",
            _ => "it stands there twice: take one out",
        };
        return format!("{what}; {next}");
    }
    let (name, value) = line.split_once('=').unwrap_or_default();
    let setting = super::settings::setting(name);
    // What has its quotes is wrong in another way.
    let setting = setting.filter(|_| !value.starts_with(['"', '\'', '[']));
    let right = setting.and_then(|setting| right_form(setting.name, setting.shape));
    right.unwrap_or_else(|| format!("{what}; correct the file"))
}

/// How a value of this shape is written.
fn right_form(name: &str, shape: Shape) -> Option<String> {
    match shape {
        Shape::Number => Some(format!(
            "{name} is a whole number: write it without quotes, point or unit"
        )),
        Shape::Flag => Some(format!("{name} is true or false: write it without quotes")),
        Shape::Text => Some(format!("{name} is a text: put it in quotes")),
        Shape::Peers => None,
    }
}

/// The text of a value of the right shape. Names are judged where it is laid.
fn plain(name: &str, item: &Item) -> Result<String, String> {
    let Some(shape) = super::settings::setting(name).map(|setting| setting.shape) else {
        return Ok(String::new());
    };
    let text = match shape {
        Shape::Peers => return peers_text(item),
        Shape::Number => item.as_integer().map(|number| number.to_string()),
        Shape::Flag => item.as_bool().map(|flag| flag.to_string()),
        Shape::Text => item.as_str().map(str::to_owned),
    };
    text.ok_or_else(|| right_form(name, shape).unwrap_or_default())
}

/// What a peer has.
const KEYS: [&str; 2] = ["address", "listens"];

fn unknown_key(key: &str) -> String {
    if super::settings::setting(key).is_some() {
        return format!(
            "{key} stands below [[peers]], so it counts as of that peer: move it above, or take it \
             out"
        );
    }
    let next = match super::nearest::nearest(key, KEYS) {
        Some(near) => format!("did you mean {near:?}? Correct it, or take it out"),
        None => "take it out".into(),
    };
    format!("unknown key {key:?} of a peer: {next}")
}

fn peers_text(item: &Item) -> Result<String, String> {
    const SHAPE: &str = "peers are tables: [[peers]] with address = \"0x…\" and \
                         listens = \"host:port\"";
    let mut entries = Vec::new();
    let mut add = |table: &dyn TableLike| {
        let text = |key: &str| table.get(key).and_then(Item::as_str).ok_or(SHAPE);
        if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
            return Err(unknown_key(key));
        }
        entries.push(format!("{}@{}", text("address")?, text("listens")?));
        Ok(())
    };
    if let Some(tables) = item.as_array_of_tables() {
        tables.iter().try_for_each(|table| add(table))?;
    } else if let Some(array) = item.as_array() {
        for value in array {
            add(value.as_inline_table().ok_or(SHAPE)?)?;
        }
    } else {
        return Err(SHAPE.into());
    }
    Ok(entries.join(","))
}

/// The text of a new file. Settings that `values` does not name get their default.
pub(crate) fn generate(values: &BTreeMap<&str, String>, peers: &[PeerEntry]) -> String {
    let mut text = String::from(
        "# Settings of one Lockstep node. A flag of `lockstep start` goes before an environment\n\
         # variable (LOCKSTEP_ and the name in capitals), that before this file, and this file\n\
         # before the default. `lockstep start --print-config` shows what holds, and why.\n",
    );
    for setting in SETTINGS {
        if !setting.comment.is_empty() {
            text.push('\n');
        }
        for line in setting.comment.lines() {
            line_of(&mut text, &format!("#{line}"));
        }
        match setting.shape {
            Shape::Peers => peers::write_tables(&mut text, peers),
            Shape::Text | Shape::Number | Shape::Flag => write_value(&mut text, setting, values),
        }
    }
    text
}

fn write_value(text: &mut String, setting: &Setting, values: &BTreeMap<&str, String>) {
    let quote = |value: &str| match setting.shape {
        Shape::Text => quoted(value),
        Shape::Number | Shape::Flag | Shape::Peers => value.to_owned(),
    };
    let value = values.get(setting.name).map(String::as_str);
    let value = value.unwrap_or(setting.default);
    let default = quote(setting.default);
    line_of(text, &format!("# Default: {default}"));
    line_of(text, &format!("{} = {}", setting.name, quote(value)));
}

/// A text in quotes: what JSON escapes, TOML reads as well.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

pub(super) fn line_of(text: &mut String, line: &str) {
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Layers, Failure> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        std::fs::write(&path, text).expect("it is written");
        let mut layers = Layers::new();
        lay(&mut layers, &path).map(|()| layers)
    }

    #[test]
    fn the_generated_file_names_every_setting_and_reads_back() {
        let peer = PeerEntry {
            address: lockstep_protocol::types::Address([7; 20]),
            listens: "example.org:9545".into(),
        };
        let values = BTreeMap::from([("log", "warn,a=\"b\"".to_owned())]);
        let text = generate(&values, std::slice::from_ref(&peer));
        let layers = read(&text).expect("it reads");
        for (name, value) in layers.all() {
            assert_ne!(value.origin, Origin::Default, "{name}");
            match name {
                "log" => assert_eq!(value.text, "warn,a=\"b\""),
                "peers" => assert_eq!(value.text, format!("{}@{}", peer.address, peer.listens)),
                _ => {
                    let setting = super::super::settings::setting(name).expect("known");
                    assert_eq!(value.text, setting.default, "{name}");
                    assert!(text.contains("# Default: "), "{name}");
                }
            }
        }
        assert!(read(&generate(&BTreeMap::new(), &[])).is_ok());
    }

    #[test]
    fn a_line_that_may_hold_a_password_is_named_and_not_shown() {
        for text in [
            "log = \"info\"\n[[peers]]\nlistens = \"user:hunter2@host:1\n",
            "log = \"info\"\n\npeers = user:hunter2@host:1\n",
        ] {
            let message = read(text).expect_err(text).message;
            assert!(!message.contains("hunter2"), "{message}");
            for word in ["line 3", "correct the file"] {
                assert!(message.contains(word), "{message}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_the_next_step() {
        for (text, words) in [
            ("durablity = \"power\"", ["\"durablity\"", "\"durability\""]),
            ("log = 5", ["log", "in quotes"]),
            ("block_interval_ms = \"5\"", ["whole number", "without"]),
            ("follow = \"true\"", ["true or false", "without"]),
            ("log = ", ["line 1", "log is a text: put it in quotes"]),
            ("peers = 5", ["[[peers]]", "listens"]),
            ("[[peers]]\nadress = \"x\"", ["\"adress\"", "\"address\""]),
            ("peers = []\n[[peers]]", ["line 2", "take that line out"]),
            (
                "[[peers]]\npeers = []",
                ["below [[peers]]", "move it above"],
            ),
            ("log = \"a\"\nlog = \"b\"", ["line 2", "take one out"]),
            ("[[peers]]\naddress = \"x\"", ["[[peers]]", "listens"]),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.exit_code, 2);
            assert!(!error.message.contains('\n'), "{}", error.message);
            for word in words {
                assert!(error.message.contains(word), "{word} in {}", error.message);
            }
        }
    }
}
