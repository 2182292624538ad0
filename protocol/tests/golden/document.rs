//! The figures in `docs/protocol.md` are those of the code.
use lockstep_protocol::wire::PROTOCOL_VERSION;

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// As people write it: 12,288.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// By its name and what it is.
fn limits() -> Vec<(&'static str, u64)> {
    macro_rules! named {
        ($($limit:ident)*) => {
            vec![$((
                stringify!($limit),
                u64::try_from(lockstep_protocol::limits::$limit).unwrap(),
            )),*]
        };
    }
    let mut limits = named! {
        SIGNATURE_BYTES_MAX TRANSACTION_BYTES_MAX TRANSACTIONS_BYTES_MAX TRANSACTIONS_BATCH_MAX MEMO_BYTES_MAX
        RECORD_KEY_BYTES_MAX RECORD_VALUE_BYTES_MAX EXPIRY_HEIGHTS_MAX VALIDATORS_MAX
        VALIDATOR_SETS_KEPT_MAX VOTE_AGE_HEIGHTS_MAX READY_AGE_HEIGHTS_MAX CERTIFICATE_BYTES_MAX
        EVIDENCE_BYTES_MAX EVIDENCE_MESSAGE_BYTES_MAX EVIDENCE_PER_BLOCK_MAX
        EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX EVIDENCE_PER_VALIDATOR_MAX EVIDENCE_AGE_MAX
        BLOCK_TRANSACTION_BYTES_MAX BLOCK_TRANSACTIONS_MAX BLOCK_EVIDENCE_BYTES_MAX BLOCK_BYTES_MAX
        PROPOSAL_BYTES_MAX PROPOSAL_HEAD_BYTES_MAX VOTE_BYTES_MAX QUESTION_BYTES_MAX
        STATEMENT_BYTES_MAX MISSING_BYTES_MAX FETCHED_BYTES_MAX PULL_BYTES_MAX PULLED_BYTES_MAX
        PULL_ROUNDS_MAX PULL_VALUES_MAX PROPOSALS_PER_ROUND_MAX PULL_PROPOSALS_MAX PULL_VOTES_MAX
        SYNC_BLOCKS_MAX SYNC_BYTES_MAX LIGHT_BLOCK_BYTES_MAX PROVED_ACCOUNT_BYTES_MAX
        PROVED_RECORD_BYTES_MAX PROVED_APPLICATION_BYTES_MAX SNAPSHOT_LEAVES_BYTES_MAX SNAPSHOT_RECORD_BYTES_MAX CLOCK_DRIFT_MS
    };
    macro_rules! of_applications {
        ($($limit:ident)*) => {
            [$((
                stringify!($limit),
                u64::try_from(lockstep_protocol::application::limits::$limit).unwrap(),
            )),*]
        };
    }
    limits.extend(of_applications! {
        APPLICATION_NAME_BYTES_MAX APPLICATIONS_MAX APPLICATION_GENESIS_BYTES_MAX
        CALL_DATA_BYTES_MAX CALL_WORK_MAX STATE_KEY_BYTES_MAX STATE_VALUE_BYTES_MAX EVENTS_MAX
        EVENT_DATA_BYTES_MAX EVENTS_BYTES_MAX
    });
    let ahead = lockstep_protocol::ledger::limits::NONCES_AHEAD_MAX;
    limits.push(("NONCES_AHEAD_MAX", ahead));
    limits
}

#[test]
fn the_limits_in_the_document_are_those_of_the_code() {
    let limits = limits();
    for (name, limit) in &limits {
        let row = format!("| `{name}` | {} |\n", grouped(*limit));
        assert!(DOCUMENT.contains(&row), "docs/protocol.md lacks {row}");
    }
    let (_, section) = DOCUMENT.split_once("## Limits\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), limits.len(), "it names others, too");
}

#[test]
fn the_version_in_the_document_is_that_of_the_code() {
    let said = format!("Everything here is of protocol version {PROTOCOL_VERSION}\n");
    assert!(DOCUMENT.contains(&said), "{said}");
}
