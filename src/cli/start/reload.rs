//! SIGHUP of a node without a terminal: its settings are read again, and what can be taken while it
//! runs is taken: all of it, or nothing if one of the settings is refused.
use super::{Arguments, flags};
use crate::config::{self, Config, peers};
use crate::failure::Failure;
use crate::output;
use lockstep_actors::node::NodeHandle;
use lockstep_actors::peers::{Peer, system_resolver};
use lockstep_protocol::nouns::genesis::Genesis;

/// What a running node takes. The others need a restart.
const TAKEN: [&str; 7] = [
    "log",
    "log_format",
    "follow",
    "peers",
    "cors_origins",
    "rpc_hosts",
    "trusted_proxies",
];

/// A node that runs, and what it was started with.
pub(super) struct Running<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) started: &'a Config,
    pub(super) genesis: &'a Genesis,
    pub(super) node: &'a NodeHandle,
}

impl Running<'_> {
    /// Takes the settings as they are now, and says what it has not taken, or why it has taken nothing.
    /// `taken` are those that hold.
    pub(super) fn reload(&self, taken: &mut Option<Config>) {
        match self.read() {
            Err(failure) => log::warn!("SIGHUP: nothing was changed: {}", failure.message),
            Ok((config, peers)) => {
                let node = self.node;
                node.connect(peers);
                let (hosts, proxies) = (config.hosts.clone(), config.proxies.clone());
                node.allow(config.origins.clone(), hosts, proxies);
                self.say(taken.as_ref().unwrap_or(self.started), &config);
                *taken = Some(config);
            }
        }
    }

    /// All that may be refused. The log comes last: it is the only one that is taken here.
    fn read(&self) -> Result<(Config, Vec<Peer>), Failure> {
        let config = config::load(self.arguments.home.as_deref(), flags(self.arguments)?)?;
        let (me, follow) = (self.node.address(), config.follow);
        let resolve = system_resolver();
        let peers = peers::resolve_all(&config.peers, self.genesis, me, follow, &resolve)?;
        output::log::choose(Some(&config.log), "info", config.log_format)?;
        Ok((config, peers))
    }

    fn say(&self, before: &Config, now: &Config) {
        let is_taken = |name: &&str| TAKEN.contains(name);
        let mut said = format!("the log's filter is {:?}", now.log);
        let new = now.changed_since(before).into_iter();
        let new: Vec<&str> = new.filter(is_taken).filter(|name| *name != "log").collect();
        if !new.is_empty() {
            said += &format!("; new, and taken: {}", new.join(", "));
        }
        let later = now.changed_since(self.started).into_iter();
        let later: Vec<&str> = later.filter(|name| !is_taken(name)).collect();
        if !later.is_empty() {
            let names = later.join(", ");
            said += &format!("; restart the node for what else has changed: {names}");
        }
        log::warn!("SIGHUP: {said}");
    }
}
