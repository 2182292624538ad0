//! P8: a power cut at any moment. A child process writes with durability `power`; a shim in front
//! of libc (`record_writes.c`) logs every write and sync with its bytes. The test then builds what
//! a disk may hold after a cut: all that was synced, and of the rest any part, in pieces of 512
//! bytes. From each such directory the store must open, with all that was told before the cut, and
//! nothing but it or the one transaction under way; and the record beside the key, which is synced
//! less often, must still let it sign: it may be behind the directory, and never ahead of it.
use super::*;
use lockstep_protocol::consensus::durable::{LockRecord, Persist, SignedMessage};
use lockstep_protocol::nouns::commit::PolkaCertificate;
use lockstep_protocol::nouns::proposal::Proposal;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

const CHILD: &str = "LOCKSTEP_POWER_DIR";
const BLOCKS: u64 = 10;
/// From the fifth on each block also takes an old one away.
const KEPT: u64 = 4;
const SECTOR: usize = 512;
const FILES: [&str; 5] = ["data.mdb", "mark", "lock", "told", "key.guard"];
const TOLD: u8 = 3;
const GUARD: u8 = 4;

fn open(world: &World, dir: &Path) -> Result<Store, StoreError> {
    let (genesis, changes) = (&world.genesis, &world.changes);
    let store = Store::open(
        dir,
        Durability::Power,
        MAP_BYTES,
        genesis,
        address(101),
        changes,
    )?;
    store.retain(Retention::Newest(KEPT));
    Ok(store)
}

/// The record stands beside the key, and that beside the data here.
fn guard(dir: &Path) -> PathBuf {
    key_guard_file(&dir.join("key"))
}

/// The script: a proposal or a prevote, a precommit with a lock, then the block, again and again.
/// `told` hears after each step.
fn work(world: &World, store: &Store, mut told: impl FnMut(&Store)) {
    told(store);
    let mut ledger = world.ledger(store);
    let mut nonces = [0u64; 21];
    for height in 1..=BLOCKS {
        let payers = if height % 4 == 2 { 20 } else { height % 3 };
        let pay = |from: u64| {
            let nonce = nonces[from as usize];
            nonces[from as usize] += 1;
            world.pay(from as u8, nonce, 2 + height as u8, 1)
        };
        let batch = world.next(&mut ledger, (1..=payers).map(pay).collect());
        let prevote = || record(world, VoteKind::Prevote, height, &batch.block);
        let first = if height % 2 == 0 {
            proposed(world, &batch.block)
        } else {
            prevote()
        };
        let second = record(world, VoteKind::Precommit, height, &batch.block);
        for persist in [first, second] {
            store.persist(&[persist]).unwrap();
            told(store);
        }
        store.commit_block(&batch).unwrap();
        ledger.committed(&batch);
        told(store);
    }
}

fn record(world: &World, kind: VoteKind, height: u64, block: &Arc<SealedBlock>) -> Persist {
    let lock = (kind == VoteKind::Precommit).then(|| LockRecord {
        height: Height(height),
        round: Round(0),
        block_id: block.id(),
        polka: PolkaCertificate {
            height: Height(height),
            round: Round(0),
            block_id: block.id(),
            valid_round: None,
            signers: world.certificate(block).signers.clone(),
            by_proposal: None,
        },
    });
    Persist {
        signed: SignedMessage::Vote(world.vote(kind, 101, height, 0, block)),
        block: lock.is_some().then(|| block.clone()),
        lock,
    }
}

fn proposed(world: &World, block: &Arc<SealedBlock>) -> Persist {
    let mut proposal = Proposal {
        height: block.height(),
        round: Round(0),
        block_id: block.id(),
        valid_round: None,
        proposer: address(101),
        signature: Signature(vec![]),
    };
    let bytes = proposal.sign_bytes(&world.rules.context);
    proposal.signature = Signature(signer(101).sign(&bytes).unwrap());
    Persist {
        signed: SignedMessage::Proposal(proposal),
        block: Some(block.clone()),
        lock: None,
    }
}

fn state(store: &Store) -> String {
    format!(
        "{:?} {:?} {:?}",
        store.head().unwrap(),
        store.recovery().unwrap(),
        pruning::kept(store)
    )
}

#[test]
#[ignore = "the child process of the test below"]
fn write_with_power() {
    let Ok(dir) = std::env::var(CHILD) else {
        return;
    };
    let (world, dir) = (World::new(7), PathBuf::from(dir));
    fs::create_dir(&dir).unwrap();
    begin_key_guard(&guard(&dir), address(101)).unwrap();
    let store = open(&world, &dir).unwrap();
    assert_eq!(signs(&store, &dir), Ok(()));
    let mut steps = 0u64;
    work(&world, &store, |_| {
        fs::write(dir.join("told"), steps.to_le_bytes()).unwrap();
        steps += 1;
    });
}

/// Whether this directory may sign with the key beside it.
fn signs(store: &Store, dir: &Path) -> Result<(), String> {
    match store.guard_key(&guard(dir), false).unwrap() {
        KeyUse::Signs(_) => Ok(()),
        KeyUse::Observes(reason) => Err(reason),
    }
}

/// One logged call.
struct Call {
    op: u8,
    file: u8,
    is_synced: bool,
    at: usize,
    bytes: Vec<u8>,
}

fn parse(log: &[u8]) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut rest = log;
    while let Some((head, tail)) = rest.split_first_chunk::<19>() {
        let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap()) as usize;
        let (bytes, tail) = tail.split_at(number(11));
        rest = tail;
        calls.push(Call {
            op: head[0],
            file: head[1],
            is_synced: head[2] == 1,
            at: number(3),
            bytes: bytes.to_vec(),
        });
    }
    calls
}

/// Compiles the shim and runs the script under it. `None` if there is no C compiler.
fn recorded(dir: &Path) -> Option<Vec<Call>> {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/state_store/tests/record_writes.c"
    );
    let shim = dir.join("shim.so");
    let log = dir.join("log");
    let data = dir.join("data");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([shim.as_os_str(), source.as_ref(), "-ldl".as_ref()])
        .status();
    if !compiled.ok()?.success() {
        return None;
    }
    let name = "state_store::tests::power_cut::write_with_power";
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--quiet"])
        .env(CHILD, &data)
        .env("LD_PRELOAD", &shim)
        .env("LOCKSTEP_WRITES", &log)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stdout)
    );
    Some(parse(&fs::read(&log).unwrap()))
}

fn random(seed: &mut u64, below: usize) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize % below
}

/// What a disk holds for certain, and what it may hold.
#[derive(Default)]
struct Disk {
    durable: BTreeMap<u8, Vec<u8>>,
    pending: Vec<(u8, usize, Vec<u8>)>,
}

impl Disk {
    fn apply(&mut self, call: &Call) {
        match call.op {
            b'w' if call.is_synced => write_at(&mut self.durable, call.file, call.at, &call.bytes),
            b'w' => self.pending.push((call.file, call.at, call.bytes.clone())),
            b't' => self
                .durable
                .entry(call.file)
                .or_default()
                .resize(call.at, 0),
            _ => {
                let durable = &mut self.durable;
                self.pending.retain(|(file, at, bytes)| {
                    let synced = *file == call.file;
                    if synced {
                        write_at(durable, *file, *at, bytes);
                    }
                    !synced
                });
            }
        }
    }

    /// The durable bytes and the pending pieces that `keeps` lets through.
    fn after_cut(&self, mut keeps: impl FnMut(usize) -> bool) -> BTreeMap<u8, Vec<u8>> {
        let mut files = self.durable.clone();
        for (index, (file, at, bytes)) in self.pending.iter().enumerate() {
            for (sector, piece) in bytes.chunks(SECTOR).enumerate() {
                if keeps(index) {
                    write_at(&mut files, *file, at + sector * SECTOR, piece);
                }
            }
        }
        files
    }
}

fn write_at(files: &mut BTreeMap<u8, Vec<u8>>, file: u8, at: usize, bytes: &[u8]) {
    let content = files.entry(file).or_default();
    content.resize(content.len().max(at + bytes.len()), 0);
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Judges each directory that a cut may leave.
struct Judge {
    world: World,
    states: Vec<String>,
    told: Option<usize>,
    checked: usize,
    old: usize,
    new: usize,
    before_the_first: usize,
    /// Neither the old state nor the new, nothing that opens, or nothing that may sign.
    wrong: Vec<String>,
}

impl Judge {
    fn judge(&mut self, files: &BTreeMap<u8, Vec<u8>>) {
        let dir = TempDir::new().unwrap();
        for (file, bytes) in files.iter().filter(|(file, _)| **file != TOLD) {
            fs::write(dir.path().join(FILES[usize::from(*file)]), bytes).unwrap();
        }
        self.checked += 1;
        let opened = open(&self.world, dir.path());
        let Some(told) = self.told else {
            // Nothing was told yet, so there is nothing to lose: it begins, or is refused.
            self.before_the_first += usize::from(opened.is_err_and(|e| e.exit_code() == 3));
            return;
        };
        let store = match opened {
            Ok(store) => store,
            Err(error) => return self.wrong.push(format!("after step {told}: {error}")),
        };
        let found = state(&store);
        match self.states[told..]
            .iter()
            .take(2)
            .position(|state| *state == found)
        {
            Some(0) => self.old += 1,
            Some(_) => self.new += 1,
            None => self.wrong.push(format!(
                "after step {told} there is neither the old nor the new: {found}"
            )),
        }
        if let Err(why) = signs(&store, dir.path()) {
            self.wrong.push(format!("after step {told}: {why}"));
        }
    }

    fn report(&self, calls: &[Call]) {
        let syncs = calls.iter().filter(|c| c.op == b's').count();
        let steps = self.states.len();
        println!(
            "{} crash states of {} recorded calls ({syncs} syncs, {steps} steps): {} old, {} new, {} \
             refused before the first step, {} wrong",
            self.checked,
            calls.len(),
            self.old,
            self.new,
            self.before_the_first,
            self.wrong.len()
        );
        assert_eq!(self.told, Some(steps - 1), "the whole script was recorded");
        assert!(syncs > steps && self.old > 0 && self.new > 0);
    }
}

/// `subsets`: random ones per moment. What the disk was told is first changed by `broken`. `None`
/// if there is no C compiler.
fn cut_everywhere(subsets: usize, broken: impl FnOnce(&mut Vec<Call>)) -> Option<Judge> {
    let dir = TempDir::new().unwrap();
    let Some(mut calls) = recorded(dir.path()) else {
        println!("skipped: there is no C compiler (cc) for the shim that records writes");
        return None;
    };
    broken(&mut calls);
    let world = World::new(7);
    let mut states = Vec::new();
    let twin = dir.path().join("twin");
    work(&world, &open(&world, &twin).unwrap(), |store| {
        states.push(state(store))
    });
    let mut judge = Judge {
        world,
        states,
        told: None,
        checked: 0,
        old: 0,
        new: 0,
        before_the_first: 0,
        wrong: Vec::new(),
    };
    let mut disk = Disk::default();
    let mut seed = 9u64;
    for call in &calls {
        if (call.op, call.file) == (b'w', TOLD) {
            let step: [u8; 8] = call.bytes[..].try_into().unwrap();
            judge.told = Some(u64::from_le_bytes(step) as usize);
            continue;
        }
        if call.file == TOLD {
            continue;
        }
        if call.is_synced {
            // The cut comes while it is written: any of its sectors may be there.
            let torn = Disk {
                durable: disk.durable.clone(),
                pending: vec![(call.file, call.at, call.bytes.clone())],
            };
            for _ in 0..subsets {
                judge.judge(&torn.after_cut(|_| random(&mut seed, 2) == 0));
            }
        }
        disk.apply(call);
        judge.judge(&disk.after_cut(|_| false));
        judge.judge(&disk.after_cut(|_| true));
        for _ in 0..subsets.min(disk.pending.len() * 2) {
            let prefix = random(&mut seed, disk.pending.len() + 1);
            judge.judge(&disk.after_cut(|index| index < prefix));
            judge.judge(&disk.after_cut(|_| random(&mut seed, 2) == 0));
        }
    }
    judge.report(&calls);
    Some(judge)
}

fn assert_nothing_is_wrong(subsets: usize) {
    let judge = cut_everywhere(subsets, |calls| {
        let guard = calls.iter().filter(|call| call.file == GUARD);
        assert!(guard.count() > 20, "the record beside the key is looked at");
    });
    if let Some(judge) = judge {
        assert_eq!(judge.wrong, [""; 0]);
    }
}

#[test]
fn a_power_cut_leaves_the_old_state_or_the_new_and_a_key_that_may_sign() {
    assert_nothing_is_wrong(2);
}

#[test]
#[ignore = "release tier: minutes"]
fn a_power_cut_leaves_the_old_state_or_the_new_in_many_more_ways() {
    assert_nothing_is_wrong(40);
}

/// Each time before the directory's own transaction is durable.
#[test]
fn a_record_beside_the_key_that_is_written_too_early_is_noticed() {
    let judge = cut_everywhere(1, |calls| {
        for at in 1..calls.len() {
            let is_note = calls[at].file == GUARD && calls[at].op == b'w';
            let began = calls[..at].iter().rposition(|call| call.file == TOLD);
            if let (true, Some(began)) = (is_note, began) {
                let note = calls.remove(at);
                calls.insert(began + 1, note);
            }
        }
    });
    let is_noticed = |judge: Judge| judge.wrong.iter().any(|why| why.contains("older"));
    assert!(judge.is_none_or(is_noticed));
}

/// A step earlier than it is durable: the first message of each height in which this is the
/// proposer.
#[test]
fn a_signed_proposal_that_is_told_before_it_is_durable_is_noticed() {
    let judge = cut_everywhere(1, |calls| {
        for call in calls.iter_mut().filter(|call| call.file == TOLD) {
            let Ok(step) = <[u8; 8]>::try_from(&call.bytes[..]) else {
                continue;
            };
            let step = u64::from_le_bytes(step);
            if step % 6 == 3 {
                call.bytes = (step + 1).to_le_bytes().to_vec();
            }
        }
    });
    if let Some(judge) = judge {
        for height in (2..=BLOCKS).step_by(2) {
            let lost = format!("after step {} there is neither", 3 * height - 2);
            assert!(judge.wrong.iter().any(|why| why.starts_with(&lost)));
        }
    }
}
