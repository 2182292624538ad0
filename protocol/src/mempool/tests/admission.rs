//! What may wait, and why the rest may not.
use super::*;

#[test]
fn what_is_in_order_waits_and_is_listed() {
    let mut desk = Desk::new();
    assert_eq!(desk.send(wish(1, 0)), Ok(Submission::Pending));
    assert_eq!(desk.send(wish(1, 2)), Ok(Submission::Queued));
    assert_eq!(desk.send(wish(1, 0)), Ok(Submission::Known));
    assert_eq!(desk.admitted.len(), 2, "each is told once");
    let listed = desk.mempool.list(None, 10);
    let listed: Vec<_> = listed
        .iter()
        .map(|(e, ready)| (e.nonce(), *ready))
        .collect();
    assert_eq!(listed, [(0, true), (2, false)]);
    let bytes = desk.sign(wish(1, 0)).bytes() + desk.sign(wish(1, 2)).bytes();
    assert_eq!((desk.mempool.len(), desk.mempool.bytes()), (2, bytes));
}

#[test]
fn a_list_has_pages_that_follow_each_other() {
    let mut desk = Desk::new();
    for user in 1..=3 {
        for nonce in 0..3 {
            desk.send(wish(user, nonce)).unwrap();
        }
    }
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = desk.mempool.list(after, 2);
        let Some((last, _)) = page.last() else {
            break;
        };
        assert!(page.len() <= 2);
        after = Some((last.sender(), last.nonce()));
        seen.extend(page.iter().map(|(entry, _)| entry.id));
    }
    let all: Vec<Hash> = desk
        .mempool
        .list(None, 100)
        .iter()
        .map(|(e, _)| e.id)
        .collect();
    assert_eq!(seen, all);
    assert_eq!(seen.len(), 9);
}

#[test]
fn each_bad_transaction_has_its_own_code() {
    let mut desk = Desk::new();
    desk.grow(&[wish(1, 0)]);
    let second = desk.sign(wish(1, 1));
    let own_key = Some(signer(1).public_key().to_vec());
    let foreign_key = Some(signer(2).public_key().to_vec());
    let cases: Vec<(&str, Transaction)> = vec![
        ("nonce_too_low", desk.sign(wish(1, 0).amount(2))),
        ("nonce_too_high", desk.sign(wish(1, 1 + NONCES_AHEAD_MAX))),
        ("underpriced", desk.sign(wish(1, 1).fee(1))),
        ("expired", desk.sign(wish(1, 1).until(1))),
        ("expiry_too_far", desk.sign(wish(1, 1).until(u64::MAX))),
        ("unfunded", desk.sign(wish(1, 1).fee(BALANCE))),
        ("key_on_record", with_key(&second, own_key.clone())),
        ("unknown_key", with_key(&desk.sign(wish(2, 0)), None)),
        ("unknown_key", desk.sign(wish(2, 1))),
        (
            "key_too_late",
            with_key(&desk.sign(wish(2, 1)), foreign_key),
        ),
        ("foreign_key", with_key(&desk.sign(wish(2, 0)), own_key)),
        ("bad_signature", forged(&second)),
    ];
    for (code, transaction) in cases {
        assert_eq!(refused(desk.give(&transaction)), code);
        assert!(desk.mempool.status(&transaction.id()).is_none(), "{code}");
    }
    assert!(desk.mempool.is_empty() && desk.admitted.is_empty());
    assert_eq!(desk.give(&second), Ok(Submission::Pending));
}

#[test]
fn a_key_that_waits_serves_the_transactions_behind_it() {
    let mut desk = Desk::new();
    let (first, second) = (desk.sign(wish(1, 0)), desk.sign(wish(1, 1)));
    // Both are under check at the same time, and the later one has nobody else to ask.
    let mut outputs = desk.submit(&first, Source::Peer);
    outputs.extend(desk.submit(&second, Source::Peer));
    let answers = desk.settle(outputs);
    assert!(
        answers
            .iter()
            .all(|(_, answer)| *answer == Ok(Submission::Pending))
    );
    assert_eq!(answers.len(), 2);
    assert_eq!(desk.send(wish(1, 2)), Ok(Submission::Pending));
}

#[test]
fn a_sender_cannot_promise_more_fees_than_it_holds() {
    let mut desk = Desk::new();
    assert!(desk.send(wish(1, 0).fee(BALANCE - FEE)).is_ok());
    assert!(desk.send(wish(1, 1)).is_ok());
    assert_eq!(refused(desk.send(wish(1, 2))), "overdrawn");
}

#[test]
fn a_sender_has_as_many_waiting_as_one_may() {
    let mut desk = Desk::new();
    for nonce in 0..limits::SENDER_TRANSACTIONS_MAX as u64 {
        assert!(desk.send(wish(1, nonce)).is_ok(), "{nonce}");
    }
    let next = limits::SENDER_TRANSACTIONS_MAX as u64;
    for nonce in [next, next + 40] {
        let refusal = desk.send(wish(1, nonce)).unwrap_err();
        assert_eq!(refusal, MempoolRefusal::SenderFull, "{nonce}");
        assert!(refusal.to_string().starts_with("256 transactions"));
    }
    desk.grow(&[wish(1, 0)]);
    assert!(desk.send(wish(1, next)).is_ok());
}

/// Told the ledger's next nonce, its sender would replace what waits.
#[test]
fn a_nonce_that_is_not_in_line_is_told_the_one_behind_all_that_wait() {
    let mut desk = Desk::new();
    desk.grow(&[wish(1, 0)]);
    for nonce in 1..4 {
        assert!(desk.send(wish(1, nonce)).is_ok());
    }
    for (actual, code) in [
        (0, "nonce_too_low"),
        (1 + NONCES_AHEAD_MAX, "nonce_too_high"),
    ] {
        let refusal = desk.send(wish(1, actual).amount(2)).unwrap_err();
        let expected = 4;
        let told = MempoolRefusal::from(TransactionError::Nonce { expected, actual });
        assert_eq!((&refusal, refusal.code()), (&told, code));
    }
}

#[test]
fn peoples_checks_leave_room_for_those_of_peers() {
    let mut desk = Desk::new();
    let mut submitted = 0;
    'all: for user in 1..=9 {
        for nonce in 0..NONCES_AHEAD_MAX {
            let transaction = desk.sign(wish(user, nonce));
            let outputs = desk.submit(&transaction, Source::People);
            if matches!(outputs[..], [Output::Answer(_, Err(MempoolRefusal::Busy))]) {
                break 'all;
            }
            submitted += 1;
        }
    }
    assert_eq!(submitted, limits::CHECKS_OF_PEOPLE_MAX);
    assert_eq!(desk.mempool.under_check(), limits::CHECKS_OF_PEOPLE_MAX);
    let from_peer = desk.sign(wish(9, 0));
    let outputs = desk.submit(&from_peer, Source::Peer);
    assert!(matches!(outputs[..], [Output::Check(_)]));
}

#[test]
fn codes_are_words_and_blame_is_laid_where_honest_nodes_agree() {
    let busy = MempoolRefusal::Busy;
    assert_eq!((busy.code(), busy.blame()), ("busy", Blame::Load));
    let (expected, actual) = (1, 0);
    let late = MempoolRefusal::from(TransactionError::Nonce { expected, actual });
    assert_eq!(
        (late.code(), late.blame()),
        ("nonce_too_low", Blame::Moment)
    );
    let alien = MempoolRefusal::from(TransactionError::ForeignKey(Address([1; 20])));
    assert_eq!(alien.blame(), Blame::Transaction);
}

pub(super) fn forged(transaction: &Transaction) -> Transaction {
    let mut signature = transaction.signature.clone();
    signature.0[0] ^= 1;
    Transaction {
        signature,
        ..transaction.clone()
    }
}

fn with_key(transaction: &Transaction, public_key: Option<Vec<u8>>) -> Transaction {
    Transaction {
        public_key,
        ..transaction.clone()
    }
}
