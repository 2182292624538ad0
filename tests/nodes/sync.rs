//! A late node fetches the whole chain from several peers: quickly, again after a restart, and
//! whatever one liar among them does. A certified block that is invalid stops it for good.
use lockstep_actors::limits::ARRIVAL_WAIT_MS;
use lockstep_actors::node::{Node, NodeConfig, NodeError, NodeHandle, devnet_keys};
use lockstep_actors::peers::Peer;
use lockstep_actors::runtime::Policy;
use lockstep_actors::state_store::DEFAULT_MAP_BYTES;
use lockstep_devnet::{Builder, Devnet, Durability, funded_accounts};
use lockstep_protocol::application::Applications;
use lockstep_protocol::consensus::driver::{Pacing, TickOutcome};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::crypto::{self, SchemeId};
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::nouns::block::{Header, SealedBlock};
use lockstep_protocol::nouns::commit::certify;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::proofs::light_client::Checkpoint;
use lockstep_protocol::types::{Address, Hash, Height, Round};
use lockstep_protocol::wire::Wire;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::liar::{Liar, Lie};
use support::process::{Network, Process, lockstep, run, text};
use support::slow_reader::SlowReader;
use support::{assert_same_chain, eventually, get, metric};
use tempfile::TempDir;

/// Sync over a machine that does much else.
const LONG: Duration = Duration::from_secs(120);

fn builder() -> Builder {
    let builder = Devnet::builder().manual(true);
    builder.scheme(SchemeId::MlDsa65)
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn genesis() -> Genesis {
    builder().genesis().expect("a genesis")
}

/// The node of one validator, without peers.
fn node(key: u8, dir: &Path) -> NodeHandle {
    let started = trusting(None, key, dir);
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// The same, with a block that is trusted.
fn trusting(trusted: Option<Checkpoint>, key: u8, dir: &Path) -> Result<NodeHandle, NodeError> {
    let genesis = Arc::new(genesis());
    let listener = || Arc::new(TcpListener::bind("127.0.0.1:0").expect("a port"));
    Node::start(NodeConfig {
        signer: devnet_keys::signer(genesis.scheme, key).expect("a key"),
        genesis,
        applications: Applications::none(),
        data_dir: dir.to_owned(),
        map_bytes: DEFAULT_MAP_BYTES,
        key_guard: None,
        trusted,
        rearm: false,
        arrival_wait_ms: ARRIVAL_WAIT_MS,
        durability: Durability::Process,
        retention: Retention::All,
        history: true,
        peer_listener: listener(),
        public_listener: Some(listener()),
        peers: Vec::new(),
        timeouts: Timeouts::DEVNET,
        pacing: Pacing::Manual,
        last_height: None,
        on_commit: None,
        origins: lockstep_actors::rpc_gateway::Origins::Nobody,
        trusted_proxies: Default::default(),
        hosts: Default::default(),
        controls: None,
        serves_page: false,
        policy: Policy::default(),
    })
}

fn url(node: &NodeHandle) -> String {
    let listens = node.public_listens().expect("it listens to people");
    format!("http://{listens}")
}

fn peer_url(node: &NodeHandle) -> String {
    format!("http://{}", node.peer_listens())
}

fn validator(key: u8) -> Address {
    let scheme = genesis().scheme;
    let signer = devnet_keys::signer(scheme, key).expect("a key");
    Address::of(scheme, signer.public_key())
}

fn status(node: &NodeHandle) -> Value {
    get(&url(node), "/status").json()
}

/// Two honest nodes, validators 0 and 1, with a chain; the home of their data goes with them.
struct Honest {
    nodes: Vec<NodeHandle>,
    _home: TempDir,
}

impl Honest {
    fn with(blocks: u64) -> Honest {
        let home = directory();
        let made = builder().make_chain(home.path(), &[0, 1], blocks);
        made.expect("a chain");
        let dir = |key: u8| home.path().join(format!("node{key}"));
        let nodes = (0..2).map(|key| node(key, &dir(key))).collect();
        Honest { nodes, _home: home }
    }

    fn peers(&self) -> Vec<Peer> {
        self.nodes.iter().map(NodeHandle::peer).collect()
    }
}

#[test]
fn sync_finishes_with_one_liar_of_each_kind_among_honest_peers() {
    const BLOCKS: u64 = 500;
    let honest = Honest::with(BLOCKS);
    let lies = [
        (Lie::AbsurdHeight, false),
        (Lie::ShrinkingHeight, false),
        (Lie::WrongCertificate, true),
        (Lie::OtherHeights, true),
        (Lie::Trickle, false),
        (Lie::Silence, false),
        (Lie::BreaksOff, false),
        (Lie::Garbage, true),
        (Lie::TooMuch, false),
        (Lie::Empty, false),
    ];
    // Side by side: most of it is waiting for liars.
    std::thread::scope(|scope| {
        for (lie, proves_nothing) in lies {
            let honest = &honest;
            scope.spawn(move || finishes_with(honest, BLOCKS, lie, proves_nothing));
        }
    });
}

fn finishes_with(honest: &Honest, blocks: u64, lie: Lie, proves_nothing: bool) {
    let name = format!("{lie:?}");
    let dir = directory();
    let wire = Wire::new(genesis().hash());
    let liar = Liar::new(lie, validator(2), peer_url(&honest.nodes[0]), wire);
    let late = node(3, dir.path());
    // The liar alone at first, so that it is surely asked. Questions end with their links.
    late.connect(vec![liar.peer.clone()]);
    eventually(&format!("{name} is asked, and heard if it lies"), || {
        let lied = || metric(&url(&late), "sync_lies_total", "") > 0.0;
        (liar.asked() > 0 && (!proves_nothing || lied())).then_some(())
    });
    let began = Instant::now();
    let mut peers = honest.peers();
    peers.push(liar.peer.clone());
    late.connect(peers);
    assert!(late.view().wait_for(Height(blocks), LONG), "{name}");
    println!(
        "{name}: {blocks} blocks in {:?}, the liar asked {} times",
        began.elapsed(),
        liar.asked()
    );
    let heads = [&late, &honest.nodes[0]].map(|node| node.view().head().block_id);
    assert_eq!(heads[0], heads[1], "{name}");
    eventually(&format!("{name}: it is done and ready"), || {
        let done = status(&late)["catching_up"] == false;
        (done && get(&url(&late), "/readyz").status == 200).then_some(())
    });
    let lied = metric(&url(&late), "sync_lies_total", "") > 0.0;
    assert_eq!(lied, proves_nothing, "{name}");
}

/// Two connections that read nothing held both places of a node for as long as they liked: nobody
/// else was answered by it.
#[test]
fn a_reader_that_holds_answers_at_every_honest_node_does_not_keep_a_follower_back() {
    const BLOCKS: u64 = 500;
    let honest = Honest::with(BLOCKS);
    let nodes = honest.nodes.iter();
    let readers: Vec<_> = nodes.map(|n| SlowReader::of(n.peer_listens())).collect();
    eventually("all places are held", || {
        readers
            .iter()
            .all(|reader| reader.held() >= 2)
            .then_some(())
    });
    let dir = directory();
    let late = node(3, dir.path());
    let began = Instant::now();
    late.connect(honest.peers());
    assert!(late.view().wait_for(Height(BLOCKS), LONG), "it catches up");
    let held: Vec<usize> = readers.iter().map(SlowReader::held).collect();
    println!(
        "{BLOCKS} blocks in {:?}, {held:?} answers were held",
        began.elapsed()
    );
    assert_eq!(
        late.view().head().block_id,
        honest.nodes[0].view().head().block_id
    );
}

/// Two megabytes went into the kernel's buffer at once, and their place was free for the next.
#[test]
fn an_unread_answer_waits_in_its_place_and_not_in_the_kernel() {
    let mut honest = Honest::with(100);
    let node = honest.nodes.remove(0);
    let path = "/sync/blocks?from=1&limit=100";
    let whole = get(&peer_url(&node), path).body.len();
    let mut unread = TcpStream::connect(node.peer_listens()).expect("it listens");
    let ask = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    unread.write_all(ask.as_bytes()).expect("it takes it");
    let began = unread.peek(&mut [0]).expect("it answers");
    assert_eq!(began, 1);
    // More than it takes to fill a buffer.
    std::thread::sleep(Duration::from_millis(500));
    node.stop();
    let mut rest = Vec::new();
    // An error says that the answer broke off.
    let _ = unread.read_to_end(&mut rest);
    println!("{} of {whole} bytes were with the kernel", rest.len());
    assert!(rest.len() < whole / 2, "{} of {whole}", rest.len());
}

/// Nobody but the liar claims it: the node has what there is, and says so.
#[test]
fn an_absurd_height_of_one_peer_makes_nobody_unready() {
    let honest = Honest::with(3);
    let wire = Wire::new(genesis().hash());
    let at = peer_url(&honest.nodes[0]);
    let liar = Liar::new(Lie::AbsurdHeight, validator(2), at, wire);
    // Two others tell it how far they are; without them it would not sign, and so not be ready.
    let home = directory();
    let third = self::node(3, home.path());
    let node = &honest.nodes[0];
    let peers = [honest.nodes[1].peer(), third.peer(), liar.peer.clone()];
    node.connect(peers.to_vec());
    eventually("the liar is asked", || (liar.asked() > 0).then_some(()));
    eventually("it is ready", || {
        (get(&url(node), "/readyz").status == 200).then_some(())
    });
    let status = status(node);
    assert_eq!(status["catching_up"], false);
    assert_eq!(status["target_height"], 3);
}

#[test]
fn a_late_node_fetches_the_chain_and_after_a_restart_only_the_rest() {
    const BLOCKS: u64 = 2_500;
    let home = directory();
    let builder = builder().home(home.path());
    let made = builder.make_chain(home.path(), &[0, 1, 2], BLOCKS);
    made.expect("a chain");
    let devnet = builder.boot().expect("it boots");
    let height = || devnet.heights()[3].expect("it runs");
    let url = devnet.urls()[3].clone();
    eventually("it knows how far the others are", || {
        let target = get(&url, "/status").json()["target_height"].as_u64();
        (target == Some(BLOCKS)).then_some(())
    });
    // Most of it: then all of it once more is far beyond what is missing.
    eventually("it fetches", || (height() >= 1_700).then_some(()));
    let seen = get(&url, "/status").json();
    let reached = height();
    devnet.kill(3);
    if reached < BLOCKS - 1 {
        assert_eq!(seen["catching_up"], true, "{seen}");
        assert_eq!(seen["target_height"], BLOCKS, "{seen}");
    }

    devnet.restart(3).expect("it starts again");
    let from = height();
    let began = Instant::now();
    assert!(from >= reached, "{from} of {reached}");
    devnet.wait_for(BLOCKS, LONG).expect("it fetches the rest");
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} blocks in {seconds:.2} s: {:.0} blocks/s",
        BLOCKS - from,
        (BLOCKS - from) as f64 / seconds
    );
    let synced = metric(&url, "blocks_synced_total", "");
    // Each once; on a busy machine also from a second peer, when the first was slow to answer.
    let most = 2 * (BLOCKS - from) + 200;
    assert!(most < BLOCKS);
    assert!(synced <= most as f64, "{synced} fetched, {most} at most");
    let writes = metric(&url, "store_commit_seconds_count", "");
    println!("{synced} blocks in {writes} writes");
    // What waits is written together; the few are for the last blocks of the ranges.
    assert!(
        writes <= synced / 2.0 + 20.0,
        "{writes} for {synced} blocks"
    );
    assert_same_chain(&devnet, &[0, 1, 2, 3]);
    eventually("it is done", || {
        (get(&url, "/status").json()["catching_up"] == false).then_some(())
    });
    devnet.tick().expect("it takes part in the next block");
    assert_eq!(devnet.heights(), [Some(BLOCKS + 1); 4]);
}

/// What the nodes of this process say in their logs as errors.
struct Errors(Mutex<Vec<String>>);

static ERRORS: Errors = Errors(Mutex::new(Vec::new()));

impl log::Log for Errors {
    fn enabled(&self, line: &log::Metadata<'_>) -> bool {
        line.level() == log::Level::Error
    }

    fn log(&self, line: &log::Record<'_>) {
        if self.enabled(line.metadata()) {
            let mut lines = self.0.lock().expect("nobody falls with it");
            lines.push(line.args().to_string());
        }
    }

    fn flush(&self) {}
}

impl Errors {
    fn keep() {
        log::set_logger(&ERRORS).expect("there is no other");
        log::set_max_level(log::LevelFilter::Error);
    }

    fn assert_said(&self, beginning: &str) {
        let lines = self.0.lock().expect("nobody falls with it");
        let said = lines.iter().any(|line| line.starts_with(beginning));
        assert!(said, "{beginning:?} in {lines:?}");
    }
}

/// The wrong state root of a block with this transfer, under a certificate of three of four.
fn certified_with_another_root(like: &DecidedBlock, transfer: Transaction) -> DecidedBlock {
    let mut block = like.block.block().clone();
    block.transactions = vec![transfer];
    let header = Header {
        state_root: Hash([7; 32]),
        ..block.header
    };
    let sealed = SealedBlock::build(
        header,
        block.transactions,
        block.evidence,
        block.last_commit,
    );
    let genesis = genesis();
    let scheme = crypto::scheme(genesis.scheme);
    let set = genesis.validator_set(&*scheme).expect("a set");
    let votes: Vec<SignedVote> = (0..3)
        .map(|key| {
            let signer = devnet_keys::signer(genesis.scheme, key).expect("a key");
            let vote = Vote {
                kind: VoteKind::Precommit,
                height: sealed.height(),
                round: Round::ZERO,
                block_id: Some(sealed.id()),
                valid_round: None,
                validator: validator(key),
            };
            let signature = signer.sign(&genesis.sign_context().vote(&vote));
            let signature = Signature(signature.expect("it signs"));
            SignedVote { vote, signature }
        })
        .collect();
    let certificate = certify(&set, &votes.iter().collect::<Vec<_>>());
    DecidedBlock {
        block: Arc::new(sealed),
        certificate: Arc::new(certificate.expect("a quorum")),
    }
}

fn assert_halted_and_reading(node: &NodeHandle) {
    let status = status(node);
    let halted = status["halted"].as_str().expect("it has stopped voting");
    assert!(halted.contains("height 10"), "{halted}");
    assert_eq!(
        (&status["height"], &status["catching_up"]),
        (&9.into(), &false.into())
    );
    assert_eq!(get(&url(node), "/readyz").status, 503);
    assert_eq!(get(&url(node), "/blocks/9").status, 200);
    let outcome = node.tick(Height(10))();
    assert_eq!(outcome, Ok(TickOutcome::Stopped), "it does not vote");
}

/// It asked for the same block again at every handshake, and voted again after a restart.
#[test]
fn a_certified_block_with_another_root_stops_a_node_for_good_but_not_its_reads() {
    Errors::keep();
    let honest = Honest::with(12);
    let store = honest.nodes[0].store();
    let mut blocks = store.decided(Height(1), 12, usize::MAX).expect("a chain");
    let accounts = funded_accounts(genesis().scheme).expect("accounts");
    let payer = &accounts[0];
    let payee = accounts[1].address;
    let transfer = payer.transfer(&genesis().sign_context(), 0, payee, 5);
    blocks[9] = certified_with_another_root(&blocks[9], transfer.expect("it signs"));
    let dir = directory();
    let wire = Wire::new(genesis().hash());
    let at = peer_url(&honest.nodes[0]);
    let forked = Liar::new(Lie::These(blocks), validator(2), at, wire);

    let late = node(3, dir.path());
    late.connect(vec![forked.peer.clone()]);
    eventually("it stops", || {
        status(&late)["halted"].is_string().then_some(())
    });
    assert_halted_and_reading(&late);
    // People have to look for what differs: it is among these.
    ERRORS.assert_said("the certified block of height 10 is invalid here");
    for address in [payer.address, payee] {
        ERRORS.assert_said(&format!("it changes account/{address}: balance "));
    }
    let asked = forked.asked();
    // Longer than it takes to the next handshake.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(forked.asked(), asked, "it does not ask again");
    late.stop();

    let late = node(3, dir.path());
    late.connect([vec![forked.peer.clone()], honest.peers()].concat());
    eventually("it reaches its peers", || {
        let peers = late.view().peers();
        peers.iter().all(|peer| peer.reachable).then_some(())
    });
    assert_halted_and_reading(&late);
    assert_eq!(forked.asked(), asked, "nor after a restart");
}

#[test]
fn ranges_are_limited_and_say_how_far_this_node_is() {
    let honest = Honest::with(120);
    let at = peer_url(&honest.nodes[0]);
    let wire = Wire::new(genesis().hash());
    let heights = |query: &str| {
        let answer = get(&at, &format!("/sync/blocks?{query}"));
        assert_eq!(answer.status, 200, "{query}");
        assert!(
            answer.head.contains("x-lockstep-height: 120\r\n"),
            "{}",
            answer.head
        );
        let blocks = wire.decode_blocks(&answer.body).expect("blocks");
        let heights = blocks.iter().map(|decided| decided.block.height().0);
        heights.collect::<Vec<u64>>()
    };
    assert_eq!(heights("from=1"), (1..=100).collect::<Vec<_>>());
    assert_eq!(heights("from=7&limit=3"), [7, 8, 9]);
    assert_eq!(heights("from=119"), [119, 120]);
    assert!(heights("from=121").is_empty());
    assert!(heights("from=18446744073709551615&limit=100").is_empty());
    for limit in ["0", "101", "18446744073709551615"] {
        let answer = get(&at, &format!("/sync/blocks?from=1&limit={limit}"));
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &"limit".into())
        );
    }
    for limit in ["-1", "many", ""] {
        let answer = get(&at, &format!("/sync/blocks?from=1&limit={limit}"));
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &"malformed".into())
        );
    }
}

/// Whoever once had two thirds of the power can make a whole other chain: one id from elsewhere tells
/// them apart.
#[test]
fn whoever_joins_with_a_trusted_block_follows_the_chain_that_has_it_and_no_other() {
    let honest = Honest::with(20);
    let certificate = honest.nodes[0].store().certificate(Height(15));
    let id = certificate.expect("it reads").expect("a chain").block_id;
    let height = Height(15);
    let right = Checkpoint { id, height };
    let id = Hash([7; 32]);
    let wrong = Checkpoint { id, height };

    let dir = directory();
    let follows = trusting(Some(right), 3, dir.path()).expect("it starts");
    follows.connect(honest.peers());
    assert!(follows.view().wait_for(Height(20), LONG), "it follows");
    follows.stop();
    // The stored block is compared as well.
    let refused = trusting(Some(wrong), 3, dir.path()).err().expect("another");
    assert_eq!(refused.exit_code(), 4);
    let said = refused.to_string();
    for word in [
        &*right.id.to_string(),
        &wrong.id.to_string(),
        "move the data",
    ] {
        assert!(said.contains(word), "{word} in {said}");
    }
    trusting(Some(right), 3, dir.path()).expect("it has the right one");

    let dir = directory();
    let late = trusting(Some(wrong), 3, dir.path()).expect("it starts");
    late.connect(honest.peers());
    let reason = eventually("it ends by itself", || late.ended());
    assert_eq!((reason.exit_code(), reason.to_string()), (4, said));
    assert!(late.view().head().height < height);
    assert_eq!(late.store().certificate(height).expect("it reads"), None);
    assert_eq!(late.stop(), reason);
    // What it has is no halt: with the right one it goes on.
    let late = trusting(Some(right), 3, dir.path()).expect("nothing of it is written");
    late.connect(honest.peers());
    assert!(late.view().wait_for(Height(20), LONG), "it follows");
}

/// A node of no validator yet, as `lockstep init` makes it, beside a network of one.
fn join(network: &Network, index: u16, trusted: &[&str]) -> Process {
    let home = network.dir.path().join(format!("joiner{index}"));
    let genesis = network.home(0).join("genesis.json");
    let peer = format!("{}@{}", network.addresses[0], network.peers[0]);
    let init = ["init", "--home", text(&home), "--genesis", text(&genesis)];
    run(&[&init, &["--peer", &peer][..], trusted].concat()).ok();
    let port = network.peers[0].port() + 1 + 2 * index;
    let mut command = lockstep(&["start", "--json", "--home", text(&home)]);
    command.args([
        format!("--peer-listen=127.0.0.1:{port}"),
        format!("--rpc-listen=127.0.0.1:{}", port + 1),
        "--durability=process".into(),
        "--log=info,lockstep::cli::start=debug".into(),
    ]);
    let log = network.dir.path().join(format!("joiner{index}.log"));
    Process::start(command, log)
}

#[test]
fn node_that_joins_with_another_trusted_block_ends_with_exit_code_4_and_without_one_is_warned() {
    let settings = ["block_interval_ms=10", "durability=process"];
    let mut network = Network::running(1, &settings);
    network.wait_for(&[0], 120);
    let id = network.block(0, 110).expect("a block");
    let other = format!("0x{}", "7".repeat(64));
    let mut ends = join(&network, 0, &["--trusted", &format!("{other}@110")]);
    let status = ends.child.wait("it ends by itself");
    let log = ends.log_text();
    assert_eq!(status.code(), Some(4), "{log}");
    let last = log.lines().last().unwrap_or_default();
    for word in [
        "block 110",
        &id,
        &other,
        "compare it",
        "move the data directory",
    ] {
        assert!(last.contains(word), "{word} in {last}");
    }
    assert!(!log.contains("committed height 110 "), "{log}");

    let follows = join(&network, 1, &["--trusted", &format!("{id}@110")]);
    let warned = join(&network, 2, &[]);
    for (node, warnings) in [(follows, 0), (warned, 1)] {
        eventually("it has followed", || {
            let log = node.log_text();
            log.contains("committed height 110 ").then_some(())
        });
        let log = node.log_text();
        let said = log.matches("whoever once held two thirds").count();
        assert_eq!(said, warnings, "{log}");
    }
    network.kill(0);
}

#[test]
fn a_trusted_block_that_is_none_is_a_usage_error_with_the_right_form() {
    let network = Network::new(1, &[]);
    let home = network.home(0);
    let digits = "1a".repeat(32);
    for wrong in [
        "latest",
        "0x12@7",
        &digits,
        &format!("{digits}@0"),
        &format!("{digits}00@7"),
    ] {
        let start = ["start", "--home", text(&home), "--print-config"];
        let set = format!("--set=trusted={wrong}");
        let ended = run(&[&start[..], &[&set]].concat());
        ended.assert_refused(2, &["trusted (flag --set)", "HASH@HEIGHT", "64 hex digits"]);
        let mut by_environment = lockstep(&start);
        by_environment.env("LOCKSTEP_TRUSTED", wrong);
        let ended = support::process::finish(by_environment);
        ended.assert_refused(2, &["LOCKSTEP_TRUSTED", "HASH@HEIGHT"]);
        let flag = run(&[&start[..], &["--trusted", wrong]].concat());
        assert_eq!(flag.code, Some(2), "{}", flag.stderr);
        assert!(flag.stderr.contains("HASH@HEIGHT"), "{}", flag.stderr);
    }
    let trusted = format!("{digits}@7");
    let start = ["start", "--home", text(&home), "--print-config"];
    let shown = run(&[&start[..], &["--trusted", &trusted]].concat()).ok();
    assert!(
        shown.stdout.contains(&format!("0x{trusted}")),
        "{}",
        shown.stdout
    );
    let alone = ["init", "--home", text(&home), "--trusted", &trusted];
    assert_eq!(run(&alone).code, Some(2), "it is for whoever joins");
}
