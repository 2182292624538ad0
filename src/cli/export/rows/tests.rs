//! What a block becomes.
use super::super::line;
use super::super::table::{BLOCKS, EVENTS, RECEIPTS, TABLES, TRANSACTIONS};
use super::*;
use serde_json::json;

fn id(byte: u8) -> String {
    hex(&[byte; 32])
}

fn who(byte: u8) -> String {
    hex(&[byte; 20])
}

fn block(actions: &[Value]) -> Value {
    let transactions = (1..).zip(actions).map(|(number, action)| {
        json!({ "id": id(number), "sender": who(7), "body": { "nonce": number, "fee": "3",
            "expires_at": 90, "action": action } })
    });
    json!({
        "id": id(0xaa), "evidence": [], "transactions": transactions.collect::<Vec<_>>(),
        "header": { "height": 5, "previous_block": id(0xbb), "time": 1_795_876_200_007u64,
            "proposer": who(9), "state_root": id(0xcc) },
    })
}

fn receipt(number: u8) -> Value {
    json!({ "transaction": id(number), "status": "success", "fee": "3", "bytes": 3400 })
}

fn rows(actions: &[Value], receipts: &[Value]) -> Option<BlockRows> {
    BlockRows::read(&block(actions), receipts)
}

fn transfer(memo: &str) -> Value {
    json!({ "kind": "transfer", "to": who(8), "amount": "18446744073709551615", "memo": memo })
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::new();
    rows.iter().for_each(|row| line::csv(row, &mut text));
    text
}

#[test]
fn a_block_has_a_row_in_each_table_for_each_thing_in_it() {
    let rows = rows(&[transfer("rent, \"May\"")], &[receipt(1)]).expect("rows");
    let (a, b, c) = (id(0xaa), id(0xbb), id(0xcc));
    assert_eq!(
        csv(rows.of(&BLOCKS)),
        format!(
            "5,{a},{b},2026-11-28T14:30:00.007Z,1795876200007,{},{c},1,0\n",
            who(9)
        )
    );
    assert_eq!(
        csv(rows.of(&TRANSACTIONS)),
        format!(
            "5,0,{},{},1,3,90,transfer,{},18446744073709551615,\"rent, \"\"May\"\"\",\
             0x72656e742c20224d617922,,,\n",
            id(1),
            who(7),
            who(8)
        )
    );
    assert_eq!(
        csv(rows.of(&RECEIPTS)),
        format!("5,0,{},success,,3,3400,\n", id(1))
    );
    assert_eq!(csv(rows.of(&EVENTS)), "");
    for table in TABLES {
        let all = rows.of(&table).iter();
        assert!(all.map(Vec::len).all(|len| len == table.columns.len()));
    }
}

/// PostgreSQL's texts have no NUL, and one line of a file no second one.
#[test]
fn a_memo_that_cannot_be_seen_stands_there_as_bytes_only() {
    for (memo, shown) in [
        ("", "\"\""),
        ("ünï", "\"ünï\""),
        ("a\0b", ""),
        ("a\nb", ""),
        ("\u{1b}[2J", ""),
    ] {
        let rows = rows(&[transfer(memo)], &[receipt(1)]).expect("rows");
        let line = csv(rows.of(&TRANSACTIONS));
        let end = format!(",{shown},{},,,\n", hex(memo.as_bytes()));
        assert!(line.ends_with(&end), "{line:?} {end:?}");
        let mut whole = String::new();
        line::json(&rows, &mut whole);
        assert_eq!(whole.matches('\n').count(), 1);
        assert!(is_seen(whole.trim_end()), "{whole:?}");
        let read: Value = serde_json::from_str(&whole).expect("JSON");
        assert_eq!(read["transactions"][0]["amount"], "18446744073709551615");
        assert_eq!(read["transactions"][0]["memo_hex"], hex(memo.as_bytes()));
    }
}

#[test]
fn a_record_is_bytes_whatever_they_are() {
    let put = json!({ "kind": "put", "key": "0x00ff", "value": "0x" });
    let rows = rows(&[put], &[receipt(1)]).expect("rows");
    assert!(csv(rows.of(&TRANSACTIONS)).ends_with(",put,,,,,0x00ff,0x,\n"));
}

/// A kind that this program does not know, or a field of another shape, loses nothing.
#[test]
fn what_has_no_column_stands_in_the_details() {
    let call = json!({ "kind": "call", "to": "shop", "amount": 7, "input": "a\0b", "k\0": [1] });
    let more = json!({ "transaction": id(1), "status": "failed", "code": "out_of_gas",
        "sentence": "may be reworded", "fee": "3", "bytes": 9, "height": 5, "index": 0,
        "block_id": id(0xaa), "used": 12 });
    let rows = rows(&[call], &[more]).expect("rows");
    let Cell::Json(details) = &rows.transactions[0][14] else {
        panic!("{rows:?}");
    };
    let details: Value = serde_json::from_str(details).expect("JSON");
    let expected = json!({ "to": "shop", "amount": 7, "input": { "hex": "0x610062" },
        "0x6b00": [1] });
    assert_eq!(details, expected);
    let line = csv(rows.of(&RECEIPTS));
    assert!(
        line.ends_with(",failed,out_of_gas,3,9,\"{\"\"used\"\":12}\"\n"),
        "{line}"
    );
}

#[test]
fn events_of_receipts_have_rows_of_their_own() {
    let mut first = receipt(1);
    first["events"] = json!([
        { "name": "paid", "data": "0x01" }, { "name": "a\0", "data": { "to": "b\n" } },
        { "name": "none", "by": 3 },
    ]);
    let rows = rows(&[transfer(""), transfer("")], &[first, receipt(2)]).expect("rows");
    let expected = "5,0,0,paid,0x01,\n5,0,1,0x6100,\"{\"\"to\"\":{\"\"hex\"\":\"\"0x620a\"\"}}\",\n\
                    5,0,2,none,,\"{\"\"by\"\":3}\"\n";
    assert_eq!(csv(rows.of(&EVENTS)), expected);
    assert_eq!(rows.receipts[0][7], Cell::Null);
}

#[test]
fn a_time_that_no_calendar_has_is_a_number_only() {
    let mut late = block(&[]);
    late["header"]["time"] = json!(u64::MAX);
    let rows = BlockRows::read(&late, &[]).expect("rows");
    assert_eq!(rows.block[3..5], [Cell::Null, Cell::Amount(u64::MAX)]);
}

#[test]
fn what_no_node_says_is_refused() {
    assert!(rows(&[transfer("")], &[]).is_none(), "a receipt is missing");
    assert!(rows(&[transfer("")], &[receipt(2)]).is_none(), "of another");
    let wrong = |at: &str, value: Value| {
        let mut block = block(&[transfer("")]);
        *block.pointer_mut(at).expect(at) = value;
        BlockRows::read(&block, &[receipt(1)])
    };
    for (at, value) in [
        ("/header/height", json!(u64::MAX)),
        ("/header/height", json!("5")),
        ("/id", json!("0x12")),
        ("/header/time", json!(-1)),
        ("/evidence", json!(null)),
        ("/transactions/0/sender", json!("alice")),
        ("/transactions/0/body/nonce", json!(1.5)),
        ("/transactions/0/body/fee", json!("-1")),
        ("/transactions/0/body/action", json!("transfer")),
        ("/transactions/0/body/action/kind", json!("a b")),
    ] {
        assert!(wrong(at, value.clone()).is_none(), "{at} {value}");
    }
}
