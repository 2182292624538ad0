//! Memory that was freed goes back to the system. The C library keeps it for itself: after a flood
//! of connections a node held ten times of what it needs, because a small block in use lies above.
use std::time::Duration;

/// How often a look is taken.
const EVERY: Duration = Duration::from_secs(5);
/// So much that was freed since memory was last given back is worth the work.
const WORTH_BYTES: usize = 1 << 20;

/// Gives it back from now on, on a thread of its own, until the process ends.
pub(crate) fn give_back() {
    let thread = std::thread::Builder::new().name("memory".to_owned());
    let watched = thread.spawn(|| {
        let mut kept = Kept::default();
        loop {
            std::thread::sleep(EVERY);
            if kept.is_worth_it(freed_bytes()) {
                trim();
            }
        }
    });
    if let Err(error) = watched {
        log::debug!("freed memory is kept: no thread to give it back: {error}");
    }
}

/// What was free and stays so: it was given back already. What is held is no measure: under a flood
/// that does not change when it has passed.
#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
}

impl Kept {
    fn is_worth_it(&mut self, freed: usize) -> bool {
        // What was taken into use again has come back from the system.
        let is_worth_it = freed.saturating_sub(self.bytes) >= WORTH_BYTES;
        if is_worth_it || freed < self.bytes {
            self.bytes = freed;
        }
        is_worth_it
    }
}

/// What the C library holds and nobody uses, given back or not.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn freed_bytes() -> usize {
    // SAFETY: it takes nothing and returns numbers; it locks each arena for itself (mallinfo(3):
    // MT-Unsafe only in that options may be set meanwhile, which nobody does).
    unsafe { libc::mallinfo2() }.fordblks
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn trim() {
    // SAFETY: it takes a number and no pointer, and may be called at any time by any thread: it
    // locks each arena for itself (malloc_trim(3): MT-Safe).
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn freed_bytes() -> usize {
    0
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// A node that was flooded in its first second took that for its measure, and gave nothing back.
    #[test]
    fn what_is_freed_is_given_back_once_whenever_the_flood_was() {
        let mut kept = Kept::default();
        let freed = [1, 1, 60, 60, 60, 2, 2, 60, 60];
        let worth: Vec<bool> = freed
            .iter()
            .map(|mib| kept.is_worth_it(mib * MIB))
            .collect();
        let (yes, no) = (true, false);
        assert_eq!(worth, [yes, no, yes, no, no, no, no, yes, no]);
    }

    #[test]
    fn little_by_little_is_given_back_too() {
        let mut kept = Kept::default();
        let times = (0..100).filter(|n| kept.is_worth_it(n * MIB / 4));
        assert_eq!(times.count(), 24);
    }
}
