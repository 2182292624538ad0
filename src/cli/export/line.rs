//! A row as a line: of CSV, which PostgreSQL's COPY reads as well, and of JSON.
use super::rows::{BlockRows, Cell, Row};
use super::table::{BLOCKS, EVENTS, RECEIPTS, TRANSACTIONS, Table};

/// Adds a line of CSV. Nothing is an empty cell, an empty text is `""`.
pub(super) fn csv(row: &Row, to: &mut String) {
    for (number, cell) in row.iter().enumerate() {
        if number > 0 {
            to.push(',');
        }
        match cell {
            Cell::Null => {}
            Cell::Number(number) | Cell::Amount(number) => to.push_str(&number.to_string()),
            Cell::Text(text) | Cell::Json(text) => quoted(text, to),
        }
    }
    to.push('\n');
}

fn quoted(text: &str, to: &mut String) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return to.push_str(text);
    }
    to.push('"');
    to.push_str(&text.replace('"', "\"\""));
    to.push('"');
}

/// Adds the line of a whole block.
pub(super) fn json(block: &BlockRows, to: &mut String) {
    to.push_str("{\"block\":");
    object(&block.block, &BLOCKS, to);
    for table in [&TRANSACTIONS, &RECEIPTS, &EVENTS] {
        to.push_str(",\"");
        to.push_str(table.name);
        to.push_str("\":[");
        for (number, row) in block.of(table).iter().enumerate() {
            if number > 0 {
                to.push(',');
            }
            object(row, table, to);
        }
        to.push(']');
    }
    to.push_str("}\n");
}

fn object(row: &Row, table: &Table, to: &mut String) {
    for (number, (cell, (name, _))) in row.iter().zip(table.columns).enumerate() {
        to.push_str(if number > 0 { ",\"" } else { "{\"" });
        to.push_str(name);
        to.push_str("\":");
        match cell {
            Cell::Null => to.push_str("null"),
            Cell::Number(number) => to.push_str(&number.to_string()),
            Cell::Amount(number) => to.push_str(&format!("\"{number}\"")),
            Cell::Text(text) => to.push_str(&serde_json::Value::from(&**text).to_string()),
            Cell::Json(document) => to.push_str(document),
        }
    }
    to.push('}');
}
