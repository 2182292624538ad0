//! Waiting for blocks, and for nothing that cannot come.
use super::{DevnetError, Inner};
use lockstep_actors::runtime::EndReason;
use lockstep_protocol::types::Height;
use std::time::{Duration, Instant};

/// How long a boot waits for nodes that do not sign yet, and how often it looks.
const ARRIVAL_PATIENCE: Duration = Duration::from_secs(1);
const ARRIVAL_LOOK: Duration = Duration::from_micros(500);

/// How often a wait looks whether somebody has ended.
const LOOK: Duration = Duration::from_millis(20);

impl Inner {
    /// Nodes that ended by themselves, and why. One that was killed is not among them.
    pub(super) fn endings(&self) -> Vec<(usize, EndReason)> {
        let nodes = self.nodes.iter().enumerate();
        let ended = nodes.filter_map(|(index, node)| Some((index, node.lock().as_ref()?.ended()?)));
        ended.collect()
    }

    /// An error if one of these nodes has ended by itself: the one with the gravest reason.
    pub(super) fn check_running(&self, of: impl Fn(usize) -> bool) -> Result<(), DevnetError> {
        let ended = self.endings().into_iter().filter(|(index, _)| of(*index));
        let gravest = ended.max_by_key(|(_, reason)| reason.exit_code());
        gravest.map_or(Ok(()), |(index, reason)| {
            Err(DevnetError::Ended { index, reason })
        })
    }

    /// Until all nodes have heard of each other and may sign: whoever boots a devnet and then delays
    /// or cuts its links means the links of nodes that run. Not for ever: a home that was kept may
    /// hold what keeps a node from signing, and then it says so itself.
    pub(super) fn wait_for_arrival(&self) {
        let until = Instant::now() + ARRIVAL_PATIENCE;
        let arrived = || self.each(|node| node.view().has_arrived());
        while arrived().contains(&Some(false)) && Instant::now() < until {
            std::thread::sleep(ARRIVAL_LOOK);
        }
    }

    /// Until all nodes that run at the call have committed `height`, or have been killed.
    pub(super) fn wait_for(&self, height: u64, patience: Duration) -> Result<(), DevnetError> {
        let awaited: Vec<bool> = self.each(|_| ()).iter().map(Option::is_some).collect();
        let until = Instant::now() + patience;
        loop {
            self.check_running(|index| awaited[index])?;
            let views = self.each(|node| node.view().clone()).into_iter();
            let behind = views.enumerate().filter_map(|(index, view)| {
                let view = view.filter(|view| view.head().height < Height(height))?;
                Some((index, view))
            });
            let behind: Vec<_> = behind.filter(|(index, _)| awaited[*index]).collect();
            let Some((_, first)) = behind.first() else {
                return Ok(());
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(DevnetError::NoBlock {
                    height,
                    patience,
                    missing: behind.into_iter().map(|(index, _)| index).collect(),
                    heights: self.heights(),
                });
            }
            first.wait_for(Height(height), left.min(LOOK));
        }
    }
}
