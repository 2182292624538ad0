//! Why a node stops voting.
use crate::consensus::sign_guard::AlreadySigned;
use crate::types::Height;

/// Why a node stopped voting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Q precommitted a block that is not valid here.
    #[error(
        "height {0} was decided with a block that this node finds invalid: either more than a \
         third of the power is faulty, or this node's state is; it no longer votes: run lockstep \
         verify, and compare that block with the other nodes'"
    )]
    InvalidDecision(Height),
    /// More than a third of the power is faulty, and has made a fork.
    #[error(
        "{0}; this node no longer votes: compare the chains, agree on one, and begin again with a \
         data directory of that one"
    )]
    Forked(String),
    /// A rule wanted a second signature for the same position.
    #[error("{0}; see that the key runs nowhere else, then start this node again")]
    AlreadySigned(#[from] AlreadySigned),
    /// The signing implementation failed.
    #[error(
        "{0}; it no longer votes: start it again, and on another machine if that does not help"
    )]
    Signing(#[from] crate::crypto::SigningFailed),
    /// A message under this key that this node has not signed.
    #[error(
        "a message of height {0} is signed with this node's key, but not by this node: the same \
         key runs twice, or the data directory is an old one; it no longer votes, nor after a \
         restart: keep one node for the key and stop the other for good; if you keep this one, start it \
         again, let it catch up, stop it, run lockstep arm, and start it"
    )]
    SignedElsewhere(Height),
}

impl Halt {
    /// Whether a node that has stopped for this must not sign after a restart either. A fork is
    /// remembered by its proof. A second signature for one position, or a signer that fails, is an
    /// incident of one run: the sign record still holds what was signed.
    pub fn outlives_restart(&self) -> bool {
        matches!(self, Halt::InvalidDecision(_) | Halt::SignedElsewhere(_))
    }

    /// Of two reasons the graver one is shown: what concerns the whole chain before what concerns
    /// this node's state, and that before what concerns its key.
    pub fn outweighs(&self, other: &Halt) -> bool {
        self.weight() > other.weight()
    }

    fn weight(&self) -> u8 {
        match self {
            Halt::Forked(_) => 4,
            Halt::InvalidDecision(_) => 3,
            Halt::SignedElsewhere(_) => 2,
            Halt::AlreadySigned(_) => 1,
            Halt::Signing(_) => 0,
        }
    }
}
