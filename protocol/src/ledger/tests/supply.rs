//! Whatever is paid to whom, fees to any builder, the sum of all balances stays, and every node
//! computes the same.
use super::*;
use proptest::prelude::*;

const USERS: u8 = 6;

/// Blocks of transfers (sender, receiver, amount) between a few users; some are not affordable.
fn blocks() -> impl Strategy<Value = Vec<Vec<(u8, u8, u64)>>> {
    let transfer = (1..=USERS, 1..=USERS, prop_oneof![0..600u64, Just(u64::MAX)]);
    prop::collection::vec(prop::collection::vec(transfer, 0..8), 1..6)
}

/// What every user owns: a few transactions with their fees, of some 110 bytes each.
const FUNDS: u64 = 2_000;

fn world() -> World {
    World::with(
        3,
        &(1..=USERS).map(|user| (user, FUNDS)).collect::<Vec<_>>(),
    )
}

/// Of users and validators.
fn supply(world: &World, node: &Node) -> u64 {
    let validators = world.validators.iter().map(|signer| address_of(&**signer));
    let users = (1..=USERS).map(|user| User::new(user).address);
    let held = |address| node.account(&address).map_or(0, |a| a.balance);
    validators.chain(users).map(held).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_total_supply_is_conserved_and_followers_agree(blocks in blocks()) {
        let world = world();
        let (mut builder, mut follower) = (world.node(), world.node());
        let mut users: Vec<_> = (1..=USERS).map(User::new).collect();
        let mut fees = 0;
        for (index, transfers) in blocks.into_iter().enumerate() {
            let mut candidates = Vec::new();
            for (from, to, amount) in transfers {
                let to = users[usize::from(to) - 1].address;
                candidates.push(users[usize::from(from) - 1].pay(&world, to, amount));
            }
            let proposer = address_of(&*world.validators[index % 4]);
            let prepared = builder.ledger.prepare(Draft {
                proposer,
                now: Timestamp(0),
                transactions: candidates,
                evidence: vec![],
            });
            let block = prepared.unwrap().block;
            let earned = |node: &Node| node.account(&proposer).map_or(0, |a| a.balance);
            let before = earned(&builder);
            prop_assert_eq!(follower.ledger.check(&block), Ok(()));
            let batch = builder.commit(&world, &block);
            follower.commit(&world, &block);
            prop_assert_eq!(builder.ledger.head(), follower.ledger.head());
            prop_assert_eq!(supply(&world, &builder), u64::from(USERS) * FUNDS);
            let paid: u64 = batch.receipts.iter().map(|receipt| receipt.fee).sum();
            prop_assert_eq!(earned(&builder), before + paid);
            fees += paid;
            // Who could not pay for a place in the block has used up no nonce.
            for user in &mut users {
                user.nonce = builder.account(&user.address).unwrap().nonce;
            }
        }
        let validators = world.validators.iter().map(|signer| address_of(&**signer));
        let earned: u64 = validators
            .filter_map(|address| Some(builder.account(&address)?.balance))
            .sum();
        prop_assert_eq!(earned, fees);
    }
}
