//! Misbehaviour over real HTTP: whoever contradicts itself stands in a block of all nodes, once;
//! and a node that learns of a second decision stops and names who made it. The keys of a devnet
//! are public, so anybody can play a faulty validator.
use lockstep_protocol::crypto;
use lockstep_protocol::limits::EVIDENCE_MESSAGE_BYTES_MAX;
use lockstep_protocol::nouns::block::{Header, SealedBlock};
use lockstep_protocol::nouns::commit::{CommitCertificate, certify};
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::vote::{Signature, SignedVote, VoteKind};
use lockstep_protocol::types::{Hash, Height, Round};
use serde_json::Value;
use std::sync::Arc;
use support::target::{PROPOSAL, Target, VOTE};
use support::{assert_same_chain, eventually, get, metric, post};

const EVIDENCE: &str = "/consensus/evidence";
const OTHER: Hash = Hash([7; 32]);

fn list<'a>(page: &'a Value, name: &str) -> &'a Vec<Value> {
    page[name].as_array().expect("a list")
}

fn evidence(url: &str) -> Value {
    let answer = get(url, "/evidence");
    assert_eq!(answer.status, 200);
    answer.json()
}

fn carried(url: &str, height: u64) -> Vec<Value> {
    let block = get(url, &format!("/blocks/{height}")).json();
    list(&block, "evidence").clone()
}

/// Validator `index` votes twice, and each of these nodes sees both.
fn contradict(target: &Target, nodes: &[usize], index: usize, kind: VoteKind) {
    let urls = target.devnet.peer_urls();
    for id in [None, Some(OTHER)] {
        let vote = target.wire.encode_vote(&target.vote_of(index, kind, id));
        for url in nodes.iter().map(|node| &urls[*node]) {
            assert_eq!(post(url, VOTE, &vote).status, 202);
        }
    }
}

/// Block 2 of this node carries all three, and the metrics count each once.
fn assert_carried(target: &Target, url: &str) {
    let urls = target.devnet.urls();
    assert_eq!(
        carried(url, 1),
        [] as [Value; 0],
        "its own height is not over"
    );
    let pieces = carried(url, 2);
    assert_eq!(pieces, carried(&urls[0], 2));
    let mut kinds: Vec<_> = pieces.iter().map(|p| p["kind"].as_str()).collect();
    kinds.sort();
    let expected = ["double_precommit", "double_prevote", "wrong_proposer"];
    assert_eq!(kinds, expected.map(Some));
    let accused = target.devnet.validators()[1];
    for kind in ["double_precommit", "double_prevote"] {
        let piece = pieces.iter().find(|piece| piece["kind"] == kind);
        let piece = piece.expect("it is there");
        assert_eq!(piece["validator"], accused.to_string());
        assert_eq!((&piece["height"], &piece["round"]), (&1.into(), &0.into()));
        let counted = metric(url, "evidence_total", &format!("kind=\"{kind}\""));
        assert_eq!(counted, 1.0, "{kind} at {url}");
    }
}

/// No later block carries any, none waits, and the page says where they stand.
fn assert_listed(url: &str) {
    for height in 3..=5 {
        assert_eq!(carried(url, height), [] as [Value; 0], "block {height}");
    }
    let page = evidence(url);
    assert_eq!(list(&page, "pending").len(), 0);
    let committed = list(&page, "committed");
    assert_eq!(committed.len(), 3);
    assert!(committed.iter().all(|piece| piece["block"] == 2));
    assert_eq!(metric(url, "evidence_pending", ""), 0.0);
    let first = get(url, "/evidence?limit=1").json();
    assert_eq!(list(&first, "committed").len(), 1);
    assert_eq!(get(url, "/evidence?limit=x").status, 400);
}

#[test]
fn offences_end_in_a_block_of_all_four_nodes_exactly_once() {
    let target = Target::boot();
    let urls = target.devnet.urls();
    contradict(&target, &[0, 1, 2, 3], 1, VoteKind::Precommit);
    // The votes of two would bring the others into the height before the tick.
    contradict(&target, &[0, 1, 2, 3], 1, VoteKind::Prevote);
    // Not 1 again: no block accuses a validator three times.
    let scheduled = target.validator(true);
    let others = (0..4).filter(|index| ![1, scheduled].contains(index));
    let out_of_turn = others.min().expect("two of four");
    let proposal = target.wire.encode_proposal(&target.proposal(out_of_turn));
    for (index, peer_url) in target.devnet.peer_urls().iter().enumerate() {
        // Its own node would stop at it, as that of the equivocator does, and two are no quorum.
        let is_told = index != out_of_turn;
        if is_told {
            assert_eq!(post(peer_url, PROPOSAL, &proposal).status, 403);
        }
        let url = &urls[index];
        let waiting = 2 + usize::from(is_told);
        let all = || (list(&evidence(url), "pending").len() == waiting).then_some(());
        eventually("all offences wait", all);
        assert_eq!(metric(url, "evidence_pending", ""), waiting as f64);
    }
    for _ in 0..5 {
        target.devnet.tick().expect("a block comes");
    }
    for url in &urls {
        assert_carried(&target, url);
        assert_listed(url);
    }
    // Told again, it is still one offence.
    contradict(&target, &[0, 1, 2, 3], 1, VoteKind::Precommit);
    assert_same_chain(&target.devnet, &[0, 1, 2, 3]);
}

#[test]
fn evidence_that_one_node_holds_survives_a_fall_and_a_restart_and_reaches_a_block() {
    let target = Target::boot();
    let url = target.devnet.urls()[0].clone();
    contradict(&target, &[0], 1, VoteKind::Precommit);
    let waits = || (list(&evidence(&url), "pending").len() == 1).then_some(());
    eventually("it waits on disk", waits);
    target.devnet.stop(0);
    target.devnet.restart(0).expect("it restarts");
    let url = target.devnet.urls()[0].clone();
    assert_eq!(list(&evidence(&url), "pending").len(), 1);
    assert_eq!(metric(&url, "evidence_total", ""), 0.0, "nothing new");
    assert!(target.devnet.inject_panic(0, "Committer"));
    for _ in 0..6 {
        target.devnet.tick().expect("a block comes");
    }
    assert_same_chain(&target.devnet, &[0, 1, 2, 3]);
    for url in target.devnet.urls() {
        let pieces: Vec<Value> = (1..=6).flat_map(|h| carried(&url, h)).collect();
        assert_eq!(pieces.len(), 1, "{url}: {pieces:?}");
        assert_eq!(pieces[0]["kind"], "double_precommit");
    }
}

/// A proposal of height 2 on another block 1, with that block's certificate.
fn other_branch(target: &Target) -> ProposedBlock {
    let devnet = &target.devnet;
    let certificate = other_decision(target);
    let mut sorted: Vec<_> = devnet.validators().into_iter().enumerate().collect();
    sorted.sort_by_key(|(_, address)| *address);
    let (index, proposer) = sorted[2];
    let ours = devnet.block(0, 1).expect("it reads").expect("block 1");
    let header = Header {
        height: Height(2),
        time: ours.block.header().time.plus_ms(5),
        proposer,
        previous_block: OTHER,
        ..ours.block.header().clone()
    };
    let block = SealedBlock::build(header, Vec::new(), Vec::new(), Some(certificate));
    let block = Arc::new(block);
    let mut proposal = Proposal {
        height: Height(2),
        round: Round(0),
        block_id: block.id(),
        valid_round: None,
        proposer,
        signature: Signature(Vec::new()),
    };
    proposal.signature = target.sign(index, &proposal.sign_bytes(&devnet.sign_context()));
    ProposedBlock {
        proposal,
        block,
        polka: None,
    }
}

fn other_decision(target: &Target) -> CommitCertificate {
    let genesis = target.devnet.genesis();
    let set = genesis.validator_set(&*crypto::scheme(genesis.scheme));
    let precommit = |index| target.vote_of(index, VoteKind::Precommit, Some(OTHER));
    let votes: Vec<SignedVote> = (0..3).map(precommit).collect();
    let votes: Vec<&SignedVote> = votes.iter().collect();
    certify(&set.expect("a set"), &votes).expect("a quorum")
}

#[test]
fn a_second_decision_stops_the_node_that_hears_of_it_and_names_its_makers() {
    let target = Target::boot();
    target.devnet.tick().expect("block 1");
    let first = target
        .devnet
        .block(0, 1)
        .expect("it reads")
        .expect("block 1");
    assert_eq!(
        first.certificate.round,
        Round(0),
        "decided in the round of the other"
    );
    let url = target.devnet.urls()[0].clone();
    let proposal = target.wire.encode_proposal(&other_branch(&target));
    let peer_url = &target.devnet.peer_urls()[0];
    assert_eq!(post(peer_url, PROPOSAL, &proposal).status, 202);
    let halted = || {
        get(&url, "/status").json()["halted"]
            .as_str()
            .map(str::to_owned)
    };
    let sentence = eventually("it stops voting", halted);
    assert!(
        sentence.contains("height 1 was decided twice"),
        "{sentence}"
    );
    let page = evidence(&url);
    let [fork] = &list(&page, "forks")[..] else {
        panic!("{page}")
    };
    let accused = list(fork, "accused");
    assert!(accused.len() >= 2, "{fork}");
    for one in accused {
        assert_eq!(one["guilt"], "double_precommit");
        assert!(sentence.contains(one["validator"].as_str().expect("an address")));
    }
    // The double precommits are evidence for the others' blocks as well.
    assert_eq!(list(&page, "pending").len(), accused.len());
    let end = target.devnet.stop(0).expect("it ran");
    assert_eq!(end.exit_code(), 4, "{end}");
    target.devnet.restart(0).expect("it restarts");
    let url = target.devnet.urls()[0].clone();
    let halted = || {
        get(&url, "/status").json()["halted"]
            .as_str()
            .map(str::to_owned)
    };
    let again = eventually("it does not begin to vote again", halted);
    assert!(again.contains("height 1 was decided twice"), "{again}");
    let end = target.devnet.stop(0).expect("it ran");
    assert_eq!(end.exit_code(), 4, "after a restart, too: {end}");
    assert!(end.to_string().contains("agree on one"), "{end}");
}

/// One of the nodes whose turn comes neither at height 2 nor at height 3.
fn late_for_its_turns(target: &Target) -> usize {
    let mut sorted = target.devnet.validators();
    sorted.sort();
    let turns = [sorted[2], sorted[3]];
    let validators = target.devnet.validators();
    let mut others = (0..4).filter(|index| !turns.contains(&validators[*index]));
    others.next().expect("two of four")
}

/// One node finds an offence of height 1, and the blocks 2 and 3 are others'. Whether block 2 carries
/// it all the same: on a slow machine the others pull the votes that prove it.
fn found_by_one(target: &Target, holder: usize) -> bool {
    contradict(target, &[holder], (holder + 1) % 4, VoteKind::Precommit);
    let url = &target.devnet.urls()[holder];
    let waits = || (list(&evidence(url), "pending").len() == 1).then_some(());
    eventually("it waits", waits);
    target.devnet.tick().expect("block 1");
    target.devnet.tick().expect("block 2");
    carried(url, 2).is_empty()
}

#[test]
fn evidence_that_the_next_block_does_not_carry_is_told_and_another_carries_it() {
    let mut targets = (0..10).map(|_| Target::boot());
    let target = targets.find(|target| found_by_one(target, late_for_its_turns(target)));
    let target = target.expect("one of ten is fast enough");
    let holder = late_for_its_turns(&target);
    let urls = target.devnet.urls();
    for url in (0..4)
        .filter(|node| *node != holder)
        .map(|node| &urls[node])
    {
        eventually("it is told", || {
            let told = |result| {
                let label = format!("result=\"{result}\"");
                metric(url, "evidence_received_total", &label)
            };
            // Known to whoever has pulled the votes.
            (told("counted") + told("duplicate") >= 1.0).then_some(())
        });
    }
    for _ in 3..=6 {
        target.devnet.tick().expect("a block comes");
    }
    for url in &urls {
        let pieces: usize = (1..=6).map(|height| carried(url, height).len()).sum();
        assert_eq!(
            (pieces, list(&evidence(url), "pending").len()),
            (1, 0),
            "{url}"
        );
    }
    assert_same_chain(&target.devnet, &[0, 1, 2, 3]);
}

#[test]
fn what_a_peer_tells_is_answered_by_what_it_is_worth() {
    let target = Target::boot();
    let (wire, peer_url) = (&target.wire, &target.peer_url);
    let vote = |index, id| target.vote_of(index, VoteKind::Precommit, id);
    let tell = |evidence: &Evidence| {
        let answer = post(peer_url, EVIDENCE, &wire.encode_evidence(evidence));
        let code = answer.status != 202;
        let code = code.then(|| answer.json()["code"].clone());
        (
            answer.status,
            code.and_then(|code| Some(code.as_str()?.to_owned())),
        )
    };
    let refused = |status, code: &str| (status, Some(code.to_owned()));
    let nil = vote(1, None);
    let other = vote(1, Some(OTHER));
    let proof = Evidence::of_votes(nil.clone(), other.clone());
    let mut forged = other.clone();
    forged.signature.0[7] ^= 1;
    let forged = Evidence::of_votes(nil.clone(), forged);
    let twice = Evidence::ConflictingVotes(nil.clone(), nil.clone());
    let mut stranger = other;
    stranger.vote.validator.0[0] ^= 1;
    let stranger = Evidence::of_votes(nil, stranger);
    assert_eq!(tell(&forged), refused(403, "bad_signature"));
    assert_eq!(tell(&twice), refused(400, "malformed"));
    assert_eq!(tell(&stranger), refused(400, "malformed"));
    for _ in 0..2 {
        assert_eq!(tell(&proof), (202, None));
    }
    let url = &target.url;
    for (result, count) in [
        ("counted", 1.0),
        ("duplicate", 1.0),
        ("bad_signature", 1.0),
        ("malformed", 2.0),
    ] {
        let label = format!("result=\"{result}\"");
        let counted = metric(url, "evidence_received_total", &label);
        assert_eq!(counted, count, "{result}");
    }
    assert_eq!(list(&evidence(url), "pending").len(), 1);
    let garbage = vec![0; EVIDENCE_MESSAGE_BYTES_MAX + 1];
    assert_eq!(post(peer_url, EVIDENCE, &garbage).status, 413);
    assert_eq!(post(peer_url, EVIDENCE, &garbage[..99]).status, 400);
    // People have their own listener, and it takes none.
    assert_eq!(
        post(url, EVIDENCE, &wire.encode_evidence(&proof)).status,
        404
    );
}
