//! A node's process that has stopped for safety: it serves reads until it is asked to stop, then it
//! ends with exit code 4 and one line that names the next step.
use lockstep_protocol::crypto::{self, SchemeId, Seed};
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Height, Round};
use lockstep_protocol::wire::Wire;
use support::process::{Network, Process};
use support::{eventually, get, post};

/// A precommit for the height under decision, far beyond any round that a node signs by itself,
/// under the key of this node: signed by somebody else.
pub(crate) fn signed_elsewhere(network: &Network, node: usize) -> SignedVote {
    let (validator, seed) = network.key(&format!("node{node}/validator.key"));
    let scheme = crypto::scheme(SchemeId::MlDsa65);
    let signer = scheme.signer(&Seed(seed)).expect("a key");
    let status = get(&network.urls[node], "/status").json();
    let height = status["height"].as_u64().expect("a height") + 1;
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: Height(height),
        round: Round(1_000),
        block_id: None,
        valid_round: None,
        validator,
    };
    let bytes = network.context(node).vote(&vote);
    let signature = Signature(signer.sign(&bytes).expect("it signs"));
    SignedVote { vote, signature }
}

fn halted(network: &Network) -> Option<String> {
    let halted = &get(&network.urls[0], "/status").json()["halted"];
    halted.as_str().map(str::to_owned)
}

fn end(node: &mut Process) {
    node.child.signal("-TERM");
    let status = node.child.wait("it ends");
    let log = node.log_text();
    assert_eq!(status.code(), Some(4), "{log}");
    let last = log.lines().last().unwrap_or_default();
    for word in ["safety stop", "the same key runs twice", "stop the other"] {
        assert!(last.contains(word), "{word} in {last}");
    }
}

#[test]
fn a_node_that_stopped_for_safety_serves_reads_and_ends_with_exit_code_4() {
    let mut network = Network::running(4, &["block_interval_ms=50"]);
    network.wait_for(&[0, 1, 2, 3], 2);
    let wire = Wire::new(network.context(0).genesis_hash);
    let peer_url = format!("http://{}", network.peers[0]);
    let sentence = eventually("it stops voting", || {
        let vote = wire.encode_vote(&signed_elsewhere(&network, 0));
        post(&peer_url, "/consensus/vote", &vote);
        halted(&network)
    });
    assert!(sentence.contains("the same key runs twice"), "{sentence}");
    assert_eq!(get(&network.urls[0], "/blocks/1").status, 200);
    end(network.node(0));
}
