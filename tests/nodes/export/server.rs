//! A PostgreSQL of Debian, for one test: on a socket in a directory of its own, by another user than
//! root. Where it is not installed that is said, and the test passes, unless the environment demands it
//! by `LOCKSTEP_POSTGRES=required`.
use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::eventually;
use support::process::{Guarded, text};

/// Its user, where it was installed as Debian does.
const USER: &str = "postgres";
/// Another database holds the rows that nothing has interrupted.
pub(super) const DATABASES: [&str; 2] = ["whole", "killed"];

/// A server of its own, on a socket in a directory of its own.
pub(super) struct Server {
    bin: PathBuf,
    dir: tempfile::TempDir,
    _server: Guarded,
}

impl Server {
    /// `None`: it is not installed here, and that is said.
    pub(super) fn start(test: &str) -> Option<Server> {
        let Some(bin) = programs() else {
            skip(
                test,
                "PostgreSQL is not installed: apt-get install postgresql",
            );
            return None;
        };
        let dir = tempfile::tempdir().expect("a directory");
        let user = ids();
        if let Some((uid, gid)) = user {
            chown(dir.path(), Some(uid), Some(gid)).expect("root may give it away");
        }
        let data = dir.path().join("data");
        let mut made = as_user(&bin.join("initdb"), user);
        made.args([
            "-D",
            text(&data),
            "-U",
            "lockstep",
            "--auth=trust",
            "-E",
            "UTF8",
        ]);
        made.args(["--locale=C", "--no-sync", "--no-instructions"]);
        let made = made.current_dir(dir.path()).output().expect("it runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut server = as_user(&bin.join("postgres"), user);
        server.args([
            "-D",
            text(&data),
            "-k",
            text(dir.path()),
            "-c",
            "listen_addresses=",
        ]);
        server.args(["-c", "fsync=off"]).current_dir(dir.path());
        server.stdout(Stdio::null()).stderr(Stdio::null());
        let server = Server {
            _server: Guarded(server.spawn().expect("it starts")),
            bin,
            dir,
        };
        eventually("the server answers", || {
            server.psql("postgres", "SELECT 1").ok()
        });
        for database in DATABASES {
            server.query("postgres", &format!("CREATE DATABASE {database}"));
        }
        Some(server)
    }

    pub(super) fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "lockstep",
        ]);
        psql.args(["-h", text(self.dir.path()), "-d", database, "-c", sql]);
        psql.stdin(Stdio::null()).current_dir(self.dir.path());
        let said = psql.output().expect("psql runs");
        match said.status.success() {
            true => Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&said.stderr).into_owned()),
        }
    }

    pub(super) fn query(&self, database: &str, sql: &str) -> String {
        self.psql(database, sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Its socket stands there.
    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn url(&self, database: &str) -> String {
        let at = text(self.dir.path());
        format!("postgres://lockstep:hunter2@/{database}?host={at}")
    }

    pub(super) fn count(&self, database: &str) -> u64 {
        let count = self.psql(database, "SELECT count(*) FROM lockstep.blocks");
        count.ok().and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// The newest one that Debian has installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let bins = versions.map(|version| version.path().join("bin"));
    bins.filter(|bin| {
        ["initdb", "postgres", "psql"]
            .iter()
            .all(|name| bin.join(name).exists())
    })
    .max()
}

/// PostgreSQL does not run as root.
fn ids() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let said = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8_lossy(&said.stdout).trim().parse().ok()
    };
    match id(&["-u"]) {
        Some(0) => Some((id(&["-u", USER])?, id(&["-g", USER])?)),
        _ => None,
    }
}

fn as_user(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn skip(test: &str, why: &str) {
    let demanded = std::env::var("LOCKSTEP_POSTGRES").is_ok_and(|value| value == "required");
    assert!(!demanded, "{test} is required: {why}");
    say(&format!("skipped {test}: {why}"));
}

/// Not by a macro: what those print of a test that passes is thrown away.
pub(super) fn say(words: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test's own words")]
    let said = writeln!(std::io::stderr(), "{words}");
    said.expect("it can be said");
}
