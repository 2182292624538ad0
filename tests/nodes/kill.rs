//! Nodes come and go: three of four go on without the fourth, two of four wait, and whoever comes
//! back catches up and takes part.
use lockstep_actors::runtime::EndReason;
use lockstep_devnet::Devnet;
use lockstep_protocol::consensus::timeouts::Timeouts;
use std::time::{Duration, Instant};
use support::load::Load;
use support::{
    PATIENCE, assert_nobody_signed_twice, assert_same_chain, assert_stands_still, eventually, get,
    grows_by, same_chain, took_part,
};

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
    assert_eq!(devnet.stop(1), Some(EndReason::Asked));
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
    // Other tests run meanwhile: still no more than four rounds from the first on, however long the
    // two have waited.
    back_within(Duration::from_millis(Timeouts::DEVNET.rounds_ms(4)));
}

#[test]
#[ignore = "release tier: cargo test --release --test nodes kill:: -- --ignored --nocapture"]
fn the_third_of_four_that_comes_back_brings_a_block_within_two_seconds() {
    back_within(Duration::from_secs(2));
}

fn back_within(most: Duration) {
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
    assert_eq!(get(&urls[0], "/livez").status, 200);
    assert_stands_still(&devnet);
    same_chain(&devnet, &[0, 1]);
    let text = get(&urls[0], "/readyz?verbose").text();
    let waits = format!(
        "height {}, round ",
        devnet.heights()[0].expect("it runs") + 1
    );
    assert!(text.contains(&waits), "{text}");
    for missing in &validators[2..] {
        let missing = missing.to_string();
        assert!(
            answer.text().contains(&missing) && text.contains(&missing),
            "{text}"
        );
    }

    let began = Instant::now();
    devnet.restart(3).expect("it starts again");
    grows_by(&devnet, &[0, 1], 1, "the next block");
    let took = began.elapsed();
    println!("two of four dead, the third back: the next block after {took:?}");
    assert!(took <= most, "{took:?} of {most:?}");
    eventually("it is ready", || {
        (get(&urls[0], "/readyz").status == 200).then_some(())
    });
    grows_by(&devnet, &[0, 1, 3], 2, "three are enough");
    same_chain(&devnet, &[0, 1, 3]);
    assert_nobody_signed_twice(&devnet, &[0, 1, 3]);
}

/// Whose turn round 0 of this height is.
fn proposer(devnet: &Devnet, height: u64) -> usize {
    let validators = devnet.validators();
    let mut sorted = validators.clone();
    sorted.sort();
    let turn = sorted[usize::try_from(height % 4).expect("it fits")];
    validators
        .iter()
        .position(|v| *v == turn)
        .expect("one of four")
}

const PROPOSAL: &str = "/consensus/proposal";

/// The proposer of the next height dies when its proposal has reached so many peers; returns how
/// long the others then took for that height.
fn kill_the_proposer_after(reached: usize) -> Duration {
    let builder = Devnet::builder().manual(true).faulty_links(13);
    let devnet = builder.boot().expect("it boots");
    (0..2).for_each(|_| drop(devnet.tick().expect("a block comes")));
    let dying = proposer(&devnet, 3);
    let others: Vec<usize> = ALL.into_iter().filter(|node| *node != dying).collect();
    let links = devnet.links();
    let swallow = |from, to, path| links.swallow(from, to, path).expect("a link");
    // What one has, the others would ask for.
    for (from, to) in ALL.iter().flat_map(|i| ALL.map(|j| (*i, j))) {
        if from != to {
            swallow(from, to, "/consensus/pull");
        }
    }
    let (told, untold) = others.split_at(reached);
    untold.iter().for_each(|to| swallow(dying, *to, PROPOSAL));
    let traffic = |to: &usize| {
        devnet
            .links()
            .traffic(dying, *to, PROPOSAL)
            .expect("the links")
    };
    let before: Vec<usize> = told.iter().map(|to| traffic(to).answered).collect();
    let ticker = devnet.ticker();
    let ticking = std::thread::spawn(move || ticker.tick());
    eventually("the proposal has reached them", || {
        let mut told = told.iter().zip(&before);
        let arrived = told.all(|(to, before)| traffic(to).answered > *before);
        let left = untold.iter().all(|to| traffic(to).swallowed > 0);
        (arrived && left).then_some(())
    });
    devnet
        .links()
        .partition(&[&others, &[dying]])
        .expect("the links");
    devnet.kill(dying);
    let began = Instant::now();
    devnet.links().heal().expect("the links");
    eventually("the others decide the height", || {
        let heights = devnet.heights();
        others
            .iter()
            .all(|node| heights[*node] >= Some(3))
            .then_some(())
    });
    let took = began.elapsed();
    // It ends when the height is there, whatever it says of the one that is not.
    let _ = ticking.join().expect("no panic");
    (0..3).for_each(|_| drop(devnet.tick().expect("three are enough")));
    assert_eq!(same_chain(&devnet, &others), 6);

    devnet.restart(dying).expect("it starts again");
    eventually("it catches up", || {
        (devnet.heights()[dying] == Some(6)).then_some(())
    });
    devnet.tick().expect("all four go on");
    assert_eq!(same_chain(&devnet, &ALL), 7);
    assert_nobody_signed_twice(&devnet, &ALL);
    took
}

#[test]
fn a_proposer_that_dies_when_its_proposal_has_reached_any_number_of_peers_stops_nobody() {
    for reached in 0..=3 {
        let took = kill_the_proposer_after(reached);
        println!("proposer killed, its proposal with {reached} peers: block after {took:?}");
    }
}

#[test]
fn two_die_and_come_back_and_all_four_die_at_once_under_load_and_come_back() {
    let devnet = Devnet::builder().block_time_ms(0).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let load = Load::on(&devnet, &[0, 1]);
    grows_by(&devnet, &ALL, 5, "blocks under load");
    devnet.kill(2);
    devnet.kill(3);
    assert_stands_still(&devnet);
    let began = Instant::now();
    for node in [2, 3] {
        devnet.restart(node).expect("it starts again");
    }
    grows_by(&devnet, &ALL, 1, "a block of all four");
    println!("two back: a block everywhere after {:?}", began.elapsed());
    drop(load);

    let load = Load::on(&devnet, &[0, 1]);
    grows_by(&devnet, &ALL, 5, "blocks under load");
    drop(load);
    std::thread::scope(|scope| {
        let devnet = &devnet;
        for node in ALL {
            scope.spawn(move || devnet.kill(node));
        }
    });
    assert_eq!(devnet.heights(), [None; 4]);
    let began = Instant::now();
    for node in ALL {
        devnet.restart(node).expect("it starts again");
    }
    grows_by(&devnet, &ALL, 1, "a block of all four");
    println!(
        "all four back: a block everywhere after {:?}",
        began.elapsed()
    );
    let height = same_chain(&devnet, &ALL);
    assert!(height > 10, "{height}");
    assert_nobody_signed_twice(&devnet, &ALL);
}
