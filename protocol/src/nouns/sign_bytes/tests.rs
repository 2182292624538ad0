use super::*;
use crate::consensus::testkit::{H, precommit, prevote};
use crate::nouns::standing::Standing;
use crate::nouns::transaction::{Action, TransactionBody};
use crate::nouns::vote::Signature;
use proptest::prelude::*;
use std::collections::BTreeSet;

const CHAIN: SignContext = SignContext {
    chain_id: ChainId(7),
    genesis_hash: Hash([9; 32]),
};

const ID: BlockId = Hash([3; 32]);

fn body(nonce: u64) -> TransactionBody {
    TransactionBody {
        nonce,
        fee: 6,
        expires_at: Height(9),
        action: Action::Transfer {
            to: Address([2; 20]),
            amount: 5,
            memo: String::new(),
        },
    }
}

fn transaction(context: &SignContext, nonce: u64) -> Vec<u8> {
    context.transaction(&Address([1; 20]), &body(nonce))
}

/// One preimage of each kind, for the same place.
fn one_of_each(context: &SignContext) -> [Vec<u8>; 6] {
    [
        context.proposal(H, Round(2), &ID, Some(Round(1))),
        context.vote(&prevote(H, 2, Some(ID), Some(1))),
        context.vote(&precommit(H, 2, Some(ID))),
        transaction(context, 0),
        context.question(&Address([1; 20]), &Address([2; 20]), &[0; 16]),
        context.standing(&statement()),
    ]
}

fn statement() -> Statement {
    Statement {
        sayer: Address([2; 20]),
        asker: Address([1; 20]),
        nonce: [0; 16],
        standing: Standing::default(),
        block_id: ID,
        signature: Signature(Vec::new()),
    }
}

fn all_differ(preimages: &[Vec<u8>]) -> bool {
    preimages.iter().collect::<BTreeSet<_>>().len() == preimages.len()
}

#[test]
fn a_message_is_never_read_as_another_kind_chain_or_genesis() {
    let other_chain = SignContext {
        chain_id: ChainId(8),
        ..CHAIN
    };
    let other_genesis = SignContext {
        genesis_hash: Hash([8; 32]),
        ..CHAIN
    };
    let all = [CHAIN, other_chain, other_genesis].map(|context| one_of_each(&context));
    assert!(all_differ(all.as_flattened()));
}

#[test]
fn the_first_byte_is_not_zero_and_the_tags_are_no_prefix_of_each_other() {
    let kinds = one_of_each(&CHAIN);
    let tags: BTreeSet<&[u8]> = kinds.iter().map(|bytes| &bytes[..8]).collect();
    assert_eq!(tags.len(), 6);
    assert!(kinds.iter().all(|bytes| bytes[0] != 0));
}

#[test]
fn chain_id_and_genesis_hash_stand_right_after_the_tag() {
    for bytes in one_of_each(&CHAIN) {
        assert_eq!(&bytes[8..16], &7u64.to_le_bytes());
        assert_eq!(&bytes[16..48], &[9; 32]);
    }
}

#[test]
fn a_prevote_covers_height_round_value_and_valid_round() {
    let votes = [
        prevote(H, 2, Some(ID), Some(1)),
        prevote(H.next(), 2, Some(ID), Some(1)),
        prevote(H, 3, Some(ID), Some(1)),
        prevote(H, 2, Some(Hash([4; 32])), Some(1)),
        prevote(H, 2, Some(ID), Some(0)),
        prevote(H, 2, Some(ID), None),
        prevote(H, 2, None, None),
        prevote(H, 2, Some(Hash::default()), None),
    ];
    assert!(all_differ(&votes.map(|vote| CHAIN.vote(&vote))));
}

#[test]
fn a_precommit_covers_height_round_and_value() {
    let votes = [
        precommit(H, 2, Some(ID)),
        precommit(H.next(), 2, Some(ID)),
        precommit(H, 3, Some(ID)),
        precommit(H, 2, Some(Hash([4; 32]))),
        precommit(H, 2, None),
        precommit(H, 2, Some(Hash::default())),
    ];
    assert!(all_differ(&votes.map(|vote| CHAIN.vote(&vote))));
}

#[test]
fn a_proposal_covers_height_round_value_and_valid_round() {
    let r = Round(2);
    let vr = Some(Round(1));
    assert!(all_differ(&[
        CHAIN.proposal(H, r, &ID, vr),
        CHAIN.proposal(H.next(), r, &ID, vr),
        CHAIN.proposal(H, Round(3), &ID, vr),
        CHAIN.proposal(H, r, &Hash([4; 32]), vr),
        CHAIN.proposal(H, r, &ID, None),
        CHAIN.proposal(H, r, &ID, Some(Round(0))),
    ]));
}

#[test]
fn a_transaction_covers_its_sender_and_its_body() {
    let sender = Address([1; 20]);
    let changed = |change: fn(&mut TransactionBody)| {
        let mut body = body(0);
        change(&mut body);
        CHAIN.transaction(&sender, &body)
    };
    assert!(all_differ(&[
        transaction(&CHAIN, 0),
        transaction(&CHAIN, 1),
        CHAIN.transaction(&Address([3; 20]), &body(0)),
        changed(|body| body.fee = 7),
        changed(|body| body.expires_at = Height(10)),
        changed(|body| {
            let Action::Transfer { memo, .. } = &mut body.action else {
                panic!()
            };
            *memo = "x".into();
        }),
    ]));
}

/// Members of a certificate have signed equal bytes, so a certificate needs no addresses.
#[test]
fn the_validator_is_not_covered() {
    let mut vote = precommit(H, 2, Some(ID));
    let bytes = CHAIN.vote(&vote);
    vote.validator = Address([5; 20]);
    assert_eq!(CHAIN.vote(&vote), bytes);
}

proptest! {
    /// What signs alike is alike: no two different well-formed votes share a preimage.
    #[test]
    fn equal_preimages_mean_equal_votes(a in any_vote(), b in any_vote()) {
        prop_assert_eq!(CHAIN.vote(&a) == CHAIN.vote(&b), a == b);
    }
}

fn any_vote() -> impl Strategy<Value = Vote> {
    let value = prop_oneof![Just(None), Just(Some(ID)), Just(Some(Hash::default()))];
    let vr = prop_oneof![Just(None), (0..2u32).prop_map(Some)];
    (any::<bool>(), 0..2u64, 0..3u32, value, vr).prop_filter_map(
        "well-formed",
        |(first, height, round, value, vr)| {
            let vote = if first {
                prevote(Height(height), round, value, vr)
            } else {
                precommit(Height(height), round, value)
            };
            vote.is_well_formed().then_some(vote)
        },
    )
}
