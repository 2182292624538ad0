//! Blocks by hand.
use super::{DevnetError, Inner};
use lockstep_protocol::consensus::driver::{Pacing, TickOutcome};
use lockstep_protocol::types::Height;
use std::sync::Weak;
use std::time::{Duration, Instant};

/// How long a tick waits for its block on every node, unless somebody says otherwise.
pub(super) const TICK_PATIENCE: Duration = Duration::from_secs(30);
/// How long a node may take from its last answer to its end.
const ENDING_PATIENCE: Duration = Duration::from_secs(3);

/// What a tick did on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NodeTick {
    /// Which node.
    pub node: usize,
    /// What it did.
    #[serde(flatten)]
    pub outcome: TickOutcome,
}

/// Makes blocks of a devnet as long as that lives.
#[derive(Clone)]
pub struct Ticker {
    pub(super) inner: Weak<Inner>,
}

impl Ticker {
    /// As [`Devnet::tick`](super::Devnet::tick); after the devnet's end it makes nothing.
    pub fn tick(&self) -> Result<Vec<NodeTick>, DevnetError> {
        self.inner
            .upgrade()
            .map_or(Ok(Vec::new()), |inner| inner.tick_within(TICK_PATIENCE))
    }
}

impl super::Devnet {
    /// When heights begin from now on, on every node and also after a restart.
    pub fn pace(&self, pacing: Pacing) -> Result<(), DevnetError> {
        self.inner.pace(pacing)
    }

    /// When heights begin.
    pub fn pacing(&self) -> Pacing {
        *self.inner.pacing.lock()
    }
}

impl Inner {
    /// All hear it before any is waited for.
    pub(super) fn pace(&self, pacing: Pacing) -> Result<(), DevnetError> {
        *self.pacing.lock() = pacing;
        let answers = self.each(|node| node.change_pace(pacing)).into_iter();
        let answers: Vec<_> = answers
            .enumerate()
            .filter_map(|(node, answer)| Some((node, answer?)))
            .collect();
        answers
            .into_iter()
            .try_for_each(|(node, answer)| answer().map_err(|_| self.why_silent(node)))
    }

    pub(super) fn tick_within(&self, patience: Duration) -> Result<Vec<NodeTick>, DevnetError> {
        let next = self
            .heights()
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(0)
            .saturating_add(1);
        let answers = self.each(|node| node.tick(Height(next)));
        let mut ticks = Vec::new();
        for (node, answer) in answers.into_iter().enumerate() {
            let Some(answer) = answer else { continue };
            let outcome = answer().map_err(|_| self.why_silent(node))?;
            ticks.push(NodeTick { node, outcome });
        }
        let stopped = |tick: &NodeTick| tick.outcome == TickOutcome::Stopped;
        if !ticks.iter().all(stopped) {
            self.wait_for(next, patience)?;
        }
        Ok(ticks)
    }

    /// A node that gave no answer may be about to end, and then it says why.
    fn why_silent(&self, node: usize) -> DevnetError {
        let until = Instant::now() + ENDING_PATIENCE;
        while Instant::now() < until {
            if let Err(ended) = self.check_running(|index| index == node) {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        DevnetError::Down(node)
    }
}
