use super::*;
use crate::consensus::testkit::Cast;
use crate::crypto::simulated::Simulated;
use std::collections::BTreeSet;

fn keys(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|i| Hash::of(&[&i.to_le_bytes()]).0.to_vec())
        .collect()
}

fn set_of(members: impl IntoIterator<Item = (Vec<u8>, Power)>) -> Result<ValidatorSet, String> {
    ValidatorSet::new(&Simulated, members).map_err(|error| error.to_string())
}

#[test]
fn the_order_in_which_members_are_given_changes_nothing() {
    let members: Vec<_> = keys(9).into_iter().zip(1..).collect();
    let set = set_of(members.clone()).unwrap();
    let backwards = set_of(members.into_iter().rev()).unwrap();
    assert_eq!(set.hash(), backwards.hash());
    let addresses: Vec<Address> = set.iter().map(|v| v.address).collect();
    assert!(addresses.is_sorted());
    assert!(backwards.iter().map(|v| v.address).eq(addresses));
}

#[test]
fn the_hash_names_every_key_and_every_power() {
    let members: Vec<_> = keys(4).into_iter().zip([1, 1, 1, 97]).collect();
    let mut stronger = members.clone();
    stronger[2].1 = 2;
    let hashes = [
        set_of(members[..3].to_vec()).unwrap().hash(),
        set_of(members).unwrap().hash(),
        set_of(stronger).unwrap().hash(),
    ];
    assert_eq!(hashes.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn every_validator_is_found_at_its_position_and_nobody_else() {
    let cast = Cast::with_powers(&[1, 2, 3]);
    for (i, validator) in cast.set.iter().enumerate() {
        assert_eq!(cast.set.index_of(&validator.address), Some(i));
        assert_eq!(cast.set.power(i), validator.power);
    }
    assert_eq!(cast.set.index_of(&Address([0xee; 20])), None);
    assert_eq!(cast.set.power(3), 0);
    assert!(cast.set.get(3).is_none());
    assert_eq!(cast.set.verify(3, b"", b""), Err(SignatureError::Invalid));
}

#[test]
fn the_turn_is_height_plus_round_modulo_the_count() {
    let cast = Cast::with_powers(&[1, 1, 1, 97]);
    for (height, round, turn) in [
        (0, 0, 0),
        (1, 0, 1),
        (5, 0, 1),
        (5, 2, 3),
        (5, 3, 0),
        // 2^64 − 1 = 4·k + 3, 2^32 − 1 = 4·k + 3: the sum is not cut to 64 bits.
        (u64::MAX, 0, 3),
        (u64::MAX, 1, 0),
        (u64::MAX, u32::MAX, 2),
    ] {
        let proposer = cast.set.proposer(Height(height), Round(round));
        assert_eq!(
            proposer,
            cast.address(turn),
            "height {height} round {round}"
        );
    }
}

#[test]
fn a_count_that_is_no_power_of_two_keeps_its_rotation_past_64_bits() {
    let cast = Cast::of(7);
    let turns = (0..14u32).map(|r| cast.turn(Height(u64::MAX), r));
    let first = (u64::MAX % 7) as usize;
    assert!(turns.eq((0..14).map(|r| (first + r) % 7)));
}

#[test]
fn everybody_has_a_turn_within_as_many_rounds_as_there_are_validators() {
    for count in [1, 2, 3, 4, 7, 128] {
        let set = set_of(keys(count).into_iter().map(|key| (key, 1))).unwrap();
        for (height, from) in [(1, 0), (u64::MAX, 0), (9, u32::MAX - 200)] {
            let rounds = from..from + count as u32;
            let turns: BTreeSet<_> = rounds
                .map(|r| set.proposer(Height(height), Round(r)))
                .collect();
            assert_eq!(turns.len(), count, "height {height} from round {from}");
        }
    }
}

#[test]
fn a_set_has_1_to_128_validators() {
    let of = |count| set_of(keys(count).into_iter().map(|key| (key, 1)));
    assert_eq!(
        of(0).unwrap_err(),
        "a validator set has 1 to 128 validators, not 0"
    );
    assert_eq!(of(1).unwrap().len(), 1);
    assert_eq!(of(128).unwrap().len(), 128);
    assert_eq!(
        of(129).unwrap_err(),
        "a validator set has 1 to 128 validators, not 129"
    );
}

#[test]
fn powerless_repeated_and_misshapen_members_are_refused() {
    let key = keys(3);
    let address = Address::of(Simulated.id(), &key[1]);
    let powers =
        |powers: [Power; 3]| ValidatorSet::new(&Simulated, key.iter().cloned().zip(powers));
    assert_eq!(
        powers([1, 0, 1]).unwrap_err(),
        ValidatorSetError::NoPower(address)
    );
    let twice = [key[1].clone(), key[0].clone(), key[1].clone()];
    let twice = ValidatorSet::new(&Simulated, twice.into_iter().zip([1, 2, 3]));
    assert_eq!(twice.unwrap_err(), ValidatorSetError::Duplicate(address));
    let short = ValidatorSet::new(&Simulated, [(key[0][1..].to_vec(), 1)]);
    assert!(matches!(
        short.unwrap_err(),
        ValidatorSetError::Key(KeyError::Length { actual: 31, .. })
    ));
}

#[test]
fn a_total_of_exactly_64_bits_fits_and_one_more_does_not() {
    let set = set_of(keys(2).into_iter().zip([u64::MAX - 1, 1])).unwrap();
    assert_eq!(set.total(), u64::MAX);
    assert!(set.is_quorum(set.power_of([0, 1])));
    let over = ValidatorSet::new(&Simulated, keys(2).into_iter().zip([u64::MAX, 1]));
    assert_eq!(over.unwrap_err(), ValidatorSetError::TotalPower);
}

#[test]
fn with_powers_1_1_1_97_the_strong_one_alone_is_a_quorum_and_the_rest_are_nothing() {
    let set = Cast::with_powers(&[1, 1, 97, 1]).set;
    assert!(set.is_quorum(set.power_of([2])));
    assert!(!set.is_quorum(set.power_of([0, 1, 3])));
    assert!(!set.is_skip_set(set.power_of([0, 1, 3])));
    assert!(set.is_skip_set(set.power_of([2])));
}

#[test]
fn two_quorums_share_more_than_a_third_whatever_the_total() {
    for total in 1..200u64 {
        let quorum = (0..=total).find(|p| is_quorum(*p, total)).unwrap();
        let faulty_max = (total - 1) / 3;
        assert!(2 * quorum - total > faulty_max, "total {total}");
        // All correct ones together can always decide.
        assert!(total - faulty_max >= quorum, "total {total}");
        let skip = (0..=total).find(|p| is_skip_set(*p, total)).unwrap();
        assert!(skip > faulty_max, "total {total}");
        assert!(total - faulty_max >= skip, "total {total}");
    }
}

#[test]
fn quorums_of_totals_that_are_not_3f_plus_1() {
    for (count, needed) in [(1, 1), (2, 2), (3, 3), (5, 4), (6, 5), (8, 6), (9, 7)] {
        let set = Cast::of(count).set;
        assert!(set.is_quorum(set.power_of(0..needed)), "{count}");
        assert!(!set.is_quorum(set.power_of(1..needed)), "{count}");
    }
}

#[test]
fn thresholds_are_strict() {
    for (total, quorum, skip) in [
        (1, 1, 1),
        (3, 3, 2),
        (4, 3, 2),
        (6, 5, 3),
        (7, 5, 3),
        (10, 7, 4),
        (100, 67, 34),
    ] {
        assert!(
            is_quorum(quorum, total) && !is_quorum(quorum - 1, total),
            "{total}"
        );
        assert!(
            is_skip_set(skip, total) && !is_skip_set(skip - 1, total),
            "{total}"
        );
    }
}

#[test]
fn the_least_quorum_is_one_and_no_power_below_it_is() {
    for total in (1..200).chain([u64::MAX / 2, u64::MAX]) {
        let least = least_quorum(total);
        assert!(is_quorum(least, total) && !is_quorum(least - 1, total));
    }
}

#[test]
fn the_largest_powers_do_not_overflow() {
    assert!(is_quorum(u64::MAX, u64::MAX));
    assert!(!is_quorum(u64::MAX / 3 * 2, u64::MAX));
    assert!(!is_skip_set(u64::MAX / 3, u64::MAX));
}
