//! Votes that a faulty validator can sign, and those that anybody can make of others' votes: huge
//! heights and rounds, floods of far ones, replays (faults 17, 21 and 23 of the design). Each has
//! its status, its code and its count, and the chain goes on.
use lockstep_protocol::nouns::vote::{SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Hash, Height, Round};
use lockstep_protocol::wire::Wire;
use support::target::{Case, Target, VOTE};
use support::{Connection, get, metric, post};

const VOTES: &str = "votes_received_total";

fn vote(kind: VoteKind, height: u64, round: u32) -> Vote {
    Vote {
        kind,
        height: Height(height),
        round: Round(round),
        block_id: None,
        valid_round: None,
        validator: Default::default(),
    }
}

/// Posts a vote that is answered 202; says under which result it was counted.
fn taken(target: &Target, signed: &SignedVote, result: &str) {
    let label = format!("result=\"{result}\"");
    let before = metric(&target.url, VOTES, &label);
    let answer = post(&target.peer_url, VOTE, &target.wire.encode_vote(signed));
    assert_eq!(answer.status, 202, "{:?}", signed.vote);
    let after = metric(&target.url, VOTES, &label);
    // Honest votes that come late after a block count as stale, too.
    let counted = after - before;
    assert!(
        counted == 1.0 || result == "stale" && counted > 1.0,
        "{:?} counts as {result}: {counted}",
        signed.vote
    );
}

/// Negative numbers are huge ones here; both ends of the range change nothing.
#[test]
fn votes_of_huge_and_of_no_heights_and_rounds_change_nothing() {
    let target = Target::boot();
    for (signed, result) in [
        (
            target.signed(1, &vote(VoteKind::Prevote, u64::MAX, 0)),
            "too_early",
        ),
        (
            target.signed(2, &vote(VoteKind::Precommit, i64::MIN as u64, u32::MAX)),
            "too_early",
        ),
        (target.signed(3, &vote(VoteKind::Prevote, 0, 0)), "stale"),
        (
            target.signed(1, &vote(VoteKind::Prevote, 1, u32::MAX)),
            "counted",
        ),
        (
            target.signed(1, &vote(VoteKind::Precommit, 1, i32::MIN as u32)),
            "duplicate",
        ),
    ] {
        taken(&target, &signed, result);
    }
    target.assert_unharmed();
}

/// Fault 23: two messages of one validator are one validator, and one of four skips no round.
#[test]
fn prevote_and_precommit_of_one_validator_skip_no_round() {
    let target = Target::boot();
    taken(
        &target,
        &target.signed(1, &vote(VoteKind::Prevote, 1, 5)),
        "counted",
    );
    taken(
        &target,
        &target.signed(1, &vote(VoteKind::Precommit, 1, 5)),
        "duplicate",
    );
    target.devnet.tick().expect("a block comes");
    let block = get(&target.url, "/blocks/1").json();
    assert_eq!(block["commit"]["round"], 0);
    target.assert_unharmed();
}

/// Fault 17, over HTTP: beyond its budget its votes are refused unverified.
#[test]
fn thousands_of_validly_signed_far_votes_are_refused_beyond_their_senders_budget() {
    let target = Target::boot();
    let mut bodies = Vec::new();
    for n in 0..1_500 {
        let (height, round) = if n % 2 == 0 {
            (1, 10 + n)
        } else {
            (10 + u64::from(n), 0)
        };
        let signed = target.signed(1, &vote(VoteKind::Prevote, height, round));
        bodies.push(target.wire.encode_vote(&signed));
    }
    let mut connection = Connection::open(&target.peer_url);
    let mut refused = 0;
    for body in &bodies {
        let answer = connection.request("POST", VOTE, body).expect("an answer");
        if answer.status == 429 {
            assert_eq!(answer.json()["code"], "over_budget");
            refused += 1;
        } else {
            assert_eq!(answer.status, 202);
        }
    }
    assert!(refused > 0, "1,500 in well under five seconds");
    let counted = metric(&target.url, VOTES, "result=\"over_budget\"");
    assert_eq!(counted, f64::from(refused));
    target.assert_unharmed();
}

/// Fault 21: other chain, other genesis, old height, another kind under the same signature.
#[test]
fn replayed_votes_are_refused_or_stale() {
    let target = Target::boot();
    let old = target.signed(1, &vote(VoteKind::Prevote, 1, 0));
    let mut swapped = old.clone();
    swapped.vote.kind = VoteKind::Precommit;
    let mut moved = old.clone();
    moved.vote.round = Round(1);
    let bad = (403, "bad_signature", (VOTES, "result=\"bad_signature\""));
    let foreign = Wire::new(Hash([7; 32])).encode_vote(&old);
    let other_chain = (
        400,
        "foreign_chain",
        ("messages_refused_total", "reason=\"ForeignChain\""),
    );
    for (what, body, (status, code, counted)) in [
        ("another kind", target.wire.encode_vote(&swapped), bad),
        ("another round", target.wire.encode_vote(&moved), bad),
        ("another genesis", foreign, other_chain),
    ] {
        let path = VOTE;
        target.refuse(&Case {
            what,
            path,
            body,
            status,
            code,
            counted,
        });
    }
    target.devnet.tick().expect("a block comes");
    taken(&target, &old, "stale");
    target.assert_unharmed();
}
