//! A chain of one node with many transactions in it, and what their senders know of them.
use lockstep_protocol::codec;
use lockstep_protocol::crypto::{self, SchemeId, Seed, Signer};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::Wire;
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::process::Network;
use support::{Connection, get};

/// As fast as it goes, and nothing is synced.
pub(super) const SETTINGS: [&str; 2] = ["block_interval_ms=0", "durability=process"];

/// Some minutes on a machine that does much else.
const LONG: Duration = Duration::from_secs(1_800);

/// What the senders know.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filled {
    /// At this height all of them are committed.
    pub(super) height: u64,
    pub(super) transactions: u64,
    pub(super) amounts: u64,
    pub(super) fees: u64,
}

struct Sender {
    signer: Arc<dyn Signer>,
    context: SignContext,
    url: String,
}

/// Each of these accounts sends so many transactions; then the chain grows to a height.
pub(super) fn fill(network: &Network, accounts: usize, each: u64, height: u64) -> Filled {
    let context = network.context(0);
    let url = network.urls[0].clone();
    let sent: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let senders = (0..accounts).map(|number| {
            let sender = Sender {
                signer: signer(network, number),
                context,
                url: url.clone(),
            };
            scope.spawn(move || sender.send_all(each))
        });
        let senders: Vec<_> = senders.collect();
        let joined = senders.into_iter().map(|sender| sender.join());
        joined.map(|sent| sent.expect("it sends")).collect()
    });
    let until = Instant::now() + LONG;
    let waits = || get(&url, "/mempool?limit=1").json()["transactions"] != 0;
    while waits() || network.height(0) < Some(height) {
        assert!(
            Instant::now() < until,
            "the chain is at {:?}",
            network.height(0)
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    Filled {
        height: network.height(0).expect("it runs"),
        transactions: accounts as u64 * each,
        amounts: sent.iter().map(|(amounts, _)| amounts).sum(),
        fees: sent.iter().map(|(_, fees)| fees).sum(),
    }
}

fn signer(network: &Network, number: usize) -> Arc<dyn Signer> {
    let path = network.dir.path().join(format!("net/account{number}.key"));
    let document = fs::read_to_string(path).expect("a key file");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let Hash(seed) = document["seed"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("32 bytes");
    let scheme = crypto::scheme(SchemeId::MlDsa65);
    scheme.signer(&Seed(seed)).expect("a key")
}

impl Sender {
    /// The amounts and the fees of all that it has sent.
    fn send_all(&self, count: u64) -> (u64, u64) {
        let mut connection = Connection::open(&self.url);
        let (mut amounts, mut fees) = (0, 0);
        for nonce in 0..count {
            let amount = nonce % 10 + 1;
            let action = match nonce % 7 {
                6 => Action::Put {
                    key: codec::encode(&nonce),
                    value: vec![0, 0xff, b'\n', b','],
                },
                _ => {
                    amounts += amount;
                    self.pay(amount, nonce)
                }
            };
            let signed = self.sign(nonce, action);
            fees += signed.body.fee;
            self.hand_in(&mut connection, &signed);
        }
        (amounts, fees)
    }

    fn pay(&self, amount: u64, nonce: u64) -> Action {
        let memo = match nonce % 5 {
            0 => String::from("a\0\n\""),
            _ => format!("invoice {nonce}, \"paid\""),
        };
        Action::Transfer {
            to: Address([9; 20]),
            amount,
            memo,
        }
    }

    fn sign(&self, nonce: u64, action: Action) -> Transaction {
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at: Height(EXPIRY_HEIGHTS_MAX),
            action,
        };
        let body = body.for_least_fee(&*self.signer, &Parameters::default());
        Transaction::sign(&*self.signer, &self.context, body).expect("it signs")
    }

    /// Until it is taken: there may be no room for a while.
    fn hand_in(&self, connection: &mut Connection, signed: &Transaction) {
        let bytes = Wire::new(self.context.genesis_hash).encode_transaction(signed);
        let until = Instant::now() + LONG;
        loop {
            match connection.request("POST", "/transactions", &bytes) {
                Ok(answer) if answer.status == 202 => return,
                Ok(answer) if [429, 503].contains(&answer.status) => {}
                Ok(answer) => panic!("{} {}", answer.status, answer.text()),
                // The node closes connections that are old.
                Err(_) => *connection = Connection::open(&self.url),
            }
            assert!(Instant::now() < until, "there is no room");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
