//! A peer that refuses one message, or is busy for a while, is there: what waits behind goes on.
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Notes what it takes; what it answers to the vote of a height, and for the how manieth time it is
/// asked, says `status`. Counts handshakes.
fn answering(
    arrivals: &Arrivals,
    handshakes: &Arc<AtomicUsize>,
    status: impl Fn(Height, usize) -> &'static str + Send + Sync + 'static,
) -> Peer {
    let (arrivals, handshakes) = (arrivals.clone(), handshakes.clone());
    let wire = Wire::new(Hash([1; 32]));
    let asked = AtomicUsize::new(0);
    let hello = serde_json::to_vec(&handshake(PEER)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        if request.head.starts_with("GET /handshake") {
            handshakes.fetch_add(1, SeqCst);
            return out.write_all(&answer("200 OK", &hello));
        }
        let vote = wire.decode_vote(&request.body).expect("a vote");
        let status = status(vote.vote.height, asked.fetch_add(1, SeqCst));
        if status.starts_with("202") {
            arrivals.lock().push((vote.vote.height, Instant::now()));
        }
        out.write_all(&answer(status, b""))
    });
    Peer::at(PEER, listens)
}

async fn arrived(arrivals: &Arrivals, votes: usize) -> Vec<u64> {
    until("all arrive", || arrivals.lock().len() >= votes).await;
    arrivals.lock().iter().map(|(height, _)| height.0).collect()
}

/// One handshake, and one for each two seconds that have passed.
fn assert_never_taken_for_gone(handshakes: &AtomicUsize, began: Instant) {
    let most = 2 + began.elapsed().as_secs() / 2;
    let handshakes = handshakes.load(SeqCst) as u64;
    assert!(handshakes <= most, "{handshakes} of at most {most}");
}

/// A faulty validator spends its budget at a node that lags, and its votes are relayed: honest
/// votes waited behind the one that was answered 429, for as long as that was so.
#[test]
fn a_vote_over_its_signers_budget_holds_up_no_other() {
    System::new().block_on(async {
        let sender = sender();
        let arrivals = Arrivals::default();
        let handshakes = Arc::default();
        let peer = answering(&arrivals, &handshakes, |height, _| match height {
            Height(1) => "429 Too Many Requests",
            _ => "202 Accepted",
        });
        sender.connect(&[peer], 1).await;
        let began = Instant::now();
        (1..=20).for_each(|height| sender.send(height));
        let arrived = arrived(&arrivals, 19).await;
        assert_eq!(arrived, (2..=20).collect::<Vec<_>>());
        assert_never_taken_for_gone(&handshakes, began);
        assert!(sender.view.peers().iter().all(|peer| peer.reachable));
        assert_eq!(sender.metrics.peer_errors.get(), 1);
    });
}

/// Each handshake that worked made the next wait short again: a hundred rounds a second, each with
/// a line in the log.
#[test]
fn a_peer_that_greets_and_takes_nothing_is_asked_less_and_less_often() {
    const HANDSHAKES: usize = 24;
    let greeted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&greeted);
    let hello = serde_json::to_vec(&handshake(PEER)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        if request.head.starts_with("GET /handshake") {
            count.fetch_add(1, SeqCst);
            return out.write_all(&answer("200 OK", &hello));
        }
        Err(std::io::ErrorKind::ConnectionReset.into())
    });
    System::new().block_on(async {
        let sender = sender();
        let began = Instant::now();
        sender.connect(&[Peer::at(PEER, listens)], 1).await;
        sender.send(1);
        until("it is asked again", || greeted.load(SeqCst) >= HANDSHAKES).await;
        // The first waits grow; all behind them last half of the longest at the least.
        let least = crate::limits::BACK_OFF_MAX / 2 * (HANDSHAKES as u32 - 8);
        assert!(began.elapsed() >= least, "{:?}", began.elapsed());
    });
}

#[test]
fn a_busy_peer_gets_the_same_vote_again_without_another_handshake() {
    const BUSY: usize = 30;
    System::new().block_on(async {
        let sender = sender();
        let arrivals = Arrivals::default();
        let handshakes = Arc::default();
        let peer = answering(&arrivals, &handshakes, |_, asked| match asked {
            0..BUSY => "503 Service Unavailable",
            _ => "202 Accepted",
        });
        sender.connect(&[peer], 1).await;
        let began = Instant::now();
        (1..=3).for_each(|height| sender.send(height));
        let arrived = arrived(&arrivals, 3).await;
        assert_eq!(arrived, [1, 2, 3]);
        assert_never_taken_for_gone(&handshakes, began);
        assert!(sender.view.peers().iter().all(|peer| peer.reachable));
        assert_eq!(sender.metrics.frames_dropped.get(), 0);
    });
}
