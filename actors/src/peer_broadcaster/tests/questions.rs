//! Questions go beside the messages: an answer that is late delays no vote, and there is never more
//! than one question of a kind under way.
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const VOTES: u64 = 40;

/// How a peer answers questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Never,
    Trickle,
}

/// Questions that a peer has got.
#[derive(Debug, Default)]
struct Asked {
    ever: AtomicUsize,
    blocks: AtomicUsize,
    pulls: AtomicUsize,
    /// The most that one kind had under way.
    most: AtomicUsize,
    broken_off: AtomicUsize,
}

/// Takes votes as it should, and answers questions in this way.
fn slow_to_answer(way: Way, arrivals: &Arrivals, asked: &Arc<Asked>) -> Peer {
    let arrivals = arrivals.clone();
    let asked = asked.clone();
    let wire = Wire::new(Hash([1; 32]));
    let hello = serde_json::to_vec(&handshake(PEER)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        let kind = match request.head.split_whitespace().nth(1).expect("a path") {
            "/handshake" => return out.write_all(&answer("200 OK", &hello)),
            "/consensus/vote" => {
                let vote = wire.decode_vote(&request.body).expect("a vote");
                arrivals.lock().push((vote.vote.height, Instant::now()));
                return out.write_all(&answer("202 Accepted", b""));
            }
            "/consensus/pull" => &asked.pulls,
            path => {
                assert!(path.starts_with("/sync/blocks"), "{path}");
                &asked.blocks
            }
        };
        asked.ever.fetch_add(1, SeqCst);
        asked.most.fetch_max(kind.fetch_add(1, SeqCst) + 1, SeqCst);
        let gone = be_slow(way, out);
        kind.fetch_sub(1, SeqCst);
        asked
            .broken_off
            .fetch_add(usize::from(gone.is_err()), SeqCst);
        gone
    });
    let address = PEER;
    Peer::at(address, listens)
}

/// Until the asker has gone.
fn be_slow(way: Way, out: &mut std::net::TcpStream) -> std::io::Result<()> {
    if way == Way::Never {
        // It says nothing more while it waits for an answer: this ends when it has gone.
        let end = std::io::Read::read(out, &mut [0; 1]);
        return Err(end.err().unwrap_or(std::io::ErrorKind::BrokenPipe.into()));
    }
    out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")?;
    trickle(out, &[b'x'; 100_000], 50)
}

impl Sender {
    fn ask_for_blocks(&self) {
        let peer = PEER;
        let from = Height(1);
        let limit = 100;
        let request = RequestBlocks { peer, from, limit };
        self.request.tell(request).unwrap();
    }

    fn ask_for_messages(&self) {
        let pull = Pull::new(Height(u64::MAX), Round(0));
        let peer = PEER;
        self.pull.tell(PullMessages { peer, pull }).unwrap();
    }
}

/// Before every vote both questions are asked again. If votes waited for answers, each would cost
/// a question the whole of its time.
fn votes_pass(way: Way) {
    System::new().block_on(async {
        let sender = sender();
        let arrivals = Arrivals::default();
        let asked = Arc::default();
        let peer = slow_to_answer(way, &arrivals, &asked);
        sender.connect(&[peer], 1).await;
        sender.ask_for_blocks();
        sender.ask_for_messages();
        until("both questions arrive", || {
            (asked.blocks.load(SeqCst), asked.pulls.load(SeqCst)) == (1, 1)
        })
        .await;
        for height in 1..=VOTES {
            sender.ask_for_blocks();
            sender.ask_for_messages();
            sender.send(height);
            until("a vote arrives", || arrivals.lock().len() as u64 == height).await;
        }
        let ever = asked.ever.load(SeqCst);
        println!("{way:?}: {VOTES} votes while {ever} questions were asked");
        assert!((ever as u64) < VOTES / 2, "{ever} questions were over");
        assert_eq!(asked.blocks.load(SeqCst), 1, "the first is under way still");
        assert_eq!(asked.most.load(SeqCst), 1, "of each kind one at a time");
        assert_eq!(sender.metrics.frames_dropped.get(), 0);
    });
}

#[test]
fn questions_that_are_never_answered_delay_no_vote() {
    votes_pass(Way::Never);
}

#[test]
fn answers_that_trickle_delay_no_vote() {
    votes_pass(Way::Trickle);
}

#[test]
fn the_end_of_a_link_gives_its_questions_up() {
    System::new().block_on(async {
        let sender = sender();
        let arrivals = Arrivals::default();
        let asked = Arc::default();
        let peer = slow_to_answer(Way::Never, &arrivals, &asked);
        sender.connect(&[peer], 1).await;
        sender.ask_for_blocks();
        until("the question arrives", || asked.blocks.load(SeqCst) == 1).await;
        sender.connect(&[], 0).await;
        until("it is given up", || asked.blocks.load(SeqCst) == 0).await;
        assert_eq!(asked.broken_off.load(SeqCst), 1);
    });
}

/// Nothing is asked of a peer of another chain, nor sent to it.
#[test]
fn a_refused_peer_is_asked_nothing() {
    System::new().block_on(async {
        let sender = sender();
        let count = Arc::new(AtomicUsize::new(0));
        let others = Arc::clone(&count);
        let address = PEER;
        let mut hello = handshake(PEER);
        hello.genesis_hash = Hash([9; 32]);
        let hello = serde_json::to_vec(&hello).unwrap();
        let listens = fake_peer::serve(move |request, out| {
            if !request.head.starts_with("GET /handshake") {
                others.fetch_add(1, SeqCst);
            }
            out.write_all(&answer("200 OK", &hello))
        });
        sender.connect(&[Peer::at(address, listens)], 0).await;
        sender.ask_for_blocks();
        sender.ask_for_messages();
        sender.send(1);
        until("it is refused", || {
            sender
                .view
                .peers()
                .iter()
                .any(|peer| peer.refused.is_some())
        })
        .await;
        sender.ask_for_blocks();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(count.load(SeqCst), 0);
    });
}
