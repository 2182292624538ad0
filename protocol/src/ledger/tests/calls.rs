//! Calls of applications: what stays of them, what fails, and what ends a node rather than its chain.
use super::*;
use crate::application::{
    AppState, AppView, Application, Applications, BlockContext, Call, Failed, QueryRefused, Refused,
};
use crate::nouns::genesis::GenesisApplication;
use std::sync::atomic::{AtomicU64, Ordering};

/// Does what the first byte of a call says.
struct Odd;

/// Counted by what is not deterministic.
static COUNT: AtomicU64 = AtomicU64::new(0);

const FOREIGN: &[u8] = b"account/";

impl Application for Odd {
    fn name(&self) -> &str {
        "odd"
    }
    fn version(&self) -> u32 {
        3
    }
    fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
        Ok(state.set(b"begun", document)?)
    }
    fn check(&self, call: &[u8]) -> Result<(), Refused> {
        match call {
            [b'?', ..] => Err("a question is no call".into()),
            [b'!', ..] => panic!("an exclamation"),
            _ => Ok(()),
        }
    }
    fn execute(
        &self,
        state: &mut AppState<'_>,
        call: &Call<'_>,
        block: &BlockContext,
    ) -> Result<(), Failed> {
        state.set(b"sender", call.sender.0)?;
        state.emit("begun", block.time.0.to_be_bytes())?;
        match call.data {
            [b'f', ..] => Err(Failed::code(7)),
            [b'p', ..] => panic!("it cannot go on"),
            [b'l', ..] => loop {
                state.get(b"sender")?;
            },
            [b'e', ..] => {
                for _ in 0..17 {
                    let _ = state.emit("more", b"");
                }
                Ok(())
            }
            [b'n', ..] => {
                let count = COUNT.fetch_add(1, Ordering::Relaxed);
                Ok(state.set(b"count", count.to_be_bytes())?)
            }
            [b'a', ..] => Ok(state.set(FOREIGN, [1; 16])?),
            [b'k', key @ ..] => Ok(state.set(key, [1; 32])?),
            [b'w', key @ ..] => {
                for number in 0..=u8::MAX {
                    state.set([key, &[number]].concat(), [1; 32])?;
                }
                Ok(())
            }
            [b'r', ..] => Ok(state.remove(b"sender")?),
            [b't', ..] => {
                let now = [block.height.0, block.time.0, block.chain_id.0];
                let now: Vec<u8> = now.iter().flat_map(|n| n.to_be_bytes()).collect();
                state.set(b"now", now)?;
                Ok(state.set(b"id", call.transaction.0)?)
            }
            _ => Ok(()),
        }
    }
    fn query(&self, view: &AppView<'_>, path: &str, _: &[u8]) -> Result<Vec<u8>, QueryRefused> {
        let found = view.get(path)?.ok_or("there is no such value")?;
        Ok([view.height().0.to_be_bytes().to_vec(), found].concat())
    }
}

pub(super) fn world() -> World {
    let applications = Applications::of([Arc::new(Odd) as Arc<dyn Application>]);
    let mut world = World::with(2, &[(1, 1_000_000), (2, 1_000_000)]);
    world.genesis.applications = vec![GenesisApplication {
        name: "odd".into(),
        version: 3,
        state: b"long ago".to_vec(),
    }];
    let scheme = Arc::new(Simulated);
    let rules = ChainRules::with(&world.genesis, scheme, &applications).unwrap();
    world.rules = Arc::new(rules);
    world
}

pub(super) fn call(world: &World, user: &mut User, data: &[u8]) -> Transaction {
    let nonce = user.nonce;
    user.nonce += 1;
    let action = Action::Call {
        application: "odd".into(),
        data: data.to_vec(),
    };
    user.act(world, nonce, action)
}

fn value(node: &Node, key: &[u8]) -> Option<Vec<u8>> {
    application_state(&*node.state, "odd", key).unwrap()
}

fn status(batch: &CommitBatch, index: usize) -> Status {
    batch.receipts[index].status
}

#[test]
fn a_call_writes_tells_and_is_proved_and_every_node_computes_the_same() {
    let world = world();
    let (mut builder, mut follower) = (world.node(), world.node());
    let mut user = User::new(1);
    assert_eq!(value(&builder, b"begun").unwrap(), b"long ago");
    let transaction = call(&world, &mut user, b"t");
    let id = transaction.id();
    let batch = builder.grow(&world, vec![transaction]);
    assert_eq!(follower.ledger.check(&batch.block), Ok(()));
    follower.commit(&world, &batch.block);
    assert_eq!(follower.ledger.head(), builder.ledger.head());
    let header = batch.block.header();
    let now = [header.height.0, header.time.0, 7].map(u64::to_be_bytes);
    assert_eq!(value(&follower, b"now").unwrap(), now.concat());
    assert_eq!(value(&follower, b"id").unwrap(), id.0);
    let receipt = &batch.receipts[0];
    assert_eq!(receipt.status, Status::Success);
    assert_eq!(receipt.events.len(), 1);
    assert_eq!(receipt.events[0].name, "begun");
    assert_eq!(receipt.events[0].data, header.time.0.to_be_bytes());
    let root = header.state_root;
    for (key, there) in [(b"sender" as &[u8], true), (b"nothing", false)] {
        let proof = prove_application(&*follower.state, "odd", key).unwrap();
        let proved = proof.verify(&root, "odd", key).unwrap();
        assert_eq!(proved, there.then_some(&user.address.0[..]));
        assert!(proof.verify(&root, "odds", key).is_err());
        assert!(proof.verify(&Hash::default(), "odd", key).is_err());
    }
}

#[test]
fn a_call_that_fails_leaves_no_write_and_no_event_and_pays_all_the_same() {
    let world = world();
    let mut node = world.node();
    let mut user = User::new(1);
    let before = node.balance(&user);
    let calls = [b"f", b"l", b"e"].map(|data| call(&world, &mut user, data));
    let batch = node.grow(&world, calls.to_vec());
    let code = FailureCode::Application { code: 7 };
    assert_eq!(status(&batch, 0), Status::Failed { code });
    let code = FailureCode::WorkExhausted;
    assert_eq!(status(&batch, 1), Status::Failed { code });
    assert_eq!(status(&batch, 2), Status::Failed { code });
    assert!(
        batch
            .receipts
            .iter()
            .all(|receipt| receipt.events.is_empty())
    );
    assert_eq!(value(&node, b"sender"), None);
    let paid: u64 = batch.receipts.iter().map(|receipt| receipt.fee).sum();
    assert!(paid > 0);
    assert_eq!(node.balance(&user), before - paid);
    let account = node.account(&user.address).unwrap();
    assert_eq!(account.nonce, 3);
}

#[test]
fn a_call_sees_what_the_calls_before_it_in_the_block_have_left() {
    let world = world();
    let mut node = world.node();
    let (mut one, mut two) = (User::new(1), User::new(2));
    let calls = vec![
        call(&world, &mut one, b"."),
        call(&world, &mut two, b"f"),
        call(&world, &mut two, b"r"),
    ];
    let batch = node.grow(&world, calls);
    assert_eq!(value(&node, b"sender"), None);
    assert_eq!(batch.receipts.len(), 3);
    node.grow(&world, vec![call(&world, &mut one, b".")]);
    assert_eq!(value(&node, b"sender").unwrap(), one.address.0);
    node.grow(&world, vec![call(&world, &mut two, b"r")]);
    assert_eq!(value(&node, b"sender"), None);
}

/// The key of the tree is a hash of the name and the key: what an application writes under the name
/// of an account's key is a value of its own.
#[test]
fn no_application_writes_outside_of_its_own_namespace() {
    let world = world();
    let mut node = world.node();
    let mut user = User::new(1);
    let before = node.balance(&user);
    let batch = node.grow(&world, vec![call(&world, &mut user, b"a")]);
    assert_eq!(value(&node, FOREIGN), Some(vec![1; 16]));
    assert_eq!(node.balance(&user), before - batch.receipts[0].fee);
    let ours = [b"begun" as &[u8], b"sender", FOREIGN].map(|key| application_key("odd", key));
    let theirs = [account_key(&user.address), public_key_key(&user.address)];
    assert!(ours.iter().all(|key| !theirs.contains(key)));
}

#[test]
fn a_call_that_nobody_could_have_meant_is_refused_by_a_stable_word() {
    let world = world();
    let node = world.node();
    let user = User::new(1);
    let act = |application: &str, data: &[u8]| {
        let (application, data) = (application.into(), data.to_vec());
        user.act(&world, 0, Action::Call { application, data })
    };
    for (application, data, word) in [
        ("odd", &b"?"[..], "call_refused"),
        ("odd", b"!", "call_refused"),
        ("even", b"", "unknown_application"),
        ("Odd", b"", "invalid_application_name"),
        ("", b"", "invalid_application_name"),
        (&"o".repeat(33), b"", "invalid_application_name"),
        ("odd", &[0; 8_193], "call_too_large"),
    ] {
        let transaction = act(application, data);
        let refused = node.admit(&world, &transaction).unwrap_err();
        assert_eq!(refused.code(), word);
        let mut builder = world.node();
        let rejected = builder.prepare(&world, vec![transaction.clone()]).rejected;
        let [(_, CandidateRefusal::Refused(error))] = &rejected[..] else {
            panic!("{rejected:?}")
        };
        assert_eq!(error.code(), word);
        let empty = builder.prepare(&world, vec![]).block;
        let forged = changed(&empty, |block| block.transactions.push(transaction));
        let verdict = world.node().ledger.check(&forged).unwrap_err();
        assert_eq!(verdict.code(), "transaction");
    }
    assert_eq!(node.admit(&world, &act("odd", &[0; 8_192])), Ok(()));
}

/// One hostile transaction whose bytes make `check` panic stops no node: each refuses it.
#[test]
fn a_panic_over_bytes_alone_is_a_refusal_that_names_it() {
    let world = world();
    let mut user = User::new(1);
    let transaction = call(&world, &mut user, b"!");
    let refused = world.node().admit(&world, &transaction).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("it panicked: an exclamation"), "{said}");
}

#[test]
fn a_panic_in_a_block_ends_the_node_and_names_application_version_and_transaction() {
    let world = world();
    let mut user = User::new(1);
    let transaction = call(&world, &mut user, b"p");
    let id = transaction.id();
    let draft = Draft {
        proposer: world.proposer(),
        now: Timestamp(0),
        transactions: vec![transaction],
        evidence: vec![],
    };
    let error = world.node().ledger.prepare(draft).unwrap_err();
    let PrepareError::Fatal(error) = error else {
        panic!("{error}")
    };
    let said = error.to_string();
    for words in [
        "odd, version 3",
        &id.to_string(),
        "it panicked: it cannot go on",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn an_application_that_is_not_deterministic_is_found_before_its_block_is_proposed() {
    let world = world();
    let mut user = User::new(1);
    let transaction = call(&world, &mut user, b"n");
    let id = transaction.id();
    let draft = Draft {
        proposer: world.proposer(),
        now: Timestamp(0),
        transactions: vec![transaction],
        evidence: vec![],
    };
    let error = world.node().ledger.prepare(draft).unwrap_err();
    let PrepareError::NotDeterministic { calls, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(calls.transactions, [id]);
    assert!(error.to_string().contains("odd, version 3"), "{error}");
}

#[test]
fn a_chain_whose_application_this_build_lacks_is_refused() {
    let genesis = world().genesis;
    let refused = ChainRules::new(&genesis, Arc::new(Simulated));
    let refused = refused.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("odd, version 3"), "{refused}");
    assert!(Ledger::genesis_changes(&genesis).is_err());
}

#[test]
fn a_question_is_answered_from_committed_state() {
    let world = world();
    let mut node = world.node();
    let mut user = User::new(1);
    node.grow(&world, vec![call(&world, &mut user, b".")]);
    let odd = world.rules.applications.get("odd").unwrap();
    let place: (&dyn StateReader, u64, Height) = (&*node.state, 1, Height(1));
    let ask = |path| query_application(place, odd, (path, b""));
    let answer = ask("sender").unwrap().unwrap().unwrap();
    assert_eq!(answer[8..], user.address.0);
    assert_eq!(answer[..8], 1u64.to_be_bytes());
    let refused = ask("nothing").unwrap().unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "there is no such value");
}

#[cfg(feature = "mutants")]
#[test]
fn events_and_forgotten_writes_are_noticed() {
    use crate::mutation::{Mutation, must_be_noticed};
    must_be_noticed(Mutation::FailedCallWrites, || {
        let world = world();
        let mut node = world.node();
        node.grow(&world, vec![call(&world, &mut User::new(1), b"f")]);
        assert_eq!(value(&node, b"sender"), None);
    });
    must_be_noticed(Mutation::EventsOutsideLeaf, || {
        let world = world();
        let batch = world
            .node()
            .grow(&world, vec![call(&world, &mut User::new(1), b".")]);
        let receipt = &batch.receipts[0];
        let silent = Receipt {
            events: vec![],
            ..receipt.clone()
        };
        assert_ne!(receipt.leaf(), silent.leaf());
    });
}
