//! P15: every call of the store that the system can refuse is refused once; and a disk that is full.
//! The answer is an error that may be retried, in one line; what is on disk is the state before or
//! after; and nothing is told that was not written.
use super::super::fault;
use super::*;
use crate::messages::committer::{BlocksStored, EvidenceFound};
use crate::messages::round_driver::{DriverRecovered, SignaturePersisted};
use crate::messages::state_store::PersistSignature;
use crate::metrics::Metrics;
use crate::runtime::{Actors, EndReason, FatalKind, Inbox, OnFall, Policy, Probe, Supervisor};
use actix::prelude::*;
use lockstep_protocol::consensus::durable::{Persist, SignedMessage};
use lockstep_protocol::ledger::account;
use std::process::Command;

const BLOCKS: u64 = 3;

/// What the script writes, made beforehand: no fault may hit the making.
fn batches(world: &World, count: u64) -> Vec<Arc<CommitBatch>> {
    let (mut ledger, memory) = world.memory_ledger();
    let made = (0..count).map(|nonce| {
        let batch = world.next(&mut ledger, vec![world.pay(1, nonce, 2, 1)]);
        memory.apply(&batch.changes);
        ledger.committed(&batch);
        batch
    });
    made.collect()
}

fn prevote(world: &World, block: &SealedBlock) -> Persist {
    let height = block.height().0;
    Persist {
        signed: SignedMessage::Vote(world.vote(VoteKind::Prevote, 101, height, 0, block)),
        lock: None,
        block: None,
    }
}

/// Start, votes and blocks, each kind of read. `told` counts the writes that have returned.
fn script(
    world: &World,
    dir: &Path,
    batches: &[Arc<CommitBatch>],
    retention: Retention,
    told: &mut usize,
) -> Result<Store, StoreError> {
    let store = world.open(&dir.join("data"), address(101))?;
    store.retain(retention);
    store.guard_key(&dir.join("key.guard"), false)?;
    for batch in batches {
        store.persist(&[prevote(world, &batch.block)])?;
        *told += 1;
        store.commit_block(batch)?;
        *told += 1;
        let height = batch.block.height();
        store.block(height)?;
        store.certificate(height)?;
        store.receipts(height)?;
        store.decided(height, 1, 1 << 20)?;
        store.recovery()?;
        store.view()?.head()?;
        let read = account(&store, &address(2)).map_err(|error| error.to_string());
        read.map_err(|text| StoreError::Io {
            what: "read an account".into(),
            reason: text,
        })?;
    }
    Ok(store)
}

fn state(store: &Store) -> String {
    format!(
        "{:?} {:?} {:?}",
        store.head().unwrap(),
        store.recovery().unwrap(),
        pruning::kept(store)
    )
}

/// The state after each write.
fn states(world: &World, batches: &[Arc<CommitBatch>]) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let store = world.open(dir.path(), address(101)).unwrap();
    store.retain(Retention::Newest(1));
    let mut states = vec![state(&store)];
    for batch in batches {
        store.persist(&[prevote(world, &batch.block)]).unwrap();
        states.push(state(&store));
        store.commit_block(batch).unwrap();
        states.push(state(&store));
    }
    states
}

#[test]
fn every_call_that_fails_is_one_line_that_may_be_retried_and_loses_nothing() {
    let world = World::new(7);
    let batches = batches(&world, BLOCKS);
    let states = states(&world, &batches);
    let mut calls = 0;
    let mut old = 0;
    let mut new = 0;
    loop {
        let dir = TempDir::new().unwrap();
        let mut told = 0;
        begin_key_guard(&dir.path().join("key.guard"), address(101)).unwrap();
        fault::fail_after(calls);
        let keep = Retention::Newest(1); // so that calls that delete fail, too
        let outcome = script(&world, dir.path(), &batches, keep, &mut told);
        let failed = fault::has_failed();
        let Err(error) = outcome else {
            assert!(!failed, "call {calls} failed and nobody said so");
            break;
        };
        assert!(failed, "call {calls}: {error}");
        let text = error.to_string();
        assert_eq!(error.exit_code(), 1, "call {calls}: {text}");
        assert!(
            text.contains("start again") && !text.contains('\n'),
            "{text}"
        );
        let store = world.open(&dir.path().join("data"), address(101)).unwrap();
        match states[told..]
            .iter()
            .take(2)
            .position(|s| *s == state(&store))
        {
            Some(0) => old += 1,
            Some(_) => new += 1,
            None => panic!("call {calls}, {told} writes told: neither the old state nor the new"),
        }
        // And it signs on: a start that failed is no backup.
        let key_use = store
            .guard_key(&dir.path().join("key.guard"), false)
            .unwrap();
        assert_eq!(key_use, KeyUse::Signs(Height(0)), "call {calls}");
        calls += 1;
    }
    println!("{calls} calls failed once each: {old} left the old state, {new} the new");
    assert!(calls > 100 && old > 0 && new > 0);
}

#[test]
fn a_signature_that_could_not_be_written_is_not_told_and_ends_the_node() {
    let (world, _dir, store) = opened();
    let batches = batches(&world, 2);
    System::new().block_on(async move {
        let (tell, hear) = tokio::sync::oneshot::channel();
        let mut spawner = Supervisor::start(Policy::default(), |reason| tell.send(reason).unwrap());
        let (persisted, mut told) = Probe::<SignaturePersisted>::open(8);
        let (recovered, _) = Probe::<DriverRecovered>::open(8);
        let (stored, _) = Probe::<BlocksStored>::open(8);
        let (kept, _) = Probe::<EvidenceFound>::open(8);
        let ports = super::super::Ports {
            persisted,
            recovered,
            stored,
            kept,
        };
        let inbox = Inbox::<StateStore>::new(8);
        let persist = inbox.port();
        let metrics = Metrics::new(Actors::default());
        let fatal = spawner.fatal();
        let rules = world.rules.clone();
        spawner.spawn(&Arbiter::current(), inbox, OnFall::StopNode, move |_| {
            StateStore::new(store, rules, metrics, Arc::default(), fatal, ports)
        });
        let [first, second] = [0, 1].map(|batch: usize| prevote(&world, &batches[batch].block));
        let position = first.signed.position();
        persist.tell(PersistSignature(Box::new(first))).unwrap();
        assert_eq!(told.next().await.unwrap().0, position);
        fault::fail_after(0);
        persist.tell(PersistSignature(Box::new(second))).unwrap();
        let reason = hear.await.unwrap();
        assert!(fault::has_failed());
        let may_be_retried = matches!(
            &reason,
            EndReason::Fatal {
                kind: FatalKind::Retry,
                ..
            }
        );
        assert!(may_be_retried && reason.exit_code() == 1, "{reason}");
        assert!(told.drain().is_empty());
    });
}

/// The child: writes until the system refuses, then says what happened.
#[test]
#[ignore = "the child process of the test below"]
fn fill_the_disk() {
    let Ok(dir) = std::env::var("LOCKSTEP_FULL_DIR") else {
        return;
    };
    let (world, dir) = (World::new(7), PathBuf::from(dir));
    let mut told = 0;
    let batches = batches(&world, 2_000);
    let error = script(&world, &dir, &batches, Retention::All, &mut told);
    let Err(error) = error else {
        panic!("it never filled up")
    };
    println!("\n>{told} {} {error}", error.exit_code());
}

/// The limit of a file's size stands for a full disk: the same call fails in the same place.
#[test]
fn a_full_disk_is_one_line_that_may_be_retried_and_what_was_told_is_there() {
    let dir = TempDir::new().unwrap();
    let name = "state_store::tests::faults::fill_the_disk";
    let program = std::env::current_exe().unwrap();
    let script = "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\"";
    let ran = Command::new("sh")
        .args(["-c", script])
        .arg(program)
        .args(["--exact", name, "--ignored", "--nocapture", "--quiet"])
        .env("LOCKSTEP_FULL_DIR", dir.path())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    let line = out.lines().find_map(|line| line.strip_prefix('>'));
    let line = line.unwrap_or_else(|| panic!("it said nothing: {out}"));
    println!("{line}");
    let mut words = line.split(' ');
    let told: u64 = words.next().unwrap().parse().unwrap();
    assert_eq!(words.next(), Some("1"), "{line}");
    assert!(line.contains("free space") && told > 10, "{line}");
    let world = World::new(7);
    let store = world.open(&dir.path().join("data"), address(101)).unwrap();
    let height = store.head().unwrap().height.0;
    assert!(
        [told / 2, told.div_ceil(2)].contains(&height),
        "{told} writes told, height {height}"
    );
}
