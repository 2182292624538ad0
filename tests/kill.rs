//! Nodes come and go: three of four go on without the fourth, two of four wait, and whoever comes
//! back catches up and takes part.
mod common;

use common::{PATIENCE, assert_nobody_signed_twice, assert_same_chain, eventually, get, took_part};
use lockstep_actors::runtime::EndReason;
use lockstep_devnet::Devnet;
use std::time::Duration;

const ALL: [usize; 4] = [0, 1, 2, 3];

/// The least height of the nodes that run.
fn lowest(devnet: &Devnet) -> u64 {
    devnet
        .heights()
        .into_iter()
        .flatten()
        .min()
        .expect("one runs")
}

#[test]
fn three_of_four_go_on_and_the_fourth_catches_up_when_blocks_are_made_by_hand() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    (0..2).for_each(|_| drop(devnet.tick().expect("a block comes")));
    assert_eq!(devnet.kill(1), Some(EndReason::Asked));
    for _ in 0..5 {
        devnet.tick().expect("three are enough");
    }
    assert_eq!(devnet.heights(), [Some(7), None, Some(7), Some(7)]);

    devnet.restart(1).expect("it starts again");
    eventually("it catches up", || {
        (devnet.heights()[1] == Some(7)).then_some(())
    });
    assert_same_chain(&devnet, &ALL);
    let me = devnet.validators()[1];
    let back = (0..8).any(|_| {
        devnet.tick().expect("a block comes");
        took_part(&devnet, 0, me, 8)
    });
    assert!(back, "it signs or builds again");
    assert_same_chain(&devnet, &ALL);
    assert_nobody_signed_twice(&devnet, &ALL);
}

#[test]
fn three_of_four_go_on_and_the_fourth_catches_up_at_full_speed() {
    let devnet = Devnet::builder().block_time_ms(0).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(3, PATIENCE).expect("blocks come");
    devnet.kill(1);
    let killed_at = lowest(&devnet);
    devnet
        .wait_for(killed_at + 12, PATIENCE)
        .expect("three are enough");

    devnet.restart(1).expect("it starts again");
    let others = devnet.heights()[0].expect("it runs");
    eventually("it catches up", || {
        (devnet.heights()[1] >= Some(others)).then_some(())
    });
    let me = devnet.validators()[1];
    eventually("it takes part", || {
        took_part(&devnet, 0, me, others + 1).then_some(())
    });
    assert_same_chain(&devnet, &ALL);
    assert_nobody_signed_twice(&devnet, &ALL);
}

#[test]
fn two_of_four_make_no_block_and_say_who_is_missing_until_one_is_back() {
    let devnet = Devnet::builder().block_time_ms(0).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    devnet.kill(2);
    devnet.kill(3);
    let (urls, validators) = (devnet.urls(), devnet.validators());
    let answer = eventually("it notices", || {
        let answer = get(&urls[0], "/readyz?verbose");
        (answer.status == 503 && answer.text().contains("quorum: 2 of 4")).then_some(answer)
    });
    for missing in &validators[2..] {
        assert!(
            answer.text().contains(&missing.to_string()),
            "{}",
            answer.text()
        );
    }
    assert_eq!(get(&urls[0], "/livez").status, 200);

    let stopped_at = lowest(&devnet);
    std::thread::sleep(Duration::from_millis(700));
    assert!(
        lowest(&devnet) <= stopped_at + 1,
        "two of four are no quorum"
    );
    let stopped_at = devnet
        .heights()
        .into_iter()
        .flatten()
        .max()
        .expect("two run");
    devnet.restart(3).expect("it starts again");
    devnet
        .wait_for(stopped_at + 3, PATIENCE)
        .expect("three are enough");
    eventually("it is ready", || {
        (get(&urls[0], "/readyz").status == 200).then_some(())
    });
    assert_same_chain(&devnet, &[0, 1, 3]);
    assert_nobody_signed_twice(&devnet, &[0, 1, 3]);
}
