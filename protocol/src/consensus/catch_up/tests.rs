//! What the brain asks of whom, one rule at a time; whole runs are in `schedules`.
use super::*;
use crate::consensus::testkit::Cast;

mod answers;
mod arrivals;
mod schedules;

pub(super) const CONFIG: CatchUpConfig = CatchUpConfig {
    me: Address([0; 20]),
    grace_ms: 100,
    range_blocks_max: 10,
    answer_bytes_max: 1_000,
    answer_bytes_full: 500,
    window_blocks_max: 40,
    window_bytes_max: 10_000,
    arrival_wait_ms: 10_000,
    is_rearmed: false,
};

/// Four validators of equal power, or others; this node is the last of them.
pub(super) struct Desk {
    pub(super) cast: Cast,
    pub(super) sync: CatchUp,
}

impl Desk {
    pub(super) fn of(powers: &[u64], committed: u64) -> Desk {
        let cast = Cast::with_powers(powers);
        let sync = CatchUp::new(CONFIG, &cast.schedule(Height(committed + 1)));
        Desk { cast, sync }
    }

    fn committed(&mut self, now: u64, height: u64) -> Vec<(usize, u64, u64)> {
        let validators = self.cast.schedule(Height(height + 1));
        self.tell(now, Input::Committed(validators))
    }

    fn four() -> Desk {
        Desk::of(&[1; 4], 10)
    }

    /// Peer `i` says that it has committed this height.
    fn has(&mut self, now: u64, i: usize, height: u64) -> Vec<(usize, u64, u64)> {
        let peer = self.cast.address(i);
        self.tell(now, Input::Ahead(peer, Height(height + 1)))
    }

    fn answers(&mut self, now: u64, i: usize, first: u64, blocks: u64) -> Vec<(usize, u64, u64)> {
        let answer = Answer {
            first: Height(first),
            blocks,
            judged: blocks,
            bytes: 10,
            flawed: false,
            unknown_from: None,
        };
        self.tell(now, Input::Answered(self.cast.address(i), answer))
    }

    fn lies(&mut self, now: u64, i: usize) -> Vec<(usize, u64, u64)> {
        let answer = Answer {
            first: Height(0),
            blocks: 0,
            judged: 0,
            bytes: 10,
            flawed: true,
            unknown_from: None,
        };
        self.tell(now, Input::Answered(self.cast.address(i), answer))
    }

    /// The requests that this input leads to: whom, from where, how many.
    fn tell(&mut self, now: u64, input: Input) -> Vec<(usize, u64, u64)> {
        let out = self.sync.step(Instant(now), input);
        let requests = out.into_iter().filter_map(|output| match output {
            Output::Request(peer, from, blocks) => {
                Some((self.cast.set.index_of(&peer)?, from.0, blocks))
            }
            Output::WakeAt(_) | Output::Lied(_) | Output::Arrived(_) => None,
        });
        requests.collect()
    }
}

#[test]
fn one_height_ahead_is_asked_for_only_after_the_grace() {
    let mut desk = Desk::four();
    assert_eq!(desk.has(0, 0, 10), []);
    assert_eq!(desk.has(0, 0, 11), []);
    assert_eq!(desk.has(99, 1, 11), []);
    assert_eq!(desk.tell(100, Input::Wake), [(0, 11, 10)]);
    assert!(!desk.sync.is_catching_up());
}

/// One boaster made every node ask for each block that was just being decided.
#[test]
fn one_claim_far_ahead_is_asked_for_only_after_the_grace_and_so_is_every_height_after() {
    let mut desk = Desk::four();
    assert_eq!(desk.has(0, 0, 1_000_000), []);
    assert_eq!(desk.tell(99, Input::Wake), []);
    assert_eq!(desk.committed(99, 11), []);
    assert_eq!(desk.tell(198, Input::Wake), []);
    assert_eq!(desk.tell(199, Input::Wake), [(0, 12, 10)]);
}

#[test]
fn what_more_than_a_third_claims_or_a_certificate_proves_is_asked_for_at_once() {
    let mut desk = Desk::four();
    assert_eq!(desk.has(0, 0, 30), []);
    assert_eq!(desk.has(0, 1, 12), [(0, 11, 10)]);
}

#[test]
fn several_peers_are_asked_at_once_for_ranges_that_do_not_overlap() {
    let mut desk = Desk::four();
    assert_eq!(desk.has(0, 0, 100), []);
    assert_eq!(desk.has(0, 1, 100), [(0, 11, 10), (1, 21, 10)]);
    assert_eq!(desk.has(0, 2, 100), [(2, 31, 10)]);
    // Whoever has answered goes on with the next range, up to the end of the window.
    assert_eq!(desk.answers(1, 1, 21, 10), [(1, 41, 10)]);
    assert_eq!(desk.answers(2, 1, 41, 10), []);
    assert_eq!(desk.answers(3, 0, 11, 10), []);
    assert_eq!(desk.committed(4, 20), [(0, 51, 10)]);
}

/// Each answer that came twice made room for one question more, and the next came twice as well,
/// until nothing else was said.
#[test]
fn an_answer_to_another_question_than_the_one_under_way_makes_no_room() {
    let mut desk = Desk::four();
    assert_eq!(desk.has(0, 0, 100), []);
    assert_eq!(desk.has(0, 1, 100), [(0, 11, 10), (1, 21, 10)]);
    assert_eq!(desk.answers(1, 0, 11, 10), [(0, 31, 10)]);
    assert_eq!(desk.answers(2, 0, 11, 10), []);
    assert_eq!(desk.answers(3, 0, 11, 0), []);
    assert_eq!(desk.answers(4, 0, 31, 10), [(0, 41, 10)]);
}

#[test]
fn nobody_is_asked_for_what_it_does_not_claim_to_have() {
    let mut desk = Desk::four();
    assert_eq!(desk.has(0, 0, 15), []);
    assert_eq!(desk.has(0, 1, 15), [(0, 11, 10)]);
    assert_eq!(desk.has(0, 2, 18), [(2, 16, 10)]);
}

#[test]
fn one_absurd_claim_sets_no_target() {
    let mut desk = Desk::four();
    desk.has(0, 0, u64::MAX - 1);
    assert_eq!(
        (desk.sync.target(), desk.sync.is_catching_up()),
        (Height(10), false)
    );
    desk.has(0, 1, 50);
    assert_eq!(
        (desk.sync.target(), desk.sync.is_catching_up()),
        (Height(50), true)
    );
    let heavy = &mut Desk::of(&[2, 1, 1, 1], 10);
    heavy.has(0, 0, 30);
    assert_eq!(
        heavy.sync.target(),
        Height(30),
        "more than a third of the power"
    );
}

#[test]
fn a_verified_certificate_proves_a_target_that_one_peer_alone_cannot_claim() {
    let mut desk = Desk::four();
    desk.has(0, 0, 20);
    assert!(!desk.sync.is_catching_up());
    desk.answers(1, 0, 11, 10);
    assert_eq!(
        (desk.sync.target(), desk.sync.is_catching_up()),
        (Height(20), true)
    );
    desk.committed(2, 20);
    assert!(!desk.sync.is_catching_up());
}

/// CometBFT ASA-2025-001: a peer that first claimed much and then little kept sync from ending.
#[test]
fn a_claim_never_shrinks_by_words_and_shrinks_by_what_is_not_shown() {
    let mut desk = Desk::four();
    desk.has(0, 0, 1_000_000);
    desk.has(0, 1, 20);
    desk.has(0, 2, 20);
    desk.has(0, 0, 12);
    assert_eq!(desk.sync.target(), Height(20));
    desk.answers(1, 1, 21, 0);
    desk.answers(1, 0, 11, 10);
    desk.answers(1, 2, 31, 0);
    desk.committed(2, 20);
    desk.tell(3, Input::Wake);
    desk.answers(4, 0, 21, 0);
    assert_eq!(desk.sync.target(), Height(20));
    assert_eq!(
        desk.tell(10_000, Input::Wake),
        [],
        "nobody claims more any longer"
    );
}

#[test]
fn a_late_range_is_asked_of_another_peer_and_its_answer_is_welcome_still() {
    let mut desk = Desk::four();
    desk.has(0, 0, 20);
    desk.has(0, 1, 20);
    assert_eq!(desk.tell(399, Input::Wake), []);
    assert_eq!(desk.tell(400, Input::Wake), [(1, 11, 10)]);
    assert_eq!(desk.answers(500, 0, 11, 10), []);
    desk.answers(510, 1, 11, 10);
    assert_eq!(desk.committed(600, 20), []);
    assert_eq!(desk.sync.target(), Height(20));
}

#[test]
fn a_lone_peer_has_more_patience_and_is_asked_again_for_less() {
    let mut desk = Desk::four();
    desk.has(0, 0, 20);
    assert_eq!(desk.tell(100, Input::Wake), [(0, 11, 10)]);
    assert_eq!(desk.tell(2_099, Input::Wake), []);
    assert_eq!(desk.tell(2_100, Input::Wake), []);
    assert_eq!(desk.tell(2_300, Input::Wake), [(0, 11, 5)]);
}

#[test]
fn a_peer_that_fails_is_left_for_another_but_not_for_good() {
    let mut desk = Desk::four();
    desk.has(0, 0, 20);
    desk.has(0, 1, 20);
    let failed = Input::Failed(desk.cast.address(0));
    assert_eq!(desk.tell(1, failed), [(1, 11, 10)]);
    let failed = Input::Failed(desk.cast.address(1));
    assert_eq!(desk.tell(2, failed), []);
    assert_eq!(desk.tell(201, Input::Wake), [(0, 11, 5)]);
}

#[test]
fn a_liar_waits_longer_each_time_while_others_are_asked_and_is_named() {
    let mut desk = Desk::four();
    desk.has(0, 0, 100);
    let liar = desk.cast.address(0);
    let answer = Answer {
        first: Height(11),
        blocks: 0,
        judged: 0,
        bytes: 10,
        flawed: true,
        unknown_from: None,
    };
    let out = desk.sync.step(Instant(0), Input::Answered(liar, answer));
    assert!(out.contains(&Output::Lied(liar)), "{out:?}");
    assert_eq!(desk.has(0, 1, 100), [(1, 11, 10)]);
    assert_eq!(desk.tell(1_599, Input::Wake), []);
    assert_eq!(desk.tell(1_600, Input::Wake), [(0, 11, 5)]);
    desk.lies(1_601, 0);
    assert_eq!(desk.tell(2_000, Input::Wake), []);
    assert_eq!(desk.tell(2_200, Input::Wake), [(1, 11, 5)]);
    assert_eq!(desk.answers(27_200, 1, 11, 5), [(1, 16, 10)]);
    assert_eq!(desk.tell(27_201, Input::Wake), [(0, 26, 2)]);
}

/// Valid blocks, but one at a time: such a peer was asked again and again.
#[test]
fn a_peer_that_gives_less_than_it_was_asked_for_is_asked_after_the_others_and_for_less() {
    let mut desk = Desk::four();
    desk.has(0, 0, 100);
    assert_eq!(desk.tell(100, Input::Wake), [(0, 11, 10)]);
    assert_eq!(desk.answers(101, 0, 11, 1), [(0, 12, 1)]);
    assert_eq!(desk.has(101, 1, 100), [(1, 13, 10)]);
    assert_eq!(desk.answers(102, 1, 13, 10), [(1, 23, 10)]);
    assert_eq!(desk.answers(103, 0, 12, 1), []);
    assert_eq!(desk.answers(104, 1, 23, 10), [(1, 33, 10)]);
    assert_eq!(desk.tell(300, Input::Wake), []);
    assert_eq!(desk.tell(301, Input::Wake), [(0, 43, 2)]);
}

#[test]
fn an_answer_that_is_short_because_it_is_full_of_bytes_is_no_fault() {
    let mut desk = Desk::four();
    desk.has(0, 0, 100);
    let answer = Answer {
        first: Height(11),
        blocks: 2,
        judged: 2,
        bytes: CONFIG.answer_bytes_full,
        flawed: false,
        unknown_from: None,
    };
    let peer = desk.cast.address(0);
    assert_eq!(desk.tell(1, Input::Answered(peer, answer)), [(0, 13, 10)]);
}

#[test]
fn bytes_that_wait_to_be_committed_leave_room_for_nothing_but_the_next_block() {
    let mut desk = Desk::four();
    desk.has(0, 0, 100);
    let peer = desk.cast.address(0);
    let answer = |first, bytes| Answer {
        first: Height(first),
        blocks: 10,
        judged: 10,
        bytes,
        flawed: false,
        unknown_from: None,
    };
    let full = Input::Answered(peer, answer(11, CONFIG.window_bytes_max));
    assert_eq!(desk.tell(1, full), []);
    desk.has(2, 1, 100);
    assert_eq!(desk.tell(200, Input::Wake), []);
    let committed = Input::Committed(desk.cast.schedule(Height(21)));
    assert_eq!(desk.tell(201, committed), [(0, 21, 10), (1, 31, 10)]);
}

/// A Committer that falls forgets the blocks that wait in it.
#[test]
fn what_was_proven_and_is_never_committed_is_asked_for_again() {
    let mut desk = Desk::four();
    desk.has(0, 0, 20);
    assert_eq!(desk.answers(1, 0, 11, 10), []);
    assert_eq!(desk.tell(2_000, Input::Wake), []);
    assert_eq!(desk.tell(2_001, Input::Wake), [(0, 11, 10)]);
}

#[test]
fn whoever_is_no_validator_is_not_listened_to() {
    let mut desk = Desk::four();
    let stranger = Address([9; 20]);
    assert_eq!(desk.tell(0, Input::Ahead(stranger, Height(99))), []);
    assert_eq!(desk.tell(0, Input::Failed(stranger)), []);
}

#[test]
fn having_caught_up_ends_the_asking() {
    let mut desk = Desk::four();
    desk.has(0, 0, 11);
    assert_eq!(desk.committed(5, 11), []);
    assert_eq!(desk.tell(100, Input::Wake), []);
    assert!(!desk.sync.is_catching_up());
}

#[test]
fn after_a_halt_nobody_is_asked_any_more() {
    let mut desk = Desk::four();
    desk.has(0, 0, 100);
    desk.tell(1, Input::Halted);
    assert_eq!(desk.has(2, 1, 200), []);
    assert_eq!(desk.answers(3, 0, 11, 10), []);
    assert_eq!(desk.sync.step(Instant(10_000), Input::Wake), []);
    assert!(!desk.sync.is_catching_up());
}

/// Another set decides from height 31 on, and nobody knows it before block 29 is committed.
#[test]
fn who_cannot_be_judged_yet_is_asked_for_the_rest_once_it_can() {
    let mut desk = Desk::of(&[1; 2], 10);
    assert_eq!(desk.has(0, 0, 100), [(0, 11, 10)]);
    assert_eq!(desk.answers(1, 0, 11, 10), [(0, 21, 10)]);
    assert_eq!(desk.answers(2, 0, 21, 10), [(0, 31, 10)]);
    let answer = Answer {
        first: Height(31),
        blocks: 0,
        judged: 0,
        bytes: 10,
        flawed: false,
        unknown_from: Some(Height(31)),
    };
    let unknown = Input::Answered(desk.cast.address(0), answer);
    assert_eq!(desk.tell(3, unknown), []);
    assert_eq!(desk.committed(4, 28), []);
    assert_eq!(desk.committed(5, 29), [(0, 31, 10)]);
}

#[test]
fn what_a_peer_has_pruned_is_asked_of_another_and_an_empty_answer_is_no_fault() {
    let mut desk = Desk::four();
    let peer = |desk: &Desk, i| desk.cast.address(i);
    let keeps = |desk: &Desk, i, height| Input::Keeps(peer(desk, i), Height(height));
    desk.has(0, 0, 100);
    // Asked before it has said so: it says so with its answer.
    assert_eq!(desk.tell(100, Input::Wake), [(0, 11, 10)]);
    let pruned = keeps(&desk, 0, 51);
    assert_eq!(desk.tell(101, pruned), []);
    assert_eq!(desk.answers(102, 0, 11, 0), []);
    assert_eq!(desk.sync.stranded(), Some(Height(51)));
    // Another has it. The first is asked for what it keeps, without having lost anything.
    assert_eq!(desk.has(103, 1, 100), [(1, 11, 10)]);
    assert_eq!(desk.sync.stranded(), None);
    for (now, first) in [(104, 11), (105, 21), (106, 31)] {
        assert_eq!(desk.answers(now, 1, first, 10), [(1, first + 10, 10)]);
    }
    assert_eq!(desk.answers(107, 1, 41, 10), []);
    assert_eq!(desk.committed(108, 50), [(0, 51, 10), (1, 61, 10)]);
}

#[test]
fn a_node_that_is_behind_what_everybody_keeps_is_stranded_and_says_where_the_others_begin() {
    let mut desk = Desk::four();
    let keeps = |desk: &Desk, i, height| Input::Keeps(desk.cast.address(i), Height(height));
    for (i, first) in [(0, 70), (1, 60), (2, 80)] {
        let keeps = keeps(&desk, i, first);
        assert_eq!(desk.tell(0, keeps), []);
        assert_eq!(desk.has(0, i, 100), []);
    }
    assert_eq!(desk.tell(5_000, Input::Wake), []);
    assert_eq!(desk.sync.stranded(), Some(Height(60)));
    assert!(desk.sync.is_catching_up());
    // The newest word counts: that node was given a longer chain.
    let again = keeps(&desk, 1, 5);
    let asked = desk.tell(5_001, again);
    assert_eq!((asked, desk.sync.stranded()), (vec![(1, 11, 10)], None));
    // It does not show what it claims: no reason to wait for it for ever.
    let failed = Input::Failed(desk.cast.address(1));
    desk.tell(5_002, failed);
    assert_eq!(desk.sync.stranded(), Some(Height(70)));
    assert_eq!(desk.tell(5_202, Input::Wake), [(1, 11, 5)]);
    let committed = desk.committed(5_203, 69);
    assert_eq!(desk.sync.stranded(), None, "{committed:?}");
    desk.tell(5_204, Input::Halted);
    assert_eq!(desk.sync.stranded(), None);
}

#[test]
fn whoever_has_nothing_new_strands_nobody() {
    let mut desk = Desk::four();
    desk.has(0, 0, 10);
    let keeps = Input::Keeps(desk.cast.address(0), Height(99));
    desk.tell(0, keeps);
    assert_eq!(desk.sync.stranded(), None);
    let stranger = Input::Keeps(Address([9; 20]), Height(99));
    assert_eq!(desk.tell(1, stranger), []);
}
