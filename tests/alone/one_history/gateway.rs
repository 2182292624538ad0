//! JSON-RPC calls to a node that may be down at any moment, and what their answers say.
use super::history::{At, Receipt, Told};
use lockstep_protocol::types::{Address, Hash};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than a node that lives takes for anything that is asked here.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
pub(crate) enum Reply {
    Result(Value),
    /// With this code.
    Refused(String),
    /// None, whatever the reason.
    Nothing,
}

/// A connection to one node, opened anew when it has broken.
pub(crate) struct Gateway {
    address: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Gateway {
    pub(crate) fn to(url: &str) -> Gateway {
        let address = url.strip_prefix("http://").expect("an http url");
        Gateway {
            address: address.to_owned(),
            connection: None,
        }
    }

    pub(crate) fn call(&mut self, method: &str, params: Value) -> Reply {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let Ok((status, body)) = self.post(request.to_string().as_bytes()) else {
            self.connection = None;
            return Reply::Nothing;
        };
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert!(status < 500 || status == 503, "{method}: {status} {answer}");
        if let Some(code) = answer["error"]["data"]["code"].as_str() {
            assert_ne!(code, "internal", "{method}: {answer}");
            return Reply::Refused(code.to_owned());
        }
        match answer.get("result") {
            Some(result) => Reply::Result(result.clone()),
            None => Reply::Refused(answer["code"].as_str().unwrap_or("http").to_owned()),
        }
    }

    /// Many calls in one request; `None` if no answer came.
    pub(crate) fn batch(&mut self, method: &str, all: &[Value]) -> Option<Vec<Value>> {
        let calls = all.iter().zip(0..).map(|(params, id)| {
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
        });
        let calls = Value::Array(calls.collect());
        let Ok((200, body)) = self.post(calls.to_string().as_bytes()) else {
            self.connection = None;
            return None;
        };
        let answers: Vec<Value> = serde_json::from_slice(&body).ok()?;
        let mut results = vec![Value::Null; all.len()];
        for mut answer in answers {
            assert!(answer["error"].is_null(), "{method}: {answer}");
            let id = answer["id"]
                .as_u64()
                .and_then(|id| usize::try_from(id).ok())?;
            results[id] = answer["result"].take();
        }
        Some(results)
    }

    fn post(&mut self, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        if self.connection.is_none() {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            self.connection = Some(BufReader::new(stream));
        }
        let connection = self.connection.as_mut().expect("it is open");
        let head = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        connection
            .get_mut()
            .write_all(&[head.as_bytes(), body].concat())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if connection.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().ok()).flatten()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        connection.read_exact(&mut body)?;
        let broken = io::Error::from(io::ErrorKind::InvalidData);
        Ok((status.ok_or(broken)?, body))
    }
}

/// What an answer says, or `Refused("strange")` if it cannot be read: the judge has no use for it,
/// and the run counts it.
pub(crate) fn read(reply: Reply, say: impl FnOnce(&Value) -> Option<Told>) -> Told {
    match reply {
        Reply::Result(result) => say(&result).unwrap_or_else(|| panic!("strange: {result}")),
        Reply::Refused(code) => Told::Refused(code),
        Reply::Nothing => Told::Nothing,
    }
}

pub(crate) fn hash(value: &Value) -> Option<Hash> {
    value.as_str()?.parse().ok()
}

/// A whole number, as a number or in digits.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

pub(crate) fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

fn unhex(value: &Value) -> Option<Vec<u8>> {
    let digits = value.as_str()?.strip_prefix("0x")?.as_bytes();
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

fn at(result: &Value, newest: bool) -> Option<At> {
    Some(At {
        height: whole(&result["height"])?,
        block: Some(hash(&result["block_id"])?),
        state_root: Some(hash(&result["state_root"])?),
        newest,
    })
}

pub(crate) fn account(result: &Value, address: Address, newest: bool) -> Option<Told> {
    let (balance, nonce) = (whole(&result["balance"])?, whole(&result["nonce"])?);
    Some(Told::Account(at(result, newest)?, address, balance, nonce))
}

pub(crate) fn record(result: &Value, owner: Address, key: &[u8], newest: bool) -> Option<Told> {
    let record = match &result["record"] {
        Value::Null => None,
        record => Some((unhex(&record["value"])?, whole(&record["height"])?)),
    };
    Some(Told::Record(
        at(result, newest)?,
        owner,
        key.to_vec(),
        record,
    ))
}

/// `{id, status}`, with a receipt if a block carries it.
pub(crate) fn submitted(result: &Value) -> Option<Told> {
    match &result["receipt"] {
        Value::Null => Some(Told::Accepted(hash(&result["id"])?)),
        found => receipt(found),
    }
}

pub(crate) fn receipt(found: &Value) -> Option<Told> {
    let failed = found["status"] == "failed";
    let code = found["code"].as_str().filter(|_| failed);
    Some(Told::Committed(Receipt {
        id: hash(&found["transaction"])?,
        height: whole(&found["height"])?,
        index: whole(&found["index"])?,
        block: hash(&found["block_id"])?,
        failed: code.map(str::to_owned),
        fee: whole(&found["fee"])?,
    }))
}

/// `lockstep_getTransaction`.
pub(crate) fn status(result: &Value) -> Option<Told> {
    let id = hash(&result["id"])?;
    Some(match result["status"].as_str()? {
        "committed" | "failed" => return receipt(&result["receipt"]),
        "pending" => Told::Waiting(id),
        "unknown" => Told::Unknown(id),
        over => Told::Over(id, over.to_owned()),
    })
}

/// `lockstep_getBlock`.
pub(crate) fn block(result: &Value, newest: bool) -> Option<Told> {
    let ids = result["transactions"]
        .as_array()?
        .iter()
        .map(|t| hash(&t["id"]));
    let at = At {
        height: whole(&result["header"]["height"])?,
        block: Some(hash(&result["id"])?),
        state_root: Some(hash(&result["header"]["state_root"])?),
        newest,
    };
    Some(Told::Block(at, ids.collect::<Option<_>>()?))
}

/// `eth_getBlockByNumber`.
pub(crate) fn eth_block(result: &Value, newest: bool) -> Option<Told> {
    let ids = result["transactions"].as_array()?.iter().map(hash);
    let at = At {
        height: quantity(&result["number"])?,
        block: Some(hash(&result["hash"])?),
        state_root: Some(hash(&result["stateRoot"])?),
        newest,
    };
    Some(Told::Block(at, ids.collect::<Option<_>>()?))
}
