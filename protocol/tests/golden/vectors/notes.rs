//! The application of the vectors: notes under names. What it does is no part of them; what it writes,
//! tells and refuses is.
use lockstep_protocol::application::{
    AppState, AppView, Application, BlockContext, Call, Failed, QueryRefused, Refused,
};
use lockstep_protocol::nouns::genesis::GenesisApplication;
use lockstep_protocol::nouns::transaction::Action;

const NAME: &str = "notes";

pub(crate) struct Notes;

/// As the genesis has it.
pub(crate) fn named() -> GenesisApplication {
    GenesisApplication {
        name: NAME.into(),
        version: 1,
        state: b"first=hello".into(),
    }
}

pub(crate) fn call(data: &[u8]) -> Action {
    Action::Call {
        application: NAME.into(),
        data: data.into(),
    }
}

/// A name and what is noted.
fn note(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

impl Application for Notes {
    fn name(&self) -> &str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
        let (name, value) = note(document).ok_or("no note")?;
        Ok(state.set(name, value)?)
    }

    fn check(&self, call: &[u8]) -> Result<(), Refused> {
        note(call)
            .map(|_| ())
            .ok_or_else(|| "a call is name=value".into())
    }

    fn execute(
        &self,
        state: &mut AppState<'_>,
        call: &Call<'_>,
        _: &BlockContext,
    ) -> Result<(), Failed> {
        let (name, value) = note(call.data).ok_or(Failed::code(1))?;
        state.set(name, value)?;
        state.emit("noted", name)?;
        match value {
            b"?" => Err(Failed::code(7)),
            // More than a call may do.
            b"*" => loop {
                state.get(name)?;
            },
            _ => Ok(state.emit("told-by", call.sender.0)?),
        }
    }

    fn query(&self, view: &AppView<'_>, path: &str, _: &[u8]) -> Result<Vec<u8>, QueryRefused> {
        Ok(view.get(path)?.unwrap_or_default())
    }
}
