//! **Proposer** owns proposals. *My turn?* It has a block built on the head; the RoundDriver signs
//! it. *Not my turn?* It skips and waits for the proposer's message: no error, no await. Proposals
//! of others it verifies and has executed; its brain for these is [`Proposals`].
use crate::block_sync::PeerAhead;
use crate::clock::Clock;
use crate::clock::watch::Untimely;
use crate::committer::{BlockCommitted, EvidenceFound, ExecuteBlock, PrepareBlock};
use crate::delivery::Deliver;
use crate::mempool::FillBlock;
use crate::metrics::Metrics;
use crate::peer_broadcaster::{Broadcast, FetchTransactions};
use crate::round_driver::{
    AnnounceRound, BlockBuilt, MessageRefused, OwnMessageSeen, ProposalChecked, QuorumReached,
    ResendRound, RoundEntered,
};
use crate::runtime::{Ctx, Port};
use crate::state_store::Store;
use crate::view::NodeView;
use crate::vote_collector::{FinishPull, ProposalVerified};
use actix::prelude::*;
use lockstep_protocol::block::SealedBlock;
use lockstep_protocol::compact::Assembly;
use lockstep_protocol::consensus::facts::{CheckedProposal, Verdict};
use lockstep_protocol::consensus::proposals::{Input, Output, Proposals};
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::ledger::ChainRules;
use lockstep_protocol::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::pull::Pull;
use lockstep_protocol::transaction::Transaction;
use lockstep_protocol::types::{Address, BlockId, Height, Round};
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use std::sync::Arc;

/// A proposal came in over HTTP. Answers what became of it.
#[derive(Debug)]
pub struct ProposalReceived(pub Arc<ProposedBlock>);

/// The same by its leaves, filled with what waits in the mempool. Answers what became of it.
#[derive(Debug)]
pub struct CompactReceived(pub Box<Assembly>);

/// What a peer answered to [`FetchTransactions`]: nothing, if it did not.
#[derive(Debug)]
pub struct TransactionsFetched {
    /// The block that they were asked for.
    pub block_id: BlockId,
    /// In its order.
    pub transactions: Vec<Arc<Transaction>>,
}

/// Which block was proposed under this id? A peer lacks transactions of it.
#[derive(Clone, Copy, Debug)]
pub struct GetProposedBlock(pub Height, pub BlockId);

/// The signed part of a proposal has come: is its block worth reading? Answers why not.
#[derive(Debug)]
pub struct ScreenProposal {
    /// The signed part.
    pub head: Proposal,
    /// Whether its block comes by its leaves.
    pub is_compact: bool,
}

/// This node's proposal, durable and on its way.
#[derive(Debug)]
pub struct OwnProposal(pub Arc<ProposedBlock>);

/// It is this node's turn: build a block.
#[derive(Clone, Copy, Debug)]
pub struct BuildBlock {
    /// The height under decision.
    pub height: Height,
    /// Its round.
    pub round: Round,
}

/// What waits in the Mempool for a block of this node.
#[derive(Debug)]
pub struct BlockFilled {
    /// What was asked for.
    pub build: BuildBlock,
    /// In order of preference.
    pub transactions: Vec<Transaction>,
}

/// The block that [`PrepareBlock`] asked for.
#[derive(Debug)]
pub struct BlockPrepared {
    /// What was asked for.
    pub build: BuildBlock,
    /// The block, executed on an overlay.
    pub block: Arc<SealedBlock>,
}

/// The ledger executed a block: `true` if it is valid.
#[derive(Debug)]
pub struct BlockExecuted(pub BlockId, pub bool);

/// The ledger was rebuilt and has forgotten what it was asked.
#[derive(Debug)]
pub struct LedgerRebuilt;

/// The round machine has forgotten the proposals of this height.
#[derive(Debug)]
pub struct RetellProposals;

/// Ask this peer for what this node lacks (E5). The question goes by way of the actors that hold
/// the messages, and each writes down what it has.
#[derive(Clone, Copy, Debug)]
pub struct BeginPull {
    /// Who is asked.
    pub peer: Address,
    /// The height under decision.
    pub height: Height,
    /// Its round.
    pub round: Round,
}

/// Which proposals does a peer lack?
#[derive(Debug)]
pub struct GetProposals(pub Arc<Pull>);

crate::message! {
    CompactReceived => Admission, TransactionsFetched => (),
    GetProposedBlock => Option<Arc<SealedBlock>>,
    ProposalReceived => Admission, ScreenProposal => Option<Admission>,
    OwnProposal => (), BuildBlock => (), BlockFilled => (), BlockPrepared => (),
    BlockExecuted => (), LedgerRebuilt => (), RetellProposals => (),
    BeginPull => (), GetProposals => Vec<Arc<ProposedBlock>>,
}

/// What the proposer tells.
#[derive(Clone)]
pub struct Ports {
    /// Committer: is it valid?
    pub execute: Port<ExecuteBlock>,
    /// Mempool: what waits for a block?
    pub fill: Port<FillBlock>,
    /// Committer: make a block of these.
    pub prepare: Port<PrepareBlock>,
    /// RoundDriver: a checked proposal.
    pub checked: Port<ProposalChecked>,
    /// RoundDriver: a polka that came with a proposal.
    pub quorum: Port<QuorumReached>,
    /// RoundDriver: my block.
    pub built: Port<BlockBuilt>,
    /// RoundDriver: I have restarted.
    pub announce: Port<AnnounceRound>,
    /// VoteCollector: its sender's prevote.
    pub verified: Port<ProposalVerified>,
    /// PeerBroadcaster: E6.
    pub broadcast: Port<Broadcast>,
    /// PeerBroadcaster: ask a peer for what a compact proposal names.
    pub fetch: Port<FetchTransactions>,
    /// BlockSync.
    pub ahead: Port<PeerAhead>,
    /// RoundDriver: this I did not keep.
    pub refused: Port<MessageRefused>,
    /// RoundDriver: a message under its key.
    pub own_seen: Port<OwnMessageSeen>,
    /// VoteCollector: a question, half written.
    pub pull: Port<FinishPull>,
    /// Committer.
    pub evidence: Port<EvidenceFound>,
}

/// What an incarnation is made from.
#[derive(Clone)]
pub struct Seed {
    /// The rules of the chain.
    pub rules: Arc<ChainRules>,
    /// This validator.
    pub me: Address,
    /// Where the height is read at a restart.
    pub store: Store,
    /// The node's clocks.
    pub clock: Clock,
    /// What the node shows of itself.
    pub view: Arc<NodeView>,
    /// The node's metrics.
    pub metrics: Arc<Metrics>,
    /// What it tells.
    pub ports: Ports,
}

/// The actor.
pub struct Proposer {
    seed: Seed,
    proposals: Proposals,
}

impl Proposer {
    /// Waits for proposals of the height after `committed`.
    pub fn new(seed: Seed, validators: &ValidatorSchedule) -> Proposer {
        let proposals = Proposals::new(seed.rules.context, seed.me, validators);
        Proposer { seed, proposals }
    }

    fn step(&mut self, input: Input) -> Option<Admission> {
        let outputs = self.proposals.step(self.seed.clock.wall(), input);
        self.carry(outputs)
    }

    fn carry(&self, outputs: Vec<Output>) -> Option<Admission> {
        let mut admission = None;
        let ports = &self.seed.ports;
        for output in outputs {
            match output {
                Output::Admission(what) => admission = Some(what),
                Output::Fetch(peer, missing) => {
                    ports.fetch.deliver(FetchTransactions { peer, missing });
                }
                Output::Execute(block) => ports.execute.deliver(ExecuteBlock(block)),
                Output::Skip(height, round, proposer) => {
                    let name = proposer.short();
                    log::trace!("height {height} round {round} is the turn of {name}");
                }
                Output::Fill(height, round) => {
                    ports.fill.deliver(FillBlock(BuildBlock { height, round }));
                }
                Output::Prepare(height, round, transactions) => {
                    ports.prepare.deliver(PrepareBlock {
                        build: BuildBlock { height, round },
                        proposer: self.seed.me,
                        now: self.seed.clock.wall(),
                        transactions,
                    });
                }
                Output::Built(height, round, block) => {
                    ports.built.deliver(BlockBuilt(height, round, block));
                }
                Output::Checked(height, checked) => {
                    self.note_time(height, &checked);
                    ports.checked.deliver(ProposalChecked(height, checked));
                }
                Output::Fact(height, fact) => ports.quorum.deliver(QuorumReached(height, fact)),
                Output::Prevote(proposal) => ports.verified.deliver(ProposalVerified(proposal)),
                Output::Evidence(evidence) => ports.evidence.deliver(EvidenceFound(evidence)),
                Output::OwnSeen(position) => ports.own_seen.deliver(OwnMessageSeen(position)),
                Output::Ahead(validator, height) => {
                    // Whoever repeats far heights may fill that mailbox: they are told again.
                    let _ = ports.ahead.tell(PeerAhead(validator, height));
                }
                Output::Refused(sender, height) => {
                    // Whoever is not told asks all the same, when its patience is over.
                    let _ = ports.refused.tell(MessageRefused(sender, height));
                }
                Output::Relay(message) => ports.broadcast.deliver(Broadcast::Proposal(message)),
            }
        }
        admission
    }
}

impl Proposer {
    /// Counts and shows what is refused for its time.
    fn note_time(&self, height: Height, checked: &CheckedProposal) {
        if checked.verdict != Verdict::Untimely {
            return;
        }
        self.seed.metrics.proposals_untimely.inc();
        let header = checked.block.header();
        let ahead_ms = header.time.0.saturating_sub(self.seed.clock.wall().0);
        self.seed.view.clocks.refused(Untimely {
            height,
            proposer: header.proposer,
            ahead_ms,
        });
    }
}

impl Actor for Proposer {
    type Context = Ctx<Self>;
}

impl Supervised for Proposer {
    fn restarting(&mut self, _: &mut Ctx<Self>) {
        let validators = self.seed.store.schedule(&self.seed.rules);
        *self = Proposer::new(self.seed.clone(), &validators);
        self.seed.ports.announce.deliver(AnnounceRound);
    }
}

impl Handler<ProposalReceived> for Proposer {
    type Result = MessageResult<ProposalReceived>;

    fn handle(&mut self, message: ProposalReceived, _: &mut Ctx<Self>) -> Self::Result {
        let (height, round) = (message.0.proposal.height, message.0.proposal.round);
        let admission = self
            .step(Input::Received(message.0))
            .unwrap_or(Admission::Stale);
        log::debug!("proposal for height {height} round {round}: {admission:?}");
        self.seed.metrics.proposal(admission);
        MessageResult(admission)
    }
}

impl Handler<CompactReceived> for Proposer {
    type Result = MessageResult<CompactReceived>;

    fn handle(
        &mut self,
        CompactReceived(assembly): CompactReceived,
        _: &mut Ctx<Self>,
    ) -> Self::Result {
        let (height, round) = (assembly.proposal().height, assembly.proposal().round);
        let (named, missing) = (assembly.leaves().len(), assembly.missing());
        let admission = self
            .step(Input::Compact(assembly))
            .unwrap_or(Admission::Stale);
        log::debug!(
            "compact proposal for height {height} round {round}, {missing} of {named} \
             transactions missing: {admission:?}"
        );
        self.seed.metrics.proposal(admission);
        MessageResult(admission)
    }
}

impl Handler<GetProposedBlock> for Proposer {
    type Result = MessageResult<GetProposedBlock>;

    fn handle(&mut self, message: GetProposedBlock, _: &mut Ctx<Self>) -> Self::Result {
        let GetProposedBlock(height, id) = message;
        MessageResult(self.proposals.proposed(height, &id))
    }
}

impl Handler<TransactionsFetched> for Proposer {
    type Result = ();

    fn handle(&mut self, message: TransactionsFetched, _: &mut Ctx<Self>) {
        let TransactionsFetched {
            block_id,
            transactions,
        } = message;
        self.step(Input::Fetched(block_id, transactions));
    }
}

impl Handler<BeginPull> for Proposer {
    type Result = ();

    fn handle(&mut self, message: BeginPull, _: &mut Ctx<Self>) {
        let BeginPull {
            peer,
            height,
            round,
        } = message;
        let mut pull = Pull::new(height, round);
        self.proposals.hold(&mut pull);
        self.seed.ports.pull.deliver(FinishPull { peer, pull });
    }
}

impl Handler<GetProposals> for Proposer {
    type Result = MessageResult<GetProposals>;

    fn handle(&mut self, GetProposals(pull): GetProposals, _: &mut Ctx<Self>) -> Self::Result {
        MessageResult(self.proposals.answer(&pull))
    }
}

impl Handler<ScreenProposal> for Proposer {
    type Result = MessageResult<ScreenProposal>;

    fn handle(&mut self, message: ScreenProposal, _: &mut Ctx<Self>) -> Self::Result {
        let ScreenProposal { head, is_compact } = message;
        let refusal = self.step(if is_compact {
            Input::ScreenCompact(Box::new(head))
        } else {
            Input::Screen(Box::new(head))
        });
        if let Some(refusal) = refusal {
            self.seed.metrics.proposal(refusal);
        }
        MessageResult(refusal)
    }
}

impl Handler<BlockCommitted> for Proposer {
    type Result = ();

    fn handle(&mut self, message: BlockCommitted, _: &mut Ctx<Self>) {
        self.step(Input::EnterHeight(message.1));
    }
}

/// A handler that only hands its message to the brain.
macro_rules! to_brain {
    ($($message:ident $(($($field:ident),*))? $({$($named:ident),*})? => $input:expr),* $(,)?) => {$(
        impl Handler<$message> for Proposer {
            type Result = ();

            fn handle(&mut self, message: $message, _: &mut Ctx<Self>) {
                let $message $(($($field),*))? $({$($named),*})? = message;
                self.step($input);
            }
        }
    )*};
}

to_brain! {
    BuildBlock { height, round } => Input::Build(height, round),
    BlockFilled { build, transactions } => {
        Input::Filled(build.height, build.round, transactions)
    },
    BlockPrepared { build, block } => Input::Prepared(build.height, build.round, block),
    OwnProposal(message) => Input::Own(message),
    BlockExecuted(id, valid) => Input::Executed(id, valid),
    RoundEntered(height, round) => Input::EnterRound(height, round),
    ResendRound(height, round) => Input::Resend(height, round),
    LedgerRebuilt => Input::AskAgain,
    RetellProposals => Input::Retell,
}

#[cfg(test)]
mod tests;
