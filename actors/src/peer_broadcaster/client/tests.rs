use super::super::fake_peer::{self, answer, trickle};
use super::*;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const LIMIT: usize = 4_096;

fn ask(peer: SocketAddr, patience: Duration) -> Result<Bytes, ExchangeError> {
    actix_rt::System::new().block_on(async {
        let client = PeerClient::new(peer);
        client.get(client.uri("/handshake"), LIMIT, patience).await
    })
}

/// Longer than any of these answers should take to be given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A peer that answers without end; says how many bytes it got rid of.
fn endless(head: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let peer = fake_peer::serve(move |_, out| {
        out.write_all(head.as_bytes())?;
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x1_0000], b"\r\n"].concat();
        loop {
            out.write_all(&chunk)?;
            count.fetch_add(chunk.len(), SeqCst);
        }
    });
    (peer, sent)
}

#[test]
fn an_answer_of_ten_gigabytes_is_cut_at_the_limit_whether_it_says_so_or_not() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let (peer, sent) = endless(head);
        let began = std::time::Instant::now();
        let answer = ask(peer, PATIENCE);
        assert!(matches!(answer, Err(ExchangeError::Body(_))), "{answer:?}");
        assert!(began.elapsed() < PATIENCE / 2, "not because of the time");
        // What the sockets between the two hold, and no more.
        let sent = sent.load(SeqCst);
        assert!(sent < 32 << 20, "{sent} bytes were taken of: {head}");
    }
}

#[test]
fn a_redirect_is_an_answer_without_use_and_nobody_follows_it() {
    let visits = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&visits);
    let elsewhere = fake_peer::serve(move |_, out| {
        count.fetch_add(1, SeqCst);
        out.write_all(&answer("200 OK", b"caught"))
    });
    let peer = fake_peer::serve(move |_, out| {
        let head = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
        );
        out.write_all(head.as_bytes())
    });
    let answer = ask(peer, PATIENCE);
    assert!(
        matches!(answer, Err(ExchangeError::Status(StatusCode::FOUND))),
        "{answer:?}"
    );
    assert_eq!(visits.load(SeqCst), 0);
}

/// Whatever an answer says it is, its bytes are what is counted against the limit and read.
#[test]
fn nothing_is_unpacked_and_nobody_is_asked_to_pack() {
    let bomb = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35";
    let asked_to_pack = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked_to_pack);
    let peer = fake_peer::serve(move |request, out| {
        let asks = request.head.to_lowercase().contains("accept-encoding");
        count.fetch_add(usize::from(asks), SeqCst);
        let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length:";
        let head = format!("{head} {}\r\n\r\n", bomb.len());
        out.write_all(&[head.as_bytes(), bomb].concat())
    });
    let answer = ask(peer, PATIENCE).expect("an answer");
    assert_eq!(&answer[..], bomb);
    assert_eq!(asked_to_pack.load(SeqCst), 0);
}

/// A head that comes at once, and then a byte now and then: each byte alone was in time.
#[test]
fn a_body_that_trickles_is_given_up_when_the_time_for_the_whole_answer_is_over() {
    let peer = fake_peer::serve(|_, out| trickle_body(out, "200 OK"));
    let began = std::time::Instant::now();
    let answer = ask(peer, Duration::from_millis(400));
    assert!(matches!(answer, Err(ExchangeError::Slow)), "{answer:?}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[test]
fn a_refusal_that_trickles_counts_as_one_and_holds_nobody_up_longer_than_the_time_of_a_message() {
    let peer = fake_peer::serve(|_, out| trickle_body(out, "400 Bad Request"));
    let began = std::time::Instant::now();
    let status = actix_rt::System::new().block_on(async {
        let client = PeerClient::new(peer);
        let uri = client.uri("/consensus/vote");
        client.post(&uri, Bytes::from_static(b"a vote")).await
    });
    assert_eq!(status.expect("its status came"), StatusCode::BAD_REQUEST);
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

/// Announces a body of 1,000 bytes, which takes more than a minute.
fn trickle_body(out: &mut std::net::TcpStream, status: &str) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: 1000\r\n\r\n");
    out.write_all(head.as_bytes())?;
    trickle(out, &[b'x'; 1_000], 100)
}

/// A link-local address has a scope, which is no part of a URI: the broadcaster fell over it.
#[test]
fn every_socket_address_makes_a_uri() {
    let link_local = std::net::SocketAddrV6::new("fe80::1".parse().expect("it reads"), 9545, 7, 2);
    for address in [
        link_local.into(),
        "[::1]:1".parse().expect("it reads"),
        "255.255.255.255:65535".parse().expect("it reads"),
    ] {
        let client = PeerClient::new(address);
        let uri = client.uri("/sync/blocks?from=1&limit=2");
        assert_eq!(uri.port_u16(), Some(address.port()), "{uri}");
    }
}
