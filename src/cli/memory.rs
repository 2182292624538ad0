//! Memory that was freed goes back to the system. The C library keeps it for itself: after a flood
//! of connections a node held ten times of what it needs, because a small block in use lies above.
use std::time::Duration;

/// How often a look is taken.
const EVERY: Duration = Duration::from_secs(5);
/// So much more that lies idle than when memory was last given back is worth the work.
const WORTH_BYTES: usize = 1 << 20;

/// So many arenas all threads share. Each keeps pages that hold a little, and by itself the C library
/// makes eight for each core.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS_MAX: i32 = 2;

/// A block of this size is memory of its own, which goes back as soon as it is freed: what lies beside
/// it in an arena, a little that is kept, keeps no page of it. By itself the C library begins with four
/// times as much, and takes more as soon as a block as large is freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OF_ITS_OWN_BYTES: i32 = 32 << 10;
/// So many of them, and not as many as a process may have mappings: others need some.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OF_THEIR_OWN_MAX: i32 = 1 << 14;

/// Has threads share arenas, and large blocks stand outside of them. What is made already stays, so it
/// comes before the threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub(crate) fn divide() {
    // SAFETY: it takes two numbers and no pointer, and this process has one thread yet (mallopt(3):
    // MT-Unsafe while it initialises).
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS_MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, OF_ITS_OWN_BYTES);
        libc::mallopt(libc::M_MMAP_MAX, OF_THEIR_OWN_MAX);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn divide() {}

/// Gives it back from now on, on a thread of its own, until the process ends.
pub(crate) fn give_back() {
    let thread = std::thread::Builder::new().name("memory".to_owned());
    let watched = thread.spawn(|| {
        let mut kept = Kept::default();
        loop {
            std::thread::sleep(EVERY);
            if kept.is_worth_it(idle_bytes()) {
                trim();
                kept.bytes = idle_bytes();
            }
        }
    });
    if let Err(error) = watched {
        log::debug!("freed memory is kept: no thread to give it back: {error}");
    }
}

/// What stayed when memory was last given back, or less: stacks, code's own data, pages that hold a
/// little. How much is free is no measure: it is the same before and after what was given back has been
/// used again.
#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    /// Much was given back at the last look.
    is_behind_much: bool,
}

impl Kept {
    /// Behind much there is another time: a crowd was still on its way out.
    fn is_worth_it(&mut self, idle: usize) -> bool {
        self.bytes = self.bytes.min(idle);
        let is_much = idle - self.bytes >= WORTH_BYTES;
        std::mem::replace(&mut self.is_behind_much, is_much) || is_much
    }
}

/// What this process has of the machine's memory beyond what it uses: without files, and what the C
/// library has handed out.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn idle_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let own = status.lines().find_map(|line| {
        let size = line.strip_prefix("RssAnon:")?.trim();
        size.strip_suffix(" kB")?.parse::<usize>().ok()
    });
    (own.unwrap_or(0) << 10).saturating_sub(used_bytes())
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn used_bytes() -> usize {
    // SAFETY: it takes nothing and returns numbers; it locks each arena for itself (mallinfo(3):
    // MT-Unsafe only in that options may be set meanwhile, which nobody does).
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn trim() {
    // SAFETY: it takes a number and no pointer, and may be called at any time by any thread: it
    // locks each arena for itself (malloc_trim(3): MT-Safe).
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn idle_bytes() -> usize {
    0
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// Idle memory in quarters of a MiB at each look, and what giving back leaves of it.
    fn given_back(looks: &[(usize, usize)]) -> Vec<bool> {
        let mut kept = Kept::default();
        let look = |(idle, left): &(usize, usize)| {
            let is_worth_it = kept.is_worth_it(idle * MIB / 4);
            if is_worth_it {
                kept.bytes = left * MIB / 4;
            }
            is_worth_it
        };
        looks.iter().map(look).collect()
    }

    /// Between two looks a flood used what had been given back, and freed it: it stayed for good.
    #[test]
    fn what_is_used_again_and_freed_is_given_back_again() {
        let looks = [(60, 4), (60, 4), (4, 2), (5, 0), (8, 2), (2, 0), (0, 0)];
        let (yes, no) = (true, false);
        assert_eq!(given_back(&looks), [yes, yes, yes, no, yes, yes, no]);
    }

    /// A crowd was on its way out while memory was given back: what the last of it freed was too
    /// little to be looked for, and lay in pages that hold nothing else.
    #[test]
    fn behind_much_it_is_given_back_once_more() {
        assert_eq!(given_back(&[(20, 8), (10, 4), (4, 4)]), [true, true, false]);
    }

    #[test]
    fn what_cannot_be_given_back_is_tried_twice() {
        assert_eq!(given_back(&[(40, 39); 4]), [true, true, false, false]);
    }
}
