//! A ballot: somebody opens a question with its choices, each account votes once, whoever has opened it
//! closes it, and everybody can count. Each of the three is a call of one word of bytes.
use lockstep_protocol::application::{
    AppState, AppView, Application, BlockContext, Call, Failed, QueryRefused, Refused,
};

/// The application.
pub struct Ballot;

/// There is no such question.
pub const NO_QUESTION: Failed = Failed::code(1);
/// The question is there already.
pub const ASKED_ALREADY: Failed = Failed::code(2);
/// The account has voted.
pub const VOTED_ALREADY: Failed = Failed::code(3);
/// The question is closed.
pub const CLOSED: Failed = Failed::code(4);
/// The question has no such choice.
pub const NO_CHOICE: Failed = Failed::code(5);
/// Only whoever has opened the question closes it.
pub const NOT_YOURS: Failed = Failed::code(6);

/// What a call does with the question of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Opens it, with so many choices.
    Open(u8),
    /// Votes for a choice, from 0 on.
    Vote(u8),
    /// Closes it.
    Close,
}

/// The data of a call.
pub fn call(question: u32, deed: Deed) -> Vec<u8> {
    let [kind, choice] = match deed {
        Deed::Open(choices) => [0, choices],
        Deed::Vote(choice) => [1, choice],
        Deed::Close => [2, 0],
    };
    [&question.to_be_bytes()[..], &[kind, choice]].concat()
}

fn parse(call: &[u8]) -> Option<(u32, Deed)> {
    let (question, deed) = call.split_first_chunk::<4>()?;
    let deed = match deed {
        [0, choices @ 2..=u8::MAX] => Deed::Open(*choices),
        [1, choice] => Deed::Vote(*choice),
        [2, 0] => Deed::Close,
        _ => return None,
    };
    Some((u32::from_be_bytes(*question), deed))
}

/// Where a question stands: who has opened it, how many choices it has, whether it is closed.
fn question_key(question: u32) -> Vec<u8> {
    [b"question", &question.to_be_bytes()[..]].concat()
}

fn vote_key(question: u32, voter: &[u8; 20]) -> Vec<u8> {
    [b"vote", &question.to_be_bytes()[..], voter].concat()
}

/// Where the votes for a choice are counted.
pub fn count_key(question: u32, choice: u8) -> Vec<u8> {
    [b"count", &question.to_be_bytes()[..], &[choice]].concat()
}

fn count(value: Option<Vec<u8>>) -> u64 {
    value
        .and_then(|value| value.try_into().ok())
        .map_or(0, u64::from_be_bytes)
}

fn vote(
    state: &mut AppState<'_>,
    (question, choices): (u32, u8),
    choice: u8,
    voter: &[u8; 20],
) -> Result<(), Failed> {
    if choice >= choices {
        return Err(NO_CHOICE);
    }
    if state.get(vote_key(question, voter))?.is_some() {
        return Err(VOTED_ALREADY);
    }
    state.set(vote_key(question, voter), [choice])?;
    let counted = count(state.get(count_key(question, choice))?).saturating_add(1);
    Ok(state.set(count_key(question, choice), counted.to_be_bytes())?)
}

impl Application for Ballot {
    fn name(&self) -> &str {
        "ballot"
    }

    fn version(&self) -> u32 {
        1
    }

    fn genesis(&self, _: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
        match document {
            [] => Ok(()),
            _ => Err("a ballot begins with no question".into()),
        }
    }

    fn check(&self, call: &[u8]) -> Result<(), Refused> {
        parse(call)
            .map(|_| ())
            .ok_or_else(|| "it opens, votes or closes".into())
    }

    fn execute(
        &self,
        state: &mut AppState<'_>,
        call: &Call<'_>,
        _: &BlockContext,
    ) -> Result<(), Failed> {
        let (question, deed) = parse(call.data).ok_or(NO_QUESTION)?;
        let voter = &call.sender.0;
        let known = state.get(question_key(question))?;
        let known = known.and_then(|of| <[u8; 22]>::try_from(of).ok());
        match (deed, known) {
            (Deed::Open(_), Some(_)) => return Err(ASKED_ALREADY),
            (Deed::Open(choices), None) => {
                state.set(question_key(question), [&voter[..], &[choices, 0]].concat())?;
            }
            (_, None) => return Err(NO_QUESTION),
            (_, Some([.., 1])) => return Err(CLOSED),
            (Deed::Vote(choice), Some([.., choices, _])) => {
                vote(state, (question, choices), choice, voter)?;
            }
            (Deed::Close, Some(of)) if of[..20] != voter[..] => return Err(NOT_YOURS),
            (Deed::Close, Some([of @ .., _])) => {
                state.set(question_key(question), [&of[..], &[1]].concat())?;
            }
        }
        let word = match deed {
            Deed::Open(_) => "opened",
            Deed::Vote(_) => "voted",
            Deed::Close => "closed",
        };
        Ok(state.emit(word, call.data)?)
    }

    /// `count`: the votes for each choice of a question, eight bytes each.
    fn query(&self, view: &AppView<'_>, path: &str, of: &[u8]) -> Result<Vec<u8>, QueryRefused> {
        let question = of.try_into().map(u32::from_be_bytes);
        let question = question.map_err(|_| "name a question by its four bytes")?;
        let known = view.get(question_key(question))?;
        let Some([.., choices, _]) = known.as_deref() else {
            return Err("there is no such question".into());
        };
        match path {
            "count" => {
                let counted = |choice| Ok(count(view.get(count_key(question, choice))?));
                let all: Result<Vec<u64>, QueryRefused> = (0..*choices).map(counted).collect();
                Ok(all?.into_iter().flat_map(u64::to_be_bytes).collect())
            }
            _ => Err("ask for the count of a question".into()),
        }
    }
}
