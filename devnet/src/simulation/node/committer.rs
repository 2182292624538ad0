//! What is simulation around the brain of the Committer: users fill the blocks of this node, and
//! what a peer answers is checked at once. The brain is that of real nodes.
use super::{Clocks, Effects, Node};
use lockstep_protocol::consensus::catch_up::{self, Answer, Proven};
use lockstep_protocol::consensus::committer;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Height, Round};
use std::sync::Arc;

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Build a block for this round.
    Build(Height, Round),
    /// A peer answered block sync, from this height on.
    Synced(usize, Height, Arc<Vec<DecidedBlock>>),
    /// As the brain hears it.
    Brain(committer::Input),
}

impl Node {
    /// The brain takes its next message. Whether more wait, or `None` if none did.
    pub(super) fn handle_committer(&mut self, clocks: Clocks, out: &mut Effects) -> Option<bool> {
        let committer = &mut self.brains.as_mut()?.committer;
        let (input, answered) = match self.mail.committer.pop_front()? {
            Input::Brain(input) => (input, None),
            Input::Build(height, round) => {
                let users = &self.setup.users;
                let validators = committer.ledger().validators();
                let transactions = users.transactions(&mut self.random, validators);
                let now = clocks.wall;
                let prepare = committer::Input::Prepare {
                    height,
                    round,
                    now,
                    transactions,
                };
                (prepare, None)
            }
            Input::Synced(peer, first, blocks) => {
                let validators = committer.ledger().validators();
                let context = &self.setup.rules.context;
                let proven = Proven::of(validators, context, first, blocks.to_vec());
                let answer = Answer {
                    first,
                    blocks: proven.blocks.len() as u64,
                    judged: proven.judged,
                    bytes: 0,
                    flawed: proven.flawed,
                    unknown_from: proven.unknown_from,
                };
                let peer = self.setup.addresses.get(peer).copied().unwrap_or_default();
                let synced = committer::Input::Synced(peer, proven.blocks);
                (synced, Some(catch_up::Input::Answered(peer, answer)))
            }
        };
        let outputs = committer.step(&self.disk.durable, input);
        if let Some(answered) = answered {
            self.post_catch_up(answered, out);
        }
        self.route_committer(outputs, out);
        Some(!self.mail.committer.is_empty())
    }
}
