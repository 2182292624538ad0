//! The judge is judged: a small history in which everything is in order, and one lie at a time that
//! breaks one rule.
use super::history::{At, Call, History, Kill, Receipt, Signed, Told};
use super::judge::{Ending, Violation, judge};
use super::ledger::{Block, Entry};
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::types::{Address, Hash};
use std::collections::BTreeMap;
use std::time::Duration;

const ALICE: Address = Address([1; 20]);
const BOB: Address = Address([2; 20]);
const BUILDER: Address = Address([3; 20]);
/// What alice pays to bob, puts, and what bob cannot pay; what waits, and what a killed node took.
const PAID: Hash = Hash([11; 32]);
const PUT: Hash = Hash([12; 32]);
const POOR: Hash = Hash([13; 32]);
const WAITS: Hash = Hash([14; 32]);
const FORGOTTEN: Hash = Hash([15; 32]);

fn block_id(height: u64) -> Hash {
    Hash([100 + height as u8; 32])
}

fn root(height: u64) -> Hash {
    Hash([200 + height as u8; 32])
}

fn at(height: u64, newest: bool) -> At {
    At {
        height,
        block: Some(block_id(height)),
        state_root: Some(root(height)),
        newest,
    }
}

fn entry(id: Hash, sender: Address, nonce: u64, action: Action) -> Entry {
    let fee = 5;
    Entry {
        id,
        sender,
        nonce,
        fee,
        action,
    }
}

fn pay(to: Address, amount: u64) -> Action {
    let memo = String::new();
    Action::Transfer { to, amount, memo }
}

/// Alice pays bob; alice puts a record, bob pays more than he holds; an empty block.
fn chain() -> Vec<Block> {
    let put = Action::Put {
        key: b"k".to_vec(),
        value: b"v".to_vec(),
    };
    let bodies = [
        vec![entry(PAID, ALICE, 0, pay(BOB, 100))],
        vec![
            entry(PUT, ALICE, 1, put),
            entry(POOR, BOB, 0, pay(ALICE, 1_000)),
        ],
        Vec::new(),
    ];
    let blocks = bodies
        .into_iter()
        .zip(1..)
        .map(|(transactions, height)| Block {
            height,
            id: block_id(height),
            parent: block_id(height - 1),
            builder: BUILDER,
            state_root: root(height),
            transactions,
        });
    blocks.collect()
}

fn receipt(id: Hash, height: u64, index: u64) -> Receipt {
    let failed = (id == POOR).then(|| "insufficient_balance".to_owned());
    let block = block_id(height);
    Receipt {
        id,
        height,
        index,
        block,
        failed,
        fee: 5,
    }
}

fn ending() -> Ending {
    let receipts = [receipt(PAID, 1, 0), receipt(PUT, 2, 0), receipt(POOR, 2, 1)];
    let receipts = BTreeMap::from(receipts.map(|receipt| (receipt.id, receipt)));
    let ids: Vec<Hash> = chain().iter().map(|block| block.id).collect();
    Ending {
        genesis: BTreeMap::from([(ALICE, 1_000), (BUILDER, 0)]),
        genesis_hash: block_id(0),
        chain: chain(),
        ids: vec![ids; 4],
        receipts: vec![receipts; 4],
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One call each ten milliseconds, of one millisecond.
fn history() -> History {
    let tolds = [
        (0, Told::Account(at(0, true), ALICE, 1_000, 0)),
        (0, Told::Accepted(PAID)),
        (0, Told::Waiting(PAID)),
        (0, Told::Committed(receipt(PAID, 1, 0))),
        (0, Told::Account(at(1, true), BOB, 100, 0)),
        (1, Told::Record(at(1, true), ALICE, b"k".to_vec(), None)),
        (
            1,
            Told::Record(at(2, true), ALICE, b"k".to_vec(), Some((b"v".to_vec(), 2))),
        ),
        (0, Told::Account(at(2, true), BOB, 95, 1)),
        (0, Told::Committed(receipt(POOR, 2, 1))),
        (0, Told::Block(at(2, true), vec![PUT, POOR])),
        (1, Told::Accepted(PUT)),
        (1, Told::Accepted(WAITS)),
        (2, Told::Accepted(FORGOTTEN)),
        (0, Told::Head(3)),
        (0, Told::Account(at(1, false), ALICE, 895, 1)),
        // The audit.
        (0, Told::Head(3)),
        (1, Told::Waiting(WAITS)),
        (2, Told::Unknown(FORGOTTEN)),
    ];
    let audit = (ms(149), ms(200));
    let calls = tolds
        .into_iter()
        .zip(0..)
        .map(|((gateway, told), nth)| Call {
            client: 0,
            gateway,
            began: ms(nth * 10),
            ended: ms(nth * 10 + 1),
            method: "forged",
            told,
        });
    let signed = |sender, nonce, expires_at| Signed {
        sender,
        nonce,
        expires_at,
    };
    History {
        calls: calls.collect(),
        signed: BTreeMap::from([
            (PAID, signed(ALICE, 0, 1_000)),
            (PUT, signed(ALICE, 1, 1_000)),
            (POOR, signed(BOB, 0, 1_000)),
            (WAITS, signed(ALICE, 2, 1_000)),
            (FORGOTTEN, signed(ALICE, 3, 1_000)),
        ]),
        kills: vec![Kill {
            node: 2,
            at: ms(125),
        }],
        audit,
    }
}

/// The chain goes on to carry what waited and what was handed in again.
fn settled() -> (History, Ending) {
    let (history, mut ending) = (history(), ending());
    let transactions = vec![
        entry(WAITS, ALICE, 2, pay(BOB, 1)),
        entry(FORGOTTEN, ALICE, 3, pay(BOB, 1)),
    ];
    ending.chain.push(Block {
        height: 4,
        id: block_id(4),
        parent: block_id(3),
        builder: BUILDER,
        state_root: root(4),
        transactions,
    });
    ending.ids.iter_mut().for_each(|ids| ids.push(block_id(4)));
    for receipts in &mut ending.receipts {
        receipts.insert(WAITS, receipt(WAITS, 4, 0));
        receipts.insert(FORGOTTEN, receipt(FORGOTTEN, 4, 1));
    }
    (history, ending)
}

fn rules(violations: &[Violation]) -> Vec<&'static str> {
    violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn a_history_in_order_breaks_no_rule() {
    let (history, ending) = settled();
    let (violations, figures) = judge(&history, &ending);
    assert_eq!(violations, []);
    assert_eq!((figures.accepted, figures.committed), (4, 4));
    assert_eq!((figures.forgotten_by_the_killed, figures.overtaken), (1, 0));
    assert_eq!(figures.reads, 6);
}

/// Each lie breaks its rule, and is found by it.
fn caught(rule: &str, lie: impl FnOnce(&mut History, &mut Ending)) {
    let (mut history, mut ending) = settled();
    lie(&mut history, &mut ending);
    let (violations, _) = judge(&history, &ending);
    assert!(
        rules(&violations).contains(&rule),
        "{rule}: {violations:#?}"
    );
}

/// Tells something else in the answer of this number.
fn tells(rule: &str, nth: usize, told: Told) {
    caught(rule, |history, _| history.calls[nth].told = told);
}

/// The chain that all nodes have loses what its last block carries.
fn drop_last_body(ending: &mut Ending) {
    ending.chain[3].transactions.clear();
    for receipts in &mut ending.receipts {
        receipts.retain(|_, receipt| receipt.height < 4);
    }
}

#[test]
fn a_fork_is_caught() {
    caught("fork", |_, ending| ending.ids[2][1] = Hash([9; 32]));
    caught("fork", |_, ending| ending.chain[2].parent = Hash([9; 32]));
}

#[test]
fn another_block_or_state_root_of_a_height_is_caught() {
    let other = |harm: fn(&mut At)| {
        let mut at = at(2, true);
        harm(&mut at);
        at
    };
    let wrong_id = other(|at| at.block = Some(Hash([9; 32])));
    tells("block", 7, Told::Account(wrong_id, BOB, 95, 1));
    let wrong_root = other(|at| at.state_root = Some(Hash([9; 32])));
    tells("block", 7, Told::Account(wrong_root, BOB, 95, 1));
    tells("block", 9, Told::Block(at(2, true), vec![PUT]));
    tells("block", 9, Told::Block(at(9, true), vec![]));
}

#[test]
fn a_nonce_that_is_used_twice_is_caught() {
    caught("nonce", |_, ending| {
        let again = ending.chain[0].transactions[0].clone();
        ending.chain[2].transactions.push(again);
    });
    caught("nonce", |_, ending| ending.chain[3].transactions.swap(0, 1));
}

#[test]
fn a_wrong_receipt_is_caught() {
    let mut poor = receipt(POOR, 2, 1);
    poor.failed = None;
    tells("receipt", 8, Told::Committed(poor));
    tells("receipt", 8, Told::Committed(receipt(POOR, 2, 0)));
    tells("receipt", 8, Told::Committed(receipt(Hash([99; 32]), 2, 1)));
    let mut cheap = receipt(PAID, 1, 0);
    cheap.fee = 4;
    tells("receipt", 3, Told::Committed(cheap));
}

/// A receipt that was answered vanishes with the kill of a node, and the chain with it.
#[test]
fn a_receipt_that_vanishes_is_caught() {
    caught("receipt", |history, ending| {
        drop_last_body(ending);
        history.calls[12].told = Told::Committed(receipt(FORGOTTEN, 4, 1));
    });
    tells("taken back", 4, Told::Unknown(PAID));
    tells("taken back", 4, Told::Over(PAID, "dropped".into()));
}

#[test]
fn receipts_that_differ_between_nodes_are_caught() {
    caught("receipts", |_, ending| {
        drop(ending.receipts[3].remove(&PUT))
    });
    caught("receipts", |_, ending| {
        ending
            .receipts
            .iter_mut()
            .for_each(|receipts| drop(receipts.remove(&PUT)));
    });
}

#[test]
fn a_transaction_that_was_taken_and_is_lost_is_caught() {
    // Nobody ever carries it.
    caught("lost", |_, ending| drop_last_body(ending));
    // Its taker lives on, and at the audit does not know it; that a client sent it again later does
    // not help.
    tells("lost", 16, Told::Unknown(WAITS));
    caught("lost", |history, _| history.kills.clear());
}

#[test]
fn what_expired_or_was_replaced_is_not_lost() {
    for expires_at in [4, 5] {
        let (mut history, mut ending) = settled();
        drop_last_body(&mut ending);
        for id in [WAITS, FORGOTTEN] {
            history
                .signed
                .get_mut(&id)
                .expect("it is signed")
                .expires_at = expires_at;
        }
        let lost = rules(&judge(&history, &ending).0) == ["lost"; 2];
        assert_eq!(lost, expires_at == 5, "the chain has four blocks");
    }
    let (mut history, ending) = settled();
    let replaced = Hash([16; 32]);
    history.signed.insert(replaced, history.signed[&WAITS]);
    history.calls[13].told = Told::Accepted(replaced);
    history.calls[15].told = Told::Head(4);
    assert_eq!(judge(&history, &ending).0, []);
}

#[test]
fn what_was_called_expired_and_is_committed_is_caught() {
    tells("expired", 2, Told::Over(PAID, "expired".into()));
}

#[test]
fn a_height_that_goes_back_is_caught() {
    tells("height", 14, Told::Account(at(2, true), BOB, 95, 1));
    tells("height", 13, Told::Head(1));
    // A receipt is a height, too, whoever was told it.
    caught("height", |history, _| {
        history.calls[4].client = 7;
        history.calls[4].told = Told::Account(at(0, true), BOB, 0, 0);
    });
}

#[test]
fn a_wrong_read_is_caught() {
    tells("read", 7, Told::Account(at(2, true), BOB, 96, 1));
    tells("read", 7, Told::Account(at(2, true), BOB, 95, 0));
    let key = b"k".to_vec();
    tells(
        "read",
        6,
        Told::Record(at(2, true), ALICE, key.clone(), None),
    );
    let since_1 = Some((b"v".to_vec(), 1));
    tells(
        "read",
        6,
        Told::Record(at(2, true), ALICE, key.clone(), since_1),
    );
    let early = Some((b"v".to_vec(), 2));
    tells("read", 5, Told::Record(at(1, true), ALICE, key, early));
    tells("read", 14, Told::Account(at(50, false), ALICE, 895, 1));
}
