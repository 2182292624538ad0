//! P10: mutated bytes into every decoder and into both listeners. None panics, none makes a decoder
//! allocate more than twice what it may read at once, nor hold in sum more than its stated multiple of
//! what it did read, and what is accepted re-encodes to itself. Frames, pipelines and batches are read
//! as another reader reads them, however they are cut.
#![allow(unsafe_code)] // a counting allocator is an allocator
use lockstep_devnet::Devnet;
use lockstep_protocol::codec;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::wire::{TRANSACTIONS_BATCH_MAX, Wire};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use support::{PATIENCE, get};

#[allow(unreachable_pub)]
#[path = "../../fuzz/src/brains.rs"]
mod brains;
#[allow(unreachable_pub)] // public in the fuzz package
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/targets.rs"]
mod targets;

use brains::BRAINS;
use mutate::Mutator;
use targets::{TARGETS, Target};

thread_local! {
    /// The largest allocation of this thread since it was set to 0.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    /// What this thread has allocated and not freed since it was set to 0.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most of it at any time.
    static MOST_HELD: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; only its size is noted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        hold(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        hold(size as isize - layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn note(size: usize) {
    // A thread that ends has nothing to note any more.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

fn hold(bytes: isize) {
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = MOST_HELD.try_with(|most| most.set(most.get().max(held.get())));
    });
}

/// What one input has cost.
#[derive(Clone, Copy, Default)]
struct Cost {
    largest: usize,
    held: usize,
}

/// Runs a target on one input.
fn weigh(target: &Target, input: &[u8]) -> (bool, Cost) {
    LARGEST.set(0);
    HELD.set(0);
    MOST_HELD.set(0);
    let accepted = (target.run)(input);
    let cost = Cost {
        largest: LARGEST.get(),
        held: usize::try_from(MOST_HELD.get()).expect("at least nothing"),
    };
    (accepted, cost)
}

/// What a target may hold for one input, all allocations together.
fn held_max(target: &Target, input: &[u8]) -> usize {
    target.free + target.times * input.len()
}

fn judge(target: &Target, input: &[u8], cost: Cost) -> Result<(), String> {
    let (largest, held) = (cost.largest, cost.held);
    if largest > target.at_once {
        return Err(format!("{}: {largest} bytes at once", target.name));
    }
    if held > held_max(target, input) {
        let read = input.len();
        return Err(format!("{}: {held} bytes for {read}", target.name));
    }
    Ok(())
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{dir:?}: {error}"));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path| std::fs::read(path).expect("it reads");
    paths.into_iter().map(read).collect()
}

/// Runs `count` mutated inputs; returns how many were accepted, and the most that one has cost: at
/// once, in sum, and in sum beyond the bytes that are free for each byte that it was long.
fn run(target: &Target, count: usize, seed: u64) -> (usize, Cost, f64) {
    let seeds = corpus(target.name);
    let good = seeds.iter().filter(|bytes| (target.run)(bytes)).count();
    // Of a brain, what it refuses is worth keeping, too.
    let is_brain = BRAINS.iter().any(|brain| brain.name == target.name);
    let is_good = good == seeds.len() || (is_brain && good > 0);
    assert!(is_good, "the corpus of {} is good", target.name);
    let mut mutator = Mutator::new(seeds, seed);
    let mut accepted = 0;
    let mut most = Cost::default();
    let mut times = 0f64;
    for _ in 0..count {
        let input = mutator.next_input(target.limit);
        let (is_good, cost) = weigh(target, &input);
        accepted += usize::from(is_good);
        judge(target, &input, cost).unwrap_or_else(|why| panic!("{why}"));
        most.largest = most.largest.max(cost.largest);
        most.held = most.held.max(cost.held);
        let beyond = cost.held.saturating_sub(target.free) as f64;
        times = times.max(beyond / input.len().max(1) as f64);
    }
    (accepted, most, times)
}

fn all<const N: usize>(targets: [Target; N], count: usize, seed: u64) {
    std::thread::scope(|scope| {
        let runs = targets.map(|target| (target, scope.spawn(move || run(&target, count, seed))));
        for (target, run) in runs {
            let (accepted, most, times) = run.join().expect("it does not panic");
            println!(
                "P10 {:<15} {count} inputs, {accepted} accepted, largest allocation {} of {}, \
                 most held {}, × {times:.2} of × {}",
                target.name, most.largest, target.at_once, most.held, target.times
            );
        }
    });
}

/// A decoder that is added without a target would be the one that nobody fuzzes.
#[test]
fn every_decoder_of_the_wire_is_in_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("it reads");
    let (wire, targets) = (read("protocol/src/wire.rs"), read("fuzz/src/targets.rs"));
    // Some are functions, others rows of a table.
    let words = wire.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let decoders = words.filter_map(|word| word.strip_prefix("decode_"));
    let decoders: BTreeSet<&str> = decoders.collect();
    assert!(decoders.len() >= 18, "{decoders:?}");
    for name in decoders {
        assert!(targets.contains(&format!(".decode_{name}(")), "{name}");
    }
}

#[test]
fn every_target_is_one_of_libfuzzer_too() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let read = |path: &str| std::fs::read_to_string(fuzz.join(path)).expect(path);
    let manifest = read("Cargo.toml");
    let decoders = TARGETS.map(|target| ("targets", target.name));
    let brains = BRAINS.map(|target| ("brains", target.name));
    for (module, name) in decoders.into_iter().chain(brains) {
        let path = format!("fuzz_targets/{name}.rs");
        let call = format!("{module}::{name}(");
        assert!(read(&path).contains(&call), "{path}");
        assert!(manifest.contains(&format!("path = \"{path}\"")), "{path}");
    }
}

#[test]
fn a_hundred_thousand_mutated_inputs_panic_no_decoder_and_are_canonical_if_accepted() {
    all(TARGETS, 100_000, 1);
}

#[test]
#[ignore = "the release tier: a million inputs for each decoder"]
fn a_million_mutated_inputs_panic_no_decoder_and_are_canonical_if_accepted() {
    all(TARGETS, 1_000_000, 2);
}

#[test]
fn ten_thousand_mutated_inputs_are_read_alike_by_each_brain_and_by_another_reader() {
    all(BRAINS, 10_000, 5);
}

#[test]
#[ignore = "the release tier"]
fn a_hundred_thousand_mutated_inputs_are_read_alike_by_each_brain_and_by_another_reader() {
    all(BRAINS, 100_000, 6);
}

/// Lists that claim to be as long as a number can say, at every place where a number stands.
#[test]
fn a_length_that_lies_allocates_no_more_than_its_message_may_be_long() {
    for target in TARGETS.iter().filter(|target| target.name != "handshake") {
        for seed in corpus(target.name) {
            for at in 0..seed.len().saturating_sub(4) {
                for claim in [u32::MAX, i32::MAX as u32, 1 << 24] {
                    let mut bytes = seed.clone();
                    bytes[at..at + 4].copy_from_slice(&claim.to_le_bytes());
                    let (_, cost) = weigh(target, &bytes);
                    let judged = judge(target, &bytes, cost);
                    judged.unwrap_or_else(|why| panic!("at {at}: {why}"));
                }
            }
        }
    }
}

/// As many of the shortest transactions as a message may hold: what each is in memory, beside the
/// bytes that it came in, counts as often.
#[test]
fn the_longest_lists_of_the_shortest_transactions_hold_what_their_decoders_state() {
    let shortest = Transaction {
        sender: Address([1; 20]),
        public_key: None,
        body: TransactionBody {
            nonce: 0,
            fee: 0,
            expires_at: Height(1),
            action: Action::Delete { key: Vec::new() },
        },
        signature: Signature(Vec::new()),
    };
    let wire = Wire::new(Hash([0x9e; 32]));
    let many = |limit: usize| vec![shortest.clone(); (limit - 64) / shortest.bytes()];
    for target in TARGETS {
        let input = match target.name {
            "transactions" => {
                let many = many(target.limit);
                let most = &many[..TRANSACTIONS_BATCH_MAX];
                let many: Vec<_> = most.iter().map(codec::encode).collect();
                wire.encode_transactions(&many)
            }
            "fetched" => wire.encode_fetched(&many(target.limit).iter().collect::<Vec<_>>()),
            _ => continue,
        };
        let (accepted, cost) = weigh(&target, &input);
        println!(
            "P10 {:<15} {} bytes, accepted: {accepted}, largest allocation {}, held {}, × {:.2}",
            target.name,
            input.len(),
            cost.largest,
            cost.held,
            cost.held as f64 / input.len() as f64
        );
        assert!(accepted && cost.held <= held_max(&target, &input));
    }
}

/// Many small pieces, none of them large: what is bounded is their sum.
#[test]
fn a_decoder_that_hoards_small_pieces_is_noticed() {
    fn hoards(bytes: &[u8]) -> bool {
        let pieces: Vec<Box<[u8]>> = bytes.iter().map(|_| vec![0; 512].into()).collect();
        drop(pieces);
        false
    }
    let hoarder = Target {
        name: "hoarder",
        limit: 8_192,
        at_once: 2 * 8_192,
        free: 16 * 1024,
        times: 8,
        run: hoards,
    };
    let input = [7; 1_000];
    let (_, cost) = weigh(&hoarder, &input);
    assert!(cost.largest <= 2 * hoarder.limit, "no piece is too large");
    let why = judge(&hoarder, &input, cost).expect_err("the sum is");
    assert!(why.contains("for 1000"), "{why}");
}

/// What anybody may write into a socket.
fn requests() -> Vec<Vec<u8>> {
    let post = |path: &str, body: &[u8]| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}",
            body.len()
        );
        [head.as_bytes(), b"\r\n\r\n", body].concat()
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes();
    let chunked =
        b"POST /consensus/vote HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n\
                    5\r\nhello\r\n0\r\n\r\n";
    let paths = [
        "/status",
        "/metrics",
        "/actors",
        "/blocks/1",
        "/blocks/latest",
        "/readyz?verbose",
        "/handshake",
        "/sync/blocks?from=1&limit=2",
        "/validators",
        "/livez",
        "/accounts/0x0000000000000000000000000000000000000000",
    ];
    let mut requests: Vec<_> = paths.into_iter().map(get).collect();
    requests.push(chunked.to_vec());
    requests.push([get("/livez"), get("/status"), get("/livez")].concat());
    for (path, target) in [
        ("/consensus/vote", "vote"),
        ("/consensus/proposal", "proposal"),
        ("/consensus/evidence", "evidence_message"),
        ("/consensus/compact", "compact"),
        ("/consensus/transactions", "missing"),
        ("/consensus/pull", "pull"),
        ("/transactions", "transaction"),
    ] {
        requests.extend(corpus(target).iter().map(|body| post(path, body)));
    }
    requests
}

/// Writes the bytes, and reads whatever comes until the node has nothing more to say.
fn throw(url: &str, bytes: &[u8]) -> usize {
    let address = url.strip_prefix("http://").expect("an http url");
    let mut stream = TcpStream::connect(address).expect("the node listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The node may close before it has read them all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer.len()
}

fn throw_at_both_listeners(count: usize, seed: u64) {
    let devnet = Devnet::builder().validators(1).manual(true).boot();
    let devnet = devnet.expect("it boots");
    devnet.tick().expect("a block comes");
    let (url, peer_url) = (&devnet.urls()[0], &devnet.peer_urls()[0]);
    let mut mutator = Mutator::new(requests(), seed);
    let answered = (0..count).filter(|number| {
        let input = mutator.next_input(64 * 1024);
        throw([url, peer_url][number % 2], &input) > 0
    });
    println!(
        "P10 http            {count} inputs, {} answered",
        answered.count()
    );
    for row in get(url, "/actors").json().as_array().expect("a list") {
        assert_eq!(
            (&row["panics"], &row["state"]),
            (&0.into(), &"running".into()),
            "{row}"
        );
    }
    devnet.tick().expect("the chain goes on");
}

#[test]
fn mutated_requests_fell_no_actor() {
    throw_at_both_listeners(10_000, 3);
}

#[test]
#[ignore = "the release tier"]
fn a_hundred_thousand_mutated_requests_fell_no_actor() {
    throw_at_both_listeners(100_000, 4);
}
