//! What the system allows this process, asked before anything is opened: descriptors and address
//! space. Without it a node would begin, and then fall over what it cannot open.
use crate::failure::Failure;
use lockstep_actors::limits::{Demand, address_bytes, descriptors, map_bytes_within};
use lockstep_actors::state_store::DEFAULT_MAP_BYTES;
use lockstep_devnet::{Builder, limits as devnet};

/// Makes room for one node that has so many peers.
pub(crate) fn for_node(peers: usize) -> Result<(), Failure> {
    let who = match peers {
        1 => "a node with one peer".to_owned(),
        _ => format!("a node with {peers} peers"),
    };
    let demand = descriptors(1, peers);
    warn(files(&who, demand, raised(Kind::Files, demand.wanted))?);
    let needed = address_bytes(1, DEFAULT_MAP_BYTES);
    match raised(Kind::AddressSpace, needed) {
        Some(granted) if granted < needed => Err(too_little_space(&who, needed, granted)),
        _ => Ok(()),
    }
}

/// Makes room for this devnet; its maps are smaller where the system leaves less for them.
pub(crate) fn for_devnet(builder: Builder) -> Result<Builder, Failure> {
    let nodes = builder.nodes();
    let who = match nodes {
        1 => "a devnet of one node".to_owned(),
        _ => format!("a devnet of {nodes} nodes"),
    };
    let demand = descriptors(nodes, nodes.saturating_sub(1));
    warn(files(&who, demand, raised(Kind::Files, demand.wanted))?);
    let wanted = address_bytes(nodes, devnet::map_bytes(nodes));
    let Some(granted) = raised(Kind::AddressSpace, wanted).filter(|it| *it < wanted) else {
        return Ok(builder);
    };
    let map_bytes = devnet_map(&who, nodes, granted)?;
    warn(Some(format!(
        "each of the databases of {who} becomes no larger than {} MiB: this process may have {} \
         KiB of address space (ulimit -v)",
        map_bytes >> 20,
        granted >> 10
    )));
    Ok(builder.map_bytes(map_bytes))
}

fn warn(line: Option<String>) {
    if let Some(line) = line {
        log::warn!("{line}");
    }
}

/// A warning where not all is granted that is wanted, a refusal where it is too little to begin.
fn files(who: &str, demand: Demand, granted: Option<u64>) -> Result<Option<String>, Failure> {
    let Demand { needed, wanted } = demand;
    match granted {
        Some(granted) if granted < needed => Err(Failure::usage(format!(
            "{who} needs {needed} open files at least, and this process may have {granted}: raise \
             the limit with ulimit -n {needed} (its hard limit, as root), or LimitNOFILE={needed} in a \
             unit of systemd"
        ))),
        Some(granted) if granted < wanted => Ok(Some(format!(
            "{who} opens up to {wanted} files and sockets, and this process may have {granted}: \
             with many connections some are refused; ulimit -n {wanted}, or LimitNOFILE={wanted} \
             in a unit of systemd, allows for all"
        ))),
        _ => Ok(None),
    }
}

/// The largest map that all nodes can have.
fn devnet_map(who: &str, nodes: usize, granted: u64) -> Result<usize, Failure> {
    let share = usize::try_from(map_bytes_within(granted, nodes)).unwrap_or(usize::MAX);
    if share < devnet::MAP_BYTES_MIN {
        let needed = address_bytes(nodes, devnet::MAP_BYTES_MIN);
        return Err(too_little_space(who, needed, granted));
    }
    Ok(share)
}

fn too_little_space(who: &str, needed: u64, granted: u64) -> Failure {
    let needed = needed.div_ceil(1024);
    let granted = granted >> 10;
    Failure::usage(format!(
        "{who} needs {needed} KiB of address space at least, and this process may have {granted}: \
         raise the limit with ulimit -v {needed}, or LimitAS={needed}K in a unit of systemd"
    ))
}

enum Kind {
    Files,
    AddressSpace,
}

/// Raises this limit to what is wanted, as far as this process may, and says what it is then.
/// `None`: there is none.
#[cfg(unix)]
fn raised(kind: Kind, wanted: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let resource = match kind {
        Kind::Files => Resource::Nofile,
        Kind::AddressSpace => Resource::As,
    };
    let limit = getrlimit(resource);
    let granted = limit.current?;
    let most = limit.maximum.map_or(wanted, |most| most.min(wanted));
    if most > granted {
        let more = Rlimit {
            current: Some(most),
            maximum: limit.maximum,
        };
        // Some systems have a limit behind the limit; then it stays as it was.
        let _ = setrlimit(resource, more);
    }
    getrlimit(resource).current
}

#[cfg(not(unix))]
fn raised(_: Kind, _: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMAND: Demand = Demand {
        needed: 60,
        wanted: 800,
    };

    #[test]
    fn what_is_granted_is_enough_or_scarce_or_too_little() {
        for enough in [None, Some(800), Some(1 << 40)] {
            let said = files("a node", DEMAND, enough);
            assert_eq!(said.map_err(|failure| failure.message), Ok(None));
        }
        let scarce = files("a node", DEMAND, Some(60)).expect("it begins");
        let scarce = scarce.expect("a warning");
        let refused = files("a node", DEMAND, Some(59)).expect_err("too little");
        assert_eq!(refused.exit_code, 2);
        for (line, words) in [
            (
                &scarce,
                ["a node", "800", "60", "ulimit -n 800", "LimitNOFILE=800"],
            ),
            (
                &refused.message,
                ["a node", "60", "59", "ulimit -n 60", "LimitNOFILE=60"],
            ),
        ] {
            for word in words {
                assert!(line.contains(word), "{word:?} in {line}");
            }
            assert!(!line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn the_maps_of_a_devnet_share_what_is_granted() {
        let needed = address_bytes(100, devnet::MAP_BYTES_MIN);
        let map = devnet_map("a devnet", 100, needed).expect("it fits");
        assert_eq!(map, devnet::MAP_BYTES_MIN);
        let refused = devnet_map("a devnet", 100, needed - 1024).expect_err("too little");
        assert_eq!(refused.exit_code, 2);
        let (needed, granted) = (needed >> 10, (needed >> 10) - 1);
        for word in [
            format!("{needed} KiB"),
            format!("may have {granted}"),
            format!("ulimit -v {needed}"),
            format!("LimitAS={needed}K"),
        ] {
            assert!(
                refused.message.contains(&word),
                "{word:?} in {}",
                refused.message
            );
        }
    }
}
