//! What each message does.
use super::PeerBroadcaster;
use super::outbox::{Frame, Gossip, Path};
use crate::messages::announcements::BlockCommitted;
use crate::messages::block_sync::BlocksArrived;
use crate::messages::mempool::PassOnAgain;
use crate::messages::peer_broadcaster::{
    Broadcast, ConnectPeers, FetchTransactions, GossipTransactions, PullMessages, RequestBlocks,
    TellEvidence,
};
use crate::messages::round_driver::PullEnded;
use crate::runtime::Ctx;
use crate::shell::Deliver;
use actix::prelude::*;
use actix_web::web::Bytes;
use lockstep_protocol::codec;

impl Handler<ConnectPeers> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, ConnectPeers(peers): ConnectPeers, ctx: &mut Ctx<Self>) {
        for peer in self.relink(peers, ctx) {
            // Nobody has told it of what waits here.
            let again = PassOnAgain(Some(peer));
            self.seed.ports.pass_on_again.deliver(again);
        }
    }
}

impl Handler<Broadcast> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, message: Broadcast, _: &mut Ctx<Self>) {
        let wire = &self.seed.wire;
        let (path, height, body) = match message {
            Broadcast::NewProposal(proposal) => return self.tell_new(&proposal),
            Broadcast::Proposal(proposal) => {
                let height = Some(proposal.proposal.height);
                (Path::Proposal, height, wire.encode_proposal(&proposal))
            }
            Broadcast::Vote(vote) => (Path::Vote, Some(vote.vote.height), wire.encode_vote(&vote)),
        };
        self.broadcast(Frame {
            path,
            height,
            body: Bytes::from(body),
        });
    }
}

impl Handler<GossipTransactions> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, message: GossipTransactions, _: &mut Ctx<Self>) {
        let GossipTransactions(transactions, only) = message;
        for entry in transactions {
            let gossip = Gossip {
                leaf: entry.leaf,
                bytes: Bytes::from(codec::encode(&*entry.transaction)),
            };
            let outboxes = self.outboxes.iter();
            for (_, outbox) in outboxes.filter(|(peer, _)| only.is_none_or(|only| only == **peer)) {
                let dropped = outbox.gossip(gossip.clone());
                self.seed.metrics.gossip_dropped.inc_by(dropped as u64);
            }
        }
    }
}

impl Handler<TellEvidence> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, TellEvidence(told): TellEvidence, _: &mut Ctx<Self>) {
        for evidence in &told {
            let body = Bytes::from(self.seed.wire.encode_evidence(evidence));
            for outbox in self.outboxes.values() {
                let dropped = outbox.accuse(body.clone());
                self.seed.metrics.frames_dropped.inc_by(dropped as u64);
            }
        }
    }
}

impl Handler<RequestBlocks> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, request: RequestBlocks, _: &mut Ctx<Self>) {
        match self.outboxes.get(&request.peer) {
            Some(outbox) => outbox.request_blocks(request.from, request.limit),
            None => {
                let arrived = BlocksArrived {
                    peer: request.peer,
                    from: request.from,
                    answer: None,
                };
                self.seed.ports.blocks.deliver(arrived);
            }
        }
    }
}

impl Handler<PullMessages> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, PullMessages { peer, pull }: PullMessages, _: &mut Ctx<Self>) {
        match self.outboxes.get(&peer) {
            Some(outbox) => outbox.pull(pull),
            None => {
                let is_answered = false;
                let ended = PullEnded { peer, is_answered };
                self.seed.ports.pull_ended.deliver(ended);
            }
        }
    }
}

impl Handler<FetchTransactions> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, request: FetchTransactions, _: &mut Ctx<Self>) {
        // Of somebody who is no peer E5 asks for the whole proposal.
        if let Some(outbox) = self.outboxes.get(&request.peer) {
            outbox.fetch(request.missing);
        }
    }
}

impl Handler<BlockCommitted> for PeerBroadcaster {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, _: &mut Ctx<Self>) {
        let BlockCommitted(decided, validators) = message;
        let is_validator = self.is_validator(&validators);
        for outbox in self.outboxes.values() {
            outbox.forget_below(decided.block.height());
            outbox.set_validator(is_validator);
        }
    }
}
