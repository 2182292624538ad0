use super::*;
use crate::fixture::address;
use crate::node::{Node, NodeConfig, NodeHandle};
use crate::state_store::{DEFAULT_MAP_BYTES, Durability};
use lockstep_protocol::application::Applications;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::crypto::{self, SchemeId, Seed};
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::nouns::genesis::{Genesis, GenesisValidator};
use lockstep_protocol::types::{ChainId, Timestamp};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn note(did: Did, height: u64) -> Note {
    Note::new(did, Height(height), Round(0))
}

#[test]
fn the_newest_heights_are_kept_and_no_older_one() {
    let all = Timelines::default();
    let last = TIMELINES_MAX as u64 + 10;
    (1..=last).for_each(|height| all.note(note(Did::Began, height)));
    assert_eq!(all.0.lock().heights.len(), TIMELINES_MAX);
    assert_eq!(all.of(Height(10)), None);
    assert_eq!(all.of(Height(11)).unwrap().entries.len(), 1);
    assert_eq!(all.of(Height(last)).unwrap().entries.len(), 1);
    for absent in [0, last + 1, u64::MAX] {
        assert_eq!(all.of(Height(absent)), None, "{absent}");
    }
    // What comes too late to be kept changes nothing.
    all.note(note(Did::Stored, 3));
    assert_eq!(all.of(Height(3)), None);
    assert_eq!(all.of(Height(11)).unwrap().entries.len(), 1);
}

/// Blocks are fetched while one of a later height is proposed already.
#[test]
fn a_height_that_comes_behind_a_later_one_has_its_place() {
    let all = Timelines::default();
    let heights = |all: &Timelines| {
        all.0
            .lock()
            .heights
            .iter()
            .map(|k| k.height.0)
            .collect::<Vec<_>>()
    };
    for height in [1, 5, 3, 4, 3] {
        all.note(note(Did::Stored, height));
    }
    assert_eq!(heights(&all), [1, 3, 4, 5]);
    assert_eq!(all.of(Height(2)), None);
    assert_eq!(all.of(Height(3)).unwrap().entries.len(), 2);
    let newest = 2 * TIMELINES_MAX as u64;
    (0..TIMELINES_MAX as u64).for_each(|n| all.note(note(Did::Began, newest - 2 * n)));
    assert_eq!(all.0.lock().heights.len(), TIMELINES_MAX);
    // It pushes out the oldest, and not itself.
    let oldest = heights(&all)[0];
    all.note(note(Did::Stored, newest - 1));
    assert!(all.of(Height(newest - 1)).is_some() && all.of(Height(oldest)).is_none());
    assert!(heights(&all).is_sorted());
    assert_eq!(all.0.lock().heights.len(), TIMELINES_MAX);
}

#[test]
fn of_a_height_with_many_notes_both_ends_are_kept_and_the_rest_is_counted() {
    let all = Timelines::default();
    let many = 3 * TIMELINE_NOTES_MAX as u32;
    all.note(note(Did::Began, 7));
    for round in 0..many {
        all.note(Note::new(Did::RoundBegan, Height(7), Round(round)));
    }
    all.note(note(Did::Stored, 7));
    let timeline = all.of(Height(7)).unwrap();
    assert_eq!(timeline.entries.len(), TIMELINE_NOTES_MAX);
    assert_eq!(
        timeline.left_out + TIMELINE_NOTES_MAX as u64,
        u64::from(many) + 2
    );
    assert_eq!(timeline.entries[0].what, Did::Began);
    assert_eq!(timeline.entries[1].round, Round(0));
    let [.., before, last] = timeline.entries[..] else {
        panic!("two at least");
    };
    assert_eq!((before.round, last.what), (Round(many - 1), Did::Stored));
}

#[test]
fn all_heights_together_have_so_many_notes_and_no_more_room_than_the_limits_say() {
    let all = Timelines::default();
    let last = 2 * TIMELINES_MAX as u64;
    for height in 1..=last {
        // From few notes to more than a height may have.
        let many = (height as usize * 37) % (TIMELINE_NOTES_MAX + 40);
        (0..=many).for_each(|_| all.note(note(Did::Polka, height)));
        // A late one of an older height.
        all.note(note(Did::Stored, height / 2 + 1));
        let log = all.0.lock();
        let notes: usize = log.heights.iter().map(|kept| kept.entries.len()).sum();
        assert_eq!(notes, log.notes);
        assert!(notes <= TIMELINES_NOTES_MAX && log.heights.len() <= TIMELINES_MAX);
        let room: usize = log.heights.iter().map(|kept| kept.entries.capacity()).sum();
        assert!(
            room <= notes + log.heights.len() * TIMELINE_NOTES_ROOM,
            "{room} for {notes}"
        );
    }
    assert!(all.of(Height(last)).is_some());
    const { assert!(TIMELINES_NOTES_MAX > TIMELINE_NOTES_MAX) }; // a height never pushes itself out
}

#[test]
fn what_is_told_is_in_the_order_in_which_it_happened() {
    let all = Timelines::default();
    let began = Instant::now();
    let at = |us| began + Duration::from_micros(us);
    all.note_at(at(0), note(Did::Began, 1));
    all.note_at(at(90), note(Did::Stored, 1));
    all.note_at(at(30), note(Did::ProposalReceived, 1));
    let early = began.checked_sub(Duration::from_secs(1)).unwrap_or(began);
    all.note_at(early, note(Did::Polka, 1));
    let told = all.of(Height(1)).unwrap();
    let told: Vec<_> = told.entries.iter().map(|e| (e.what, e.at_us)).collect();
    let expected = [
        (Did::Began, 0),
        (Did::Polka, 0),
        (Did::ProposalReceived, 30),
        (Did::Stored, 90),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_block_that_nobody_decided_here_has_come_from_a_peer() {
    let all = Timelines::default();
    all.note(note(Did::Decided, 1));
    all.committed(Height(1), Round(0));
    all.committed(Height(2), Round(1));
    let told = |height| {
        let timeline = all.of(Height(height)).unwrap();
        timeline.entries.iter().map(|e| e.what).collect::<Vec<_>>()
    };
    assert_eq!(told(1), [Did::Decided]);
    assert_eq!(told(2), [Did::CaughtUp]);
}

#[test]
fn nil_and_nobody_stand_in_the_json_as_the_page_says() {
    let all = Timelines::default();
    let vote = Vote {
        kind: VoteKind::Prevote,
        height: Height(1),
        round: Round(2),
        block_id: None,
        valid_round: None,
        validator: address(7),
    };
    all.note(note(Did::Began, 1));
    all.note(Note::received(&vote));
    let told = serde_json::to_value(all.of(Height(1)).unwrap()).unwrap();
    let [began, vote] = told["entries"].as_array().unwrap().as_slice() else {
        panic!("two");
    };
    assert_eq!(began["what"], "began");
    assert!(began["who"].is_null() && began.get("nil").is_none());
    assert_eq!(
        (&vote["what"], &vote["round"]),
        (&"prevote_received".into(), &2.into())
    );
    assert_eq!(vote["who"], address(7).to_string());
    assert_eq!(vote["nil"], true);
}

/// A chain with one validator, as fast as it goes.
fn lone_node(dir: &Path) -> NodeHandle {
    let signer = crypto::scheme(SchemeId::MlDsa65).signer(&Seed([7; 32]));
    let signer = signer.unwrap();
    let validator = GenesisValidator {
        public_key: signer.public_key().to_vec(),
        power: 1,
    };
    let genesis = Genesis {
        chain_id: ChainId(7),
        scheme: SchemeId::MlDsa65,
        time: Timestamp(1_767_225_600_000),
        parameters: Default::default(),
        validators: vec![validator],
        accounts: Vec::new(),
        applications: Vec::new(),
    };
    let config = NodeConfig {
        genesis: Arc::new(genesis),
        applications: Applications::none(),
        signer,
        data_dir: dir.join("data"),
        map_bytes: DEFAULT_MAP_BYTES,
        key_guard: None,
        trusted: None,
        rearm: false,
        arrival_wait_ms: 1_000,
        durability: Durability::Process,
        retention: Retention::All,
        history: true,
        peer_listener: Arc::new(TcpListener::bind("127.0.0.1:0").unwrap()),
        public_listener: None,
        peers: Vec::new(),
        timeouts: Timeouts::DEVNET,
        pacing: Pacing::Interval(0),
        last_height: None,
        on_commit: None,
        origins: Default::default(),
        trusted_proxies: Default::default(),
        hosts: Default::default(),
        controls: None,
        serves_page: false,
        policy: Default::default(),
    };
    Node::start(config).unwrap()
}

/// Of this process so far; the kernel counts hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, behind) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
    let ticks = [11, 12].map(|field| fields[field].parse::<f64>().unwrap());
    ticks.iter().sum::<f64>() / 100.0
}

/// In one run: what a block costs a node that is alone, and what the notes of a block do. A node of
/// several has more notes a block, and far more to verify for each.
/// `cargo test --release -p lockstep-actors --lib hundredth -- --ignored --nocapture`
#[cfg(target_os = "linux")]
#[test]
#[ignore = "it measures: on a quiet machine, in a release build"]
fn the_notes_of_a_block_cost_less_than_a_hundredth_of_it() {
    const BLOCKS: u64 = 2_000;
    let dir = tempfile::tempdir().unwrap();
    let node = lone_node(dir.path());
    let patience = Duration::from_secs(120);
    assert!(node.view().wait_for(Height(100), patience));
    let (from, before) = (node.view().head().height, cpu_seconds());
    assert!(node.view().wait_for(Height(from.0 + BLOCKS), patience));
    let (to, after) = (node.view().head().height, cpu_seconds());
    let block = (after - before) / (to.0 - from.0) as f64;
    let notes = node.view().timelines.of(to).unwrap().entries.len();
    node.stop();

    const HEIGHTS: u64 = 200_000;
    let all = Timelines::default();
    let before = cpu_seconds();
    for height in 1..=HEIGHTS {
        (0..notes).for_each(|_| all.note(note(Did::PrevoteReceived, height)));
    }
    let noted = (cpu_seconds() - before) / HEIGHTS as f64;
    println!(
        "a block: {:.1} us of CPU; its {notes} notes: {:.3} us, {:.3} % of it",
        block * 1e6,
        noted * 1e6,
        100.0 * noted / block
    );
    assert!(noted < block / 100.0);
}
