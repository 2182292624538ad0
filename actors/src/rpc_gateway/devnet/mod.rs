//! `/devnet` and `/devnet/…`: what may be seen and done of a devnet as a whole, at any of its nodes.
//!
//! A node does not know its devnet. It is handed [`Controls`], reads what is asked ([`bodies`]) and
//! has it carried out on another thread ([`routes`]): whoever carries it out may wait for this very
//! node. On a node of no devnet all of it is 404 `no_devnet`.
//!
//! A page may ask if one of the devnet's own nodes has served it, and no other page may: a devnet lets
//! everybody's pages read.
use super::browsers::Origins;
use crate::clock::SharedClock;
use crate::http::answer::refuse;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::types::{Hash, Timestamp};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Semaphore;

pub(super) mod bodies;
pub(super) mod routes;
mod then;

/// Does what people ask of a devnet. Every call may block.
pub trait Controls: Send + Sync {
    /// What `GET /devnet` answers.
    fn look(&self) -> Result<Value, NotDone>;

    /// Carries an order out, or begins to: [`Done::Once`].
    fn carry_out(&self, order: Order) -> Result<Done, NotDone>;

    /// The pages that the devnet's own nodes serve.
    fn pages(&self) -> Vec<String>;

    /// The wall clock of all its nodes.
    fn clock(&self) -> Arc<SharedClock>;
}

/// What a devnet is to do. Nodes have numbers from 0 on; those that come from outside may name none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A block on all nodes.
    Tick,
    /// When heights begin from now on.
    Pace(Pacing),
    /// A node ends in good order.
    Stop(usize),
    /// A node ends as a process that is killed.
    Kill(usize),
    /// A node that is down begins again.
    Restart(usize),
    /// The clock of all nodes.
    Time(TimeChange),
    /// The disks of all nodes are kept as they are now.
    Snapshot,
    /// The disks of all nodes become what they were then.
    Revert(u64),
    /// Nodes of different groups do not hear each other.
    Partition(Vec<Vec<usize>>),
    /// No link has a fault any more.
    Heal,
    /// Every request takes so many milliseconds longer.
    Delay(Wires, u64),
    /// Of a thousand requests so many are lost.
    Drop(Wires, u64),
    /// One of the public accounts pays.
    Transfer {
        /// Its name.
        from: String,
        /// A name, or an address.
        to: String,
        /// How much.
        amount: u64,
    },
    /// One of the public accounts keeps a record.
    Record {
        /// Its name.
        from: String,
        /// Under which key.
        key: Vec<u8>,
        /// What.
        value: Vec<u8>,
    },
    /// Pays to whom it may be.
    Faucet {
        /// A name, or an address.
        to: String,
        /// How much.
        amount: u64,
    },
    /// An actor of a node panics.
    Panic {
        /// Which node.
        node: usize,
        /// The actor's name.
        actor: String,
    },
}

/// What becomes of the clock of a devnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeChange {
    /// It is this time now.
    Set(Timestamp),
    /// It is so many milliseconds later now.
    Add(u64),
    /// The next block has this time.
    NextBlock(Timestamp),
}

/// Links between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wires {
    /// All of them.
    All,
    /// What the first sends to the second.
    One(usize, usize),
}

/// What became of an order.
pub enum Done {
    /// It is done.
    Plainly,
    /// It is done, with this answer.
    Told(Value),
    /// A transaction waits for a block.
    Sent(Hash),
    /// It can be done, and is, once this answer is on its way: it ends the node that answers.
    Once(Value, Box<dyn FnOnce() + Send>),
}

/// Whose trouble it is that an order was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// It can never be.
    Order,
    /// It names what there is not.
    Name,
    /// Not as things stand.
    State,
    /// Not now.
    Moment,
    /// There is too much of it.
    Load,
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotDone {
    /// Whose trouble it is.
    pub blame: Blame,
    /// A stable word.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl NotDone {
    /// A refusal, or a failure.
    pub fn new(blame: Blame, code: &'static str, message: impl Into<String>) -> NotDone {
        let message = message.into();
        NotDone {
            blame,
            code,
            message,
        }
    }

    fn answer(self) -> HttpResponse {
        let status = match self.blame {
            Blame::Order => StatusCode::BAD_REQUEST,
            Blame::Name => StatusCode::NOT_FOUND,
            Blame::State => StatusCode::CONFLICT,
            Blame::Moment => StatusCode::SERVICE_UNAVAILABLE,
            Blame::Load => StatusCode::TOO_MANY_REQUESTS,
        };
        refuse(status, self.code, self.message)
    }
}

/// The devnet of this node.
#[derive(Clone)]
pub(crate) struct Devnet {
    controls: Arc<dyn Controls>,
    /// Whose pages may give orders.
    pub(super) pages: Arc<Origins>,
    /// Places for ticks: they wait for a block, and nothing else is to wait for them.
    ticks: Arc<Semaphore>,
    /// Places for everything else.
    others: Arc<Semaphore>,
}

impl Devnet {
    pub(crate) fn new(controls: Arc<dyn Controls>) -> Devnet {
        Devnet {
            pages: Arc::new(Origins::These(controls.pages())),
            controls,
            ticks: Arc::new(Semaphore::new(crate::limits::DEVNET_TICKS_MAX)),
            others: Arc::new(Semaphore::new(crate::limits::DEVNET_ORDERS_MAX)),
        }
    }
}
