//! Names, records and snapshots.
use super::*;

#[test]
fn names_lose_their_paths_also_inside_generics() {
    assert_eq!(short_name::<Stats>(), "Stats");
    assert_eq!(
        short_name::<Vec<std::sync::Arc<Stats>>>(),
        "Vec<Arc<Stats>>"
    );
    assert_eq!(
        short_name::<(Stats, [std::time::Instant; 2])>(),
        "(Stats, [Instant; 2])"
    );
}

#[test]
fn a_message_type_has_one_record_however_often_it_is_looked_up() {
    let stats = Stats::new("Any", 1);
    stats
        .message::<u8>()
        .handled()
        .record(Duration::from_micros(3));
    stats.message::<u16>();
    stats
        .message::<u8>()
        .handled()
        .record(Duration::from_micros(3));
    let counts: Vec<_> = stats
        .messages()
        .iter()
        .map(|m| m.handled().row().count())
        .collect();
    assert_eq!(counts, vec![2, 0]);
}

/// Field names are read by the actors page and by scripts: a change here breaks them.
#[test]
fn a_snapshot_serializes_with_units_in_its_names() {
    let stats = Stats::new("Ledger", 8);
    stats
        .message::<u8>()
        .handled()
        .record(Duration::from_micros(3));
    stats.panicked("boom");
    let json = serde_json::to_value(stats.row()).unwrap();
    assert_eq!(json["actor"], "Ledger");
    assert_eq!(json["state"], "starting");
    assert_eq!((&json["depth"], &json["limit"]), (&0.into(), &8.into()));
    assert_eq!(json["last_panic"], "boom");
    assert!(json["last_panic_unix_ms"].as_u64().unwrap() > 1_600_000_000_000);
    assert!(json["last_message_ms_ago"].is_null());
    assert_eq!(json["messages"][0]["message"], "u8");
    let p50 = json["messages"][0]["handled_p50_us"].as_f64().unwrap();
    assert!((2.8..3.2).contains(&p50), "{p50}");
}
