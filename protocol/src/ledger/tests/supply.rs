//! Whatever is paid, the sum of all balances stays, and every node computes the same.
use super::*;
use proptest::prelude::*;

const USERS: u8 = 6;

/// Blocks of transfers (sender, receiver, amount) between a few users; some are not affordable.
fn blocks() -> impl Strategy<Value = Vec<Vec<(u8, u8, u64)>>> {
    let transfer = (1..=USERS, 1..=USERS, prop_oneof![0..600u64, Just(u64::MAX)]);
    prop::collection::vec(prop::collection::vec(transfer, 0..8), 1..6)
}

fn supply(node: &Node) -> u64 {
    (1..=USERS).map(|n| node.balance(&User::new(n))).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_total_supply_is_conserved_and_followers_agree(blocks in blocks()) {
        let world = World::new();
        let (mut builder, mut follower) = (world.node(), world.node());
        let mut users: Vec<_> = (1..=USERS).map(User::new).collect();
        let mut executed = 0;
        for transfers in blocks {
            let transactions: Vec<_> = transfers
                .into_iter()
                .map(|(from, to, amount)| {
                    let to = users[usize::from(to) - 1].address;
                    users[usize::from(from) - 1].pay(&world, to, amount)
                })
                .collect();
            executed += transactions.len() as u64;
            let batch = builder.grow(&world, transactions);
            prop_assert_eq!(follower.ledger.check(&batch.block), Ok(()));
            follower.commit(&world, &batch.block);
            prop_assert_eq!(builder.ledger.head(), follower.ledger.head());
            prop_assert_eq!(supply(&builder), 1_500);
        }
        let nonces: u64 = users
            .iter()
            .filter_map(|user| Some(builder.account(&user.address)?.nonce))
            .sum();
        prop_assert_eq!(nonces, executed);
    }
}
