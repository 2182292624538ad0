//! Random transactions that move money and records: whoever executes them, in whatever order of
//! checks, ends with the same roots; who is not in a block pays nothing; who is, pays once.
use super::*;
use crate::nouns::decided::DecidedBlock;
use proptest::prelude::*;
use std::collections::BTreeMap;

const USERS: u8 = 4;
const FUNDS: u64 = 3_000;

#[derive(Clone, Debug)]
struct Wish {
    from: u8,
    action: Action,
    /// What is wrong with it, if anything.
    trouble: u8,
}

fn any_action() -> impl Strategy<Value = Action> {
    let user = (1..=USERS).prop_map(|number| User::new(number).address);
    let amount = prop_oneof![0..900u64, Just(u64::MAX)];
    let memo = prop_oneof![Just(String::new()), Just("for the rent".into())];
    let key = prop_oneof![Just(vec![1]), Just(vec![2, 0]), Just(vec![3; 40])];
    prop_oneof![
        (user, amount, memo).prop_map(|(to, amount, memo)| Action::Transfer { to, amount, memo }),
        (key.clone(), 0..30usize).prop_map(|(key, bytes)| {
            let value = vec![bytes as u8; bytes];
            Action::Put { key, value }
        }),
        key.prop_map(|key| Action::Delete { key }),
    ]
}

fn any_blocks() -> impl Strategy<Value = Vec<Vec<Wish>>> {
    let wish = (1..=USERS, any_action(), 0..12u8);
    let wish = wish.prop_map(|(from, action, trouble)| Wish {
        from,
        action,
        trouble,
    });
    prop::collection::vec(prop::collection::vec(wish, 0..8), 1..8)
}

/// Signs a wish, with its trouble.
fn signed(world: &World, user: &User, nonce: u64, wish: &Wish, height: Height) -> Transaction {
    let body = TransactionBody {
        nonce,
        fee: 0,
        expires_at: EXPIRES_AT,
        action: wish.action.clone(),
    };
    let mut body = body.for_least_fee(&*user.signer, &world.rules.parameters);
    match wish.trouble {
        0 => body.fee -= 1,
        1 => body.fee = FUNDS * 100,
        2 => body.expires_at = height.previous(),
        3 => body.nonce += 1,
        _ => {}
    }
    user.sign_body(world, body)
}

fn balances(node: &Node, who: &[Address]) -> BTreeMap<Address, u64> {
    let held = |address: &Address| node.account(address).map_or(0, |a| a.balance);
    who.iter()
        .map(|address| (*address, held(address)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_replica_ends_with_the_same_roots_and_everybody_pays_for_what_is_in_a_block(
        blocks in any_blocks()
    ) {
        let funds: Vec<_> = (1..=USERS).map(|user| (user, FUNDS)).collect();
        let world = World::with(2, &funds);
        let [mut builder, mut eager, mut late] = [world.node(), world.node(), world.node()];
        let users: Vec<User> = (1..=USERS).map(User::new).collect();
        let mut who: Vec<Address> = users.iter().map(|user| user.address).collect();
        who.push(world.proposer());
        let mut chain = Vec::new();
        for wishes in blocks {
            let height = builder.ledger.head().height.next();
            let before = balances(&builder, &who);
            let mut nonces: BTreeMap<Address, u64> = who
                .iter()
                .map(|who| (*who, builder.account(who).map_or(0, |a| a.nonce)))
                .collect();
            let mut candidates = Vec::new();
            for wish in &wishes {
                let user = &users[usize::from(wish.from) - 1];
                let nonce = nonces.get_mut(&user.address).unwrap();
                candidates.push(signed(&world, user, *nonce, wish, height));
                *nonce += 1;
            }
            let other = builder.prepare(&world, vec![]).block;
            let block = builder.prepare(&world, candidates).block;
            // One has checked other blocks of the same height before, the builder none.
            prop_assert_eq!(eager.ledger.check(&other), Ok(()));
            let spoiled = changed_header(&block, |header| header.receipts_root.0[0] ^= 1);
            prop_assert!(eager.ledger.check(&spoiled).is_err());
            prop_assert_eq!(eager.ledger.check(&block), Ok(()));
            let batch = builder.commit(&world, &block);
            eager.commit(&world, &block);
            prop_assert_eq!(builder.ledger.head(), eager.ledger.head());
            let certificate = batch.certificate.clone();
            chain.push(DecidedBlock { block: block.clone(), certificate });

            // Nobody pays but the senders in the block, each as much as the receipts say.
            let mut expected = before;
            for (transaction, receipt) in block.block().transactions.iter().zip(&*batch.receipts) {
                prop_assert_eq!(receipt.fee, transaction.body.fee);
                *expected.get_mut(&transaction.sender).unwrap() -= receipt.fee;
                *expected.get_mut(&world.proposer()).unwrap() += receipt.fee;
                if let (Status::Success, Action::Transfer { to, amount, .. }) =
                    (receipt.status, &transaction.body.action)
                {
                    *expected.get_mut(&transaction.sender).unwrap() -= amount;
                    *expected.get_mut(to).unwrap() += amount;
                }
            }
            prop_assert_eq!(balances(&builder, &who), expected);

            // None of it can be executed again.
            for transaction in &block.block().transactions {
                let refused = builder.admit(&world, transaction);
                prop_assert!(refused.is_err_and(|reason| reason.code() == "nonce_too_low"));
            }
        }
        // One meets the whole chain at once, several blocks a run.
        for run in chain.chunks(3) {
            let batches = late.ledger.commit_run(run).unwrap();
            prop_assert_eq!(batches.len(), run.len());
            for batch in batches {
                late.state.apply(&batch.changes);
                late.ledger.committed(&batch);
            }
        }
        prop_assert_eq!(builder.ledger.head(), late.ledger.head());
        prop_assert_eq!(builder.state.values(), late.state.values());
    }
}
