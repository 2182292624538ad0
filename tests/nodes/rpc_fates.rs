//! What becomes of a transaction, told to whoever sent it: by each way in, during a wait, after a lost
//! reply, after its block is gone, and when no block will ever carry it.
use lockstep_devnet::{Builder, Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::limits::RETAIN_BLOCKS_MIN;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::thread::JoinHandle;
use support::rpc::result;
use support::{eventually, post};

/// Longer than a block takes to come; the longest that may be asked for.
const WAIT_MS: u64 = 30_000;

/// One node that makes blocks when it is told to, and Alice, who sends.
struct Desk {
    devnet: Devnet,
    url: String,
    alice: FundedAccount,
    bob: Address,
}

impl Desk {
    fn new() -> Desk {
        Desk::of(Devnet::builder())
    }

    fn of(builder: Builder) -> Desk {
        let devnet = builder.validators(1).manual(true).boot();
        let devnet = devnet.expect("it boots");
        let url = devnet.urls()[0].clone();
        let mut people = funded_accounts(devnet.genesis().scheme).expect("accounts");
        let bob = people[1].address;
        let alice = people.swap_remove(0);
        Desk {
            devnet,
            url,
            alice,
            bob,
        }
    }

    /// Alice pays Bob so much, for this many times the least fee.
    fn pay(&self, nonce: u64, amount: u64, times: u64, expires_at: u64) -> Transaction {
        let to = self.bob;
        let memo = String::new();
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at: Height(expires_at),
            action: Action::Transfer { to, amount, memo },
        };
        let signer = self.alice.signer();
        let mut body = body.for_least_fee(&*signer, &Parameters::default());
        body.fee *= times;
        Transaction::sign(&*signer, &self.devnet.sign_context(), body).expect("it signs")
    }

    fn bytes(&self, transaction: &Transaction) -> Vec<u8> {
        Wire::new(self.devnet.genesis().hash()).encode_transaction(transaction)
    }

    fn hex(&self, transaction: &Transaction) -> String {
        let bytes = self.bytes(transaction);
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("0x{digits}")
    }

    fn send(&self, transaction: &Transaction) -> Value {
        result(
            &self.url,
            "lockstep_sendTransaction",
            json!([self.hex(transaction)]),
        )
    }

    /// Hands it in and waits in a thread of its own, which has handed it in when this returns.
    fn wait_for(&self, transaction: &Transaction) -> JoinHandle<Value> {
        let url = self.url.clone();
        let hex = self.hex(transaction);
        let waits = std::thread::spawn(move || {
            result(
                &url,
                "lockstep_sendTransactionAndWait",
                json!([hex, WAIT_MS]),
            )
        });
        eventually("it is handed in", || {
            (self.told(transaction)["status"] != "unknown").then_some(())
        });
        waits
    }

    /// Waits a moment only.
    fn ask_and_wait(&self, transaction: &Transaction) -> Value {
        result(
            &self.url,
            "lockstep_sendTransactionAndWait",
            json!([self.hex(transaction), 1]),
        )
    }

    fn told(&self, transaction: &Transaction) -> Value {
        result(
            &self.url,
            "lockstep_getTransaction",
            json!([transaction.id()]),
        )
    }

    fn tick(&self) {
        self.devnet.tick().expect("a block comes");
    }
}

/// What a wait is answered with, and what is told of the transaction ever after.
fn ends_as(desk: &Desk, waits: JoinHandle<Value>, transaction: &Transaction, end: &Value) {
    let waited = waits.join().expect("it answers");
    assert_eq!(&waited, end);
    assert_eq!(&desk.told(transaction), end);
}

/// The reply to a first POST was lost, and the client does what the README says. "Refused" would make
/// it pay again with the next nonce.
#[test]
fn the_same_bytes_handed_in_again_after_their_block_are_known_on_every_way_in() {
    let desk = Desk::new();
    let paid = desk.pay(0, 5, 1, 2);
    assert_eq!(desk.send(&paid)["status"], "pending");
    desk.tick();
    eventually("it is committed", || {
        (desk.told(&paid)["status"] == "committed").then_some(())
    });
    let assert_known = || {
        let again = post(&desk.url, "/transactions", &desk.bytes(&paid));
        let known = json!({ "id": paid.id(), "status": "known" });
        assert_eq!((again.status, again.json()), (202, known.clone()));
        assert_eq!(desk.send(&paid), known);
        let id = result(
            &desk.url,
            "eth_sendRawTransaction",
            json!([desk.hex(&paid)]),
        );
        assert_eq!(id, json!(paid.id()));
        let waited = desk.ask_and_wait(&paid);
        assert_eq!(
            (&waited["status"], &waited["receipt"]["height"]),
            (&"committed".into(), &1.into())
        );
    };
    assert_known();
    // A mempool that has never heard of it, at a height at which it has expired.
    (0..3).for_each(|_| desk.tick());
    desk.devnet.kill(0).expect("it runs");
    desk.devnet.restart(0).expect("it starts again");
    assert_known();
    // Another transaction with its nonce is not taken for it.
    let other = post(
        &desk.url,
        "/transactions",
        &desk.bytes(&desk.pay(0, 6, 1, 100)),
    );
    assert_eq!(
        (other.status, &other.json()["code"]),
        (400, &"nonce_too_low".into())
    );
}

/// One that no block carries, because nonce 1 is missing before it.
fn gapped(desk: &Desk, expires_at: u64) -> Transaction {
    desk.send(&desk.pay(0, 5, 1, 100));
    desk.tick();
    desk.pay(2, 5, 1, expires_at)
}

#[test]
fn whoever_waits_hears_that_it_has_expired() {
    let desk = Desk::new();
    let late = gapped(&desk, 2);
    let waits = desk.wait_for(&late);
    desk.tick();
    let end = json!({ "id": late.id(), "status": "expired", "expires_at": 2 });
    ends_as(&desk, waits, &late, &end);
}

#[test]
fn whoever_waits_hears_that_it_was_replaced_and_by_what() {
    let desk = Desk::new();
    let cheap = gapped(&desk, 100);
    let dear = desk.pay(2, 5, 2, 100);
    let waits = desk.wait_for(&cheap);
    assert_eq!(desk.send(&dear)["status"], "queued");
    desk.tick();
    let end = json!({ "id": cheap.id(), "status": "replaced", "by": dear.id() });
    ends_as(&desk, waits, &cheap, &end);
    // When the time is over, too, without any block.
    assert_eq!(desk.ask_and_wait(&dear)["status"], "pending");
}

#[test]
fn whoever_waits_hears_that_it_can_no_longer_be_paid() {
    let desk = Desk::new();
    let first = desk.pay(0, 5, 1, 100);
    let left = 1;
    let all = desk.alice.balance - first.body.fee - left;
    assert_eq!(desk.send(&desk.pay(0, all, 1, 100))["status"], "pending");
    let poor = desk.pay(2, 5, 1, 100);
    let waits = desk.wait_for(&poor);
    desk.tick();
    let end = json!({ "id": poor.id(), "status": "dropped", "code": "overdrawn" });
    ends_as(&desk, waits, &poor, &end);
}

/// The receipt is gone with the block; the fate is not.
#[test]
fn what_a_pruned_block_has_carried_is_committed_and_known() {
    let keeps = Retention::of_blocks(RETAIN_BLOCKS_MIN).expect("so many may be kept");
    let desk = Desk::of(Devnet::builder().retention(keeps));
    let old = desk.pay(0, 5, 1, 100);
    desk.send(&old);
    (0..RETAIN_BLOCKS_MIN).for_each(|_| desk.tick());
    eventually("its block is gone", || {
        desk.tick();
        let receipt = result(&desk.url, "lockstep_getReceipt", json!([old.id()]));
        receipt.is_null().then_some(())
    });
    let end = json!({ "id": old.id(), "status": "committed", "height": 1 });
    assert_eq!(desk.told(&old), end);
    assert_eq!(desk.send(&old)["status"], "known");
    assert_eq!(desk.ask_and_wait(&old), end);
}
