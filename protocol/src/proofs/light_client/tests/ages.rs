//! How old the trusted and the shown header may be.
use super::*;

/// The header of height 3 is of second 3.
fn judged(now: u64, max_ms: u64) -> Result<(), TooOld> {
    let client = World::new().client(3);
    let trusted = client.trusted();
    trusted.no_older_than(max_ms, Whose::Start, Timestamp(now))
}

#[test]
fn a_header_may_be_as_old_as_is_allowed_and_not_a_millisecond_older() {
    assert_eq!(judged(3_000, 0), Ok(()));
    assert_eq!(judged(8_000, 5_000), Ok(()));
    let refused = judged(8_001, 5_000).unwrap_err();
    assert_eq!((refused.age_ms, refused.max_ms), (5_001, 5_000));
    assert_eq!(judged(u64::MAX, u64::MAX), Ok(()));
    assert!(judged(u64::MAX, 5_000).is_err());
}

#[test]
fn what_is_ahead_of_the_clock_is_not_old() {
    assert_eq!(judged(1_000, 0), Ok(()));
    assert_eq!(World::new().client(3).trusted().age_ms(Timestamp(0)), 0);
}

#[test]
fn what_is_too_old_says_which_how_old_and_how_old_it_may_be() {
    let day = 86_400_000;
    let mut old = TooOld {
        whose: Whose::Start,
        age_ms: 15 * day + 3_600_000,
        max_ms: 14 * day,
    };
    assert_eq!(
        old.to_string(),
        "the trusted block was made 15 d 1 h ago, older than 14 d"
    );
    assert_eq!(old.code(), "trusted_too_old");
    (old.whose, old.age_ms, old.max_ms) = (Whose::Shown, 83_000, 1_500);
    assert_eq!(
        old.to_string(),
        "the newest block that it shows was made 1 min 23 s ago, older than 1.5 s"
    );
    assert_eq!(old.code(), "stale");
}
