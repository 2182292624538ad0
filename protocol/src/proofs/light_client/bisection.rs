//! Which header a light client asks for next.
//!
//! The goal first: as long as the validators are much the same, one header is enough, however far
//! away. Where too few of the trusted validators have signed it, the one in the middle comes first;
//! the step to the header right after the trusted one needs no such power. So the way takes few
//! headers more than there were changes of the set.
use super::{LightBlock, LightClient, LightError};
use crate::types::{Height, Timestamp};

/// The heights that are still to be taken, the nearest last. Each lies in the middle between the
/// trusted one and the one before, so there are never more than 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bisection(Vec<Height>);

impl Bisection {
    /// The way to `goal`.
    pub fn to(goal: Height) -> Bisection {
        Bisection(vec![goal])
    }

    /// The height to ask for next; `None` once the goal is trusted, or lies behind.
    pub fn wanted(&self, client: &LightClient) -> Option<Height> {
        let trusted = client.trusted().header.height;
        self.0.last().copied().filter(|height| *height > trusted)
    }

    /// Takes what was shown of the [wanted](Self::wanted) height: the client has advanced, or
    /// another height is wanted first. An error is a lie.
    pub fn take(
        &mut self,
        client: &mut LightClient,
        shown: &LightBlock,
        now: Timestamp,
    ) -> Result<(), LightError> {
        let Some(asked) = self.wanted(client) else {
            return Ok(());
        };
        let trusted = client.trusted().header.height;
        match client.advance(asked, shown, now) {
            Ok(()) => {
                self.0.pop();
            }
            Err(LightError::TooFarAhead { .. }) => self.0.push(middle(trusted, asked)),
            Err(lie) => return Err(lie),
        }
        Ok(())
    }
}

/// Strictly between the two, which are no neighbours: the neighbour is never too far ahead.
fn middle(trusted: Height, asked: Height) -> Height {
    let distance = asked.0.saturating_sub(trusted.0);
    Height(trusted.0.saturating_add(distance / 2))
}
