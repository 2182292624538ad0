//! Evidence on its way to a peer.
use super::*;
use lockstep_protocol::nouns::evidence::Evidence;

/// Two nil votes that contradict nothing: nobody here looks.
fn evidence() -> Evidence {
    let Broadcast::Vote(vote) = vote(7) else {
        panic!("a vote")
    };
    Evidence::ConflictingVotes((*vote).clone(), (*vote).clone())
}

/// A peer that has no room at first gets it again, and whoever refuses it does not.
#[test]
fn evidence_goes_to_every_peer_until_it_is_taken_or_refused() {
    System::new().block_on(async {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let peer = |tag: u8, answers: &'static [&'static str]| {
            let address = Address([tag; 20]);
            let hello = serde_json::to_vec(&handshake(address)).unwrap();
            let taken = Arc::clone(&taken);
            let wire = Wire::new(Hash([1; 32]));
            let asked = Mutex::new(0);
            let listens = fake_peer::serve(move |request, out| {
                if request.head.starts_with("GET /handshake") {
                    return out.write_all(&answer("200 OK", &hello));
                }
                assert!(request.head.starts_with("POST /consensus/evidence"));
                let told = wire.decode_evidence(&request.body);
                assert_eq!(told, Ok(evidence()));
                let mut asked = asked.lock();
                let status = answers[*asked];
                *asked += 1;
                taken.lock().push((tag, status));
                out.write_all(&answer(status, b""))
            });
            Peer::at(address, listens)
        };
        let sender = sender();
        let busy = peer(2, &["503 Busy", "429 Too Many Requests", "202 Accepted"]);
        let refusing = peer(3, &["403 Forbidden"]);
        let peers = ConnectPeers(vec![busy, refusing]);
        sender.connect.ask(peers).await.unwrap();
        let told = TellEvidence(vec![evidence()]);
        sender.tell_evidence.ask(told).await.unwrap();
        let expected = [
            (2, "503 Busy"),
            (2, "429 Too Many Requests"),
            (2, "202 Accepted"),
            (3, "403 Forbidden"),
        ];
        for _ in 0..1_000 {
            if taken.lock().len() >= expected.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Nothing more comes.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut taken = taken.lock().clone();
        taken.sort_by_key(|(tag, _)| *tag);
        assert_eq!(taken, expected);
    });
}
