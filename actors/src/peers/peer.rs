//! Who a peer is, and where it listens.
use lockstep_protocol::types::Address;
use std::net::SocketAddr;
use std::sync::Arc;

/// Another validator's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The validator.
    pub address: Address,
    /// Where its node listens to other nodes.
    pub listens_at: PeerAddress,
}

/// Where a peer listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    /// It stays there.
    At(SocketAddr),
    /// It has a name, which is looked up again when the peer is not where it was found.
    Named {
        /// `host:port`.
        name: Arc<str>,
        /// Where the name led when it was last found; `None`: not known yet.
        found: Option<SocketAddr>,
    },
}

impl Peer {
    /// One that stays where it is.
    pub fn at(address: Address, listens: SocketAddr) -> Peer {
        let listens_at = PeerAddress::At(listens);
        Peer {
            address,
            listens_at,
        }
    }

    /// One with a name, `host:port`, and where that led; `None`: not known yet.
    pub fn named(address: Address, name: &str, found: Option<SocketAddr>) -> Peer {
        let name = name.into();
        let listens_at = PeerAddress::Named { name, found };
        Peer {
            address,
            listens_at,
        }
    }

    /// Whether this is the same validator, whose node was named at the same place; where a name leads
    /// counts for nothing.
    pub(crate) fn is_placed_as(&self, other: &Peer) -> bool {
        let is_same_place = match (&self.listens_at, &other.listens_at) {
            (PeerAddress::At(here), PeerAddress::At(there)) => here == there,
            (PeerAddress::Named { name, .. }, PeerAddress::Named { name: other, .. }) => {
                name == other
            }
            _ => false,
        };
        self.address == other.address && is_same_place
    }

    /// Where its node listens to other nodes, as far as that is known.
    pub fn listens(&self) -> Option<SocketAddr> {
        match self.listens_at {
            PeerAddress::At(listens) => Some(listens),
            PeerAddress::Named { found, .. } => found,
        }
    }

    /// What the URLs of its node begin with.
    pub fn url(&self) -> String {
        match &self.listens_at {
            PeerAddress::Named { name, found: None } => format!("http://{name}"),
            PeerAddress::At(at)
            | PeerAddress::Named {
                found: Some(at), ..
            } => format!("http://{at}"),
        }
    }
}

/// Whether a URI can name this address. One of a single link cannot be: its scope (`%2`) is no part
/// of a host.
pub fn has_uri(listens: &SocketAddr) -> bool {
    !matches!(listens, SocketAddr::V6(v6) if v6.scope_id() != 0)
}
