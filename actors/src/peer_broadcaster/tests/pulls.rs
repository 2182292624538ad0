//! What an answer to a pull may cost: a liar may write hundreds of votes into one.
use super::*;
use crate::fixture::{prevote, proposed};
use crate::runtime::Probe;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::limits::PULL_VOTES_MAX;
use lockstep_protocol::nouns::pull::Pulled;

const ASKED: Height = Height(7);

/// Asks a peer that answers with these votes, of which the first `honest` verify; returns the
/// heights of those that were looked at before the question was over.
fn looked_at(votes: Vec<SignedVote>, honest: usize) -> Vec<u64> {
    let pulled = Pulled {
        votes,
        ..Pulled::default()
    };
    let [_, votes] = handed_over(pulled, 0, honest);
    votes
}

/// Whether the next of its kind verifies: the first so many do.
fn verdict(honest: usize) -> impl FnMut() -> Admission {
    let mut looked_at = 0;
    move || {
        looked_at += 1;
        match looked_at <= honest {
            true => Admission::Counted,
            false => Admission::BadSignature,
        }
    }
}

/// The same of an answer of proposals and votes, with how many of each verify: the heights of the
/// proposals, and of the votes, that were looked at.
fn handed_over(pulled: Pulled, proposals: usize, votes: usize) -> [Vec<u64>; 2] {
    let wire = Wire::new(Hash([1; 32]));
    let pulled = wire.encode_pulled(&pulled);
    let (mut of_proposals, mut of_votes) = (verdict(proposals), verdict(votes));
    let hello = serde_json::to_vec(&handshake(PEER)).unwrap();
    let listens = fake_peer::serve(move |request, out| {
        let body = match request.head.starts_with("GET /handshake") {
            true => &hello,
            false => &pulled,
        };
        out.write_all(&answer("200 OK", body))
    });
    System::new().block_on(async move {
        let (pulled_vote, mut votes) = Probe::<VoteReceived>::answering(1_024, move |_| of_votes());
        let (pulled_proposal, mut proposals) =
            Probe::<ProposalReceived>::answering(8, move |_| of_proposals());
        let (pull_ended, mut ended) = Probe::open(8);
        let sender = sender_that_tells(Ports {
            pulled_vote,
            pulled_proposal,
            pull_ended,
            ..Ports::default()
        });
        let peer = Peer::at(PEER, listens);
        sender.connect(&[peer], 1).await;
        let peer = PEER;
        let pull = Pull::new(ASKED, Round(0));
        sender.pull.tell(PullMessages { peer, pull }).unwrap();
        let ended: PullEnded = ended.next().await.expect("it is over");
        assert!(ended.is_answered);
        // Whatever has been told stands in the mailbox by now, and is looked at in its turn.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let proposals = proposals.drain().into_iter();
        let votes = votes.drain().into_iter();
        [
            proposals.map(|it| it.0.proposal.height.0).collect(),
            votes.map(|vote| vote.0.vote.height.0).collect(),
        ]
    })
}

/// Forged proposals cost a signature check each, like votes.
#[test]
fn after_a_forged_proposal_neither_the_next_nor_any_vote_of_the_answer_is_looked_at() {
    for (honest, expected) in [(0, (1, 0)), (1, (2, 0)), (2, (2, 3))] {
        let pulled = Pulled {
            proposals: [0, 1]
                .map(|round| Arc::new(proposed(7, round, PEER, 0)))
                .into(),
            votes: votes(7, 3),
            ..Pulled::default()
        };
        let looked_at = handed_over(pulled, honest, usize::MAX);
        let [proposals, votes] = looked_at.map(|seen| seen.len());
        assert_eq!((proposals, votes), expected);
    }
}

fn votes(height: u64, count: usize) -> Vec<SignedVote> {
    vec![prevote(height, Address([1; 20]), 7); count]
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
