//! Which families there are: name, what it says, and each of its rows at 0.
use super::{
    ADMISSIONS, CLOSED, ClosedLabels, CodeLabels, KindLabel, LISTENERS, ListenerLabels, Metrics,
    OffenceLabel, OffenceLabels, ProposalLabels, REFUSALS, RefusalLabels, ResultLabel, VoteLabels,
};
use lockstep_protocol::mempool::Refusal;
use lockstep_protocol::nouns::evidence::OffenceKind;
use lockstep_protocol::nouns::standing::Refused;

impl Metrics {
    /// A family shows a row once it has been looked up.
    pub(super) fn zero(&self) {
        for admission in ADMISSIONS {
            let result = ResultLabel(admission);
            for kind in [KindLabel::Prevote, KindLabel::Precommit] {
                drop(self.votes.get_or_create(&VoteLabels { kind, result }));
            }
            drop(self.proposals.get_or_create(&ProposalLabels { result }));
            drop(self.evidence_told.get_or_create(&ProposalLabels { result }));
        }
        for kind in OffenceKind::ALL {
            let kind = OffenceLabel(kind);
            drop(self.evidence.get_or_create(&OffenceLabels { kind }));
        }
        for reason in Refusal::CODES {
            let labels = CodeLabels { reason };
            drop(self.transactions_refused.get_or_create(&labels));
        }
        for reason in Refused::ALL.map(Refused::code) {
            let labels = CodeLabels { reason };
            drop(self.standings_refused.get_or_create(&labels));
        }
        for reason in REFUSALS {
            drop(self.refusals.get_or_create(&RefusalLabels { reason }));
        }
        for kind in LISTENERS {
            drop(self.connections.get_or_create(&ListenerLabels { kind }));
            for reason in CLOSED {
                drop(self.closed.get_or_create(&ClosedLabels { kind, reason }));
            }
        }
    }

    pub(super) fn register_mempool(&mut self) {
        let r = &mut self.registry;
        r.register(
            "transactions_admitted",
            "Transactions that began to wait",
            self.transactions_admitted.clone(),
        );
        r.register(
            "transactions_refused",
            "Transactions that may not wait",
            self.transactions_refused.clone(),
        );
        r.register(
            "mempool_transactions",
            "Transactions that wait",
            self.mempool_transactions.clone(),
        );
        r.register(
            "mempool_bytes",
            "Their canonical bytes",
            self.mempool_bytes.clone(),
        );
        r.register(
            "gossip_dropped",
            "Transactions dropped before a peer got them",
            self.gossip_dropped.clone(),
        );
    }

    pub(super) fn register_pulls(&mut self) {
        let r = &mut self.registry;
        r.register(
            "pulls",
            "Peers asked for messages that were lacking",
            self.pulls.clone(),
        );
        r.register(
            "pulls_answered",
            "Peers answered likewise",
            self.pulls_answered.clone(),
        );
        r.register(
            "standings_answered",
            "Questions how far this node is that were answered",
            self.standings_answered.clone(),
        );
        r.register(
            "standings_refused",
            "Questions how far this node is, and answers to its own, that do not count",
            self.standings_refused.clone(),
        );
        r.register(
            "messages_pulled",
            "Messages that peers have answered",
            self.messages_pulled.clone(),
        );
    }

    pub(super) fn register_compact(&mut self) {
        let r = &mut self.registry;
        r.register(
            "new_proposals_bytes",
            "Bytes of this node's proposals as they were first told, to all peers together",
            self.new_proposals_bytes.clone(),
        );
        r.register(
            "transactions_named",
            "Transactions in them that went by name only",
            self.transactions_named.clone(),
        );
        r.register(
            "transactions_sent_along",
            "Transactions in them that went along",
            self.transactions_sent_along.clone(),
        );
        r.register(
            "transactions_fetched",
            "Transactions of peers' proposals that had to be asked for",
            self.transactions_fetched.clone(),
        );
    }

    pub(super) fn register_counts(&mut self) {
        let r = &mut self.registry;
        r.register(
            "votes_received",
            "Votes by what became of them",
            self.votes.clone(),
        );
        r.register(
            "proposals_received",
            "Proposals likewise",
            self.proposals.clone(),
        );
        r.register(
            "messages_refused",
            "Bodies that were no message",
            self.refusals.clone(),
        );
        r.register(
            "requests_refused",
            "Requests answered with a status from 400 on, by route",
            self.requests_refused.clone(),
        );
        r.register(
            "consensus_height",
            "Height under decision",
            self.height.clone(),
        );
        r.register("consensus_round", "Round under way", self.round.clone());
        r.register(
            "rounds_skipped",
            "Rounds beyond the first",
            self.rounds_skipped.clone(),
        );
        r.register(
            "blocks_committed",
            "Blocks since the start",
            self.blocks.clone(),
        );
        r.register(
            "transactions_committed",
            "Transactions since the start",
            self.transactions.clone(),
        );
        r.register(
            "frames_dropped",
            "Frames dropped by outboxes",
            self.frames_dropped.clone(),
        );
        r.register(
            "peer_errors",
            "Failed exchanges with peers",
            self.peer_errors.clone(),
        );
    }

    pub(super) fn register_sync(&mut self) {
        let r = &mut self.registry;
        r.register(
            "blocks_synced",
            "Blocks fetched from peers",
            self.blocks_synced.clone(),
        );
        r.register(
            "sync_lies",
            "Answers of block sync that proved nothing",
            self.sync_lies.clone(),
        );
    }

    pub(super) fn register_clocks(&mut self) {
        let r = &mut self.registry;
        r.register(
            "clock_difference_seconds",
            "How far the median of the validators' clocks is ahead of this node's",
            self.clock_difference.clone(),
        );
        r.register(
            "proposals_untimely",
            "Proposals refused because their time lies too far ahead of this node's clock",
            self.proposals_untimely.clone(),
        );
    }

    pub(super) fn register_offences(&mut self) {
        let r = &mut self.registry;
        r.register(
            "evidence",
            "Offences proved here, by kind",
            self.evidence.clone(),
        );
        r.register(
            "evidence_received",
            "Offences that other nodes have told, by what became of it",
            self.evidence_told.clone(),
        );
        r.register(
            "evidence_pending",
            "Offences that wait for a block",
            self.evidence_pending.clone(),
        );
        r.register(
            "old_forks",
            "Old heights that were decided a second time, with proof",
            self.old_forks.clone(),
        );
    }

    pub(super) fn register_connections(&mut self) {
        let r = &mut self.registry;
        r.register(
            "connections",
            "Connections of a listener",
            self.connections.clone(),
        );
        r.register(
            "connections_closed",
            "Connections that this side closed, or that broke",
            self.closed.clone(),
        );
    }

    pub(super) fn register_times(&mut self) {
        let r = &mut self.registry;
        r.register(
            "block_interval_seconds",
            "Between two commits",
            self.block_interval.clone(),
        );
        r.register(
            "commit_seconds",
            "From start of height to commit",
            self.commit_latency.clone(),
        );
        r.register(
            "timeout_late_seconds",
            "From when a timer of the round driver is due until it is acted on",
            self.timeout_late.clone(),
        );
        r.register(
            "store_commit_seconds",
            "Write of a block",
            self.store_commit.clone(),
        );
        r.register(
            "store_persist_seconds",
            "Write of a sign record",
            self.store_persist.clone(),
        );
        r.register(
            "signature_verify_seconds",
            "One verification",
            self.verify.clone(),
        );
        r.register("signature_sign_seconds", "One signature", self.sign.clone());
    }
}
