//! E5 on real nodes: what was pushed and never arrived is pulled, and costs milliseconds where it
//! would cost a timeout. Timeouts are so long here that a round in which one fires is seen.
use lockstep_devnet::{CommitEvent, Devnet};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::limits::PULL_BYTES_MAX;
use lockstep_protocol::nouns::pull::{HeldVotes, Pull};
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::{Hash, Height, Round};
use lockstep_protocol::wire::Wire;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use support::target::{Case, Target};
use support::{assert_nobody_signed_twice, assert_same_chain, metric, post};

const VOTE: &str = "/consensus/vote";
const PROPOSAL: &str = "/consensus/proposal";
const PULL: &str = "/consensus/pull";
const PROPOSE_MS: u64 = 10_000;
/// What a lost message may cost, pulled: far less than a round, and far more than a busy machine
/// needs for a height.
const A_THIRD: Duration = Duration::from_millis(PROPOSE_MS / 3);
const TIMEOUTS: Timeouts = Timeouts {
    propose_ms: PROPOSE_MS,
    prevote_ms: PROPOSE_MS,
    precommit_ms: PROPOSE_MS,
    ..Timeouts::DEVNET
};

/// Four nodes with faulty links, and the highest round that decided a height.
struct Stage {
    devnet: Devnet,
    highest_round: Arc<AtomicU32>,
    /// Nodes in order of their turns: the first one's is height 4.
    by_turn: Vec<usize>,
}

impl Stage {
    fn new() -> Stage {
        let highest_round = Arc::new(AtomicU32::new(0));
        let seen = highest_round.clone();
        let devnet = Devnet::builder()
            .manual(true)
            .timeouts(TIMEOUTS)
            .faulty_links(7)
            .on_commit(move |event: CommitEvent| {
                seen.fetch_max(event.round.0, Ordering::Relaxed);
            })
            .boot()
            .expect("it boots");
        let validators = devnet.validators();
        let mut by_turn: Vec<usize> = (0..4).collect();
        by_turn.sort_by_key(|node| validators[*node]);
        Stage {
            devnet,
            highest_round,
            by_turn,
        }
    }

    /// Nothing with this path that `from` sends to `to` arrives any more.
    fn lose(&self, from: usize, to: usize, path: &str) {
        if from != to {
            self.devnet
                .links()
                .swallow(from, to, path)
                .expect("the links");
        }
    }

    /// Makes blocks in round 0, and says how long that took.
    fn make_blocks(&self, count: u32) -> Duration {
        let began = Instant::now();
        for _ in 0..count {
            self.devnet.tick().expect("a block comes");
        }
        assert_eq!(self.highest_round.load(Ordering::Relaxed), 0);
        began.elapsed()
    }
}

/// One of four is dead, so nothing is decided without the votes of the deaf one.
#[test]
fn a_node_that_hears_no_push_still_votes_in_round_0() {
    let stage = Stage::new();
    let (dead, deaf) = (stage.by_turn[0], stage.by_turn[3]);
    stage.devnet.kill(dead);
    for from in 0..4 {
        stage.lose(from, deaf, VOTE);
        stage.lose(from, deaf, PROPOSAL);
    }
    let took = stage.make_blocks(3);
    println!("three heights with a deaf node: {took:?}, one propose timeout: {PROPOSE_MS} ms");
    assert!(took < 3 * A_THIRD, "{took:?}");
    let url = &stage.devnet.urls()[deaf];
    assert!(metric(url, "messages_pulled_total", "") >= 3.0);
    let alive: Vec<usize> = stage.by_turn[1..].to_vec();
    assert_same_chain(&stage.devnet, &alive);
    assert_nobody_signed_twice(&stage.devnet, &alive);
}

/// The links of the others are free: what waits behind a lost message on a link waits with it.
#[test]
fn a_proposal_that_never_arrives_costs_less_than_the_propose_timeout() {
    let stage = Stage::new();
    let proposer = stage.by_turn[1];
    (0..4).for_each(|to| stage.lose(proposer, to, PROPOSAL));
    let took = stage.make_blocks(1);
    println!("one height without its pushed proposal: {took:?}, one timeout: {PROPOSE_MS} ms");
    assert!(took < A_THIRD, "{took:?}");
    assert_same_chain(&stage.devnet, &[0, 1, 2, 3]);
    assert_nobody_signed_twice(&stage.devnet, &[0, 1, 2, 3]);
}

#[test]
fn bad_questions_are_refused_and_counted() {
    let target = Target::boot();
    let question = Pull::new(Height(1), Round(0));
    let mut crooked = question.clone();
    let held = HeldVotes::new(VoteKind::Prevote, (None, None), [0], 99);
    crooked.rounds[0].votes.push(held);
    let foreign = Wire::new(Hash([9; 32])).encode_pull(&question);
    let cases = [
        ("no bytes", Vec::new(), 400, "malformed", "Malformed"),
        (
            "a bitmap of another set",
            target.wire.encode_pull(&crooked),
            400,
            "malformed",
            "Malformed",
        ),
        (
            "another chain",
            foreign,
            400,
            "foreign_chain",
            "ForeignChain",
        ),
        (
            "too long",
            vec![0; PULL_BYTES_MAX + 1],
            413,
            "too_large",
            "TooLarge",
        ),
    ];
    for (what, body, status, code, reason) in cases {
        target.refuse(&Case {
            what,
            path: PULL,
            body,
            status,
            code,
            counted: ("messages_refused_total", reason),
        });
    }
    target.assert_unharmed();
}

#[test]
fn a_decided_height_is_answered_with_the_precommits_that_decided_it() {
    let target = Target::boot();
    target.devnet.tick().expect("a block comes");
    let question = target.wire.encode_pull(&Pull::new(Height(1), Round(0)));
    let answer = post(&target.peer_url, PULL, &question);
    assert_eq!(answer.status, 200);
    let pulled = target.wire.decode_pulled(&answer.body).expect("an answer");
    let block = target
        .devnet
        .block(0, 1)
        .expect("it reads")
        .expect("it is there");
    assert_eq!((pulled.committed, pulled.proposals.len()), (Height(1), 0));
    assert_eq!(pulled.votes.len(), block.certificate.signers.count());
    for vote in &pulled.votes {
        assert_eq!(vote.vote.block_id, Some(block.block.id()));
    }
}
