//! Every limit of the actors in one place, with its reason. Units stand last in the name.
use lockstep_protocol::limits::{
    BLOCK_BYTES_MAX, EVIDENCE_BYTES_MAX, EVIDENCE_PENDING_MAX, EVIDENCE_PER_BLOCK_MAX,
    PARTIAL_PROPOSALS_MAX, PROPOSAL_BYTES_MAX, PULLED_BYTES_MAX, SYNC_BYTES_MAX,
    TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX,
};
use lockstep_protocol::mempool::limits::{
    CHECKS_OF_PEERS_MAX, CHECKS_OF_PEOPLE_MAX, MEMPOOL_BYTES_MAX,
};
use lockstep_protocol::wire::TRANSACTIONS_BYTES_MAX;
use std::time::Duration;

/// Messages that may wait for one consensus actor: more than all validators can send in a round.
pub const CONSENSUS_MAILBOX_MAX: usize = 4_096;
/// Messages that may wait for the store: a node has at most a few writes under way.
pub const STORE_MAILBOX_MAX: usize = 1_024;
/// Simultaneous reads of the store. Each lasts microseconds, a view at most one HTTP answer.
pub const STORE_READERS_MAX: u32 = 512;
/// So long a thread that has read for answers waits for the next: its stack and what the allocator
/// keeps for it are the memory of a flood that is over.
pub const POOL_IDLE_MAX: Duration = Duration::from_secs(1);
/// How long a lock that somebody holds may still be on its way to be let go: a process that is
/// ending, or a child that another thread of this process has just started and that has inherited
/// the lock until it becomes another program.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// How much of the record beside the key a power cut may take back.
pub const KEY_SYNC_EVERY: Duration = Duration::from_secs(1);
/// Blocks between two looks for readers that have ended: the file grows by so many at the most.
pub const DEAD_READERS_EVERY: u64 = 128;
/// Up to this size the pages of a data file are checked at every start, for some 14 seconds at the
/// most; those of a larger one only after a stop that was not in good order.
pub const ALWAYS_CHECKED_BYTES: u64 = 8 << 30;
/// How long a question of the outside to an actor may take before the asker goes on without an
/// answer.
pub const ASK_PATIENCE: Duration = Duration::from_secs(10);
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
/// How long a node that has just started waits to hear how far all others are. Then those that it
/// must hear are enough. Whoever is there answers in milliseconds, or after a break of its own.
pub const ARRIVAL_WAIT_MS: u64 = 10_000;
/// Until then a link asks a peer this often how far it is: within what that one answers in a second.
pub const STANDING_EVERY: Duration = Duration::from_millis(500);
/// … and so soon when it had no time, or was between two heights.
pub const STANDING_AGAIN: Duration = Duration::from_millis(100);
/// Questions how far this node is that wait for an actor: one of each validator.
pub const STANDINGS_WAITING_MAX: usize = 128;
/// A link asks for the peer's height this often, so that `/status` tells it and an idle node that
/// has fallen behind learns so.
pub const HANDSHAKE_EVERY: Duration = Duration::from_secs(2);
/// A link says in the log that its peer has failed this often at the most.
pub const PEER_FAILURE_SAID_EVERY: Duration = Duration::from_secs(10);
/// That clocks are apart is said when it begins and ends, and this often while it lasts.
pub const CLOCK_SAID_EVERY: Duration = Duration::from_secs(60);
/// That clocks stand otherwise than was said is said no sooner after it: one peer with a clock that
/// jumps fills no log.
pub const CLOCK_NEWS_EVERY: Duration = Duration::from_secs(10);
/// That a proposal was refused for its time is said this often: a chain may refuse one each round.
pub const UNTIMELY_SAID_EVERY: Duration = Duration::from_secs(10);
/// Peers whose clocks are named in one sentence.
pub const CLOCKS_NAMED_MAX: usize = 8;
/// A height that lasts twice as long as its rounds may, and no less than this, makes a node unready:
/// one that was busy for a moment is not.
pub const HEIGHT_LATE_MIN: Duration = Duration::from_secs(10);
/// The largest answer to a handshake.
pub const HANDSHAKE_BYTES_MAX: usize = 4_096;
/// How often the name of a peer that does not answer is looked up again: a resolver is asked by
/// every node that has lost it.
pub const RESOLVE_EVERY: Duration = Duration::from_secs(1);
/// Connections of peers: one for each kind of request ([`LINK_CONNECTIONS_MAX`]) of each of the
/// largest set's other validators.
pub const PEER_CONNECTIONS_MAX: usize = 512;
/// Of these, connections of one address that is no peer's.
pub const PEER_CONNECTIONS_PER_STRANGER_MAX: usize = 8;
/// Connections of people; more push out the oldest of whoever has most.
pub const PUBLIC_CONNECTIONS_MAX: usize = 256;
/// Connections of people from one address: a browser opens six, a load generator dozens.
pub const PUBLIC_CONNECTIONS_PER_ADDRESS_MAX: usize = 128;
/// After so long a connection closes behind its next answer, which says so. Peers renew theirs
/// before.
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(90);
/// … and when it is closed whatever it does: it has been idle ([`PUBLIC_IDLE`]), and any request that
/// keeps its own deadlines is over.
pub const CONNECTION_LIFETIME_MAX: Duration = Duration::from_secs(240);
/// How long a peer's connection may be idle: longer than a link keeps an idle one (30 s), so that a
/// peer is never cut off as it sends.
pub const PEER_IDLE: Duration = Duration::from_secs(45);
/// How long a person's connection may be idle between two requests: longer than load balancers keep
/// an idle one (60 s), so that none is cut off as it passes a request on. Each answer says it.
pub const PUBLIC_IDLE: Duration = Duration::from_secs(75);
/// How long the head of a request may take, the first one from the connection's first moment.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a client may leave an answer unread: the largest one on a slow line.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// How long a client may go on sending after it has been refused: cut off at once, it would not
/// read the refusal.
pub const REFUSED_LINGER: Duration = Duration::from_secs(1);
/// Connections that the kernel holds until they are accepted: with the 128 of the standard library
/// a burst of strangers costs a peer that connects meanwhile a second.
pub const ACCEPT_BACKLOG: i32 = 4_096;
/// How often a connection is looked at for its deadlines.
pub const DEADLINES_EVERY: Duration = Duration::from_millis(500);
/// What somebody outside can bring about as often as it likes is logged this often.
pub const SELDOM_EVERY: Duration = Duration::from_secs(10);
/// So much of a body is held in the share of its connection, in place of an answer that is not made yet.
pub const BODY_FREE_BYTES: usize = 16 * 1024;
/// What comes of a body after that waits so long for others to give up theirs.
pub const BODY_ROOM_PATIENCE: Duration = Duration::from_secs(1);
/// So long at a time the connections of a listener have the node's thread; then the actors have it.
pub const TURN_SLICE: Duration = Duration::from_micros(500);
/// … and so much of it a client may have before those that have had more than it.
pub const TURN_CREDIT: Duration = Duration::from_millis(10);
/// The head of a request, with what is read of the body together with it.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Its lines behind the first.
pub const HEAD_LINES_MAX: usize = 96;
/// What is read of it at a time: so much of the next request may wait behind an answer.
pub const READ_BYTES: usize = 1024;
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
/// Evidence from proven connections that waits for the Committer: what one node tells at a time.
pub const EVIDENCE_PROVEN_MAX: usize = EVIDENCE_PER_BLOCK_MAX;
/// … and from all others: their two signatures each must not delay a block by a millisecond.
pub const EVIDENCE_UNPROVEN_MAX: usize = 4;
/// Pieces of evidence that wait for one peer, apart from its outbox; the newest are kept. What is
/// given up is told again a few heights later.
pub const EVIDENCE_OUTBOX_MAX: usize = 4 * EVIDENCE_PER_BLOCK_MAX;
/// Compact proposals that wait for what the Mempool holds of them. Nobody gets here without the
/// proposer's signature.
pub const COMPACTS_WAITING_MAX: usize = 16;
/// Answers of transactions that wait for the Proposer: each proposal is asked for once.
pub const FETCHES_WAITING_MAX: usize = 16;
/// How long whoever asks for transactions of a proposal waits for a place among the answers: all
/// peers ask at the same time, for a few transactions each.
pub const FETCH_ANSWER_PATIENCE: Duration = Duration::from_millis(100);
/// Transactions of people that wait for the Mempool, of each listener.
pub const TRANSACTIONS_WAITING_MAX: usize = 128;
/// Batches of peers' transactions that wait for the Mempool.
pub const GOSSIPS_WAITING_MAX: usize = 16;
/// Bodies of peers' transactions that are being read or checked at one time.
pub const GOSSIP_BODIES_BYTES_MAX: usize = 8 * TRANSACTIONS_BYTES_MAX;
/// Bytes of transactions that wait for one peer, apart from its outbox: the newest are kept. More
/// than the largest block; what a peer misses still comes to it in blocks.
pub const GOSSIP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Transactions whose signatures are checked before the next answers go out: some milliseconds.
pub const CHECK_BATCH_MAX: usize = 64;
/// Transactions that a Mempool takes again at one time after a fall: a few milliseconds.
pub const RESTORED_AT_ONCE_MAX: usize = 256;
/// Transactions on the shelf that do not wait any more, until they are looked for: that takes some
/// milliseconds.
pub const SHELF_SPARE_MAX: usize = 4_096;
/// Questions of people that wait for an actor.
pub const QUESTIONS_WAITING_MAX: usize = 64;
/// Blocks that are being read for people at one time, and long answers on their way.
pub const BLOCK_ANSWERS_MAX: usize = 4;
/// A block of so many bytes, with its certificate, makes a short answer: as text it is twice that, and
/// two pieces belong to its connection. It need not wait behind long ones.
pub const SHORT_BLOCK_BYTES: usize = 28 * 1024;
/// Short blocks that are being read for people at one time: a fraction of a millisecond each, and the
/// place is free when the text is made, not when it is sent.
pub const SHORT_ANSWERS_MAX: usize = 1;
/// Whoever reads no piece of a long answer for so long gives its place to the next who asks: an
/// honest reader takes one of [`ANSWER_PIECE_BYTES`] much sooner.
pub const ANSWER_PIECE_PATIENCE: Duration = Duration::from_secs(1);
/// The same of people: short answers to others must not wait long behind whoever reads nothing.
pub const PUBLIC_PIECE_PATIENCE: Duration = Duration::from_millis(250);
/// … and so does whoever has been reading for so long: the largest answer at a megabyte a second.
pub const ANSWER_TURN: Duration = Duration::from_secs(6);
/// How long a person waits for such a place.
pub const BLOCK_ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// How often `/actors` and `/metrics` are made per second: on the node's thread, half a millisecond
/// each. A scraper asks every few seconds; whoever asks in between gets what was made last.
pub const PAGES_PER_SECOND_MAX: u32 = 100;
/// … and at one moment.
pub const PAGES_AT_ONCE_MAX: u32 = 100;
/// A JSON-RPC request or batch, as text: a few of the largest transactions in hex. More go in several.
pub const RPC_REQUEST_BYTES_MAX: usize = 128 * 1024;
/// JSON-RPC requests that are being read or carried out at one time.
pub const RPC_BODIES_BYTES_MAX: usize = 1024 * 1024;
/// Values in the parameters of one call, lists and objects among them. The largest, an object of one
/// member, takes [`VALUE_BYTES`].
pub const RPC_VALUES_MAX: usize = 1_024;
const VALUE_BYTES: usize = 704;
const _: () = assert!(RPC_VALUES_MAX * VALUE_BYTES <= RPC_BODIES_BYTES_MAX);
/// Calls in one batch: what a page with a hundred blocks needs.
pub const RPC_BATCH_MAX: usize = 100;
/// The answers to one request together, as text: one block of the largest size fits, because no
/// transaction's signature is in it. Whoever has long ones in hand holds a place of
/// [`BLOCK_ANSWERS_MAX`].
pub const RPC_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
const _: () = assert!(RPC_ANSWER_BYTES_MAX <= 2 * BLOCK_BYTES_MAX);
/// How long `lockstep_sendTransactionAndWait` waits for a block, if nobody says how long.
pub const RPC_WAIT_DEFAULT: Duration = Duration::from_secs(10);
/// … and at the most, all calls of a batch together: shorter than what clients and proxies wait for
/// an answer.
pub const RPC_WAIT_MAX: Duration = Duration::from_secs(30);
/// Calls that wait for a block at one time, half of all public connections; others are answered
/// "pending" at once.
pub const RPC_WAITERS_MAX: usize = 128;
/// Blocks that are read to say what validators did lately.
pub const RECENT_BLOCKS_MAX: u64 = 100;
/// Blocks in one answer of the newest ones, from memory.
pub const NEWEST_BLOCKS_MAX: usize = 100;
/// Waiting transactions in one answer: a page for people.
pub const PENDING_ANSWER_MAX: usize = 1_000;
/// Blocks that are added to the history of accounts in one transaction, where it is built at a start.
pub const HISTORY_BUILD_BLOCKS: usize = 256;
/// … and no more once they had so many bytes.
pub const HISTORY_BUILD_BYTES: usize = 16 * 1024 * 1024;
/// Transactions in one page of an account's history: a page for people.
pub const HISTORY_PAGE_MAX: usize = 100;
/// Bytes of blocks that are read for such a page, after which it ends: each transaction may stand in a
/// block of its own.
pub const HISTORY_READ_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Blocks in one fee history: each is read.
pub const FEE_HISTORY_MAX: u64 = 64;
/// Filters of clients that poll: a page each of as many people as may be connected, a few times. A
/// newcomer takes the place of the one that was asked for least lately, of the address that has most.
pub const FILTERS_MAX: usize = 1_024;
/// A filter that nobody has asked for so long is gone: what Ethereum's nodes give it.
pub const FILTER_UNASKED_MAX: Duration = Duration::from_secs(300);
/// Blocks that one question to a filter tells: of each the certificate is read.
pub const FILTER_CHANGES_MAX: u64 = 256;
/// Percentiles in one fee history: it is asked for with a handful.
pub const FEE_PERCENTILES_MAX: usize = 16;
/// Proxies, or networks of them, that may be listed.
pub const PROXIES_MAX: usize = 64;
/// An order to a devnet: the longest names a value of 4 KiB, of which JSON may write six characters for
/// each byte, or 128 nodes.
pub const DEVNET_REQUEST_BYTES_MAX: usize = 32 * 1024;
/// Orders that a node has carried out at one time, each on a thread of its own: some people's clicks.
pub const DEVNET_ORDERS_MAX: usize = 16;
/// Ticks among them have places of their own: each may wait half a minute for a block that does not
/// come, and what brings it on must not wait behind them.
pub const DEVNET_TICKS_MAX: usize = 4;
/// Origins that may be listed: applications, not users.
pub const ORIGINS_MAX: usize = 64;
/// Names of this machine that may be listed: proxies, not users.
pub const HOSTS_MAX: usize = 64;
/// WebSockets and event streams, a class of their own among the public connections.
pub const STREAMS_MAX: usize = 32;
/// … of one address: a browser's tabs, or a handful of programs behind one proxy.
pub const STREAMS_PER_ADDRESS_MAX: usize = 16;
/// Subscriptions of one WebSocket: each topic a few times.
pub const SUBSCRIPTIONS_MAX: usize = 16;
/// Requests of one WebSocket that are carried out at one time.
pub const STREAM_CALLS_MAX: usize = 8;
/// With so many bytes of them in hand no further one is read: eight of the longest were a mebibyte.
pub const STREAM_CALLS_BYTES_MAX: usize = 16 * 1024;
/// Messages that wait to be written to one such connection.
pub const STREAM_QUEUE_MESSAGES_MAX: usize = 64;
/// Bytes that wait likewise; a longer message waits until it is alone.
pub const STREAM_QUEUE_BYTES_MAX: usize = 48 * 1024;
/// A sign of life goes to each of them this often: proxies close what is silent for a minute.
pub const STREAM_PING_EVERY: Duration = Duration::from_secs(15);
/// A WebSocket that has sent nothing for so long, not even an answer to a ping, is gone.
pub const STREAM_SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long such a connection may take to hear why it is closed.
pub const STREAM_GOODBYE: Duration = Duration::from_secs(1);
/// Blocks and rounds that a reader may be behind: a few minutes at a block a second.
pub const EVENTS_KEPT_MAX: usize = 1_024;
/// … and their bytes.
pub const EVENTS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Blocks that are told one by one when many are committed at once; earlier ones are read by height.
pub const EVENTS_MISSED_MAX: u64 = 64;
/// An answer is copied to its socket in pieces of this size.
pub const ANSWER_PIECE_BYTES: usize = 32 * 1024;
/// A longer answer needs a place among the long ones; two pieces are part of a connection's share.
pub const SHORT_ANSWER_BYTES_MAX: usize = 2 * ANSWER_PIECE_BYTES;
/// What the kernel may hold of an answer that its reader does not take; it keeps twice as much, for
/// its own needs. Without a limit it takes megabytes, which nobody here counts.
pub const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// After this a link opens a new connection for its next message.
pub const PEER_CONNECTION_LIFETIME: Duration = Duration::from_secs(60);
/// Requests to one peer that are under way at one time, each on a connection of its own: a message,
/// a question for blocks, a pull or a handshake, and a batch of transactions or evidence.
pub const LINK_CONNECTIONS_MAX: usize = 4;
/// How long a peer may take for an answer of blocks: it may be megabytes on a slow line.
pub const SYNC_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers of blocks that are made at one time: each may hold megabytes.
pub const SYNC_ANSWERS_MAX: usize = 2;
/// How long a peer waits for such a place: long enough that a slow reader's is free meanwhile.
/// Whoever was refused at once would find the places taken anew each time it came again.
pub const SYNC_ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// How long one height behind is nothing to act on.
pub const SYNC_GRACE_MS: u64 = 100;
/// E4: a proposer that was last heard this long before a quorum of the others is skipped.
pub const SILENT_AFTER_MS: u64 = 300;
/// Pieces of evidence in one answer, as many waiting as committed: a page for people, and 1.4 MiB
/// to read at the most.
pub const EVIDENCE_ANSWER_MAX: usize = 100;
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
/// For so long nobody who has spoken keeps the next block before that is said: peers say what they
/// keep with their handshakes, one after the other.
pub const STRANDED_AFTER_MS: u64 = 5_000;
/// How fast catching up goes is counted from a mark; one is this old before there is a new one.
pub const SYNC_MARK_EVERY_MS: u64 = 1_000;
/// Decided blocks that wait for the one before them: the window, late answers, our own decision.
pub const WAITING_BLOCKS_MAX: usize = 512;
/// What an answer of block sync holds besides its blocks.
pub const SYNC_ENVELOPE_BYTES: usize = 64;

/// What the HTTP library makes of a request's head: a map with room for all its lines.
const HEAD_MAP_BYTES: usize = 8 * 1024;

/// What one connection holds at most: its socket's two buffers at rest, what has come of the next
/// request, and either a head with the map of it and the window of a body, or a piece of an answer in
/// front of the next and a full buffer of the kernel.
pub const CONNECTION_BYTES_MAX: usize = 16 * 1024
    + READ_BYTES
    + max(
        HEAD_BYTES_MAX + HEAD_MAP_BYTES + BODY_WINDOW_BYTES + BODY_FREE_BYTES,
        SHORT_ANSWER_BYTES_MAX + 2 * SEND_BUFFER_BYTES,
    );

/// The most memory that messages and connections from outside can make a node hold, beyond its
/// caches, with `peers` other nodes: a sum of limits, each of them reached at the same time.
pub const fn memory_under_flood_bytes(peers: usize) -> usize {
    let connections = (PEER_CONNECTIONS_MAX + PUBLIC_CONNECTIONS_MAX) * CONNECTION_BYTES_MAX;
    // As bytes, and twice that as the value that is made of them; and those that wait for
    // transactions.
    let partial = PARTIAL_PROPOSALS_MAX * PROPOSAL_BYTES_MAX;
    let proposals = 3 * PROPOSAL_BODIES_BYTES_MAX + partial;
    // As blocks, and as bytes.
    let sync_answers = 2 * SYNC_ANSWERS_MAX * SYNC_BYTES_MAX;
    // As a block, and as text: two digits a byte, and names. Long answers to JSON-RPC are fewer
    // bytes, under the same places.
    let block_answers = 4 * BLOCK_ANSWERS_MAX * BLOCK_BYTES_MAX;
    // As a block, and as values; the text is part of its connection's share.
    let short_answers = 3 * SHORT_ANSWERS_MAX * SHORT_BLOCK_BYTES;
    // As text, and as the values of one call at a time.
    let rpc_bodies = 2 * RPC_BODIES_BYTES_MAX;
    // What waits to be written, those that are carried out, and the last of them while it is read.
    let requests = STREAM_CALLS_BYTES_MAX + RPC_REQUEST_BYTES_MAX;
    let streams = STREAMS_MAX * (STREAM_QUEUE_BYTES_MAX + requests);
    let votes = (VOTES_PROVEN_MAX + VOTES_UNPROVEN_MAX) * VOTE_BYTES_MAX;
    // Two listeners; as bytes and as values, and those under check.
    let checks = CHECKS_OF_PEOPLE_MAX + CHECKS_OF_PEERS_MAX;
    let transactions = (2 * TRANSACTIONS_WAITING_MAX + checks) * TRANSACTION_BYTES_MAX
        + 2 * GOSSIP_BODIES_BYTES_MAX;
    // As votes, and as bytes; the blocks in them are shared.
    let pull_answers = 2 * PULL_ANSWERS_MAX * PULLED_BYTES_MAX;
    // What liars may answer to this node's own questions: as bytes, and as blocks.
    let asked_for = 2 * SYNC_WINDOW_BYTES_MAX;
    let evidence_waiting = EVIDENCE_PROVEN_MAX + EVIDENCE_UNPROVEN_MAX + EVIDENCE_PENDING_MAX;
    let evidence = evidence_waiting * EVIDENCE_BYTES_MAX;
    let evidence_out = EVIDENCE_OUTBOX_MAX * EVIDENCE_BYTES_MAX;
    let outboxes = peers * (OUTBOX_BYTES_MAX + GOSSIP_BYTES_MAX + evidence_out);
    let answers = sync_answers + block_answers + short_answers + pull_answers;
    let clients = rpc_bodies + streams + EVENTS_BYTES_MAX;
    let waiting = votes + transactions + MEMPOOL_BYTES_MAX + evidence;
    // Notes of what validators have sent, and room for more.
    let notes = TIMELINES_NOTES_MAX + TIMELINES_MAX * TIMELINE_NOTES_ROOM;
    let timelines = notes * TIMELINE_NOTE_BYTES;
    connections + proposals + answers + clients + asked_for + waiting + outboxes + timelines
}

/// The same for a node of four.
pub const MEMORY_UNDER_FLOOD_BYTES: usize = memory_under_flood_bytes(3);

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// How much a process may want of something that the system limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Without it there is no use in beginning.
    pub needed: u64,
    /// With it no limit of this file is cut short.
    pub wanted: u64,
}

/// Descriptors of a process, whatever it runs: its three streams, what it has inherited, signals,
/// and files and names that are looked up for a moment.
const PROCESS_DESCRIPTORS: usize = 32;
/// Files of a node: LMDB's two and its lock file, the lock, the mark, the key and the record beside it.
const NODE_FILES: usize = 7;
/// Each of its two listeners, and the copy that the runtime accepts on.
const LISTENER_DESCRIPTORS: usize = 4;
/// Its own thread's runtime and the store's: a poll and the runtime's copy of it, a waker, signals.
const RUNTIME_DESCRIPTORS: usize = 8;
const NODE_DESCRIPTORS: usize = NODE_FILES + LISTENER_DESCRIPTORS + RUNTIME_DESCRIPTORS;
/// Of the [`LINK_CONNECTIONS_MAX`] those without which a link works badly: a message, and a question
/// at the same time.
const LINK_CONNECTIONS_MIN: usize = 2;
/// Connections of people without which a process serves nobody.
const PUBLIC_CONNECTIONS_MIN: usize = 8;

/// The descriptors of a process with so many nodes, of which each has so many peers: with all of them
/// linked and a few people, and with every connection that a limit of this file allows. The two
/// ends of a link between nodes of one process are a descriptor each.
pub const fn descriptors(nodes: usize, peers: usize) -> Demand {
    let links = 2 * peers * LINK_CONNECTIONS_MIN;
    let needed = nodes * (NODE_DESCRIPTORS + links) + PUBLIC_CONNECTIONS_MIN;
    let connections = PEER_CONNECTIONS_MAX + PUBLIC_CONNECTIONS_MAX;
    let wanted = nodes * (NODE_DESCRIPTORS + connections + peers * LINK_CONNECTIONS_MAX);
    Demand {
        needed: (PROCESS_DESCRIPTORS + needed) as u64,
        wanted: (PROCESS_DESCRIPTORS + wanted) as u64,
    }
}

/// Address space of a node beside its map, and of a process beside its nodes: stacks, and what the C
/// library reserves for each thread. Of one node 290 MiB were seen at rest, of each more 140.
const BESIDE_MAP_BYTES: u64 = 256 << 20;

/// The address space that so many nodes with maps of this size need.
pub const fn address_bytes(nodes: usize, map_bytes: usize) -> u64 {
    let node = (map_bytes as u64).saturating_add(BESIDE_MAP_BYTES);
    (nodes as u64)
        .saturating_mul(node)
        .saturating_add(BESIDE_MAP_BYTES)
}

/// The largest map with which so many nodes fit into this address space; 0: none does.
pub const fn map_bytes_within(address_bytes: u64, nodes: usize) -> u64 {
    let share = address_bytes.saturating_sub(BESIDE_MAP_BYTES) / nodes as u64;
    share.saturating_sub(BESIDE_MAP_BYTES)
}

/// Between two looks at what people must know of a node: a fall of others is said within seconds.
pub const TIDINGS_LOOK_EVERY: Duration = Duration::from_secs(1);
/// A start that comes later finds that its operator has not vouched for its directory.
pub const VOUCH_AGE_MAX_MS: u64 = 600_000;
/// So many of these looks lie between two at the disk, the map and the descriptors.
pub const TIDINGS_LOOKS_PER_ROOM: u64 = 10;
/// A disk that is fuller is scarce.
pub const SCARCE_DISK_PERCENT: u64 = 90;
/// A map or a table of descriptors that is fuller is scarce.
pub const SCARCE_PERCENT: u64 = 80;
/// Between two lines of one cause while it lasts, and between two of a healthy node.
pub const TIDINGS_EVERY_MS: u64 = 60_000;
/// A peer that was never reached is no news before: nodes of a network do not start at once.
pub const UNLINKED_AFTER_MS: u64 = 10_000;
/// Nodes named in one line of the log.
pub const NAMED_MAX: usize = 8;
/// No block for so long is said, however short the interval is: a round that fails takes as long.
pub const STALL_SAID_AFTER_MS: u64 = 3_000;
/// A chain that stands again and again, for a moment each time, is said no more often.
pub const STALL_SAID_EVERY_MS: u64 = 10_000;
/// Heights whose timelines are kept: at a block a second the newest four minutes, long enough to look
/// at one that was slow.
pub const TIMELINES_MAX: usize = 256;
/// Notes of one height: a round of the largest set has 2 × 128 votes and some twenty more. Of a height
/// with more rounds the first half and the newest are kept.
pub const TIMELINE_NOTES_MAX: usize = 512;
/// Notes of all heights together, beyond which the oldest heights go: 256 heights of seven validators
/// with a round each, 29 of the largest set.
pub const TIMELINES_NOTES_MAX: usize = 8_192;
/// Notes for which there is room at once; so many at the most are room that is not used.
pub const TIMELINE_NOTES_ROOM: usize = 16;
/// A note in memory.
pub const TIMELINE_NOTE_BYTES: usize = 40;
/// Commit times of a minute that its line counts; the oldest go first.
pub const COMMIT_TIMES_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_all_that_a_flood_can_hold_fits_a_small_machine() {
        let mib = MEMORY_UNDER_FLOOD_BYTES / (1024 * 1024);
        println!("memory under flood, four validators: at most {mib} MiB");
        assert!(mib <= 544, "{mib} MiB");
        // Nothing else in a mailbox is as many as messages from outside.
        let edge = VOTES_PROVEN_MAX + VOTES_UNPROVEN_MAX + QUESTIONS_WAITING_MAX;
        assert!(2 * edge <= CONSENSUS_MAILBOX_MAX);
    }

    /// Of 64 nodes in one process the links were seen with two connections each.
    #[test]
    fn descriptors_are_those_of_the_limits_that_they_are_made_from() {
        let alone = descriptors(1, 0);
        assert_eq!((alone.needed, alone.wanted), (59, 819));
        // What systems grant without being asked is enough for a node of a small network …
        assert!(descriptors(1, 3).wanted <= 1_024);
        // … and what they grant at the most for the largest devnet.
        assert!(descriptors(128, 127).wanted <= 524_288);
        for nodes in 1..=128 {
            let all = descriptors(nodes, nodes - 1);
            assert!(all.needed < all.wanted, "{nodes}");
        }
        assert_eq!(descriptors(100, 99).needed, 41_540);
        let honest = 127 * LINK_CONNECTIONS_MAX;
        assert!(honest <= PEER_CONNECTIONS_MAX);
    }

    #[test]
    fn maps_fit_the_address_space_that_they_were_made_for() {
        for nodes in [1, 4, 100, 128] {
            for space in [1 << 36, (1 << 39) + 12_345, 1 << 47] {
                let map = map_bytes_within(space, nodes);
                let map = usize::try_from(map).expect("it fits");
                assert!(address_bytes(nodes, map) <= space);
                assert!(address_bytes(nodes, map + 1) > space || map == 0);
            }
        }
        assert_eq!(map_bytes_within(1 << 28, 1), 0);
        assert_eq!(address_bytes(usize::MAX, usize::MAX), u64::MAX);
    }
}
