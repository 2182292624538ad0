//! The application that every simulated chain runs: tallies. A call adds to the sender's tally and to
//! that of all; some calls do so and then fail, so that whatever they leave behind is seen.
use lockstep_protocol::application::{
    AppState, AppView, Application, Applications, BlockContext, Call, Failed, QueryRefused,
    Refused, Stopped,
};
use lockstep_protocol::nouns::genesis::GenesisApplication;
use lockstep_protocol::nouns::transaction::Action;
use std::sync::Arc;

const NAME: &str = "tallies";
const OF_ALL: &[u8] = b"all";

struct Tallies;

/// What the simulated nodes can run.
pub(crate) fn applications() -> Applications {
    Applications::of([Arc::new(Tallies) as Arc<dyn Application>])
}

/// As the genesis names it.
pub(crate) fn named() -> GenesisApplication {
    GenesisApplication {
        name: NAME.into(),
        version: 1,
        state: vec![0],
    }
}

/// A call that adds so much, and fails if it is odd.
pub(crate) fn call(more: u8) -> Action {
    Action::Call {
        application: NAME.into(),
        data: vec![more],
    }
}

fn add(state: &mut AppState<'_>, key: &[u8], more: u8) -> Result<u8, Stopped> {
    let tally = state.get(key)?.and_then(|tally| tally.first().copied());
    let tally = tally.unwrap_or_default().wrapping_add(more);
    state.set(key, [tally])?;
    Ok(tally)
}

impl Application for Tallies {
    fn name(&self) -> &str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
        Ok(state.set(OF_ALL, document)?)
    }

    fn check(&self, call: &[u8]) -> Result<(), Refused> {
        let is_one = call.len() == 1;
        is_one
            .then_some(())
            .ok_or_else(|| "a call is one byte".into())
    }

    fn execute(
        &self,
        state: &mut AppState<'_>,
        call: &Call<'_>,
        _: &BlockContext,
    ) -> Result<(), Failed> {
        let more = call.data.first().copied().unwrap_or_default();
        let of_all = add(state, OF_ALL, more)?;
        add(state, &call.sender.0, more)?;
        state.emit("added", [more, of_all])?;
        match more % 2 {
            0 => Ok(()),
            _ => Err(Failed::code(1)),
        }
    }

    fn query(&self, view: &AppView<'_>, _: &str, of: &[u8]) -> Result<Vec<u8>, QueryRefused> {
        Ok(view.get(of)?.unwrap_or_default())
    }
}
