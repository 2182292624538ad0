use super::*;

const A: Address = Address([1; 20]);
const B: Address = Address([2; 20]);
const C: Address = Address([3; 20]);
/// This node.
const ME: Address = Address([4; 20]);
const PATIENCE_MS: u64 = 30;
const MOST_MS: u64 = 300;

fn puller() -> Puller {
    Puller::new([A, B, C], PATIENCE_MS, MOST_MS)
}

fn place(height: u64, round: u32, step: Step) -> StandsAt {
    StandsAt {
        height: Height(height),
        round: Round(round),
        step,
        proposer: B,
        joined: false,
    }
}

/// Standing in round 0 of height 5 since time 0, waiting for the proposal of B.
fn waiting() -> Puller {
    let mut puller = puller();
    assert_eq!(
        asked(&stands(&mut puller, 0, place(5, 0, Step::Propose))),
        []
    );
    puller
}

fn stands(puller: &mut Puller, at: u64, place: StandsAt) -> Vec<Output> {
    puller.step(Instant(at), Input::Stands(Some(place)))
}

fn asked(out: &[Output]) -> Vec<Address> {
    let asks = out.iter().filter_map(|output| match output {
        Output::Ask(peer, ..) => Some(*peer),
        Output::WakeAt(_) => None,
    });
    asks.collect()
}

/// Wakes it whenever it asked to be woken until `until`; returns whom it asked, and when.
fn run(puller: &mut Puller, until: u64) -> Vec<(u64, Address)> {
    let mut found = Vec::new();
    while let Some(at) = puller.wakes_at.filter(|at| at.0 <= until) {
        let out = puller.step(at, Input::Wake);
        found.extend(asked(&out).into_iter().map(|peer| (at.0, peer)));
    }
    found
}

/// Likewise; whoever is asked fails at once.
fn run_in_vain(puller: &mut Puller, until: u64) -> Vec<(u64, Address)> {
    let mut found = Vec::new();
    while let Some(at) = puller.wakes_at.filter(|at| at.0 <= until) {
        for (at, peer) in run(puller, at.0) {
            found.push((at, peer));
            puller.step(Instant(at), Input::Failed(peer));
        }
    }
    found
}

#[test]
fn a_step_that_lasts_longer_than_the_patience_asks_the_proposer_first_then_everybody_in_turn() {
    let mut puller = waiting();
    assert_eq!(run(&mut puller, 29), []);
    assert_eq!(run(&mut puller, 90), [(30, B), (60, A), (90, C)]);
}

#[test]
fn a_question_names_height_and_round() {
    let mut puller = puller();
    stands(&mut puller, 0, place(5, 3, Step::Prevote));
    let out = puller.step(Instant(30), Input::Wake);
    assert!(
        out.contains(&Output::Ask(A, Height(5), Round(3))),
        "{out:?}"
    );
}

#[test]
fn waits_double_when_everybody_was_asked_up_to_the_most() {
    let mut puller = waiting();
    let asks = run_in_vain(&mut puller, 2_000);
    let times: Vec<u64> = asks.iter().map(|(at, _)| *at).collect();
    let waits: Vec<u64> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(waits[..6], [30, 30, 60, 60, 60, 120], "{asks:?}");
    assert!(waits.iter().all(|wait| *wait <= MOST_MS), "{waits:?}");
    assert_eq!(waits.last(), Some(&MOST_MS));
}

#[test]
fn progress_begins_the_patience_anew() {
    let mut puller = waiting();
    stands(&mut puller, 29, place(5, 0, Step::Prevote));
    stands(&mut puller, 58, place(5, 0, Step::Precommit));
    stands(&mut puller, 87, place(6, 0, Step::Propose));
    assert_eq!(run(&mut puller, 116), []);
    assert_eq!(run(&mut puller, 117), [(117, B)]);
}

#[test]
fn nobody_is_asked_between_two_heights_and_no_timer_is_left() {
    let mut puller = waiting();
    puller.step(Instant(10), Input::Stands(None));
    assert_eq!(run(&mut puller, 3_600_000), []);
    assert_eq!(puller.wakes_at, None);
}

#[test]
fn the_proposer_is_not_asked_first_for_votes() {
    let mut puller = puller();
    stands(&mut puller, 0, place(5, 0, Step::Prevote));
    assert_eq!(run(&mut puller, 30), [(30, A)]);
}

#[test]
fn a_proposer_waits_for_nobodys_proposal() {
    let mut puller = puller();
    let mine = StandsAt {
        proposer: ME,
        ..place(5, 0, Step::Propose)
    };
    stands(&mut puller, 0, mine);
    assert_eq!(run(&mut puller, 30), [(30, A)]);
}

#[test]
fn whoever_has_yet_to_answer_is_not_asked_again_until_it_fails_or_is_given_up() {
    let mut puller = Puller::new([A], PATIENCE_MS, MOST_MS);
    stands(&mut puller, 0, place(5, 0, Step::Prevote));
    assert_eq!(run(&mut puller, 30), [(30, A)]);
    assert_eq!(run(&mut puller, 320), []);
    puller.step(Instant(321), Input::Failed(A));
    let asks = run(&mut puller, 1_000);
    assert!(
        asks.len() >= 2,
        "after its failure, and after it was given up: {asks:?}"
    );
    assert!(asks[1].0 - asks[0].0 >= MOST_MS, "{asks:?}");
}

#[test]
fn what_was_refused_as_too_early_is_asked_for_at_once_when_its_height_begins() {
    let mut puller = waiting();
    puller.step(Instant(1), Input::Refused(C, Height(7)));
    assert_eq!(
        asked(&stands(&mut puller, 2, place(7, 0, Step::Propose))),
        [C]
    );
    assert_eq!(
        asked(&stands(&mut puller, 3, place(8, 0, Step::Propose))),
        [],
        "once is enough"
    );
}

#[test]
fn what_was_refused_of_a_height_that_is_over_is_forgotten() {
    let mut puller = waiting();
    puller.step(Instant(1), Input::Refused(C, Height(7)));
    assert_eq!(
        asked(&stands(&mut puller, 2, place(8, 0, Step::Propose))),
        []
    );
}

#[test]
fn refusals_in_the_name_of_strangers_are_not_kept() {
    let mut puller = waiting();
    for i in 0..1_000u64 {
        let mut name = [9; 20];
        name[..8].copy_from_slice(&i.to_le_bytes());
        puller.step(Instant(1), Input::Refused(Address(name), Height(i)));
        puller.step(Instant(1), Input::Refused(A, Height(i)));
    }
    assert_eq!(puller.refused.len(), 1);
}

#[test]
fn whoever_joins_asks_at_once_but_not_for_each_of_many_heights() {
    let mut puller = puller();
    let mut asks = Vec::new();
    for at in 0..100 {
        let joined = StandsAt {
            joined: true,
            ..place(at + 1, 0, Step::Propose)
        };
        asks.extend(asked(&stands(&mut puller, at, joined)).iter().map(|_| at));
        puller.step(Instant(at), Input::Answered(B));
    }
    assert_eq!(asks, [0, 30, 60, 90]);
}

#[test]
fn whoever_skips_rounds_asks_at_once_what_was_said_in_between() {
    let mut puller = waiting();
    assert_eq!(
        asked(&stands(&mut puller, 1, place(5, 1, Step::Propose))),
        []
    );
    assert_eq!(
        asked(&stands(&mut puller, 2, place(5, 7, Step::Propose))),
        [B]
    );
}

#[test]
fn the_patience_follows_what_answers_take_and_not_how_long_steps_were_stuck() {
    let mut puller = waiting();
    for height in 6..20 {
        stands(&mut puller, height * 1_000, place(height, 0, Step::Propose));
        assert!(run_in_vain(&mut puller, height * 1_000 + 900).len() > 3);
    }
    stands(&mut puller, 20_000, place(20, 0, Step::Propose));
    assert_eq!(puller.wait_ms(), PATIENCE_MS, "stuck steps teach nothing");
    let mut puller = waiting();
    for _ in 0..40 {
        let due = puller.due.0;
        let asks = run(&mut puller, due);
        for (at, peer) in asks {
            puller.step(Instant(at + 100), Input::Answered(peer));
        }
    }
    stands(&mut puller, 100_000, place(6, 0, Step::Propose));
    assert!(
        (150..=200).contains(&puller.wait_ms()),
        "{}",
        puller.wait_ms()
    );
}

#[test]
fn a_lone_validator_asks_nobody_and_sets_no_timer() {
    let mut puller = Puller::new([], PATIENCE_MS, MOST_MS);
    assert_eq!(stands(&mut puller, 0, place(5, 0, Step::Propose)), []);
}
