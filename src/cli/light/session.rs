//! A node, and what follows from the trusted block of what it shows.
use super::doubt::{Doubt, old, unproved};
use super::proved::{Fact, Proved};
use crate::cli::node::{Node, NodeStatus};
use crate::environment::wall_clock;
use crate::failure::Failure;
use crate::hex::hex;
use lockstep_protocol::crypto;
use lockstep_protocol::proofs::light_client::{
    Bisection, Chain, Checkpoint, LightBlock, LightClient, LightError, Whose,
};
use lockstep_protocol::types::{Address, Height, Timestamp};
use lockstep_protocol::wire::WireError;

/// From where on a node is followed, and how old that and what it shows may be.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) checkpoint: Checkpoint,
    pub(super) start_age_max_ms: u64,
    pub(super) shown_age_max_ms: u64,
}

/// A node, and the chain that it says it is of.
pub(super) struct Session {
    pub(super) node: Node,
    pub(super) status: NodeStatus,
    headers: u64,
}

impl Session {
    pub(super) fn open(node: Node) -> Result<Session, Failure> {
        let status = node.status()?;
        Ok(Session {
            node,
            status,
            headers: 0,
        })
    }

    pub(super) fn account(mut self, start: &Start, address: Address) -> Result<Proved, Doubt> {
        let bytes = self.bytes(&format!("/light/accounts/{address}"))?;
        let shown = self.status.wire().decode_proved_account(&bytes);
        let shown = shown.map_err(|error| self.malformed(&error))?;
        let (client, since) = self.follow_young(start, shown.height)?;
        let held = client.account(&address, &shown);
        let held = held.map_err(|error| self.lie(&error))?;
        Ok(self.proved(&client, since, Fact::Account(address, held)))
    }

    pub(super) fn record(
        mut self,
        start: &Start,
        owner: Address,
        key: &[u8],
    ) -> Result<Proved, Doubt> {
        let bytes = self.bytes(&format!("/light/records/{owner}/{}", hex(key)))?;
        let shown = self.status.wire().decode_proved_record(&bytes);
        let shown = shown.map_err(|error| self.malformed(&error))?;
        let (client, since) = self.follow_young(start, shown.height)?;
        let kept = client.record(&owner, key, &shown);
        let kept = kept.map_err(|error| self.lie(&error))?.cloned();
        let fact = Fact::Record(owner, key.to_vec(), kept);
        Ok(self.proved(&client, since, fact))
    }

    pub(super) fn application(
        mut self,
        start: &Start,
        name: &str,
        key: &[u8],
    ) -> Result<Proved, Doubt> {
        let bytes = self.bytes(&format!("/light/applications/{name}/state/{}", hex(key)))?;
        let shown = self.status.wire().decode_proved_application(&bytes);
        let shown = shown.map_err(|error| self.malformed(&error))?;
        let (client, since) = self.follow_young(start, shown.height)?;
        let kept = client.application(name, key, &shown);
        let kept = kept.map_err(|error| self.lie(&error))?.map(<[u8]>::to_vec);
        let fact = Fact::Application(name.into(), key.to_vec(), kept);
        Ok(self.proved(&client, since, fact))
    }

    /// A client that trusts the header of `goal`, and the time of the block that it began with. Both
    /// are young enough.
    fn follow_young(
        &mut self,
        start: &Start,
        goal: Height,
    ) -> Result<(LightClient, Timestamp), Doubt> {
        let mut client = self.begin(start.checkpoint, goal)?;
        let url = self.node.url.clone();
        let now = wall_clock()?;
        let too_old = |error| old(&url, start.checkpoint, &error);
        let begun = client.trusted();
        let since = begun.header.time;
        let young = begun.no_older_than(start.start_age_max_ms, Whose::Start, now);
        young.map_err(too_old)?;
        self.go_on(&mut client, goal)?;
        let shown = client.trusted();
        let young = shown.no_older_than(start.shown_age_max_ms, Whose::Shown, now);
        young.map_err(too_old)?;
        Ok((client, since))
    }

    /// A client that trusts the header of `goal`, from the checkpoint on, however old either is.
    pub(super) fn follow(
        &mut self,
        checkpoint: Checkpoint,
        goal: Height,
    ) -> Result<LightClient, Doubt> {
        let mut client = self.begin(checkpoint, goal)?;
        self.go_on(&mut client, goal)?;
        Ok(client)
    }

    fn begin(&mut self, checkpoint: Checkpoint, goal: Height) -> Result<LightClient, Doubt> {
        if goal < checkpoint.height {
            return Err(Doubt::Failed(Failure::retry(format!(
                "{} is at height {goal}, the trusted block at {}: wait until it has caught up, or \
                 ask another node",
                self.node.url, checkpoint.height
            ))));
        }
        let chain = Chain {
            scheme: crypto::scheme(self.status.scheme),
            context: self.status.context(),
        };
        let shown = self.block(checkpoint.height)?;
        let client = LightClient::start(chain, checkpoint, &shown, wall_clock()?);
        client.map_err(|error| self.lie(&error))
    }

    fn go_on(&mut self, client: &mut LightClient, goal: Height) -> Result<(), Doubt> {
        let mut path = Bisection::to(goal);
        while let Some(height) = path.wanted(client) {
            let shown = self.block(height)?;
            let taken = path.take(client, &shown, wall_clock()?);
            taken.map_err(|error| self.lie(&error))?;
        }
        Ok(())
    }

    fn proved(self, client: &LightClient, trusted_time: Timestamp, fact: Fact) -> Proved {
        Proved {
            fact,
            trusted: client.trusted().clone(),
            trusted_time,
            url: self.node.url,
            status: self.status,
            headers: self.headers,
            witnesses: Vec::new(),
        }
    }

    pub(super) fn block(&mut self, height: Height) -> Result<LightBlock, Doubt> {
        let bytes = self.bytes(&format!("/light/blocks/{height}"))?;
        self.headers += 1;
        let shown = self.status.wire().decode_light_block(&bytes);
        shown.map_err(|error| self.malformed(&error))
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, Doubt> {
        let answer = self.node.get(path)?;
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(self.node.refusal(&answer).into()),
        }
    }

    fn lie(&self, error: &LightError) -> Doubt {
        unproved(&self.node.url, error.code(), &error.to_string())
    }

    fn malformed(&self, error: &WireError) -> Doubt {
        let code = match error {
            WireError::ForeignChain(_) => "other_genesis",
            _ => "malformed",
        };
        unproved(&self.node.url, code, &error.to_string())
    }
}
