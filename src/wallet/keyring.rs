//! The directory of key files: `NAME.json`, each for its owner alone, made whole or not at all.
use super::sealed::{SealedKey, Unopened};
use super::{DEVNET_NAMES, Password, is_devnet_name};
use crate::config::key::{Secret, refuse_if_loose};
use crate::config::nearest::nearest;
use crate::environment::{DIRECTORY_VARIABLE, variable};
use crate::failure::Failure;
use crate::output::shell;
use crate::output::tell;
use crate::remedy;
use clap::Args;
use lockstep_actors::private::{self, FileError, open_named};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

const EXTENSION: &str = "json";
/// A key file has some 600 bytes.
const BYTES_MAX: usize = 4_096;
/// More than anybody names by hand.
const KEYS_MAX: usize = 10_000;
const NAME_BYTES_MAX: usize = 64;

/// `--keys`
#[derive(Args, Clone, Debug)]
pub(crate) struct Keyring {
    /// The directory of key files [env: LOCKSTEP_KEYS] [default: ~/.local/share/lockstep/keys]
    #[arg(long, value_name = "DIR", global = true)]
    keys: Option<PathBuf>,
}

impl Keyring {
    /// Where the files are.
    pub(crate) fn dir(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.keys {
            return Ok(dir.clone());
        }
        if let Some(dir) = variable(DIRECTORY_VARIABLE)? {
            return Ok(dir.into());
        }
        let data = match variable("XDG_DATA_HOME")? {
            Some(data) => Some(PathBuf::from(data)),
            None => variable("HOME")?.map(|home| Path::new(&home).join(".local/share")),
        };
        let data = data.filter(|data| data.is_absolute()).ok_or_else(|| {
            Failure::usage(format!(
                "where are the keys? Name their directory with --keys DIR or {DIRECTORY_VARIABLE}"
            ))
        })?;
        Ok(data.join("lockstep/keys"))
    }

    /// The file of a key that is there, or of one that could be.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        if is_devnet_name(name) {
            return Err(Failure::usage(format!(
                "{name} is an account of every devnet, without a file: choose a name other than {}",
                DEVNET_NAMES.join(", ")
            )));
        }
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_".contains(&c);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
            return Err(Failure::usage(format!(
                "{name:?} is no name for a key: use up to {NAME_BYTES_MAX} of a-z, 0-9, - and _"
            )));
        }
        Ok(self.dir()?.join(name).with_extension(EXTENSION))
    }

    /// The names of all keys, in their order.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        let dir = self.dir()?;
        let failed = |error: std::io::Error| {
            Failure::usage(format!(
                "cannot read {}: {error}; name the directory of the keys with --keys DIR",
                dir.display()
            ))
        };
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries.take(KEYS_MAX) {
            let path = entry.map_err(failed)?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|_| path.extension().is_some_and(|e| e == EXTENSION))
                && self.path(name).is_ok_and(|expected| expected == path)
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The key as its file holds it.
    pub(crate) fn read(&self, name: &str) -> Result<SealedKey, Failure> {
        self.read_or(name, &[])
    }

    /// The same of a name that could have been one of `others` as well.
    pub(crate) fn read_or(&self, name: &str, others: &[&str]) -> Result<SealedKey, Failure> {
        let path = self.path(name).map_err(|failure| {
            let near = self.near(&name.to_lowercase(), others);
            let near = near.map(|near| format!("; did you mean {near}?"));
            Failure {
                message: failure.message + &near.unwrap_or_default(),
                ..failure
            }
        })?;
        if let Err(error) = path.symlink_metadata()
            && error.kind() == ErrorKind::NotFound
        {
            return Err(self.unknown(name, others));
        }
        let sealed = read(&path, "bring it back from where it is kept safe")?;
        sealed.check().map_err(|why| unopened(&path, why))?;
        Ok(sealed)
    }

    fn unknown(&self, name: &str, others: &[&str]) -> Failure {
        let near = self.near(name, others);
        let near = near.map(|near| format!("did you mean {near}? "));
        let (near, dir) = (near.unwrap_or_default(), self.dir().unwrap_or_default());
        Failure::usage(format!(
            "there is no key {name} in {}: {near}lockstep keys list --keys {} names all",
            dir.display(),
            shell::word(&dir)
        ))
    }

    /// Of all names that there are the one that is most like this.
    fn near(&self, name: &str, others: &[&str]) -> Option<String> {
        let names = self.names().unwrap_or_default();
        let known = names.iter().map(String::as_str);
        nearest(name, known.chain(others.iter().copied())).map(str::to_owned)
    }

    /// The key itself, opened by its password.
    pub(crate) fn open(&self, name: &str, password: &Password) -> Result<Secret, Failure> {
        let sealed = self.read(name)?;
        let password = password.existing(name)?;
        sealed
            .open(&password)
            .map_err(|why| unopened(&self.path(name).unwrap_or_default(), why))
    }

    /// Refuses a name that has a key: a key that is overwritten is money that is lost.
    pub(crate) fn refuse_if_there(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name)?;
        // A link that leads nowhere is something as well.
        match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Failure::usage(format!(
                "cannot look at {}: {error}; name another directory of keys with --keys DIR",
                path.display()
            ))),
            Ok(_) => Err(there(&path)),
        }
    }

    /// Writes a new key: all of it or nothing, and never over one that is there.
    pub(crate) fn write(&self, name: &str, sealed: &SealedKey) -> Result<PathBuf, Failure> {
        let path = self.path(name)?;
        let dir = self.dir()?;
        make_private(&dir)?;
        if let Some(line) = private::close_dir(&dir) {
            tell!("warning: {line}\n");
        }
        write_sealed(&path, sealed)?;
        Ok(path)
    }
}

/// Writes a sealed key anywhere: all of it or nothing, and never over a file that is there.
pub(crate) fn write_sealed(path: &Path, sealed: &SealedKey) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(sealed);
    let text = text.map_err(|error| Failure::safety(error.to_string()))? + "\n";
    write_new(path, text.as_bytes())
}

/// Reads a sealed key from any place; `next` says what to do if it is not there.
pub(crate) fn read(path: &Path, next: &str) -> Result<SealedKey, Failure> {
    let at = path.display();
    let failed = |error: FileError| {
        let next = remedy::of_reading(&error, next);
        Failure::usage(format!("cannot read the key file {at}: {error}; {next}"))
    };
    let file = open_named(path).map_err(failed)?;
    refuse_if_loose(&file, path)?;
    let mut text = Vec::new();
    let mut bounded = file.take(BYTES_MAX as u64 + 1);
    let read = bounded.read_to_end(&mut text);
    read.map_err(|error| failed(error.into()))?;
    let parsed = Some(&text).filter(|text| text.len() <= BYTES_MAX);
    let parsed = parsed.and_then(|text| serde_json::from_slice(text).ok());
    parsed.ok_or_else(|| unopened(path, Unopened::Foreign))
}

/// What to do about a key that does not open.
pub(crate) fn unopened(path: &Path, why: Unopened) -> Failure {
    let next = match why {
        Unopened::Password => "try again",
        Unopened::Foreign | Unopened::Costly { .. } => {
            "bring the file back from where it is kept safe"
        }
    };
    Failure::usage(format!("the key file {} {why}: {next}", path.display()))
}

/// Writes a file for its owner alone under a name that is free: it is there whole, or not at all.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => there(path),
        _ => Failure::usage(format!(
            "cannot write {}: {error}; {}",
            path.display(),
            remedy::of_writing(error, "name a directory that this user can write")
        )),
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    // Such a file has mode 0600 from its beginning.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(|error| failed(&error))?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.as_file().sync_all());
    written.map_err(|error| failed(&error))?;
    file.persist_noclobber(path)
        .map_err(|error| failed(&error.error))?;
    // The name is durable once its directory is.
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| failed(&error))
}

fn there(path: &Path) -> Failure {
    Failure::usage(format!(
        "{} is there already, and no key is ever overwritten: choose another name",
        path.display()
    ))
}

fn make_private(dir: &Path) -> Result<(), Failure> {
    private::make_dir(dir).map_err(|error| {
        Failure::usage(format!(
            "cannot make {}: {error}; {}",
            dir.display(),
            remedy::of_writing(
                &error,
                "name a directory that this user can write with --keys DIR"
            )
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_protocol::crypto::SchemeId;

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let dir = tempfile::tempdir().expect("a directory");
        let keys = Some(dir.path().join("a/keys"));
        (dir, Keyring { keys })
    }

    fn sealed() -> SealedKey {
        let secret = Secret::draw(SchemeId::MlDsa65).expect("a key");
        SealedKey::seal(&secret, "word").expect("it is sealed")
    }

    #[test]
    fn a_key_is_written_once_and_listed_and_read() {
        let (_dir, keyring) = keyring();
        assert_eq!(keyring.names().expect("none"), [""; 0]);
        let key = sealed();
        keyring.refuse_if_there("savings").expect("free");
        keyring.write("savings", &key).expect("it is written");
        assert_eq!(
            keyring
                .refuse_if_there("savings")
                .expect_err("there")
                .exit_code,
            2
        );
        let again = keyring.write("savings", &sealed()).expect_err("there");
        assert!(again.message.contains("overwritten"), "{}", again.message);
        keyring.write("a-2_b", &sealed()).expect("it is written");
        assert_eq!(keyring.names().expect("two"), ["a-2_b", "savings"]);
        assert_eq!(keyring.read("savings").expect("it reads"), key);
        // Nothing half made is left beside them.
        let dir = keyring.dir().expect("named");
        assert_eq!(fs::read_dir(dir).expect("there").count(), 2);
    }

    #[test]
    fn a_name_is_no_path_and_no_account_of_a_devnet() {
        let (_dir, keyring) = keyring();
        let long = "a".repeat(65);
        for wrong in [
            "", ".", "..", "../x", "a/b", "A", "a b", "ä", "a.json", &long, "alice",
        ] {
            assert_eq!(
                keyring.path(wrong).expect_err(wrong).exit_code,
                2,
                "{wrong}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_for_its_owner_alone_and_refused_if_others_reach_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, keyring) = keyring();
        let path = keyring.write("savings", &sealed()).expect("it is written");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("a directory")), 0o700);
        for loose in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(loose)).expect("chmod");
            let refused = keyring.read("savings").expect_err("refused");
            assert!(refused.message.contains("chmod 600"), "{}", refused.message);
        }
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let (_dir, keyring) = keyring();
        let path = keyring.write("savings", &sealed()).expect("it is written");
        let text = fs::read_to_string(&path).expect("text");
        let harmed = [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("sealed_seed", "seed"),
            text.clone() + &" ".repeat(BYTES_MAX),
        ];
        for harmed in harmed {
            fs::write(&path, harmed).expect("it is written");
            let refused = keyring.read("savings").expect_err("refused");
            assert!(refused.message.contains("kept safe"), "{}", refused.message);
        }
        let missing = keyring.read("nobody").expect_err("not there");
        assert!(missing.message.contains("keys list"), "{}", missing.message);
    }
}
