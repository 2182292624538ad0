//! JSON-RPC over the small HTTP client.
use crate::{Answer, Connection};
use serde_json::{Value, json};

/// Posts bytes as JSON and returns the whole answer.
pub fn post_bytes(connection: &mut Connection, body: &[u8]) -> Answer {
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    connection.send(&[head.as_bytes(), body].concat());
    connection.answer().expect("an answer")
}

/// Posts a request and returns what is answered.
pub fn post(url: &str, request: &Value) -> Value {
    let body = request.to_string();
    let answer = post_bytes(&mut Connection::open(url), body.as_bytes());
    assert_eq!(answer.status, 200, "{request}: {}", answer.text());
    answer.json()
}

/// One call, whatever comes of it.
pub fn call(url: &str, method: &str, params: Value) -> Value {
    let id = 7;
    let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let answer = post(url, &request);
    assert_eq!(
        (&answer["jsonrpc"], &answer["id"]),
        (&"2.0".into(), &id.into())
    );
    answer
}

/// One call that has a result.
pub fn result(url: &str, method: &str, params: Value) -> Value {
    let mut answer = call(url, method, params);
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].take()
}

/// Text that is a number in hex without leading zeros.
pub fn is_quantity(value: &Value) -> bool {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.is_some_and(|digits| {
        digits == "0" || (is_lower_hex(digits) && !digits.is_empty() && !digits.starts_with('0'))
    })
}

/// Text that is whole bytes in hex, so many if a number is given.
pub fn is_data(value: &Value, bytes: Option<usize>) -> bool {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.is_some_and(|digits| {
        let fits = bytes.is_none_or(|bytes| digits.len() == 2 * bytes);
        fits && digits.len() % 2 == 0 && is_lower_hex(digits)
    })
}

fn is_lower_hex(digits: &str) -> bool {
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    digits.bytes().all(is_digit)
}
