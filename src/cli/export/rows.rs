//! A block and its receipts, as a node shows them, become rows. Nothing here knows the kinds of
//! transactions: what has a column of its own is put there if it is what the column holds, all else is
//! kept in `details`. So a kind that comes later needs no change.
use super::table::Table;
use crate::hex::{hex, unhex};
use crate::output::is_unseen;
use lockstep_actors::times::Utc;
use lockstep_protocol::types::{Address, Hash, Timestamp};
use serde_json::{Map, Value};

/// The end of the year 9999: later times have no column `time`, which databases and people read.
const TIME_MS_MAX: u64 = 253_402_300_799_999;
/// PostgreSQL's `bigint`; no chain comes near.
const COUNT_MAX: u64 = i64::MAX as u64;
/// Longer than the name of any kind, status or code.
const WORD_BYTES_MAX: usize = 64;

/// What stands in a column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Number(u64),
    /// A number that programs in JavaScript would round: a text in JSON.
    Amount(u64),
    /// One line, and all of it can be seen.
    Text(String),
    /// A JSON document on one line.
    Json(String),
}

pub(super) type Row = Vec<Cell>;

/// A block with all that is in it. Rows stand in the order of their columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockRows {
    pub(super) height: u64,
    pub(super) id: Hash,
    pub(super) previous: Hash,
    pub(super) block: Row,
    pub(super) transactions: Vec<Row>,
    pub(super) receipts: Vec<Row>,
    pub(super) events: Vec<Row>,
}

impl BlockRows {
    /// Of the answer of `GET /blocks/{height}` and the receipts of its transactions. `None`: they
    /// are not what a node says.
    pub(super) fn read(block: &Value, receipts: &[Value]) -> Option<BlockRows> {
        let header = &block["header"];
        let height = count(&header["height"])?;
        let transactions = block["transactions"].as_array()?;
        if transactions.len() != receipts.len() {
            return None;
        }
        let (id, previous) = (hash(&block["id"])?, hash(&header["previous_block"])?);
        let mut rows = BlockRows {
            height,
            id,
            previous,
            block: block_row(block, transactions.len())?,
            transactions: Vec::with_capacity(receipts.len()),
            receipts: Vec::with_capacity(receipts.len()),
            events: Vec::new(),
        };
        for (place, (transaction, receipt)) in (0..).zip(transactions.iter().zip(receipts)) {
            let at = [Cell::Number(height), Cell::Number(place)];
            let id = hash(&transaction["id"])?;
            if hash(&receipt["transaction"])? != id {
                return None;
            }
            rows.transactions
                .push(transaction_row(&at, id, transaction)?);
            rows.receipts.push(receipt_row(&at, id, receipt)?);
            rows.events.extend(event_rows(&at, receipt)?);
        }
        Some(rows)
    }

    /// What is held for it: texts, and little else.
    pub(super) fn bytes(&self) -> usize {
        let parts = [&self.transactions, &self.receipts, &self.events];
        let rows = parts.into_iter().flatten();
        let cells = rows.chain([&self.block]).flatten();
        cells
            .map(|cell| match cell {
                Cell::Text(text) | Cell::Json(text) => size_of::<Cell>() + text.len(),
                Cell::Null | Cell::Number(_) | Cell::Amount(_) => size_of::<Cell>(),
            })
            .sum()
    }

    pub(super) fn of(&self, table: &Table) -> &[Row] {
        match table.name {
            "transactions" => &self.transactions,
            "receipts" => &self.receipts,
            "events" => &self.events,
            _ => std::slice::from_ref(&self.block),
        }
    }
}

fn block_row(block: &Value, transactions: usize) -> Option<Row> {
    let header = &block["header"];
    let time_ms = header["time"].as_u64()?;
    Some(vec![
        Cell::Number(count(&header["height"])?),
        text(hash(&block["id"])?),
        text(hash(&header["previous_block"])?),
        time(time_ms),
        Cell::Amount(time_ms),
        text(address(&header["proposer"])?),
        text(hash(&header["state_root"])?),
        number(transactions),
        number(block["evidence"].as_array()?.len()),
    ])
}

/// `2026-11-29T22:09:32.123Z`
fn time(ms: u64) -> Cell {
    if ms > TIME_MS_MAX {
        return Cell::Null;
    }
    let seconds = Utc(Timestamp(ms)).to_string();
    let seconds = seconds.trim_end_matches(" UTC").replacen(' ', "T", 1);
    Cell::Text(format!("{seconds}.{:03}Z", ms % 1_000))
}

fn transaction_row(at: &[Cell], id: Hash, transaction: &Value) -> Option<Row> {
    let body = &transaction["body"];
    let mut action = body["action"].as_object()?.clone();
    let kind = word(&action.remove("kind")?)?;
    let receiver = take(&mut action, "to", |to| address(to).map(text));
    let amount = take(&mut action, "amount", amount_of);
    let memo = match action.get("memo") {
        Some(Value::String(memo)) => Some(memo.clone()),
        _ => None,
    };
    if memo.is_some() {
        action.remove("memo");
    }
    let mut row = at.to_vec();
    row.extend([
        text(id),
        text(address(&transaction["sender"])?),
        Cell::Number(count(&body["nonce"])?),
        amount_of(&body["fee"])?,
        Cell::Number(count(&body["expires_at"])?),
        kind,
        receiver,
        amount,
        memo.as_deref()
            .filter(|memo| is_seen(memo))
            .map_or(Cell::Null, text),
        memo.as_deref()
            .map_or(Cell::Null, |memo| text(hex(memo.as_bytes()))),
        take(&mut action, "key", bytes),
        take(&mut action, "value", bytes),
        details(action),
    ]);
    Some(row)
}

fn receipt_row(at: &[Cell], id: Hash, receipt: &Value) -> Option<Row> {
    let mut rest = receipt.as_object()?.clone();
    // Where it stands, and a sentence that may be reworded: no part of what the chain has hashed.
    for known in [
        "transaction",
        "sentence",
        "height",
        "index",
        "block_id",
        "events",
    ] {
        rest.remove(known);
    }
    let status = word(&rest.remove("status")?)?;
    let code = rest.remove("code").unwrap_or(Value::Null);
    let code = match code {
        Value::Null => Cell::Null,
        code => word(&code)?,
    };
    let mut row = at.to_vec();
    row.extend([
        text(id),
        status,
        code,
        amount_of(&rest.remove("fee")?)?,
        Cell::Number(rest.remove("bytes")?.as_u64().filter(|b| *b <= 1 << 30)?),
        details(rest),
    ]);
    Some(row)
}

/// None where receipts have none.
fn event_rows(at: &[Cell], receipt: &Value) -> Option<Vec<Row>> {
    let events = match &receipt["events"] {
        Value::Null => return Some(Vec::new()),
        events => events.as_array()?,
    };
    let rows = (0..).zip(events).map(|(number, event)| {
        let mut event = event.as_object()?.clone();
        let name = match event.remove("name")? {
            Value::String(name) if is_seen(&name) => text(name),
            Value::String(name) => text(hex(name.as_bytes())),
            _ => return None,
        };
        let data = match event.remove("data").unwrap_or(Value::Null) {
            Value::Null => Cell::Null,
            Value::String(data) if is_seen(&data) => text(data),
            Value::String(data) => text(hex(data.as_bytes())),
            other => text(seen(other).to_string()),
        };
        let mut row = at.to_vec();
        row.extend([Cell::Number(number), name, data, details(event)]);
        Some(row)
    });
    rows.collect()
}

/// Takes what belongs into a column; what does not stays.
fn take(of: &mut Map<String, Value>, name: &str, read: impl Fn(&Value) -> Option<Cell>) -> Cell {
    let read = of.get(name).and_then(read);
    if read.is_some() {
        of.remove(name);
    }
    read.unwrap_or(Cell::Null)
}

fn details(rest: Map<String, Value>) -> Cell {
    match rest.is_empty() {
        true => Cell::Null,
        false => Cell::Json(seen(Value::Object(rest)).to_string()),
    }
}

/// The same with every text that cannot be seen as bytes: PostgreSQL's texts have no NUL, and a
/// line of a file no end of a line.
fn seen(value: Value) -> Value {
    match value {
        Value::String(text) if !is_seen(&text) => {
            let bytes = Value::String(hex(text.as_bytes()));
            Value::Object(Map::from_iter([("hex".to_owned(), bytes)]))
        }
        Value::Array(values) => values.into_iter().map(seen).collect(),
        Value::Object(members) => {
            let name = |name: String| match is_seen(&name) {
                true => name,
                false => hex(name.as_bytes()),
            };
            let members = members.into_iter();
            Value::Object(members.map(|(key, of)| (name(key), seen(of))).collect())
        }
        other => other,
    }
}

fn is_seen(text: &str) -> bool {
    !text.chars().any(is_unseen)
}

fn text(of: impl ToString) -> Cell {
    Cell::Text(of.to_string())
}

fn number(of: usize) -> Cell {
    Cell::Number(of as u64)
}

fn count(value: &Value) -> Option<u64> {
    value.as_u64().filter(|count| *count <= COUNT_MAX)
}

fn hash(value: &Value) -> Option<Hash> {
    value.as_str()?.parse().ok()
}

fn address(value: &Value) -> Option<Address> {
    value.as_str()?.parse().ok()
}

fn amount_of(value: &Value) -> Option<Cell> {
    value.as_str()?.parse().ok().map(Cell::Amount)
}

/// Bytes, as nodes write them.
fn bytes(value: &Value) -> Option<Cell> {
    unhex(value.as_str()?).map(|bytes| text(hex(&bytes)))
}

/// A stable word for programs.
fn word(value: &Value) -> Option<Cell> {
    let of_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let word = value.as_str()?;
    let is_word = !word.is_empty() && word.len() <= WORD_BYTES_MAX && word.bytes().all(of_word);
    is_word.then(|| text(word))
}

#[cfg(test)]
mod tests;
