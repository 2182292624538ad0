//! Handshakes go beside the messages, and a peer that has moved is found by its name.
use super::*;
use crate::limits::{HANDSHAKE_EVERY, RESOLVE_EVERY};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// Before, the answer was waited for on the way that votes take, for as long as a message may take.
#[test]
fn a_handshake_that_is_never_answered_delays_no_vote() {
    const VOTES: u64 = 100;
    let arrivals = Arrivals::default();
    let greeted = Arc::new(AtomicUsize::new(0));
    let (count, seen) = (Arc::clone(&greeted), Arc::clone(&arrivals));
    let hello = serde_json::to_vec(&handshake(PEER)).unwrap();
    let wire = Wire::new(Hash([1; 32]));
    let listens = fake_peer::serve(move |request, out| {
        if request.head.starts_with("GET /handshake") {
            if count.fetch_add(1, SeqCst) == 0 {
                return out.write_all(&answer("200 OK", &hello));
            }
            // Until the asker has gone.
            let end = std::io::Read::read(out, &mut [0; 1]);
            return Err(end.err().unwrap_or(std::io::ErrorKind::BrokenPipe.into()));
        }
        let vote = wire.decode_vote(&request.body).expect("a vote");
        seen.lock().push((vote.vote.height, Instant::now()));
        out.write_all(&answer("202 Accepted", b""))
    });
    System::new().block_on(async {
        let sender = sender();
        sender.connect(&[Peer::at(PEER, listens)], 1).await;
        let began = Instant::now();
        until("the next handshake is under way", || {
            greeted.load(SeqCst) == 2
        })
        .await;
        assert!(began.elapsed() >= HANDSHAKE_EVERY / 2);
        let asked_by_then = greeted.load(SeqCst);
        for height in 1..=VOTES {
            sender.send(height);
            until("a vote arrives", || arrivals.lock().len() as u64 == height).await;
        }
        let asked = greeted.load(SeqCst) - asked_by_then;
        println!("{VOTES} votes while {asked} more handshakes were given up");
        // Each of them takes the whole time of a message before it is given up.
        assert!(asked < VOTES as usize / 10, "{asked} handshakes were over");
        until("it is shown not to answer", || {
            sender.view.peers().iter().all(|peer| !peer.reachable)
        })
        .await;
        sender.send(VOTES + 1);
        until("votes still go to it", || {
            arrivals.lock().len() as u64 == VOTES + 1
        })
        .await;
    });
}

#[test]
fn a_peer_that_turns_into_another_is_refused_while_messages_go() {
    let arrivals = Arrivals::default();
    let turned = Arc::new(AtomicBool::new(false));
    let (is_other, seen) = (Arc::clone(&turned), Arc::clone(&arrivals));
    let wire = Wire::new(Hash([1; 32]));
    let listens = fake_peer::serve(move |request, out| {
        if request.head.starts_with("GET /handshake") {
            let mut hello = handshake(PEER);
            if is_other.load(SeqCst) {
                hello.genesis_hash = Hash([9; 32]);
            }
            return out.write_all(&answer("200 OK", &serde_json::to_vec(&hello).unwrap()));
        }
        let vote = wire.decode_vote(&request.body).expect("a vote");
        seen.lock().push((vote.vote.height, Instant::now()));
        out.write_all(&answer("202 Accepted", b""))
    });
    System::new().block_on(async {
        let sender = sender();
        sender.connect(&[Peer::at(PEER, listens)], 1).await;
        sender.send(1);
        until("a vote arrives", || arrivals.lock().len() == 1).await;
        turned.store(true, SeqCst);
        let refused = || {
            sender
                .view
                .peers()
                .iter()
                .all(|peer| peer.refused.is_some())
        };
        until("it is refused", refused).await;
        sender.send(2);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(arrivals.lock().len(), 1, "nothing more is sent to it");
    });
}

/// Its machine has moved: the name is the same, the address is another.
#[test]
fn a_peer_with_a_name_is_looked_up_again_when_it_is_not_there() {
    let arrivals = Arrivals::default();
    let look_ups = Arc::new(AtomicUsize::new(0));
    let nobody = place(&refused(PEER));
    let somebody = place(&healthy(PEER, &arrivals));
    let moved = Arc::new(AtomicBool::new(false));
    let (has_moved, count) = (Arc::clone(&moved), Arc::clone(&look_ups));
    let resolve: Resolve = Arc::new(move |name| {
        assert_eq!(name, "validator.example:9545");
        match count.fetch_add(1, SeqCst) {
            // A resolver has bad moments, too.
            0 => Err(std::io::ErrorKind::TimedOut.into()),
            _ if has_moved.load(SeqCst) => Ok(vec![somebody]),
            _ => Ok(vec![nobody]),
        }
    });
    System::new().block_on(async {
        let sender = sender_that_resolves(resolve);
        let peer = Peer::named(PEER, "validator.example:9545", Some(nobody));
        sender.connect(&[peer], 0).await;
        sender.send(1);
        until("it is looked up", || look_ups.load(SeqCst) >= 2).await;
        assert!(arrivals.lock().is_empty());
        moved.store(true, SeqCst);
        until("the vote arrives where it is now", || {
            !arrivals.lock().is_empty()
        })
        .await;
        let view = &sender.view.peers()[0];
        assert!(
            view.reachable && view.url == format!("http://{somebody}"),
            "{view:?}"
        );
        let known = sender.peers.read()[0].listens();
        assert_eq!(
            known,
            Some(somebody),
            "strangers and neighbours are told apart by it"
        );
        // A peer that answers is not looked up. The failures before may have asked for one more.
        tokio::time::sleep(RESOLVE_EVERY * 3 / 2).await;
        let by_now = look_ups.load(SeqCst);
        tokio::time::sleep(RESOLVE_EVERY * 3 / 2).await;
        assert_eq!(look_ups.load(SeqCst), by_now);
    });
}

/// A container that has stopped has no name: whoever started meanwhile ended, and then its own name
/// did not resolve, either.
#[test]
fn a_peer_whose_name_leads_nowhere_at_the_start_is_looked_up_until_it_does() {
    const NAME: &str = "validator.example:9545";
    let arrivals = Arrivals::default();
    let look_ups = AtomicUsize::new(0);
    let somebody = place(&healthy(PEER, &arrivals));
    let resolve: Resolve = Arc::new(move |name| {
        assert_eq!(name, NAME);
        match look_ups.fetch_add(1, SeqCst) {
            0 => Err(std::io::ErrorKind::NotFound.into()),
            1 => Ok(Vec::new()),
            _ => Ok(vec![somebody]),
        }
    });
    System::new().block_on(async {
        let sender = sender_that_resolves(resolve);
        sender.connect(&[Peer::named(PEER, NAME, None)], 0).await;
        let shown = || sender.view.peers()[0].clone();
        assert_eq!(shown().url, format!("http://{NAME}"));
        sender.send(1);
        until("the vote that waited arrives", || {
            !arrivals.lock().is_empty()
        })
        .await;
        assert_eq!(shown().url, format!("http://{somebody}"));
        assert_eq!(sender.peers.read()[0].listens(), Some(somebody));
        assert_eq!(sender.metrics.peer_errors.get(), 2, "both were counted");
    });
}

#[test]
fn the_link_of_a_peer_that_was_never_found_ends_when_others_are_named() {
    let look_ups = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&look_ups);
    let resolve: Resolve = Arc::new(move |_| {
        count.fetch_add(1, SeqCst);
        Err(std::io::ErrorKind::NotFound.into())
    });
    System::new().block_on(async {
        let sender = sender_that_resolves(resolve);
        let lost = Peer::named(PEER, "validator.example:9545", None);
        sender.connect(&[lost], 0).await;
        until("it is looked up", || look_ups.load(SeqCst) >= 1).await;
        sender.connect(&[], 0).await;
        let by_now = look_ups.load(SeqCst);
        tokio::time::sleep(2 * RESOLVE_EVERY).await;
        assert_eq!(look_ups.load(SeqCst), by_now);
    });
}

/// Two validators restarted and swapped their addresses: each was found where the other should be,
/// and asked there again and again, for ever.
#[test]
fn a_peer_that_is_found_in_anothers_place_is_looked_up_again() {
    let arrivals = Arrivals::default();
    let other = place(&healthy(Address([5; 20]), &Arrivals::default()));
    let right = place(&healthy(PEER, &arrivals));
    let moved = Arc::new(AtomicBool::new(false));
    let has_moved = Arc::clone(&moved);
    let resolve: Resolve = Arc::new(move |_| {
        // What a resolver knows may be old at first.
        Ok(vec![if has_moved.load(SeqCst) { right } else { other }])
    });
    System::new().block_on(async {
        let sender = sender_that_resolves(resolve);
        let peer = Peer::named(PEER, "validator.example:9545", Some(other));
        sender.connect(&[peer], 0).await;
        sender.send(1);
        until("it is refused", || sender.view.peers()[0].refused.is_some()).await;
        moved.store(true, SeqCst);
        // Sooner than it would be asked again where it was.
        until("the vote arrives", || !arrivals.lock().is_empty()).await;
        let view = &sender.view.peers()[0];
        assert!(view.reachable && view.refused.is_none(), "{view:?}");
    });
}

#[test]
fn a_name_that_leads_to_two_strangers_is_not_asked_in_a_tight_loop() {
    const HANDSHAKES: usize = 4;
    let greeted = Arc::new(AtomicUsize::new(0));
    let strangers = [5, 6].map(|n| {
        let greeted = Arc::clone(&greeted);
        let hello = serde_json::to_vec(&handshake(Address([n; 20]))).unwrap();
        fake_peer::serve(move |_, out| {
            greeted.fetch_add(1, SeqCst);
            out.write_all(&answer("200 OK", &hello))
        })
    });
    let resolve: Resolve = Arc::new(move |_| Ok(strangers.into()));
    System::new().block_on(async {
        let sender = sender_that_resolves(resolve);
        let began = Instant::now();
        let peer = Peer::named(PEER, "validator.example:9545", Some(strangers[0]));
        sender.connect(&[peer], 0).await;
        until("both were asked twice", || {
            greeted.load(SeqCst) >= HANDSHAKES
        })
        .await;
        // The first look-up may help at once; behind it the waits double.
        assert!(began.elapsed() >= 6 * RESOLVE_EVERY);
    });
}

#[test]
fn an_address_is_never_looked_up() {
    let resolve: Resolve = Arc::new(|_| panic!("there is no name"));
    System::new().block_on(async {
        let sender = sender_that_resolves(resolve);
        sender.connect(&[refused(PEER)], 0).await;
        until("it fails", || sender.metrics.peer_errors.get() >= 5).await;
    });
}

/// It was told as "HTTP status 404", and "start them".
#[test]
fn who_answers_people_where_a_peer_should_be_is_named_as_that() {
    let listens = fake_peer::serve(|_, out| out.write_all(&answer("404 Not Found", b"{}")));
    System::new().block_on(async {
        let sender = sender();
        sender.connect(&[Peer::at(PEER, listens)], 0).await;
        until("it is said", || {
            let peers = sender.view.peers();
            let trouble = peers.iter().find_map(|peer| peer.trouble.clone());
            trouble.is_some_and(|why| why.contains("write its peer_listen into peers"))
        })
        .await;
    });
}
