//! How a wait ends, and that it never ends without a word.
use super::*;

#[test]
fn a_committed_transaction_is_remembered_with_its_height() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0)).unwrap();
    desk.grow(&[wish(1, 0), wish(2, 0)]);
    let height = Height(1);
    assert_eq!(desk.fate(wish(1, 0)), Some(Fate::Committed { height }));
    // It never waited here, and its fate is known all the same.
    assert_eq!(desk.fate(wish(2, 0)), Some(Fate::Committed { height }));
    assert!(desk.mempool.is_empty());
}

#[test]
fn another_one_with_the_same_nonce_in_a_block_ends_the_wait() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0)).unwrap();
    desk.send(wish(1, 1)).unwrap();
    desk.grow(&[wish(1, 0).amount(5)]);
    let code = "nonce_too_low";
    assert_eq!(desk.fate(wish(1, 0)), Some(Fate::Dropped { code }));
    assert_eq!(desk.candidates(), [(1, 1)]);
}

#[test]
fn what_expires_leaves_with_the_last_block_that_could_have_carried_it() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0).until(2)).unwrap();
    desk.send(wish(1, 1)).unwrap();
    desk.grow(&[]);
    assert_eq!(desk.candidates(), [(1, 0), (1, 1)]);
    desk.grow(&[]);
    let expires_at = Height(2);
    assert_eq!(
        desk.fate(wish(1, 0).until(2)),
        Some(Fate::Expired { expires_at })
    );
    assert!(desk.candidates().is_empty() && desk.waits(wish(1, 1)));
    assert!(
        desk.send(wish(1, 0)).is_ok(),
        "another one may fill the gap"
    );
    assert_eq!(desk.candidates(), [(1, 0), (1, 1)]);
}

#[test]
fn a_replacement_pays_a_tenth_more_and_a_longer_one_for_its_length() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0).fee(1_000)).unwrap();
    desk.send(wish(1, 1).fee(1_000)).unwrap();
    let code = refused(desk.send(wish(1, 1).fee(1_099)));
    assert_eq!(code, "replacement_underpriced");
    assert_eq!(desk.send(wish(1, 1).fee(1_100)), Ok(Submission::Pending));
    let by = desk.id(wish(1, 1).fee(1_100));
    assert_eq!(
        desk.fate(wish(1, 1).fee(1_000)),
        Some(Fate::Replaced { by })
    );
    assert_eq!(desk.candidates(), [(1, 0), (1, 1)]);
    assert_eq!(desk.mempool.len(), 2);
    let long = Action::Transfer {
        to: Address([7; 20]),
        amount: 1,
        memo: "a".repeat(200),
    };
    let mut body = desk.sign(wish(1, 1).fee(1_210)).body;
    body.action = long;
    let longer = Transaction::sign(&*signer(1), &desk.rules.context, body).unwrap();
    assert_eq!(refused(desk.give(&longer)), "replacement_underpriced");
}

#[test]
fn what_can_no_longer_be_paid_leaves_with_all_behind_it() {
    let mut desk = Desk::new();
    for nonce in 0..4 {
        desk.send(wish(1, nonce)).unwrap();
    }
    // The block's transaction is not the one that waits: it takes nearly all the sender has.
    let left = 2 * FEE - 1;
    desk.grow(&[wish(1, 0).amount(BALANCE - FEE - left)]);
    assert_eq!(desk.candidates(), [(1, 1)]);
    let code = "overdrawn";
    for nonce in [2, 3] {
        assert_eq!(desk.fate(wish(1, nonce)), Some(Fate::Dropped { code }));
    }
}

#[test]
fn what_the_ledger_refuses_for_good_leaves_with_its_reason() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0)).unwrap();
    let id = desk.id(wish(1, 0));
    let code = "unfunded";
    desk.step(Input::Refused(&[(id, code)]));
    assert_eq!(desk.fate(wish(1, 0)), Some(Fate::Dropped { code }));
    assert!(desk.mempool.is_empty());
}
