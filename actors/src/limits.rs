//! Every limit of the actors in one place, with its reason. Units stand last in the name.
use lockstep_protocol::limits::{
    BLOCK_BYTES_MAX, EVIDENCE_BYTES_MAX, EVIDENCE_PENDING_MAX, PENDING_BYTES_MAX,
    PROPOSAL_BYTES_MAX, PULLED_BYTES_MAX, SYNC_BYTES_MAX, TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX,
};
use std::time::Duration;

/// Messages that may wait for one consensus actor: more than all validators can send in a round.
pub const CONSENSUS_MAILBOX_MAX: usize = 4_096;
/// Messages that may wait for the store: a node has at most a few writes under way.
pub const STORE_MAILBOX_MAX: usize = 1_024;
/// Ticks that may wait for the round driver to be ready: each is an operator's wish for one block.
pub const TICKS_WAITING_MAX: usize = 64;
/// Frames that may wait for one peer; the oldest go first.
pub const OUTBOX_FRAMES_MAX: usize = 1_024;
/// Bytes that may wait for one peer.
pub const OUTBOX_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a whole request body may take to arrive.
pub const BODY_DEADLINE: Duration = Duration::from_secs(5);
/// How long a peer may take to answer one consensus message.
pub const PEER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a peer may take to accept a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// First wait after a peer failed; it doubles up to [`BACK_OFF_MAX`].
pub const BACK_OFF_MIN: Duration = Duration::from_millis(10);
/// Longest wait after a peer failed: a peer that comes back is served within this time.
pub const BACK_OFF_MAX: Duration = Duration::from_millis(250);
/// Wait after a peer turned out to be of another chain: never a tight loop.
pub const REFUSED_PEER_WAIT: Duration = Duration::from_secs(30);
/// A link asks for the peer's height this often, so that `/status` tells it and an idle node that
/// has fallen behind learns so.
pub const HANDSHAKE_EVERY: Duration = Duration::from_secs(2);
/// The largest answer to a handshake.
pub const HANDSHAKE_BYTES_MAX: usize = 4_096;
/// Connections of peers: one for each kind of request ([`LINK_CONNECTIONS_MAX`]) of each of the
/// largest set's other validators.
pub const PEER_CONNECTIONS_MAX: usize = 384;
/// Of these, connections of one address that is no peer's.
pub const PEER_CONNECTIONS_PER_STRANGER_MAX: usize = 8;
/// Connections of people; more push out the oldest of whoever has most.
pub const PUBLIC_CONNECTIONS_MAX: usize = 256;
/// Connections of people from one address: a browser opens six, a load generator dozens.
pub const PUBLIC_CONNECTIONS_PER_ADDRESS_MAX: usize = 128;
/// How long a connection lives, whatever it does. Peers renew theirs before.
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(90);
/// How long a peer's connection may be idle: longer than a link keeps an idle one (30 s), so that a
/// peer is never cut off as it sends.
pub const PEER_IDLE: Duration = Duration::from_secs(45);
/// How long a person's connection may be idle between two requests.
pub const PUBLIC_IDLE: Duration = Duration::from_secs(15);
/// How long the head of a request may take, the first one from the connection's first moment.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a client may leave an answer unread: the largest one on a slow line.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Connections that the kernel holds until they are accepted: with the 128 of the standard library
/// a burst of strangers costs a peer that connects meanwhile a second.
pub const ACCEPT_BACKLOG: i32 = 4_096;
/// How often a connection is looked at for its deadlines.
pub const DEADLINES_EVERY: Duration = Duration::from_millis(500);
/// The head of a request, with what is read of the body together with it.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How far a body is read ahead of its handler.
pub const BODY_WINDOW_BYTES: usize = 32 * 1024;
/// Messages that no honest peer sends, in a row: then the connection is closed.
pub const BAD_MESSAGES_MAX: u32 = 16;
/// One of them is forgiven this often.
pub const BAD_MESSAGE_EVERY: Duration = Duration::from_secs(1);
/// Bodies of proposals that are being read or handled at one time: enough for two full ones, one of
/// them sent twice, and a few polkas. Nobody gets here without the proposer's signature.
pub const PROPOSAL_BODIES_BYTES_MAX: usize = 3 * PROPOSAL_BYTES_MAX;
/// Of the votes that wait for the VoteCollector those from proven connections: a few rounds of the
/// largest set.
pub const VOTES_PROVEN_MAX: usize = 1_024;
/// … and those from all others: what their signatures cost must not delay a vote by 20 ms.
pub const VOTES_UNPROVEN_MAX: usize = 64;
/// Proposals that wait for the Proposer, likewise.
pub const PROPOSALS_PROVEN_MAX: usize = 64;
/// … and those from all others.
pub const PROPOSALS_UNPROVEN_MAX: usize = 16;
/// Transactions that wait for Committer and Proposer, of each listener.
pub const TRANSACTIONS_WAITING_MAX: usize = 128;
/// Questions of people that wait for an actor.
pub const QUESTIONS_WAITING_MAX: usize = 64;
/// Blocks that are being read for people at one time, and long answers on their way.
pub const BLOCK_ANSWERS_MAX: usize = 4;
/// How long a person waits for such a place.
pub const BLOCK_ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// An answer is copied to its socket in pieces of this size.
pub const ANSWER_PIECE_BYTES: usize = 64 * 1024;
/// After this a link opens a new connection for its next message.
pub const PEER_CONNECTION_LIFETIME: Duration = Duration::from_secs(60);
/// Requests to one peer that are under way at one time, each on a connection of its own: a message
/// or a handshake, a question for blocks, a pull.
pub const LINK_CONNECTIONS_MAX: usize = 3;
/// How long a peer may take for an answer of blocks: it may be megabytes on a slow line.
pub const SYNC_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers of blocks that are made at one time: each may hold megabytes.
pub const SYNC_ANSWERS_MAX: usize = 2;
/// How long one height behind is nothing to act on.
pub const SYNC_GRACE_MS: u64 = 100;
/// E4: a proposer that was last heard this long before a quorum of the others is skipped.
pub const SILENT_AFTER_MS: u64 = 300;
/// Pieces of evidence in one answer, as many waiting as committed: a page for people, and 1.4 MiB
/// to read at the most.
pub const EVIDENCE_ANSWER_MAX: usize = 100;
/// Forks that are proved and kept: one says all there is to say.
pub const FORKS_MAX: usize = 8;
/// E5: how long a step lasts before this node asks a peer for what it lacks: well above a hop
/// between machines of one site. Where answers take longer, the brain is more patient by itself.
pub const PULL_PATIENCE_MS: u64 = 30;
/// How long a peer may take to answer a pull: by then others have been asked.
pub const PULL_TIMEOUT: Duration = Duration::from_secs(1);
/// Answers to pulls that are made at one time: each may hold megabytes.
pub const PULL_ANSWERS_MAX: usize = 4;
/// How far beyond its head a node asks for blocks: one full answer each of a few peers.
pub const SYNC_WINDOW_BLOCKS: u64 = 400;
/// Bytes of blocks that may be on their way or wait to be committed: two of the largest answers
/// at least, many of ordinary ones.
pub const SYNC_WINDOW_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Answers that wait to be checked: one each of the peers that the window asks at a time, and as
/// many that came late. More are dropped and asked for again.
pub const UNCHECKED_ANSWERS_MAX: usize = 16;
/// Threads that check certificates of fetched blocks, at the most: what a window keeps busy.
pub const CHECKING_THREADS_MAX: usize = 4;
/// While a node catches up, it says how far it is this often.
pub const SYNC_REPORT_EVERY_MS: u64 = 5_000;
/// Decided blocks that wait for the one before them: the window, late answers, our own decision.
pub const WAITING_BLOCKS_MAX: usize = 512;
/// What an answer of block sync holds besides its blocks.
pub const SYNC_ENVELOPE_BYTES: usize = 64;

/// What one connection holds at most: its socket's two buffers at rest, and either a head with the
/// window of a body behind it, or a piece of an answer in front of the next.
pub const CONNECTION_BYTES_MAX: usize =
    16 * 1024 + max(HEAD_BYTES_MAX + BODY_WINDOW_BYTES, 2 * ANSWER_PIECE_BYTES);

/// The most memory that messages and connections from outside can make a node hold, beyond its
/// caches, with `peers` other nodes: a sum of limits, each of them reached at the same time.
pub const fn memory_under_flood_bytes(peers: usize) -> usize {
    let connections = (PEER_CONNECTIONS_MAX + PUBLIC_CONNECTIONS_MAX) * CONNECTION_BYTES_MAX;
    // As bytes, and twice that as the value that is made of them.
    let proposals = 3 * PROPOSAL_BODIES_BYTES_MAX;
    // As blocks, and as bytes.
    let sync_answers = 2 * SYNC_ANSWERS_MAX * SYNC_BYTES_MAX;
    // As a block, and as text: two digits a byte, and names.
    let block_answers = 4 * BLOCK_ANSWERS_MAX * BLOCK_BYTES_MAX;
    let votes = (VOTES_PROVEN_MAX + VOTES_UNPROVEN_MAX) * VOTE_BYTES_MAX;
    // Two listeners, two actors behind each.
    let transactions = 4 * TRANSACTIONS_WAITING_MAX * TRANSACTION_BYTES_MAX;
    // As votes, and as bytes; the blocks in them are shared.
    let pull_answers = 2 * PULL_ANSWERS_MAX * PULLED_BYTES_MAX;
    // What liars may answer to this node's own questions: as bytes, and as blocks.
    let asked_for = 2 * SYNC_WINDOW_BYTES_MAX;
    let evidence = EVIDENCE_PENDING_MAX * EVIDENCE_BYTES_MAX;
    let pending = PENDING_BYTES_MAX;
    let outboxes = peers * OUTBOX_BYTES_MAX;
    let answers = sync_answers + block_answers + pull_answers;
    let waiting = votes + transactions + pending + evidence;
    connections + proposals + answers + asked_for + waiting + outboxes
}

/// The same for a node of four.
pub const MEMORY_UNDER_FLOOD_BYTES: usize = memory_under_flood_bytes(3);

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_all_that_a_flood_can_hold_fits_a_small_machine() {
        let mib = MEMORY_UNDER_FLOOD_BYTES / (1024 * 1024);
        println!("memory under flood, four validators: at most {mib} MiB");
        assert!(mib <= 464, "{mib} MiB");
        // Nothing else in a mailbox is as many as messages from outside.
        let edge = VOTES_PROVEN_MAX + VOTES_UNPROVEN_MAX + QUESTIONS_WAITING_MAX;
        assert!(2 * edge <= CONSENSUS_MAILBOX_MAX);
    }
}
