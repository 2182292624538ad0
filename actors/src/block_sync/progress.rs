//! How catching up goes on, for people: `/status`, a progress bar, a line in the log now and then.
use crate::limits::SYNC_REPORT_EVERY_MS;
use crate::view::SyncProgress;
use lockstep_protocol::consensus::catch_up::CatchUp;
use lockstep_protocol::types::{Height, Instant};

/// A speed is that since the last mark; a mark is this old before there is a new one.
const MARK_EVERY_MS: u64 = 1_000;

/// Since when it has been catching up, and how fast.
#[derive(Debug, Default)]
pub(super) struct Progress {
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    from: Height,
    began: Instant,
    mark: (Instant, Height),
    reported: Instant,
    blocks_per_second: f64,
}

impl Progress {
    /// Looks again; says in the log when catching up begins, goes on, and ends.
    pub(super) fn step(&mut self, now: Instant, catch_up: &CatchUp, head: Height) -> SyncProgress {
        let (target, is_catching_up) = (catch_up.target(), catch_up.is_catching_up());
        match &mut self.run {
            None if is_catching_up => {
                log::info!("catching up from height {head} to {target}");
                self.run = Some(Run {
                    from: head,
                    began: now,
                    mark: (now, head),
                    reported: now,
                    blocks_per_second: 0.0,
                });
            }
            Some(run) if is_catching_up => run.go_on(now, head, target),
            Some(run) => {
                run.end(now, head);
                self.run = None;
            }
            None => {}
        }
        SyncProgress {
            catching_up: is_catching_up,
            from: self.run.as_ref().map_or(head, |run| run.from),
            target,
            blocks_per_second: self.run.as_ref().map_or(0.0, |run| run.blocks_per_second),
        }
    }
}

impl Run {
    fn go_on(&mut self, now: Instant, head: Height, target: Height) {
        let (since, height) = self.mark;
        if now >= since.plus_ms(MARK_EVERY_MS) {
            self.blocks_per_second = speed(since, height, now, head);
            self.mark = (now, head);
        } else if self.blocks_per_second == 0.0 {
            // The first second already has a speed.
            self.blocks_per_second = speed(self.began, self.from, now, head);
        }
        if now >= self.reported.plus_ms(SYNC_REPORT_EVERY_MS) {
            self.reported = now;
            let speed = self.blocks_per_second;
            log::info!("catching up: height {head} of {target}, {speed:.0} blocks/s");
        }
    }

    fn end(&self, now: Instant, head: Height) {
        let blocks = head.0.saturating_sub(self.from.0);
        let seconds = now.0.saturating_sub(self.began.0) as f64 / 1e3;
        let speed = speed(self.began, self.from, now, head);
        log::info!(
            "done catching up: {blocks} blocks in {seconds:.1} s ({speed:.0} blocks/s), height {head}"
        );
    }
}

fn speed(since: Instant, from: Height, now: Instant, head: Height) -> f64 {
    let blocks = head.0.saturating_sub(from.0) as f64;
    blocks * 1e3 / now.0.saturating_sub(since.0).max(1) as f64
}
