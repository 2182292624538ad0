//! When a node that has just started may sign.
use super::*;
use crate::consensus::catch_up::arrival::Arrival;
use crate::types::Round;

/// As the others see it: this node is the last of them.
fn node_of(powers: &[u64], committed: u64) -> Desk {
    let cast = Cast::with_powers(powers);
    let me = cast.address(powers.len() - 1);
    let config = CatchUpConfig { me, ..CONFIG };
    let sync = CatchUp::new(config, &cast.schedule(Height(committed + 1)));
    Desk { cast, sync }
}

impl Desk {
    /// Where this input makes it arrive.
    #[track_caller]
    fn arrives(&mut self, now: u64, input: Input) -> Option<u64> {
        let out = self.sync.step(Instant(now), input);
        let arrived = out.into_iter().filter_map(|output| match output {
            Output::Arrived(arrival) => Some(arrival.committed.0),
            _ => None,
        });
        let arrived: Vec<u64> = arrived.collect();
        assert!(arrived.len() <= 1, "{arrived:?}");
        arrived.first().copied()
    }

    /// Asked, peer `i` says that it has committed this height.
    #[track_caller]
    fn stands(&mut self, i: usize, height: u64) -> Option<u64> {
        self.arrives(0, Input::Stands(self.cast.address(i), Height(height)))
    }

    #[track_caller]
    fn commits(&mut self, now: u64, height: u64) -> Option<u64> {
        let validators = self.cast.schedule(Height(height + 1));
        self.arrives(now, Input::Committed(validators))
    }
}

#[test]
fn whoever_is_a_quorum_alone_arrives_at_once() {
    assert_eq!(node_of(&[1], 7).arrives(0, Input::Retell), Some(7));
    assert_eq!(
        node_of(&[1, 1, 1, 97], 7).arrives(0, Input::Retell),
        Some(7)
    );
    assert_eq!(node_of(&[1, 1], 7).arrives(0, Input::Retell), None);
}

#[test]
fn a_quorum_with_itself_must_have_said_how_far_it_is() {
    let mut node = node_of(&[1; 4], 10);
    assert_eq!(node.arrives(0, Input::Retell), None);
    assert_eq!(node.stands(0, 10), None);
    assert_eq!(node.stands(0, 10), None, "the same one again is no other");
    assert_eq!(node.stands(1, 9), Some(10));
    assert_eq!(node.stands(2, 99), None, "once for all");
}

/// Votes that somebody has kept could be played back to it.
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

#[test]
fn nor_does_one_that_is_never_answered_for() {
    let mut node = node_of(&[1; 4], 10);
    node.stands(0, u64::MAX - 1);
    node.stands(1, 10);
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
    for graces in 1..20 {
        assert_eq!(node.arrives(graces * CONFIG.grace_ms, Input::Wake), None);
    }
}

#[test]
fn what_more_than_a_third_say_counts_whether_they_answer_or_not() {
    let mut node = node_of(&[1; 4], 10);
    node.stands(0, 50);
    node.stands(1, 40);
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
    node.stands(0, 10);
    node.stands(1, 10);
    assert_eq!(node.arrives(0, Input::Retell), Some(10));
    let fresh = node_of(&[1; 4], 30).sync;
    node.sync = fresh.having_arrived(Some(Arrival {
        committed: Height(10),
        first_round: Round::ZERO,
    }));
    assert_eq!(node.arrives(0, Input::Retell), Some(10));
}
