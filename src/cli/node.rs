//! A node as the commands that ask one see it: its answers with a type, its refusals and its
//! silence as failures that name the next step.
use super::http::{self, Answer, Body, Silence};
use crate::endpoint::Url;
use crate::environment::RPC_VARIABLE;
use crate::failure::Failure;
use crate::output::shell;
use clap::Args;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::types::{ChainId, Hash, Height};
use lockstep_protocol::wire::{PROTOCOL_VERSION, Wire};
use serde::Deserialize;
use serde_json::{Value, json};

/// Where a devnet's first node, and a node with the generated settings, answers people.
const DEFAULT_URL: &str = "http://127.0.0.1:8545";

/// Numbers of JSON-RPC errors that may be retried.
const INTERNAL: i64 = -32603;
const BUSY: i64 = -32002;

/// `--rpc`
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Rpc {
    /// Where the node answers people [env: LOCKSTEP_RPC] [default: http://127.0.0.1:8545]
    #[arg(long, value_name = "URL", global = true)]
    rpc: Option<String>,
}

/// A node that answers people.
pub(super) struct Node {
    pub(super) url: Url,
}

/// What a node says of its chain.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct NodeStatus {
    pub(super) chain_id: ChainId,
    pub(super) genesis_hash: Hash,
    pub(super) scheme: SchemeId,
    pub(super) protocol_version: u16,
    pub(super) height: Height,
    pub(super) parameters: Parameters,
}

/// An amount of money, as nodes write it: decimal digits as text.
pub(super) fn amount<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let digits = String::deserialize(from)?;
    digits.parse().map_err(serde::de::Error::custom)
}

/// A value as people read it.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What another program says, and not more than people read.
fn bounded(text: &str) -> String {
    const CHARS_MAX: usize = 1_000;
    text.chars().take(CHARS_MAX).collect()
}

fn may_be_retried(status: u16) -> bool {
    matches!(status, 429 | 500..)
}

/// A URL that an operator has written; `what` names the flag or the variable.
pub(super) fn read_url(what: &str, text: &str) -> Result<Url, Failure> {
    let read = text.parse();
    read.map_err(|why: String| Failure::usage(format!("{what}: {why}")))
}

/// The nodes of a flag that may stand several times, else the one of the environment, else the usual.
pub(super) fn named_nodes(rpc: &[String]) -> Result<Vec<Node>, Failure> {
    if rpc.is_empty() {
        return Ok(vec![Rpc::default().node()?]);
    }
    let urls = rpc.iter().map(|url| read_url("--rpc", url));
    urls.map(|url| Ok(Node { url: url? })).collect()
}

impl Rpc {
    pub(super) fn node(&self) -> Result<Node, Failure> {
        match self.named()? {
            Some(url) => Ok(Node { url }),
            None => read_url("--rpc", DEFAULT_URL).map(|url| Node { url }),
        }
    }

    /// What the flag names, or else the environment.
    pub(super) fn named(&self) -> Result<Option<Url>, Failure> {
        if let Some(url) = &self.rpc {
            return read_url("--rpc", url).map(Some);
        }
        let url = crate::environment::variable(RPC_VARIABLE)?;
        url.map(|url| read_url(RPC_VARIABLE, &url)).transpose()
    }
}

impl NodeStatus {
    pub(super) fn context(&self) -> SignContext {
        SignContext {
            chain_id: self.chain_id,
            genesis_hash: self.genesis_hash,
        }
    }

    pub(super) fn wire(&self) -> Wire {
        Wire::new(self.genesis_hash)
    }
}

impl Node {
    /// Asks for a path. The node's refusals are answers too.
    pub(super) fn get(&self, path: &str) -> Result<Answer, Failure> {
        http::get(&self.url, path).map_err(|why| self.silent(&why))
    }

    /// Posts canonical bytes to a path. The node's refusals are answers too.
    pub(super) fn post(&self, path: &str, bytes: &[u8]) -> Result<Answer, Failure> {
        let answer = http::post(&self.url, path, &Body::Bytes(bytes));
        answer.map_err(|why| self.silent(&why))
    }

    /// Posts a JSON document to a path. The node's refusals are answers too.
    pub(super) fn post_json(&self, path: &str, document: &Value) -> Result<Answer, Failure> {
        let text = document.to_string();
        let answer = http::post(&self.url, path, &Body::Json(text.as_bytes()));
        answer.map_err(|why| self.silent(&why))
    }

    /// The result of a JSON-RPC method; a refusal is a failure.
    pub(super) fn call(&self, method: &str, params: &Value) -> Result<Value, Failure> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let call = call.to_string();
        let answer = http::post(&self.url, "/", &Body::Json(call.as_bytes()));
        let answer = answer.map_err(|why| self.silent(&why))?;
        if answer.status != 200 {
            return Err(self.refusal(&answer));
        }
        let said = http::json(&answer.body).ok_or_else(|| self.strange())?;
        let error = &said["error"];
        let result = said.get("result");
        if error.is_null() {
            return result.cloned().ok_or_else(|| self.strange());
        }
        let message = bounded(error["message"].as_str().unwrap_or("no reason"));
        let message = format!("{} refused {method}: {message}", self.url);
        Err(match error["code"].as_i64() {
            Some(INTERNAL | BUSY) => Failure::retry(message),
            _ => Failure::usage(message),
        })
    }

    fn silent(&self, why: &Silence) -> Failure {
        let url = &self.url;
        Failure::retry(match why {
            Silence::Mute => format!(
                "no answer from {url}: it takes connections and says nothing for {} s; its process \
                 may be stopped (kill -CONT resumes it) or overloaded: restart it, or name another \
                 with --rpc",
                http::PATIENCE.as_secs()
            ),
            Silence::Broken(why) => format!(
                "no answer from {url}: {why}; is the node running, and does it listen there? Name \
                 another with --rpc"
            ),
        })
    }

    /// The JSON at a path; a refusal is a failure.
    pub(super) fn json(&self, path: &str) -> Result<Value, Failure> {
        let answer = self.get(path)?;
        if answer.status != 200 {
            return Err(self.refusal(&answer));
        }
        http::json(&answer.body).ok_or_else(|| self.strange())
    }

    /// The same of what may be there another time: if it is not, trying again may help.
    pub(super) fn json_in_time(&self, path: &str) -> Result<Value, Failure> {
        let answer = self.get(path)?;
        match answer.status {
            200 => http::json(&answer.body).ok_or_else(|| self.strange()),
            404 => Err(match self.refusal(&answer) {
                no_page if no_page.message.contains("(no_such_route)") => no_page,
                not_yet => Failure::retry(not_yet.message),
            }),
            _ => Err(self.refusal(&answer)),
        }
    }

    pub(super) fn status(&self) -> Result<NodeStatus, Failure> {
        let status = self.json("/status");
        // Whatever else listens there has no such page. A node's other listener says what it is.
        let status = status.map_err(|failure| match failure.exit_code {
            2 if !failure.message.contains("(no_such_route)") => self.strange(),
            _ => failure,
        })?;
        let status: NodeStatus = serde_json::from_value(status).map_err(|_| self.strange())?;
        if status.protocol_version == PROTOCOL_VERSION {
            return Ok(status);
        }
        Err(Failure::usage(format!(
            "{} speaks protocol version {}, this program {PROTOCOL_VERSION}: use the program that \
             belongs to the node",
            self.url, status.protocol_version
        )))
    }

    /// A refusal in the node's own words: 429 and 5xx may be retried.
    pub(super) fn refusal(&self, answer: &Answer) -> Failure {
        let said = http::json(&answer.body);
        let word = |key: &str| Some(said.as_ref()?[key].as_str()?.to_owned());
        let message = match (word("code"), word("message")) {
            (Some(code), Some(message)) => {
                let (code, message) = (bounded(&code), bounded(&message));
                format!("{} refused: {message} ({code})", self.url)
            }
            // Something between may speak for the node.
            _ if may_be_retried(answer.status) => {
                format!(
                    "{} refused with status {}: try again",
                    self.url, answer.status
                )
            }
            _ => return self.strange(),
        };
        if may_be_retried(answer.status) {
            return Failure::retry(message);
        }
        Failure::usage(message)
    }

    /// The command that asks this node what became of a transaction.
    pub(super) fn ask_receipt(&self, id: &Hash) -> String {
        let at = self.url.to_string();
        match at == DEFAULT_URL {
            true => format!("lockstep receipt {id}"),
            false => format!("lockstep receipt {id} --rpc {}", shell::word_of(&at)),
        }
    }

    pub(super) fn strange(&self) -> Failure {
        Failure::usage(format!(
            "{} is no Lockstep node; name one that answers people with --rpc",
            self.url
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_says_is_bounded() {
        assert_eq!(bounded("zu alt: \"é\""), "zu alt: \"é\"");
        assert_eq!(bounded(&"é".repeat(5_000)), "é".repeat(1_000));
    }
}
