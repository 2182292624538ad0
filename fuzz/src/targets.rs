//! What is fuzzed: every decoder that meets bytes from outside. A target takes any bytes; it must
//! not panic, and what it accepts must have exactly one spelling: these bytes.
//!
//! Shared by the fuzzer (`fuzz/fuzz_targets`), by the runner on stable (`fuzz/src/bin/run.rs`) and
//! by the commit tier (`tests/mutated`).
use lockstep_actors::peers::Handshake;
use lockstep_protocol::codec;
use lockstep_protocol::limits::{
    CERTIFICATE_BYTES_MAX, EVIDENCE_MESSAGE_BYTES_MAX, FETCHED_BYTES_MAX, LIGHT_BLOCK_BYTES_MAX,
    MISSING_BYTES_MAX, PROPOSAL_BYTES_MAX, PROPOSAL_HEAD_BYTES_MAX, PROVED_RECORD_BYTES_MAX,
    PULL_BYTES_MAX, PULLED_BYTES_MAX, QUESTION_BYTES_MAX, SNAPSHOT_RECORD_BYTES_MAX,
    STATEMENT_BYTES_MAX, SYNC_BYTES_MAX, TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX,
};
use lockstep_protocol::nouns::commit::{CommitCertificate, PolkaCertificate};
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::proofs::inclusion::{ReceiptProof, TransactionProof};
use lockstep_protocol::proofs::snapshot::{SnapshotPart, decode_opening, encode_opening};
use lockstep_protocol::types::Hash;
use lockstep_protocol::wire::{TRANSACTIONS_BYTES_MAX, Wire};

/// A handshake is read up to this size (`HANDSHAKE_BYTES_MAX`).
const HANDSHAKE_BYTES_MAX: usize = 4_096;
/// Evidence is two votes or two proposals.
const EVIDENCE_BYTES_MAX: usize = 4 * VOTE_BYTES_MAX;
/// Version and genesis hash, before every message.
const ENVELOPE_BYTES: usize = 34;
/// A genesis is read from the operator's own disk; the bound is the test's.
const GENESIS_BYTES_MAX: usize = 1 << 20;

/// What a decoder may hold however short its input is: a list that claims to be long gets room for
/// 4 KiB, and so do those inside of it.
const HELD_FREE_BYTES: usize = 16 * 1024;

/// One decoder.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// The longest input that the node gives it, in bytes.
    pub limit: usize,
    /// The largest allocation that it may make, in bytes.
    pub at_once: usize,
    /// What it may hold at any time however short its input is, all allocations together, in bytes.
    pub free: usize,
    /// What it may hold beyond that, as a multiple of its input: what it decodes, and what this target
    /// encodes again of that.
    pub times: usize,
    /// Reads the bytes; true if they were accepted.
    pub run: fn(&[u8]) -> bool,
}

/// All decoders.
pub const TARGETS: [Target; 21] = [
    target("vote", VOTE_BYTES_MAX, 4, vote),
    target("proposal", PROPOSAL_BYTES_MAX, 8, proposal),
    target("proposal_head", PROPOSAL_HEAD_BYTES_MAX, 4, proposal_head),
    target("compact", PROPOSAL_BYTES_MAX, 8, compact),
    target("missing", MISSING_BYTES_MAX, 4, missing),
    target("fetched", FETCHED_BYTES_MAX, 8, fetched),
    target("pull", PULL_BYTES_MAX, 4, pull),
    target("pulled", PULLED_BYTES_MAX, 8, pulled),
    target("question", QUESTION_BYTES_MAX, 4, question),
    target("statement", STATEMENT_BYTES_MAX, 4, statement),
    target("decided_blocks", SYNC_BYTES_MAX, 8, decided_blocks),
    target("certificates", CERTIFICATE_BYTES_MAX, 4, certificates),
    target("evidence", EVIDENCE_BYTES_MAX, 4, evidence),
    target(
        "evidence_message",
        EVIDENCE_MESSAGE_BYTES_MAX,
        4,
        evidence_message,
    ),
    target("transaction", TRANSACTION_BYTES_MAX, 4, transaction),
    target("transactions", TRANSACTIONS_BYTES_MAX, 8, transactions),
    target("light_block", LIGHT_BLOCK_BYTES_MAX, 4, light_block),
    target("proofs", PROVED_RECORD_BYTES_MAX, 4, proofs),
    target("snapshot", SNAPSHOT_RECORD_BYTES_MAX, 8, snapshot),
    target("genesis", GENESIS_BYTES_MAX, 8, genesis),
    target("handshake", HANDSHAKE_BYTES_MAX, 4, handshake),
];

const fn target(name: &'static str, limit: usize, times: usize, run: fn(&[u8]) -> bool) -> Target {
    Target {
        name,
        limit,
        at_once: 2 * limit,
        free: HELD_FREE_BYTES,
        times,
        run,
    }
}

/// The chain of the golden nouns.
fn wire() -> Wire {
    Wire::new(Hash([0x9e; 32]))
}

fn same(bytes: &[u8], again: &[u8]) -> bool {
    assert!(bytes == again, "accepted, but not canonical");
    true
}

macro_rules! noun {
    ($type:ty, $bytes:expr, $limit:expr) => {
        codec::decode::<$type>("noun", $bytes, $limit)
            .is_ok_and(|value| same($bytes, &codec::encode(&value)))
    };
}

/// `POST /consensus/vote`.
pub fn vote(bytes: &[u8]) -> bool {
    let vote = wire().decode_vote(bytes);
    vote.is_ok_and(|vote| same(bytes, &wire().encode_vote(&vote)))
}

/// `POST /consensus/proposal`: its head, and the whole.
pub fn proposal(bytes: &[u8]) -> bool {
    let head = wire().decode_proposal_head(bytes);
    wire().decode_proposal(bytes).is_ok_and(|message| {
        assert_eq!(
            head.as_ref(),
            Ok(&message.proposal),
            "the head is that of the whole"
        );
        same(bytes, &wire().encode_proposal(&message))
    })
}

/// The beginning of a proposal that is still coming: its signed part, which is read alone. It is
/// the same however much of the rest has come.
pub fn proposal_head(bytes: &[u8]) -> bool {
    wire().decode_proposal_head(bytes).is_ok_and(|head| {
        let signed = codec::encode(&head);
        let end = ENVELOPE_BYTES + signed.len();
        let exact = wire().decode_proposal_head(&bytes[..end]);
        assert_eq!(exact.as_ref(), Ok(&head), "what follows changes nothing");
        same(&bytes[ENVELOPE_BYTES..end], &signed)
    })
}

/// `POST /consensus/compact`: its head, the whole, and what is put together of it.
pub fn compact(bytes: &[u8]) -> bool {
    let head = wire().decode_proposal_head(bytes);
    wire().decode_compact(bytes).is_ok_and(|message| {
        assert_eq!(head.as_ref(), Ok(&message.proposal));
        let canonical = same(bytes, &wire().encode_compact(&message));
        if let Ok(assembly) = wire().decode_assembly(bytes) {
            let sealed = assembly.seal();
            let whole = sealed.is_none_or(|sealed| sealed.block.block().body_matches_header());
            assert!(whole, "only the block that the id names is put together");
        }
        canonical
    })
}

/// `POST /consensus/transactions`.
pub fn missing(bytes: &[u8]) -> bool {
    let missing = wire().decode_wanted(bytes);
    missing.is_ok_and(|missing| same(bytes, &wire().encode_wanted(&missing)))
}

/// The answer to it.
pub fn fetched(bytes: &[u8]) -> bool {
    let fetched = wire().decode_fetched(bytes);
    fetched.is_ok_and(|fetched| {
        let fetched: Vec<_> = fetched.iter().collect();
        same(bytes, &wire().encode_fetched(&fetched))
    })
}

/// `POST /consensus/pull`: anybody may ask. Its form is judged before it is looked at.
pub fn pull(bytes: &[u8]) -> bool {
    wire().decode_pull(bytes).is_ok_and(|pull| {
        for validators in [None, Some(4)] {
            pull.is_well_formed(validators);
        }
        same(bytes, &wire().encode_pull(&pull))
    })
}

/// The answer to it.
pub fn pulled(bytes: &[u8]) -> bool {
    let pulled = wire().decode_pulled(bytes);
    pulled.is_ok_and(|pulled| same(bytes, &wire().encode_pulled(&pulled)))
}

/// `POST /consensus/standing`: the question of a validator that has just started.
pub fn question(bytes: &[u8]) -> bool {
    let question = wire().decode_question(bytes);
    question.is_ok_and(|question| same(bytes, &wire().encode_question(&question)))
}

/// The answer to it.
pub fn statement(bytes: &[u8]) -> bool {
    let statement = wire().decode_statement(bytes);
    statement.is_ok_and(|statement| same(bytes, &wire().encode_statement(&statement)))
}

/// The answer to `GET /sync/blocks`.
pub fn decided_blocks(bytes: &[u8]) -> bool {
    let blocks = wire().decode_blocks(bytes);
    blocks.is_ok_and(|blocks| same(bytes, &wire().encode_blocks(&blocks)))
}

/// Commit and polka certificates, inside of blocks and proposals.
pub fn certificates(bytes: &[u8]) -> bool {
    let commit = noun!(CommitCertificate, bytes, CERTIFICATE_BYTES_MAX);
    let polka = noun!(PolkaCertificate, bytes, CERTIFICATE_BYTES_MAX);
    commit || polka
}

/// Evidence.
pub fn evidence(bytes: &[u8]) -> bool {
    noun!(Evidence, bytes, EVIDENCE_BYTES_MAX)
}

/// `POST /consensus/evidence`.
pub fn evidence_message(bytes: &[u8]) -> bool {
    let told = wire().decode_evidence(bytes);
    told.is_ok_and(|evidence| same(bytes, &wire().encode_evidence(&evidence)))
}

/// `POST /mempool/transactions`: a batch.
pub fn transactions(bytes: &[u8]) -> bool {
    wire().decode_transactions(bytes).is_ok_and(|batch| {
        let batch: Vec<Vec<u8>> = batch.iter().map(codec::encode).collect();
        same(bytes, &wire().encode_transactions(&batch))
    })
}

/// The answer to `GET /light/blocks/{height}`.
pub fn light_block(bytes: &[u8]) -> bool {
    let shown = wire().decode_light_block(bytes);
    shown.is_ok_and(|shown| same(bytes, &wire().encode_light_block(&shown)))
}

/// What a server proves: the answers to `GET /light/accounts/…`, `…/records/…` and
/// `…/applications/…`, and that a block has a transaction or a receipt.
pub fn proofs(bytes: &[u8]) -> bool {
    let account = wire().decode_proved_account(bytes);
    let account = account.is_ok_and(|proved| same(bytes, &wire().encode_proved_account(&proved)));
    let record = wire().decode_proved_record(bytes);
    let record = record.is_ok_and(|proved| same(bytes, &wire().encode_proved_record(&proved)));
    let transaction = noun!(TransactionProof, bytes, PROVED_RECORD_BYTES_MAX);
    let receipt = noun!(ReceiptProof, bytes, PROVED_RECORD_BYTES_MAX);
    let held = wire().decode_proved_application(bytes);
    let held = held.is_ok_and(|proved| same(bytes, &wire().encode_proved_application(&proved)));
    account || record || transaction || receipt || held
}

/// `POST /transactions`.
pub fn transaction(bytes: &[u8]) -> bool {
    let transaction = wire().decode_transaction(bytes);
    transaction.is_ok_and(|transaction| same(bytes, &wire().encode_transaction(&transaction)))
}

/// A file that somebody has handed on: how it begins, and each record of it.
pub fn snapshot(bytes: &[u8]) -> bool {
    let opening = decode_opening(bytes);
    let opening = opening.is_ok_and(|genesis| same(bytes, &encode_opening(&genesis)));
    opening || noun!(SnapshotPart, bytes, SNAPSHOT_RECORD_BYTES_MAX)
}

/// A genesis, and the chain it would begin.
pub fn genesis(bytes: &[u8]) -> bool {
    noun!(Genesis, bytes, GENESIS_BYTES_MAX)
}

/// The answer to `GET /handshake`: JSON, so what is read must be read again from what is written.
pub fn handshake(bytes: &[u8]) -> bool {
    let Ok(handshake) = serde_json::from_slice::<Handshake>(bytes) else {
        return false;
    };
    let text = serde_json::to_string(&handshake).expect("it is written");
    let again: Handshake = serde_json::from_str(&text).expect("and read again");
    assert_eq!(again, handshake);
    true
}
