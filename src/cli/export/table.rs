//! The tables of an export: names, columns and their types, the same in CSV, JSONL and PostgreSQL. A
//! column is never renamed and never changes what it means; a change that must be raises [`FORMAT`].

/// The format of an export. A target of another one is refused.
pub(super) const FORMAT: u64 = 1;

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Names, and types of PostgreSQL.
    pub(super) columns: &'static [(&'static str, &'static str)],
    /// What is there once, and what is looked for.
    pub(super) keys: &'static str,
}

/// Heights, nonces and places are counts; an amount has 64 bits without a sign.
const COUNT: &str = "bigint NOT NULL";
const PLACE: &str = "integer NOT NULL";
const AMOUNT: &str = "numeric(20) NOT NULL";
const TEXT: &str = "text NOT NULL";

pub(super) const BLOCKS: Table = Table {
    name: "blocks",
    columns: &[
        ("height", COUNT),
        ("id", TEXT),
        ("previous_block", TEXT),
        ("time", "timestamptz"),
        ("time_ms", AMOUNT),
        ("proposer", TEXT),
        ("state_root", TEXT),
        ("transactions", PLACE),
        ("evidence", PLACE),
    ],
    keys: "PRIMARY KEY (height), UNIQUE (id)",
};

pub(super) const TRANSACTIONS: Table = Table {
    name: "transactions",
    columns: &[
        ("height", COUNT),
        ("place", PLACE),
        ("id", TEXT),
        ("sender", TEXT),
        ("nonce", COUNT),
        ("fee", AMOUNT),
        ("expires_at", COUNT),
        ("kind", TEXT),
        ("receiver", "text"),
        ("amount", "numeric(20)"),
        ("memo", "text"),
        ("memo_hex", "text"),
        ("key", "text"),
        ("value", "text"),
        ("details", "jsonb"),
    ],
    keys: "PRIMARY KEY (height, place), UNIQUE (id)",
};

pub(super) const RECEIPTS: Table = Table {
    name: "receipts",
    columns: &[
        ("height", COUNT),
        ("place", PLACE),
        ("id", TEXT),
        ("status", TEXT),
        ("code", "text"),
        ("fee", AMOUNT),
        ("bytes", PLACE),
        ("details", "jsonb"),
    ],
    keys: "PRIMARY KEY (height, place), UNIQUE (id)",
};

pub(super) const EVENTS: Table = Table {
    name: "events",
    columns: &[
        ("height", COUNT),
        ("place", PLACE),
        ("number", PLACE),
        ("name", TEXT),
        ("data", "text"),
        ("details", "jsonb"),
    ],
    keys: "PRIMARY KEY (height, place, number)",
};

/// In the order in which they are written: what says that a block is there comes last.
pub(super) const TABLES: [Table; 4] = [TRANSACTIONS, RECEIPTS, EVENTS, BLOCKS];

impl Table {
    /// The names of its columns with commas between.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(",")
    }
}
