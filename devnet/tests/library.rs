//! What somebody has who names this crate and no other.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path);
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(dir: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(here(dir)).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .collect()
}

fn words(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with(char::is_uppercase))
        .collect()
}

/// What a file takes from the other rooms.
fn imports(text: &str) -> BTreeSet<&str> {
    let uses = text.split("\nuse lockstep_").skip(1);
    uses.flat_map(|rest| words(rest.split(';').next().unwrap_or_default()))
        .collect()
}

/// The heads of public functions, and public fields.
fn signatures(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let heads = code.match_indices("    pub ").map(|(at, _)| &code[at..]);
    heads
        .map(|head| head.split(['{', '}', ';']).next().unwrap_or_default())
        .collect()
}

/// A user had to name three crates to write one test.
#[test]
fn every_type_of_another_room_that_a_signature_names_stands_in_this_crate() {
    let lib = read(&here("src/lib.rs"));
    let given = words(&lib);
    let mut seen = 0;
    for path in [files("src"), files("src/devnet"), files("src/links")].concat() {
        let text = read(&path);
        let imports = imports(&text);
        for signature in signatures(&text) {
            for name in words(signature).intersection(&imports) {
                seen += 1;
                assert!(
                    given.contains(name),
                    "{}: {name} in {signature}",
                    path.display()
                );
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn examples_are_short_and_each_is_run() {
    let manifest = read(&here("Cargo.toml"));
    let examples = files("examples");
    assert_eq!(examples.len(), 5);
    for path in examples {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        let is_run = format!("name = \"{name}\"\ntest = true\nharness = false\n");
        assert!(manifest.contains(&is_run), "{name}");
        assert!(read(&path).lines().count() <= 40, "{name}");
    }
}

#[test]
fn the_crate_outside_needs_few_lines_and_this_crate_alone() {
    let test = read(&here("../tests/outside/tests/fall.rs"));
    assert!(test.lines().count() <= 25);
    let uses = test
        .lines()
        .filter(|line| line.trim_start().starts_with("use "));
    assert!(uses.clone().count() > 0);
    uses.for_each(|line| assert!(line.starts_with("use lockstep_devnet::"), "{line}"));
    let manifest = read(&here("../tests/outside/Cargo.toml"));
    assert_eq!(manifest.matches("path = ").count(), 1);
}
