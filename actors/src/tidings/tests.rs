//! Situations, and the lines that come of them.
use super::*;

const LATE_MS: u64 = 3_000;
const MINUTE_MS: u64 = 60_000;
const A: Address = Address([1; 20]);
const B: Address = Address([2; 20]);

fn healthy(at: u64) -> Look {
    let blocks = at / 1_000;
    Look {
        head: Height(blocks),
        began: Some(Instant(at)),
        peers: [(A, true), (B, true)].into(),
        counts: Counts {
            blocks,
            transactions: 2 * blocks,
            ..Counts::default()
        },
        validators: [(A, 1), (B, 1)].into(),
        commit_ms: Some([5.25, 9.75]),
        ..Look::default()
    }
}

/// A look each second, from one to the other; the lines with their second.
fn said(
    tidings: &mut Tidings,
    seconds: std::ops::Range<u64>,
    look: impl Fn(u64) -> Look,
) -> Vec<String> {
    let looks = seconds.flat_map(|second| {
        let lines = tidings.step(Instant(second * 1_000), &look(second * 1_000));
        lines
            .into_iter()
            .map(move |line| format!("{second}: {}", line.text))
    });
    looks.collect()
}

fn without_minutes(lines: Vec<String>) -> Vec<String> {
    lines
        .into_iter()
        .filter(|line| !line.contains(" blocks in "))
        .collect()
}

fn tidings() -> Tidings {
    Tidings::new(Instant(0), LATE_MS, MINUTE_MS)
}

#[test]
fn a_healthy_node_has_one_line_a_minute() {
    let lines = said(&mut tidings(), 1..1_801, healthy);
    assert_eq!(lines.len(), 30);
    let second = "120: 60 blocks in 1 min 0 s (p50 5.2 ms, p99 9.8 ms), height 120, 0 further rounds, \
                  120 transactions, 2 of 2 peers";
    assert_eq!(lines[1], second);
    assert!(lines[0].starts_with("60: 59 blocks"), "{}", lines[0]);
}

#[test]
fn a_chain_that_stands_says_for_whom_it_waits_once_a_minute_and_when_it_goes_again() {
    let mut tidings = tidings();
    let stands = |_| Look {
        head: Height(9),
        round: Round(2),
        began: Some(Instant(10_000)),
        waits_for: vec![A, B],
        ..healthy(0)
    };
    let lines = without_minutes(said(&mut tidings, 10..140, stands));
    let line =
        |at, lasts| format!("{at}: no block for {lasts}: height 10, round 2 waits for {A}, {B}");
    assert_eq!(
        lines,
        [
            line(13, "3.0 s"),
            line(73, "1 min 3 s"),
            line(133, "2 min 3 s")
        ]
    );
    let goes = |at: u64| Look {
        began: Some(Instant(at)),
        head: Height(10),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings, 140..150, goes));
    assert_eq!(lines, ["140: going again after 2 min 10 s: height 10"]);
}

/// When a round has just begun, everybody's votes are missing.
#[test]
fn whose_votes_are_missing_at_one_look_only_is_not_waited_for() {
    let stands = |at: u64| Look {
        head: Height(9),
        round: Round(u32::try_from(at / 10_000).unwrap()),
        began: Some(Instant(10_000)),
        waits_for: if at.is_multiple_of(10_000) {
            vec![A, B]
        } else {
            vec![B]
        },
        ..healthy(0)
    };
    let mut tidings = Tidings::new(Instant(0), LATE_MS, 1_000);
    let lines = without_minutes(said(&mut tidings, 10..60, stands));
    assert!(lines.len() > 40, "{lines:?}");
    let blames_a = |line: &&String| line.contains(&A.to_string());
    assert_eq!(lines.iter().find(blames_a), None);
    assert!(lines.iter().all(|line| line.contains(&B.to_string())));
}

/// Said for each of its stops, such a chain would fill the log.
#[test]
fn a_chain_that_stands_again_and_again_for_a_moment_is_said_now_and_then() {
    let stutters = |at: u64| Look {
        head: Height(at / 4_000),
        began: Some(Instant(at / 4_000 * 4_000)),
        ..healthy(0)
    };
    let lines = without_minutes(said(&mut tidings(), 1..121, stutters));
    let stops = lines.iter().filter(|line| line.contains("no block for"));
    assert_eq!(stops.count(), 10, "{lines:?}");
    assert_eq!(lines.len(), 20, "{lines:?}");
}

#[test]
fn a_change_of_the_validators_is_said_once() {
    const C: Address = Address([3; 20]);
    let look = |at| Look {
        validators: if at < 5_000 {
            [(A, 1), (B, 1)]
        } else {
            [(A, 2), (C, 3)]
        }
        .into(),
        // The look is later than the change.
        validators_from: Height(4),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..50, look));
    let change = format!(
        "5: validators change at height 4: {A} has power 2 instead of 1, {C} is new with power 3, \
         {B} is none any more"
    );
    assert_eq!(lines, [change]);
}

#[test]
fn own_precommits_that_most_blocks_of_a_minute_lack_are_said() {
    let slow = |at: u64| Look {
        counts: Counts {
            blocks: at / 1_000,
            missed: at / 1_000 * 3 / 4,
            ..Counts::default()
        },
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..61, slow));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("missing at 45 of 59 blocks"), "{lines:?}");
}

/// A validator that was removed, and is still named among the peers, was warned of like one that votes.
#[test]
fn of_a_peer_that_is_away_it_is_said_where_it_should_be_and_whether_its_vote_counts() {
    let lost = |at: u64| Look {
        peers: [(A, false), (B, false)].into(),
        told: [A, B].into(),
        listens: [(A, "10.0.0.1:9545".to_owned())].into(),
        troubles: [(B, "connection refused".to_owned())].into(),
        validators: [(A, 1)].into(),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..3, lost));
    let expected = format!(
        "1: peers lost: {A} at 10.0.0.1:9545 for 0.0 s, {B} (no validator now; connection refused) \
         for 0.0 s"
    );
    assert_eq!(lines, [expected]);
}

/// Two that went at different moments are told of together from then on.
#[test]
fn peers_lost_one_after_the_other_share_a_line() {
    let lost = |at: u64| Look {
        peers: [(A, at < 5_000), (B, at < 20_000)].into(),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..81, lost));
    let expected = [
        format!("5: peers lost: {A} for 0.0 s"),
        format!("20: peers lost: {A} for 15 s, {B} for 0.0 s"),
        format!("80: peers lost: {A} for 1 min 15 s, {B} for 1 min 0 s"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_chain_that_waits_for_its_time_or_catches_up_does_not_stand() {
    let waits = |_| Look {
        began: None,
        ..healthy(0)
    };
    let behind = |_| Look {
        catching_up: true,
        ..healthy(0)
    };
    assert!(without_minutes(said(&mut tidings(), 1..200, waits)).is_empty());
    assert!(without_minutes(said(&mut tidings(), 1..200, behind)).is_empty());
}

#[test]
fn peers_that_are_lost_are_named_at_once_then_once_a_minute_and_when_they_are_back() {
    let mut tidings = tidings();
    assert!(said(&mut tidings, 1..5, healthy).is_empty());
    let lost = |at| Look {
        peers: [(A, false), (B, false)].into(),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings, 5..70, lost));
    assert_eq!(
        lines,
        [
            format!("5: peers lost: {A} for 0.0 s, {B} for 0.0 s"),
            format!("65: peers lost: {A} for 1 min 0 s, {B} for 1 min 0 s"),
        ]
    );
    let lines = without_minutes(said(&mut tidings, 70..80, healthy));
    assert_eq!(
        lines,
        [
            format!("70: peer {A} is back after 1 min 5 s"),
            format!("70: peer {B} is back after 1 min 5 s"),
        ]
    );
}

#[test]
fn a_peer_that_never_was_there_has_some_seconds_before_it_is_said() {
    let never = |at| Look {
        peers: [(A, true), (B, false)].into(),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..30, never));
    assert_eq!(lines, [format!("11: no link yet to {B} for 10 s")]);
}

/// A second is long: who was there between two looks is lost, and not just not there yet.
#[test]
fn a_peer_that_has_told_its_height_was_there() {
    let lost = |at| Look {
        peers: [(A, true), (B, false)].into(),
        told: [B].into(),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..30, lost));
    assert_eq!(lines, [format!("1: peers lost: {B} for 0.0 s")]);
}

#[test]
fn validators_that_are_no_peers_are_named_and_only_so_many() {
    let unnamed = |at| Look {
        unnamed: (0..12).map(|n| Address([n; 20])).collect(),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..60, unnamed));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("and 4 more; add them to peers"),
        "{lines:?}"
    );
}

#[test]
fn a_node_without_a_voice_says_why_again_each_minute() {
    let observes = |at| Look {
        voiceless: Some("do this".into()),
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..130, observes));
    assert_eq!(
        lines,
        [
            "61: this node does not sign, for 1 min 0 s: do this",
            "121: this node does not sign, for 2 min 0 s: do this",
        ]
    );
    let lines = without_minutes(said(&mut tidings(), 1..20, |at| match at {
        ..5_000 => observes(at),
        _ => healthy(at),
    }));
    assert_eq!(lines, ["5: this node signs, after 4.0 s without"]);
    let at_once = |at| Look {
        observed: Observed {
            times: u64::from(at >= 5_000),
            last_ms: 300,
        },
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 1..20, at_once));
    assert_eq!(lines, ["5: this node signs, after 0.3 s without"]);
}

#[test]
fn what_runs_out_is_said_while_there_is_some_and_that_there_is_room_again() {
    let room = |what, taken, whole| Room { what, taken, whole };
    let gib = 1 << 30;
    let scarce = |at: u64| Look {
        rooms: match at {
            // Between two looks at it, it is as it was.
            1_000..90_000 if !at.is_multiple_of(10_000) => vec![],
            ..90_000 => vec![
                room(What::Disk, 95 * gib, 100 * gib),
                room(What::Map, 52 * gib, 64 * gib),
                room(What::Descriptors, 820, 1_024),
            ],
            _ => vec![
                room(What::Disk, 90 * gib, 100 * gib),
                room(What::Map, 51 * gib, 64 * gib),
                room(What::Descriptors, 819, 1_024),
            ],
        },
        ..healthy(at)
    };
    let lines = without_minutes(said(&mut tidings(), 10..100, scarce));
    let disk = "the disk of the data directory is 95 % full, 5120 MiB are left: make room, or keep \
                fewer blocks (retain_blocks)";
    let map = "the map of the database is 81 % full, 53248 of 65536 MiB: keep fewer blocks \
               (retain_blocks)";
    let descriptors = "this process's table of descriptors is 80 % full, 820 of 1024: allow more \
                       (ulimit -n, or LimitNOFILE= of a service)";
    let again = [10, 70]
        .map(|second| [disk, map, descriptors].map(|line| format!("{second}: {line}")))
        .concat();
    let over = [
        "90: the disk of the data directory has room again",
        "90: the map of the database has room again",
        "90: this process's table of descriptors has room again",
    ];
    assert_eq!(lines[..6], again);
    assert_eq!(lines[6..], over);
}

#[test]
fn what_a_node_may_run_out_of_is_seen_of_a_real_one() {
    let (_world, _dir, store) = crate::fixture::opened();
    let rooms = room::look(&store);
    let seen: Vec<What> = rooms.iter().map(|room| room.what).collect();
    assert_eq!(seen, [What::Disk, What::Map, What::Descriptors]);
    for room in rooms {
        assert!(0 < room.taken && room.taken < room.whole, "{room:?}");
    }
}
