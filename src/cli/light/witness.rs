//! Witnesses: other nodes that must show the block by which something was proved. Whoever controls
//! one node, or the way to it, can show what is old, or a chain that enough sold keys have signed;
//! it cannot answer for a node that it does not control.
use super::doubt::{Doubt, differ};
use super::proved::Proved;
use super::session::Session;
use crate::cli::node::Node;
use crate::endpoint::Url;
use crate::failure::Failure;
use lockstep_protocol::proofs::light_client::Checkpoint;
use lockstep_protocol::types::{BlockId, Height};
use serde_json::{Value, json};
use std::fmt;
use std::time::{Duration, Instant};

/// How long a witness may take to reach the height that another node shows already: it hears of a
/// block a moment later.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(100);

/// A witness that shows the same block.
pub(super) struct Witnessed {
    pub(super) url: Url,
    height: Height,
    id: BlockId,
}

impl Witnessed {
    pub(super) fn document(&self) -> Value {
        json!({ "url": self.url.to_string(), "height": self.height, "block_id": self.id, "agrees": true })
    }
}

/// Two blocks of one height.
pub(super) struct Difference {
    height: Height,
    /// Who showed what was proved, and the block that it was proved by.
    first: (Url, BlockId),
    witness: (Url, BlockId),
    /// Whether the witness's follows from the trusted block as well.
    is_certified: bool,
}

impl Difference {
    pub(super) fn code(&self) -> &'static str {
        match self.is_certified {
            true => "fork",
            false => "witness_differs",
        }
    }

    pub(super) fn document(&self) -> Value {
        let (url, id) = &self.witness;
        let witness = json!({
            "url": url.to_string(), "height": self.height, "block_id": id, "agrees": false,
            "follows": self.is_certified,
        });
        json!({ "height": self.height, "block_id": self.first.1, "witnesses": [witness] })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let height = self.height;
        let (first, id) = &self.first;
        let (witness, other) = &self.witness;
        write!(
            f,
            "at height {height} {first} shows block {id} and witness {witness} shows {other} ({}): ",
            self.code()
        )?;
        f.write_str(match self.is_certified {
            true => {
                "both follow from the trusted block, so its validators have signed twice; believe \
                 neither, and ask whoever runs the chain"
            }
            false => {
                "the witness does not show that its own follows from the trusted block, so it lies \
                 or is broken; take it out, and name another one"
            }
        })
    }
}

/// Asks the witness at `url` for the block by which something was proved.
pub(super) fn ask(url: &Url, checkpoint: Checkpoint, proved: &Proved) -> Result<Witnessed, Doubt> {
    let height = proved.trusted.header.height;
    let id = proved.trusted.id;
    let mut session = open(url, height, proved)?;
    let shown = session.block(height)?.header.id();
    if shown == id {
        let url = url.clone();
        return Ok(Witnessed { url, height, id });
    }
    // No answer any more is no proof either.
    let client = session.follow(checkpoint, height).ok();
    let is_certified = client.is_some_and(|client| client.trusted().id == shown);
    Err(differ(&Difference {
        height,
        first: (proved.url.clone(), id),
        witness: (url.clone(), shown),
        is_certified,
    }))
}

/// A witness of the same chain that has got as far.
fn open(url: &Url, height: Height, proved: &Proved) -> Result<Session, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let url = url.clone();
        let session = Session::open(Node { url }).map_err(|failure| Failure {
            message: format!(
                "a witness: {}",
                failure.message.replace("--rpc", "--witness")
            ),
            ..failure
        })?;
        let (theirs, ours) = (&session.status, &proved.status);
        if (theirs.genesis_hash, theirs.scheme) != (ours.genesis_hash, ours.scheme) {
            return Err(Failure::usage(format!(
                "witness {} is of another chain: its genesis is {}, not {}; name a node of this \
                 chain",
                session.node.url, theirs.genesis_hash, ours.genesis_hash
            )));
        }
        if theirs.height >= height {
            return Ok(session);
        }
        if Instant::now() >= until {
            return Err(Failure::retry(format!(
                "witness {} is at height {}, what was proved is of height {height}: wait until it \
                 has caught up, or name another one",
                session.node.url, theirs.height
            )));
        }
        std::thread::sleep(LOOK);
    }
}
