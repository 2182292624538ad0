//! `update_validator`: who must ask for a change, when it holds, and what is refused.
use super::*;
use crate::limits::VALIDATORS_MAX;
use crate::validators::set::ValidatorSet;

/// `count` validators of equal power, who own something.
pub(super) fn world(count: u8) -> World {
    let mut world = World::new();
    world.validators = (101..101 + count).map(signer).collect();
    let member = |signer: &Arc<dyn Signer>| GenesisValidator {
        public_key: signer.public_key().to_vec(),
        power: 1,
    };
    world.genesis.validators = world.validators.iter().map(member).collect();
    let owner = |signer: &Arc<dyn Signer>| GenesisAccount {
        address: address_of(&**signer),
        balance: 10_000_000,
    };
    world
        .genesis
        .accounts
        .extend(world.validators.iter().map(owner));
    world
        .genesis
        .accounts
        .sort_by_key(|account| account.address);
    world.rules = Arc::new(ChainRules::new(&world.genesis, Arc::new(Simulated)).unwrap());
    world
}

/// The vote of validator `by` that `whom` gets this power.
pub(super) fn vote(world: &World, node: &Node, by: usize, whom: u8, power: u64) -> Transaction {
    vote_for(world, node, by, signer(whom).public_key(), power)
}

pub(super) fn vote_for(
    world: &World,
    node: &Node,
    by: usize,
    key: &[u8],
    power: u64,
) -> Transaction {
    let sender = &world.validators[by];
    let account = node.account(&address_of(&**sender)).unwrap_or_default();
    let action = Action::UpdateValidator {
        public_key: key.to_vec(),
        power,
    };
    let body = TransactionBody {
        nonce: account.nonce,
        fee: 0,
        expires_at: node.ledger.head().height.next(),
        action,
    };
    let body = body.for_least_fee(&**sender, &world.genesis.parameters);
    Transaction::sign(&**sender, &world.rules.context, body).unwrap()
}

/// The word of `whom` that it is ready.
pub(super) fn ready(world: &World, node: &Node, whom: u8) -> Transaction {
    let newcomer = signer(whom);
    let account = node.account(&address_of(&*newcomer)).unwrap_or_default();
    let body = TransactionBody {
        nonce: account.nonce,
        fee: 0,
        expires_at: Height(node.ledger.head().height.0 + 10),
        action: Action::DeclareReady,
    };
    let body = body.for_least_fee(&*newcomer, &world.genesis.parameters);
    Transaction::sign(&*newcomer, &world.rules.context, body).unwrap()
}

/// A block of these transactions, certified by whom the schedule names; how each ended.
pub(super) fn grow(
    world: &mut World,
    node: &mut Node,
    transactions: Vec<Transaction>,
) -> Vec<Status> {
    let set = node.ledger.validators().current().clone();
    let everybody = (101..=130).map(signer);
    let members = everybody.filter(|s| set.index_of(&address_of(&**s)).is_some());
    let all = world.validators.clone();
    let members = members.collect::<Vec<_>>();
    let draft = Draft {
        proposer: address_of(&*members[0]),
        now: Timestamp(0),
        transactions,
        evidence: vec![],
    };
    let prepared = node.ledger.prepare(draft).unwrap();
    assert_eq!(prepared.rejected, []);
    assert_eq!(prepared.block.header().validators_hash, set.hash());
    let next = node.ledger.validators().next().hash();
    assert_eq!(prepared.block.header().next_validators_hash, next);
    world.validators = members;
    let votes = world.precommits(&prepared.block, 0);
    world.validators = all;
    let certificate = certify(&set, &votes.iter().collect::<Vec<_>>()).unwrap();
    node.ledger.verify_certificate(&certificate).unwrap();
    let batch = node
        .ledger
        .commit(&prepared.block, Arc::new(certificate))
        .unwrap();
    node.demand_explained(&batch);
    node.state.apply(&batch.changes);
    node.ledger.committed(&batch);
    batch
        .receipts
        .iter()
        .map(|receipt| receipt.status)
        .collect()
}

/// How many validators decide each height from `from` on, as far as it is known.
pub(super) fn sizes(node: &Node, from: u64) -> Vec<usize> {
    let set = |height| node.ledger.validators().at(Height(height));
    (from..).map_while(set).map(|set| set.len()).collect()
}

pub(super) fn failed(code: FailureCode) -> Vec<Status> {
    vec![Status::Failed { code }]
}

pub(super) const OK: Status = Status::Success;

#[test]
fn votes_and_the_set_that_they_make_are_named() {
    let mut world = world(4);
    let mut node = world.node();
    let early = vec![
        vote(&world, &node, 0, 120, 1),
        vote(&world, &node, 1, 120, 1),
    ];
    let lines = |world: &World, node: &mut Node, transactions| {
        let block = node.prepare(world, transactions).block;
        let changed = node.ledger.explain(&block).unwrap().changed;
        let lines = changed.iter().map(ToString::to_string);
        lines
            .filter(|line| line.starts_with("validators/"))
            .collect::<Vec<String>>()
    };
    let newcomer = address_of(&*signer(120));
    let votes = format!("validators/votes/{newcomer}");
    assert_eq!(lines(&world, &mut node, early.clone()), [&*votes]);
    grow(&mut world, &mut node, early);
    let said = ready(&world, &node, 120);
    let word = format!("validators/ready/{newcomer}");
    assert_eq!(lines(&world, &mut node, vec![said.clone()]), [&*word]);
    grow(&mut world, &mut node, vec![said]);
    let last = vote(&world, &node, 2, 120, 1);
    let named = lines(&world, &mut node, vec![last.clone()]);
    grow(&mut world, &mut node, vec![last]);
    let set = node.ledger.validators().at(Height(5)).unwrap().hash();
    let set = format!("validators/set/5: the set {set}");
    assert_eq!(named, [&*votes, &*word, &*set, "validators/newest: 5"]);
}

#[test]
fn more_than_two_thirds_of_the_power_add_a_validator_two_heights_later() {
    for (count, needed) in [(4u8, 3usize), (7, 5)] {
        let mut world = world(count);
        let mut node = world.node();
        let votes = |node: &Node, by: std::ops::Range<usize>| -> Vec<Transaction> {
            by.map(|by| vote(&world, node, by, 120, 1)).collect()
        };
        let mut too_few = votes(&node, 0..needed - 1);
        let last = needed - 1;
        too_few.push(ready(&world, &node, 120));
        let n = usize::from(count);
        grow(&mut world, &mut node, too_few);
        assert_eq!(sizes(&node, 1), [n, n, n], "{count}");
        let missing = vec![vote(&world, &node, last, 120, 1)];
        assert_eq!(grow(&mut world, &mut node, missing), [OK]);
        assert_eq!(
            sizes(&node, 1),
            [n, n, n, n + 1],
            "decided in block 2, holds at 4"
        );
        grow(&mut world, &mut node, vec![]);
        assert_eq!(node.ledger.validators().current().len(), n + 1);
        grow(&mut world, &mut node, vec![]);
        // The next block carries the certificate that the larger set has made.
        grow(&mut world, &mut node, vec![]);
    }
}

#[test]
fn a_validator_is_removed_and_the_others_go_on() {
    let mut world = world(4);
    let mut node = world.node();
    let votes = (0..3).map(|by| vote(&world, &node, by, 104, 0)).collect();
    assert_eq!(grow(&mut world, &mut node, votes), [OK; 3]);
    for height in 2..6 {
        grow(&mut world, &mut node, vec![]);
        assert_eq!(node.ledger.head().height, Height(height));
    }
    assert_eq!(sizes(&node, 1), [4, 4, 3, 3, 3, 3, 3]);
    let gone = vec![vote(&world, &node, 3, 120, 1)];
    let out = grow(&mut world, &mut node, gone);
    assert_eq!(
        out,
        failed(FailureCode::NotAValidator),
        "it has no vote any more"
    );
}

/// Whoever has said that it is ready may be needed at once, also by a lone validator.
#[test]
fn a_lone_validator_adds_an_equal_one_that_is_ready() {
    let mut world = world(1);
    let mut node = world.node();
    let equal = vec![vote(&world, &node, 0, 120, 1)];
    assert_eq!(grow(&mut world, &mut node, equal), [OK]);
    assert_eq!(sizes(&node, 1), [1, 1, 1], "its word is missing");
    let said = vec![ready(&world, &node, 120)];
    assert_eq!(grow(&mut world, &mut node, said), [OK]);
    assert_eq!(sizes(&node, 1), [1, 1, 1, 2]);
}

/// The votes of three of four for each of these, in one block, and the word of each newcomer; how
/// what came last for each ended.
fn decide(world: &mut World, node: &mut Node, changes: &[(u8, u64)]) -> Vec<Status> {
    let (mut all, mut last) = (Vec::new(), Vec::new());
    for (after, (whom, power)) in (0u64..).zip(changes) {
        let asked = (0..3).map(|by| later(world, by, vote(world, node, by, *whom, *power), after));
        all.extend(asked);
        if *whom >= 120 {
            all.push(ready(world, node, *whom));
        }
        last.push(all.len() - 1);
    }
    let statuses = grow(world, node, all);
    last.into_iter().map(|place| statuses[place]).collect()
}

/// The same transaction, after others of its sender.
fn later(world: &World, by: usize, transaction: Transaction, after: u64) -> Transaction {
    let body = TransactionBody {
        nonce: transaction.body.nonce + after,
        ..transaction.body
    };
    Transaction::sign(&*world.validators[by], &world.rules.context, body).unwrap()
}

const REFUSED: Status = Status::Failed {
    code: FailureCode::ValidatorTooPowerful,
};

/// Who has said that it is ready counts for its own change, not yet for those of others: with the
/// fourth at once, five of eight would be known, which is no quorum.
#[test]
fn newcomers_at_once_may_not_all_be_needed_for_a_quorum() {
    let mut world = world(4);
    let mut node = world.node();
    let four = [(120, 1), (121, 1), (122, 1), (123, 1)];
    assert_eq!(decide(&mut world, &mut node, &four), [OK, OK, OK, REFUSED]);
    // One block later nobody has seen the others either.
    assert_eq!(decide(&mut world, &mut node, &four[3..]), [REFUSED]);
    assert_eq!(sizes(&node, 1), [4, 4, 7, 7]);
    world.validators.push(signer(120));
    let votes = (0..5).map(|by| vote(&world, &node, by, 123, 1));
    let votes = votes.chain([ready(&world, &node, 123)]).collect();
    assert_eq!(grow(&mut world, &mut node, votes), [OK; 6]);
    assert_eq!(sizes(&node, 1), [4, 4, 7, 7, 8], "once they have come");
}

/// Keys are changed by adding the new and removing the old: all in one block, the two that stay
/// would be two of three.
#[test]
fn a_removal_counts_against_those_that_nobody_has_seen() {
    let mut world = world(4);
    let mut node = world.node();
    let rotated = [(120, 1), (104, 0), (103, 0), (121, 1)];
    let expected = [OK, OK, REFUSED, OK];
    assert_eq!(decide(&mut world, &mut node, &rotated), expected);
    assert_eq!(sizes(&node, 1), [4, 4, 5]);
    grow(&mut world, &mut node, vec![]);
}

#[test]
fn what_would_leave_no_validators_too_many_or_too_much_power_is_refused() {
    let mut lone = world(1);
    let mut node = lone.node();
    let mut try_it = |key: &[u8], power| {
        let transaction = vote_for(&lone, &node, 0, key, power);
        grow(&mut lone, &mut node, vec![transaction])
    };
    let me = signer(101);
    assert_eq!(
        try_it(me.public_key(), 0),
        failed(FailureCode::LastValidator)
    );
    assert_eq!(
        try_it(me.public_key(), 1),
        failed(FailureCode::NothingToChange)
    );
    let nobody = failed(FailureCode::NothingToChange);
    assert_eq!(try_it(signer(120).public_key(), 0), nobody);
    let weak = failed(FailureCode::InvalidValidatorKey);
    assert_eq!(try_it(&[7; 3], 1), weak);
    assert_eq!(try_it(&[], 1), weak);
    let most = u64::MAX;
    let powerful = failed(FailureCode::PowerOverflow);
    assert_eq!(try_it(signer(120).public_key(), most), powerful);

    let mut full = world(u8::try_from(VALIDATORS_MAX).unwrap());
    let mut node = full.node();
    let one_more = vec![vote(&full, &node, 0, 90, 1)];
    let members: Vec<_> = full.validators.clone();
    let set = ValidatorSet::new(
        &Simulated,
        members.iter().map(|s| (s.public_key().to_vec(), 1)),
    );
    assert_eq!(set.unwrap().len(), VALIDATORS_MAX);
    let prepared = node.prepare(&full, one_more);
    let batch = {
        let certificate = full.certificate(&prepared.block, 0);
        node.ledger.commit(&prepared.block, certificate).unwrap()
    };
    let expected = FailureCode::TooManyValidators;
    assert_eq!(batch.receipts[0].status, Status::Failed { code: expected });
    full.validators.clear();
}

#[test]
fn votes_for_different_powers_do_not_add_up_and_a_newer_vote_replaces_the_older() {
    let mut world = world(4);
    let mut node = world.node();
    let votes = vec![
        vote(&world, &node, 0, 120, 1),
        vote(&world, &node, 1, 120, 1),
        vote(&world, &node, 2, 120, 2),
    ];
    assert_eq!(grow(&mut world, &mut node, votes), [OK; 3]);
    let said = vec![ready(&world, &node, 120)];
    assert_eq!(grow(&mut world, &mut node, said), [OK]);
    assert_eq!(node.ledger.validators().next().len(), 4);
    let again = vec![vote(&world, &node, 2, 120, 1)];
    grow(&mut world, &mut node, again);
    assert_eq!(node.ledger.validators().next().len(), 5);
}

/// Removed in the block before it would count, a voter's power is gone with it.
#[test]
fn a_vote_counts_only_as_long_as_its_sender_is_a_validator() {
    let mut world = world(4);
    let mut node = world.node();
    let wish = vec![vote(&world, &node, 3, 120, 1)];
    grow(&mut world, &mut node, wish);
    let votes = (0..3).map(|by| vote(&world, &node, by, 104, 0)).collect();
    grow(&mut world, &mut node, votes);
    grow(&mut world, &mut node, vec![]);
    assert_eq!(node.ledger.validators().current().len(), 3);
    let two = (0..2).map(|by| vote(&world, &node, by, 120, 1));
    let two = two.chain([ready(&world, &node, 120)]).collect();
    assert_eq!(grow(&mut world, &mut node, two), [OK; 3]);
    assert_eq!(
        node.ledger.validators().next().len(),
        3,
        "two of three are no quorum"
    );
}

#[test]
fn a_restarted_ledger_knows_the_same_sets() {
    let mut world = world(8);
    let mut node = world.node();
    for whom in [120, 121, 122] {
        let votes = (0..8).map(|by| vote(&world, &node, by, whom, 1));
        let votes = votes.chain([ready(&world, &node, whom)]).collect();
        grow(&mut world, &mut node, votes);
        let rules = world.rules.clone();
        let head = node.ledger.head().clone();
        let fresh = Ledger::new(rules, node.state.clone(), head).unwrap();
        assert_eq!(fresh.validators(), node.ledger.validators());
    }
    assert_eq!(node.ledger.validators().next().len(), 11);
}

/// Whoever was a quorum of an earlier set can still certify blocks in its name, with anything in
/// them. A node that is far behind learns only here that this set does not decide the height; any
/// other word about the block would be one about a decision, and would stop the node for good.
#[test]
fn a_block_for_another_set_is_none_for_this_height_whatever_else_is_wrong_with_it() {
    let mut world = world(4);
    let mut node = world.node();
    let votes = (0..3).map(|by| vote(&world, &node, by, 120, 1));
    let votes = votes.chain([ready(&world, &node, 120)]).collect();
    for transactions in [votes, vec![], vec![]] {
        grow(&mut world, &mut node, transactions);
    }
    let block = node.prepare(&world, vec![]).block;
    let old = world.rules.genesis_validators.hash();
    type Lie = fn(&mut Header);
    let lies: [Lie; 6] = [
        |_| {},
        |header| header.chain_id = ChainId(99),
        |header| header.previous_block = Hash::default(),
        |header| header.time = Timestamp(0),
        |header| header.proposer = Address::default(),
        |header| header.state_root = Hash::default(),
    ];
    for lie in lies {
        let forged = changed_header(&block, |header| {
            header.validators_hash = old;
            lie(header);
        });
        assert_eq!(node.ledger.check(&forged), Err(InvalidBlock::ValidatorSet));
    }
}

/// A block that lies about the set after the next is invalid, whoever proposes it.
#[test]
fn a_block_must_name_the_next_set_that_its_parents_state_names() {
    let mut world = world(4);
    let mut node = world.node();
    let votes = (0..3).map(|by| vote(&world, &node, by, 120, 1));
    let votes = votes.chain([ready(&world, &node, 120)]).collect();
    grow(&mut world, &mut node, votes);
    let block = node.prepare(&world, vec![]).block;
    let old = world.rules.genesis_validators.hash();
    assert_ne!(block.header().next_validators_hash, old);
    let lie = changed_header(&block, |header| header.next_validators_hash = old);
    assert_eq!(node.ledger.check(&lie), Err(InvalidBlock::NextValidatorSet));
}
