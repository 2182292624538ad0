//! The validator set changes while the chain runs.
use lockstep_actors::node::devnet_keys;
use lockstep_devnet::{Devnet, funded_accounts};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Height};
use std::collections::BTreeSet;
use std::time::Duration;

/// What a validator needs to pay for its votes.
const ENOUGH: u64 = 1_000_000_000;

/// The vote of validator `by` that node `whom` validates with this power.
fn vote(devnet: &Devnet, by: u8, nonce: u64, whom: u8, power: u64) -> Transaction {
    let scheme = devnet.genesis().scheme;
    let whom = devnet_keys::signer(scheme, whom).expect("a key");
    let public_key = whom.public_key().to_vec();
    act(
        devnet,
        by,
        nonce,
        Action::UpdateValidator { public_key, power },
    )
}

/// What node `by` signs with its validator key.
fn act(devnet: &Devnet, by: u8, nonce: u64, action: Action) -> Transaction {
    let (genesis, context) = (devnet.genesis(), devnet.sign_context());
    let signer = devnet_keys::signer(genesis.scheme, by).expect("a key");
    let body = TransactionBody {
        nonce,
        fee: 0,
        expires_at: Height(EXPIRY_HEIGHTS_MAX),
        action,
    };
    let body = body.for_least_fee(&*signer, &genesis.parameters);
    Transaction::sign(&*signer, &context, body).expect("it signs")
}

const PATIENCE: Duration = Duration::from_secs(60);

fn height(devnet: &Devnet) -> u64 {
    let heights = devnet.heights().into_iter().flatten();
    heights.max().expect("a node runs")
}

/// Who has built the newest blocks, one height after the other.
fn builders(devnet: &Devnet, blocks: u64) -> BTreeSet<Address> {
    let mut builders = BTreeSet::new();
    for _ in 0..blocks {
        devnet.tick().expect("a block comes");
        let newest = height(devnet);
        devnet.wait_for(newest, PATIENCE).expect("all follow");
        let newest = devnet.block(1, newest).expect("it reads");
        builders.insert(newest.expect("it is there").block.header().proposer);
    }
    builders
}

/// Four validators add a fifth by three votes and its own word: it joins and builds blocks. Then they remove
/// the first: it follows, and the chain goes on with a quorum of the others.
#[test]
fn a_fifth_validator_joins_and_the_first_one_leaves() {
    // A busy machine must not end a round: then a turn would be missed, and nothing proven.
    let patient = Timeouts::NETWORK;
    let builder = Devnet::builder().observers(1).manual(true);
    let builder = builder.timeouts(patient);
    let devnet = builder.boot().expect("it boots");
    let nodes = devnet.validators();
    let alice = &funded_accounts(devnet.genesis().scheme).expect("accounts")[0];
    for nonce in 0..5 {
        let to = nodes[usize::try_from(nonce).expect("it fits")];
        let pay = alice.transfer(&devnet.sign_context(), nonce, to, ENOUGH);
        devnet.submit(0, pay.expect("it signs")).expect("taken");
        devnet.tick().expect("a block comes");
    }
    let founders: BTreeSet<Address> = nodes[..4].iter().copied().collect();
    assert_eq!(builders(&devnet, 8), founders);

    for by in 0..3 {
        devnet.submit(0, vote(&devnet, by, 0, 4, 1)).expect("taken");
    }
    // All agree, and nothing changes until the newcomer says that it is there.
    builders(&devnet, 8);
    assert_eq!(builders(&devnet, 5), founders);
    let ready = act(&devnet, 4, 0, Action::DeclareReady);
    devnet.submit(4, ready).expect("taken");
    // Until every proposer has had its turn, and two heights more.
    builders(&devnet, 8);
    assert_eq!(builders(&devnet, 5), nodes.iter().copied().collect());

    for by in 0..4 {
        devnet
            .submit(0, vote(&devnet, by, if by < 3 { 1 } else { 0 }, 0, 0))
            .expect("taken");
    }
    builders(&devnet, 8);
    let others: BTreeSet<Address> = nodes[1..].iter().copied().collect();
    assert_eq!(builders(&devnet, 8), others);
    // Three of four are a quorum; the one that left is none of them.
    devnet.kill(0);
    devnet.kill(4);
    let before = height(&devnet);
    for _ in 0..3 {
        devnet.tick().expect("a block comes");
    }
    assert_eq!(height(&devnet), before + 3);
}
