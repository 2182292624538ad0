//! Compact proposals on real nodes: what all hold goes by name, what a node lacks it fetches, and
//! where neither works the whole proposal is pulled. Timeouts are so long here that a round in
//! which one fires is seen.
use lockstep_devnet::{Builder, CommitEvent, Devnet, load_accounts};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::crypto::merkle;
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::compact::{CompactProposal, TransactionsWanted};
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::types::{Hash, Height};
use lockstep_protocol::wire::Wire;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use support::target::{Case, Target};
use support::{Connection, assert_same_chain, eventually, get, metric, post};

const ALL: [usize; 4] = [0, 1, 2, 3];
const COMPACT: &str = "/consensus/compact";
const FETCH: &str = "/consensus/transactions";
const GOSSIP: &str = "/mempool/transactions";
const TIMEOUTS: Timeouts = Timeouts {
    propose_ms: 20_000,
    prevote_ms: 20_000,
    precommit_ms: 20_000,
    ..Timeouts::DEVNET
};

/// Four nodes, first transactions of new accounts (5.3 kB each), and the highest round of a commit.
struct Stage {
    devnet: Devnet,
    transfers: Vec<Transaction>,
    highest_round: Arc<AtomicU32>,
}

impl Stage {
    fn new(transfers: u32, change: impl FnOnce(Builder) -> Builder) -> Stage {
        let highest_round = Arc::new(AtomicU32::new(0));
        let seen = highest_round.clone();
        let builder = Devnet::builder()
            .scheme(SchemeId::MlDsa65)
            .manual(true)
            .timeouts(TIMEOUTS)
            .load_accounts(transfers)
            .on_commit(move |event: CommitEvent| {
                seen.fetch_max(event.round.0, Ordering::Relaxed);
            });
        let devnet = change(builder).boot().expect("it boots");
        let context = devnet.sign_context();
        let accounts = load_accounts(SchemeId::MlDsa65, transfers).expect("accounts");
        let to = accounts[0].address;
        let sign = accounts.iter().map(|a| a.transfer(&context, 0, to, 1));
        Stage {
            transfers: sign.map(|signed| signed.expect("it signs")).collect(),
            devnet,
            highest_round,
        }
    }

    fn wire(&self) -> Wire {
        Wire::new(self.devnet.genesis().hash())
    }

    /// Hands all transfers to this node.
    fn hand_in(&self, node: usize) {
        let mut connection = Connection::open(&self.devnet.urls()[node]);
        for transfer in &self.transfers {
            let bytes = self.wire().encode_transaction(transfer);
            let answer = connection.request("POST", "/transactions", &bytes);
            assert_eq!(answer.expect("an answer").status, 202);
        }
    }

    fn waiting(&self, node: usize) -> usize {
        let page = get(&self.devnet.urls()[node], "/mempool?limit=1").json();
        page["transactions"].as_u64().expect("a number") as usize
    }

    /// Until nobody passes a transaction on any more. A node that has all may still have one on its way
    /// to a peer that has it from elsewhere, and that one goes along with its proposal.
    fn gossip_rests(&self) {
        let route = "kind=\"Peers\",route=\"/mempool/transactions\"";
        let passed_on = || {
            let urls = self.devnet.urls();
            let answered = |url: &String| metric(url, "http_request_seconds_count", route);
            urls.iter().map(answered).sum::<f64>()
        };
        let mut before = passed_on();
        eventually("gossip rests", || {
            std::thread::sleep(Duration::from_millis(500));
            let now = passed_on();
            let rests = std::mem::replace(&mut before, now).to_bits() == now.to_bits();
            rests.then_some(())
        });
    }

    /// Until these nodes list all transfers.
    fn listed_by(&self, nodes: &[usize]) {
        eventually("all list all", || {
            let all = |node: &usize| self.waiting(*node) == self.transfers.len();
            nodes.iter().all(all).then_some(())
        });
    }

    fn of_all(&self, name: &str) -> f64 {
        let urls = self.devnet.urls();
        urls.iter().map(|url| metric(url, name, "")).sum()
    }

    /// Blocks until all transfers are committed, each in round 0.
    fn commit_all(&self) -> Vec<Arc<SealedBlock>> {
        let mut blocks = Vec::new();
        let mut committed = 0;
        while committed < self.transfers.len() {
            self.devnet.tick().expect("a block comes");
            let height = self.devnet.heights()[0].expect("it runs");
            let block = self.devnet.block(0, height).expect("it reads");
            let block = block.expect("it is there").block;
            committed += block.leaves().len();
            blocks.push(block);
            assert!(blocks.len() < 100, "{committed} committed");
        }
        assert_eq!(self.highest_round.load(Ordering::Relaxed), 0);
        assert_same_chain(&self.devnet, &ALL);
        blocks
    }
}

#[test]
fn what_all_hold_goes_by_name() {
    let stage = Stage::new(60, |builder| builder);
    stage.hand_in(0);
    stage.listed_by(&ALL);
    stage.gossip_rests();
    let blocks = stage.commit_all();
    let full = blocks.iter().filter(|block| !block.leaves().is_empty());
    let whole: usize = full
        .clone()
        .map(|block| lockstep_protocol::codec::encode(block.block()).len())
        .sum();
    let told = stage.of_all("new_proposals_bytes_total") / 3.0;
    println!(
        "{} blocks of {} transactions: {whole} bytes of blocks went as {told} bytes of proposals",
        full.count(),
        stage.transfers.len()
    );
    // Headers, certificates and signatures go as ever.
    assert!(told * 4.0 < whole as f64, "{told} of {whole}");
    assert_eq!(stage.of_all("transactions_named_total"), 180.0);
    assert_eq!(stage.of_all("transactions_sent_along_total"), 0.0);
    assert_eq!(stage.of_all("transactions_fetched_total"), 0.0);
}

/// Node 3 never hears of the transactions, and who took them believes that it has.
fn deaf_to_gossip(lost: &[&str]) -> Stage {
    let stage = Stage::new(12, |builder| builder.faulty_links(5));
    stage
        .devnet
        .links()
        .swallow(0, 3, GOSSIP)
        .expect("the links");
    for path in lost {
        ALL[..3].iter().for_each(|to| {
            stage
                .devnet
                .links()
                .swallow(3, *to, path)
                .expect("the links")
        });
    }
    stage.hand_in(0);
    stage.listed_by(&ALL[..3]);
    assert_eq!(stage.waiting(3), 0);
    stage
}

#[test]
fn what_a_node_lacks_it_fetches_from_the_proposer_in_round_0() {
    // Nor does it pull the whole of them.
    let stage = deaf_to_gossip(&["/consensus/pull"]);
    let proposes = |stage: &Stage| {
        let blocks = stage.commit_all();
        let me = stage.devnet.validators()[3];
        let carries = |block: &&Arc<SealedBlock>| !block.leaves().is_empty();
        let by = blocks.iter().filter(carries).map(|b| b.header().proposer);
        assert!(by.clone().all(|by| by != me), "it has nothing to propose");
        by.count()
    };
    assert!(proposes(&stage) > 0);
    let fetched = metric(&stage.devnet.urls()[3], "transactions_fetched_total", "");
    assert_eq!(fetched, 12.0);
    assert_eq!(stage.of_all("transactions_fetched_total"), 12.0);
}

#[test]
fn where_the_question_is_lost_the_whole_proposal_is_pulled_in_round_0() {
    let stage = deaf_to_gossip(&[FETCH]);
    stage.commit_all();
    let url = &stage.devnet.urls()[3];
    assert_eq!(metric(url, "transactions_fetched_total", ""), 0.0);
    assert!(metric(url, "messages_pulled_total", "") >= 1.0);
}

/// Who took them cannot pass them on yet: they go along.
#[test]
fn what_has_not_been_passed_on_goes_along() {
    let stage = Stage::new(3, |builder| builder.faulty_links(6));
    for to in 1..4 {
        // A batch under way is not with the peer.
        stage.devnet.links().delay(0, to, 1_500).expect("the links");
    }
    stage.hand_in(0);
    let blocks = stage.commit_all();
    let me = stage.devnet.validators()[0];
    let full = blocks.iter().find(|block| !block.leaves().is_empty());
    assert_eq!(full.expect("they are committed").header().proposer, me);
    assert_eq!(stage.of_all("transactions_sent_along_total"), 9.0);
    assert_eq!(stage.of_all("transactions_fetched_total"), 0.0);
}

/// A faulty proposer names what nobody holds, or other leaves than its header's. The first is as if
/// it had said nothing.
#[test]
fn compact_proposals_that_lie_are_refused_or_wait_in_vain() {
    let target = Target::boot();
    let proposer = target.validator(true);
    let message = target.proposal(proposer);
    let mut lying = CompactProposal::of(&message, |_| false);
    lying.leaves = vec![Hash([7; 32])];
    let case = |what, body, code, family, label| Case {
        what,
        path: COMPACT,
        body,
        status: 400,
        code,
        counted: (family, label),
    };
    const REFUSED: &str = "messages_refused_total";
    let mismatch = "reason=\"BodyMismatch\"";
    let bytes = target.wire.encode_compact(&lying);
    let cut = bytes[..bytes.len() - 1].to_vec();
    target.refuse(&case(
        "other leaves",
        bytes,
        "body_mismatch",
        REFUSED,
        mismatch,
    ));
    let malformed = "reason=\"Malformed\"";
    target.refuse(&case("cut off", cut, "malformed", REFUSED, malformed));
    lying.header.transactions_root = merkle::root(&lying.leaves);
    let bytes = target.wire.encode_compact(&lying);
    target.refuse(&case(
        "another id",
        bytes,
        "body_mismatch",
        REFUSED,
        mismatch,
    ));

    lying.proposal.block_id = lying.header.id();
    let sign_bytes = lying.proposal.sign_bytes(&target.devnet.sign_context());
    lying.proposal.signature = target.sign(proposer, &sign_bytes);
    let bytes = target.wire.encode_compact(&lying);
    for result in ["result=\"incomplete\"", "result=\"duplicate\""] {
        let before = metric(&target.url, "proposals_received_total", result);
        assert_eq!(post(&target.peer_url, COMPACT, &bytes).status, 202);
        let after = metric(&target.url, "proposals_received_total", result);
        assert_eq!(after - before, 1.0, "{result}");
    }
    target.assert_unharmed();
}

#[test]
fn questions_about_unknown_blocks_are_answered_with_nothing_and_bad_ones_refused() {
    let target = Target::boot();
    let question = TransactionsWanted {
        height: Height(1),
        block_id: Hash([7; 32]),
        wanted: vec![0xff; 100],
    };
    let bytes = target.wire.encode_wanted(&question);
    let answer = post(&target.peer_url, FETCH, &bytes);
    assert_eq!(answer.status, 200);
    assert_eq!(target.wire.decode_fetched(&answer.body), Ok(Vec::new()));
    assert_eq!(post(&target.peer_url, FETCH, &bytes[1..]).status, 400);
    let long = vec![0; lockstep_protocol::limits::MISSING_BYTES_MAX + 1];
    assert_eq!(post(&target.peer_url, FETCH, &long).status, 413);
    target.assert_unharmed();
}

/// Accepted while its node is alone, passed on when it is back.
#[test]
fn what_a_node_takes_while_it_is_cut_off_lands_when_it_is_back() {
    let stage = Stage::new(20, |builder| builder.faulty_links(8));
    stage
        .devnet
        .links()
        .partition(&[&[0], &[1, 2, 3]])
        .expect("the links");
    stage.hand_in(0);
    assert_eq!((stage.waiting(0), stage.waiting(1)), (20, 0));
    stage.devnet.links().heal().expect("the links");
    stage.listed_by(&ALL);
    stage.commit_all();
}

/// The Mempool takes again what it had taken, although nobody else has it and nothing is on disk.
#[test]
fn what_was_accepted_outlives_a_fall_of_the_mempool() {
    let stage = Stage::new(20, |builder| builder.validators(1));
    stage.hand_in(0);
    assert_eq!(stage.waiting(0), 20);
    let url = &stage.devnet.urls()[0];
    let id = stage.transfers[7].id();
    assert!(stage.devnet.inject_panic(0, "Mempool"));
    eventually("it is back", || {
        let row = support::actor(url, "Mempool");
        (row["restarts"] == 1 && row["state"] == "running").then_some(())
    });
    eventually("all wait again", || (stage.waiting(0) == 20).then_some(()));
    let known = support::rpc::result(url, "lockstep_getTransaction", json!([id]));
    assert_eq!(known["status"], "pending", "{known}");
    stage.devnet.tick().expect("a block comes");
    let block = stage.devnet.block(0, 1).expect("it reads");
    assert_eq!(block.expect("it is there").block.leaves().len(), 20);
    eventually("none waits", || (stage.waiting(0) == 0).then_some(()));
}
