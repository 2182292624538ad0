//! What the pull (E5) is worth, in worlds that are the same but for it.
use super::*;
use crate::simulation::network::Links;
use crate::simulation::profile::Profile;
use lockstep_protocol::consensus::catch_up::arrival::Arrival;
use lockstep_protocol::types::Round;
use std::sync::Arc;

/// What of a message arrives.
type Loses = fn(Payload) -> Option<Payload>;

/// Loses what it is told to lose, and is correct otherwise.
struct Lossy(Loses);

impl Habit for Lossy {
    fn say(&mut self, stage: &mut Stage<'_>, to: Option<usize>, payload: Payload) {
        let arrives = (self.0)(payload);
        arrives.into_iter().for_each(|p| stage.pass(to, p));
    }
}

/// Four correct nodes on calm wires, with fast disks, on which such messages are lost.
fn quiet(pulls: bool, loses: Loses) -> World {
    let mut worlds = (0..).map(|seed| build(seed, Profile::Calm.into()));
    let is_fit = |world: &World| world.machines.len() == 4 && world.plan.pull_patience_ms.is_some();
    let mut world = worlds
        .find(is_fit)
        .expect("one of the seeds has four validators that pull");
    // Without the planned calm, which would start every node.
    world.queue = Queue::default();
    world.network.links = Links::CALM;
    (world.plan.sync_max_us, world.plan.hurry_permille) = (200, 0);
    for place in &mut world.machines {
        // Where the others are, the arrival would tell them too.
        place.node.arrival = Some(Arrival::default());
        place.habit = Some(Box::new(Lossy(loses)));
        let patience = &mut place.node.setup.driver.pull_patience_ms;
        *patience = patience.filter(|_| pulls);
    }
    world
}

fn start(world: &mut World, nodes: std::ops::Range<usize>) {
    for node in nodes {
        world.with_node(node, |node, clocks, out| node.start(clocks, out));
    }
}

fn committed(world: &World) -> u64 {
    (0..4).map(|node| world.height(node).0).max().unwrap_or(0)
}

/// Heights that were decided in round 0, and all heights, after so much virtual time.
fn decided(mut world: World, until_ms: u64) -> (u64, u64) {
    start(&mut world, 0..4);
    while world.queue.now_us() < until_ms * 1_000 && world.step() {}
    assert_eq!(world.violations, []);
    let in_round_0 = |height: &u64| {
        let disks = world.machines.iter().map(|place| &place.node.disk.durable);
        let mut decided = disks.filter_map(|disk| disk.committed(Height(*height)));
        let first = decided.next().expect("somebody has committed it");
        first.certificate.round == Round::ZERO
    };
    let heights = 1..=committed(&world);
    (
        heights.clone().filter(in_round_0).count() as u64,
        committed(&world),
    )
}

fn no_proposals(payload: Payload) -> Option<Payload> {
    Some(payload).filter(|payload| !matches!(payload, Payload::Proposal(_)))
}

fn no_pushes(payload: Payload) -> Option<Payload> {
    no_proposals(payload).filter(|payload| !matches!(payload, Payload::Vote(_)))
}

/// Not even by a pull.
fn no_proposals_at_all(payload: Payload) -> Option<Payload> {
    match payload {
        Payload::Pulled(height, pulled) => {
            let mut pulled = (*pulled).clone();
            pulled.proposals.clear();
            Some(Payload::Pulled(height, Arc::new(pulled)))
        }
        other => no_proposals(other),
    }
}

#[test]
fn heights_of_which_every_push_is_lost_are_decided_in_round_0_all_the_same() {
    for lost in [no_proposals as Loses, no_pushes] {
        let (with, of) = decided(quiet(true, lost), 10_000);
        let (without, of_without) = decided(quiet(false, lost), 10_000);
        println!("with pull {with} of {of} in round 0, without {without} of {of_without}");
        assert!(of >= 20 && with * 100 >= of * 99, "{with} of {of}");
        assert_eq!(without, 0);
        assert!(of > 4 * of_without, "{of} against {of_without}");
    }
}

#[test]
fn where_nothing_is_lost_nothing_rests_on_the_pull() {
    let (in_round_0, of) = decided(quiet(false, Some), 10_000);
    println!("{in_round_0} of {of} in round 0");
    assert!(of > 100 && in_round_0 == of, "{in_round_0} of {of}");
}

/// Three nodes lose all proposals and so come to round 7. Then the fourth begins. Virtual
/// microseconds until it is in round 7, too, and its first timeout.
fn joins_during_round_7(pulls: bool) -> (u64, u64) {
    let mut world = quiet(pulls, no_proposals_at_all);
    start(&mut world, 0..3);
    let early = |world: &World, node: usize| {
        let round = world.machines[node].node.round();
        round.is_none_or(|round| round < Round(7))
    };
    while early(&world, 0) && world.step() {}
    // Everything that was pushed has arrived, and the next push is a long timeout away.
    let quiet_us = world.queue.now_us() + 4 * Links::CALM.delay_max_us;
    while world.queue.now_us() < quiet_us && world.step() {}
    assert_eq!(committed(&world), 0);
    let began_us = world.queue.now_us();
    start(&mut world, 3..4);
    while early(&world, 3) && world.step() {}
    assert_eq!(committed(&world), 0);
    let timeout_us = world.plan.timeouts.propose_ms * 1_000;
    (world.queue.now_us() - began_us, timeout_us)
}

#[test]
fn a_node_that_joins_during_round_7_of_a_height_is_there_before_its_first_timeout() {
    let (took_us, timeout_us) = joins_during_round_7(true);
    let (without_us, _) = joins_during_round_7(false);
    println!("there after {took_us} µs, without the pull after {without_us} µs");
    assert!(took_us < timeout_us, "{took_us} µs of {timeout_us}");
    assert!(2 * took_us < without_us, "{took_us} against {without_us}");
}
