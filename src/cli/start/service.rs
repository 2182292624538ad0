//! What a service manager is told of this node (`sd_notify(3)`), where one listens: at `NOTIFY_SOCKET`.
//! A datagram is sent or is lost; nobody waits for a manager that does not read, least of all the
//! node's own thread, whose sign of life (`WATCHDOG=1`) is sent by itself and by nobody else.
use lockstep_actors::node::NodeHandle;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is told how far the node is, if nothing but its height changes.
const STATUS_EVERY: Duration = Duration::from_secs(60);

/// This node as a service: the way to its manager, if it has one.
pub(super) struct Service {
    way: Option<Arc<Way>>,
    is_ready: bool,
    /// What it was last told beside the height, and when.
    told: Option<(String, Instant)>,
}

impl Service {
    pub(super) fn find() -> Service {
        Service {
            way: Way::find().map(Arc::new),
            is_ready: false,
            told: None,
        }
    }

    /// Has the node's thread say that it lives, twice in the time after which it counts as stuck.
    pub(super) fn watch(&self, node: &NodeHandle) {
        if let (Some(way), Some(patience)) = (self.way.clone(), patience()) {
            node.beat(patience / 2, move || way.tell("WATCHDOG=1"));
        }
    }

    /// Tells how far the node is, and once that it votes or follows.
    pub(super) fn look(&mut self, node: &NodeHandle) {
        let Some(way) = self.way.clone() else { return };
        let is_due = |at: &Instant| at.elapsed() >= STATUS_EVERY;
        let words = words(node);
        let told = self.told.as_ref();
        if !told.is_some_and(|(told, at)| *told == words && !is_due(at)) {
            let height = node.view().head().height;
            way.tell(format_args!("STATUS=height {height}, {words}"));
            self.told = Some((words, Instant::now()));
        }
        if !self.is_ready && !node.view().is_arriving(&node.address()) {
            self.is_ready = true;
            way.tell("READY=1");
        }
    }

    /// Tells that the settings are being read again, and that they have been. Before it is ready, the
    /// node is starting and nothing else.
    pub(super) fn around<T>(&self, reload: impl FnOnce() -> T) -> T {
        let way = self.way.as_deref().filter(|_| self.is_ready);
        if let Some(way) = way {
            let now = monotonic_us();
            way.tell(format_args!("RELOADING=1\nMONOTONIC_USEC={now}"));
        }
        let reloaded = reload();
        if let Some(way) = way {
            way.tell("READY=1");
        }
        reloaded
    }

    pub(super) fn stopping(&self) {
        if let Some(way) = &self.way {
            way.tell("STOPPING=1");
        }
    }
}

/// What the node does, in words.
fn words(node: &NodeHandle) -> String {
    let view = node.view();
    let me = node.address();
    let copy = view.copy();
    let is_validator = view.validators().current().index_of(&me).is_some();
    let does = if copy.halted.is_some() {
        "has stopped voting"
    } else if copy.catching_up {
        "catches up"
    } else if view.is_arriving(&me) {
        "asks the others how far they are"
    } else if copy.observing.is_some() {
        "observes"
    } else if is_validator {
        "votes"
    } else {
        "follows"
    };
    let peers = view.peers();
    let here = peers.iter().filter(|peer| peer.reachable).count();
    format!("{does}, {here} of {} peers reachable", peers.len())
}

/// After how long without a sign of life this process counts as stuck, if anybody counts.
fn patience() -> Option<Duration> {
    let variable = |name| std::env::var(name).ok();
    patience_of(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"))
}

/// Whoever is named may be another process, which has handed its environment down.
fn patience_of(us: Option<String>, whose: Option<String>) -> Option<Duration> {
    let me = std::process::id().to_string();
    let us = us?.parse().ok().filter(|us| *us > 0);
    us.filter(|_| whose.is_none_or(|whose| whose == me))
        .map(Duration::from_micros)
}

#[cfg(unix)]
fn monotonic_us() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[cfg(not(unix))]
fn monotonic_us() -> i64 {
    0
}

/// The way to it.
#[cfg(unix)]
struct Way(std::os::unix::net::UnixDatagram);

#[cfg(unix)]
impl Way {
    /// Nobody is told who cannot be reached: whoever runs a node need not hear of it.
    fn find() -> Option<Way> {
        let named = std::env::var_os("NOTIFY_SOCKET").filter(|named| !named.is_empty())?;
        let reached = Way::to(&named);
        if let Err(error) = &reached {
            log::warn!("NOTIFY_SOCKET: the service manager cannot be told anything: {error}");
        }
        reached.ok()
    }

    fn to(named: &std::ffi::OsStr) -> std::io::Result<Way> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&place(named)?)?;
        Ok(Way(socket))
    }

    fn tell(&self, words: impl Display) {
        if let Err(error) = self.0.send(words.to_string().as_bytes()) {
            log::debug!("the service manager was not told {words}: {error}");
        }
    }
}

/// A path, or behind an @ a name that is in no directory.
#[cfg(unix)]
fn place(named: &std::ffi::OsStr) -> std::io::Result<std::os::unix::net::SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(named).strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        return std::os::unix::net::SocketAddr::from_abstract_name(name);
    }
    std::os::unix::net::SocketAddr::from_pathname(named)
}

#[cfg(not(unix))]
struct Way;

#[cfg(not(unix))]
impl Way {
    fn find() -> Option<Way> {
        None
    }

    fn tell(&self, _: impl Display) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_process_is_waited_for_and_only_where_somebody_counts() {
        let of = |us: &str, whose: Option<&str>| {
            patience_of(Some(us.to_owned()), whose.map(str::to_owned))
        };
        let me = std::process::id().to_string();
        let second = Some(Duration::from_secs(1));
        assert_eq!(of("1000000", None), second);
        assert_eq!(of("1000000", Some(&me)), second);
        assert_eq!(of("1000000", Some("1")), None);
        for none in ["", "0", "-1", "1s"] {
            assert_eq!(of(none, None), None, "{none}");
        }
        assert_eq!(patience_of(None, Some(me)), None);
    }
}
