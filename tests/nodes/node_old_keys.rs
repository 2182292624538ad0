//! Keys of an earlier set: one of four validators once had more than two thirds of the power, and
//! signs another history of that time. The others go on, and tell it.
use lockstep_protocol::crypto::{self, SchemeId, Seed, Signer};
use lockstep_protocol::ledger::Receipt;
use lockstep_protocol::nouns::block::{Block, Header, SealedBlock};
use lockstep_protocol::nouns::commit::{CommitCertificate, Signers};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Address, Hash, Height, Round};
use lockstep_protocol::validators::set::ValidatorSet;
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use support::liar::{Liar, Lie};
use support::process::{Network, run, text};
use support::{eventually, get, metric, post};

/// Those who decide when the old king has gone.
const OTHERS: [usize; 3] = [1, 2, 3];
const POWERS: [u64; 4] = [10, 1, 1, 1];
/// Decided while the king alone was a quorum.
const OLD: Height = Height(2);

/// Node 0 with its ten of thirteen, which it has given up since.
struct King {
    address: Address,
    signer: Arc<dyn Signer>,
    /// The validators of the genesis.
    set: ValidatorSet,
    context: SignContext,
    wire: Wire,
}

/// Four homes whose genesis gives node 0 ten of thirteen.
fn kingdom() -> Network {
    let settings = ["durability=process", "block_interval_ms=150"];
    let network = Network::new(4, &settings);
    let file = |index| network.home(index).join("genesis.json");
    let genesis = fs::read_to_string(file(0)).expect("a genesis");
    let mut genesis: Value = serde_json::from_str(&genesis).expect("JSON");
    let validators = genesis["validators"].as_array_mut().expect("a list");
    for validator in validators {
        let key = support::chain::unhex(support::chain::text(&validator["public_key"]));
        let address = Address::of(SchemeId::MlDsa65, &key);
        let index = network.addresses.iter().position(|a| *a == address);
        validator["power"] = json!(POWERS[index.expect("one of the four")]);
    }
    for index in 0..4 {
        fs::write(file(index), genesis.to_string()).expect("it writes");
    }
    network
}

/// The king gives nine of its ten away.
fn abdicate(network: &Network) -> King {
    let (url, king) = (network.urls[1].clone(), network.addresses[0].to_string());
    network.wait_for(&[1], 1);
    let tx = |from: &std::path::Path, arguments: &[&str]| -> Value {
        let common = ["--from", text(from), "--rpc", &url, "--wait", "--json"];
        let ended = run(&[&["tx"], arguments, &common].concat()).ok();
        serde_json::from_str(&ended.stdout).expect("JSON")
    };
    let payer = network.home(0).with_file_name("account0.key");
    let transfer = ["transfer", "--to", &king, "--amount", "1000000000"];
    tx(&payer, &transfer);
    let key = network.home(0).join("validator.key");
    let vote = ["update-validator", "--key", &king, "--power", "1"];
    let decided = tx(&key, &vote)["decided"].as_u64();
    network.wait_for(&[0, 1, 2, 3], decided.expect("it alone decides") + 3);
    King::of(network)
}

impl King {
    fn of(network: &Network) -> King {
        let (address, seed) = network.key("node0/validator.key");
        let scheme = crypto::scheme(SchemeId::MlDsa65);
        let founders = get(&network.urls[1], "/validators?height=1").json();
        let founders = founders["validators"].as_array().expect("a list").clone();
        let founders = founders.into_iter().map(|row| {
            let key = support::chain::unhex(support::chain::text(&row["public_key"]));
            (key, support::chain::number(&row["power"]))
        });
        let context = network.context(1);
        King {
            address,
            signer: scheme.signer(&Seed(seed)).expect("a key"),
            set: ValidatorSet::new(&*scheme, founders).expect("a set"),
            context,
            wire: Wire::new(context.genesis_hash),
        }
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.signer.sign(bytes).expect("it signs"))
    }

    /// By this one signature.
    fn certificate(&self, height: Height, block_id: Hash) -> CommitCertificate {
        let round = Round(0);
        let signers = Signers::default();
        let mut certificate = CommitCertificate {
            height,
            round,
            block_id,
            signers,
        };
        let signature = self.sign(&self.context.vote(&certificate.vote()));
        let index = self.set.index_of(&self.address).expect("a founder");
        certificate.signers = Signers::collect(&self.set, [(index, &signature)]);
        let verified = certificate.verify(&self.set, &self.context);
        verified.expect("the founders' set takes it");
        certificate
    }

    /// Another decision of an old height.
    fn second(&self) -> CommitCertificate {
        self.certificate(OLD, Hash::of(&[b"another history"]))
    }

    /// What would follow this block, had it the power of old.
    fn forge_after(&self, last: &DecidedBlock) -> DecidedBlock {
        let parent = last.block.header();
        let header = Header {
            height: parent.height.next(),
            time: parent.time.plus_ms(1),
            previous_block: last.block.id(),
            validators_hash: self.set.hash(),
            next_validators_hash: self.set.hash(),
            ..parent.clone()
        };
        let block = Arc::new(SealedBlock::build(header, vec![], vec![], None));
        let certificate = Arc::new(self.certificate(block.height(), block.id()));
        DecidedBlock { block, certificate }
    }

    /// On its turn it proposes a block on another parent, which brings that along. Whether it is
    /// its turn after the newest block of `url`.
    fn propose(&self, url: &str, peers: &[String]) -> bool {
        let height = get(url, "/status").json()["height"]
            .as_u64()
            .expect("a height");
        let path = format!("/sync/blocks?from={height}&limit=1");
        let blocks = self.wire.decode_blocks(&get(&peers[0], &path).body);
        let Some(last) = blocks.ok().and_then(|blocks| blocks.into_iter().next()) else {
            return false;
        };
        let parent = last.block.header();
        let height = parent.height.next();
        let round = Round(0);
        if self.set.proposer(height, round) != self.address {
            return false;
        }
        let header = Header {
            height,
            time: parent.time.plus_ms(1),
            proposer: self.address,
            previous_block: Hash::of(&[b"not your head"]),
            receipts_root: Block::receipts_root(&Vec::<Receipt>::new()),
            validators_hash: parent.next_validators_hash,
            ..parent.clone()
        };
        let block = Arc::new(SealedBlock::build(
            header,
            vec![],
            vec![],
            Some(self.second()),
        ));
        let block_id = block.id();
        let proposal = Proposal {
            height,
            round,
            block_id,
            valid_round: None,
            proposer: self.address,
            signature: self.sign(&self.context.proposal(height, round, &block_id, None)),
        };
        let polka = None;
        let message = self.wire.encode_proposal(&ProposedBlock {
            proposal,
            block,
            polka,
        });
        for peer in peers {
            post(peer, "/consensus/proposal", &message);
        }
        true
    }
}

fn old_forks(network: &Network, index: usize) -> Value {
    get(&network.urls[index], "/status").json()["old_forks"].clone()
}

/// They make blocks, and none of them has stopped.
fn assert_goes_on(network: &Network) {
    let highest = network.highest(&OTHERS);
    network.wait_for(&OTHERS, highest + 5);
    for index in OTHERS {
        let status = get(&network.urls[index], "/status").json();
        assert_eq!(status["halted"], Value::Null, "node {index}");
    }
    network.assert_same_chain(&OTHERS);
}

/// One validator with one message halted the three others for good.
#[test]
fn who_once_had_two_thirds_stops_nobody_with_another_history_of_that_time() {
    let mut network = kingdom();
    for index in 0..4 {
        network.start(index);
    }
    let king = abdicate(&network);
    network.kill(0);
    let peers = OTHERS.map(|index| format!("http://{}", network.peers[index]));
    eventually("all have heard of it", || {
        king.propose(&network.urls[1], &peers);
        let knows = |index: &usize| old_forks(&network, *index)["count"] == 1;
        OTHERS.iter().all(knows).then_some(())
    });
    let sentence = format!("height {OLD} was decided twice");
    assert_goes_on(&network);
    for index in OTHERS {
        let url = &network.urls[index];
        let newest = old_forks(&network, index)["newest"].clone();
        assert!(
            newest.as_str().expect("a text").contains(&sentence),
            "{newest}"
        );
        assert_eq!(metric(url, "old_forks", ""), 1.0);
        let forks = get(url, "/evidence").json()["forks"].clone();
        let told = (&forks[0]["height"], &forks[0]["stops"]);
        assert_eq!(told, (&json!(OLD.0), &json!(false)), "{forks}");
        let log = network.node(index).log_text();
        assert_eq!(log.matches(&sentence).count(), 1, "{log}");
    }
    for index in OTHERS {
        network.kill(index);
    }
    for index in OTHERS {
        network.start(index);
    }
    eventually("all answer", || {
        OTHERS
            .iter()
            .all(|index| network.height(*index).is_some())
            .then_some(())
    });
    assert_goes_on(&network);
    for index in OTHERS {
        assert_eq!(old_forks(&network, index)["count"], 1, "told again");
        let log = network.node(index).log_text();
        assert_eq!(log.matches(&sentence).count(), 2, "{log}");
    }
}

/// All blocks of this node, up to its newest.
fn chain(king: &King, peer: &str, newest: u64) -> Vec<DecidedBlock> {
    let mut chain = Vec::new();
    while (chain.len() as u64) < newest {
        let path = format!("/sync/blocks?from={}&limit=100", chain.len() + 1);
        let blocks = king.wire.decode_blocks(&get(peer, &path).body);
        chain.extend(blocks.expect("blocks"));
    }
    chain
}

/// It waited for ever for what a key of long ago had certified.
#[test]
fn blocks_that_an_old_key_forges_keep_a_restarted_validator_from_nothing() {
    let mut network = kingdom();
    for index in 0..4 {
        network.start(index);
    }
    let king = abdicate(&network);
    network.kill(1);
    let away_at = network.highest(&[0, 2, 3]);
    network.wait_for(&[0, 2, 3], away_at + 20);
    network.kill(0);
    // What was under way comes to its end: two of four decide nothing.
    let newest = eventually("they stand still", || {
        let newest = network.highest(&[2, 3]);
        std::thread::sleep(Duration::from_secs(1));
        let heights = [2, 3].map(|index| network.height(index));
        (heights == [Some(newest); 2]).then_some(newest)
    });
    let honest = format!("http://{}", network.peers[2]);
    let mut blocks = chain(&king, &honest, newest);
    for _ in 0..40 {
        let forged = king.forge_after(blocks.last().expect("a chain"));
        blocks.push(forged);
    }
    let liar = Liar::new(Lie::These(blocks), king.address, honest, king.wire);
    let mut command = network.command(1);
    let others = [2, 3].map(|i| format!("{}@{}", network.addresses[i], network.peers[i]));
    let liar_at = format!("{}@{}", king.address, liar.listens);
    command.arg(format!("--set=peers={liar_at},{}", others.join(",")));
    network.start_as(1, command);
    network.wait_for(&OTHERS, newest + 5);
    network.assert_same_chain(&OTHERS);
}
