//! What an answer to a pull may cost: a liar may write hundreds of votes into one.
use super::*;
use crate::runtime::Probe;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::limits::PULL_VOTES_MAX;
use lockstep_protocol::pull::Pulled;

const PEER: Address = Address([4; 20]);
const ASKED: Height = Height(7);

/// Asks a peer that answers with these votes, of which the first `honest` verify; returns the
/// heights of those that were looked at before the question was over.
fn looked_at(votes: Vec<SignedVote>, honest: usize) -> Vec<u64> {
    let wire = Wire::new(Hash([1; 32]));
    let pulled = wire.encode_pulled(&Pulled {
        votes,
        ..Pulled::default()
    });
    let hello = serde_json::to_vec(&handshake(PEER)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        let body = match request.head.starts_with("GET /handshake") {
            true => &hello,
            false => &pulled,
        };
        out.write_all(&answer("200 OK", body))
    });
    System::new().block_on(async move {
        let mut looked_at = 0;
        let (pulled_vote, mut votes) = Probe::<VoteReceived>::answering(1_024, move |_| {
            looked_at += 1;
            match looked_at <= honest {
                true => Admission::Counted,
                false => Admission::BadSignature,
            }
        });
        let (pull_ended, mut ended) = Probe::open(8);
        let sender = sender_that_tells(Ports {
            blocks: Port::detached(),
            ahead: Port::detached(),
            keeps: Port::detached(),
            pulled_vote,
            pulled_proposal: Port::detached(),
            pull_ended,
        });
        let peer = Peer::at(PEER, listens);
        sender.connect(&[peer], 1).await;
        let (peer, pull) = (PEER, Pull::new(ASKED, Round(0)));
        sender.pull.tell(PullMessages { peer, pull }).unwrap();
        let ended: PullEnded = ended.next().await.expect("it is over");
        assert!(ended.is_answered);
        // Whatever has been told stands in the mailbox by now, and is looked at in its turn.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let heard = votes.drain().into_iter();
        heard.map(|vote| vote.0.vote.height.0).collect()
    })
}

fn votes(height: u64, count: usize) -> Vec<SignedVote> {
    let Broadcast::Vote(vote) = vote(height) else {
        panic!("it is a vote");
    };
    vec![SignedVote::clone(&vote); count]
}

/// Each of 512 was verified, and the next question asked for as many again.
#[test]
fn after_the_first_forged_vote_no_other_of_an_answer_is_looked_at() {
    assert_eq!(looked_at(votes(7, PULL_VOTES_MAX), 2), [7, 7, 7]);
}

#[test]
fn votes_of_other_heights_than_the_one_asked_about_are_not_looked_at() {
    let mixed = [votes(6, 2), votes(7, 1), votes(9, 2), votes(7, 1)].concat();
    assert_eq!(looked_at(mixed, usize::MAX), [7, 7]);
    let many = looked_at(votes(7, PULL_VOTES_MAX), usize::MAX);
    assert_eq!(many.len(), 16, "two rounds of four validators");
}
