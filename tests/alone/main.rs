//! Tests that measure, or load the machine until others would fail: one at a time, whatever
//! `--test-threads` says.

mod flood;
#[cfg(target_os = "linux")]
mod node_clocks;
mod node_kill;
mod one_dead;
mod one_history;
mod panics_under_load;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every test here begins with it, and keeps it until its end.
#[must_use]
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that has failed measures no longer.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
