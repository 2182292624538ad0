//! What pages say of clocks.
use super::seed::Seed;
use crate::clock::watch;
use crate::clock::words::Awaited;
use lockstep_protocol::consensus::clocks::Report;

/// How the clocks stand now.
pub(super) fn report(seed: &Seed) -> Report {
    let validators = seed.view.validators();
    seed.view
        .clocks
        .report(&seed.clock, &seed.me, validators.current())
}

/// Why this node cannot take part as its clock is, if so.
pub(super) fn hindrance(seed: &Seed, report: &Report) -> Option<String> {
    let wait = seed.view.copy().clock_wait;
    let awaited = wait.map(|wait| Awaited(wait).to_string());
    awaited.or_else(|| watch::sentence(report).filter(|_| report.own_is_off()))
}

/// The same, or that a proposal of the height under way was refused for its time: what may be the
/// cause if the chain stands still.
pub(super) fn cause(seed: &Seed, report: &Report) -> Option<String> {
    hindrance(seed, report).or_else(|| {
        let height = seed.view.head().height.next();
        let untimely = seed.view.clocks.untimely(height)?;
        Some(untimely.sentence())
    })
}

/// What people should know of clocks, if anything.
pub(super) fn sentence(seed: &Seed, report: &Report) -> Option<String> {
    cause(seed, report).or_else(|| watch::sentence(report))
}
