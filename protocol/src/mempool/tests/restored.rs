use super::*;

/// Those that waited here, in a mempool that knows nothing of them.
fn fallen(desk: &mut Desk) -> Vec<Arc<Transaction>> {
    let waiting = desk.mempool.list(None, 100).into_iter();
    let waiting: Vec<_> = waiting
        .map(|(entry, _)| entry.transaction.clone())
        .collect();
    let committed = desk.ledger.head().height;
    desk.mempool = Mempool::new(desk.rules.clone(), Room::default(), committed);
    waiting
}

fn restore(desk: &mut Desk, transactions: &[Arc<Transaction>]) {
    for transaction in transactions {
        assert!(desk.step(Input::Restored(transaction.clone())).is_empty());
    }
}

#[test]
fn what_waited_waits_again_and_no_signature_is_checked_again() {
    let mut desk = Desk::new();
    for wish in [wish(1, 0), wish(1, 1), wish(2, 0)] {
        desk.send(wish).unwrap();
    }
    let waiting = fallen(&mut desk);
    assert!(desk.mempool.is_empty() && waiting.len() == 3);
    let checked = desk.checker.verified();
    restore(&mut desk, &waiting);
    assert_eq!(desk.mempool.len(), 3);
    assert_eq!(desk.mempool.candidates(usize::MAX).len(), 3);
    assert_eq!(
        (desk.mempool.under_check(), desk.checker.verified()),
        (0, checked)
    );
    restore(&mut desk, &waiting);
    assert_eq!(desk.mempool.len(), 3, "twice is once");
}

#[test]
fn what_a_block_has_carried_meanwhile_does_not_wait_again() {
    let mut desk = Desk::new();
    desk.send(wish(1, 0)).unwrap();
    desk.send(wish(1, 1)).unwrap();
    let waiting = fallen(&mut desk);
    desk.grow(&[wish(1, 0)]);
    restore(&mut desk, &waiting);
    assert!(desk.waits(wish(1, 1)) && desk.mempool.len() == 1);
    let height = Height(1);
    assert_eq!(desk.fate(wish(1, 0)), Some(Fate::Committed { height }));
    // One that has not heard of the block.
    fallen(&mut desk);
    restore(&mut desk, &waiting);
    assert!(desk.waits(wish(1, 1)) && desk.mempool.len() == 1);
    let code = "nonce_too_low";
    assert_eq!(desk.fate(wish(1, 0)), Some(Fate::Dropped { code }));
}

#[test]
fn what_waits_or_is_being_checked_is_held_under_its_leaf_and_no_other_signature_is() {
    let mut desk = Desk::new();
    let waiting = desk.sign(wish(1, 0));
    let checked = desk.sign(wish(2, 0));
    desk.send(wish(1, 0)).unwrap();
    let out = desk.submit(&checked, Source::Peer);
    assert!(matches!(out[..], [Output::Check(_)]));
    let mut other = waiting.clone();
    other.signature.0[0] ^= 1;
    let leaves = [checked.leaf(), other.leaf(), waiting.leaf()];
    let held = desk.mempool.held(&leaves);
    let here = |transaction| Some(Arc::new(transaction));
    assert_eq!(held, [here(checked), None, here(waiting)]);
}
