//! P9: flipped bits in the data file. Each flip on a copy is reported at start or by `verify`, or
//! changes no answer. Checked in a child process, because rot that reaches LMDB may kill it.
use super::evidence_tables::{double, fork_of, grow_accusing};
use super::*;
use lockstep_protocol::nouns::evidence::Evidence;
use std::fmt::Debug;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const BLOCKS: u64 = 60;
const CHILD: &str = "LOCKSTEP_ROT_DIR";

/// Blocks that take overflow pages, small ones, some that carry evidence, old state that was deleted,
/// evidence that waits, the proof of a fork, and an own vote.
fn grow_chain(world: &World, store: &Store) {
    let mut ledger = world.ledger(store);
    let mut nonces = [0u64; 21];
    let double = |number, round| double(world, &mut world.ledger(store), number, round);
    let carried: Vec<Evidence> = (0..6).map(|round| double(102, round)).collect();
    let waiting: Vec<Evidence> = (0..3).map(|round| double(103, round)).collect();
    let fork = fork_of(world, &mut ledger);
    for height in 0..BLOCKS {
        if let Some(evidence) = carried.get(height as usize / 9).filter(|_| height % 9 == 4) {
            grow_accusing(world, store, &mut ledger, vec![evidence.clone()]);
            continue;
        }
        let payers = if height % 9 == 2 { 20 } else { height % 3 };
        let pay = |from: u64| {
            let (from, nonce) = (from as u8, nonces[from as usize]);
            nonces[usize::from(from)] += 1;
            world.pay(from, nonce, 1 + (height % 40) as u8, 1)
        };
        let payments = (1..=payers).map(pay).collect();
        world.grow(store, &mut ledger, payments);
    }
    let block = world.next(&mut ledger, vec![]).block.clone();
    let vote = world.vote(VoteKind::Prevote, 101, BLOCKS + 1, 0, &block);
    let signed = lockstep_protocol::consensus::durable::SignedMessage::Vote(vote);
    let lock = None;
    let block = Some(block);
    let persist = lockstep_protocol::consensus::durable::Persist {
        signed,
        lock,
        block,
    };
    store.persist(&[persist]).unwrap();
    for evidence in &waiting {
        store.keep_evidence(evidence, &[]).unwrap();
    }
    store.keep_fork(&fork).unwrap();
}

/// Every answer that the store gives, as one hash; an error is an answer of its own.
fn answers(store: &Store) -> Result<Hash, StoreError> {
    use lockstep_protocol::ledger::account;
    fn text(value: impl Debug) -> String {
        format!("{value:?}")
    }
    let mut all = vec![text(store.head()?), text(store.recovery()?)];
    for height in (0..=BLOCKS + 1).map(Height) {
        all.push(text(store.block(height)?));
        all.push(text(store.certificate(height)?));
        all.push(text(store.receipts(height)?));
    }
    all.push(text(store.committed_evidence(99)?));
    all.push(text(store.pending_evidence(99)?));
    all.push(text(store.forks()?));
    for number in 1..=60 {
        let found = account(store, &address(number));
        all.push(text(
            found.map_err(|error| StoreError::corrupt(error.to_string()))?,
        ));
    }
    Ok(Hash::of(&[all.concat().as_bytes()]))
}

/// What start, reads and `verify` say of a directory: one line.
fn judgement(world: &World, dir: &Path) -> String {
    let store = match world.open(dir, address(101)) {
        Ok(store) => store,
        Err(error) => return format!("start {}", error.exit_code()),
    };
    let answers = answers(&store);
    drop(store);
    match (
        verify(dir, &world.genesis, &world.rules, |_, _| {}),
        answers,
    ) {
        (Err(error), _) => format!("verify {}", error.exit_code()),
        (Ok(_), Err(error)) => format!("read {}", error.exit_code()),
        (Ok(_), Ok(answers)) => format!("same {answers}"),
    }
}

/// The child: for each line on stdin, one line on stdout.
#[test]
#[ignore = "the child process of the tests below"]
fn judge_directories() {
    let Ok(dir) = std::env::var(CHILD) else {
        return;
    };
    let world = World::new(7);
    for line in std::io::stdin().lines() {
        drop(line.unwrap());
        let judgement = judgement(&world, Path::new(&dir));
        // Past the harness, which keeps what is printed.
        #[expect(clippy::disallowed_methods, reason = "a test's own words")]
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n>{judgement}").unwrap();
        out.flush().unwrap();
    }
}

/// A child that judges one directory again and again; a new one after it was killed.
struct Judge {
    child: Child,
    ask: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Judge {
    fn start(dir: &Path) -> Judge {
        let name = "state_store::tests::rot::judge_directories";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture", "--quiet"])
            .env(CHILD, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ask = child.stdin.take().unwrap();
        let hear = BufReader::new(child.stdout.take().unwrap());
        Judge { child, ask, hear }
    }

    /// `None` if it was killed by a signal.
    fn judge(&mut self) -> Option<String> {
        let _ = self.ask.write_all(b"judge\n");
        let lines = self.hear.by_ref().lines().map_while(Result::ok);
        lines
            .filter_map(|line| line.strip_prefix('>').map(str::to_owned))
            .next()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug, Default)]
struct Counts {
    at_start: usize,
    by_verify: usize,
    by_reads_only: usize,
    by_a_crash: usize,
    without_effect: usize,
    silent: usize,
}

/// Flips `flips` bits, one at a time, spread over the file and both meta pages.
fn flip(flips: usize) -> Counts {
    let (world, dir, store) = opened();
    grow_chain(&world, &store);
    let right = format!("same {}", answers(&store).unwrap());
    drop(store);
    let files = ["data.mdb", "mark"].map(|name| dir.path().join(name));
    let whole = files.clone().map(|path| fs::read(path).unwrap());
    let mut judge = Judge::start(dir.path());
    let mut counts = Counts::default();
    let mut seed = 42u64;
    for count in 0..flips {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Every eighth hits what decides most: the used bytes of the two meta pages.
        let at = match (count % 8, (seed >> 16) as usize) {
            (0, random) => (random % 2) * 4_096 + (random / 2) % 152,
            (_, random) => random % whole[0].len(),
        };
        let bit = 1u8 << ((seed >> 60) % 8);
        for (path, bytes) in files.iter().zip(&whole) {
            fs::write(path, bytes).unwrap();
        }
        let file = fs::OpenOptions::new().write(true).open(&files[0]).unwrap();
        file.write_at(&[whole[0][at] ^ bit], at as u64).unwrap();
        match judge.judge().as_deref() {
            None => {
                counts.by_a_crash += 1;
                println!("byte {at} bit {bit:#04x}: the process was killed");
                judge = Judge::start(dir.path());
            }
            Some(same) if same == right => counts.without_effect += 1,
            Some(found) if found.starts_with("start ") => counts.at_start += 1,
            Some("verify 3") => counts.by_verify += 1,
            Some(found) if found.starts_with("read ") => {
                counts.by_reads_only += 1;
                println!("byte {at} bit {bit:#04x}: {found}");
            }
            Some(other) => {
                counts.silent += 1;
                println!("byte {at} bit {bit:#04x}: {other}");
            }
        }
    }
    println!("{flips} flipped bits: {counts:?}");
    counts
}

fn assert_found(counts: &Counts) {
    assert_eq!(counts.silent, 0, "{counts:?}");
    assert_eq!(counts.by_a_crash, 0, "{counts:?}");
    // What a read meets, `verify` has found before.
    assert_eq!(counts.by_reads_only, 0, "{counts:?}");
    assert!(counts.at_start > 0, "{counts:?}");
}

#[test]
fn no_flipped_bit_is_a_silent_wrong_answer() {
    assert_found(&flip(400));
}

#[test]
#[ignore = "release tier: some minutes"]
fn none_of_ten_thousand_flipped_bits_is_a_silent_wrong_answer() {
    assert_found(&flip(10_000));
}
