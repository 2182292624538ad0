//! When a node that has just started may sign.
use super::*;
use crate::types::Round;

/// As the others see it: this node is the last of them.
fn node_of(powers: &[u64], committed: u64) -> Desk {
    let cast = Cast::with_powers(powers);
    let me = cast.address(powers.len() - 1);
    let config = CatchUpConfig { me, ..CONFIG };
    let sync = CatchUp::new(config, &cast.schedule(Height(committed + 1)));
    Desk { cast, sync }
}

/// It has committed this height, and nothing has happened at the next one.
fn at(committed: u64) -> Standing {
    Standing {
        committed: Height(committed),
        remembers: true,
        ..Standing::default()
    }
}

fn rounds(first: u32, next: u32) -> (u32, u32) {
    (first, next)
}

impl Desk {
    /// Where this input makes it arrive.
    #[track_caller]
    fn comes(&mut self, now: u64, input: Input) -> Option<Arrival> {
        let out = self.sync.step(Instant(now), input);
        let arrived = out.into_iter().filter_map(|output| match output {
            Output::Arrived(arrival) => Some(arrival),
            _ => None,
        });
        let arrived: Vec<Arrival> = arrived.collect();
        assert!(arrived.len() <= 1, "{arrived:?}");
        arrived.first().copied()
    }

    /// The height that it has when this input makes it arrive.
    #[track_caller]
    fn arrives(&mut self, now: u64, input: Input) -> Option<u64> {
        self.comes(now, input).map(|arrival| arrival.committed.0)
    }

    /// Asked, peer `i` says how far it is.
    #[track_caller]
    fn says(&mut self, i: usize, standing: Standing) -> Option<Arrival> {
        self.comes(0, Input::Stands(self.cast.address(i), standing))
    }

    /// Asked, peer `i` says that it has committed this height.
    #[track_caller]
    fn stands(&mut self, i: usize, height: u64) -> Option<u64> {
        self.says(i, at(height)).map(|arrival| arrival.committed.0)
    }

    #[track_caller]
    fn is_gone(&mut self, i: usize) -> Option<u64> {
        self.arrives(0, Input::Gone(self.cast.address(i)))
    }

    /// The wait for all others is over.
    #[track_caller]
    fn waits_in_vain(&mut self) -> Option<u64> {
        let last = CONFIG.arrival_wait_ms - 1;
        let wait = CONFIG.arrival_wait_ms;
        assert_eq!(self.arrives(last, Input::Wake), None, "too early");
        self.arrives(wait, Input::Wake)
    }

    #[track_caller]
    fn commits(&mut self, now: u64, height: u64) -> Option<u64> {
        let validators = self.cast.schedule(Height(height + 1));
        self.arrives(now, Input::Committed(validators))
    }
}

#[test]
fn whoever_is_a_quorum_alone_arrives_at_once() {
    for powers in [&[1][..], &[1, 1, 1, 97]] {
        let arrival = node_of(powers, 7).comes(0, Input::Retell);
        let expected = Arrival {
            committed: Height(7),
            ..Arrival::default()
        };
        assert_eq!(arrival, Some(expected));
    }
    assert_eq!(node_of(&[1, 1], 7).arrives(0, Input::Retell), None);
}

#[test]
fn all_others_are_waited_for_and_then_the_least_that_is_safe_is_enough() {
    let mut node = node_of(&[1; 4], 10);
    assert_eq!(node.arrives(0, Input::Retell), None);
    assert_eq!(node.stands(0, 10), None);
    assert_eq!(node.stands(0, 10), None, "the same one again is no other");
    assert_eq!(node.stands(1, 9), None, "the third may be slow");
    assert_eq!(node.waits_in_vain(), Some(10));
    assert_eq!(node.stands(2, 99), None, "once for all");

    let mut node = node_of(&[1; 4], 10);
    node.stands(0, 10);
    node.stands(1, 9);
    assert_eq!(node.stands(2, 10), Some(10), "all of them");
}

/// A clean restart beside a dead node.
#[test]
fn whoever_refuses_connections_is_not_waited_for() {
    let mut node = node_of(&[1; 4], 10);
    assert_eq!(node.is_gone(2), None);
    assert_eq!(node.stands(0, 10), None, "the least is two of three");
    assert_eq!(node.stands(1, 10), Some(10));

    let mut node = node_of(&[1; 4], 10);
    node.stands(0, 10);
    node.stands(1, 10);
    assert_eq!(node.is_gone(2), Some(10));
}

/// One liar that says less than it has and one straggler, two faults of four, are not met by
/// accident.
#[test]
fn a_liar_and_a_straggler_are_not_enough_before_the_third_has_been_waited_for() {
    let mut node = node_of(&[1; 4], 100);
    assert_eq!(node.stands(0, 100), None);
    assert_eq!(node.stands(1, 100), None);
    assert_eq!(node.stands(2, 1_000), None);
    assert_eq!(node.arrives(CONFIG.arrival_wait_ms - 1, Input::Wake), None);
    assert_eq!(node.commits(9_999, 999), None);
    assert_eq!(node.commits(9_999, 1_000), Some(1_000));
}

/// Powers 4, 3, 3: a restored home of the four and a straggler decided finalised blocks again.
#[test]
fn the_own_weight_counts_for_nothing() {
    let mut node = node_of(&[3, 3, 3, 1], 10);
    node.is_gone(2);
    assert_eq!(node.stands(0, 10), None, "3 of 10 is no more than 10 - 7");
    assert_eq!(node.waits_in_vain(), None);
    assert_eq!(
        node.arrives(10_001, Input::Stands(node.cast.address(1), at(10))),
        Some(10)
    );
}

#[test]
fn more_than_a_third_hears_all_others_or_observes_and_says_so() {
    let mut node = node_of(&[3, 3, 4], 10);
    let b = node.cast.address(1);
    assert_eq!(node.stands(0, 10), None);
    assert_eq!(node.sync.waits(Instant(0)), None, "it has only just begun");
    assert_eq!(node.waits_in_vain(), None);
    let waits = node.sync.waits(Instant(CONFIG.arrival_wait_ms));
    assert_eq!(waits, Some(Waits::ForAll(vec![b])));
    assert_eq!(node.is_gone(1), None, "gone is not heard");
    assert_eq!(node.stands(1, 10), Some(10));
    assert_eq!(node.sync.waits(Instant(CONFIG.arrival_wait_ms)), None);
    // Its operator vouches for its disk: then a quorum together with it is enough.
    for (heard, enough) in [(0, false), (1, true)] {
        let mut node = node_of(&[3, 4, 5], 10);
        node.sync.config.is_rearmed = true;
        assert_eq!(node.stands(heard, 10), None);
        let arrived = node.waits_in_vain();
        assert_eq!(arrived, enough.then_some(10), "{heard}");
    }
}

#[test]
fn of_seven_the_others_heard_weigh_more_than_two_faulty_ones_and_a_liar() {
    let mut node = node_of(&[1; 7], 10);
    for i in 0..3 {
        assert_eq!(node.stands(i, 10), None);
    }
    assert_eq!(node.waits_in_vain(), None, "one of three may lie");
    let waits = node.sync.waits(Instant(CONFIG.arrival_wait_ms));
    assert!(matches!(waits, Some(Waits::ForMore(missing)) if missing.len() == 3));
    let fourth = Input::Stands(node.cast.address(3), at(10));
    assert_eq!(node.arrives(CONFIG.arrival_wait_ms, fourth), Some(10));
}

/// What they have signed and seen there, and the rounds from which on it signs.
#[test]
fn it_signs_in_no_round_that_its_key_may_have_signed_in() {
    let said = |signed: Option<u32>, seen: Option<u32>| Standing {
        signed: signed.map(Round),
        seen: seen.map(Round),
        ..at(10)
    };
    let cases = [
        // Everybody heard: the others decide without it.
        ([said(None, None); 3], true, rounds(0, 0)),
        ([said(Some(3), None); 3], true, rounds(5, 0)),
        (
            [
                said(Some(3), None),
                said(Some(3), Some(1)),
                said(None, Some(0)),
            ],
            true,
            rounds(5, 0),
        ),
        // One is not heard: a quorum has signed in the round before.
        ([said(None, None); 3], false, rounds(1, 0)),
        (
            [said(Some(3), Some(1)), said(None, None), said(None, None)],
            false,
            rounds(5, 0),
        ),
        (
            [said(None, Some(4)), said(Some(3), None), said(None, None)],
            false,
            rounds(6, 0),
        ),
    ];
    for (said, all, (first, next)) in cases {
        let mut node = node_of(&[1; 4], 10);
        if !all {
            node.is_gone(2);
        }
        let heard = if all { 3 } else { 2 };
        let arrival = (0..heard).find_map(|i| node.says(i, said[i]));
        let seen = said[..heard].iter().filter_map(|said| said.seen).max();
        let expected = Arrival {
            committed: Height(10),
            first_round: Round(first),
            next_round: Round(next),
            seen: seen.map(|round| (Height(11), round)),
        };
        assert_eq!(arrival, Some(expected), "{said:?}");
    }
}

/// A node that has restarted has forgotten what it saw, and one that was behind may have heard what
/// it could not keep.
#[test]
fn whoever_does_not_remember_is_as_good_as_unheard_of_rounds() {
    let forgetful = Standing {
        remembers: false,
        signed: Some(Round(2)),
        ..at(10)
    };
    for (third, first) in [(forgetful, 4), (at(9), 1), (at(10), 0)] {
        let mut node = node_of(&[1; 4], 10);
        node.says(0, at(10));
        node.says(1, at(10));
        let arrival = node.says(2, third).unwrap();
        assert_eq!(arrival.first_round, Round(first), "{third:?}");
    }
}

/// All three are a quorum, and no fewer.
#[test]
fn where_the_chain_cannot_go_on_without_it_only_what_they_have_seen_of_it_counts() {
    let signed = Standing {
        signed: Some(Round(1)),
        ..at(10)
    };
    let seen = Standing {
        seen: Some(Round(0)),
        ..signed
    };
    for (second, first) in [(signed, 0), (seen, 2)] {
        let mut node = node_of(&[1; 3], 10);
        node.says(0, signed);
        let arrival = node.says(1, second).unwrap();
        assert_eq!(arrival.first_round, Round(first));
    }
}

/// The height after the one that they have begun is begun only if that one may be decided.
#[test]
fn whoever_is_locked_keeps_it_out_of_round_0_of_the_height_after() {
    let locked = Standing {
        signed: Some(Round(0)),
        is_locked: true,
        ..at(10)
    };
    let heard = |node: &mut Desk| {
        node.is_gone(2);
        node.says(0, locked);
        node.says(1, at(10))
    };
    let arrival = heard(&mut node_of(&[1; 4], 10)).unwrap();
    assert_eq!(
        (arrival.first_round, arrival.next_round),
        (Round(2), Round(1))
    );
    // It has committed more than they had: what they said is about a height that is over.
    for (committed, first) in [(11, 1), (12, 0)] {
        let arrival = heard(&mut node_of(&[1; 4], committed)).unwrap();
        assert_eq!((arrival.first_round.0, arrival.next_round.0), (first, 0));
    }
}

/// What it has sent before its start may have been under way.
#[test]
fn the_furthest_that_anybody_has_seen_of_it_counts_and_the_first_that_they_have_signed() {
    let mut node = node_of(&[1; 4], 10);
    let said = |signed: u32, seen: Option<u32>| Standing {
        signed: Some(Round(signed)),
        seen: seen.map(Round),
        ..at(10)
    };
    node.is_gone(2);
    node.says(0, said(3, None));
    node.says(0, said(9, Some(4)));
    let arrival = node.says(1, said(2, None)).unwrap();
    assert_eq!(arrival.first_round, Round(6));
}

/// Or its words would count twice: it has forgotten, or lies.
#[test]
fn whoever_says_less_than_before_is_taken_at_that() {
    let mut node = node_of(&[1; 4], 10);
    node.stands(0, 15);
    node.stands(1, 10);
    assert_eq!(node.stands(2, 10), None);
    assert_eq!(node.stands(0, 10), Some(10));
}

#[test]
fn what_a_peer_has_signed_says_nothing_of_how_far_it_is() {
    let mut node = node_of(&[1; 4], 10);
    for i in 0..3 {
        let peer = node.cast.address(i);
        assert_eq!(node.arrives(0, Input::Ahead(peer, Height(12))), None);
    }
}

#[test]
fn its_own_key_elsewhere_is_nobody_to_hear() {
    let mut node = node_of(&[1; 4], 10);
    assert_eq!(node.stands(3, 10), None);
    assert_eq!(node.stands(0, 10), None);
}

#[test]
fn it_arrives_with_the_last_block_that_the_others_had() {
    let mut node = node_of(&[1; 4], 10);
    node.is_gone(2);
    assert_eq!(node.stands(0, 13), None);
    assert_eq!(node.stands(1, 12), None);
    // The further one of two is no quorum's word, and it counts all the same.
    assert_eq!(node.commits(0, 12), None);
    assert_eq!(
        node.stands(0, 20),
        None,
        "what it has committed since does not count"
    );
    assert_eq!(node.commits(0, 13), Some(13));
}

#[test]
fn one_absurd_claim_that_is_not_shown_does_not_silence() {
    let mut node = node_of(&[1; 4], 10);
    node.is_gone(2);
    node.stands(0, u64::MAX - 1);
    assert_eq!(node.stands(1, 10), None);
    // It has nothing to show.
    let answer = Answer {
        first: Height(11),
        blocks: 0,
        judged: 0,
        bytes: 10,
        flawed: false,
        unknown_from: None,
    };
    node.tell(CONFIG.grace_ms, Input::Wake);
    let liar = node.cast.address(0);
    let at = node.arrives(CONFIG.grace_ms, Input::Answered(liar, answer));
    assert_eq!(at, Some(10));
}

/// It does not count as heard, either: it may be right.
#[test]
fn nor_does_one_that_is_never_answered_for() {
    let mut node = node_of(&[1; 4], 10);
    node.stands(0, u64::MAX - 1);
    node.stands(1, 10);
    node.stands(2, 10);
    let mut now = 0;
    let arrived = (0..100).find_map(|_| {
        now += CONFIG.grace_ms;
        node.arrives(now, Input::Wake)
    });
    assert_eq!(arrived, Some(10));
    assert!(now <= 60 * CONFIG.grace_ms, "{now} ms");
}

/// Nobody is asked for a block that it says it has pruned: so it never failed to show anything, and
/// every node that started stayed silent for good.
#[test]
fn nor_does_one_that_says_it_has_pruned_what_could_show_it() {
    for says_so_when_asked in [false, true] {
        let mut node = node_of(&[1; 4], 10);
        let liar = node.cast.address(0);
        node.stands(0, 1_000_000_000);
        node.stands(1, 10);
        node.stands(2, 10);
        let keeps = Input::Keeps(liar, Height(1_000_000_000));
        if says_so_when_asked {
            node.tell(CONFIG.grace_ms, Input::Wake);
            node.tell(CONFIG.grace_ms, keeps);
            let answer = Answer {
                first: Height(11),
                blocks: 0,
                judged: 0,
                bytes: 10,
                flawed: false,
                unknown_from: None,
            };
            node.tell(CONFIG.grace_ms, Input::Answered(liar, answer));
        } else {
            node.tell(0, keeps);
        }
        let mut now = CONFIG.grace_ms;
        let arrived = (0..100).find_map(|_| {
            now += CONFIG.grace_ms;
            node.arrives(now, Input::Wake)
        });
        assert_eq!(arrived, Some(10), "{says_so_when_asked}");
        assert!(now <= 60 * CONFIG.grace_ms, "{now} ms");
    }
}

/// Of two peers, the one that is further on may be the only one that says how old this disk is.
#[test]
fn a_pruned_peer_that_is_further_on_is_believed_for_a_while() {
    let mut node = node_of(&[1; 4], 10);
    let pruned = node.cast.address(0);
    node.stands(0, 5_000);
    node.tell(0, Input::Keeps(pruned, Height(4_000)));
    assert_eq!(node.stands(1, 10), None);
    assert_eq!(node.stands(2, 10), None);
    for graces in 1..20 {
        assert_eq!(node.arrives(graces * CONFIG.grace_ms, Input::Wake), None);
    }
}

#[test]
fn what_more_than_a_third_say_counts_whether_they_answer_or_not() {
    let mut node = node_of(&[1; 4], 10);
    node.stands(0, 50);
    node.stands(1, 40);
    node.stands(2, 30);
    for _ in 0..2 {
        node.lies(0, 0);
        node.lies(0, 1);
    }
    assert_eq!(node.commits(0, 39), None);
    assert_eq!(node.commits(0, 40), Some(40));
}

#[test]
fn it_is_told_again_after_a_fall() {
    let mut node = node_of(&[1; 4], 10);
    let arrived = (0..3).find_map(|i| node.says(i, at(10)));
    assert!(arrived.is_some());
    assert_eq!(node.comes(0, Input::Retell), arrived);
    let fresh = node_of(&[1; 4], 30).sync;
    node.sync = fresh.having_arrived(arrived);
    assert_eq!(node.comes(0, Input::Retell), arrived);
}

/// The liar keeps its port open, votes as it should, and serves every block that there is; it claims
/// a million more. So it kept a restarted validator from signing for as long as it liked.
#[test]
fn what_one_alone_claims_counts_for_no_longer_than_all_are_waited_for() {
    let mut node = node_of(&[1; 4], 10);
    assert_eq!(node.stands(0, 10), None);
    assert_eq!(node.stands(1, 10), None);
    assert_eq!(node.stands(2, 1_000_000), None, "it may be right");
    let wait = CONFIG.arrival_wait_ms;
    for now in 1..wait {
        assert_eq!(node.commits(now, 10 + now), None);
    }
    assert_eq!(node.commits(wait, 10 + wait), Some(10 + wait));
}

/// The chain began with this validator alone. Its home was put back to that time, and it decided
/// finalised blocks once more.
#[test]
fn a_quorum_alone_of_long_ago_hears_the_peers_that_it_is_configured_with() {
    let one = || {
        let mut node = node_of(&[1, 1, 1, 97], 7);
        let others: Vec<_> = (0..3).map(|i| node.cast.address(i)).collect();
        node.sync = node.sync.expecting(others);
        node
    };
    let mut node = one();
    assert_eq!(node.arrives(0, Input::Retell), None);
    let ahead = |node: &Desk, i, height| Input::Ahead(node.cast.address(i), Height(height));
    // They need not be validators of its time, nor sign what they say.
    for (i, height) in [(0, 8), (1, 21), (2, 8)] {
        let said = ahead(&node, i, height);
        assert_eq!(node.arrives(1, said), None);
    }
    for height in 8..20 {
        assert_eq!(node.commits(2, height), None);
    }
    assert_eq!(node.commits(2, 20), Some(20));
    // Nobody is there, or nobody answers.
    let mut node = one();
    let gone: Vec<_> = (0..3).map(|i| node.is_gone(i)).collect();
    assert_eq!(gone, [None, None, Some(7)]);
    let mut node = one();
    node.arrives(0, Input::Retell);
    assert_eq!(node.waits_in_vain(), Some(7));
}

#[cfg(feature = "mutants")]
mod noticed {
    use super::*;
    use crate::mutation::{Mutation, must_be_noticed};

    #[test]
    fn claims_that_last_for_ever_are_noticed() {
        must_be_noticed(
            Mutation::ClaimsLastForEver,
            what_one_alone_claims_counts_for_no_longer_than_all_are_waited_for,
        );
    }

    #[test]
    fn a_disk_that_decides_alone_at_once_is_noticed() {
        must_be_noticed(
            Mutation::AloneAtOnce,
            a_quorum_alone_of_long_ago_hears_the_peers_that_it_is_configured_with,
        );
    }

    #[test]
    fn an_own_weight_that_counts_is_noticed() {
        must_be_noticed(
            Mutation::OwnWeightCounts,
            more_than_a_third_hears_all_others_or_observes_and_says_so,
        );
    }

    #[test]
    fn the_least_at_once_is_noticed() {
        must_be_noticed(
            Mutation::LeastAtOnce,
            a_liar_and_a_straggler_are_not_enough_before_the_third_has_been_waited_for,
        );
    }

    #[test]
    fn rounds_that_nobody_asks_for_are_noticed() {
        must_be_noticed(
            Mutation::RoundsNotAsked,
            it_signs_in_no_round_that_its_key_may_have_signed_in,
        );
    }
}

/// One of the others says after this node's start that it has signed in a round that nobody will ever
/// reach. Believed, this node would begin there, and where the chain cannot go on without it, it would
/// stand still for ever: one liar and one restart.
#[test]
fn a_round_that_one_validator_alone_names_leads_nobody_away() {
    let said = |round: u32| Standing {
        signed: Some(Round(round)),
        ..at(10)
    };
    for (lie, first) in [(u32::MAX, 3), (1_000_000, 3), (6, 3), (5, 7)] {
        let mut node = node_of(&[1; 4], 10);
        assert_eq!(node.says(0, said(1)), None);
        assert_eq!(node.says(1, said(lie)), None);
        let arrival = node.says(2, said(0)).expect("two others are enough");
        assert_eq!(arrival.first_round, Round(first), "{lie}");
    }
}

/// Of two that are heard one is far on: it is believed when the other has come after it.
#[test]
fn whoever_is_far_on_is_heard_when_another_has_got_there_too() {
    let said = |round: u32| Standing {
        signed: Some(Round(round)),
        ..at(10)
    };
    let mut node = node_of(&[1; 4], 10);
    assert_eq!(node.is_gone(2), None);
    assert_eq!(node.says(0, said(20)), None);
    assert_eq!(node.says(1, said(0)), None, "one of them may lie");
    let arrival = node.says(1, said(19)).expect("both are heard");
    assert_eq!(arrival.first_round, Round(22));
}

/// An operator vouches for the disk of one that holds more than a third, so those that it hears weigh
/// no more than f: it waits for another one rather than follow a single one of them into the void.
#[test]
fn nor_one_that_holds_more_than_a_third() {
    let said = |round: u32| Standing {
        signed: Some(Round(round)),
        ..at(10)
    };
    let mut node = node_of(&[4, 2, 2, 5], 10);
    node.sync.config.is_rearmed = true;
    assert_eq!(node.is_gone(0), None);
    assert_eq!(node.says(1, said(1_000_000)), None);
    assert_eq!(node.says(2, at(10)), None, "one of them must be wrong");
    let arrival = node.says(0, said(1)).expect("the third");
    assert_eq!(arrival.first_round, Round(3));
}

/// The liar alone has the newest block, because the last precommit came to it first.
#[test]
fn nor_one_that_alone_has_the_newest_block() {
    let said = |round: u32| Standing {
        signed: Some(Round(round)),
        ..at(11)
    };
    for (lie, first) in [(1_000_000, 0), (5, 0), (4, 6)] {
        let mut node = node_of(&[1; 4], 10);
        assert_eq!(node.says(0, at(10)), None);
        assert_eq!(node.says(1, said(lie)), None);
        assert_eq!(node.says(2, at(10)), None);
        let committed = Input::Committed(node.cast.schedule(Height(12)));
        let arrival = node.comes(0, committed).expect("all have answered");
        assert_eq!(arrival.first_round, Round(first), "{lie}");
    }
}

/// A straggler comes after the only other one that is heard, and bears it out.
#[test]
fn whoever_is_far_on_is_heard_when_a_straggler_has_got_there_too() {
    let said = |round: u32| Standing {
        signed: Some(Round(round)),
        ..at(10)
    };
    let mut node = node_of(&[1; 4], 10);
    assert_eq!(node.is_gone(2), None);
    assert_eq!(node.says(0, said(20)), None);
    assert_eq!(node.says(1, at(9)), None, "one of them may lie");
    let arrival = node.says(1, said(19)).expect("both are heard");
    assert_eq!(arrival.first_round, Round(22));
}

#[cfg(feature = "mutants")]
#[test]
fn that_every_round_is_believed_is_noticed() {
    crate::mutation::must_be_noticed(
        crate::mutation::Mutation::EveryRoundBelieved,
        a_round_that_one_validator_alone_names_leads_nobody_away,
    );
}
