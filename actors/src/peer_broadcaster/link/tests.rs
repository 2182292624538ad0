//! What a link says.
use super::*;

#[test]
fn a_link_says_a_failure_once_in_a_while() {
    let (said, began) = (Said::default(), Instant::now());
    assert!(said.may_say(began), "the first one at once");
    let ms = |ms| began + std::time::Duration::from_millis(ms);
    let every = PEER_FAILURE_SAID_EVERY.as_millis() as u64;
    let lines = (1..=10 * every)
        .step_by(10)
        .filter(|at| said.may_say(ms(*at)));
    assert_eq!(lines.count(), 9, "however often it fails");
}
