//! The tables in a database. They stand in a schema of their own, so that they are in nobody's way.
use super::super::table::{TABLES, Table};
use super::super::target::Head;

/// What else is looked for than the keys.
const INDEXES: &str = "
    CREATE INDEX blocks_time ON lockstep.blocks (time);
    CREATE INDEX transactions_sender ON lockstep.transactions (sender, height, place);
    CREATE INDEX transactions_receiver ON lockstep.transactions (receiver, height, place)
        WHERE receiver IS NOT NULL;";

/// Whose chain it is: one row.
const CHAIN: &str = "
    CREATE TABLE lockstep.chain (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        format bigint NOT NULL,
        chain_id numeric(20) NOT NULL,
        genesis_hash text NOT NULL,
        scheme text NOT NULL,
        first bigint NOT NULL
    );";

/// Makes everything. The words of the head are numbers, a hash and the name of a scheme.
pub(super) fn begin(head: &Head, has_schema: bool) -> String {
    let mut sql = String::new();
    if !has_schema {
        sql.push_str("CREATE SCHEMA lockstep;");
    }
    sql.push_str(CHAIN);
    for table in TABLES {
        sql.push_str(&create(&table));
    }
    sql.push_str(INDEXES);
    let Head {
        format,
        chain,
        first,
    } = head;
    sql.push_str(&format!(
        "INSERT INTO lockstep.chain (format, chain_id, genesis_hash, scheme, first)
         VALUES ({format}, {}, '{}', '{}', {first});",
        chain.chain_id, chain.genesis_hash, chain.scheme
    ));
    sql
}

fn create(table: &Table) -> String {
    let columns = table.columns.iter();
    let columns: Vec<String> = columns
        .map(|(name, kind)| format!("{name} {kind}"))
        .collect();
    format!(
        "CREATE TABLE lockstep.{} ({}, {});",
        table.name,
        columns.join(", "),
        table.keys
    )
}

/// Takes lines of CSV.
pub(super) fn copy(table: &Table) -> String {
    format!(
        "COPY lockstep.{} ({}) FROM STDIN (FORMAT csv)",
        table.name,
        table.names()
    )
}
