//! What a node says of the bytes of a transaction, with nothing else waiting: the mempool's own brain,
//! the node's own signatures.
use super::world::World;
use lockstep_protocol::ledger::{ChainRules, MemoryState};
use lockstep_protocol::mempool::{Checker, Input, Mempool, Output, Room, Source, Ticket};
use lockstep_protocol::types::Height;
use lockstep_protocol::wire::Wire;
use std::sync::Arc;

pub(crate) const ACCEPTED: &str = "accepted";

pub(crate) struct Judge {
    wire: Wire,
    rules: Arc<ChainRules>,
    state: Arc<MemoryState>,
    committed: Height,
    checker: Checker,
}

impl Judge {
    pub(crate) fn new(world: &World) -> Judge {
        Judge {
            wire: Wire::new(world.rules.context.genesis_hash),
            rules: world.rules.clone(),
            state: world.state.clone(),
            committed: world.height(),
            checker: Checker::new(world.rules.clone()),
        }
    }

    /// "accepted", or the stable word of the refusal.
    pub(crate) fn verdict(&mut self, bytes: &[u8]) -> &'static str {
        let transaction = match self.wire.decode_transaction(bytes) {
            Ok(transaction) => Arc::new(transaction),
            Err(refusal) => return refusal.code(),
        };
        let mut mempool = Mempool::new(self.rules.clone(), Room::default(), self.committed);
        let mut input = Input::Submitted(transaction, Source::People, Ticket(0));
        loop {
            let outputs = mempool.step(&*self.state, input).unwrap();
            input = match outputs.last() {
                Some(Output::Check(check)) => Input::Checked(self.checker.check(check)),
                Some(Output::Answer(_, Ok(_))) => return ACCEPTED,
                Some(Output::Answer(_, Err(refusal))) => return refusal.code(),
                other => panic!("no answer but {other:?}"),
            };
        }
    }
}
