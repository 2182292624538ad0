//! The key file: JSON with `scheme`, `address` and `seed`, the 32 secret bytes from which the key
//! pair is derived. Made with mode 0600 and never over a file that is there.
//!
//! An open [`KeyFile`] holds an exclusive lock: a key in use by another node of this machine is a
//! safety stop (exit 4), because two nodes with one key sign twice. Everything else that is wrong
//! with the file is a matter of configuration (exit 2), a mode that lets others read it included:
//! nothing has been signed yet, and `chmod 600` mends it.
use crate::environment::randomize;
use crate::failure::Failure;
use crate::input::read_up_to;
use crate::output::shell;
use crate::remedy;
use lockstep_actors::private::{self, FileError, open_named};
use lockstep_actors::state_store::lock_exclusively;
use lockstep_protocol::crypto::{self, KeyError, SchemeId, Seed, Signer};
use lockstep_protocol::types::{Address, Hash};
use serde::Deserialize;
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The file's name in a new home.
pub(crate) const FILE: &str = "validator.key";
/// A key file has a few hundred bytes. The buffer never grows, so no copy of a seed is left behind.
const BYTES_MAX: usize = 4096;

/// A seed with what follows from it.
pub(crate) struct Secret {
    seed: Seed,
    pub(crate) scheme: SchemeId,
    pub(crate) address: Address,
    pub(crate) public_key: Vec<u8>,
    pub(crate) signer: Arc<dyn Signer>,
}

/// The key of a running node, and the lock on its file.
pub(crate) struct KeyFile {
    pub(crate) signer: Arc<dyn Signer>,
    _lock: File,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    scheme: SchemeId,
    address: Address,
    /// Borrowed: the only copy is in the buffer that is wiped.
    #[serde(borrow)]
    seed: &'a str,
}

impl Secret {
    /// Draws a key.
    pub(crate) fn draw(scheme: SchemeId) -> Result<Secret, Failure> {
        let mut seed = Seed([0; 32]);
        randomize(&mut seed.0)?;
        Secret::of(scheme, seed).map_err(|error| Failure::safety(error.to_string()))
    }

    /// Derives what follows from `seed`.
    pub(crate) fn of(scheme: SchemeId, seed: Seed) -> Result<Secret, KeyError> {
        let signer = crypto::scheme(scheme).signer(&seed)?;
        let public_key = signer.public_key().to_vec();
        let address = Address::of(scheme, &public_key);
        Ok(Secret {
            seed,
            scheme,
            address,
            public_key,
            signer,
        })
    }

    /// Reads a key file, of any scheme, that another node may be using.
    pub(crate) fn read(path: &Path) -> Result<Secret, Failure> {
        let mut file = open_checked(path)?;
        let text = read_checked(&mut file, path)?;
        let document = parse(&text, path)?;
        let secret = secret(document.scheme, document.seed);
        secret
            .filter(|secret| secret.address == document.address)
            .ok_or_else(|| refuse(path, "holds a seed that is not of its address"))
    }

    /// What must be kept secret.
    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Writes the file, mode 0600. A file that is there is never touched.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut text = Zeroizing::new(String::with_capacity(BYTES_MAX));
        let mut write = || {
            write!(
                text,
                "{{\n  \"scheme\": \"{}\",\n  \"address\": \"{}\",\n  \"seed\": \"0x",
                self.scheme, self.address
            )?;
            for byte in self.seed.0 {
                write!(text, "{byte:02x}")?;
            }
            text.write_str("\"\n}\n")
        };
        // Writing into a String cannot fail.
        let _ = write();
        let written = private::create(path).and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        });
        written.map_err(|error| {
            Failure::usage(format!(
                "cannot write the key file {}: {error}; {}",
                path.display(),
                remedy::of_writing(
                    &error,
                    "name a directory that this user can write, without a key in it"
                )
            ))
        })
    }
}

impl KeyFile {
    /// Opens, checks, locks and reads a key file of this scheme.
    pub(crate) fn open(path: &Path, scheme: SchemeId) -> Result<KeyFile, Failure> {
        let at = path.display();
        let mut file = open_checked(path)?;
        match lock_exclusively(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::safety(format!(
                    "the key file {at} is in use by another node: stop that node; two with one key \
                     sign twice"
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Failure::retry(format!(
                    "cannot lock the key file {at}: {error}; keep it on a local disk"
                )));
            }
        }
        let text = read_checked(&mut file, path)?;
        let document = parse(&text, path)?;
        if document.scheme != scheme {
            return Err(Failure::usage(format!(
                "the key file {at} is for {}, but the genesis names {scheme}: use a key made for \
                 {scheme}",
                document.scheme
            )));
        }
        let secret = secret(scheme, document.seed);
        let secret = secret.ok_or_else(|| refuse(path, "holds no valid seed"))?;
        if secret.address != document.address {
            return Err(refuse(path, "holds a seed that is not of its address"));
        }
        Ok(KeyFile {
            signer: secret.signer.clone(),
            _lock: file,
        })
    }
}

/// Opens a file that its owner alone can reach.
fn open_checked(path: &Path) -> Result<File, Failure> {
    let file = open_named(path).map_err(|error| {
        let next = match &error {
            FileError::System(error) if error.kind() == ErrorKind::NotFound => {
                "check the path, or bring the key back from where it is kept safe"
            }
            FileError::System(_) => remedy::of_reading(&error, ""),
            FileError::Unfit(_) => "name the file that holds the key",
        };
        Failure::usage(format!(
            "cannot read the key file {}: {error}; {next}",
            path.display()
        ))
    })?;
    refuse_if_loose(&file, path)?;
    Ok(file)
}

fn refuse(path: &Path, why: &str) -> Failure {
    Failure::usage(format!(
        "the key file {} {why}; bring the key back from where it is kept safe",
        path.display()
    ))
}

fn read_checked(file: &mut File, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut text = Zeroizing::new(vec![0; BYTES_MAX]);
    let length = read_up_to(file, &mut text, |_| false).map_err(|error| {
        Failure::retry(format!(
            "cannot read the key file {}: {error}; try again",
            path.display()
        ))
    })?;
    if length == BYTES_MAX {
        return Err(refuse(path, "is too large to be one"));
    }
    text.truncate(length);
    Ok(text)
}

/// The parser's own words could quote the seed.
fn parse<'a>(text: &'a [u8], path: &Path) -> Result<Document<'a>, Failure> {
    serde_json::from_slice(text).map_err(|_| refuse(path, "holds no scheme, address and seed"))
}

fn secret(scheme: SchemeId, seed: &str) -> Option<Secret> {
    // The same digits as a hash has.
    let Hash(bytes) = seed.parse().ok()?;
    let bytes = Zeroizing::new(bytes);
    Secret::of(scheme, Seed(*bytes)).ok()
}

/// Others must not reach a secret, not even for a moment. A group of this process may read one that
/// nobody may write: container platforms hand secrets to users so. No umask makes such a mode.
#[cfg(unix)]
pub(crate) fn refuse_if_loose(file: &File, path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    // `chmod` has an own `/dev/stdin`.
    let is_own = path.starts_with("/dev") || path.starts_with("/proc");
    let led_to = is_own.then(|| path.canonicalize().ok()).flatten();
    let at = led_to.as_deref().unwrap_or(path).display();
    let metadata = file.metadata();
    let metadata = metadata.map_err(|error| Failure::retry(format!("{at}: {error}; try again")))?;
    let mode = metadata.permissions().mode() & 0o777;
    let is_handed_over = mode & 0o277 == 0o040 && is_own_group(metadata.gid());
    if mode & 0o077 == 0 || is_handed_over {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the secret file {at} has mode {mode:04o}, so others can get at it: run chmod 600 {}, and think \
         about who has read it",
        shell::word(led_to.as_deref().unwrap_or(path))
    )))
}

#[cfg(unix)]
fn is_own_group(group: u32) -> bool {
    use rustix::process::{getegid, getgroups};
    let others = getgroups().unwrap_or_default();
    getegid().as_raw() == group || others.iter().any(|other| other.as_raw() == group)
}

#[cfg(not(unix))]
pub(crate) fn refuse_if_loose(_: &File, _: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const SCHEME: SchemeId = SchemeId::MlDsa65;

    fn written() -> (tempfile::TempDir, std::path::PathBuf, Secret) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        let key = Secret::draw(SCHEME).expect("a key");
        key.write(&path).expect("it is written");
        (dir, path, key)
    }

    fn refused(path: &Path, code: u8, words: &[&str]) {
        let failure = KeyFile::open(path, SCHEME).err().expect("refused");
        assert_eq!(failure.exit_code, code, "{}", failure.message);
        for word in words {
            assert!(
                failure.message.contains(word),
                "{word}: {}",
                failure.message
            );
        }
    }

    #[test]
    fn a_new_key_reads_back_and_no_two_are_equal() {
        let (_dir, path, key) = written();
        let read = KeyFile::open(&path, SCHEME).expect("it opens");
        assert_eq!(read.signer.public_key(), key.public_key);
        let other = Secret::draw(SCHEME).expect("a key");
        assert_ne!(other.address, key.address);
        // There is one already: it stays.
        assert_eq!(other.write(&path).expect_err("there").exit_code, 2);
        drop(read);
        let read = KeyFile::open(&path, SCHEME).expect("it opens");
        assert_eq!(read.signer.public_key(), key.public_key);
    }

    #[test]
    fn a_key_in_use_is_a_safety_stop() {
        let (_dir, path, _) = written();
        let _held = KeyFile::open(&path, SCHEME).expect("it opens");
        refused(&path, 4, &["in use", "stop that node"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_written_for_its_owner_alone_and_refused_if_others_reach_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, path, _) = written();
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        for loose in [0o640, 0o620, 0o604, 0o602, 0o610, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(loose)).expect("chmod");
            refused(&path, 2, &[&format!("{loose:04o}"), "chmod 600"]);
        }
        for handed_over in [0o400, 0o440] {
            fs::set_permissions(&path, fs::Permissions::from_mode(handed_over)).expect("chmod");
            assert!(KeyFile::open(&path, SCHEME).is_ok(), "{handed_over:04o}");
        }
        // Of a group that this process is none of; who may say so is root.
        if std::os::unix::fs::chown(&path, None, Some(0x7fff_0000)).is_ok() {
            refused(&path, 2, &["0440", "chmod 600"]);
        }
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_without_showing_what_is_in_it() {
        let (_dir, path, key) = written();
        let text = fs::read_to_string(&path).expect("it is there");
        let seed = text.split('"').nth(11).expect("the seed").to_owned();
        let other = Secret::draw(SCHEME).expect("a key").address.to_string();
        let long = format!("{text}{}", " ".repeat(BYTES_MAX));
        for (harmed, word) in [
            (
                text.replace("\"seed\"", "\"sead\""),
                "scheme, address and seed",
            ),
            (text.replace(&seed, &seed[..60]), "no valid seed"),
            (
                text.replace(&key.address.to_string(), &other),
                "not of its address",
            ),
            (
                text.replace("ml-dsa-65", "dilithium3"),
                "made for ml-dsa-65",
            ),
            (
                text[..text.len() / 2].to_owned(),
                "scheme, address and seed",
            ),
            (String::new(), "scheme, address and seed"),
            (long, "too large"),
        ] {
            fs::write(&path, &harmed).expect("it is written");
            refused(&path, 2, &[word, FILE]);
            let failure = KeyFile::open(&path, SCHEME).err().expect("refused");
            assert!(
                !failure.message.contains(&seed[2..20]),
                "{}",
                failure.message
            );
        }
        fs::remove_file(&path).expect("it was there");
        refused(&path, 2, &["kept safe"]);
    }
}
