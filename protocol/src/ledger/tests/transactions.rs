//! Every reason for which a transaction may not stand in a block, and what failure costs.
use super::*;
use crate::crypto::SignatureError;
use crate::limits::TRANSACTION_BYTES_MAX;

/// Prepares a block of one candidate and says why it was left out.
fn rejection(node: &mut Node, world: &World, candidate: Transaction) -> CandidateRefusal {
    let id = candidate.id();
    let prepared = node.prepare(world, vec![candidate]);
    assert_eq!(prepared.block.block().transactions, []);
    assert_eq!(prepared.rejected[0].0, id);
    prepared.rejected[0].1.clone()
}

fn refused(reason: TransactionError) -> CandidateRefusal {
    CandidateRefusal::Refused(reason)
}

#[test]
fn a_nonce_is_used_once_and_in_order() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let to = User::new(2).address;
    let again = user.pay(&world, to, 1);
    node.grow(&world, vec![again.clone()]);
    let mut again = again;
    again.public_key = None;
    let past = rejection(&mut node, &world, again);
    let (expected, actual) = (1, 0);
    assert_eq!(past, refused(TransactionError::Nonce { expected, actual }));
    assert!(!past.may_succeed_later());
    let future = user.sign(&world, 5, to, 1);
    let future = rejection(&mut node, &world, future);
    let (expected, actual) = (1, 5);
    assert_eq!(
        future,
        refused(TransactionError::Nonce { expected, actual })
    );
    assert!(future.may_succeed_later());
}

#[test]
fn the_key_comes_with_the_first_transaction_and_never_again() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let to = User::new(2).address;
    let mut without = user.sign(&world, 0, to, 1);
    without.public_key = None;
    let unknown = refused(TransactionError::UnknownKey);
    assert_eq!(rejection(&mut node, &world, without), unknown);
    let (first, second) = (user.pay(&world, to, 1), user.pay(&world, to, 1));
    node.grow(&world, vec![first, second]);
    let recorded = public_key(&*node.state, &user.address).unwrap();
    assert_eq!(recorded.as_deref(), Some(user.signer.public_key()));
    let mut with = user.sign(&world, 2, to, 1);
    with.public_key = Some(user.signer.public_key().to_vec());
    let on_record = refused(TransactionError::KeyOnRecord);
    assert_eq!(rejection(&mut node, &world, with), on_record);
}

#[test]
fn a_key_that_is_not_the_senders_is_refused_before_its_signature_is_looked_at() {
    let world = World::new();
    let mut node = World::new().node();
    let (user, thief) = (User::new(1), User::new(2));
    let mut stolen = user.sign(&world, 0, thief.address, 1_000);
    stolen.public_key = Some(thief.signer.public_key().to_vec());
    let actual = thief.address;
    let foreign = refused(TransactionError::ForeignKey(actual));
    assert_eq!(rejection(&mut node, &world, stolen), foreign);
    assert_eq!(node.ledger.signatures_verified(), 0);
}

#[test]
fn a_key_that_the_scheme_refuses_is_refused() {
    let world = World::new();
    let mut node = World::new().node();
    let short = vec![7; 5];
    let mut transaction = User::new(1).sign(&world, 0, User::new(2).address, 1);
    transaction.sender = Address::of(SCHEME, &short);
    transaction.public_key = Some(short);
    let rejection = rejection(&mut node, &world, transaction);
    assert!(matches!(
        rejection,
        CandidateRefusal::Refused(TransactionError::Key(_))
    ));
}

#[test]
fn a_signature_of_another_body_or_another_chain_is_refused() {
    let world = World::new();
    let mut node = World::new().node();
    let user = User::new(1);
    let invalid = refused(TransactionError::Signature(SignatureError::Invalid));
    let mut richer = user.sign(&world, 0, User::new(2).address, 1);
    richer.body.action = Action::Transfer {
        to: User::new(2).address,
        amount: 900,
        memo: String::new(),
    };
    assert_eq!(rejection(&mut node, &world, richer), invalid);
    let mut other = World::new();
    let mut rules = (*other.rules).clone();
    rules.context.chain_id = ChainId(8);
    other.rules = Arc::new(rules);
    let foreign = user.sign(&other, 0, User::new(2).address, 1);
    assert_eq!(rejection(&mut node, &world, foreign), invalid);
}

#[test]
fn a_transaction_beyond_its_limit_is_refused() {
    let world = World::new();
    let mut node = World::new().node();
    let mut large = User::new(1).sign(&world, 0, User::new(2).address, 1);
    large.signature.0 = vec![0; TRANSACTION_BYTES_MAX];
    let rejection = rejection(&mut node, &world, large);
    assert!(matches!(
        rejection,
        CandidateRefusal::Refused(TransactionError::TooLarge { .. })
    ));
}

#[test]
fn the_last_nonce_is_never_used() {
    let world = World::new();
    let user = User::new(1);
    let account = Account {
        balance: 9,
        nonce: u64::MAX,
    };
    let writes = vec![(
        account_key(&user.address),
        Some(crate::codec::encode(&account)),
    )];
    let changes = super::super::tree::update(&MemoryState::default(), None, writes).unwrap();
    let state = Arc::new(MemoryState::new(&changes));
    let head = Head::genesis(&world.genesis, &changes);
    let ledger = Ledger::on(world.rules.clone(), state.clone(), head, world.schedule(0));
    let mut last = user.sign(&world, u64::MAX, user.address, 1);
    last.public_key = Some(user.signer.public_key().to_vec());
    let mut node = Node { ledger, state };
    let exhausted = refused(TransactionError::NonceExhausted);
    assert_eq!(rejection(&mut node, &world, last), exhausted);
}

#[test]
fn a_transfer_that_cannot_be_paid_stays_in_the_block_and_uses_its_nonce() {
    let world = World::new();
    let (mut a, mut b) = (world.node(), world.node());
    let (mut rich, mut poor) = (User::new(1), User::new(3));
    let (fails, works) = (
        poor.pay(&world, rich.address, 1),
        rich.pay(&world, poor.address, 5),
    );
    let paid_now = poor.pay(&world, rich.address, 1);
    let batch = a.grow(&world, vec![fails, works, paid_now]);
    let statuses: Vec<_> = batch.receipts.iter().map(|r| r.status).collect();
    assert!(matches!(
        statuses.as_slice(),
        [
            Status::Failed {
                code: FailureCode::InsufficientBalance,
                ..
            },
            Status::Success,
            Status::Success
        ]
    ));
    b.commit(&world, &batch.block);
    let expected = Account {
        balance: 4,
        nonce: 2,
    };
    assert_eq!(a.account(&poor.address), Some(expected));
    assert_eq!(a.ledger.head(), b.ledger.head());
}

#[test]
fn a_transfer_to_oneself_changes_the_nonce_only() {
    let world = World::new();
    let mut node = World::new().node();
    let mut user = User::new(1);
    let own = user.address;
    let transactions = vec![user.pay(&world, own, 1_000), user.pay(&world, own, 1_001)];
    let batch = node.grow(&world, transactions);
    assert_eq!(batch.receipts[0].status, Status::Success);
    assert!(matches!(batch.receipts[1].status, Status::Failed { .. }));
    let expected = Account {
        balance: 1_000,
        nonce: 2,
    };
    assert_eq!(node.account(&own), Some(expected));
}

#[test]
fn a_balance_that_would_overflow_fails_the_transfer() {
    let world = World::new();
    let (user, full) = (User::new(1), User::new(2));
    let rows = [(user.address, 5), (full.address, u64::MAX - 4)];
    let writes = rows.map(|(address, balance)| {
        let account = Account { balance, nonce: 0 };
        (account_key(&address), Some(crate::codec::encode(&account)))
    });
    let empty = MemoryState::default();
    let changes = super::super::tree::update(&empty, None, writes.into()).unwrap();
    let state = Arc::new(MemoryState::new(&changes));
    let head = Head::genesis(&world.genesis, &changes);
    let ledger = Ledger::on(world.rules.clone(), state.clone(), head, world.schedule(0));
    let mut node = Node { ledger, state };
    let batch = node.grow(&world, vec![user.sign(&world, 0, full.address, 5)]);
    let Status::Failed { code, .. } = &batch.receipts[0].status else {
        panic!("it overflowed");
    };
    assert_eq!(*code, FailureCode::BalanceOverflow);
    assert_eq!(node.balance(&user), 5);
}
