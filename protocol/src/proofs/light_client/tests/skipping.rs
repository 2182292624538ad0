//! Headers that are not the next one, while the validators change.
use super::*;

/// The positions in `cast` of validators who do, or do not, belong to `others`.
fn members(cast: &Cast, others: &Cast, belong: bool) -> Vec<usize> {
    let is_of = |i: &usize| others.set.index_of(&cast.address(*i)).is_some();
    (0..cast.set.len()).filter(|i| is_of(i) == belong).collect()
}

/// A header of twelve validators that eight new ones and this many of the old four signed.
fn with_old(old: &Cast, height: u64, count: usize) -> LightBlock {
    let twelve = Cast::of(12);
    let mut signers = members(&twelve, old, false);
    signers.extend(members(&twelve, old, true).into_iter().take(count));
    signers.sort_unstable();
    let header = header(&twelve, height, Hash::default());
    signed(&twelve, header, &signers)
}

#[test]
fn a_far_header_needs_more_than_a_third_of_the_trusted_power() {
    let world = World::new();
    let mut client = world.client(3);
    let shown = with_old(&world.cast, 20, 1);
    let refused = client.advance(Height(20), &shown, NOW).unwrap_err();
    let (power, total) = (1, 4);
    assert_eq!(refused, LightError::TooFarAhead { power, total });
    let shown = with_old(&world.cast, 20, 2);
    client.advance(Height(20), &shown, NOW).unwrap();
    assert_eq!(client.trusted().validators.len(), 12);
}

#[test]
fn old_validators_do_not_make_up_for_a_quorum_of_the_new() {
    let world = World::new();
    let twelve = Cast::of(12);
    let old = members(&twelve, &world.cast, true);
    let few = signed(&twelve, header(&twelve, 20, Hash::default()), &old);
    let refused = world.client(3).advance(Height(20), &few, NOW);
    assert_eq!(refused.unwrap_err().code(), "no_quorum");
}

#[test]
fn where_the_validators_have_changed_too_much_the_middle_comes_first() {
    let world = World::new();
    let four = &world.cast;
    let seven = Cast::of(7);
    // Three of the seven are new; two of the old four sign with them.
    let mut signers = members(&seven, four, false);
    signers.extend(members(&seven, four, true).into_iter().take(2));
    signers.sort_unstable();
    let middle = signed(&seven, header(&seven, 11, Hash::default()), &signers);
    let goal = with_old(four, 20, 1);

    let mut client = world.client(3);
    let mut path = Bisection::to(Height(20));
    let mut asked = Vec::new();
    while let Some(height) = path.wanted(&client) {
        asked.push(height.0);
        let shown = if height.0 == 11 { &middle } else { &goal };
        path.take(&mut client, shown, NOW).unwrap();
    }
    assert_eq!(asked, [20, 11, 20]);
    assert_eq!(client.trusted().header, goal.header);
}

#[test]
fn a_set_that_nobody_vouches_for_ends_at_the_next_header() {
    let world = World::new();
    let strangers = Cast::of(12);
    let foreign = members(&strangers, &world.cast, false);
    let mut client = world.client(3);
    let mut path = Bisection::to(Height(1 << 40));
    let mut steps = 0;
    let refused = loop {
        let height = path.wanted(&client).expect("it is not there");
        let parent = world.block(3).header.id();
        let mut header = header(&strangers, height.0, parent);
        header.time = Timestamp(5_000);
        let mut signers = foreign.clone();
        signers.extend(members(&strangers, &world.cast, true).into_iter().take(1));
        signers.sort_unstable();
        let shown = signed(&strangers, header, &signers);
        steps += 1;
        if let Err(lie) = path.take(&mut client, &shown, NOW) {
            break lie;
        }
    };
    assert_eq!(refused.code(), "other_validators");
    assert!(steps <= 64, "{steps}");
    assert_eq!(client.trusted().header.height, Height(3));
}

#[test]
fn a_goal_that_is_trusted_already_wants_nothing() {
    let world = World::new();
    let client = world.client(3);
    assert_eq!(Bisection::to(Height(3)).wanted(&client), None);
    assert_eq!(Bisection::to(Height(2)).wanted(&client), None);
    assert_eq!(Bisection::to(Height(4)).wanted(&client), Some(Height(4)));
}
