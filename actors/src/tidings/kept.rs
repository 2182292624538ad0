//! A script of all that [`Tidings`] may say, and of what else a node tells of clocks and of catching
//! up that no test can bring about with processes in bounded time. What comes of it is kept in
//! `kept.log`: whoever changes a sentence writes the file anew with `LOCKSTEP_BLESS=1`, and reads
//! the difference. A test of whole nodes sees that no sentence is left out.
use super::room::{Room, What};
use super::{Counts, Look, Tidings};
use crate::block_sync::progress::Progress;
use crate::block_sync::waiting;
use crate::clock::watch::{ClockWatch, Untimely};
use crate::clock::words::Awaited;
use crate::fixture::{address, logged};
use crate::limits::CLOCK_NEWS_EVERY;
use lockstep_protocol::consensus::catch_up::{Arrival, CatchUp, CatchUpConfig, Input, Waits};
use lockstep_protocol::consensus::clocks::Report;
use lockstep_protocol::consensus::driver::ClockWait;
use lockstep_protocol::consensus::trusted::TrustedBlock;
use lockstep_protocol::limits::{SYNC_BLOCKS_MAX, SYNC_BYTES_MAX, SYNC_FULL_BYTES};
use lockstep_protocol::types::{Address, Height, Instant, Round, Timestamp};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tidings/kept.log");
const A: Address = Address([0xaa; 20]);
const B: Address = Address([0xbb; 20]);
const C: Address = Address([0xcc; 20]);
const GIB: u64 = 1 << 30;

/// Two others, a block a second, 5 transactions each.
fn healthy(second: u64) -> Look {
    Look {
        head: Height(second),
        began: Some(Instant(second * 1_000)),
        peers: [(A, true), (B, true)].into(),
        told: [A, B].into(),
        counts: Counts {
            blocks: second,
            transactions: 5 * second,
            ..Counts::default()
        },
        validators: [(A, 1), (B, 1)].into(),
        commit_ms: Some([5.25, 9.75]),
        ..Look::default()
    }
}

fn stands(since: u64, waits_for: &[Address]) -> Look {
    Look {
        round: Round(2),
        waits_for: waits_for.to_vec(),
        ..healthy(since)
    }
}

fn lost(second: u64, trouble: &str) -> Look {
    Look {
        peers: [(A, true), (B, false)].into(),
        troubles: [(B, trouble.to_owned())].into(),
        ..healthy(second)
    }
}

fn room(what: What, taken: u64, whole: u64) -> Room {
    Room { what, taken, whole }
}

/// What is done, for how many seconds, and what is seen then.
type Scene = (&'static str, u64, fn(u64) -> Look);

const SCENES: [Scene; 13] = [
    ("a healthy node", 130, healthy),
    ("a peer is lost, then both", 150, |at| match at {
        0..3 => healthy(at),
        3..90 => lost(at, "connection refused"),
        90..140 => Look {
            peers: [(A, false), (B, false)].into(),
            ..stands(90, &[A, B])
        },
        _ => healthy(at),
    }),
    ("nobody knows for whom it waits", 80, |_| stands(0, &[])),
    ("a peer was never there", 80, |at| Look {
        told: [A].into(),
        ..lost(at, "no route to host")
    }),
    ("a peer that is lost is no validator any more", 5, |at| {
        Look {
            validators: [(A, 1)].into(),
            listens: [(B, "10.0.0.2:9545".to_owned())].into(),
            ..lost(at, "connection refused")
        }
    }),
    (
        "own precommits are missing at most blocks of a minute",
        61,
        |at| {
            let mut look = healthy(at);
            (look.counts.missed, look.counts.rounds) = (at * 3 / 4, at / 10);
            look
        },
    ),
    ("validators change", 10, |at| Look {
        validators: match at {
            ..5 => [(A, 1), (B, 1)].into(),
            _ => [(A, 2), (C, 3)].into(),
        },
        validators_from: Height(6),
        ..healthy(at)
    }),
    ("a validator is no peer", 80, |at| Look {
        unnamed: if at < 70 { vec![C] } else { vec![] },
        ..healthy(at)
    }),
    ("many validators are none", 5, |at| Look {
        unnamed: (0..12).map(|n| Address([n; 20])).collect(),
        ..healthy(at)
    }),
    ("a node has no voice, and then it has", 140, |at| Look {
        voiceless: (at < 130).then(|| "why, and the next step".to_owned()),
        ..healthy(at)
    }),
    ("the disk is nearly full", 90, |at| Look {
        rooms: vec![room(
            What::Disk,
            if at < 80 { 95 } else { 89 } * GIB,
            100 * GIB,
        )],
        ..healthy(at)
    }),
    ("the map is nearly full", 90, |at| Look {
        rooms: vec![room(
            What::Map,
            if at < 80 { 52 } else { 51 } * GIB,
            64 * GIB,
        )],
        ..healthy(at)
    }),
    ("descriptors are nearly used up", 90, |at| Look {
        rooms: vec![room(
            What::Descriptors,
            if at < 80 { 820 } else { 819 },
            1_024,
        )],
        ..healthy(at)
    }),
];

/// A look each second.
fn play((what, seconds, look): &Scene, text: &mut String) {
    writeln!(text, "\n# {what}").unwrap();
    let mut tidings = Tidings::new(Instant(0), 3_000, 60_000);
    for second in 0..*seconds {
        for line in tidings.step(Instant(second * 1_000), &look(second)) {
            let (level, line) = (line.level, line.text);
            writeln!(text, "{second:>3} s  {level:<5} {line}").unwrap();
        }
    }
}

fn put(what: &str, lines: &[String], text: &mut String) {
    writeln!(text, "\n# {what}").unwrap();
    for line in lines {
        writeln!(text, "       {line}").unwrap();
    }
}

/// 2,000 blocks behind, it goes on at 100 a second.
fn catches_up() {
    let world = crate::fixture::World::new(1);
    let set = world.rules.genesis_validators.clone();
    let config = CatchUpConfig {
        me: Address::default(),
        arrival_wait_ms: 0,
        is_rearmed: false,
        grace_ms: 0,
        range_blocks_max: SYNC_BLOCKS_MAX,
        answer_bytes_max: SYNC_BYTES_MAX,
        answer_bytes_full: SYNC_FULL_BYTES,
        window_blocks_max: SYNC_BLOCKS_MAX,
        window_bytes_max: SYNC_BYTES_MAX,
    };
    let after = |height| ValidatorSchedule::unchanged(Height(height), set.clone());
    let mut catch_up = CatchUp::new(config, &after(10));
    let mut progress = Progress::new(TrustedBlock::default());
    for number in 101..=104 {
        let peer = address(number);
        catch_up.step(Instant(0), Input::Ahead(peer, Height(2_011)));
    }
    for second in 0..=20 {
        let now = Instant(second * 1_000);
        let head = 10 + second * 100;
        catch_up.step(now, Input::Committed(after(head)));
        progress.step(now, &catch_up, Height(head));
    }
}

fn clocks_stand() {
    const APART_MS: i64 = 3_588_000;
    let peers = |ms| [(B, ms)].into();
    let watch = |peers, median_ms| ClockWatch::default().say(&Report { peers, median_ms });
    watch(peers(-APART_MS), 0);
    watch(peers(APART_MS), APART_MS);
    watch(peers(-APART_MS), -APART_MS);
    let agree = Report {
        peers: peers(0),
        median_ms: 0,
    };
    let again = async || {
        let watch = ClockWatch::default();
        watch.say(&Report {
            peers: peers(APART_MS),
            median_ms: 0,
        });
        tokio::time::advance(CLOCK_NEWS_EVERY).await;
        watch.say(&agree);
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(again());
    ClockWatch::default().refused(Untimely {
        height: Height(9),
        proposer: B,
        ahead_ms: 44_000,
    });
}

fn clock_waits() -> Vec<String> {
    let wait = |height, under_way| {
        Awaited(ClockWait {
            height: Height(height),
            parent_time: Timestamp(1_795_876_200_000),
            ahead_ms: 44_000,
            under_way,
        })
    };
    vec![wait(1, false).to_string(), wait(7, true).to_string()]
}

fn waits_for_others() -> Vec<String> {
    let arrival = Arrival {
        committed: Height(40),
        first_round: Round(2),
        next_round: Round(0),
        seen: None,
    };
    vec![
        waiting::sentence(&Waits::ForAll(vec![A, B])),
        waiting::sentence(&Waits::ForMore(vec![B])),
        waiting::arrived(arrival),
    ]
}

fn render() -> String {
    let mut text = String::new();
    for scene in &SCENES {
        play(scene, &mut text);
    }
    put("a node catches up", &logged(catches_up), &mut text);
    put("clocks are apart", &logged(clocks_stand), &mut text);
    put("a clock is waited for", &clock_waits(), &mut text);
    put("others are waited for", &waits_for_others(), &mut text);
    text
}

#[test]
fn a_node_says_of_each_situation_what_is_kept() {
    let said = render();
    if std::env::var_os("LOCKSTEP_BLESS").is_some() {
        std::fs::write(FILE, &said).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    for (said, kept) in said.lines().zip(kept.lines()) {
        assert_eq!(
            said, kept,
            "LOCKSTEP_BLESS=1 writes it anew, if that is meant"
        );
    }
    assert_eq!(said, kept);
}
