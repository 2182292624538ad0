//! What a devnet that is kept was begun with, in its directory: whoever names that directory again goes
//! on with the same chain, and need not remember how it was made.
use super::chain::Chain;
use crate::config::{file, genesis};
use crate::failure::Failure;
use crate::remedy;
use lockstep_protocol::nouns::genesis::Genesis;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Beside the data directories of its nodes.
const FILE: &str = "devnet.json";
const BYTES_MAX: u64 = 64 << 10;

/// The directory of a devnet, and what stands in it.
pub(super) struct State {
    dir: PathBuf,
}

impl State {
    /// Of the directory that is named, if a devnet is there or may begin there.
    pub(super) fn named(dir: Option<&Path>) -> Result<Option<State>, Failure> {
        let Some(dir) = dir.map(Path::to_owned) else {
            return Ok(None);
        };
        let state = State { dir };
        state.demand_own()?;
        Ok(Some(state))
    }

    /// Refuses a directory that holds something else: nothing is overwritten, and no node is started
    /// beside another's files.
    fn demand_own(&self) -> Result<(), Failure> {
        let entries = match self.dir.read_dir() {
            Ok(entries) => entries,
            // What cannot be read is told of by whoever makes it.
            Err(_) => return Ok(()),
        };
        let is_empty = entries.into_iter().next().is_none();
        if is_empty || self.dir.join(FILE).symlink_metadata().is_ok() {
            return Ok(());
        }
        let at = self.dir.display();
        let is_home = |dir: &Path| dir.join(file::FILE).symlink_metadata().is_ok();
        let what = match is_home(&self.dir) || is_home(&self.dir.join("node0")) {
            true => "is the home of a node, or of several",
            false => "is not empty, and holds no devnet",
        };
        Err(Failure::usage(format!(
            "{at} {what}: nothing is written there; choose another --state, which begins a new devnet"
        )))
    }

    /// The chain that is there and its genesis; `None` if there is none.
    pub(super) fn read(&self) -> Result<Option<(Chain, Genesis)>, Failure> {
        let path = self.dir.join(FILE);
        match path.symlink_metadata() {
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            _ => {}
        }
        let next = "choose another --state, which begins a new chain";
        let text = crate::config::read_text(&path, BYTES_MAX, next)?;
        let chain = serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!(
                "{} is no description of a devnet: {error}; {next}",
                path.display()
            ))
        })?;
        let genesis = genesis::read(&self.dir.join(genesis::FILE))?;
        Ok(Some((chain, genesis)))
    }
}

impl State {
    /// Notes what was booted, unless it stands there already.
    pub(super) fn write(&self, chain: &Chain, genesis: &Genesis) -> Result<(), Failure> {
        if self.read()?.is_some() {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(chain);
        let text = text.map_err(|error| Failure::safety(error.to_string()))? + "\n";
        // The description last: with it, the genesis is there as well.
        self.put(genesis::FILE, &genesis::text(genesis)?)?;
        self.put(FILE, &text)
    }

    fn put(&self, name: &str, text: &str) -> Result<(), Failure> {
        replace(&self.dir.join(name), text, "choose another --state")
    }
}

/// Writes a file for its owner alone, in place of what was there: it is there whole, or as before.
pub(super) fn replace(path: &Path, text: &str, elsewhere: &str) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::usage(format!(
            "cannot write {}: {error}; {}",
            path.display(),
            remedy::of_writing(error, elsewhere)
        ))
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let file = tempfile::NamedTempFile::new_in(dir.unwrap_or(Path::new(".")));
    let mut file = file.map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes())
        .map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}
