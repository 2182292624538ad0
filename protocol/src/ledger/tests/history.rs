//! States of the past.
use super::*;

#[test]
fn a_height_has_the_newest_version_that_began_at_it_or_before() {
    let start = |version, height| VersionStart {
        version,
        height: Height(height),
    };
    let kept = [start(3, 5), start(4, 6), start(5, 9)];
    let after = |height| version_after(&kept, Height(11), Height(height));
    let (height, earliest) = (Height(4), Height(5));
    let pruned = HistoryError::Pruned { height, earliest };
    assert_eq!((after(4), pruned.code()), (Err(pruned), "pruned"));
    let versions: Vec<u64> = (5..=11).map(|height| after(height).unwrap()).collect();
    assert_eq!(versions, [3, 4, 4, 4, 5, 5, 5]);
    let (height, newest) = (Height(12), Height(11));
    let expected = HistoryError::NotCommitted { height, newest };
    assert_eq!(after(12), Err(expected));
    let nothing = version_after(&[], Height(1), Height(1));
    assert!(matches!(nothing, Err(HistoryError::Fatal(_))));
}

#[test]
fn what_a_state_held_is_proved_as_long_as_its_version_is_kept() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let owner = user.address;
    let to = User::new(3).address;
    let mut roots = vec![node.ledger.head().state_root];
    for round in 1..=STATE_VERSIONS_KEPT {
        let key = b"n".to_vec();
        let value = round.to_be_bytes().to_vec();
        let put = user.act(&world, user.nonce, Action::Put { key, value });
        user.nonce += 1;
        let pay = user.pay(&world, to, 1);
        node.grow(&world, vec![put, pay]);
        roots.push(node.ledger.head().state_root);
    }
    for (version, root) in (0..).zip(&roots) {
        let proof = prove_account_at(&*node.state, version, &to).unwrap();
        let account = account_at(&*node.state, version, &to).unwrap();
        assert_eq!(account.unwrap().balance, version);
        assert_eq!(proof.verify(root, &to), Ok(account));
        let proof = prove_record_at(&*node.state, version, &owner, b"n").unwrap();
        let record = record_at(&*node.state, version, &owner, b"n").unwrap();
        assert_eq!(record.is_some(), version > 0);
        assert_eq!(proof.verify(root, &owner, b"n"), Ok(record.as_ref()));
    }
    node.grow(&world, vec![user.pay(&world, to, 1)]);
    assert!(prove_account_at(&*node.state, 0, &to).is_err());
    assert!(prove_account_at(&*node.state, 1, &to).is_ok());
}
