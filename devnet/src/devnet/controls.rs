//! What people may do with a devnet over HTTP, at the node of one number: the verbs of [`Devnet`].
use super::spending::What;
use super::ticks::TICK_PATIENCE;
use super::turns::Turn;
use super::{DevnetError, Inner};
use crate::limits::FAULTS_SHOWN_MAX;
use lockstep_actors::node::{NodeHandle, SharedClock, SubmitError};
use lockstep_actors::rpc_gateway::{Blame, Controls, Done, NotDone, Order, Wires};
use lockstep_actors::runtime::EndReason;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::mempool::{self, MempoolRefusal};
use lockstep_protocol::nouns::transaction::Action;
use serde_json::{Value, json};
use std::sync::{Arc, Weak};

/// The devnet, as one of its nodes has it.
pub(super) struct NodeControls {
    devnet: Weak<Inner>,
    node: usize,
    pages: Vec<String>,
    clock: Arc<SharedClock>,
}

type Way = fn(NodeHandle) -> EndReason;

impl NodeControls {
    pub(super) fn of(devnet: &Arc<Inner>, node: usize) -> NodeControls {
        let ports = devnet.public.iter().map(|listens| listens.port());
        let pages = ports.flat_map(|port| {
            ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}"))
        });
        NodeControls {
            pages: pages.collect(),
            clock: devnet.clock.clone(),
            devnet: Arc::downgrade(devnet),
            node,
        }
    }

    fn devnet(&self) -> Result<Arc<Inner>, DevnetError> {
        self.devnet.upgrade().ok_or(DevnetError::Going)
    }

    fn order(&self, order: Order) -> Result<Done, DevnetError> {
        let devnet = self.devnet()?;
        match order {
            Order::Tick => return devnet.ticked(),
            Order::Stop(node) => return self.end(&devnet, node, "stopped", NodeHandle::stop),
            Order::Kill(node) => return self.end(&devnet, node, "killed", NodeHandle::kill),
            Order::Transfer { from, to, amount } => {
                let what = What::Transfer { to, amount };
                return devnet.send_at(self.node, &from, what).map(Done::Sent);
            }
            Order::Record { from, key, value } => {
                let what = What::Action(Action::Put { key, value });
                return devnet.send_at(self.node, &from, what).map(Done::Sent);
            }
            Order::Faucet { to, amount } => {
                return devnet.faucet(self.node, to, amount).map(Done::Sent);
            }
            Order::Snapshot => {
                let id = devnet.number_snapshot()?;
                let told = json!({ "done": true, "snapshot": id, "turn": devnet.turns_over() + 1 });
                return Ok(turn(&devnet, Turn::Keep(id), told));
            }
            Order::Revert(id) => {
                devnet.find_snapshot(id)?;
                let told = json!({ "done": true, "turn": devnet.turns_over() + 1 });
                return Ok(turn(&devnet, Turn::Revert(id), told));
            }
            Order::Time(change) => {
                let time = devnet.change_time(change)?;
                return Ok(Done::Told(json!({ "done": true, "time_ms": time })));
            }
            Order::Pace(pacing) => devnet.pace(pacing)?,
            Order::Restart(node) => Inner::restart(&devnet, node)?,
            Order::Partition(groups) => devnet.partition(groups)?,
            Order::Heal => devnet.heal()?,
            Order::Delay(wires, ms) => {
                devnet.on_links(link(wires), |links, from, to| links.delay(from, to, ms))?;
            }
            Order::Drop(wires, share) => {
                devnet.on_links(link(wires), |links, from, to| links.lose(from, to, share))?;
            }
            Order::Panic { node, actor } => devnet.panic(node, &actor)?,
        }
        Ok(Done::Plainly)
    }

    /// The node that answers ends behind its answer.
    fn end(
        &self,
        devnet: &Arc<Inner>,
        node: usize,
        word: &'static str,
        way: Way,
    ) -> Result<Done, DevnetError> {
        // One that has ended by itself is left as it is: whoever looks is to find why.
        if !devnet.runs(node)? {
            return Err(DevnetError::Down(node));
        }
        if node != self.node {
            devnet.end(node, word, way)?;
            return Ok(Done::Plainly);
        }
        let devnet = Arc::downgrade(devnet);
        let told = json!({ "done": true });
        let act = Box::new(move || {
            if let Some(devnet) = devnet.upgrade()
                && let Err(error) = devnet.end(node, word, way)
            {
                log::info!("node {node} is not {word}: {error}");
            }
        });
        Ok(Done::Once(told, act))
    }
}

/// All nodes end for it, the one that answers too: it is over when `GET /devnet` says so.
fn turn(devnet: &Arc<Inner>, turn: Turn, told: Value) -> Done {
    let devnet = Arc::downgrade(devnet);
    let act = move || {
        if let Some(devnet) = devnet.upgrade()
            && let Err(error) = Inner::turn(&devnet, turn)
        {
            log::error!("{turn:?} has failed: {error}");
        }
    };
    Done::Once(told, Box::new(act))
}

fn link(wires: Wires) -> Option<(usize, usize)> {
    match wires {
        Wires::All => None,
        Wires::One(from, to) => Some((from, to)),
    }
}

impl Controls for NodeControls {
    fn look(&self) -> Result<Value, NotDone> {
        Ok(self.devnet().map_err(not_done)?.shown())
    }

    fn carry_out(&self, order: Order) -> Result<Done, NotDone> {
        self.order(order).map_err(not_done)
    }

    fn pages(&self) -> Vec<String> {
        self.pages.clone()
    }

    fn clock(&self) -> Arc<SharedClock> {
        self.clock.clone()
    }
}

impl Inner {
    fn ticked(&self) -> Result<Done, DevnetError> {
        let ticks = self.tick_within(TICK_PATIENCE)?;
        let height = self.heights().into_iter().flatten().min();
        Ok(Done::Told(json!({ "height": height, "nodes": ticks })))
    }

    /// What `GET /devnet` answers.
    fn shown(&self) -> Value {
        let nodes = self.standing().into_iter().enumerate();
        let nodes = nodes.map(|(index, (height, life))| {
            json!({
                "index": index,
                "validator": self.peers[index].0,
                "url": format!("http://{}", self.public[index]),
                "state": if height.is_some() { "running" } else { "down" },
                "reason": life.reason,
                "since_ms": life.since_ms,
                "height": height,
            })
        });
        let accounts = self.accounts.iter();
        let accounts = accounts.map(|one| json!({ "name": one.name, "address": one.address }));
        let (groups, faults) = self.shown_faults();
        let (ahead_ms, held) = self.clock.standing();
        let left_out = faults.len().saturating_sub(FAULTS_SHOWN_MAX);
        let faults = faults.into_iter().take(FAULTS_SHOWN_MAX);
        json!({
            "pace_ms": match *self.pacing.lock() {
                Pacing::Interval(ms) => json!(ms),
                Pacing::Manual | Pacing::OnDemand => Value::Null,
            },
            "on_demand": *self.pacing.lock() == Pacing::OnDemand,
            "clock": { "ahead_ms": ahead_ms, "held_ms": held },
            "turns": self.shown_turns(),
            "genesis": self.genesis.hash(),
            "nodes": nodes.collect::<Vec<_>>(),
            "accounts": accounts.collect::<Vec<_>>(),
            "groups": groups,
            "faults": faults.collect::<Vec<_>>(),
            "faults_left_out": left_out,
            "can_panic": cfg!(feature = "inject-panics"),
        })
    }

    #[cfg(feature = "inject-panics")]
    fn panic(&self, node: usize, actor: &str) -> Result<(), DevnetError> {
        self.runs(node)?;
        let found = self.node(node)?.inject_panic(actor);
        found
            .then_some(())
            .ok_or_else(|| DevnetError::NoActor(actor.into()))
    }

    #[cfg(not(feature = "inject-panics"))]
    fn panic(&self, _: usize, _: &str) -> Result<(), DevnetError> {
        Err(DevnetError::NoPanics)
    }
}

fn not_done(error: DevnetError) -> NotDone {
    let (blame, code) = match &error {
        DevnetError::NoNode(_) => (Blame::Name, "no_node"),
        DevnetError::NoAccount(..) => (Blame::Name, "no_account"),
        DevnetError::NoActor(_) => (Blame::Name, "no_actor"),
        DevnetError::NoSnapshot(_) => (Blame::Name, "no_snapshot"),
        DevnetError::TooManySnapshots => (Blame::State, "too_many_snapshots"),
        DevnetError::NoPanics => (Blame::Name, "no_panics"),
        DevnetError::NoReceiver(..) => (Blame::Order, "bad_address"),
        DevnetError::Time(_) | DevnetError::NotLater(_) => (Blame::Order, "bad_time"),
        DevnetError::Down(_) => (Blame::State, "is_down"),
        DevnetError::Running(_) => (Blame::State, "is_running"),
        DevnetError::NoBlock { .. } | DevnetError::Ended { .. } => (Blame::Moment, "no_block"),
        DevnetError::Submit(_, SubmitError::Refused(refusal)) => (blame(refusal), refusal.code()),
        _ => (Blame::Moment, "not_done"),
    };
    NotDone::new(blame, code, error.to_string())
}

/// As a transaction that is handed in.
fn blame(refusal: &MempoolRefusal) -> Blame {
    match (refusal, refusal.blame()) {
        (MempoolRefusal::Busy, _) => Blame::Moment,
        (_, mempool::Blame::Load) => Blame::Load,
        _ => Blame::Order,
    }
}
