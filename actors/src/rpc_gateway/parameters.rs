//! `lockstep_getParams`: the chain's parameters, how this node is set up, and every limit, by the name
//! that it has in the code, in lower case. A duration is in milliseconds, and its name ends so.
use super::seed::Seed;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A limit of any type as a figure: its name's end, and itself.
trait Figure {
    const UNIT: &'static str = "";
    fn figure(self) -> Value;
}

impl Figure for Duration {
    const UNIT: &'static str = "_ms";
    fn figure(self) -> Value {
        json!(u64::try_from(self.as_millis()).unwrap_or(u64::MAX))
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Figure for $type {
            fn figure(self) -> Value {
                json!(self)
            }
        }
    )*};
}
numbers!(usize, u64, u32, i32);

fn put<F: Figure>(all: &mut Map<String, Value>, name: &str, limit: F) {
    all.insert(name.to_lowercase() + F::UNIT, limit.figure());
}

/// All of a room's limits by their names.
macro_rules! limits {
    ($room:path: $($name:ident),* $(,)?) => {{
        use $room as room;
        let mut all = Map::new();
        $(put(&mut all, stringify!($name), room::$name);)*
        Value::Object(all)
    }};
}

fn protocol_limits() -> Value {
    limits! { lockstep_protocol::limits:
        VALIDATORS_MAX, VALIDATOR_SETS_KEPT_MAX, CATCH_UP_PEERS_MAX, VALIDATOR_SET_BYTES_MAX,
        QUESTION_BYTES_MAX, STATEMENT_BYTES_MAX, STANDING_BURST_MAX, STANDING_PER_SECOND,
        STANDING_NONCES_KEPT_MAX, WAITING_UNTOLD_MS, ROUNDS_BELIEVED_AHEAD, EARLY_INPUTS_MAX, NEWCOMER_HEIGHT_MAX, NEWCOMER_BEHIND_MIN,
        NIL_PAUSE_MIN_MS, CLOCK_LOOK_MS, CLOCK_APART_MS, CLOCK_TRIP_MAX_MS,
        CLOCK_SAMPLES_KEPT_MAX, CLOCK_SAMPLE_AGE_MAX_MS, BAD_POLKAS_BURST_MAX,
        BAD_POLKAS_PER_SECOND,
        VOTE_AGE_HEIGHTS_MAX, READY_AGE_HEIGHTS_MAX,
        SIGNATURE_BYTES_MAX, VOTE_BYTES_MAX, BLOCK_TRANSACTION_BYTES_MAX,
        CERTIFICATE_BYTES_MAX, EVIDENCE_BYTES_MAX, EVIDENCE_PER_BLOCK_MAX,
        EVIDENCE_PER_BLOCK_PER_VALIDATOR_MAX, EVIDENCE_PER_VALIDATOR_MAX,
        BLOCK_EVIDENCE_BYTES_MAX, EVIDENCE_AGE_MAX, EVIDENCE_PENDING_PER_VALIDATOR_MAX,
        FORKS_MAX, OLD_FORK_CHECKS_MAX,
        EVIDENCE_PENDING_MAX, EVIDENCE_TOLD_BURST_MAX, EVIDENCE_TOLD_PER_HEIGHT, EVIDENCE_TELL_EVERY_HEIGHTS, EVIDENCE_MESSAGE_BYTES_MAX,
        BLOCK_BYTES_MAX, PROPOSAL_BYTES_MAX, PROPOSAL_HEAD_BYTES_MAX, MEMO_BYTES_MAX, RECORD_KEY_BYTES_MAX, RECORD_VALUE_BYTES_MAX, EXPIRY_HEIGHTS_MAX,
        TRANSACTION_BYTES_MIN, BLOCK_TRANSACTIONS_MAX, MISSING_BYTES_MAX, FETCHED_BYTES_MAX,
        PARTIAL_PROPOSALS_MAX, TRANSACTION_BYTES_MAX, TRANSACTIONS_BYTES_MAX, TRANSACTIONS_BATCH_MAX, SYNC_BYTES_MAX, SYNC_FULL_BYTES, SYNC_BLOCKS_MAX,
        COMMIT_RUN_BLOCKS_MAX, COMMIT_RUN_BYTES_MAX, RETAIN_BLOCKS_MIN,
        PRUNED_BLOCKS_PER_BLOCK_MAX, PRUNED_BYTES_PER_BLOCK_MAX, ROUNDS_KEPT_MAX, VALUES_PER_VOTER_MAX,
        PROPOSALS_PER_ROUND_MAX, OVERLAYS_MAX, CLOCK_DRIFT_MS,
        PULL_ROUNDS_MAX, PULL_VALUES_MAX, PULL_BYTES_MAX, PULL_PROPOSALS_MAX, PULL_VOTES_MAX,
        PULLED_BYTES_MAX, USELESS_BURST_MAX, USELESS_PER_SECOND, REFUSALS_KEPT_MAX,
        SCREENED_KEPT_MAX,
        POLKAS_KEPT_MAX, SNAPSHOT_LEAVES_BYTES_MAX, SNAPSHOT_RECORD_BYTES_MAX, LIGHT_BLOCK_BYTES_MAX, PROVED_ACCOUNT_BYTES_MAX, PROVED_RECORD_BYTES_MAX,
        PROVED_APPLICATION_BYTES_MAX,
    }
}

fn ledger_limits() -> Value {
    limits! { lockstep_protocol::ledger::limits:
        PREPARED_KEYS_MAX, KNOWN_SIGNATURES_MAX, KNOWN_EVIDENCE_MAX,
        STATE_VERSIONS_KEPT, NONCES_AHEAD_MAX,
    }
}

fn application_limits() -> Value {
    limits! { lockstep_protocol::application::limits:
        APPLICATION_NAME_BYTES_MAX, APPLICATIONS_MAX, APPLICATION_GENESIS_BYTES_MAX,
        CALL_DATA_BYTES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, EVENTS_MAX,
        EVENT_DATA_BYTES_MAX, EVENTS_BYTES_MAX, CALL_WORK_MAX, GENESIS_WORK_MAX, QUERY_WORK_MAX,
        READ_WORK, WRITE_WORK, EVENT_WORK, BYTE_WORK, QUERY_PATH_BYTES_MAX,
        QUERY_ANSWER_BYTES_MAX, SENTENCE_BYTES_MAX,
    }
}

fn mempool_limits() -> Value {
    limits! { lockstep_protocol::mempool::limits:
        MEMPOOL_TRANSACTIONS_MAX, MEMPOOL_BYTES_MAX, SENDER_TRANSACTIONS_MAX, SENDER_BYTES_MAX,
        SENDER_ASSURED_MAX, SENDER_ASSURED_BYTES_MAX,
        REPLACE_BUMP_PERCENT, CHECKS_OF_PEOPLE_MAX, CHECKS_OF_PEERS_MAX, REFUSED_KEPT_MAX,
        JOURNAL_MAX, LIST_PAGE_MAX, MISFITS_MAX,
    }
}

fn node_limits() -> Value {
    limits! { crate::limits:
        ARRIVAL_WAIT_MS, STANDING_EVERY, STANDING_AGAIN, STANDINGS_WAITING_MAX, CLOCK_SAID_EVERY,
        CLOCK_NEWS_EVERY, UNTIMELY_SAID_EVERY, CLOCKS_NAMED_MAX,
        RPC_VALUES_MAX, TIDINGS_LOOK_EVERY, TIDINGS_LOOKS_PER_ROOM, SCARCE_DISK_PERCENT, SCARCE_PERCENT, TIDINGS_EVERY_MS, UNLINKED_AFTER_MS, STALL_SAID_AFTER_MS,
        STALL_SAID_EVERY_MS, COMMIT_TIMES_MAX, TIMELINES_MAX, TIMELINE_NOTES_MAX, TIMELINES_NOTES_MAX, TIMELINE_NOTES_ROOM, TIMELINE_NOTE_BYTES, NAMED_MAX,
        CONSENSUS_MAILBOX_MAX, STORE_MAILBOX_MAX, STORE_READERS_MAX, POOL_IDLE_MAX, LOCK_PATIENCE,
        KEY_SYNC_EVERY, DEAD_READERS_EVERY,
        ALWAYS_CHECKED_BYTES, ASK_PATIENCE, TICKS_WAITING_MAX, OUTBOX_FRAMES_MAX,
        OUTBOX_BYTES_MAX, BODY_DEADLINE, PEER_TIMEOUT, CONNECT_TIMEOUT, BACK_OFF_MIN,
        BACK_OFF_MAX, REFUSED_PEER_WAIT, HANDSHAKE_EVERY, PEER_FAILURE_SAID_EVERY, HEIGHT_LATE_MIN,
        HANDSHAKE_BYTES_MAX,
        PEER_CONNECTIONS_MAX, PEER_CONNECTIONS_PER_STRANGER_MAX, PUBLIC_CONNECTIONS_MAX,
        PUBLIC_CONNECTIONS_PER_ADDRESS_MAX, CONNECTION_LIFETIME, PEER_IDLE, PUBLIC_IDLE,
        HEAD_DEADLINE, ANSWER_DEADLINE, REFUSED_LINGER, ACCEPT_BACKLOG, DEADLINES_EVERY, HEAD_BYTES_MAX, HEAD_LINES_MAX, READ_BYTES, TURN_SLICE, TURN_CREDIT, BODY_FREE_BYTES, BODY_ROOM_PATIENCE, SELDOM_EVERY,
        BODY_WINDOW_BYTES, BAD_MESSAGES_MAX, BAD_MESSAGE_EVERY, PROPOSAL_BODIES_BYTES_MAX,
        VOTES_PROVEN_MAX, VOTES_UNPROVEN_MAX, PROPOSALS_PROVEN_MAX, PROPOSALS_UNPROVEN_MAX,
        EVIDENCE_PROVEN_MAX, EVIDENCE_UNPROVEN_MAX, EVIDENCE_OUTBOX_MAX,
        COMPACTS_WAITING_MAX, FETCHES_WAITING_MAX, FETCH_ANSWER_PATIENCE,
        RESTORED_AT_ONCE_MAX, SHELF_SPARE_MAX,
        TRANSACTIONS_WAITING_MAX, QUESTIONS_WAITING_MAX, BLOCK_ANSWERS_MAX, BLOCK_ANSWER_PATIENCE, SHORT_BLOCK_BYTES, SHORT_ANSWERS_MAX, SHORT_ANSWER_BYTES_MAX,
        RPC_REQUEST_BYTES_MAX, RPC_BODIES_BYTES_MAX, RPC_BATCH_MAX, RPC_ANSWER_BYTES_MAX,
        RPC_WAIT_DEFAULT, RPC_WAIT_MAX, RPC_WAITERS_MAX, PENDING_ANSWER_MAX, RECENT_BLOCKS_MAX, NEWEST_BLOCKS_MAX, VOUCH_AGE_MAX_MS, HISTORY_BUILD_BLOCKS, HISTORY_BUILD_BYTES, HISTORY_PAGE_MAX, HISTORY_READ_BYTES_MAX, FEE_HISTORY_MAX, FILTERS_MAX, FILTER_UNASKED_MAX, FILTER_CHANGES_MAX,
        FEE_PERCENTILES_MAX, ORIGINS_MAX, DEVNET_REQUEST_BYTES_MAX, DEVNET_ORDERS_MAX, DEVNET_TICKS_MAX, PROXIES_MAX, HOSTS_MAX,
        STREAMS_MAX, STREAMS_PER_ADDRESS_MAX, SUBSCRIPTIONS_MAX, STREAM_CALLS_MAX, STREAM_CALLS_BYTES_MAX,
        STREAM_QUEUE_MESSAGES_MAX, STREAM_QUEUE_BYTES_MAX, STREAM_PING_EVERY, STREAM_SILENCE_MAX,
        STREAM_GOODBYE, EVENTS_KEPT_MAX, EVENTS_BYTES_MAX, EVENTS_MISSED_MAX, ANSWER_PIECE_BYTES,
        PEER_CONNECTION_LIFETIME, LINK_CONNECTIONS_MAX, SYNC_TIMEOUT, SYNC_ANSWERS_MAX,
        SYNC_GRACE_MS, SILENT_AFTER_MS, EVIDENCE_ANSWER_MAX, PULL_PATIENCE_MS,
        PULL_TIMEOUT, PULL_ANSWERS_MAX, SYNC_WINDOW_BLOCKS, SYNC_WINDOW_BYTES_MAX,
        UNCHECKED_ANSWERS_MAX, CHECKING_THREADS_MAX, SYNC_REPORT_EVERY_MS, STRANDED_AFTER_MS, SYNC_MARK_EVERY_MS,
        WAITING_BLOCKS_MAX,
        SYNC_ENVELOPE_BYTES, CONNECTION_BYTES_MAX, MEMORY_UNDER_FLOOD_BYTES,
        RESOLVE_EVERY, CONNECTION_LIFETIME_MAX, GOSSIPS_WAITING_MAX, GOSSIP_BODIES_BYTES_MAX, GOSSIP_BYTES_MAX, CHECK_BATCH_MAX, ANSWER_PIECE_PATIENCE, PUBLIC_PIECE_PATIENCE, ANSWER_TURN, PAGES_PER_SECOND_MAX, PAGES_AT_ONCE_MAX, SEND_BUFFER_BYTES, SYNC_ANSWER_PATIENCE,
    }
}

/// What `lockstep_getParams` answers.
pub(super) fn parameters(seed: &Seed) -> Value {
    let (genesis, settings) = (&seed.genesis, &seed.settings);
    json!({
        "chain_id": genesis.chain_id,
        "genesis_hash": seed.rules.context.genesis_hash,
        "genesis_time": genesis.time,
        "scheme": genesis.scheme,
        "parameters": genesis.parameters,
        "version": env!("CARGO_PKG_VERSION"),
        "protocol_version": PROTOCOL_VERSION,
        "timeouts": settings.timeouts,
        "block_time_ms": match *settings.pacing.get() {
            Pacing::Interval(ms) => json!(ms),
            Pacing::Manual | Pacing::OnDemand => Value::Null,
        },
        "retain_blocks": settings.retention.blocks(),
        "limits": {
            "protocol": protocol_limits(),
            "ledger": ledger_limits(),
            "application": application_limits(),
            "mempool": mempool_limits(),
            "node": node_limits(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The constants that a page of limits defines, in lower case.
    fn defined(page: &str) -> Vec<String> {
        let page = page.split("#[cfg(test)]").next().unwrap_or_default();
        let names = page.lines().filter_map(|line| {
            let (name, kind) = line.strip_prefix("pub const ")?.split_once(": ")?;
            if name.starts_with("fn ") {
                return None;
            }
            let unit = if kind.starts_with("Duration") {
                "_ms"
            } else {
                ""
            };
            Some(name.to_lowercase() + unit)
        });
        names.collect()
    }

    fn assert_all_told(page: &str, told: &Value) {
        let names = defined(page);
        for name in &names {
            assert!(
                told[name].is_number(),
                "add {name} to the list in this file"
            );
        }
        let told = told.as_object().expect("an object");
        assert_eq!(told.len(), names.len());
    }

    #[test]
    fn every_limit_of_every_room_is_told() {
        let protocol = include_str!("../../../protocol/src/limits.rs");
        assert_all_told(protocol, &protocol_limits());
        let ledger = include_str!("../../../protocol/src/ledger/limits.rs");
        assert_all_told(ledger, &ledger_limits());
        let application = include_str!("../../../protocol/src/application/limits.rs");
        assert_all_told(application, &application_limits());
        let mempool = include_str!("../../../protocol/src/mempool/limits.rs");
        assert_all_told(mempool, &mempool_limits());
        assert_all_told(include_str!("../limits.rs"), &node_limits());
    }
}
