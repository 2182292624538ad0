//! What each message does.
use super::BlockSync;
use crate::limits::UNCHECKED_ANSWERS_MAX;
use crate::messages::announcements::BlockCommitted;
use crate::messages::block_sync::{
    BlocksArrived, BlocksDiscarded, PeerAhead, PeerGone, PeerKeeps, PeerStands, RetellArrival,
    StopSync,
};
use crate::runtime::Ctx;
use crate::shell::to_brain;
use actix::prelude::*;
use lockstep_protocol::consensus::catch_up::Input;

impl Handler<BlocksArrived> for BlockSync {
    type Result = ();

    fn handle(&mut self, message: BlocksArrived, ctx: &mut Ctx<Self>) {
        let BlocksArrived { peer, from, answer } = message;
        match answer.filter(|_| self.unchecked.len() < UNCHECKED_ANSWERS_MAX) {
            Some(bytes) => self.unchecked.push_back((peer, from, bytes)),
            None => self.step(Input::Failed(peer), ctx),
        }
        self.check_next(ctx);
    }
}

impl Handler<StopSync> for BlockSync {
    type Result = ();

    fn handle(&mut self, _: StopSync, ctx: &mut Ctx<Self>) {
        self.unchecked.clear();
        self.step(Input::Halted, ctx);
    }
}

impl Handler<BlockCommitted> for BlockSync {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, ctx: &mut Ctx<Self>) {
        let BlockCommitted(_, validators) = message;
        self.validators = validators.clone();
        self.step(Input::Committed(validators), ctx);
    }
}

to_brain! { BlockSync.step(ctx):
    PeerAhead(peer, height) => Input::Ahead(peer, height),
    PeerStands(peer, standing) => Input::Stands(peer, standing),
    PeerGone(peer) => Input::Gone(peer),
    PeerKeeps(peer, height) => Input::Keeps(peer, height),
    BlocksDiscarded(height, from) => Input::Discarded(height, from),
    RetellArrival => Input::Retell,
}
