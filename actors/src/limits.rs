//! Every limit of the actors in one place, with its reason. Units stand last in the name.
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
/// Connections that a listener serves at one time; more wait in the backlog.
pub const CONNECTIONS_MAX: usize = 1_024;
/// How long a connection lives, whatever it does: one that says nothing, or reads nothing, gives
/// its place back. Peers renew theirs before.
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(90);
/// After this a link opens a new connection for its next message.
pub const PEER_CONNECTION_LIFETIME: Duration = Duration::from_secs(60);
/// Requests to one peer that are under way at one time, each on a connection of its own: a message
/// or a handshake, a question for blocks, a pull, and room for one that is being given up.
pub const PEER_CONNECTIONS_MAX: usize = 4;
/// How long a peer may take for an answer of blocks: it may be megabytes on a slow line.
pub const SYNC_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers of blocks that are made at one time: each may hold megabytes.
pub const SYNC_ANSWERS_MAX: usize = 2;
/// How long one height behind is nothing to act on.
pub const SYNC_GRACE_MS: u64 = 100;
/// E4: a proposer that was last heard this long before a quorum of the others is skipped.
pub const SILENT_AFTER_MS: u64 = 300;
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
pub const SYNC_WINDOW_BYTES_MAX: usize = 64 * 1024 * 1024;
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
