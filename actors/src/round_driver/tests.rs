use super::*;
use crate::fixture::view_before_all;
use crate::messages::round_driver::{
    AnnounceRound, Arrived, DriverRecovered, OwnMessageSeen, StopVoting, Tick,
};
use crate::metrics::Metrics;
use crate::runtime::{Actors, Inbox, OnFall, Policy, Probe, Supervisor};
use lockstep_protocol::consensus::catch_up::arrival::Arrival;
use lockstep_protocol::consensus::driver::{Halt, Pacing};
use lockstep_protocol::consensus::durable::{Recovery, SignStep};
use lockstep_protocol::consensus::timeouts::{TimeoutKind, Timeouts};
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, Seed as KeySeed};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::types::{Address, ChainId, Hash, Timestamp};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::validators::set::ValidatorSet;
use std::time::Duration;

/// A lone validator decides every height after this one.
fn after(height: u64) -> ValidatorSchedule {
    let signer = Simulated.signer(&KeySeed([1; 32])).unwrap();
    let members = [(signer.public_key().to_vec(), 1)];
    let set = Arc::new(ValidatorSet::new(&Simulated, members).unwrap());
    ValidatorSchedule::unchanged(Height(height), set)
}

/// A lone validator's driver whose neighbours are all deaf but the store, which is a probe.
fn seed(recover: Port<RecoverDriver>) -> Seed {
    let signer = Simulated.signer(&KeySeed([1; 32])).unwrap();
    Seed {
        config: DriverConfig {
            context: SignContext {
                chain_id: ChainId(7),
                genesis_hash: Hash::default(),
            },
            me: Address::of(Simulated.id(), signer.public_key()),
            signer,
            timeouts: Timeouts::DEVNET,
            pacing: Pacing::Manual,
            last_height: None,
            pull_patience_ms: None,
        },
        pacing: Live::new(Pacing::Manual),
        signing: Signing::From(Height(0)),
        clock: Clock::start(),
        view: view_before_all(after(0)),
        metrics: Metrics::new(Actors::default()),
        ports: Ports {
            recover,
            ..Ports::default()
        },
    }
}

fn arrival(committed: u64) -> Arrival {
    Arrival::free_after(Height(committed))
}

fn recovered(incarnation: u64, committed: u64) -> DriverRecovered {
    let recovery = Recovery::default();
    DriverRecovered {
        incarnation,
        validators: after(committed),
        parent_time: Timestamp(0),
        recovery,
    }
}

/// It fell twice in a row; the store's answer to the first restart comes after the second. Were it
/// taken, what has been signed meanwhile would be missing in it.
#[test]
fn a_recovery_that_an_earlier_incarnation_asked_for_is_not_taken() {
    System::new().block_on(async {
        tokio::time::pause();
        let (recover, mut store) = Probe::open(8);
        let inbox = Inbox::<RoundDriver>::new(64);
        let (answer, tick) = (inbox.port::<DriverRecovered>(), inbox.port::<Tick>());
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let seed = seed(recover);
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
            RoundDriver::new(seed)
        });
        assert_eq!(store.next().await.map(|asked| asked.0), Some(0));
        assert!(spawner.children().inject_panic("RoundDriver"));
        assert_eq!(store.next().await.map(|asked| asked.0), Some(1));

        answer.deliver(recovered(0, 8));
        answer.deliver(recovered(1, 4));
        answer.deliver(recovered(1, 8));
        let outcome = tick.ask(Tick(Height(5))).await;
        assert_eq!(
            outcome,
            Ok(TickOutcome::Building),
            "the driver stands behind height 4"
        );
    });
}

/// On demand a node of its own stood until the next transaction: what it was told before its fall was
/// forgotten, and what came meanwhile unheard.
#[test]
fn after_each_start_it_asks_whether_transactions_wait() {
    System::new().block_on(async {
        tokio::time::pause();
        let (recover, mut store) = Probe::open(8);
        let (retell_waiting, mut mempool) = Probe::open(8);
        let inbox = Inbox::<RoundDriver>::new(64);
        let answer = inbox.port::<DriverRecovered>();
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let mut seed = seed(recover);
        seed.ports.retell_waiting = retell_waiting;
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
            RoundDriver::new(seed)
        });
        for incarnation in 0..2 {
            assert_eq!(store.next().await.map(|asked| asked.0), Some(incarnation));
            answer.deliver(recovered(incarnation, 4));
            let asked: Option<RetellWaiting> = mempool.next().await;
            assert!(asked.is_some());
            assert!(spawner.children().inject_panic("RoundDriver"));
        }
    });
}

/// The fall of the actor does not change that the node has stopped voting, and nobody waits for it.
#[test]
fn a_node_that_has_stopped_voting_stays_so_after_a_fall() {
    System::new().block_on(async {
        tokio::time::pause();
        let (recover, mut store) = Probe::open(8);
        let inbox = Inbox::<RoundDriver>::new(64);
        let (answer, tick) = (inbox.port::<DriverRecovered>(), inbox.port::<Tick>());
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let seed = seed(recover);
        seed.view.set_halted(Halt::InvalidDecision(Height(5)));
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
            RoundDriver::new(seed)
        });
        assert_eq!(store.next().await.map(|asked| asked.0), Some(0));
        let early = tick.ask(Tick(Height(5)));
        answer.deliver(recovered(0, 4));
        assert_eq!(early.await, Ok(TickOutcome::Stopped));
        assert_eq!(tick.ask(Tick(Height(5))).await, Ok(TickOutcome::Stopped));
    });
}

/// Whoever restarts asks where this node stands. The answer took the timers of the round with it,
/// and a lone validator whose block was lost waited for it for ever.
#[test]
fn to_say_again_where_it_stands_does_not_take_the_timers_of_the_round() {
    System::new().block_on(async {
        tokio::time::pause();
        let (recover, mut store) = Probe::open(8);
        let (persist, mut signed) = Probe::open(8);
        let inbox = Inbox::<RoundDriver>::new(64);
        let (answer, tick) = (inbox.port::<DriverRecovered>(), inbox.port::<Tick>());
        let announce = inbox.port::<AnnounceRound>();
        let arrived = inbox.port::<Arrived>();
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let mut seed = seed(recover);
        seed.ports.persist = persist;
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
            RoundDriver::new(seed)
        });
        store.next().await;
        answer.deliver(recovered(0, 4));
        arrived.deliver(Arrived(arrival(4)));
        assert_eq!(tick.ask(Tick(Height(5))).await, Ok(TickOutcome::Building));
        assert_eq!(announce.ask(AnnounceRound).await, Ok(()));
        let waited = tokio::time::timeout(Duration::from_secs(60), signed.next()).await;
        let prevote = waited.expect("the timeout of the proposal fires");
        assert!(prevote.is_some(), "and is answered by a prevote for nil");
    });
}

/// Its block was late for the timeout that had begun before it had a voice.
#[test]
fn with_its_arrival_a_proposer_has_the_whole_timeout_for_its_block() {
    System::new().block_on(async {
        tokio::time::pause();
        let (recover, mut store) = Probe::open(8);
        let (persist, mut signed) = Probe::<PersistSignature>::open(8);
        let inbox = Inbox::<RoundDriver>::new(64);
        let (answer, tick) = (inbox.port::<DriverRecovered>(), inbox.port::<Tick>());
        let arrived = inbox.port::<Arrived>();
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let mut seed = seed(recover);
        seed.ports.persist = persist;
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
            RoundDriver::new(seed)
        });
        store.next().await;
        answer.deliver(recovered(0, 4));
        assert_eq!(tick.ask(Tick(Height(5))).await, Ok(TickOutcome::Building));
        let ms = Timeouts::DEVNET.after_ms(TimeoutKind::Propose, Round::ZERO);
        tokio::time::sleep(Duration::from_millis(ms - 10)).await;
        arrived.deliver(Arrived(arrival(4)));
        let begun = tokio::time::Instant::now();
        assert!(signed.next().await.is_some(), "a prevote for nil");
        assert!(begun.elapsed() >= Duration::from_millis(ms));
    });
}

/// The driver may be between two incarnations when a certified block turns out to be invalid: the
/// order to stop was lost then.
#[test]
fn an_order_to_stop_voting_counts_before_the_driver_is_there_and_is_remembered() {
    System::new().block_on(async {
        tokio::time::pause();
        let (recover, mut store) = Probe::open(8);
        let (remember_halt, mut remembered) = Probe::<RememberHalt>::open(8);
        let inbox = Inbox::<RoundDriver>::new(64);
        let (answer, tick) = (inbox.port::<DriverRecovered>(), inbox.port::<Tick>());
        let stop = inbox.port::<StopVoting>();
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let mut seed = seed(recover);
        seed.ports.remember_halt = remember_halt;
        let view = seed.view.clone();
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
            RoundDriver::new(seed)
        });
        assert_eq!(store.next().await.map(|asked| asked.0), Some(0));
        stop.deliver(StopVoting(Height(5)));
        answer.deliver(recovered(0, 4));
        assert_eq!(tick.ask(Tick(Height(5))).await, Ok(TickOutcome::Stopped));
        let halt = remembered.next().await.map(|halt| halt.0);
        assert_eq!(halt, Some(Halt::InvalidDecision(Height(5))));
        let halted = view.copy().halted;
        assert!(halted.is_some_and(|reason| reason.contains("height 5")));
    });
}

/// After a restart the node began to sign again beside the other one that has its key.
#[test]
fn that_the_key_is_at_work_elsewhere_is_remembered() {
    System::new().block_on(async {
        tokio::time::pause();
        let (recover, mut store) = Probe::open(8);
        let (remember_halt, mut remembered) = Probe::<RememberHalt>::open(8);
        let inbox = Inbox::<RoundDriver>::new(64);
        let answer = inbox.port::<DriverRecovered>();
        let arrived = inbox.port::<Arrived>();
        let seen = inbox.port::<OwnMessageSeen>();
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let mut seed = seed(recover);
        seed.ports.remember_halt = remember_halt;
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, |_| {
            RoundDriver::new(seed)
        });
        store.next().await;
        answer.deliver(recovered(0, 4));
        arrived.deliver(Arrived(arrival(4)));
        let beyond = (Height(5), Round(3), SignStep::Prevote);
        assert_eq!(seen.ask(OwnMessageSeen(beyond)).await, Ok(()));
        let halt = remembered.next().await.map(|halt| halt.0);
        assert_eq!(halt, Some(Halt::SignedElsewhere(Height(5))));
    });
}
