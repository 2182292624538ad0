//! Until a node has arrived it has no voice. When that lasts, it says why, and the next step.
use super::BlockSync;
use lockstep_protocol::consensus::catch_up::{Arrival, Waits};
use lockstep_protocol::types::{Instant, Round};

impl BlockSync {
    /// In the log when it begins, when others are missing than before, and in `/status` meanwhile.
    pub(super) fn show_waiting(&self, now: Instant) {
        let waits = self.catch_up.waits(now).map(|waits| sentence(&waits));
        if self.seed.view.set_waiting(waits.clone())
            && let Some(why) = waits
        {
            log::warn!("this node observes: {why}");
        }
    }
}

pub(crate) fn sentence(waits: &Waits) -> String {
    let (missing, why, step) = match waits {
        Waits::ForAll(missing) => (
            missing,
            "this validator holds more than a third of the power, so it signs only when all others \
             have told it how far they are",
            "start them, see that peers says where they listen for peers, or, if its data directory \
             is the one that it last signed from, stop this node, run lockstep arm, and start it",
        ),
        Waits::ForMore(missing) => (
            missing,
            "too few others have told this node how far they are; it signs nothing before, because only \
             they know of what its key has signed and its directory may lack",
            "start them, and see that peers says where they listen for peers",
        ),
    };
    let missing: Vec<String> = missing.iter().map(|who| format!("{who}")).collect();
    format!("{why}; no word yet from {}: {step}", missing.join(", "))
}

/// Where it may sign, for the log.
pub(crate) fn arrived(arrival: Arrival) -> String {
    let height = arrival.committed;
    let mut said = format!("it has what the others had when it started: height {height}");
    for height in [height.next(), height.next().next()] {
        let round = arrival.first_round_of(height);
        if round > Round::ZERO {
            said.push_str(&format!(
                "; at height {height} it signs from round {round} on, because its key may have \
                 signed in earlier ones"
            ));
        }
    }
    said
}
