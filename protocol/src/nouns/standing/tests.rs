//! What of a question, and of an answer, counts.
use super::*;
use crate::consensus::testkit::Cast;
use crate::types::Hash;

const ID: BlockId = Hash([3; 32]);
const SAID: Standing = Standing {
    committed: Height(9),
    signed: Some(Round(2)),
    is_locked: false,
    seen: None,
    remembers: true,
};

/// Validator 0 asks validator 1 of four.
struct Desk {
    cast: Cast,
    askers: Askers,
    known: ValidatorSchedule,
}

impl Desk {
    fn new() -> Desk {
        let cast = Cast::of(4);
        let known = cast.schedule(Height(10));
        let askers = Askers::default();
        Desk {
            cast,
            askers,
            known,
        }
    }

    fn asks(&self, i: usize, to: usize, nonce: u8) -> Question {
        let context = &self.cast.context;
        let to = self.cast.address(to);
        Question::sign(context, &*self.cast.signer(i), to, [nonce; 16]).unwrap()
    }

    fn says(&self, i: usize, question: &Question) -> Statement {
        let context = &self.cast.context;
        Statement::sign(context, &*self.cast.signer(i), question, SAID, ID).unwrap()
    }

    /// Put to validator 1.
    fn admits(&mut self, now: u64, question: &Question) -> Result<(), StandingRefusal> {
        let me = self.cast.address(1);
        let context = self.cast.context;
        self.askers
            .admit(Instant(now), question, &me, sets_of(&self.known), &context)
    }

    fn believes(
        &self,
        statement: &Statement,
        question: &Question,
    ) -> Result<Standing, StandingRefusal> {
        statement.answers(question, &self.cast.context, sets_of(&self.known))
    }
}

#[test]
fn the_answer_of_whom_was_asked_counts_and_says_what_was_signed() {
    let mut desk = Desk::new();
    let question = desk.asks(0, 1, 1);
    assert_eq!(desk.admits(0, &question), Ok(()));
    assert_eq!(desk.believes(&desk.says(1, &question), &question), Ok(SAID));
}

#[test]
fn a_question_to_another_of_the_own_key_of_a_stranger_or_forged_is_refused() {
    let mut desk = Desk::new();
    let elsewhere = desk.asks(0, 2, 1);
    assert_eq!(
        desk.admits(0, &elsewhere),
        Err(StandingRefusal::WrongAddressee)
    );
    let own = desk.asks(1, 1, 1);
    assert_eq!(desk.admits(0, &own), Err(StandingRefusal::OwnKey));
    let mut forged = desk.asks(0, 1, 1);
    forged.asker = desk.cast.address(3);
    assert_eq!(desk.admits(0, &forged), Err(StandingRefusal::BadSignature));
    let stranger = desk.asks(3, 1, 1);
    desk.known = desk.cast.changing(Height(10), &[0, 1, 2], &[0, 1, 2]);
    assert_eq!(
        desk.admits(0, &stranger),
        Err(StandingRefusal::UnknownValidator)
    );
    // Whoever is one from the next height on has to arrive before that.
    desk.known = desk.cast.changing(Height(10), &[0, 1, 2], &[0, 1, 2, 3]);
    assert_eq!(desk.admits(0, &stranger), Ok(()));
}

#[test]
fn a_question_of_another_chain_is_nobodys() {
    let mut desk = Desk::new();
    desk.cast.context.chain_id.0 += 1;
    let question = desk.asks(0, 1, 1);
    desk.cast.context.chain_id.0 -= 1;
    assert_eq!(
        desk.admits(0, &question),
        Err(StandingRefusal::BadSignature)
    );
}

#[test]
fn the_same_question_is_answered_once_and_a_few_a_second_of_each() {
    let mut desk = Desk::new();
    let question = desk.asks(0, 1, 0);
    assert_eq!(desk.admits(0, &question), Ok(()));
    assert_eq!(desk.admits(0, &question), Err(StandingRefusal::Replayed));
    for nonce in 1..STANDING_BURST_MAX {
        let question = desk.asks(0, 1, nonce as u8);
        assert_eq!(desk.admits(0, &question), Ok(()));
    }
    let next = desk.asks(0, 1, 99);
    assert_eq!(desk.admits(0, &next), Err(StandingRefusal::OverBudget));
    let another = desk.asks(2, 1, 99);
    assert_eq!(desk.admits(0, &another), Ok(()), "each has its own");
    assert_eq!(desk.admits(1_000, &next), Ok(()));
}

/// Nobody can use up what another may ask.
#[test]
fn a_forged_question_costs_its_victim_nothing() {
    let mut desk = Desk::new();
    for nonce in 0..20 {
        let mut forged = desk.asks(2, 1, nonce);
        forged.asker = desk.cast.address(0);
        assert_eq!(desk.admits(0, &forged), Err(StandingRefusal::BadSignature));
    }
    let question = desk.asks(0, 1, 0);
    assert_eq!(desk.admits(0, &question), Ok(()));
}

#[test]
fn what_is_kept_of_a_busy_asker_is_bounded() {
    let mut desk = Desk::new();
    for second in 0..200u64 {
        let question = desk.asks(0, 1, second as u8);
        assert_eq!(desk.admits(second * 1_000, &question), Ok(()));
    }
    let kept = &desk.askers.nonces[&desk.cast.address(0)];
    assert_eq!(kept.len(), STANDING_NONCES_KEPT_MAX);
}

#[test]
fn an_answer_of_another_to_another_or_to_an_earlier_question_is_refused() {
    let desk = Desk::new();
    let question = desk.asks(0, 1, 1);
    let of_another = desk.says(2, &question);
    assert_eq!(
        desk.believes(&of_another, &question),
        Err(StandingRefusal::WrongAddressee)
    );
    let to_another = desk.says(1, &desk.asks(2, 1, 1));
    assert_eq!(
        desk.believes(&to_another, &question),
        Err(StandingRefusal::WrongAddressee)
    );
    let earlier = desk.says(1, &desk.asks(0, 1, 0));
    assert_eq!(
        desk.believes(&earlier, &question),
        Err(StandingRefusal::Replayed)
    );
}

#[test]
fn an_answer_that_was_changed_on_its_way_is_refused() {
    let desk = Desk::new();
    let question = desk.asks(0, 1, 1);
    let changes: [fn(&mut Statement); 6] = [
        |s| s.standing.committed = Height(8),
        |s| s.standing.signed = None,
        |s| s.standing.is_locked = true,
        |s| s.standing.seen = Some(Round(0)),
        |s| s.standing.remembers = false,
        |s| s.block_id = Hash([4; 32]),
    ];
    for change in changes {
        let mut changed = desk.says(1, &question);
        change(&mut changed);
        assert_eq!(
            desk.believes(&changed, &question),
            Err(StandingRefusal::BadSignature),
            "{changed:?}"
        );
    }
}

#[cfg(feature = "mutants")]
#[test]
fn an_unsigned_standing_is_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    must_be_noticed(
        Mutation::UnsignedStanding,
        an_answer_that_was_changed_on_its_way_is_refused,
    );
}

#[test]
fn every_refusal_has_a_code_and_a_sentence_of_its_own() {
    use std::collections::BTreeSet;
    let all = StandingRefusal::ALL;
    let codes: BTreeSet<&str> = all.iter().map(|refused| refused.code()).collect();
    let sentences: BTreeSet<String> = all.iter().map(|refused| refused.to_string()).collect();
    assert_eq!((codes.len(), sentences.len()), (all.len(), all.len()));
}
