use super::*;
use crate::consensus::testkit::Cast;
use proptest::prelude::*;

fn set(validators: usize) -> Arc<ValidatorSet> {
    Cast::of(validators).set
}

fn sizes(schedule: &ValidatorSchedule, heights: std::ops::RangeInclusive<u64>) -> Vec<usize> {
    heights
        .map(|height| schedule.at(Height(height)).map_or(0, |set| set.len()))
        .collect()
}

#[test]
fn a_change_in_block_h_decides_from_h_plus_two_on() {
    let genesis = ValidatorSchedule::unchanged(Height(0), set(4));
    assert_eq!(sizes(&genesis, 0..=4), [0, 4, 4, 0, 0]);
    let one = genesis.after_next(Some(set(5)));
    assert_eq!(sizes(&one, 0..=5), [0, 4, 4, 5, 0, 0]);
    assert_eq!((one.height(), one.current().len()), (Height(2), 4));
    let two = one.after_next(None);
    assert_eq!(sizes(&two, 0..=5), [0, 4, 4, 5, 5, 0]);
    assert_eq!((two.current().len(), two.next().len()), (5, 5));
    let three = two.after_next(Some(set(1)));
    assert_eq!(sizes(&three, 0..=6), [0, 4, 4, 5, 5, 1, 0]);
    assert_eq!((three.current().len(), three.next().len()), (5, 1));
}

#[test]
fn a_set_is_found_by_its_hash_and_only_if_it_is_known() {
    let schedule = ValidatorSchedule::unchanged(Height(0), set(4)).after_next(Some(set(5)));
    assert_eq!(schedule.named(set(5).hash()).map(|s| s.len()), Some(5));
    assert!(schedule.named(set(6).hash()).is_none());
}

#[test]
fn changes_that_leave_a_height_without_a_set_make_no_schedule() {
    let of = |head, changes: &[(u64, usize)]| {
        let changes = changes.iter().map(|(first, n)| (Height(*first), set(*n)));
        ValidatorSchedule::of_changes(Height(head), changes)
    };
    assert!(of(5, &[]).is_none());
    assert!(of(5, &[(7, 4)]).is_none(), "nobody decides height 6");
    assert!(of(5, &[(1, 4), (8, 5)]).is_none(), "block 6 is not there");
    assert!(of(5, &[(1, 4), (7, 5)]).is_some());
}

proptest! {
    /// What a node that has followed the chain keeps is what one reads that restarts.
    #[test]
    fn restarted_or_not_the_same_sets_are_known(changes in prop::collection::vec(0usize..40, 0..200)) {
        let sets: Vec<_> = (1..=5).map(set).collect();
        let mut schedule = ValidatorSchedule::unchanged(Height(0), sets[0].clone());
        let mut written = vec![(Height(1), sets[0].clone())];
        for change in changes {
            let changed = sets.get(change).cloned();
            schedule = schedule.after_next(changed.clone());
            written.extend(changed.map(|set| (schedule.height().next(), set)));
        }
        prop_assert!(schedule.changes().count() <= VALIDATOR_SETS_KEPT_MAX);
        let read = ValidatorSchedule::of_changes(schedule.head(), written);
        prop_assert_eq!(Some(schedule), read);
    }
}
