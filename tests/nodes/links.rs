//! Scenario 10 (delay, reordering, duplicates, loss, one-way cuts), scenario 15 (late joiners) and
//! P12 between whole nodes: judged by the blocks that each of them answers.
use lockstep_actors::limits::OUTBOX_FRAMES_MAX;
use lockstep_devnet::Devnet;
use support::chain::number;
use support::{
    PATIENCE, assert_nobody_signed_twice, assert_stands_still, eventually, get, grows_by, metric,
    same_chain, took_part,
};

const ALL: [usize; 4] = [0, 1, 2, 3];
const VOTE: &str = "/consensus/vote";

fn boot(seed: u64) -> Devnet {
    let builder = Devnet::builder().block_time_ms(20).faulty_links(seed);
    let devnet = builder.boot().expect("it boots");
    devnet.wait_for(3, PATIENCE).expect("blocks come");
    devnet
}

/// Each pair of different nodes.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    let all = ALL.into_iter().flat_map(|i| ALL.map(|j| (i, j)));
    all.filter(|(i, j)| i != j)
}

fn assert_whole(devnet: &Devnet) {
    devnet.links().heal().expect("the links");
    grows_by(devnet, &ALL, 2, "all go on together");
    same_chain(devnet, &ALL);
    assert_nobody_signed_twice(devnet, &ALL);
}

#[test]
fn blocks_come_with_up_to_half_of_all_messages_lost() {
    let devnet = boot(10);
    for p in [0.1, 0.3, 0.5] {
        pairs().for_each(|(i, j)| devnet.links().drop_rate(i, j, p).expect("the links"));
        let took = grows_by(&devnet, &ALL, 4, &format!("blocks with a loss of {p}"));
        println!("loss of {p}: a block in {:?}", took / 4);
    }
    for url in devnet.urls() {
        assert!(
            metric(&url, "peer_errors_total", "") > 0.0,
            "messages are lost"
        );
    }
    assert_whole(&devnet);
}

#[test]
fn blocks_come_with_delays_duplicates_and_reordering() {
    let devnet = boot(20);
    for (i, j) in pairs() {
        devnet
            .links()
            .delay(i, j, (i * 7 + j * 5) as u64 % 25)
            .expect("the links");
        devnet.links().duplicate_rate(i, j, 0.2).expect("the links");
        devnet.links().reorder_rate(i, j, 0.2).expect("the links");
        devnet.links().drop_rate(i, j, 0.1).expect("the links");
    }
    let took = grows_by(&devnet, &ALL, 8, "blocks");
    println!(
        "delayed, repeated, reordered, lost: a block in {:?}",
        took / 8
    );
    assert_whole(&devnet);
}

#[test]
fn a_link_that_is_cut_in_one_direction_is_made_up_for_by_the_others() {
    let devnet = boot(30);
    devnet.links().cut(0, 1).expect("the links");
    devnet.links().cut(2, 3).expect("the links");
    let heard = || {
        devnet
            .links()
            .traffic(0, 1, VOTE)
            .expect("the links")
            .answered
            + devnet
                .links()
                .traffic(2, 3, VOTE)
                .expect("the links")
                .answered
    };
    // What was on its way at the cut has come by then.
    grows_by(&devnet, &ALL, 1, "a block everywhere");
    let before = heard();
    let took = grows_by(&devnet, &ALL, 8, "blocks everywhere");
    assert_eq!(heard(), before, "nothing passes a link that is cut");
    println!("0→1 and 2→3 cut: a block in {:?}", took / 8);
    assert_whole(&devnet);
}

#[test]
fn a_node_that_nobody_hears_and_one_that_hears_nobody_do_not_stop_the_others() {
    let devnet = boot(40);
    (0..3).for_each(|other| devnet.links().cut(3, other).expect("the links"));
    let took = grows_by(&devnet, &[0, 1, 2], 6, "blocks without the mute");
    println!("one is mute: a block in {:?}", took / 6);
    devnet.links().heal().expect("the links");
    grows_by(&devnet, &ALL, 2, "all together");
    (0..3).for_each(|other| devnet.links().cut(other, 3).expect("the links"));
    let took = grows_by(&devnet, &[0, 1, 2], 6, "blocks without the deaf");
    println!("one is deaf: a block in {:?}", took / 6);
    assert_whole(&devnet);
}

type Fault = fn(&Devnet);

/// P12 between whole nodes. That the others get their messages in time is measured where the links
/// are (`actors/src/peer_broadcaster/tests.rs`): here the turns of the deaf one cost time as well.
#[test]
fn a_peer_that_takes_nothing_stops_nobody_and_little_waits_for_it() {
    let devnet = boot(50);
    let others = [0, 1, 2];
    let kinds: [(&str, Fault); 3] = [
        ("refused", |devnet| {
            devnet.links().refuse(3).expect("the links")
        }),
        ("black hole", |devnet| {
            devnet.links().blackhole(3).expect("the links")
        }),
        ("one byte per second", |devnet| {
            devnet.links().one_byte_per_second(3).expect("the links")
        }),
    ];
    for (kind, begin) in kinds {
        let healthy = grows_by(&devnet, &others, 8, "blocks with all");
        begin(&devnet);
        let without = grows_by(
            &devnet,
            &others,
            8,
            &format!("blocks with one peer: {kind}"),
        );
        println!("{kind}: 8 blocks in {healthy:?} before, in {without:?} with it");
        eventually("they notice", || {
            let status = get(&devnet.urls()[0], "/status").json();
            let peers = status["peers"].as_array().expect("peers").iter();
            let dead = devnet.validators()[3].to_string();
            let mut peers = peers.filter(|peer| peer["address"] == dead.as_str());
            peers.any(|peer| peer["reachable"] == false).then_some(())
        });
        for url in &devnet.urls()[..3] {
            let status = get(url, "/status").json();
            let peers = status["peers"].as_array().expect("peers");
            let most = peers.iter().map(|peer| number(&peer["outbox"])).max();
            assert!(most <= Some(OUTBOX_FRAMES_MAX as u64), "{status}");
            assert_eq!(metric(url, "frames_dropped_total", ""), 0.0, "{kind}");
        }
        devnet.links().heal().expect("the links");
        grows_by(&devnet, &ALL, 2, "it is back");
    }
    assert_whole(&devnet);
}

#[test]
fn who_joins_late_from_genesis_or_from_one_block_behind_catches_up_and_takes_part() {
    let builder = Devnet::builder().manual(true).faulty_links(60);
    let devnet = builder.boot().expect("it boots");
    let tick = |blocks: usize| {
        (0..blocks).for_each(|_| drop(devnet.tick().expect("a block comes")));
    };
    for behind in [8, 1] {
        devnet.kill(3);
        tick(behind);
        let height = devnet.heights()[0];
        devnet.restart(3).expect("it starts again");
        eventually("it catches up", || {
            (devnet.heights()[3] >= height).then_some(())
        });
        let me = devnet.validators()[3];
        let from = height.expect("it runs") + 1;
        let back = (0..8).any(|_| {
            tick(1);
            took_part(&devnet, 0, me, from)
        });
        assert!(back, "{behind} behind, it signs or builds again");
    }
    same_chain(&devnet, &ALL);
    assert_nobody_signed_twice(&devnet, &ALL);
}

/// No proposal arrives anywhere, so round follows round. Whoever starts then must find the way into
/// the round of the others: three of four are a quorum only with it.
#[test]
fn who_joins_a_height_of_many_rounds_takes_part_in_it() {
    let devnet = boot(70);
    devnet.kill(3);
    for path in ["/consensus/proposal", "/consensus/pull"] {
        pairs().for_each(|(i, j)| devnet.links().swallow(i, j, path).expect("the links"));
    }
    assert_stands_still(&devnet);
    let round = eventually("many rounds", || {
        let round = number(&get(&devnet.urls()[0], "/status").json()["round"]);
        (round >= 4).then_some(round)
    });
    devnet.kill(2);
    devnet.restart(3).expect("it starts again");
    devnet.links().heal().expect("the links");
    let took = grows_by(&devnet, &[0, 1, 3], 1, "a block with the one that joined");
    println!("joined in round {round}: the block came after {took:?}");
    devnet.restart(2).expect("it starts again");
    assert_whole(&devnet);
}
