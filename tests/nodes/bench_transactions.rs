//! `lockstep bench transactions`: a short run of each payload. What it measures is not judged.
use serde_json::Value;
use support::process::lockstep;

const KEYS: [&str; 12] = [
    "submitted",
    "accepted",
    "committed",
    "transactions_per_second",
    "latency_ms_p50",
    "latency_ms_p99",
    "peak_rss_bytes",
    "verify_us",
    "verify_once_floor_per_second",
    "floor_ratio",
    "blocks",
    "max_round",
];

#[test]
fn a_short_run_commits_all_that_was_accepted_and_says_so() {
    for payload in ["transfer", "put:256"] {
        let mut command = lockstep(&["bench", "transactions", "--seconds", "2", "--rate", "50"]);
        command.args(["--senders", "4", "--payload", payload, "--json"]);
        // Bounded by itself: it waits a minute for what was accepted.
        let ended = command.output().expect("it runs");
        let (said, log) = (
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr),
        );
        assert_eq!(ended.status.code(), Some(0), "{payload}: {said}{log}");
        let report: Value = serde_json::from_str(&said).expect("one JSON object");
        for key in KEYS {
            assert!(report[key].is_number(), "{payload}: {key} in {report}");
        }
        let count = |key: &str| report[key].as_u64().expect("a number");
        assert_eq!((count("submitted"), count("failed")), (100, 0), "{report}");
        assert_eq!(count("committed"), count("accepted"), "{report}");
        assert!(count("accepted") > 0 && count("blocks") > 0, "{report}");
        assert_eq!(report["payload"], payload);
    }
}
