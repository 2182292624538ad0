//! Everything that a client may do wrong, in one table, against a running node: each mistake has a
//! stable code of its own and a sentence that says what to do, JSON-RPC and plain HTTP say the same
//! of a transaction, and the node goes on.
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::ledger::limits::NONCES_AHEAD_MAX;
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, ChainId, Hash, Height};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use support::rpc::{call, post_bytes};
use support::{Connection, PATIENCE, metric, post};

/// A node of a chain with two blocks, on which carol has sent a transaction and alice has one
/// waiting.
struct Desk {
    devnet: Devnet,
    url: String,
    people: Vec<FundedAccount>,
    context: SignContext,
    wire: Wire,
}

impl Desk {
    fn new() -> Desk {
        let devnet = Devnet::builder().validators(1).manual(true).boot();
        let devnet = devnet.expect("it boots");
        let desk = Desk {
            url: devnet.urls()[0].clone(),
            people: funded_accounts(devnet.genesis().scheme).expect("accounts"),
            context: devnet.sign_context(),
            wire: Wire::new(devnet.genesis().hash()),
            devnet,
        };
        desk.devnet.tick().expect("a block comes");
        desk.take(&desk.sign(2, &desk.pay(0)));
        desk.devnet.tick().expect("a block comes");
        desk.take(&desk.sign(0, &desk.pay(0)));
        desk
    }

    fn take(&self, transaction: &Transaction) {
        let bytes = self.wire.encode_transaction(transaction);
        let answer = post(&self.url, "/transactions", &bytes);
        assert_eq!(answer.status, 202, "{}", answer.text());
    }

    /// A transfer that is in order, but for its fee, which [`Desk::sign`] puts in.
    fn pay(&self, nonce: u64) -> TransactionBody {
        self.act(
            nonce,
            Action::Transfer {
                to: self.people[1].address,
                amount: 1,
                memo: String::new(),
            },
        )
    }

    fn act(&self, nonce: u64, action: Action) -> TransactionBody {
        let fee = 0;
        let expires_at = Height(1_000);
        TransactionBody {
            nonce,
            fee,
            expires_at,
            action,
        }
    }

    fn sign(&self, who: usize, body: &TransactionBody) -> Transaction {
        let signer = self.people[who].signer();
        let body = body.clone().for_least_fee(&*signer, &Parameters::default());
        sign(&signer, &self.context, body)
    }

    /// Carol's next one.
    fn carol(&self, harm: impl FnOnce(&mut TransactionBody)) -> Transaction {
        let mut body = self.pay(1);
        harm(&mut body);
        self.sign(2, &body)
    }

    /// The same after its fee is known.
    fn carol_paying(&self, harm: impl FnOnce(&mut TransactionBody)) -> Transaction {
        let mut body = self.carol(|_| {}).body;
        harm(&mut body);
        sign(&self.people[2].signer(), &self.context, body)
    }

    /// What is wrong with a transaction, and the code that says so.
    #[allow(clippy::too_many_lines)] // a table
    fn bad_transactions(&self) -> Vec<(&'static str, Vec<u8>)> {
        let good = self.carol(|_| {});
        let harmed = |harm: fn(&mut Transaction)| {
            let mut bad = good.clone();
            harm(&mut bad);
            bad
        };
        let elsewhere = SignContext {
            chain_id: ChainId(7),
            ..self.context
        };
        let put = |key: usize, value: usize| {
            let (key, value) = (vec![7; key], vec![7; value]);
            self.carol(|body| body.action = Action::Put { key, value })
        };
        let poor = || self.people[0].signer();
        let with_key = |mut transaction: Transaction| {
            transaction.public_key = Some(self.people[2].signer().public_key().to_vec());
            transaction
        };
        let mut keyless = self.sign(3, &self.pay(0));
        keyless.public_key = None;
        let mut stolen = self.sign(3, &self.pay(0));
        stolen.public_key = Some(poor().public_key().to_vec());
        let long = Action::Transfer {
            to: Address([1; 20]),
            amount: 1,
            memo: "m".repeat(257),
        };
        let newest = EXPIRY_HEIGHTS_MAX + 3;
        let transactions = [
            (
                "nonce_too_low",
                self.carol(|body| (body.nonce, body.expires_at.0) = (0, 999)),
            ),
            (
                "nonce_too_high",
                self.carol(|body| body.nonce = 1 + NONCES_AHEAD_MAX),
            ),
            ("unfunded", self.carol_paying(|body| body.fee = 1 << 50)),
            ("underpriced", self.carol_paying(|body| body.fee -= 1)),
            ("expired", self.carol(|body| body.expires_at = Height(2))),
            (
                "expiry_too_far",
                self.carol(|body| body.expires_at = Height(newest + 1)),
            ),
            ("bad_signature", harmed(|bad| bad.signature.0[100] ^= 1)),
            ("unknown_key", keyless),
            ("foreign_key", stolen),
            (
                "key_on_record",
                with_key(self.carol_paying(|body| body.fee += 2_000)),
            ),
            ("memo_too_large", self.carol(|body| body.action = long)),
            ("record_key_length", put(0, 1)),
            ("value_too_large", put(1, 4_097)),
            ("replacement_underpriced", {
                let mut body = self.pay(0);
                body.expires_at = Height(999);
                self.sign(0, &body)
            }),
        ];
        let envelope = |transaction: &Transaction| self.wire.encode_transaction(transaction);
        let mut all: Vec<_> = transactions
            .iter()
            .map(|(code, bad)| (*code, envelope(bad)))
            .collect();
        // Signed for another chain, and packed for another chain.
        let body = good.body.clone();
        all.push((
            "bad_signature",
            envelope(&sign(&self.people[2].signer(), &elsewhere, body)),
        ));
        let foreign = Wire::new(Hash([7; 32]));
        all.push(("foreign_chain", foreign.encode_transaction(&good)));
        let mut version = envelope(&good);
        version[0] = 99;
        all.push(("version", version));
        all.push(("malformed", envelope(&good)[..200].to_vec()));
        all
    }
}

fn sign(signer: &Arc<dyn Signer>, context: &SignContext, body: TransactionBody) -> Transaction {
    Transaction::sign(&**signer, context, body).expect("it signs")
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// The code of a refusal, whose sentence says more than what is wrong.
fn code_of(answer: &Value) -> (i64, String) {
    let error = &answer["error"];
    let sentence = error["message"].as_str().expect("a sentence");
    assert!(
        sentence.contains(": ") && sentence.len() > 30,
        "no next step: {sentence}"
    );
    // An unknown method is told by its number alone.
    let word = error["data"]["code"].as_str().unwrap_or_default();
    (error["code"].as_i64().expect("a number"), word.to_owned())
}

#[test]
fn each_mistake_in_a_transaction_has_a_code_and_a_next_step_wherever_it_is_sent() {
    let desk = Desk::new();
    let mut sentences: BTreeMap<&str, String> = BTreeMap::new();
    for (code, bytes) in desk.bad_transactions() {
        let answer = call(&desk.url, "lockstep_sendTransaction", json!([hex(&bytes)]));
        assert!(answer["result"].is_null(), "{code}: {answer}");
        assert_eq!(code_of(&answer), (-32000, code.to_owned()), "{answer}");
        let waited = call(
            &desk.url,
            "lockstep_sendTransactionAndWait",
            json!([hex(&bytes), 1]),
        );
        assert_eq!(waited["error"], answer["error"]);
        let plain = post(&desk.url, "/transactions", &bytes);
        assert_eq!(plain.status, 400, "{code}");
        assert_eq!(plain.json()["code"], code);
        assert_eq!(plain.json()["message"], answer["error"]["message"]);
        sentences.insert(code, plain.json()["message"].to_string());
    }
    assert_eq!(
        sentences.len(),
        17,
        "each a code of its own: {:?}",
        sentences.keys()
    );
    // A refusal of a block's rules or of the mempool is counted under its code.
    for code in [
        "underpriced",
        "record_key_length",
        "value_too_large",
        "unknown_key",
    ] {
        let label = format!("reason=\"{code}\"");
        assert!(
            metric(&desk.url, "transactions_refused_total", &label) > 0.0,
            "{code}"
        );
    }
    goes_on(&desk);
}

/// A number that is none, in the text of a request: not every one of them is a value of JSON here.
fn block_of(number: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"lockstep_getBlock","params":[{number}]}}"#)
}

#[test]
fn each_mistake_in_a_call_has_a_code_and_a_next_step() {
    let desk = Desk::new();
    let typo =
        desk.people[0]
            .address
            .checksummed()
            .replacen(['a', 'b', 'c', 'd', 'e', 'f'], "A", 1);
    let account = json!({ "jsonrpc": "2.0", "id": 1, "method": "lockstep_getAccount",
                          "params": [typo] });
    let unknown = json!({ "jsonrpc": "2.0", "id": 1, "method": "lockstep_getNothing" });
    let many = format!("[{}]", vec![block_of("1"); 101].join(","));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (request, number, code) in [
        ("{\"jsonrpc\":".to_owned(), -32700, "malformed_json"),
        ("{}".to_owned(), -32600, "invalid_request"),
        ("[]".to_owned(), -32600, "empty_batch"),
        (many, -32600, "batch_too_large"),
        (unknown.to_string(), -32601, ""),
        (block_of("\"1\""), -32602, "wrong_type"),
        (block_of("{}"), -32602, "wrong_type"),
        (block_of("1e300"), -32602, "out_of_range"),
        (block_of("-1"), -32602, "out_of_range"),
        (block_of("18446744073709551616"), -32602, "out_of_range"),
        (block_of("1.5"), -32602, "out_of_range"),
        (block_of("1e400"), -32602, "out_of_range"),
        (block_of(&deep), -32602, "nested_too_deeply"),
        (block_of(r#""\ud800""#), -32700, "malformed_json"),
        (block_of(""), -32602, "missing_param"),
        (block_of("1,2"), -32602, "too_many_params"),
        (account.to_string(), -32602, "bad_checksum"),
    ] {
        let answer = post_bytes(&mut Connection::open(&desk.url), request.as_bytes());
        let shown: String = request.chars().take(120).collect();
        assert_eq!(answer.status, 200, "{shown}");
        assert_eq!(
            code_of(&answer.json()),
            (number, code.to_owned()),
            "{shown}"
        );
    }
    goes_on(&desk);
}

fn goes_on(desk: &Desk) {
    desk.devnet.tick().expect("a block comes");
    desk.devnet.wait_for(3, PATIENCE).expect("it goes on");
    let block = desk
        .devnet
        .block(0, 3)
        .expect("it reads")
        .expect("it is there");
    assert_eq!(
        block.block.block().transactions.len(),
        1,
        "what was in order is carried"
    );
    assert_eq!(metric(&desk.url, "actor_restarts_total", ""), 0.0);
}
