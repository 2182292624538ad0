//! A client: one account, a handful of transactions under way, a connection to each gateway, and a
//! seed that decides what it does next. It does what a careful program does: an answer that does
//! not come is asked for again, what nobody knows is handed in again, what has expired is signed
//! anew.
use super::gateway::{self, Gateway, read};
use super::history::{Call, Signed, Told};
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Transactions of one client that wait for their end.
const WINDOW: usize = 8;
/// Ids that everybody asks about.
const SHARED_IDS: usize = 64;
/// How far ahead most transactions expire: farther than a run gets.
const EXPIRES_AFTER: u64 = 40_000;

/// SplitMix64: the same seed draws the same numbers everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }
}

/// What all clients of a run share.
pub(crate) struct Shared {
    pub(crate) began: Instant,
    pub(crate) context: SignContext,
    pub(crate) urls: Vec<String>,
    /// Whose accounts and records are read.
    pub(crate) people: Vec<Address>,
    /// Answers still wanted.
    pub(crate) left: AtomicUsize,
    /// Each kind of fault has been there.
    pub(crate) harmed: AtomicBool,
    /// The greatest height that anybody was told.
    pub(crate) height: AtomicU64,
    pub(crate) ids: Mutex<Vec<Hash>>,
}

/// A transaction as it is handed in.
#[derive(Clone)]
struct Sent {
    id: Hash,
    fee: u64,
    hex: String,
}

pub(crate) struct Client {
    index: usize,
    shared: Arc<Shared>,
    signer: Arc<dyn Signer>,
    random: Random,
    gateways: Vec<Gateway>,
    /// Under way, by nonce: more than one where a fee was raised.
    open: BTreeMap<u64, Vec<Sent>>,
    next: u64,
    pub(crate) calls: Vec<Call>,
    pub(crate) signed: BTreeMap<Hash, Signed>,
}

pub(crate) fn key(of: u64) -> Vec<u8> {
    format!("hot/{of}").into_bytes()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

impl Client {
    pub(crate) fn new(
        index: usize,
        shared: &Arc<Shared>,
        signer: Arc<dyn Signer>,
        seed: u64,
    ) -> Client {
        Client {
            index,
            shared: Arc::clone(shared),
            signer,
            random: Random(seed ^ ((index as u64 + 1) << 32)),
            gateways: shared.urls.iter().map(|url| Gateway::to(url)).collect(),
            open: BTreeMap::new(),
            next: 0,
            calls: Vec::new(),
            signed: BTreeMap::new(),
        }
    }

    fn me(&self) -> Address {
        self.shared.people[self.index]
    }

    /// Its first transaction brings its key, and has to be there before the others make sense.
    pub(crate) fn introduce(&mut self) {
        let first = self.sign(0, 0, EXPIRES_AFTER);
        self.next = 1;
        while self.open.contains_key(&0) {
            self.hand_in(&first, Some(2_000));
        }
    }

    /// Until all the answers have come that the run wants, and all faults.
    pub(crate) fn run(&mut self) {
        let is_over = |shared: &Shared| {
            shared.left.load(Ordering::Relaxed) == 0 && shared.harmed.load(Ordering::Relaxed)
        };
        while !is_over(&self.shared) {
            let told = self.next_call();
            if told == Told::Nothing {
                // Nobody is there: as fast as that a program asks nobody.
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            let left = &self.shared.left;
            let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        }
    }

    /// Until each of its transactions has its end: nobody kills any more.
    pub(crate) fn settle(&mut self, until: Instant) {
        while let Some((nonce, sent)) = self.open.first_key_value() {
            assert!(
                Instant::now() < until,
                "client {} waits for {nonce}",
                self.index
            );
            match sent.last().cloned() {
                Some(sent) => drop(self.hand_in(&sent, Some(1_000))),
                None => drop(self.sign_anew(*nonce)),
            }
            self.account(self.me(), None);
        }
    }

    fn next_call(&mut self) -> Told {
        let draw = self.random.below(100);
        match draw {
            0..40 if self.open.len() < WINDOW => self.send_next(),
            0..4 => self.raise_a_fee(),
            4..40 => self.push_the_first(),
            40..58 => {
                let whose = self.random.index(self.shared.people.len());
                let at = self.some_height();
                self.account(self.shared.people[whose], at)
            }
            58..72 => self.record(),
            72..80 => self.ask("eth_blockNumber", json!([]), |result| {
                gateway::quantity(result).map(Told::Head)
            }),
            80..86 => self.block(),
            86..92 => self.receipt(),
            _ => self.status(),
        }
    }

    /// Asks a gateway, most often its own one.
    fn ask(
        &mut self,
        method: &'static str,
        params: Value,
        say: impl FnOnce(&Value) -> Option<Told>,
    ) -> Told {
        let own = self.index % self.gateways.len();
        let gateway = match self.random.below(10) {
            0..6 => own,
            _ => self.random.index(self.gateways.len()),
        };
        let began = self.shared.began.elapsed();
        let told = read(self.gateways[gateway].call(method, params), say);
        let ended = self.shared.began.elapsed();
        if let Told::Account(at, ..) | Told::Record(at, ..) = &told {
            self.shared.height.fetch_max(at.height, Ordering::Relaxed);
        }
        self.learn(&told);
        self.calls.push(Call {
            client: self.index,
            gateway,
            began,
            ended,
            method,
            told: told.clone(),
        });
        told
    }

    /// What an answer says of its own transactions.
    fn learn(&mut self, told: &Told) {
        match told {
            Told::Committed(receipt) => {
                let signed = self.signed.get(&receipt.id);
                if let Some(nonce) = signed.map(|signed| signed.nonce) {
                    self.open = self.open.split_off(&(nonce + 1));
                }
            }
            Told::Account(_, address, _, nonce) if *address == self.me() => {
                self.open = self.open.split_off(nonce);
            }
            Told::Over(id, _) => {
                // Its nonce is free again, unless another one has it.
                self.open
                    .values_mut()
                    .for_each(|sent| sent.retain(|sent| sent.id != *id));
            }
            _ => {}
        }
    }

    fn action(&mut self) -> Action {
        let key = key(self.random.below(3));
        match self.random.below(10) {
            0..5 => {
                let mut value = format!("{}/{}/", self.index, self.signed.len()).into_bytes();
                value.resize(value.len() + self.random.index(120), b'.');
                Action::Put { key, value }
            }
            5 => Action::Delete { key },
            draw => Action::Transfer {
                to: self.shared.people[self.random.index(self.shared.people.len())],
                // More than anybody holds, now and then.
                amount: if draw == 6 {
                    1 << 62
                } else {
                    self.random.below(1_000)
                },
                memo: String::new(),
            },
        }
    }

    /// Signs another transaction of this nonce, at least at this fee, and keeps it.
    fn sign(&mut self, nonce: u64, fee: u64, expires_after: u64) -> Sent {
        let expires_at = self.shared.height.load(Ordering::Relaxed) + expires_after;
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at: Height(expires_at),
            action: self.action(),
        };
        let mut body = body.for_least_fee(&*self.signer, &Parameters::default());
        body.fee = body.fee.max(fee);
        let context = &self.shared.context;
        let signed = Transaction::sign(&*self.signer, context, body).expect("it signs");
        let bytes = Wire::new(context.genesis_hash).encode_transaction(&signed);
        let sent = Sent {
            id: signed.id(),
            fee: signed.body.fee,
            hex: hex(&bytes),
        };
        let known = Signed {
            sender: signed.sender,
            nonce,
            expires_at,
        };
        self.signed.insert(sent.id, known);
        self.open.entry(nonce).or_default().push(sent.clone());
        let mut ids = self.shared.ids.lock().expect("no panic holds it");
        if ids.len() >= SHARED_IDS {
            let at = self.random.index(ids.len());
            ids.swap_remove(at);
        }
        ids.push(sent.id);
        sent
    }

    /// Hands one in, and waits so long for its receipt if it waits at all.
    fn hand_in(&mut self, sent: &Sent, wait_ms: Option<u64>) -> Told {
        let (method, params) = match wait_ms {
            None => ("lockstep_sendTransaction", json!([sent.hex])),
            Some(ms) => ("lockstep_sendTransactionAndWait", json!([sent.hex, ms])),
        };
        let told = self.ask(method, params, gateway::submitted);
        if told == Told::Refused("expired".into()) {
            self.learn(&Told::Over(sent.id, "expired".into()));
        }
        told
    }

    fn patience(&mut self) -> Option<u64> {
        match self.random.below(3) {
            0 => Some(50 + self.random.below(500)),
            _ => None,
        }
    }

    fn send_next(&mut self) -> Told {
        let nonce = self.next;
        self.next += 1;
        let expires_after = match self.random.below(12) {
            0 => 2 + self.random.below(20),
            _ => EXPIRES_AFTER,
        };
        let sent = self.sign(nonce, 0, expires_after);
        let patience = self.patience();
        self.hand_in(&sent, patience)
    }

    fn sign_anew(&mut self, nonce: u64) -> Told {
        let sent = self.sign(nonce, 0, EXPIRES_AFTER);
        self.hand_in(&sent, None)
    }

    /// Takes the place of one that waits.
    fn raise_a_fee(&mut self) -> Told {
        let nth = self.random.index(self.open.len());
        let place = self.open.iter().nth(nth);
        let (nonce, fee) = match place {
            Some((nonce, sent)) => (*nonce, sent.last().map_or(0, |sent| sent.fee)),
            None => return self.status(),
        };
        let sent = self.sign(nonce, fee * 2, EXPIRES_AFTER);
        self.hand_in(&sent, None)
    }

    /// Looks after the oldest one, on which the others wait.
    fn push_the_first(&mut self) -> Told {
        let Some((nonce, sent)) = self.open.first_key_value() else {
            return self.account(self.me(), None);
        };
        let nonce = *nonce;
        let last = sent.last().cloned();
        let Some(sent) = last else {
            return self.sign_anew(nonce);
        };
        match self.random.below(4) {
            0 => self.account(self.me(), None),
            1 => {
                let patience = self.patience();
                self.hand_in(&sent, patience)
            }
            _ => {
                let told = self.transaction(sent.id);
                if told == Told::Unknown(sent.id) {
                    return self.hand_in(&sent, None);
                }
                told
            }
        }
    }

    /// The newest, or one that is kept.
    fn some_height(&mut self) -> Option<u64> {
        let newest = self.shared.height.load(Ordering::Relaxed);
        let back = self.random.below(40);
        (back < 10).then(|| newest.saturating_sub(back))
    }

    fn account(&mut self, whose: Address, at: Option<u64>) -> Told {
        let params = json!({ "address": whose, "height": at });
        self.ask("lockstep_getAccount", params, |result| {
            gateway::account(result, whose, at.is_none())
        })
    }

    fn record(&mut self) -> Told {
        let whose = self.shared.people[self.random.index(self.shared.people.len())];
        let key = key(self.random.below(3));
        let at = self.some_height();
        let params = json!({ "address": whose, "key": hex(&key), "height": at });
        self.ask("lockstep_getRecord", params, |result| {
            gateway::record(result, whose, &key, at.is_none())
        })
    }

    fn block(&mut self) -> Told {
        let draw = self.random.below(2);
        let at = self.some_height();
        if draw == 0 {
            let tag = at.map_or_else(|| "latest".into(), |at| format!("{at:#x}"));
            return self.ask(
                "eth_getBlockByNumber",
                json!([tag, false]),
                |result| match result {
                    Value::Null => Some(Told::Refused("beyond".into())),
                    block => gateway::eth_block(block, at.is_none()),
                },
            );
        }
        let height = at.map_or_else(|| json!("latest"), |at| json!(at));
        self.ask(
            "lockstep_getBlock",
            json!([height]),
            |result| match result {
                Value::Null => Some(Told::Refused("beyond".into())),
                block => gateway::block(block, at.is_none()),
            },
        )
    }

    fn some_id(&mut self) -> Hash {
        let ids = self.shared.ids.lock().expect("no panic holds it");
        ids[self.random.index(ids.len())]
    }

    fn receipt(&mut self) -> Told {
        let id = self.some_id();
        self.ask("lockstep_getReceipt", json!([id]), |result| match result {
            Value::Null => Some(Told::Unknown(id)),
            found => gateway::receipt(found),
        })
    }

    fn status(&mut self) -> Told {
        let id = self.some_id();
        self.transaction(id)
    }

    fn transaction(&mut self, id: Hash) -> Told {
        self.ask("lockstep_getTransaction", json!([id]), gateway::status)
    }
}
