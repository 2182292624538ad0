//! Tests that measure, or load the machine until others would fail: one at a time, whatever
//! `--test-threads` says. Each begins by taking the machine.

#[cfg(target_os = "linux")]
mod edge;
mod flood;
#[cfg(target_os = "linux")]
mod node_clocks;
mod node_kill;
mod one_dead;
mod one_history;
mod panics_under_load;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

/// The machine for one test, which keeps it until its end.
fn alone() -> RwLockWriteGuard<'static, ()> {
    // A test that has failed measures no longer.
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The machine for tests that mostly wait: beside each other, and beside none that is alone.
fn among_waiting() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}
