//! What the PeerGateway is made from, and what every request of a peer sees.
use crate::clock::Clock;
use crate::http::answer::Refused;
use crate::http::answer_places::AnswerPlaces;
use crate::http::bodies::Bodies;
use crate::http::body;
use crate::http::connection::Connection;
use crate::http::intake::Intake;
use crate::limits::{
    ANSWER_PIECE_PATIENCE, GOSSIP_BODIES_BYTES_MAX, PROPOSAL_BODIES_BYTES_MAX, PULL_ANSWERS_MAX,
    SYNC_ANSWERS_MAX,
};
use crate::messages::committer::EvidenceTold;
use crate::messages::mempool::{GetHeld, SubmitTransactions};
use crate::messages::proposer::{
    CompactReceived, GetProposals, GetProposedBlock, ProposalReceived, ScreenProposal,
};
use crate::messages::round_driver::SignStanding;
use crate::messages::vote_collector::{GetSeen, GetVotes, VoteReceived};
use crate::metrics::Metrics;
use crate::peers::{Handshake, Peer};
use crate::runtime::Port;
use crate::state_store::Store;
use crate::view::NodeView;
use actix::Message;
use actix_web::HttpRequest;
use actix_web::web::Payload;
use lockstep_protocol::types::Address;
use lockstep_protocol::wire::{Wire, WireError};
use parking_lot::RwLock;
use std::rc::Rc;
use std::sync::Arc;

/// What the gateway tells and asks, each within its own share of the other's mailbox.
#[derive(Clone)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Ports {
    /// VoteCollector.
    pub(crate) vote: Doors<VoteReceived>,
    /// Committer: proof that another node holds.
    pub(crate) evidence: Doors<EvidenceTold>,
    /// Proposer: is its body worth reading?
    pub(crate) screen: Doors<ScreenProposal>,
    /// Proposer.
    pub(crate) proposal: Doors<ProposalReceived>,
    /// Proposer: by the leaves of its transactions.
    pub(crate) compact: Doors<CompactReceived>,
    /// Mempool: what is held of those.
    pub(crate) held: Port<GetHeld>,
    /// Proposer: of which block does a peer lack transactions?
    pub(crate) proposed: Port<GetProposedBlock>,
    /// VoteCollector: what a peer lacks.
    pub(crate) pulled_votes: Port<GetVotes>,
    /// Proposer: what a peer lacks.
    pub(crate) pulled_proposals: Port<GetProposals>,
    /// VoteCollector: what has it seen of whoever asks how far this node is?
    pub(crate) seen: Port<GetSeen>,
    /// RoundDriver: the answer, signed.
    pub(crate) standing: Port<SignStanding>,
    /// Mempool: from people.
    pub(crate) transaction: Port<SubmitTransactions>,
    /// Mempool: from peers.
    pub(crate) gossip: Port<SubmitTransactions>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) me: Address,
    /// The other nodes: connections from their addresses come before those of strangers.
    pub(crate) peers: Arc<RwLock<Vec<Peer>>>,
    /// What this node says of itself to peers; the height is filled in.
    pub(crate) handshake: Handshake,
    /// Reads messages of this chain.
    pub(crate) wire: Wire,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) view: Arc<NodeView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ports: Ports,
    /// What peers may hold together.
    pub(crate) shares: Shares,
}

impl Seed {
    /// Reads a body of at most `limit` bytes, and decodes what it says.
    pub(super) async fn message<T>(
        &self,
        request: &HttpRequest,
        payload: Payload,
        limit: usize,
        decode: impl FnOnce(&Wire, &[u8]) -> Result<T, WireError>,
    ) -> Result<T, Refused> {
        let whole = body::read(request, payload, limit, None, &self.metrics).await?;
        let message = decode(&self.wire, &whole.bytes);
        Ok(message.map_err(|error| body::refuse_wire(&error, &self.metrics))?)
    }

    /// Takes a transaction that is handed in here.
    pub(super) fn intake(&self) -> Intake<'_> {
        Intake {
            wire: self.wire,
            store: &self.store,
            metrics: &self.metrics,
            mempool: &self.ports.transaction,
        }
    }
}

/// What all connections of peers may hold together; it outlives the gateway's falls, as they do.
#[derive(Clone)]
pub(crate) struct Shares {
    /// Places for answers of blocks.
    pub(super) sync_answers: AnswerPlaces,
    /// Places for answers to pulls.
    pub(super) pull_answers: AnswerPlaces,
    /// Room for the bytes of proposals that are being read or handled.
    pub(super) proposal_bodies: Bodies,
    /// Room for the bytes of peers' transactions that are being read or checked.
    pub(super) gossip_bodies: Bodies,
}

impl Default for Shares {
    fn default() -> Shares {
        Shares {
            sync_answers: AnswerPlaces::new(SYNC_ANSWERS_MAX, ANSWER_PIECE_PATIENCE),
            pull_answers: AnswerPlaces::new(PULL_ANSWERS_MAX, ANSWER_PIECE_PATIENCE),
            proposal_bodies: Bodies::new(PROPOSAL_BODIES_BYTES_MAX),
            gossip_bodies: Bodies::new(GOSSIP_BODIES_BYTES_MAX),
        }
    }
}

/// Two ways to one actor for one kind of message: one for connections that have proven themselves, one
/// for all others, each with its own share of the mailbox. What strangers send cannot keep out what
/// validators send.
pub(crate) struct Doors<M: Message + Send + 'static>
where
    M::Result: Send,
{
    proven: Port<M>,
    others: Port<M>,
}

impl<M: Message + Send + 'static> Doors<M>
where
    M::Result: Send,
{
    /// At most so many messages wait from proven connections, and so many from others.
    pub(crate) fn new(port: &Port<M>, proven_max: usize, others_max: usize) -> Doors<M> {
        Doors {
            proven: port.within(proven_max),
            others: port.within(others_max),
        }
    }

    pub(super) fn of(&self, request: &HttpRequest) -> &Port<M> {
        let connection = request.conn_data::<Rc<Connection>>();
        if connection.is_some_and(|connection| connection.is_proven()) {
            &self.proven
        } else {
            &self.others
        }
    }
}

impl<M: Message + Send + 'static> Clone for Doors<M>
where
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Doors {
            proven: self.proven.clone(),
            others: self.others.clone(),
        }
    }
}

#[cfg(test)]
impl<M: Message + Send + Unpin + 'static> Default for Doors<M>
where
    M::Result: Send,
{
    /// To nobody: every message is refused as `Closed`.
    fn default() -> Doors<M> {
        Doors::new(&Port::detached(), 1, 1)
    }
}
