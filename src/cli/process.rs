//! What this process has cost so far, where the system says so, and what it leaves behind.

/// From here on a fall of this process leaves no core dump, in which a key would stand, and no other
/// process of this user looks into its memory. Its own figures in `/proc/self` stay readable.
#[cfg(unix)]
pub(crate) fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A lower limit is never refused.
    let _ = setrlimit(Resource::Core, none);
    // A system that pipes dumps into a service of its own does not ask for that limit.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(not(unix))]
pub(crate) fn leave_no_core() {}

/// From here on a file that grows beyond its limit (`ulimit -f`) is an error of whoever writes it, with a
/// sentence, and not the end of the process.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub(crate) fn bear_limits_of_files() {
    // SAFETY: no handler is set, so nothing runs when the signal comes.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bear_limits_of_files() {}

/// CPU seconds of all threads so far. Resolution: one clock tick (10 ms).
#[cfg(target_os = "linux")]
pub(crate) fn cpu_seconds() -> Option<f64> {
    /// Fixed by the kernel's interface to user space on every architecture that Rust supports.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The command's name may hold anything, so count from behind its closing bracket: utime and
    // stime are the 14th and 15th fields of proc(5), the 12th and 13th from there.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// CPU seconds of the calling thread so far, to the nanosecond.
pub(crate) fn thread_cpu_seconds() -> Option<f64> {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = schedule.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// The most memory that this process has held at one time, in bytes.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    Some(status("VmHWM:")? * 1024)
}

/// The memory that this process holds now, without pages of mapped files, in bytes.
pub(crate) fn rss_anon_bytes() -> Option<u64> {
    Some(status("RssAnon:")? * 1024)
}

/// Its threads.
pub(crate) fn threads() -> Option<u64> {
    status("Threads:")
}

/// Its open files and sockets.
pub(crate) fn open_descriptors() -> Option<u64> {
    // One of them is the listing's own.
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    open.checked_sub(1)
}

/// A number of `/proc/self/status`; `None` where there is no such file.
fn status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn cpu_seconds() -> Option<f64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_and_memory_show() {
        let before = cpu_seconds().expect("procfs");
        let began = std::time::Instant::now();
        let mut sum = 0u64;
        // On a busy machine this thread may wait long for the little that one clock tick needs.
        while cpu_seconds().expect("procfs") <= before {
            assert!(began.elapsed().as_secs() < 30, "no CPU time was counted");
            (0..100_000).for_each(|_| sum = std::hint::black_box(sum.rotate_left(3) ^ 7));
        }
        assert!(thread_cpu_seconds().is_none_or(|cpu| cpu > 0.0));
        // Other tests of this process have left a peak, and give memory back meanwhile.
        let grows = || {
            let small = peak_rss_bytes().expect("procfs");
            let below = small.saturating_sub(rss_anon_bytes().expect("procfs"));
            let filled = vec![1u8; usize::try_from(below).expect("it fits") + (64 << 20)];
            let filled = std::hint::black_box(filled);
            peak_rss_bytes().expect("procfs") > small + (32 << 20) && !filled.is_empty()
        };
        assert!((0..10).any(|_| grows()), "the peak does not grow");
    }

    #[test]
    fn a_file_a_thread_and_memory_that_are_held_show() {
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let files = open_descriptors();
        let bytes = rss_anon_bytes().expect("procfs");
        let held: Vec<_> = (0..50)
            .map(|_| std::fs::File::open("/proc/self/stat"))
            .collect();
        let filled = std::hint::black_box(vec![1u8; 64 << 20]);
        let thread = std::thread::spawn(move || wait.recv());
        // Other tests of this process come and go meanwhile.
        assert!(open_descriptors().expect("procfs") > files.expect("procfs") + 25);
        assert!(rss_anon_bytes().expect("procfs") > bytes + (32 << 20));
        assert!(threads().expect("procfs") >= 3);
        drop((held, filled, end));
        assert!(thread.join().expect("it ends").is_err());
    }
}
