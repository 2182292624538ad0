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
