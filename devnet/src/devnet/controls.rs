//! What people may do with a devnet over HTTP, at the node of one number: the verbs of [`Devnet`].
use super::spending::What;
use super::ticks::TICK_PATIENCE;
use super::{DevnetError, Inner};
use crate::limits::FAULTS_SHOWN_MAX;
use lockstep_actors::node::{NodeHandle, SubmitError};
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
        Ok(Done::Once(Box::new(move || {
            if let Some(devnet) = devnet.upgrade()
                && let Err(error) = devnet.end(node, word, way)
            {
                log::info!("node {node} is not {word}: {error}");
            }
        })))
    }
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
}

impl Inner {
    fn ticked(&self) -> Result<Done, DevnetError> {
        let ticks = self.tick_within(TICK_PATIENCE)?;
        let height = self.heights().into_iter().flatten().min();
        Ok(Done::Ticked(json!({ "height": height, "nodes": ticks })))
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
        let left_out = faults.len().saturating_sub(FAULTS_SHOWN_MAX);
        let faults = faults.into_iter().take(FAULTS_SHOWN_MAX);
        json!({
            "pace_ms": match *self.pacing.lock() {
                Pacing::Interval(ms) => json!(ms),
                Pacing::Manual => Value::Null,
            },
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
        DevnetError::NoPanics => (Blame::Name, "no_panics"),
        DevnetError::NoReceiver(..) => (Blame::Order, "bad_address"),
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
