//! Limits of the command line, each with its reason. Units stand last in the name.
use std::time::Duration;

/// Memory that opening a foreign key file may cost before its password is known to be right: four
/// times what ours take.
pub(crate) const KEY_MEMORY_KIB_MAX: u32 = 256 * 1024;
/// How often that memory is gone over: with the limit above some five times the work of ours, a
/// second or two.
pub(crate) const KEY_PASSES_MAX: u32 = 4;
/// Parts that this memory may be cut into; they cost nothing by themselves.
pub(crate) const KEY_LANES_MAX: u32 = 16;
/// How long a pipe may take to say what it has to: whoever writes into it may ask a person first.
pub(crate) const PIPE_PATIENCE: Duration = Duration::from_secs(120);

/// Lines that are kept while a view has the terminal: some screens full, of the newest.
pub(crate) const SCREEN_LINES_MAX: usize = 200;
/// Of such a line, what a wide terminal shows in some rows.
pub(crate) const SCREEN_LINE_CHARS_MAX: usize = 1_000;

/// Nodes that a view asks, each on a thread of its own: as many as the page.
pub(crate) const TOP_NODES_MAX: usize = 16;
/// Blocks that a view keeps: its strip and its sparkline.
pub(crate) const TOP_BLOCKS_MAX: usize = 240;
/// Timelines that a view keeps of each node: the newest decided, and the one under way.
pub(crate) const TOP_TIMELINES_MAX: usize = 4;
/// Heights whose blocks a view asks for in one poll: so a fast chain costs no more than a slow one.
pub(crate) const TOP_HEIGHTS_A_POLL: usize = 12;
/// Answers that wait for the thread that draws; whoever asks waits beyond.
pub(crate) const TOP_ANSWERS_MAX: usize = 256;
/// Orders from keys that wait to be sent: further keys are refused.
pub(crate) const TOP_ORDERS_MAX: usize = 4;
/// Of a text that a node says, what a view keeps.
pub(crate) const TOP_TEXT_CHARS_MAX: usize = 300;
/// Lists and objects of an answer of a node: of the longest, a full block, a few thousand. Read, an
/// empty object of four bytes takes hundreds.
pub(crate) const ANSWER_LISTS_MAX: usize = 8_192;
/// Their members.
pub(crate) const ANSWER_MEMBERS_MAX: usize = 65_536;
/// Rows of a list that a node says: more than a set has validators.
pub(crate) const TOP_LIST_MAX: usize = 1_024;

/// Receipts that an export asks a node for in one request: as many calls as a batch may have.
pub(crate) const EXPORT_RECEIPTS_A_REQUEST: usize = 100;
/// Blocks that an export writes in one transaction of a database, or between two syncs of files: an
/// empty chain goes on fast, and what an interrupted run has to do again takes a moment.
pub(crate) const EXPORT_BLOCKS_A_BATCH: usize = 500;
/// Rows that such a batch has before it is written, with those of one block more.
pub(crate) const EXPORT_ROWS_A_BATCH: usize = 10_000;
/// What they have in bytes, with those of one block more: a block that is full of values is some
/// megabytes.
pub(crate) const EXPORT_BYTES_A_BATCH: usize = 16 << 20;
/// Between two looks of `export --follow` for a new block.
pub(crate) const EXPORT_LOOK: Duration = Duration::from_millis(250);
/// What a file of an export may have in a line: a block of the largest size as JSON, several times.
pub(crate) const EXPORT_LINE_BYTES_MAX: u64 = 64 << 20;
/// What the head of an export's target may have: a chain's number, two hashes, some words.
pub(crate) const EXPORT_HEAD_BYTES_MAX: u64 = 4_096;
/// How long a database server may take to let somebody in.
pub(crate) const DATABASE_PATIENCE: Duration = Duration::from_secs(20);
/// How long it may take for a batch: far longer than a slow disk, but an end.
pub(crate) const DATABASE_BATCH_PATIENCE: Duration = Duration::from_secs(300);
/// What a database server may say while it takes a batch: some heights, ids and words are asked for.
pub(crate) const DATABASE_ANSWER_BYTES_MAX: usize = 1 << 20;
