//! What the tally has seen of whoever asks.
use super::*;
use crate::nouns::standing::{Question, Seen, StandingRefusal};

/// What validator 0 is answered by validator 1.
fn seen(cast: &Cast, tally: &mut Tally) -> Result<Seen, StandingRefusal> {
    let nonce = [tally
        .step(Instant(0), Input::EnterRound(H, Round::ZERO))
        .len() as u8; 16];
    let question = Question::sign(&cast.context, &*cast.signer(0), cast.address(1), nonce);
    let mut fresh = tally.clone();
    fresh.asked(Instant(0), &question.unwrap())
}

fn remembering(round: Option<u32>) -> Result<Seen, StandingRefusal> {
    Ok(Seen {
        height: H,
        round: round.map(Round),
        remembers: true,
    })
}

fn tally(cast: &Cast) -> Tally {
    let mut tally = Tally::new(
        cast.context,
        cast.address(1),
        &cast.schedule(H.previous()),
        1_000,
    );
    tally.step(Instant(0), Input::EnterHeight(cast.schedule(H)));
    tally
}

fn vote(tally: &mut Tally, vote: SignedVote) {
    tally.step(Instant(0), Input::Vote(vote));
}

#[test]
fn the_highest_round_of_its_verified_messages_is_told() {
    let cast = Cast::of(4);
    let mut tally = tally(&cast);
    assert_eq!(seen(&cast, &mut tally), remembering(None));
    vote(&mut tally, cast.prevote(2, 1, None));
    assert_eq!(seen(&cast, &mut tally), remembering(None), "another's");
    vote(&mut tally, cast.prevote(0, 1, None));
    assert_eq!(seen(&cast, &mut tally), remembering(Some(1)));
    vote(&mut tally, cast.prevote(0, 7, None));
    assert_eq!(seen(&cast, &mut tally), remembering(Some(7)));
    let mut forged = cast.prevote(0, 9, None);
    forged.signature = cast.prevote(0, 8, None).signature;
    vote(&mut tally, forged);
    assert_eq!(seen(&cast, &mut tally), remembering(Some(7)));
}

/// It was taken without a look at its signature, because it could change nothing.
#[test]
fn a_vote_that_was_not_needed_is_told_too() {
    let cast = Cast::of(4);
    let mut tally = tally(&cast);
    tally.step(Instant(0), Input::EnterRound(H, Round::ZERO));
    for i in 1..4 {
        vote(&mut tally, cast.prevote(i, 0, None));
    }
    vote(&mut tally, cast.prevote(0, 0, None));
    assert_eq!(seen(&cast, &mut tally), remembering(Some(0)));
}

#[test]
fn a_tally_that_was_not_there_when_the_height_began_says_so() {
    let cast = Cast::of(4);
    let mut restarted = Tally::new(cast.context, cast.address(1), &cast.schedule(H), 1_000);
    assert!(!seen(&cast, &mut restarted).unwrap().remembers);
    let new = Tally::new(cast.context, cast.address(1), &cast.schedule(H), 1_000);
    assert!(seen(&cast, &mut new.in_a_new_home()).unwrap().remembers);
}

#[test]
fn so_does_one_to_which_something_of_the_asker_came_too_early_to_be_kept() {
    let cast = Cast::of(4);
    let mut tally = Tally::new(
        cast.context,
        cast.address(1),
        &cast.schedule(H.previous()),
        1_000,
    );
    vote(&mut tally, cast.prevote(0, 5, None));
    tally.step(Instant(0), Input::EnterHeight(cast.schedule(H)));
    assert!(!seen(&cast, &mut tally).unwrap().remembers);
}
