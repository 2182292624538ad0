//! From a plan to a world.
use super::{EPOCH_MS, Machine, World};
use crate::simulation::disk::Disk;
use crate::simulation::habits;
use crate::simulation::keys;
use crate::simulation::network::Network;
use crate::simulation::node::Node;
use crate::simulation::node::Setup;
use crate::simulation::plan::Plan;
use crate::simulation::properties::Scene;
use crate::simulation::properties::execution::Origin;
use crate::simulation::queue::{Event, Queue};
use crate::simulation::random::Random;
use crate::simulation::succession::Succession;
use crate::simulation::trace::Trace;
use crate::simulation::twins::{self, Split};
use crate::simulation::users::{self, Users, Wishes};
use crate::simulation::{Faults, application, properties};
use crate::simulation::{Profile, Worlds};
use lockstep_protocol::consensus::catch_up::Arrival;
use lockstep_protocol::consensus::driver::DriverConfig;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, Signer};
use lockstep_protocol::ledger::{ChainRules, Head, MemoryState, StateChanges};
use lockstep_protocol::nouns::genesis::{Genesis, GenesisValidator};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::{Address, ChainId, Height, Round, Timestamp};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::validators::set::Power;
use lockstep_protocol::validators::set::ValidatorSet;
use std::sync::Arc;

/// What all nodes share.
struct Chain {
    genesis: Genesis,
    changes: StateChanges,
    rules: Arc<ChainRules>,
    users: Arc<Vec<Arc<dyn Signer>>>,
    wishes: Arc<Wishes>,
}

/// The world of a seed.
pub(crate) fn build(seed: u64, worlds: Worlds) -> World {
    let mut random = Random::new(seed);
    if worlds.profile == Profile::TwinsAll {
        let mut world = furnish(seed, twins::plan(), random);
        world.split = Some(Split::new(seed));
        world.wanted = Some(Height(1));
        // No sequence is spent on the arrival.
        arrive(&mut world);
        return world;
    }
    let plan = Plan::new(worlds.profile, worlds.validators, &mut random.fork());
    let mut world = furnish(seed, plan, random);
    if worlds.profile == Profile::Amnesiacs {
        // The correct nodes hear nothing of each other, and would spend the world waiting for that.
        arrive(&mut world);
    }
    world
}

/// Nobody has signed anything yet, and all know it.
fn arrive(world: &mut World) {
    for machine in &mut world.machines {
        machine.node.arrival = Some(Arrival::default());
    }
}

/// The world of a plan.
fn furnish(seed: u64, plan: Plan, mut random: Random) -> World {
    let chain = chain(&plan);
    let nodes = plan.nodes();
    let signers = keys::validators(plan.validators);
    let signer = |node| signers[plan.validator_of(node)].clone();
    let addresses: Arc<[Address]> = (0..nodes).map(|n| keys::address(&*signer(n))).collect();
    let scene = Scene {
        keys: Arc::new(keys_of(&plan, &signers)),
        sets: Succession::new(chain.rules.genesis_validators.clone()),
        context: chain.rules.context,
        origin: Origin {
            rules: chain.rules.clone(),
            head: Head::genesis(&chain.genesis, &chain.changes),
            changes: chain.changes.clone(),
        },
        restored: plan.restored,
        correct: (0..nodes).map(|node| plan.is_correct(node)).collect(),
    };
    let mut queue = Queue::default();
    for (at_us, fault) in &plan.faults {
        queue.after_us(*at_us, Event::Fault(fault.clone()));
    }
    let mut machine = |node: usize| Machine {
        node: node_of(
            &plan,
            &chain,
            node,
            signer(node),
            addresses.clone(),
            random.fork(),
        ),
        habit: plan.habits[plan.validator_of(node)].map(|kind| (kind.new)()),
        skew_ms: plan.skew_ms[node] - plan.genesis_ahead_ms,
    };
    let machines: Vec<Machine> = (0..nodes).map(&mut machine).collect();
    World {
        network: Network::new(nodes, plan.links, random.fork()),
        scene,
        machines,
        queue,
        ready: Vec::new(),
        properties: properties::all(),
        violations: Vec::new(),
        trace: Trace::new(seed),
        faults: Faults::default(),
        evidence: 0,
        schedule: random.fork(),
        chance: random.fork(),
        wanted: None,
        behind: 0,
        split: None,
        loses_proposals: false,
        time_ms: -plan.genesis_ahead_ms,
        latest_ms: 0,
        court: court(&plan, &signers),
        highest_round: Round::ZERO,
        tell: None,
        #[cfg(feature = "mutants")]
        bug: None,
        plan,
    }
}

/// Whoever has the habit of an old king, with its key.
fn court(plan: &Plan, signers: &[Arc<dyn Signer>]) -> Vec<(usize, Arc<dyn Signer>)> {
    let is_king = |validator: &usize| {
        let habit = plan.habits[*validator];
        habit.is_some_and(|kind| kind.name == habits::OLD_KING.name)
    };
    let kings = (0..plan.validators).filter(is_king);
    kings.map(|king| (king, signers[king].clone())).collect()
}

fn chain(plan: &Plan) -> Chain {
    let users = users::signers();
    let signers = keys::validators(plan.validators);
    let founders = signers.iter().zip(&plan.founding);
    let founders = founders.filter(|(_, power)| **power > 0);
    // What their votes cost.
    let voters = if plan.changes.is_empty() {
        &[]
    } else {
        &signers[..]
    };
    let mut accounts = users::accounts(&users);
    accounts.extend(users::accounts(voters));
    accounts.sort_by_key(|account| account.address);
    let validator = |(signer, power): (&Arc<dyn Signer>, &Power)| GenesisValidator {
        public_key: signer.public_key().to_vec(),
        power: *power,
    };
    let genesis = Genesis {
        chain_id: ChainId(7),
        scheme: Simulated.id(),
        time: Timestamp(EPOCH_MS - 1),
        parameters: Parameters::default(),
        validators: founders.map(validator).collect(),
        accounts,
        applications: vec![application::named()],
    };
    let known = application::applications();
    let rules = ChainRules::with(&genesis, Arc::new(Simulated), &known);
    let rules = rules.expect("these keys are in order");
    let changes = rules.genesis_changes(&genesis);
    let changes = changes.expect("this genesis is in order");
    let wishes = Wishes::of(plan, &signers);
    Chain {
        genesis,
        changes,
        rules: Arc::new(rules),
        users: Arc::new(users),
        wishes: Arc::new(wishes),
    }
}

/// Powers follow the order of the set, which is that of the keys.
fn keys_of(plan: &Plan, signers: &[Arc<dyn Signer>]) -> ValidatorSet {
    let keys = signers.iter().map(|signer| signer.public_key().to_vec());
    let members = keys.zip(plan.powers.iter().copied());
    ValidatorSet::new(&Simulated, members).expect("these keys are in order")
}

fn node_of(
    plan: &Plan,
    chain: &Chain,
    node: usize,
    signer: Arc<dyn Signer>,
    addresses: Arc<[Address]>,
    random: Random,
) -> Node {
    let state = Arc::new(MemoryState::new(&chain.changes));
    let head = Head::genesis(&chain.genesis, &chain.changes);
    let first = ValidatorSchedule::unchanged(Height(0), chain.rules.genesis_validators.clone());
    let disk = Disk::new(head, first, state.clone(), plan.survival);
    let driver = DriverConfig {
        context: chain.rules.context,
        me: keys::address(&*signer),
        signer,
        timeouts: plan.timeouts,
        pacing: plan.pacing,
        last_height: None,
        pull_patience_ms: plan.pull_patience_ms,
    };
    let setup = Setup {
        driver,
        addresses,
        rules: chain.rules.clone(),
        looks_for_own: plan.looks_for_own(node),
        silent_after_ms: plan.silent_after_ms,
        grace_ms: plan.grace_ms,
        arrival_wait_ms: 4 * plan.base_ms(),
        is_rearmed: plan.restored != Some(plan.validator_of(node)),
        sync_blocks_max: plan.sync_blocks_max,
        users: Users {
            signers: chain.users.clone(),
            wishes: chain.wishes.clone(),
            context: chain.rules.context,
            parameters: chain.rules.parameters,
            state,
        },
    };
    Node::new(setup, disk, random)
}
