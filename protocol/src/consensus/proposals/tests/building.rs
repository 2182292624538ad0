//! The turn of this node: it has a block built, once in a round; else it skips.
use super::*;

/// The turn of validator 0 at height 5.
const MINE: u32 = 3;

fn in_my_turn() -> Desk {
    let mut desk = Desk::new();
    desk.enter_round(MINE);
    let asked = desk.tell(Input::Build(H, Round(MINE)));
    assert_eq!(asked, [Output::Fill(H, Round(MINE))]);
    desk
}

fn filled(round: u32) -> Input {
    Input::Filled(H, Round(round), Vec::new())
}

fn prepared(round: u32) -> Input {
    Input::Prepared(H, Round(round), block(H, 1))
}

#[test]
fn whoever_has_not_the_turn_skips_and_says_whose_it_is() {
    let mut desk = Desk::new();
    let skip = |desk: &Desk, round: u32| {
        let proposer = desk.cast.set.proposer(H, Round(round));
        Output::Skip(H, Round(round), proposer)
    };
    for round in 0..MINE {
        let out = desk.tell(Input::EnterRound(H, Round(round)));
        assert_eq!(out, [skip(&desk, round)]);
        assert_eq!(desk.tell(Input::EnterRound(H, Round(round))), [], "once");
        assert_eq!(desk.tell(Input::Build(H, Round(round))), []);
    }
    assert_eq!(desk.tell(Input::EnterRound(H, Round(MINE))), []);
}

#[test]
fn its_block_is_filled_by_the_mempool_executed_by_the_committer_and_handed_to_the_driver() {
    let mut desk = in_my_turn();
    assert_eq!(desk.tell(Input::Build(H, Round(MINE))), [], "asked once");
    let prepare = Output::Prepare(H, Round(MINE), Vec::new());
    assert_eq!(desk.tell(filled(MINE)), [prepare]);
    let built = Output::Built(H, Round(MINE), block(H, 1));
    assert_eq!(desk.tell(prepared(MINE)), [built]);
    assert_eq!(desk.tell(prepared(MINE)), [], "once");
}

#[test]
fn what_was_asked_for_in_a_round_that_is_over_goes_no_further() {
    let mut desk = in_my_turn();
    desk.enter_round(MINE + 1);
    assert_eq!(desk.tell(filled(MINE)), []);
    assert_eq!(desk.tell(prepared(MINE)), []);
    let mut desk = in_my_turn();
    desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT)));
    assert_eq!(desk.tell(prepared(MINE)), []);
}

/// The question was with whoever fell, and a proposer that waits for the answer loses its turn.
#[test]
fn after_a_fall_of_mempool_or_committer_the_block_is_asked_for_again() {
    let mut desk = in_my_turn();
    let again = [Output::Fill(H, Round(MINE))];
    assert_eq!(desk.tell(Input::AskAgain), again);
    assert_eq!(desk.tell(Input::EnterRound(H, Round(MINE))), again);
    desk.tell(prepared(MINE));
    assert_eq!(desk.tell(Input::AskAgain), []);
}
