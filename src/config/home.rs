//! New homes: `lockstep init` makes one, `lockstep testnet` several that know each other.
use super::file::{self, generate};
use super::genesis;
use super::judge;
use super::key::{self, Secret};
use super::peers::PeerEntry;
use crate::environment::wall_clock;
use crate::failure::Failure;
use crate::output::{shell, tell};
use crate::remedy;
use lockstep_actors::private;
use lockstep_actors::state_store::{DATA_FILE, begin_key_guard, key_guard_file};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::ChainId;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

const WRITABLE: &str = "name a directory that this user can write";

/// A new chain: its validators have equal power, its genesis time is now.
pub(crate) fn new_chain(
    chain_id: ChainId,
    scheme: SchemeId,
    parameters: Parameters,
    keys: &[Secret],
    mut accounts: Vec<GenesisAccount>,
) -> Result<Genesis, Failure> {
    let time = wall_clock()?;
    accounts.sort_by_key(|account| account.address);
    Ok(Genesis {
        chain_id,
        scheme,
        time,
        parameters,
        validators: keys
            .iter()
            .map(|key| GenesisValidator {
                public_key: key.public_key.clone(),
                power: 1,
            })
            .collect(),
        accounts,
        applications: Vec::new(),
    })
}

/// Makes a directory by [`claim`] and fills it. If that fails, all is as it was before.
pub(crate) fn make<T>(dir: &Path, fill: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let parts = dir.ancestors().filter(|part| !part.as_os_str().is_empty());
    let new: Vec<&Path> = parts.take_while(|part| !part.exists()).collect();
    let filled = claim(dir).and_then(|()| {
        fill().inspect_err(|_| {
            if let Err(error) = empty(dir) {
                let at = dir.display();
                tell!("warning: what was begun in {at} stays there: {error}\n");
            }
        })
    });
    if filled.is_err() {
        // An error says that somebody has something in it.
        new.into_iter()
            .take_while(|part| fs::remove_dir(part).is_ok())
            .for_each(drop);
    }
    filled
}

/// Takes away what is in a directory of ours.
fn empty(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// What to do about a directory that should be a home, and has no settings: by what it is instead.
pub(crate) fn instead(dir: &Path) -> String {
    let has_data = |dir: &Path| dir.join(DATA_FILE).exists();
    let node = |dir: &Path, index: usize| dir.join(format!("node{index}"));
    let devnet = |dir: &Path| {
        let nodes = (0..)
            .take_while(|index| has_data(&node(dir, *index)))
            .count();
        let at = shell::word(dir);
        (nodes > 0).then(|| {
            format!(
                "a devnet keeps its data there, and no home: lockstep devnet --home {at} \
                 --validators {nodes} goes on with it"
            )
        })
    };
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    let is_home = |dir: &Path| dir.join(file::FILE).exists();
    if let Some(devnet) = devnet(dir) {
        return devnet;
    }
    if is_home(&node(dir, 0)) {
        return format!(
            "it holds several homes: name one, as {}",
            node(dir, 0).display()
        );
    }
    if has_data(dir) && is_home(above) {
        return format!("this is its data: name the home, {}", above.display());
    }
    if has_data(dir)
        && let Some(devnet) = devnet(above)
    {
        return devnet;
    }
    let is_empty = |dir: &Path| dir.read_dir().is_ok_and(|mut all| all.next().is_none());
    if dir.exists() && !is_empty(dir) {
        return format!("check the path, or bring {} back", file::FILE);
    }
    "check the path; lockstep init --home DIR makes one".into()
}

/// Makes the directory, or takes it if it is there and empty: it is for this user alone then.
pub(crate) fn claim(dir: &Path) -> Result<(), Failure> {
    let at = dir.display();
    let failed = |error: std::io::Error| {
        Failure::usage(format!(
            "cannot make {at}: {error}; {}",
            remedy::of_writing(&error, WRITABLE)
        ))
    };
    private::make_dir(dir).map_err(failed)?;
    if fs::read_dir(dir).map_err(failed)?.next().is_some() {
        return Err(Failure::usage(format!(
            "{at} is not empty, and nothing in it is overwritten: name another directory, or move \
             what is there away"
        )));
    }
    private::take_dir(dir);
    if let Some(line) = private::close_dir(dir) {
        tell!("warning: {line}\n");
    }
    Ok(())
}

/// Writes key, genesis and settings into a claimed directory, and has them [judged](judge).
pub(crate) fn write(
    dir: &Path,
    key: &Secret,
    genesis: &Genesis,
    values: &BTreeMap<&str, String>,
    peers: &[PeerEntry],
) -> Result<(), Failure> {
    let key_file = dir.join(key::FILE);
    key.write(&key_file)?;
    // From now on a missing record means a lost one.
    begin_key_guard(&key_guard_file(&key_file), key.address)
        .map_err(|error| Failure::usage(error.to_string()))?;
    write_text(&dir.join(genesis::FILE), &genesis::text(genesis)?)?;
    write_text(&dir.join(file::FILE), &generate(values, peers))?;
    judge::judge_new(dir)
}

pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    let written = private::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::usage(format!(
            "cannot write {}: {error}; {}",
            path.display(),
            remedy::of_writing(&error, WRITABLE)
        ))
    })
}
