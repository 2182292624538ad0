//! How catching up goes on, for people: `/status`, a progress bar, a line in the log now and then.
use crate::limits::{STRANDED_AFTER_MS, SYNC_MARK_EVERY_MS, SYNC_REPORT_EVERY_MS};
use crate::view::{SyncProgress, needs_snapshot};
use lockstep_protocol::consensus::catch_up::CatchUp;
use lockstep_protocol::consensus::trusted::TrustedBlock;
use lockstep_protocol::types::{Height, Instant};

/// Since when it has been catching up, and how fast.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    trusted: TrustedBlock,
    warned: bool,
    run: Option<Run>,
    /// Since when no peer that has spoken keeps the next block.
    stranded_since: Option<Instant>,
    /// Said, once that has lasted.
    stranded: Option<Height>,
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
    pub(crate) fn new(trusted: TrustedBlock) -> Progress {
        Progress {
            trusted,
            ..Progress::default()
        }
    }

    /// Looks again; says in the log when catching up begins, goes on, and ends.
    pub(crate) fn step(&mut self, now: Instant, catch_up: &CatchUp, head: Height) -> SyncProgress {
        let (target, is_catching_up) = (catch_up.target(), catch_up.is_catching_up());
        match &mut self.run {
            None if is_catching_up => {
                log::info!("catching up from height {head} to {target}");
                self.warn(head, target);
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
        let stranded = self.lasting(now, catch_up.stranded());
        if let Some(earliest) = stranded
            && self.stranded.is_none()
        {
            log::error!("{}", needs_snapshot(head.next(), earliest));
        }
        self.stranded = stranded;
        SyncProgress {
            stranded,
            catching_up: is_catching_up,
            from: self.run.as_ref().map_or(head, |run| run.from),
            target,
            blocks_per_second: self.run.as_ref().map_or(0.0, |run| run.blocks_per_second),
        }
    }

    /// Peers say one after the other what they keep: only what lasts is the word of them all.
    fn lasting(&mut self, now: Instant, stranded: Option<Height>) -> Option<Height> {
        if stranded.is_none() {
            self.stranded_since = None;
            return None;
        }
        let since = *self.stranded_since.get_or_insert(now);
        stranded.filter(|_| now >= since.plus_ms(STRANDED_AFTER_MS))
    }

    /// Of whom a newcomer believes: once, however often it falls behind.
    fn warn(&mut self, head: Height, target: Height) {
        if let Some(warning) = self.trusted.warning(head, target)
            && !self.warned
        {
            self.warned = true;
            log::warn!("{warning}");
        }
    }
}

impl Run {
    fn go_on(&mut self, now: Instant, head: Height, target: Height) {
        let (since, height) = self.mark;
        if now >= since.plus_ms(SYNC_MARK_EVERY_MS) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_sync::config;
    use lockstep_protocol::consensus::catch_up::Input;
    use lockstep_protocol::crypto::simulated::Simulated;
    use lockstep_protocol::crypto::{Scheme, Seed};
    use lockstep_protocol::types::Address;
    use lockstep_protocol::validators::schedule::ValidatorSchedule;
    use lockstep_protocol::validators::set::ValidatorSet;
    use std::sync::Arc;

    #[test]
    fn progress_begins_with_the_first_height_that_is_missing_and_ends_at_the_target() {
        let signer = Simulated.signer(&Seed([1; 32])).expect("a key");
        let peer = Address::of(Simulated.id(), signer.public_key());
        let members = [(signer.public_key().to_vec(), 1)];
        let set = Arc::new(ValidatorSet::new(&Simulated, members).expect("a set"));
        let after = |height| ValidatorSchedule::unchanged(Height(height), set.clone());
        let mut catch_up = CatchUp::new(config(Address::default()), &after(10));
        let mut progress = Progress::default();
        let idle = progress.step(Instant(0), &catch_up, Height(10));
        let expected = SyncProgress {
            stranded: None,
            catching_up: false,
            from: Height(10),
            target: Height(10),
            blocks_per_second: 0.0,
        };
        assert_eq!(idle, expected);

        catch_up.step(Instant(0), Input::Ahead(peer, Height(2_011)));
        progress.step(Instant(0), &catch_up, Height(10));
        assert!(progress.warned, "it believes whoever held two thirds");
        catch_up.step(Instant(500), Input::Committed(after(510)));
        let shown = progress.step(Instant(500), &catch_up, Height(510));
        let expected = SyncProgress {
            stranded: None,
            catching_up: true,
            from: Height(10),
            target: Height(2_010),
            blocks_per_second: 1_000.0,
        };
        assert_eq!(shown, expected);

        catch_up.step(Instant(2_000), Input::Committed(after(2_010)));
        let shown = progress.step(Instant(2_000), &catch_up, Height(2_010));
        assert!(
            !shown.catching_up && shown.from == Height(2_010),
            "{shown:?}"
        );
    }

    /// It was said after the first peer's word, and taken back a moment later.
    #[test]
    fn that_nobody_keeps_the_next_block_is_said_once_it_has_lasted() {
        let mut progress = Progress::default();
        let at = |ms| Instant(0).plus_ms(ms);
        let none = Some(Height(786));
        assert_eq!(progress.lasting(at(0), none), None);
        assert_eq!(progress.lasting(at(STRANDED_AFTER_MS - 1), none), None);
        // Another peer has it.
        assert_eq!(progress.lasting(at(STRANDED_AFTER_MS), None), None);
        assert_eq!(progress.lasting(at(STRANDED_AFTER_MS), none), None);
        assert_eq!(progress.lasting(at(2 * STRANDED_AFTER_MS), none), none);
    }
}
