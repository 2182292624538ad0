//! Who knows whom: all mailboxes first, then every actor with the ports it was given, in start
//! order. No other file names all actors.
use super::Parts;
use super::handle::Remote;
use crate::block_sync::{self, BlockSync};
use crate::committer::{self, Committer};
use crate::http::intake::Intake;
use crate::limits::{
    COMPACTS_WAITING_MAX, CONSENSUS_MAILBOX_MAX, EVIDENCE_PROVEN_MAX, EVIDENCE_UNPROVEN_MAX,
    FETCHES_WAITING_MAX, GOSSIPS_WAITING_MAX, PROPOSALS_PROVEN_MAX, PROPOSALS_UNPROVEN_MAX,
    PULL_ANSWERS_MAX, PULL_PATIENCE_MS, QUESTIONS_WAITING_MAX, STANDINGS_WAITING_MAX,
    STORE_MAILBOX_MAX, TRANSACTIONS_WAITING_MAX, VOTES_PROVEN_MAX, VOTES_UNPROVEN_MAX,
};
use crate::mempool::{self, Mempool};
use crate::peer_broadcaster::{self, PeerBroadcaster};
use crate::peer_gateway::{self, Doors, PeerGateway};
use crate::peers::{Peer, system_resolver};
use crate::proposer::{self, Proposer};
use crate::round_driver::{self, RoundDriver};
use crate::rpc_gateway::{self, RpcGateway};
use crate::runtime::{Children, EndReason, Fatal, Inbox, OnFall, Spawner, Supervisor};
use crate::state_store::{self, StateStore};
use crate::tidings::tell;
use crate::vote_collector::{self, VoteCollector};
use actix::prelude::*;
use lockstep_protocol::consensus::catch_up::Arrival;
use lockstep_protocol::consensus::driver::DriverConfig;
use lockstep_protocol::consensus::trusted::TrustedBlock;
use parking_lot::RwLock;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use tokio::sync::oneshot;

struct Inboxes {
    store: Inbox<StateStore>,
    committer: Inbox<Committer>,
    broadcaster: Inbox<PeerBroadcaster>,
    sync: Inbox<BlockSync>,
    votes: Inbox<VoteCollector>,
    mempool: Inbox<Mempool>,
    proposer: Inbox<Proposer>,
    driver: Inbox<RoundDriver>,
    peers: Inbox<PeerGateway>,
    people: Inbox<RpcGateway>,
}

impl Inboxes {
    fn new() -> Inboxes {
        Inboxes {
            store: Inbox::new(STORE_MAILBOX_MAX),
            committer: Inbox::new(CONSENSUS_MAILBOX_MAX),
            broadcaster: Inbox::new(CONSENSUS_MAILBOX_MAX),
            sync: Inbox::new(CONSENSUS_MAILBOX_MAX),
            votes: Inbox::new(CONSENSUS_MAILBOX_MAX),
            mempool: Inbox::new(CONSENSUS_MAILBOX_MAX),
            proposer: Inbox::new(CONSENSUS_MAILBOX_MAX),
            driver: Inbox::new(CONSENSUS_MAILBOX_MAX),
            peers: Inbox::new(STORE_MAILBOX_MAX),
            people: Inbox::new(STORE_MAILBOX_MAX),
        }
    }

    fn store_ports(&self) -> state_store::Ports {
        state_store::Ports {
            persisted: self.driver.port_of::<StateStore, _>(),
            recovered: self.driver.port_of::<StateStore, _>(),
            stored: self.committer.port_of::<StateStore, _>(),
            kept: self.committer.port_of::<StateStore, _>(),
        }
    }

    fn committer_ports(&self) -> committer::Ports {
        committer::Ports {
            commit: self.store.port_of::<Committer, _>(),
            executed: self.proposer.port_of::<Committer, _>(),
            prepared: self.proposer.port_of::<Committer, _>(),
            refused: self.mempool.port_of::<Committer, _>(),
            rebuilt: self.proposer.port_of::<Committer, _>(),
            announce: self.driver.port_of::<Committer, _>(),
            stop_voting: self.driver.port_of::<Committer, _>(),
            stop_sync: self.sync.port_of::<Committer, _>(),
            discarded: self.sync.port_of::<Committer, _>(),
            forked: self.driver.port_of::<Committer, _>(),
            keep_evidence: self.store.port_of::<Committer, _>(),
            own_equivocation: self.driver.port_of::<Committer, _>(),
            tell_evidence: self.broadcaster.port_of::<Committer, _>(),
            keep_fork: self.store.port_of::<Committer, _>(),
            // The driver first: what the others tell it about the next height finds it there.
            committed: vec![
                self.driver.port_of::<Committer, _>(),
                self.votes.port_of::<Committer, _>(),
                self.proposer.port_of::<Committer, _>(),
                self.mempool.port_of::<Committer, _>(),
                self.broadcaster.port_of::<Committer, _>(),
                self.sync.port_of::<Committer, _>(),
            ],
        }
    }

    fn broadcaster_ports(&self) -> peer_broadcaster::Ports {
        peer_broadcaster::Ports {
            blocks: self.sync.port_of::<PeerBroadcaster, _>(),
            ahead: self.sync.port_of::<PeerBroadcaster, _>(),
            stands: self.sync.port_of::<PeerBroadcaster, _>(),
            gone: self.sync.port_of::<PeerBroadcaster, _>(),
            question: self
                .driver
                .port_of::<PeerBroadcaster, _>()
                .within(STANDINGS_WAITING_MAX),
            keeps: self.sync.port_of::<PeerBroadcaster, _>(),
            pulled_vote: self.votes.port_of::<PeerBroadcaster, _>(),
            pulled_proposal: self.proposer.port_of::<PeerBroadcaster, _>(),
            pull_ended: self.driver.port_of::<PeerBroadcaster, _>(),
            fetched: self
                .proposer
                .port_of::<PeerBroadcaster, _>()
                .within(FETCHES_WAITING_MAX),
            pass_on_again: self
                .mempool
                .port_of::<PeerBroadcaster, _>()
                .within(QUESTIONS_WAITING_MAX),
        }
    }

    fn sync_ports(&self) -> block_sync::Ports {
        block_sync::Ports {
            request: self.broadcaster.port_of::<BlockSync, _>(),
            synced: self.committer.port_of::<BlockSync, _>(),
            arrived: self.driver.port_of::<BlockSync, _>(),
        }
    }

    fn votes_ports(&self) -> vote_collector::Ports {
        vote_collector::Ports {
            quorum: self.driver.port_of::<VoteCollector, _>(),
            announce: self.driver.port_of::<VoteCollector, _>(),
            own_seen: self.driver.port_of::<VoteCollector, _>(),
            own_equivocation: self.driver.port_of::<VoteCollector, _>(),
            broadcast: self.broadcaster.port_of::<VoteCollector, _>(),
            ahead: self.sync.port_of::<VoteCollector, _>(),
            refused: self.driver.port_of::<VoteCollector, _>(),
            pull: self.broadcaster.port_of::<VoteCollector, _>(),
            evidence: self.committer.port_of::<VoteCollector, _>(),
        }
    }

    fn proposer_ports(&self) -> proposer::Ports {
        proposer::Ports {
            execute: self.committer.port_of::<Proposer, _>(),
            fill: self.mempool.port_of::<Proposer, _>(),
            prepare: self.committer.port_of::<Proposer, _>(),
            checked: self.driver.port_of::<Proposer, _>(),
            quorum: self.driver.port_of::<Proposer, _>(),
            built: self.driver.port_of::<Proposer, _>(),
            announce: self.driver.port_of::<Proposer, _>(),
            verified: self.votes.port_of::<Proposer, _>(),
            broadcast: self.broadcaster.port_of::<Proposer, _>(),
            fetch: self.broadcaster.port_of::<Proposer, _>(),
            ahead: self.sync.port_of::<Proposer, _>(),
            refused: self.driver.port_of::<Proposer, _>(),
            own_seen: self.driver.port_of::<Proposer, _>(),
            pull: self.votes.port_of::<Proposer, _>(),
            evidence: self.committer.port_of::<Proposer, _>(),
        }
    }

    fn mempool_ports(&self) -> mempool::Ports {
        mempool::Ports {
            filled: self.proposer.port_of::<Mempool, _>(),
            note: self.committer.port_of::<Mempool, _>(),
            gossip: self.broadcaster.port_of::<Mempool, _>(),
            waiting: self.driver.port_of::<Mempool, _>(),
            announce: self.driver.port_of::<Mempool, _>(),
        }
    }

    fn driver_ports(&self) -> round_driver::Ports {
        round_driver::Ports {
            recover: self.store.port_of::<RoundDriver, _>(),
            persist: self.store.port_of::<RoundDriver, _>(),
            remember_halt: self.store.port_of::<RoundDriver, _>(),
            broadcast: self.broadcaster.port_of::<RoundDriver, _>(),
            votes_round: self.votes.port_of::<RoundDriver, _>(),
            own_vote: self.votes.port_of::<RoundDriver, _>(),
            resend_votes: self.votes.port_of::<RoundDriver, _>(),
            retell_facts: self.votes.port_of::<RoundDriver, _>(),
            proposals_round: self.proposer.port_of::<RoundDriver, _>(),
            build: self.proposer.port_of::<RoundDriver, _>(),
            own_proposal: self.proposer.port_of::<RoundDriver, _>(),
            resend_proposals: self.proposer.port_of::<RoundDriver, _>(),
            retell_proposals: self.proposer.port_of::<RoundDriver, _>(),
            decide: self.committer.port_of::<RoundDriver, _>(),
            polka: self.committer.port_of::<RoundDriver, _>(),
            pull: self.proposer.port_of::<RoundDriver, _>(),
            retell_arrival: self.sync.port_of::<RoundDriver, _>(),
            retell_waiting: self.mempool.port_of::<RoundDriver, _>(),
        }
    }

    fn peer_gateway_ports(&self) -> peer_gateway::Ports {
        let (screen, proposal) = (
            self.proposer.port_of::<PeerGateway, _>(),
            self.proposer.port_of::<PeerGateway, _>(),
        );
        let compact = self.proposer.port_of::<PeerGateway, _>();
        peer_gateway::Ports {
            vote: Doors::new(
                &self.votes.port_of::<PeerGateway, _>(),
                VOTES_PROVEN_MAX,
                VOTES_UNPROVEN_MAX,
            ),
            evidence: Doors::new(
                &self.committer.port_of::<PeerGateway, _>(),
                EVIDENCE_PROVEN_MAX,
                EVIDENCE_UNPROVEN_MAX,
            ),
            screen: Doors::new(&screen, PROPOSALS_PROVEN_MAX, PROPOSALS_UNPROVEN_MAX),
            proposal: Doors::new(&proposal, PROPOSALS_PROVEN_MAX, PROPOSALS_UNPROVEN_MAX),
            compact: Doors::new(&compact, PROPOSALS_PROVEN_MAX, PROPOSALS_UNPROVEN_MAX),
            held: self
                .mempool
                .port_of::<PeerGateway, _>()
                .within(COMPACTS_WAITING_MAX),
            proposed: self
                .proposer
                .port_of::<PeerGateway, _>()
                .within(PULL_ANSWERS_MAX),
            pulled_votes: self
                .votes
                .port_of::<PeerGateway, _>()
                .within(PULL_ANSWERS_MAX),
            pulled_proposals: self
                .proposer
                .port_of::<PeerGateway, _>()
                .within(PULL_ANSWERS_MAX),
            seen: self
                .votes
                .port_of::<PeerGateway, _>()
                .within(STANDINGS_WAITING_MAX),
            standing: self
                .driver
                .port_of::<PeerGateway, _>()
                .within(STANDINGS_WAITING_MAX),
            gossip: self
                .mempool
                .port_of::<PeerGateway, _>()
                .within(GOSSIPS_WAITING_MAX),
        }
    }

    /// Shares of their own: what people send cannot keep out what peers send.
    fn rpc_gateway_ports(&self) -> rpc_gateway::Ports {
        rpc_gateway::Ports {
            missing: self
                .votes
                .port_of::<RpcGateway, _>()
                .within(QUESTIONS_WAITING_MAX),
            waiting: self
                .mempool
                .port_of::<RpcGateway, _>()
                .within(QUESTIONS_WAITING_MAX),
            waiting_count: self
                .mempool
                .port_of::<RpcGateway, _>()
                .within(QUESTIONS_WAITING_MAX),
            transaction_status: self
                .mempool
                .port_of::<RpcGateway, _>()
                .within(QUESTIONS_WAITING_MAX),
            next_nonce: self
                .mempool
                .port_of::<RpcGateway, _>()
                .within(QUESTIONS_WAITING_MAX),
        }
    }

    /// How one gateway hands in what people send it.
    fn intake<Gateway>(&self, parts: &Parts) -> Intake {
        let mempool = self.mempool.port_of::<Gateway, _>();
        Intake {
            wire: parts.wire,
            store: parts.store.clone(),
            metrics: parts.metrics.clone(),
            mempool: mempool.within(TRANSACTIONS_WAITING_MAX),
        }
    }
}

/// Starts all actors of a node; the store on `store_on`, the others on this thread. `end` hears
/// why the node ended by itself.
pub(super) fn wire(
    parts: Parts,
    store_on: &ArbiterHandle,
    end: oneshot::Sender<EndReason>,
) -> (Children, Remote) {
    let inboxes = Inboxes::new();
    let mut spawner = Supervisor::start_with(parts.config.policy, parts.actors.clone(), |reason| {
        // An error says that the node is being stopped anyway.
        let _ = end.send(reason);
    });
    let remote = Remote {
        thread: Arbiter::current(),
        actors: parts.actors.clone(),
        tick: inboxes.driver.port(),
        pace: inboxes.driver.port(),
        next_nonce: inboxes.mempool.port(),
        submit: inboxes.mempool.port(),
        connect: inboxes.broadcaster.port(),
        #[cfg(feature = "inject-panics")]
        children: spawner.children(),
    };
    let tidings = tell::Seed {
        me: parts.me,
        clock: parts.clock.clone(),
        pacing: parts.pacing.clone(),
        view: parts.view.clone(),
        store: parts.store.clone(),
        metrics: parts.metrics.clone(),
        missing: inboxes.votes.port().within(QUESTIONS_WAITING_MAX),
    };
    // It ends with the thread's runtime.
    actix::spawn(tell::always(tidings));
    spawn_all(&mut spawner, inboxes, parts, store_on);
    (spawner.children(), remote)
}

/// In start order, from the store outwards. What is told to an actor before it is there waits in
/// its mailbox. They stop in reverse.
fn spawn_all(spawner: &mut Spawner, inboxes: Inboxes, parts: Parts, store_on: &ArbiterHandle) {
    let here = Arbiter::current();
    let fatal = spawner.fatal();
    let seeds = Seeds::new(&inboxes, &parts, fatal.clone());
    let store = parts.store;
    let metrics = parts.metrics;
    let ledger = parts.ledger;
    let rules = parts.rules;
    let validators = ledger.validators().clone();
    let committed = validators.head();
    let listeners = (parts.config.peer_listener, parts.config.public_listener);
    let end = fatal.clone();
    store.on_corrupt(move |error| end.raise(error.kind(), error.to_string()));

    let ports = inboxes.store_ports();
    let timelines = parts.view.timelines.clone();
    spawner.spawn(store_on, inboxes.store, OnFall::StopNode, move |_| {
        StateStore::new(store, rules, metrics, timelines, fatal, ports)
    });
    let seed = seeds.committer;
    spawner.spawn(&here, inboxes.committer, OnFall::Restart, |_| {
        Committer::new(seed, ledger)
    });
    let seed = seeds.broadcaster;
    spawner.spawn(&here, inboxes.broadcaster, OnFall::Restart, |_| {
        PeerBroadcaster::new(seed)
    });
    let seed = seeds.sync;
    let known = validators.clone();
    spawner.spawn(&here, inboxes.sync, OnFall::Restart, move |_| {
        BlockSync::new(seed, known)
    });
    let seed = seeds.votes;
    let known = validators.clone();
    spawner.spawn(&here, inboxes.votes, OnFall::Restart, move |_| {
        VoteCollector::new(seed, &known)
    });
    let seed = seeds.mempool;
    spawner.spawn(&here, inboxes.mempool, OnFall::Restart, move |_| {
        Mempool::new(seed, committed)
    });
    let seed = seeds.proposer;
    spawner.spawn(&here, inboxes.proposer, OnFall::Restart, move |_| {
        Proposer::new(seed, &validators)
    });
    let seed = seeds.driver;
    spawner.spawn(&here, inboxes.driver, OnFall::Restart, |_| {
        RoundDriver::new(seed)
    });
    let gateways = (inboxes.peers, inboxes.people);
    spawn_gateways(spawner, gateways, (seeds.peers, seeds.people), listeners);
}

/// The last: whoever is let in finds all others there.
fn spawn_gateways(
    spawner: &mut Spawner,
    (peers, people): (Inbox<PeerGateway>, Inbox<RpcGateway>),
    (for_peers, for_people): (peer_gateway::Seed, rpc_gateway::Seed),
    (to_peers, to_people): (Arc<TcpListener>, Option<Arc<TcpListener>>),
) {
    let here = Arbiter::current();
    spawner.spawn(&here, peers, OnFall::Restart, |_| {
        PeerGateway::new(for_peers, to_peers)
    });
    if let Some(to_people) = to_people {
        spawner.spawn(&here, people, OnFall::Close, |_| {
            RpcGateway::new(for_people, to_people)
        });
    }
}

/// What each actor is made from, now and after every fall.
struct Seeds {
    committer: committer::Seed,
    broadcaster: peer_broadcaster::Seed,
    sync: block_sync::Seed,
    votes: vote_collector::Seed,
    mempool: mempool::Seed,
    proposer: proposer::Seed,
    driver: round_driver::Seed,
    peers: peer_gateway::Seed,
    people: rpc_gateway::Seed,
}

impl Seeds {
    fn new(inboxes: &Inboxes, parts: &Parts, fatal: Fatal) -> Seeds {
        let peers = Arc::new(RwLock::new(parts.config.peers.clone()));
        let arrival = Arc::default();
        Seeds {
            committer: committer_seed(inboxes, parts, fatal.clone()),
            broadcaster: peer_broadcaster::Seed {
                handshake: parts.handshake.clone(),
                wire: parts.wire,
                clock: parts.clock.clone(),
                context: parts.rules.context,
                arrival: Arc::clone(&arrival),
                peers: peers.clone(),
                view: parts.view.clone(),
                metrics: parts.metrics.clone(),
                resolve: system_resolver(),
                ports: inboxes.broadcaster_ports(),
            },
            sync: sync_seed(inboxes, parts, arrival),
            votes: vote_collector::Seed {
                rules: parts.rules.clone(),
                me: parts.me,
                store: parts.store.clone(),
                clock: parts.clock.clone(),
                timelines: parts.view.timelines.clone(),
                metrics: parts.metrics.clone(),
                ports: inboxes.votes_ports(),
            },
            mempool: mempool::Seed {
                rules: parts.rules.clone(),
                store: parts.store.clone(),
                clock: parts.clock.clone(),
                propose_ms: parts.config.timeouts.propose_ms,
                shelf: mempool::Shelf::default(),
                metrics: parts.metrics.clone(),
                fatal,
                ports: inboxes.mempool_ports(),
            },
            proposer: proposer_seed(inboxes, parts),
            driver: driver_seed(inboxes, parts),
            peers: peer_gateway_seed(inboxes, parts, peers),
            people: rpc_gateway_seed(inboxes, parts),
        }
    }
}

fn committer_seed(inboxes: &Inboxes, parts: &Parts, fatal: Fatal) -> committer::Seed {
    committer::Seed {
        rules: parts.rules.clone(),
        me: parts.me,
        trusted: TrustedBlock::new(parts.config.trusted),
        store: parts.store.clone(),
        view: parts.view.clone(),
        metrics: parts.metrics.clone(),
        fatal,
        ports: inboxes.committer_ports(),
        on_commit: parts.config.on_commit.clone(),
    }
}

fn proposer_seed(inboxes: &Inboxes, parts: &Parts) -> proposer::Seed {
    proposer::Seed {
        rules: parts.rules.clone(),
        me: parts.me,
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        view: parts.view.clone(),
        metrics: parts.metrics.clone(),
        ports: inboxes.proposer_ports(),
    }
}

fn sync_seed(
    inboxes: &Inboxes,
    parts: &Parts,
    arrival: Arc<OnceLock<Arrival>>,
) -> block_sync::Seed {
    block_sync::Seed {
        rules: parts.rules.clone(),
        me: parts.me,
        trusted: TrustedBlock::new(parts.config.trusted),
        arrival,
        expected: parts.config.peers.iter().map(|peer| peer.address).collect(),
        arrival_wait_ms: parts.config.arrival_wait_ms,
        is_rearmed: parts.config.rearm,
        wire: parts.wire,
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        view: parts.view.clone(),
        metrics: parts.metrics.clone(),
        ports: inboxes.sync_ports(),
    }
}

fn driver_seed(inboxes: &Inboxes, parts: &Parts) -> round_driver::Seed {
    let config = &parts.config;
    round_driver::Seed {
        config: DriverConfig {
            context: parts.rules.context,
            me: parts.me,
            signer: config.signer.clone(),
            timeouts: config.timeouts,
            pacing: config.pacing,
            last_height: config.last_height,
            pull_patience_ms: Some(PULL_PATIENCE_MS),
        },
        pacing: parts.pacing.clone(),
        signing: parts.signing,
        clock: parts.clock.clone(),
        view: parts.view.clone(),
        metrics: parts.metrics.clone(),
        ports: inboxes.driver_ports(),
    }
}

fn peer_gateway_seed(
    inboxes: &Inboxes,
    parts: &Parts,
    peers: Arc<RwLock<Vec<Peer>>>,
) -> peer_gateway::Seed {
    peer_gateway::Seed {
        me: parts.me,
        peers,
        handshake: parts.handshake.clone(),
        wire: parts.wire,
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        view: parts.view.clone(),
        metrics: parts.metrics.clone(),
        ports: inboxes.peer_gateway_ports(),
        intake: inboxes.intake::<PeerGateway>(parts),
        shares: peer_gateway::Shares::default(),
    }
}

fn rpc_gateway_seed(inboxes: &Inboxes, parts: &Parts) -> rpc_gateway::Seed {
    let config = &parts.config;
    rpc_gateway::Seed {
        genesis: config.genesis.clone(),
        genesis_root: parts.genesis_root,
        me: parts.me,
        rules: parts.rules.clone(),
        wire: parts.wire,
        verifier_fingerprint: parts.handshake.verifier_fingerprint.clone(),
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        view: parts.view.clone(),
        metrics: parts.metrics.clone(),
        actors: parts.actors.clone(),
        events: parts.events.clone(),
        farewell: parts.farewell.clone(),
        settings: rpc_gateway::Settings {
            timeouts: config.timeouts,
            pacing: parts.pacing.clone(),
            retention: config.retention,
        },
        origins: parts.access.origins.clone(),
        proxies: parts.access.proxies.clone(),
        hosts: parts.access.hosts.clone(),
        is_on_loopback: parts.public_listens.is_some_and(|at| at.ip().is_loopback()),
        devnet: config.controls.clone().map(rpc_gateway::Devnet::new),
        serves_page: config.serves_page,
        ports: inboxes.rpc_gateway_ports(),
        intake: inboxes.intake::<RpcGateway>(parts),
        shares: rpc_gateway::Shares::default(),
    }
}
