//! What a node may run out of: the disk, the map of its database, descriptors. What is scarce is said
//! while there still is some.
use crate::limits::{SCARCE_DISK_PERCENT, SCARCE_PERCENT};
use crate::state_store::Store;
use rustix::process::{Resource, getrlimit};
use std::fmt;

/// What may run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Disk,
    Map,
    Descriptors,
}

/// How much of it is taken, in bytes or descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) what: What,
    pub(crate) taken: u64,
    pub(crate) whole: u64,
}

impl Room {
    pub(crate) fn is_scarce(&self) -> bool {
        let percent = match self.what {
            What::Disk => SCARCE_DISK_PERCENT,
            What::Map | What::Descriptors => SCARCE_PERCENT,
        };
        self.taken.saturating_mul(100) > self.whole.saturating_mul(percent)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Disk => "the disk of the data directory",
            What::Map => "the map of the database",
            What::Descriptors => "this process's table of descriptors",
        })
    }
}

/// How full it is, and what helps.
impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Room { what, taken, whole } = self;
        let percent = taken.saturating_mul(100) / whole.max(&1);
        let left = whole.saturating_sub(*taken);
        let mib = |bytes: u64| bytes >> 20;
        match what {
            What::Disk => write!(
                f,
                "{what} is {percent} % full, {} MiB are left: make room, or keep fewer blocks \
                 (retain_blocks)",
                mib(left)
            ),
            What::Map => write!(
                f,
                "{what} is {percent} % full, {} of {} MiB: keep fewer blocks (retain_blocks)",
                mib(*taken),
                mib(*whole)
            ),
            What::Descriptors => write!(
                f,
                "{what} is {percent} % full, {taken} of {whole}: allow more (ulimit -n, or \
                 LimitNOFILE= of a service)"
            ),
        }
    }
}

/// As they are now; without what this system does not say. It waits for the disk.
pub(crate) fn look(store: &Store) -> Vec<Room> {
    let found = [disk(store), map(store), descriptors()];
    found.into_iter().flatten().collect()
}

fn disk(store: &Store) -> Option<Room> {
    let disk = rustix::fs::statvfs(store.dir()).ok()?;
    // What is kept for root is no room for this node.
    let left = disk.f_bavail.saturating_mul(disk.f_frsize);
    let used = disk.f_blocks.saturating_sub(disk.f_bfree);
    let taken = used.saturating_mul(disk.f_frsize);
    let whole = taken.saturating_add(left);
    (whole > 0).then_some(Room {
        what: What::Disk,
        taken,
        whole,
    })
}

fn map(store: &Store) -> Option<Room> {
    let (taken, whole) = store.map_room().ok()?;
    Some(Room {
        what: What::Map,
        taken,
        whole,
    })
}

fn descriptors() -> Option<Room> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(Room {
        what: What::Descriptors,
        // One of them is the listing's own.
        taken: open.saturating_sub(1),
        whole: getrlimit(Resource::Nofile).current?,
    })
}
