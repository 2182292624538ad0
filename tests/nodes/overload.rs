//! Bodies that are too long, too slow or too many: each is cut at its limit, and the chain goes on.
use lockstep_protocol::limits::VOTE_BYTES_MAX;
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Hash, Height};
use std::time::Duration;
use support::target::{PROPOSAL, TRANSACTION, Target, VOTE};
use support::{Connection, get, metric};

const REFUSED: &str = "messages_refused_total";

/// Claims first and bytes later, or never: the claim alone is enough to be refused.
#[test]
fn a_body_that_announces_too_much_is_refused_before_it_arrives() {
    let target = Target::boot();
    let too_large = "reason=\"TooLarge\"";
    let before = metric(&target.url, REFUSED, too_large);
    for path in [VOTE, PROPOSAL, TRANSACTION] {
        let mut connection = Connection::open(&target.peer_url);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 999999999\r\n\r\nx"
        );
        connection.send(head.as_bytes());
        let answer = connection.answer().expect("an answer");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (413, &"too_large".into()),
            "{path}"
        );
    }
    let after = metric(&target.url, REFUSED, too_large);
    assert_eq!(after - before, 3.0);
    target.assert_unharmed();
}

#[test]
fn a_chunked_body_that_never_ends_is_refused_at_the_limit() {
    let target = Target::boot();
    let too_large = "reason=\"TooLarge\"";
    let before = metric(&target.url, REFUSED, too_large);
    let mut connection = Connection::open(&target.peer_url);
    let head =
        format!("POST {VOTE} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    connection.send(head.as_bytes());
    let chunk = [b"400\r\n".as_slice(), &[0; 0x400], b"\r\n"].concat();
    (0..VOTE_BYTES_MAX / 0x400 + 1).for_each(|_| connection.send(&chunk));
    assert_eq!(connection.answer().expect("an answer").status, 413);
    let after = metric(&target.url, REFUSED, too_large);
    assert_eq!(after - before, 1.0);
    target.assert_unharmed();
}

#[test]
fn whoever_sends_too_slowly_is_let_go_and_nobody_waits_for_him() {
    let target = Target::boot();
    let slow = "reason=\"Slow\"";
    let half_body =
        format!("POST {VOTE} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nx");
    let slow_ones: Vec<_> = [half_body.as_str(), "POST /consensus/vo"]
        .map(|bytes| {
            let mut connection = Connection::open(&target.peer_url);
            connection.send(bytes.as_bytes());
            std::thread::spawn(move || connection.answer().map(|answer| answer.status).ok())
        })
        .into_iter()
        .collect();
    // Meanwhile:
    target.devnet.tick().expect("a block comes");
    for one in slow_ones {
        let status = one.join().expect("it ends");
        assert!(matches!(status, None | Some(408)), "{status:?}");
    }
    assert_eq!(metric(&target.url, REFUSED, slow), 1.0);
    target.assert_unharmed();
}

#[test]
fn thousands_of_bad_messages_are_noise() {
    const EACH: usize = 700;
    let target = Target::boot();
    let genesis = target.devnet.genesis().hash();
    std::thread::scope(|scope| {
        for path in [VOTE, PROPOSAL, TRANSACTION] {
            let url = &target.peer_url;
            scope.spawn(move || {
                let mut connection = Connection::open(url);
                for number in 0..EACH {
                    let Hash(noise) = Hash::of(&[path.as_bytes(), &number.to_le_bytes()]);
                    let envelope = [&1u16.to_le_bytes()[..], &genesis.0].concat();
                    let bytes = match number % 2 {
                        0 => noise.to_vec(),
                        _ => [envelope, noise.repeat(number % 8)].concat(),
                    };
                    let answer = connection.request("POST", path, &bytes).expect("an answer");
                    assert_eq!(answer.status, 400, "{path} {number}");
                    if answer.head.contains("connection: close") {
                        connection = Connection::open(url);
                    }
                }
            });
        }
        (0..3).for_each(|_| drop(target.devnet.tick().expect("blocks go on")));
    });
    let counted = metric(&target.url, REFUSED, "");
    assert_eq!(counted, (3 * EACH) as f64);
    let closed = metric(&target.url, "connections_closed_total", "BadMessages");
    assert!(closed >= 100.0, "{closed}");
    target.assert_unharmed();
}

/// Nobody has signed it, so it must not make a node believe that it is behind.
#[test]
fn an_unsigned_vote_of_a_far_height_leaves_the_node_where_it_is() {
    let target = Target::boot();
    let mut far = target.vote();
    far.vote.height = Height(1_000_000_000);
    far.signature = Signature(Vec::new());
    let body = target.wire.encode_vote(&far);
    let answer = Connection::open(&target.peer_url).request("POST", VOTE, &body);
    assert_eq!(answer.expect("an answer").status, 403);
    for _ in 0..20 {
        let status = get(&target.url, "/status").json();
        assert_eq!(status["catching_up"], false);
        std::thread::sleep(Duration::from_millis(10));
    }
    target.assert_unharmed();
}
