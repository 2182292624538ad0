//! A node that answers people: a block, then the receipts of its transactions, many in one request.
use super::super::rows::BlockRows;
use super::{Chain, Found, Source};
use crate::cli::http;
use crate::cli::node::Node;
use crate::failure::Failure;
use crate::limits::EXPORT_RECEIPTS_A_REQUEST;
use serde_json::{Value, json};

pub(in super::super) struct RpcSource {
    chain: Chain,
    node: Node,
}

impl RpcSource {
    pub(in super::super) fn ask(node: Node) -> Result<RpcSource, Failure> {
        let status = node.status()?;
        Ok(RpcSource {
            chain: Chain {
                chain_id: status.chain_id,
                genesis_hash: status.genesis_hash,
                scheme: status.scheme,
            },
            node,
        })
    }

    /// A receipt for each of these ids, in their order.
    fn receipts(&self, ids: &[&Value]) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::with_capacity(ids.len());
        for ids in ids.chunks(EXPORT_RECEIPTS_A_REQUEST) {
            let calls = (0..).zip(ids).map(|(number, id)| {
                json!({ "jsonrpc": "2.0", "id": number, "method": "lockstep_getReceipt",
                        "params": [id] })
            });
            let answer = self.node.post_json("/", &calls.collect())?;
            if answer.status != 200 {
                return Err(self.node.refusal(&answer));
            }
            let answers = http::json(&answer.body).ok_or_else(|| self.node.strange())?;
            let Value::Array(answers) = answers else {
                return Err(self.node.strange());
            };
            all.extend(self.in_order(answers, ids.len())?);
        }
        Ok(all)
    }

    /// The answers of a batch may come in any order.
    fn in_order(&self, answers: Vec<Value>, count: usize) -> Result<Vec<Value>, Failure> {
        let mut receipts = vec![Value::Null; count];
        for mut answer in answers {
            let number = answer["id"]
                .as_u64()
                .and_then(|id| usize::try_from(id).ok());
            let place = number.and_then(|number| receipts.get_mut(number));
            let place = place.ok_or_else(|| self.node.strange())?;
            if !answer["error"].is_null() {
                let url = &self.node.url;
                return Err(Failure::retry(format!(
                    "{url} refused to show a receipt: try again, it goes on where it stands"
                )));
            }
            *place = answer["result"].take();
        }
        Ok(receipts)
    }
}

impl Source for RpcSource {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn newest(&self) -> Result<u64, Failure> {
        let status = self.node.status()?;
        if status.genesis_hash != self.chain.genesis_hash {
            return Err(Failure::safety(format!(
                "{} answers for another chain than before: find out who listens there",
                self.node.url
            )));
        }
        Ok(status.height.0)
    }

    fn at(&self, height: u64) -> Result<Found, Failure> {
        let answer = self.node.get(&format!("/blocks/{height}"))?;
        match answer.status {
            200 => {}
            404 => return Ok(Found::NotYet),
            410 => return Ok(Found::Pruned(self.earliest()?)),
            _ => return Err(self.node.refusal(&answer)),
        }
        let strange = || self.node.strange();
        let block = http::json(&answer.body).ok_or_else(strange)?;
        let transactions = block["transactions"].as_array().ok_or_else(strange)?;
        let ids: Vec<&Value> = transactions.iter().map(|one| &one["id"]).collect();
        let receipts = self.receipts(&ids)?;
        // It may have been pruned since the block was read, or a devnet went back.
        if receipts.iter().any(Value::is_null) {
            return Err(Failure::retry(format!(
                "{} does not know the receipts of block {height} any more: try again, it goes on where \
                 it stands",
                self.node.url
            )));
        }
        let rows = BlockRows::read(&block, &receipts).filter(|rows| rows.height == height);
        Ok(Found::Block(Box::new(rows.ok_or_else(strange)?)))
    }

    fn may_grow(&self) -> Result<(), Failure> {
        Ok(())
    }
}

impl RpcSource {
    /// The lowest height that the node keeps, if it says so.
    fn earliest(&self) -> Result<Option<u64>, Failure> {
        Ok(self.node.json("/status")?["earliest_height"].as_u64())
    }
}
