//! Validators are added and removed as their operators do it: processes, the command line, HTTP.
use serde_json::Value;
use std::path::PathBuf;
use support::process::{Network, run, text};
use support::{eventually, get};

/// Four founders that make blocks, and a fifth node whose home `lockstep init --genesis` made.
struct Federation {
    network: Network,
    port: u16,
}

const ALL: [usize; 5] = [0, 1, 2, 3, 4];
const FOUNDERS: [usize; 4] = [0, 1, 2, 3];

impl Federation {
    fn new() -> Federation {
        let settings = ["durability=process", "block_interval_ms=100"];
        let mut network = Network::new(4, &settings);
        let port = network.peers[3].port() + 1;
        let home = network.home(4);
        let genesis = network.home(0).join("genesis.json");
        run(&["init", "--home", text(&home), "--genesis", text(&genesis)]).ok();
        network.urls.push(format!("http://127.0.0.1:{}", port + 1));
        network.peers.push(([127, 0, 0, 1], port).into());
        let added = network.key("node4/validator.key").0;
        network.addresses.push(added);
        network.nodes.push(None);
        Federation { network, port }
    }

    /// Starts a node that knows all the others.
    fn start(&mut self, index: usize, follow: bool) {
        let mut command = self.network.command(index);
        let others = ALL.iter().filter(|other| **other != index);
        let others = others.map(|other| {
            let (who, at) = (self.network.addresses[*other], self.network.peers[*other]);
            format!("{who}@{at}")
        });
        let others: Vec<String> = others.collect();
        command.arg(format!("--set=peers={}", others.join(",")));
        command.arg(format!("--set=follow={follow}"));
        if index == 4 {
            let port = self.port;
            command.arg(format!("--peer-listen=127.0.0.1:{port}"));
            command.arg(format!("--rpc-listen=127.0.0.1:{}", port + 1));
        }
        self.network.start_as(index, command);
    }

    fn key_file(&self, index: usize) -> PathBuf {
        self.network.home(index).join("validator.key")
    }

    /// Runs `lockstep tx …` until it stands in a block; what it printed.
    fn tx(&self, from: PathBuf, arguments: &[&str]) -> Value {
        self.tx_at(1, from, arguments)
    }

    /// The same, handed to this node.
    fn tx_at(&self, node: usize, from: PathBuf, arguments: &[&str]) -> Value {
        let url = &self.network.urls[node];
        let common = ["--from", text(&from), "--rpc", url, "--wait", "--json"];
        let ended = run(&[&["tx"], arguments, &common].concat()).ok();
        serde_json::from_str(&ended.stdout).expect("JSON")
    }

    /// What a validator needs to pay for its votes.
    fn fund(&self, index: usize) {
        let to = self.network.addresses[index].to_string();
        let from = self.network.home(0).with_file_name("account0.key");
        self.tx(from, &["transfer", "--to", &to, "--amount", "1000000000"]);
    }

    /// The vote of validator `by`; the height from which the change holds, if this decided it.
    fn vote(&self, by: usize, whom: &str, change: &[&str]) -> Option<u64> {
        let vote = [&["update-validator", "--key", whom], change].concat();
        self.decided(&self.tx(self.key_file(by), &vote))
    }

    /// The word of this node that it is ready, said to itself; likewise.
    fn declare_ready(&self, index: usize) -> Option<u64> {
        let word = ["declare-ready"];
        self.decided(&self.tx_at(index, self.key_file(index), &word))
    }

    /// From which height the change holds that this transaction decided.
    fn decided(&self, answer: &Value) -> Option<u64> {
        assert_eq!(answer["status"], "success");
        let decided = &answer["decided"];
        let block = &answer["receipt"]["height"];
        let from = decided.as_u64();
        if let Some(from) = from {
            assert_eq!(Some(from), block.as_u64().map(|height| height + 2));
        }
        from
    }

    fn validators(&self, height: u64) -> Value {
        get(
            &self.network.urls[1],
            &format!("/validators?height={height}"),
        )
        .json()
    }

    fn size(&self, height: u64) -> usize {
        let set = self.validators(height);
        set["validators"].as_array().expect("a list").len()
    }

    fn block(&self, height: u64) -> Value {
        self.network.wait_for(&[1], height);
        get(&self.network.urls[1], &format!("/blocks/{height}")).json()
    }

    /// Whether this validator has built or precommitted the block of a height.
    fn signed(&self, index: usize, height: u64) -> bool {
        let block = self.block(height);
        let who = self.network.addresses[index].to_string();
        let precommits = block["commit"]["precommits"].as_array().expect("a list");
        assert!(
            !precommits.is_empty(),
            "the signers of height {height} are named"
        );
        block["header"]["proposer"] == *who || precommits.iter().any(|p| p["validator"] == *who)
    }

    /// The set of `from` is another than that before it, and every header names both.
    fn assert_changes_at(&self, from: u64) {
        let before = self.validators(from - 1);
        let after = self.validators(from);
        assert_ne!(before["hash"], after["hash"]);
        for (height, now, then) in [
            (from - 2, &before, &before),
            (from - 1, &before, &after),
            (from, &after, &after),
        ] {
            let header = self.block(height)["header"].clone();
            assert_eq!(header["validators_hash"], now["hash"], "at {height}");
            assert_eq!(header["next_validators_hash"], then["hash"], "at {height}");
        }
    }

    /// A light client goes from the first block to this validator's account.
    fn assert_provable(&self, whom: usize) {
        let url = &self.network.urls[1];
        let whom = self.network.addresses[whom].to_string();
        let trusted = format!("{}@1", self.network.block(1, 1).expect("it is there"));
        let question = [
            "light",
            "verify",
            "--trusted",
            &trusted,
            "--rpc",
            url,
            "account",
            &whom,
        ];
        run(&question).ok();
    }

    /// The blocks of all these nodes grow by so many.
    fn grow(&self, nodes: &[usize], blocks: u64) -> u64 {
        let height = self.network.highest(nodes) + blocks;
        self.network.wait_for(nodes, height);
        height
    }
}

/// Four add a fifth, which has followed until then; the five remove the first, which follows from
/// then on. A light client goes the whole way, and every home verifies.
#[test]
fn a_fifth_validator_is_added_joins_and_the_first_one_is_removed() {
    let mut them = Federation::new();
    for index in FOUNDERS {
        them.start(index, true);
    }
    them.network.wait_for(&FOUNDERS, 1);
    for index in ALL {
        them.fund(index);
    }
    them.start(4, true);
    let height = them.grow(&ALL, 2);
    assert!(!them.signed(4, height), "it only follows");

    let added = them.network.home(4).join("validator.pub");
    let power = ["--power", "1"];
    assert_eq!(them.vote(0, text(&added), &power), None);
    assert_eq!(them.vote(1, text(&added), &power), None);
    let height = them.grow(&ALL, 4);
    assert_eq!(them.size(height + 2), 4, "two of four decide nothing");
    assert_eq!(them.vote(2, text(&added), &power), None);
    let height = them.grow(&ALL, 4);
    assert_eq!(them.size(height + 2), 4, "its own word is missing");
    let joins = them.declare_ready(4).expect("three of four have decided");
    assert_eq!((them.size(joins - 1), them.size(joins)), (4, 5));
    them.assert_changes_at(joins);
    assert!(!them.signed(4, joins - 1));
    let first = eventually("the fifth has signed", || {
        let height = them.network.highest(&[1]);
        (joins..=height).find(|height| them.signed(4, *height))
    });

    let removed = them.network.addresses[0].to_string();
    for by in [1, 2, 3] {
        assert_eq!(
            them.vote(by, &removed, &["--remove"]),
            None,
            "three of five"
        );
    }
    let leaves = them
        .vote(4, &removed, &["--remove"])
        .expect("four of five decide");
    assert!(leaves > first);
    them.assert_changes_at(leaves);
    let height = them.grow(&ALL, 8);
    assert!(
        (leaves..=height).all(|height| !them.signed(0, height)),
        "it signs no more"
    );
    them.network.assert_same_chain(&ALL);
    // Three of the four that are left are a quorum; the one that left is none of them.
    them.network.kill(0);
    them.network.kill(3);
    them.grow(&[1, 2, 4], 4);

    them.assert_provable(4);
    // The homes of the one that left and of the one that is behind go on where they were.
    for index in [0, 3] {
        let home = them.network.home(index);
        run(&["verify", "--home", text(&home)]).ok();
        them.start(index, true);
    }
    them.grow(&ALL, 3);
    them.network.assert_same_chain(&ALL);
}

/// A node says what is missing if it, or a peer of it, is none that the genesis names.
#[test]
fn whoever_the_genesis_does_not_name_needs_the_setting_follow() {
    let them = Federation::new();
    let added = them.network.addresses[4].to_string();
    let home = them.network.home(4);
    let start = ["start", "--home", text(&home), "--set=follow=false"];
    run(&start).assert_refused(4, &[&added, "follow = true", "check key and genesis"]);
    let home = them.network.home(0);
    let peers = format!("--set=peers={added}@127.0.0.1:1");
    let start = ["start", "--home", text(&home), &peers];
    run(&start).assert_refused(2, &[&added, "follow = true", "correct peers"]);
}

/// Whatever does not make sense is said with a stable word and the next step, and costs its fee at
/// the most.
#[test]
fn a_change_that_cannot_be_is_refused_with_a_code() {
    let mut them = Federation::new();
    for index in FOUNDERS {
        them.start(index, true);
    }
    them.network.wait_for(&FOUNDERS, 1);
    for index in [0, 4] {
        them.fund(index);
    }
    let url = them.network.urls[1].clone();
    let refused = |from: usize, whom: &str, change: &[&str]| {
        let from = them.key_file(from);
        let common = ["--from", text(&from), "--rpc", &url, "--wait"];
        run(&[&["tx", "update-validator", "--key", whom], change, &common].concat())
    };
    let failed = |from: usize, whom: &str, change: &[&str], code: &str| {
        let ended = refused(from, whom, change);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(code), "{code}: {}", ended.stderr);
    };
    let founder = them.network.addresses[1].to_string();
    let file = them.network.home(4);
    let added = file.join("validator.pub");
    failed(4, &founder, &["--remove"], "(not_a_validator)");
    failed(0, &founder, &["--power", "1"], "(nothing_to_change)");
    let most = u64::MAX.to_string();
    failed(0, text(&added), &["--power", &most], "(power_overflow)");
    // What can be seen without a block is said before anything is sent.
    let stranger = them.network.addresses[4].to_string();
    refused(0, &stranger, &["--remove"]).assert_refused(2, &[&stranger, "no validator", "--key"]);
    refused(0, "0x1234", &["--power", "1"]).assert_refused(2, &["0x1234", "bytes, not 2"]);
    refused(0, "0x12345", &["--remove"]).assert_refused(2, &["0x12345", "no hex"]);
    refused(0, "nowhere", &["--remove"]).assert_refused(2, &["nowhere", "name a public key"]);
    let ended = refused(0, &founder, &["--power", "0"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    // A vote is taken back once, by who has given it.
    let withdraw = ["--withdraw"];
    failed(0, text(&added), &withdraw, "(nothing_to_change)");
    assert_eq!(them.vote(0, text(&added), &["--power", "1"]), None);
    let back = ["update-validator", "--key", text(&added), "--withdraw"];
    let back = them.tx(them.key_file(0), &back);
    assert_eq!(back["withdrawn"], true, "{back}");
    failed(0, text(&added), &withdraw, "(nothing_to_change)");
    // A node's key file signs with its own scheme only, and only where it may be read.
    refused(9, &founder, &["--remove"]).assert_refused(2, &["validator.key", "kept safe"]);
}

/// A newcomer speaks for itself, through its own node, when somebody asks for it.
#[test]
fn a_word_that_nobody_may_say_is_refused_with_the_next_step() {
    let mut them = Federation::new();
    for index in FOUNDERS {
        them.start(index, true);
    }
    them.network.wait_for(&FOUNDERS, 1);
    let declare = |them: &Federation, from: usize, to: usize| {
        let from = them.key_file(from);
        let url = &them.network.urls[to];
        let word = ["tx", "declare-ready", "--from", text(&from), "--rpc", url];
        run(&[&word[..], &["--wait"]].concat())
    };
    let newcomer = them.network.addresses[4].to_string();
    declare(&them, 4, 1).assert_refused(2, &[&newcomer, "own node", "--rpc"]);
    declare(&them, 1, 1).assert_refused(2, &["is a validator", "nothing is left"]);
    them.start(4, true);
    them.grow(&ALL, 2);
    declare(&them, 4, 4).assert_refused(2, &[&newcomer, "pay in"]);
    them.fund(4);
    them.grow(&ALL, 2);
    let ended = declare(&them, 4, 4);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("(not_a_candidate)"),
        "{}",
        ended.stderr
    );
}
