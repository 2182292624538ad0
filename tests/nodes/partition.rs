//! Scenario 11: networks that fall apart and come together again. No side without a quorum makes a
//! block, no two sides make different ones, and after the repair everybody goes on.
use lockstep_devnet::Devnet;
use std::time::Duration;
use support::{
    PATIENCE, assert_nobody_signed_twice, assert_stands_still, eventually, grows_by, same_chain,
};

const ALL: [usize; 4] = [0, 1, 2, 3];

fn boot() -> Devnet {
    let builder = Devnet::builder().block_time_ms(20).faulty_links(11);
    let devnet = builder.boot().expect("it boots");
    devnet.wait_for(3, PATIENCE).expect("blocks come");
    devnet
}

fn heals(devnet: &Devnet, what: &str) {
    devnet.links().heal().expect("the links");
    let first = grows_by(devnet, &ALL, 1, &format!("a block everywhere after {what}"));
    grows_by(devnet, &ALL, 4, &format!("blocks after {what}"));
    let height = same_chain(devnet, &ALL);
    println!("{what}: healed, next block everywhere after {first:?}, one chain of {height}");
    assert_nobody_signed_twice(devnet, &ALL);
}

#[test]
fn two_and_two_make_no_block_on_either_side_and_go_on_when_healed() {
    let devnet = boot();
    devnet
        .links()
        .partition(&[&[0, 1], &[2, 3]])
        .expect("the links");
    assert_stands_still(&devnet);
    same_chain(&devnet, &ALL);
    heals(&devnet, "2/2");
}

#[test]
fn three_go_on_without_the_one_that_is_cut_off_and_it_catches_up() {
    let devnet = boot();
    devnet
        .links()
        .partition(&[&[0, 1, 3], &[2]])
        .expect("the links");
    let alone = devnet.heights()[2].expect("it runs");
    grows_by(&devnet, &[0, 1, 3], 8, "three are a quorum");
    let behind = devnet.heights()[2].expect("it runs");
    assert!(
        behind <= alone + 1,
        "from {alone} to {behind} without the others"
    );
    heals(&devnet, "3/1");
}

#[test]
fn four_that_are_each_alone_make_no_block_and_go_on_when_healed() {
    let devnet = boot();
    devnet
        .links()
        .partition(&[&[0], &[1], &[2], &[3]])
        .expect("the links");
    assert_stands_still(&devnet);
    same_chain(&devnet, &ALL);
    heals(&devnet, "1/1/1/1");
}

#[test]
fn links_that_flap_neither_fork_the_chain_nor_stop_it_for_good() {
    let devnet = boot();
    for turn in 0..12 {
        let one = turn % 4;
        let two = (turn + 1 + turn / 4) % 4;
        let rest: Vec<usize> = ALL
            .into_iter()
            .filter(|n| ![one, two].contains(n))
            .collect();
        match turn % 3 {
            0 => devnet
                .links()
                .partition(&[&[one, two], &rest])
                .expect("the links"),
            1 => devnet
                .links()
                .partition(&[&[one], &[two], &rest])
                .expect("the links"),
            _ => devnet.links().heal().expect("the links"),
        }
        std::thread::sleep(Duration::from_millis(120));
        same_chain(&devnet, &ALL);
    }
    heals(&devnet, "flapping");
}

/// What a node says during a partition must not be held against it: it is still the same node.
#[test]
fn a_node_that_restarts_inside_a_partition_finds_the_others_through_its_links() {
    let devnet = boot();
    devnet
        .links()
        .partition(&[&[0, 1, 2], &[3]])
        .expect("the links");
    devnet.kill(3);
    grows_by(&devnet, &[0, 1, 2], 3, "three are a quorum");
    devnet.restart(3).expect("it starts again");
    eventually("it runs", || devnet.heights()[3]);
    heals(&devnet, "a restart inside of a partition");
}
