//! A chain in the PostgreSQL of Debian, where it is installed: [`server`](super::server).
use super::filled::{Filled, SETTINGS, fill};
use super::server::{DATABASES, Server, say};
use super::{World, awkward, export, exported, killed};
use lockstep_devnet::Devnet;
use lockstep_protocol::crypto::SchemeId;
use serde_json::json;
use std::fs;
use std::time::Instant;
use support::process::{Network, finish, lockstep, text};

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
    let nobody = format!("{}/none", text(server.dir()));
    let nobody = format!("postgres://a:hunter2@/b?host={nobody}");
    refused(&nobody, 1, &["no answer", "is PostgreSQL running"]);
}
