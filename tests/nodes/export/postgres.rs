//! A chain in the PostgreSQL of Debian. Where it is not installed that is said, and the tests pass,
//! unless the environment demands it by `LOCKSTEP_POSTGRES=required`. `.ci/run` installs it.
use super::filled::{Filled, SETTINGS, fill};
use super::{World, awkward, export, exported, killed};
use lockstep_devnet::Devnet;
use lockstep_protocol::crypto::SchemeId;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use support::eventually;
use support::process::{Guarded, Network, finish, lockstep, text};

/// Its user, where it was installed as Debian does.
const USER: &str = "postgres";
/// Another database holds the rows that nothing has interrupted.
const DATABASES: [&str; 2] = ["whole", "killed"];

/// A server of its own, on a socket in a directory of its own.
struct Server {
    bin: PathBuf,
    dir: tempfile::TempDir,
    _server: Guarded,
}

impl Server {
    /// `None`: it is not installed here, and that is said.
    fn start(test: &str) -> Option<Server> {
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

    fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
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

    fn query(&self, database: &str, sql: &str) -> String {
        self.psql(database, sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn url(&self, database: &str) -> String {
        let at = text(self.dir.path());
        format!("postgres://lockstep:hunter2@/{database}?host={at}")
    }

    fn count(&self, database: &str) -> u64 {
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
    // Not by a macro: what those print of a test that passes is thrown away.
    #[expect(clippy::disallowed_methods, reason = "a test's own words")]
    let said = writeln!(std::io::stderr(), "skipped {test}: {why}");
    said.expect("it can be said");
}

const COUNTS: &str =
    "SELECT (SELECT count(*) FROM lockstep.blocks), count(*), sum(t.amount), sum(r.fee),
    count(*) FILTER (WHERE r.status = 'success'), count(*) FILTER (WHERE t.id = r.id)
    FROM lockstep.transactions t JOIN lockstep.receipts r USING (height, place)";

/// All rows of all tables as one hash.
const HASH: &str = "SELECT md5(string_agg(md5(line::text), '' ORDER BY line::text)) FROM (
    SELECT row(b.*) AS line FROM lockstep.blocks b UNION ALL
    SELECT row(t.*) FROM lockstep.transactions t UNION ALL
    SELECT row(r.*) FROM lockstep.receipts r) AS all_rows";

fn expected(filled: &Filled) -> String {
    let Filled {
        height,
        transactions,
        amounts,
        fees,
    } = filled;
    format!("{height}|{transactions}|{amounts}|{fees}|{transactions}|{transactions}")
}

/// Kills an export three times on its way; then the rows are those of one that nobody has killed.
fn three_kills(server: &Server, source: &[&str], filled: &Filled) {
    let until = filled.height.to_string();
    let source = [source, &["--until", &until]].concat();
    let [whole, cut] = DATABASES.map(|database| server.url(database));
    let began = Instant::now();
    let said = exported(&[&source[..], &["--to", &whole]].concat());
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(said["added"]["transactions"], filled.transactions);
    let to_cut = [&source[..], &["--to", &cut]].concat();
    let mut left = Vec::new();
    for _ in 0..3 {
        let before = server.count("killed");
        killed(&to_cut, || server.count("killed") > before);
        left.push(server.count("killed"));
    }
    let said = exported(&to_cut);
    for database in DATABASES {
        assert_eq!(
            server.query(database, COUNTS),
            expected(filled),
            "{database}"
        );
    }
    let [whole, cut] = DATABASES.map(|database| server.query(database, HASH));
    assert_eq!(whole, cut);
    assert_eq!(
        exported(&to_cut)["added"],
        json!({ "blocks": 0, "transactions": 0, "receipts": 0, "events": 0 })
    );
    let rows = 2 * filled.transactions + filled.height;
    say(&format!(
        "{} blocks, {} transactions: {seconds:.1} s, {:.0} rows/s; killed at {left:?} blocks, the last \
         run added {}; counts|amounts|fees {}",
        filled.height,
        filled.transactions,
        rows as f64 / seconds,
        said["added"]["blocks"],
        server.query("killed", COUNTS)
    ));
}

fn say(words: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test's own words")]
    let said = writeln!(std::io::stderr(), "{words}");
    said.expect("it can be said");
}

#[test]
fn a_thousand_transactions_are_all_there_once_after_three_kills() {
    let Some(server) = Server::start("a_thousand_transactions") else {
        return;
    };
    let mut network = Network::funding(4, 1, &SETTINGS);
    network.start(0);
    network.node(0).ready();
    let filled = fill(&network, 4, 250, super::BLOCKS);
    three_kills(&server, &["--rpc", &network.urls[0]], &filled);
}

/// `CARGO_BIN_EXE_lockstep` names a release build to the test, if it is run by itself.
#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_transactions_are_all_there_once_after_three_kills() {
    let Some(server) = Server::start("a_hundred_thousand_transactions") else {
        return;
    };
    let mut network = Network::funding(40, 1, &SETTINGS);
    network.start(0);
    network.node(0).ready();
    let filled = fill(&network, 40, 2_500, 1);
    let home = network.home(0);
    three_kills(&server, &["--home", text(&home)], &filled);
}

#[test]
fn bytes_that_are_no_text_stand_in_a_database_as_bytes() {
    let Some(server) = Server::start("bytes_that_are_no_text") else {
        return;
    };
    let world = World::new();
    (0..)
        .zip(awkward())
        .for_each(|(nonce, action)| world.act(nonce, action));
    let to = server.url("whole");
    exported(&["--to", &to, "--rpc", &world.url]);
    let rows = server.query(
        "whole",
        "SELECT kind, memo IS NULL, memo_hex, key, value FROM lockstep.transactions ORDER BY height, place",
    );
    let expected = [
        "transfer|f|0x||",
        "transfer|t|0x610062||",
        "transfer|t|0x6f6e652c2274776f220a7468726565||",
        "transfer|t|0x3d312b32201b5b324a||",
        "transfer|f|0xe4b8ade69687205c2e205c4e||",
        "put|t||0x00ff|0x",
        "put|t||0xc3|0x000102ff",
        "delete|t||0x00ff|",
    ];
    assert_eq!(rows.lines().collect::<Vec<_>>(), expected);
    let memo = "SELECT memo FROM lockstep.transactions WHERE height = 5";
    assert_eq!(server.query("whole", memo), "中文 \\. \\N");
    let time = "SELECT count(*) FROM lockstep.blocks
        WHERE time = to_timestamp(0) + time_ms * interval '1 ms'";
    assert_eq!(server.query("whole", time), "8");
}

/// The queries of the page, as they are written.
#[test]
fn the_queries_of_the_page_find_what_they_say() {
    let Some(server) = Server::start("the_queries_of_the_page") else {
        return;
    };
    let world = World::new();
    (0..)
        .zip(awkward())
        .for_each(|(nonce, action)| world.act(nonce, action));
    exported(&["--to", &server.url("whole"), "--rpc", &world.url]);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operate/export.md");
    let page = fs::read_to_string(page).expect("the page");
    let queries = page.split("```sql\n").skip(1);
    let queries: Vec<&str> = queries
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let found: Vec<String> = queries
        .iter()
        .map(|sql| server.query("whole", sql))
        .collect();
    assert_eq!(found.len(), 3);
    let lines: Vec<usize> = found.iter().map(|rows| rows.lines().count()).collect();
    // Five transfers to that address; one day, as blocks are made now; a record without a NUL.
    assert_eq!(lines[0], 5, "{found:?}");
    assert!((1..=2).contains(&lines[1]), "{found:?}");
    assert!(found[2].contains("|0x000102ff"), "{found:?}");
}

#[test]
fn a_database_takes_one_chain_says_what_is_wrong_and_never_the_password() {
    let Some(server) = Server::start("a_database_takes_one_chain") else {
        return;
    };
    let world = World::new();
    world.tick(3);
    let to = server.url("whole");
    let said = exported(&["--to", &to, "--rpc", &world.url]);
    assert_eq!(said["target"], "postgres://lockstep@/whole");
    world.tick(1);
    let mut command = lockstep(&["export", "--rpc", &world.url, "--json"]);
    command.env("LOCKSTEP_EXPORT_TO", &to);
    assert!(finish(command).ok().stdout.contains("\"blocks\": 1"));
    let other = Devnet::builder()
        .validators(1)
        .manual(true)
        .scheme(SchemeId::Dilithium3);
    let other = other.boot().expect("it boots");
    let refused = |to: &str, code, words: &[&str]| {
        let ended = export(&["--to", to, "--rpc", &other.urls()[0]]);
        ended.assert_refused(code, words);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    };
    other.tick().expect("a block");
    refused(&to, 4, &["holds the chain 1337", "is chain 1337"]);
    refused(&server.url("nothing"), 2, &["nothing", "3D000", "createdb"]);
    server.query(
        "postgres",
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0",
    );
    refused(&server.url("latin"), 2, &["UTF8", "createdb"]);
    server.query(
        "killed",
        "CREATE SCHEMA lockstep; CREATE TABLE lockstep.blocks (a int)",
    );
    refused(&server.url("killed"), 2, &["42P07", "schema lockstep"]);
    let nobody = format!("{}/none", text(server.dir.path()));
    let nobody = format!("postgres://a:hunter2@/b?host={nobody}");
    refused(&nobody, 1, &["no answer", "is PostgreSQL running"]);
}
