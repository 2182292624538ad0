//! Nodes that keep few blocks, and snapshots between them, as operators see both: processes, files,
//! exit codes.
use lockstep_protocol::codec;
use lockstep_protocol::limits::SNAPSHOT_RECORD_BYTES_MAX;
use lockstep_protocol::proofs::snapshot::{
    Leaf, OPENING_BYTES, SnapshotBlock, SnapshotPart, encode_record,
};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::process::{Ended, Network, run, text};
use support::rpc;
use support::{eventually, get, post, try_get};

const KEPT: u64 = 256;
const SETTINGS: [&str; 3] = [
    "block_interval_ms=0",
    "retain_blocks=256",
    "durability=process",
];

/// Four processes on a machine that does much else.
const LONG: Duration = Duration::from_secs(240);

fn wait_for(network: &Network, nodes: &[usize], height: u64) {
    let until = Instant::now() + LONG;
    for node in nodes {
        while network.height(*node) < Some(height) {
            assert!(Instant::now() < until, "node {node} is at height {height}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn snapshot(arguments: &[&str]) -> Ended {
    run(&[&["snapshot"], arguments].concat())
}

fn export(network: &Network, node: usize, file: &Path) -> Value {
    let home = network.home(node);
    let ended = snapshot(&[
        "export",
        "--home",
        text(&home),
        "--output",
        text(file),
        "--json",
    ]);
    serde_json::from_str(&ended.ok().stdout).expect("JSON")
}

fn import(network: &Network, node: usize, file: &Path, more: &[&str]) -> Ended {
    let home = network.home(node);
    let arguments = ["import", "--home", text(&home), "--input", text(file)];
    snapshot(&[&arguments, more].concat())
}

fn ready_text(network: &Network, node: usize) -> Option<String> {
    let answer = try_get(&network.urls[node], "/readyz?verbose").ok()?;
    Some(answer.text())
}

/// What is asked for and was pruned is told apart from what never was.
fn assert_pruned(url: &str, height: u64) {
    for path in [
        format!("/blocks/{height}"),
        format!("/light/blocks/{height}"),
    ] {
        let answer = get(url, &path);
        assert_eq!(answer.status, 410, "{path}: {}", answer.text());
        assert_eq!(answer.json()["code"], "pruned");
    }
    let tag = json!(format!("{height:#x}"));
    for (method, params) in [
        ("lockstep_getBlock", json!([height])),
        ("lockstep_getCommit", json!([height])),
        ("eth_getBlockByNumber", json!([tag, false])),
        ("eth_getBlockTransactionCountByNumber", json!([tag])),
        ("eth_feeHistory", json!(["0x1", tag])),
    ] {
        let error = rpc::call(url, method, params)["error"].clone();
        assert_eq!(error["code"], -32004, "{method}: {error}");
        assert_eq!(error["data"]["code"], "pruned", "{method}: {error}");
        let earliest = error["data"]["earliest_height"].as_u64();
        assert!(earliest > Some(height), "{method}: {error}");
    }
    // A history begins where the blocks begin.
    let earliest = get(url, "/status").json()["earliest_height"].as_u64();
    let newest = format!("{:#x}", earliest.expect("a height") + 40);
    let history = rpc::result(url, "eth_feeHistory", json!(["0x40", newest]));
    let blocks = history["gasUsedRatio"].as_array().expect("a list").len();
    assert!((1..=41).contains(&blocks), "{blocks} blocks");
    assert_eq!(
        rpc::result(url, "eth_getBlockByNumber", json!(["0x0", false]))["number"],
        "0x0"
    );
}

/// The issue's own story: nodes keep few blocks, one is wiped, and comes back by a snapshot of a
/// running one.
#[test]
fn a_wiped_node_comes_back_by_the_snapshot_of_a_running_one_that_keeps_few_blocks() {
    let mut network = Network::running(4, &SETTINGS);
    wait_for(&network, &[0, 1, 2, 3], 20);
    let mut payer = network.payer(0);
    for _ in 0..5 {
        let answer = post(&network.urls[0], "/transactions", &payer.next_transfer());
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    wait_for(&network, &[0, 1, 2, 3], KEPT + 40);
    let status = get(&network.urls[0], "/status").json();
    let number = |name: &str| status[name].as_u64().expect("a number");
    assert_eq!(number("retain_blocks"), KEPT);
    assert!(number("earliest_height") > 1, "{status}");
    assert_eq!(number("height") - number("earliest_height") + 1, KEPT);
    assert_pruned(&network.urls[0], 1);
    let home = network.home(0);
    let shown = run(&["status", "--home", text(&home)]).ok().stdout;
    assert!(shown.contains("blocks kept"), "{shown}");

    network.kill(3);
    wipe(&network, 3);
    assert_stranded(&mut network, 3);
    let made = restore(&mut network, 3);
    let height = made["height"].as_u64().expect("a height");
    assert_follows(&network, 3, height);
    network.kill(3);
    assert_signs_again(&mut network, 3);
    // Every byte of both is in order, as far as there are bytes.
    for node in [0, 3] {
        network.kill(node);
        let home = network.home(node);
        let report = run(&["verify", "--home", text(&home), "--json"])
            .ok()
            .stdout;
        let report: Value = serde_json::from_str(&report).expect("JSON");
        assert!(report["earliest"].as_u64() > Some(1), "{report}");
        assert!(report["executed_from"].as_u64() >= report["earliest"].as_u64());
    }
}

fn wipe(network: &Network, node: usize) {
    fs::remove_dir_all(network.home(node).join("data")).expect("it has data");
}

/// Empty-handed it gets nowhere, says what to do, and blames nobody.
fn assert_stranded(network: &mut Network, node: usize) {
    network.start(node);
    let said = eventually("it says that it needs a snapshot", || {
        ready_text(network, node).filter(|text| text.contains("lockstep snapshot import"))
    });
    assert!(
        said.contains("no peer that answers keeps block 1 any more"),
        "{said}"
    );
    assert_eq!(network.height(node), Some(0));
    let lies = get(&network.urls[node], "/metrics").text();
    let lies = lies
        .lines()
        .find(|line| line.starts_with("lockstep_sync_lies"));
    assert!(lies.is_none_or(|line| line.ends_with(" 0")), "{lies:?}");
    network.kill(node);
}

/// By a snapshot of node 0, which runs on; says what `export` said.
fn restore(network: &mut Network, node: usize) -> Value {
    let file = network.dir.path().join("snapshot");
    let made = export(network, 0, &file);
    assert_eq!(made["beside_a_node"], true, "{made}");
    import(network, node, &file, &[]).assert_refused(2, &["data", "nothing is overwritten"]);
    wipe(network, node);
    let trusted = format!(
        "{}@{}",
        made["block_id"].as_str().expect("an id"),
        made["height"]
    );
    let taken = import(network, node, &file, &["--trusted", &trusted, "--json"]).ok();
    let taken: Value = serde_json::from_str(&taken.stdout).expect("JSON");
    assert_eq!(taken["state_root"], made["state_root"]);
    network.start(node);
    made
}

/// Its key has signed elsewhere: it follows, and serves the same chain.
fn assert_follows(network: &Network, node: usize, height: u64) {
    wait_for(network, &[node], height + 20);
    for height in height..height + 20 {
        assert_eq!(
            network.block(node, height),
            network.block(1, height),
            "{height}"
        );
    }
    assert_eq!(
        get(&network.urls[node], "/status").json()["earliest_height"],
        height
    );
    let said = ready_text(network, node).expect("it answers");
    assert!(said.contains("lockstep arm"), "{said}");
}

fn assert_signs_again(network: &mut Network, node: usize) {
    network.arm(node);
    network.start(node);
    eventually("it signs again", || {
        let status = try_get(&network.urls[node], "/status").ok()?.json();
        status["observing"].is_null().then_some(())
    });
    // With three of four it is one of those who are needed.
    network.kill(2);
    let now = network.highest(&[0, 1, node]);
    wait_for(network, &[0, 1, node], now + 10);
    let root = |node: usize, at: u64| {
        get(&network.urls[node], &format!("/blocks/{at}")).json()["header"]["state_root"].clone()
    };
    assert_eq!(root(node, now), root(0, now));
}

/// The records of a file, to be changed.
fn records(bytes: &[u8]) -> Vec<SnapshotPart> {
    let mut rest = &bytes[OPENING_BYTES..];
    let mut records = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let (record, more) = more.split_at(u32::from_le_bytes(*length) as usize);
        let record = codec::decode("record", record, SNAPSHOT_RECORD_BYTES_MAX);
        records.push(record.expect("a record"));
        rest = more;
    }
    records
}

fn with(bytes: &[u8], change: impl FnOnce(&mut Vec<SnapshotPart>)) -> Vec<u8> {
    let mut records = records(bytes);
    change(&mut records);
    let parts = records.iter().flat_map(encode_record);
    bytes[..OPENING_BYTES]
        .iter()
        .copied()
        .chain(parts)
        .collect()
}

type Lie = (&'static str, Vec<u8>);

fn leaves(records: &mut [SnapshotPart]) -> &mut Vec<Leaf> {
    let leaves = records.iter_mut().find_map(|record| match record {
        SnapshotPart::Leaves(leaves) => Some(leaves),
        _ => None,
    });
    leaves.expect("leaves")
}

fn head(records: &mut [SnapshotPart]) -> &mut SnapshotBlock {
    let head = records.iter_mut().find_map(|record| match record {
        SnapshotPart::Block(head) => Some(head),
        _ => None,
    });
    head.expect("a head")
}

fn lies_in_the_state(whole: &[u8]) -> Vec<Lie> {
    let in_leaves = |change: &dyn Fn(&mut Vec<Leaf>)| with(whole, |r| change(leaves(r)));
    let is_account = |leaf: &&mut Leaf| leaf.value.len() == 16;
    let richer = in_leaves(&|leaves| {
        let account = leaves.iter_mut().find(is_account);
        account.expect("an account").value[0] ^= 1;
    });
    let twice = in_leaves(&|leaves| leaves.insert(1, leaves[1].clone()));
    let cut_otherwise = with(whole, |r| {
        let rest = leaves(r).split_off(2);
        let at = r
            .iter()
            .position(|it| matches!(it, SnapshotPart::Leaves(_)));
        r.insert(at.expect("leaves") + 1, SnapshotPart::Leaves(rest));
    });
    let stateless = with(whole, |r| {
        r.retain(|it| !matches!(it, SnapshotPart::Leaves(_)))
    });
    vec![
        ("a changed balance", richer),
        ("a leaf that is gone", in_leaves(&|it| drop(it.remove(1)))),
        ("leaves in another order", in_leaves(&|it| it.swap(0, 1))),
        ("a leaf twice", twice),
        ("leaves cut otherwise", cut_otherwise),
        ("no state", stateless),
    ]
}

fn lies_about_the_head(whole: &[u8]) -> Vec<Lie> {
    let in_head = |change: &dyn Fn(&mut SnapshotBlock)| with(whole, |r| change(head(r)));
    let unsigned = in_head(&|head| head.certificate.signers = Default::default());
    let second = with(whole, |r| r.insert(1, r[0].clone()));
    vec![
        (
            "another round in the certificate",
            in_head(&|head| head.certificate.round.0 += 1),
        ),
        ("no signers", unsigned),
        (
            "another time in the header",
            in_head(&|head| head.block.header.time.0 += 1),
        ),
        ("more power", in_head(&|head| head.validators[0].power += 1)),
        ("a second head", second),
        ("no end", with(whole, |r| drop(r.pop()))),
        ("cut short", whole[..whole.len() - 1].to_vec()),
        ("a byte too many", [whole, &[0]].concat()),
        ("nothing", Vec::new()),
        ("something else", b"{}".to_vec()),
    ]
}

#[test]
fn every_lie_in_a_snapshot_is_refused_with_its_code() {
    let mut network = Network::running(1, &SETTINGS);
    wait_for(&network, &[0], 30);
    let mut payer = network.payer(0);
    let answer = post(&network.urls[0], "/transactions", &payer.next_transfer());
    assert_eq!(answer.status, 202, "{}", answer.text());
    wait_for(&network, &[0], 60);
    let file = network.dir.path().join("snapshot");
    export(&network, 0, &file);
    network.kill(0);
    let whole = fs::read(&file).expect("a file");

    let lies = [lies_in_the_state(&whole), lies_about_the_head(&whole)].concat();
    let home = network.home(0);
    let data = home.join("data");
    fs::remove_dir_all(&data).expect("it has data");
    let lie: PathBuf = network.dir.path().join("lie");
    for (what, bytes) in lies {
        assert_ne!(bytes, whole, "{what}");
        fs::write(&lie, bytes).expect("it writes");
        let inspected = snapshot(&["inspect", "--home", text(&home), text(&lie)]);
        inspected.assert_refused(3, &[text(&lie)]);
        import(&network, 0, &lie, &[]).assert_refused(3, &[text(&lie)]);
        assert!(!data.exists(), "{what}");
    }

    let other = network.dir.path().join("other");
    run(&["init", "--home", text(&other)]).ok();
    snapshot(&["import", "--home", text(&other), "--input", text(&file)])
        .assert_refused(4, &["genesis"]);
    let nowhere = format!("0x{}@7", "11".repeat(32));
    import(&network, 0, &file, &["--trusted", &nowhere]).assert_refused(2, &["trusted block"]);
    import(&network, 0, &network.dir.path().join("none"), &[]).assert_refused(2, &["none"]);
    import(&network, 0, &file, &[]).ok();
    let again = snapshot(&["export", "--home", text(&home), "--output", text(&file)]);
    again.assert_refused(2, &["nothing is overwritten"]);
    let second = network.dir.path().join("second");
    export(&network, 0, &second);
    assert_eq!(
        fs::read(second).expect("a file"),
        whole,
        "equal chains, equal bytes"
    );
}

#[test]
fn fewer_blocks_than_others_need_are_refused() {
    let network = Network::new(1, &[]);
    let home = network.home(0);
    let few = run(&["start", "--home", text(&home), "--retain-blocks", "255"]);
    few.assert_refused(2, &["--retain-blocks", "256", "0, which keeps all"]);
    let shown = run(&[
        "start",
        "--home",
        text(&home),
        "--retain-blocks",
        "300",
        "--print-config",
    ]);
    let shown = shown.ok().stdout;
    let line = shown.lines().find(|line| line.starts_with("retain_blocks"));
    assert!(line.is_some_and(|line| line.contains("300")), "{shown}");
    let devnet = run(&["devnet", "--retain-blocks", "7", "--blocks", "1"]);
    assert_eq!(devnet.code, Some(2), "{}", devnet.stderr);
}
