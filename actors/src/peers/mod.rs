//! Other validators' nodes: who they are and where they listen ([`Peer`], [`PeerAddress`]), how a name is
//! looked up ([`Resolve`]), and what two nodes must agree on before they talk ([`Handshake`]).
//!
//! The way out, the way in and the command line share these; this folder knows
//! `lockstep-protocol` and nothing else.
mod handshake;
mod peer;
mod resolve;

pub use handshake::{Handshake, Mismatch};
pub use peer::{Peer, PeerAddress, has_uri};
pub(crate) use resolve::look_up;
pub use resolve::{Resolve, system_resolver};
