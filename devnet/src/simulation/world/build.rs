//! From a plan to a world.
use super::*;
use crate::simulation::disk::Disk;
use crate::simulation::keys;
use crate::simulation::node::Setup;
use crate::simulation::profile::Profile;
use crate::simulation::users::{self, Users};
use lockstep_protocol::consensus::driver::DriverConfig;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, Signer};
use lockstep_protocol::genesis::{Genesis, GenesisValidator};
use lockstep_protocol::ledger::{ChainRules, Head, Ledger, MemoryState, StateChanges};
use lockstep_protocol::types::ChainId;
use std::sync::Arc;

/// What all nodes share.
struct Chain {
    genesis: Genesis,
    changes: StateChanges,
    rules: Arc<ChainRules>,
    users: Arc<Vec<Arc<dyn Signer>>>,
}

/// The world of a seed.
pub(crate) fn build(seed: u64, profile: Profile, is_verbose: bool) -> World {
    let mut random = Random::new(seed);
    let plan = Plan::new(profile, &mut random.fork());
    let chain = chain(plan.validators);
    let signers = keys::validators(plan.validators);
    let scene = Scene {
        set: chain.rules.validators.clone(),
        context: chain.rules.context,
        correct: plan.habits.iter().map(Option::is_none).collect(),
    };
    let mut queue = Queue::default();
    for (at_us, fault) in &plan.faults {
        queue.after_us(*at_us, Event::Fault(fault.clone()));
    }
    let place = |(node, signer): (usize, Arc<dyn Signer>)| Place {
        node: node_of(&plan, &chain, signer, profile, random.fork()),
        habit: plan.habits[node].map(|kind| (kind.new)()),
        skew_ms: plan.skew_ms[node],
    };
    let places: Vec<Place> = signers.into_iter().enumerate().map(place).collect();
    World {
        network: Network::new(plan.validators, plan.links, random.fork()),
        scene,
        places,
        queue,
        ready: Vec::new(),
        properties: properties::judging(profile),
        violations: Vec::new(),
        trace: Trace::new(seed),
        faults: Faults::default(),
        evidence: 0,
        schedule: random.fork(),
        chance: random.fork(),
        wanted: None,
        is_verbose,
        plan,
    }
}

fn chain(validators: usize) -> Chain {
    let users = users::signers();
    let validator = |signer: &Arc<dyn Signer>| GenesisValidator {
        public_key: signer.public_key().to_vec(),
        power: 1,
    };
    let genesis = Genesis {
        chain_id: ChainId(7),
        scheme: Simulated.id(),
        time: Timestamp(EPOCH_MS - 1),
        validators: keys::validators(validators).iter().map(validator).collect(),
        accounts: users::accounts(&users),
    };
    let changes = Ledger::genesis_changes(&genesis).expect("this genesis is in order");
    let rules = ChainRules::new(&genesis, Arc::new(Simulated)).expect("these keys are in order");
    Chain {
        genesis,
        changes,
        rules: Arc::new(rules),
        users: Arc::new(users),
    }
}

fn node_of(
    plan: &Plan,
    chain: &Chain,
    signer: Arc<dyn Signer>,
    profile: Profile,
    random: Random,
) -> Node {
    let state = Arc::new(MemoryState::new(&chain.changes));
    let head = Head::genesis(&chain.genesis, &chain.changes);
    let disk = Disk::new(head, state.clone());
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
        rules: chain.rules.clone(),
        silent_after_ms: plan.silent_after_ms,
        grace_ms: plan.grace_ms,
        sync_blocks_max: plan.sync_blocks_max,
        users: Users {
            signers: chain.users.clone(),
            context: chain.rules.context,
            state,
        },
    };
    let mutant = profile.planted().map(|planted| (planted.new)());
    Node::new(setup, disk, mutant, random)
}
