//! JSON-RPC over the small HTTP client.
use super::{Answer, Connection};
use serde_json::{Value, json};

/// Posts bytes as JSON and returns the whole answer.
pub(crate) fn post_bytes(connection: &mut Connection, body: &[u8]) -> Answer {
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    connection.send(&[head.as_bytes(), body].concat());
    connection.answer().expect("an answer")
}

/// Posts a request and returns what is answered.
pub(crate) fn post(url: &str, request: &Value) -> Value {
    let body = request.to_string();
    let answer = post_bytes(&mut Connection::open(url), body.as_bytes());
    assert_eq!(answer.status, 200, "{request}: {}", answer.text());
    answer.json()
}

/// One call, whatever comes of it.
pub(crate) fn call(url: &str, method: &str, params: Value) -> Value {
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
pub(crate) fn result(url: &str, method: &str, params: Value) -> Value {
    let mut answer = call(url, method, params);
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].take()
}
