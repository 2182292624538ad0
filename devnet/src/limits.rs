//! Every limit of a devnet with its reason. Units stand last in the name.
use lockstep_actors::state_store::DEFAULT_MAP_BYTES;

/// Address space of the maps of all nodes of a devnet together: half of what the smallest 64-bit
/// systems give a process (39 bits), which holds four nodes with as much as a node alone has.
pub const MAPS_BYTES_MAX: usize = 256 << 30;
/// A node with less is not begun where the system leaves no more: it would soon be full. A hundred
/// of them fit into 128 GiB.
pub const MAP_BYTES_MIN: usize = 1 << 30;

/// Accounts with names: each has its key derived at every boot, a tenth of a second for all of them, and
/// stands in `GET /devnet` and on the terminal.
pub const ACCOUNTS_MAX: usize = 1_000;

/// Snapshots that are kept: each is a copy of every node's database.
pub const SNAPSHOTS_MAX: usize = 16;

/// Links with faults that are listed: all of 32 nodes. More are counted.
pub const FAULTS_SHOWN_MAX: usize = 1_024;

/// The map of each of so many nodes, where nothing says otherwise.
pub fn map_bytes(nodes: usize) -> usize {
    DEFAULT_MAP_BYTES.min(MAPS_BYTES_MAX / nodes.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_actors::limits::address_bytes;
    use lockstep_protocol::limits::VALIDATORS_MAX;

    #[test]
    fn the_maps_of_the_largest_devnet_fit_the_smallest_address_space() {
        for nodes in 1..=VALIDATORS_MAX {
            assert!(map_bytes(nodes) >= 2 * MAP_BYTES_MIN, "{nodes}");
            assert!(address_bytes(nodes, map_bytes(nodes)) < 1 << 39, "{nodes}");
        }
        assert_eq!(map_bytes(4), DEFAULT_MAP_BYTES);
        assert!(address_bytes(100, MAP_BYTES_MIN) < 128 << 30);
    }
}
