//! Memory that was freed goes back to the system. The C library keeps it for itself: after a flood
//! of connections a node held ten times of what it needs, because a small block in use lies above.
use super::process::rss_anon_bytes;
use std::time::Duration;

/// How often a look is taken.
const EVERY: Duration = Duration::from_secs(5);
/// So much above the least that was ever held is worth the work.
const SLACK_BYTES: u64 = 4 << 20;

/// Gives it back from now on, on a thread of its own, until the process ends.
pub(crate) fn give_back() {
    let thread = std::thread::Builder::new().name("memory".to_owned());
    let watched = thread.spawn(|| {
        // When it has begun.
        std::thread::sleep(Duration::from_secs(1));
        let mut least = u64::MAX;
        while let Some(held) = rss_anon_bytes() {
            if held > least.saturating_add(SLACK_BYTES) {
                trim();
            }
            least = least.min(rss_anon_bytes().unwrap_or(held));
            std::thread::sleep(EVERY);
        }
    });
    if let Err(error) = watched {
        log::debug!("freed memory is kept: no thread to give it back: {error}");
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn trim() {
    // SAFETY: it takes a number and no pointer, and may be called at any time by any thread: it
    // locks each arena for itself (malloc_trim(3): MT-Safe).
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
