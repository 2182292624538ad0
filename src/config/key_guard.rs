//! Where the record of what a key has signed stands: beside the key, or in a directory of its own,
//! because a platform hands keys over on a mount that nobody writes to. What the record says is the
//! store's matter, and so is what a lost one means.
use crate::failure::Failure;
use lockstep_actors::state_store::key_guard_file;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The record of this key; `dir` is where it stands if not beside it.
pub(super) fn place(key: &Path, dir: Option<&Path>) -> PathBuf {
    match dir {
        None => key_guard_file(key),
        Some(dir) => key_guard_file(&dir.join(key.file_name().unwrap_or_default())),
    }
}

/// A key has one record of what it has signed. Of two, one is a copy that knows less: whoever took
/// `guard_dir` back, or moved it, would sign what the other knows of.
pub(crate) fn demand_one(key: &Path, record: &Path) -> Result<(), Failure> {
    let beside = key_guard_file(key);
    if beside == record {
        return Ok(());
    }
    let found = match fs::symlink_metadata(&beside) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let at = beside.display();
            return Err(Failure::retry(format!(
                "cannot look at {at}: {error}; let this user look into the directory of the key"
            )));
        }
    };
    let name = |about: &Metadata| (about.dev(), about.ino());
    if fs::symlink_metadata(record).is_ok_and(|about| name(&about) == name(&found)) {
        return Ok(());
    }
    Err(Failure::safety(format!(
        "two records would say what the key has signed, {} and {}: keep the one that a node wrote \
         last, at the place of the second, and take the other away",
        beside.display(),
        record.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_stands_beside_the_key_or_in_its_own_directory_under_the_same_name() {
        let key = Path::new("/secrets/a.key");
        assert_eq!(place(key, None), Path::new("/secrets/a.key.guard"));
        let elsewhere = place(key, Some(Path::new("/guards")));
        assert_eq!(elsewhere, Path::new("/guards/a.key.guard"));
    }

    #[test]
    fn a_key_has_one_record() {
        let dir = tempfile::tempdir().expect("a directory");
        let key = dir.path().join("validator.key");
        let beside = key_guard_file(&key);
        let elsewhere = dir.path().join("elsewhere.guard");
        let demand = |record: &Path| {
            let demanded = demand_one(&key, record);
            demanded.map_err(|failure| failure.exit_code)
        };
        assert_eq!(demand(&beside), Ok(()));
        assert_eq!(demand(&elsewhere), Ok(()));
        fs::write(&beside, "").expect("it is written");
        assert_eq!(demand(&beside), Ok(()));
        assert_eq!(demand(&elsewhere), Err(4));
        fs::write(&elsewhere, "").expect("it is written");
        assert_eq!(demand(&elsewhere), Err(4));
        // The same directory by another name.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).expect("a link");
        assert_eq!(demand(&link.join("validator.key.guard")), Ok(()));
    }
}
