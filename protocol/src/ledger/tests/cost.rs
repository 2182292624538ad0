//! What the ledger itself costs, signatures aside. `cargo test --release ledger::tests::cost --
//! --ignored --nocapture` prints the figures.
use super::*;
use std::time::Instant;

fn report(what: &str, count: u32, start: Instant) {
    println!("{what}: {:?}", start.elapsed() / count);
}

#[test]
#[ignore = "prints figures"]
fn empty_blocks() {
    let world = World::new();
    let mut builder = world.node();
    let chain: Vec<_> = (0..2_000).map(|_| builder.grow(&world, vec![])).collect();
    let mut node = world.node();
    let count = chain.len() as u32;
    let mut spent = [std::time::Duration::ZERO; 3];
    for batch in &chain {
        // Checked first: what a node has prepared itself it knows already.
        let start = Instant::now();
        node.ledger.check(&batch.block).unwrap();
        spent[0] += start.elapsed();
        let start = Instant::now();
        node.prepare(&world, vec![]);
        spent[1] += start.elapsed();
        let certificate = batch.certificate.clone();
        let start = Instant::now();
        let batch = node.ledger.commit(&batch.block, certificate).unwrap();
        node.ledger.committed(&batch);
        spent[2] += start.elapsed();
    }
    for (what, spent) in ["check", "prepare", "commit + committed"].iter().zip(spent) {
        println!("empty block, {what}: {:?}", spent / count);
    }
}

#[test]
#[ignore = "prints figures"]
fn blocks_of_a_hundred_transfers() {
    let world = World::new();
    let (mut builder, mut node) = (world.node(), world.node());
    let mut user = User::new(1);
    let mut chain = Vec::new();
    for block in 0..50u8 {
        let to = |i: u8| User::new(i ^ block).address;
        let transactions: Vec<_> = (0..100).map(|i| user.pay(&world, to(i), 0)).collect();
        chain.push(builder.grow(&world, transactions));
    }
    let start = Instant::now();
    for batch in &chain {
        node.ledger.check(&batch.block).unwrap();
        node.commit(&world, &batch.block);
    }
    report("100 transfers, check + commit", 50, start);
    let to = User::new(9).address;
    let mut candidates: Vec<_> = (0..100).map(|_| user.pay(&world, to, 0)).collect();
    let what = "prepare 100 transfers";
    for refused in ["", ", and one that is refused"] {
        if !refused.is_empty() {
            candidates.push(user.sign(&world, 0, to, 0));
        }
        let start = Instant::now();
        (0..20).for_each(|_| _ = node.prepare(&world, candidates.clone()));
        report(&format!("{what}{refused}"), 20, start);
    }
    let block = node.prepare(&world, candidates).block;
    let start = Instant::now();
    (0..20).for_each(|_| node.ledger.check_frame(&block).unwrap());
    report("of these, the check of the frame", 20, start);
    let address = User::new(9).address;
    let start = Instant::now();
    for _ in 0..1_000 {
        prove_account(&*node.state, &address).unwrap();
    }
    report("account proof", 1_000, start);
}

/// `calls` of `data` in one block: what checking the block costs beyond what the same number of
/// transfers costs, their signatures known beforehand.
fn block_of_calls(what: &str, calls: u32, data: impl Fn(u32) -> Vec<u8>) {
    let world = super::calls::world();
    let mut builder = world.node();
    let mut user = User::new(1);
    let call = |number| super::calls::call(&world, &mut user, &data(number));
    let transactions: Vec<_> = (0..calls).map(call).collect();
    let block = builder.prepare(&world, transactions).block;
    assert_eq!(block.block().transactions.len(), calls as usize);
    let rounds = 5;
    let mut spent = std::time::Duration::ZERO;
    for _ in 0..rounds {
        let mut node = world.node();
        for (leaf, transaction) in block.leaves().iter().zip(&block.block().transactions) {
            let key = signer(1).public_key().to_vec();
            assert_eq!(transaction.sender, user.address);
            node.ledger.note_transaction(leaf, &key);
        }
        let start = Instant::now();
        node.ledger.check(&block).unwrap();
        spent += start.elapsed();
    }
    println!("{what}: {:?} a block", spent / rounds);
}

#[test]
#[ignore = "prints figures"]
fn blocks_of_a_thousand_calls() {
    let data = |kind: u8| move |number: u32| [&[kind][..], &number.to_be_bytes()].concat();
    block_of_calls(
        "1,000 calls that write a key of all and tell an event",
        1_000,
        data(b'.'),
    );
    block_of_calls(
        "1,000 calls that write a key of their own",
        1_000,
        data(b'k'),
    );
    block_of_calls(
        "600 calls that use up their budget by reads",
        600,
        data(b'l'),
    );
    block_of_calls(
        "600 calls that use up their budget by writes",
        600,
        data(b'w'),
    );
    let world = World::with(0, &[(1, 1_000_000)]);
    let (mut builder, mut node) = (world.node(), world.node());
    let mut user = User::new(1);
    let to = User::new(2).address;
    let transfers: Vec<_> = (0..1_000).map(|_| user.pay(&world, to, 0)).collect();
    let block = builder.prepare(&world, transfers).block;
    for leaf in block.leaves() {
        node.ledger.note_transaction(leaf, signer(1).public_key());
    }
    let start = Instant::now();
    node.ledger.check(&block).unwrap();
    report("1,000 transfers, for comparison", 1, start);
}
