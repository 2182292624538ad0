//! Proofs of accounts, in both directions, and what they do not prove.
use super::*;
use crate::codec;

fn grown() -> (World, Node) {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let payments = (10..60).map(|to| user.pay(&world, User::new(to).address, 7));
    let payments = payments.collect();
    node.grow(&world, payments);
    (world, node)
}

fn root(node: &Node) -> Hash {
    node.ledger.head().state_root
}

#[test]
fn an_account_is_proved_to_be_there() {
    let (_, node) = grown();
    for number in [1, 2, 3, 10, 59] {
        let address = User::new(number).address;
        let proof = prove_account(&*node.state, &address).unwrap();
        let proved = proof.verify(&root(&node), &address).unwrap();
        assert!(proved.is_some() && proved == node.account(&address));
    }
}

#[test]
fn an_account_is_proved_to_be_absent() {
    let (_, node) = grown();
    for number in 100..150 {
        let address = User::new(number).address;
        let proof = prove_account(&*node.state, &address).unwrap();
        assert_eq!(proof.verify(&root(&node), &address), Ok(None));
    }
}

#[test]
fn a_proof_survives_its_bytes() {
    let (_, node) = grown();
    let address = User::new(10).address;
    let proof = prove_account(&*node.state, &address).unwrap();
    let read: AccountProof = codec::decode("proof", &codec::encode(&proof), 65_536).unwrap();
    assert_eq!(read, proof);
    assert!(read.verify(&root(&node), &address).is_ok());
}

#[test]
fn another_root_balance_nonce_or_address_is_refused() {
    let (_, node) = grown();
    let (address, other) = (User::new(10).address, User::new(11).address);
    let proof = prove_account(&*node.state, &address).unwrap();
    let refused = Err(ProofError);
    assert_eq!(proof.verify(&Hash([1; 32]), &address), refused);
    assert_eq!(proof.verify(&root(&node), &other), refused);
    for wrong in [
        Some(Account {
            balance: 8,
            nonce: 0,
        }),
        Some(Account {
            balance: 7,
            nonce: 1,
        }),
        None,
    ] {
        let mut lie = proof.clone();
        lie.account = wrong;
        assert_eq!(lie.verify(&root(&node), &address), refused, "{wrong:?}");
    }
    let stranger = User::new(120).address;
    let mut lie = prove_account(&*node.state, &stranger).unwrap();
    lie.account = Some(Account {
        balance: 7,
        nonce: 0,
    });
    assert_eq!(lie.verify(&root(&node), &stranger), refused);
}

#[test]
fn a_wrong_sibling_anywhere_is_refused() {
    let (_, node) = grown();
    let address = User::new(10).address;
    let proof = prove_account(&*node.state, &address).unwrap();
    let bytes = codec::encode(&proof);
    let mut read = 0;
    for position in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[position] ^= 0x10;
        if let Ok(proof) = codec::decode::<AccountProof>("proof", &wrong, 65_536) {
            read += 1;
            assert_eq!(
                proof.verify(&root(&node), &address),
                Err(ProofError),
                "{position}"
            );
        }
    }
    assert!(
        read > 200,
        "most flips leave a proof that can be read: {read}"
    );
}

#[test]
fn a_key_record_is_no_account() {
    let (_, node) = grown();
    let address = User::new(1).address;
    assert_ne!(account_key(&address), public_key_key(&address));
    assert!(public_key(&*node.state, &address).unwrap().is_some());
    assert!(
        public_key(&*node.state, &User::new(10).address)
            .unwrap()
            .is_none()
    );
}

/// The definition of the root, without any tree: what a second implementation would write first.
fn naive_root(values: &[(KeyHash, Vec<u8>)], depth: usize) -> Hash {
    match values {
        [] => Hash(*b"SPARSE_MERKLE_PLACEHOLDER_HASH__"),
        [(key, value)] => Hash::of(&[b"JMT::LeafNode", key, &Hash::of(&[value]).0]),
        _ => {
            let is_left = |(key, _): &(KeyHash, _)| key[depth / 8] & (0x80 >> (depth % 8)) == 0;
            let (left, right) = values.split_at(values.partition_point(is_left));
            let (left, right) = (naive_root(left, depth + 1), naive_root(right, depth + 1));
            Hash::of(&[b"JMT::IntrnalNode", &left.0, &right.0])
        }
    }
}

#[test]
fn the_state_root_is_that_of_a_naive_tree_over_all_values() {
    let (world, mut node) = grown();
    assert_eq!(naive_root(&node.state.values(), 0), root(&node));
    let mut user = User::new(2);
    for number in 0..20 {
        let transaction = user.pay(&world, User::new(number).address, 1);
        node.grow(&world, vec![transaction]);
        assert_eq!(naive_root(&node.state.values(), 0), root(&node));
    }
    assert_eq!(node.state.values().len(), 3 + 50 + 2 + 7 + 2);
}
