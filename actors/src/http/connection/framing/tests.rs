//! The library is given one request at a time, however the bytes come.
use super::given::{Answered, Library, library};
use super::*;
use proptest::prelude::*;

/// What goes on, request by request, of bytes that come in pieces of these lengths.
fn given(bytes: &[u8], pieces: &[usize]) -> Result<Vec<Vec<u8>>, HeadRefusal> {
    let given = given::given(bytes, pieces, Answered::Late);
    given.refusal.map_or(Ok(given.requests), Err)
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof!["[a-z]{1,9}", Just("x".to_owned())];
    let plain = (line, any::<bool>()).prop_map(|(path, bare)| {
        let end = if bare { "\n" } else { "\r\n" };
        format!("GET /{path} HTTP/1.1{end}host: h{end}{end}").into_bytes()
    });
    let sized = prop::collection::vec(any::<u8>(), 0..300).prop_map(|body| {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    });
    let chunk = prop::collection::vec(any::<u8>(), 1..40);
    let chunked = prop::collection::vec(chunk, 0..4).prop_map(|chunks| {
        let mut all = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n".to_vec();
        for chunk in chunks {
            all.extend(format!("{:X};a=b\r\n", chunk.len()).into_bytes());
            all.extend(chunk);
            all.extend(b"\r\n");
        }
        all.extend(b"0\r\n\r\n");
        all
    });
    prop_oneof![plain, sized, chunked]
}

/// Requests one behind the other, with some of their bytes changed, mostly to what ends or divides.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let ends = prop::sample::select(b"\r\n :,;0fF\0".to_vec());
    let byte = prop_oneof![3 => ends, 1 => any::<u8>()];
    let change = (any::<prop::sample::Index>(), byte);
    let changes = prop::collection::vec(change, 1..6);
    (prop::collection::vec(request(), 1..5), changes).prop_map(|(requests, changes)| {
        let mut bytes = requests.concat();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    /// Whoever chooses where the bytes are cut does not choose what they mean.
    #[test]
    fn what_is_wrong_is_judged_alike_however_it_is_cut(
        bytes in spoilt(),
        pieces in prop::collection::vec(1_usize..40, 1..9),
    ) {
        prop_assume!(bytes.len() < HEAD_BYTES_MAX);
        let whole = given(&bytes, &[usize::MAX]);
        prop_assert_eq!(&given(&bytes, &[1]), &whole);
        prop_assert_eq!(&given(&bytes, &pieces), &whole);
    }

    /// It neither waits for the rest of a request that is over here, nor finds another in it.
    #[test]
    fn the_library_reads_whatever_goes_on_as_one_request(bytes in spoilt()) {
        for request in given::given(&bytes, &[usize::MAX], Answered::Late).requests {
            let text = String::from_utf8_lossy(&request);
            prop_assert!(matches!(library(&request), Library::One | Library::Refuses), "{}", text);
        }
    }
}

proptest! {
    #[test]
    fn whatever_the_pieces_each_request_goes_on_alone_and_whole(
        requests in prop::collection::vec(request(), 1..6),
        pieces in prop::collection::vec(1_usize..200, 1..9),
    ) {
        prop_assert_eq!(given(&requests.concat(), &pieces), Ok(requests));
    }

    #[test]
    fn whatever_comes_something_becomes_of_it(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        pieces in prop::collection::vec(1_usize..200, 1..9),
    ) {
        let _ = given(&bytes, &pieces);
    }
}

#[test]
fn a_head_that_has_no_one_meaning_is_refused() {
    let head = |lines: &str| format!("POST / HTTP/1.1\r\nhost: h\r\n{lines}\r\n").into_bytes();
    let malformed = [
        b"nonsense\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        head("content-length: 1\r\ncontent-length: 1\r\n"),
        head("content-length: 1\r\ntransfer-encoding: chunked\r\n"),
        head("content-length: +1\r\n"),
        head("content-length: -1\r\n"),
        head("content-length:\r\n"),
        head("content-length: 1, 1\r\n"),
        head("content-length: 99999999999999999999\r\n"),
        head("transfer-encoding: gzip, chunked\r\n"),
        head("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
        head("content-length : 1\r\n"),
        head("a: b\r\n folded\r\n"),
        head("host: h\r\n"),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"GET http:// HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
        b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
    ];
    for bytes in malformed {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(given(&bytes, &[7]), Err(HeadRefusal::Malformed), "{text}");
    }
    let lines = |count: usize| head(&"a: b\r\n".repeat(count));
    assert!(given(&lines(HEAD_LINES_MAX - 1), &[900]).is_ok());
    assert_eq!(
        given(&lines(HEAD_LINES_MAX), &[900]),
        Err(HeadRefusal::TooLong)
    );
    let endless = vec![b'a'; HEAD_BYTES_MAX];
    assert_eq!(given(&endless, &[900]), Err(HeadRefusal::TooLong));
    assert_eq!(given(&endless[1..], &[900]), Ok(vec![]), "it may yet end");
}

/// To the library a line behind the last chunk ends with both signs, and a bare one is part of a line.
#[test]
fn a_body_in_chunks_ends_where_the_library_ends_it() {
    let head = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    let next = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";
    for body in [
        "0\r\n\r\n",
        "0\r\n\n\r\n\r\n",
        "0\r\na: b\n\n\r\n\r\n",
        "0\r\na: b\r\n\r\n",
    ] {
        let request = [head, body.as_bytes()].concat();
        assert_eq!(library(&request), Library::One, "{body:?}");
        let both = [&request[..], next].concat();
        let alone = vec![request, next.to_vec()];
        assert_eq!(given(&both, &[1]), Ok(alone), "{body:?}");
    }
}

/// What is left of a body that nobody wanted comes before the next head.
#[test]
fn an_answer_may_come_before_the_end_of_the_body() {
    let mut framing = Framing::new();
    let head = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\n";
    assert_eq!(framing.next(&mut head.to_vec()), Next::Pass(head.len()));
    framing.passed(head);
    framing.answered();
    assert_eq!(framing.unseen(), 3);
    framing.passed(b"abc");
    let next = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";
    assert_eq!(framing.next(&mut next.to_vec()), Next::Pass(next.len()));
}

#[test]
fn a_stream_of_frames_is_passed_on_unseen() {
    let mut framing = Framing::new();
    let bytes = b"GET /ws HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\n\r\n\x81\x00";
    assert_eq!(
        framing.next(&mut bytes.to_vec()),
        Next::Pass(bytes.len() - 2)
    );
    framing.passed(&bytes[..bytes.len() - 2]);
    assert_eq!(
        framing.next(&mut bytes[bytes.len() - 2..].to_vec()),
        Next::Wait
    );
    framing.open();
    assert_eq!(
        framing.next(&mut bytes[bytes.len() - 2..].to_vec()),
        Next::Pass(2)
    );
    framing.passed(&bytes[bytes.len() - 2..]);
    framing.answered();
    assert_eq!(framing.unseen(), usize::MAX);
}

/// The library takes any word of an upgrade for the end of requests on this connection.
#[test]
fn an_offer_to_switch_to_anything_but_a_web_socket_is_not_passed_on() {
    let head = |connection: &str, to: &str| {
        let head = format!(
            "GET / HTTP/1.1\r\nhost: h\r\n{connection}\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\nUpgrade: {to}\r\n\r\n"
        );
        let given = given(head.as_bytes(), &[7]).expect("it is a request");
        String::from_utf8(given.concat()).expect("text")
    };
    for (said, passed) in [
        (
            "Connection: Upgrade, HTTP2-Settings",
            "Connection:        , HTTP2-Settings\r\n",
        ),
        ("connection:upgrade", "connection:       \r\n"),
        ("CONNECTION: close,UPGRADE", "CONNECTION: close,       \r\n"),
        ("connection: keep-alive", "connection: keep-alive\r\n"),
        ("connection: not-upgrade", "connection: not-upgrade\r\n"),
    ] {
        assert!(
            head(said, "h2c").contains(passed),
            "{said}: {}",
            head(said, "h2c")
        );
        assert!(head(said, "WebSocket").contains(said), "{said}");
    }
}
