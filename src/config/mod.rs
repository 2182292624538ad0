//! What a node is told: settings by flag, environment and file ([`layers`]), the genesis, the key,
//! the peers. Nothing here runs a node, and nothing in another room knows these files.
//!
//! A **home** holds `lockstep.toml`, `genesis.json`, `validator.key` and `data/`.
use crate::config::values::{DurabilityArgument, retention};
use crate::endpoint;
use crate::failure::Failure;
use crate::output::log::LogFormat;
use crate::remedy;
use lockstep_actors::private::{FileError, open_named};
use lockstep_actors::rpc_gateway::{Hosts, Origins, Proxies};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::proofs::light_client::{Checkpoint, MalformedCheckpoint};
use std::fmt::Display;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(crate) mod file;
pub(crate) mod genesis;
pub(crate) mod home;
pub(crate) mod judge;
pub(crate) mod key;
pub(crate) mod key_guard;
pub(crate) mod layers;
pub(crate) mod nearest;
pub(crate) mod peers;
pub(crate) mod settings;
pub(crate) mod values;

use layers::{Layers, Origin, Value};
use peers::PeerEntry;

/// No interval between blocks is longer than a day, no timeout longer than an hour.
const INTERVAL_MS_MAX: u64 = 24 * 3_600_000;
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// The effective settings of one node, all of them valid.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) home: PathBuf,
    pub(crate) genesis: PathBuf,
    pub(crate) key: PathBuf,
    /// The record of what the key has signed.
    pub(crate) key_guard: PathBuf,
    pub(crate) data: PathBuf,
    /// Whether key and peers may be others than the genesis names.
    pub(crate) follow: bool,
    /// The block that no other may be committed for.
    pub(crate) trusted: Option<Checkpoint>,
    pub(crate) peer_listen: String,
    /// `None`: nobody is answered but the peers.
    pub(crate) rpc_listen: Option<String>,
    /// Whether people are shown the page.
    pub(crate) serves_page: bool,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) hosts: Hosts,
    pub(crate) durability: DurabilityArgument,
    pub(crate) retention: Retention,
    /// Whether the history of accounts is kept.
    pub(crate) history: bool,
    pub(crate) block_interval_ms: u64,
    pub(crate) timeouts: Timeouts,
    pub(crate) arrival_wait_ms: u64,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    pub(crate) peers: Vec<PeerEntry>,
    layers: Layers,
}

/// A setting that the command line gives: its name, its value, and the flag.
pub(crate) type Flag = (String, String, &'static str);

/// Reads the settings of the home. The home's own name is `--home`, or else `LOCKSTEP_HOME`.
pub(crate) fn load(home: Option<&Path>, flags: Vec<Flag>) -> Result<Config, Failure> {
    let variables = environment()?;
    let home = match home {
        Some(home) => home.to_path_buf(),
        None => home_variable(&variables)?,
    };
    let mut layers = Layers::new();
    file::lay(&mut layers, &home.join(file::FILE))?;
    layers.lay_environment(variables)?;
    for (name, text, flag) in flags {
        layers.lay(&name, text, Origin::Flag(flag.to_owned()))?;
    }
    Config::of(home, layers)
}

fn home_variable(variables: &[(String, String)]) -> Result<PathBuf, Failure> {
    let named = variables
        .iter()
        .find(|(name, home)| name == layers::HOME_VARIABLE && !home.is_empty());
    named.map(|(_, home)| home.into()).ok_or_else(|| {
        Failure::usage(format!(
            "which node? Name its home with --home DIR or {}; lockstep init --home DIR makes one",
            layers::HOME_VARIABLE
        ))
    })
}

/// The environment as far as it is text; what is ours must be.
fn environment() -> Result<Vec<(String, String)>, Failure> {
    let mut variables = Vec::new();
    for (name, text) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("LOCKSTEP_")) else {
            continue;
        };
        let text = text.into_string().map_err(|_| {
            Failure::usage(format!(
                "the environment variable {name} is no text: set it anew"
            ))
        })?;
        variables.push((name.to_owned(), text));
    }
    Ok(variables)
}

impl Config {
    /// What the file of a home says by itself.
    pub(crate) fn of_home(home: &Path) -> Result<Config, Failure> {
        let mut layers = Layers::new();
        file::lay(&mut layers, &home.join(file::FILE))?;
        Config::of(home.to_path_buf(), layers)
    }

    fn of(home: PathBuf, layers: Layers) -> Result<Config, Failure> {
        let read = Reader(&layers);
        let path = |name| read.text(name).map(|path| home.join(path));
        let key = path("key")?;
        let config = Config {
            genesis: path("genesis")?,
            key_guard: match read.text("guard_dir")? {
                "" => key_guard::place(&key, None),
                _ => key_guard::place(&key, Some(&path("guard_dir")?)),
            },
            key,
            data: path("data")?,
            follow: read.parsed("follow", flag)?,
            trusted: match read.text("trusted")? {
                "" => None,
                _ => Some(read.parsed("trusted", checkpoint)?),
            },
            peer_listen: read.listen("peer_listen")?,
            rpc_listen: match read.text("rpc_listen")? {
                "" | "off" => None,
                _ => Some(read.listen("rpc_listen")?),
            },
            serves_page: read.parsed("page", flag)?,
            origins: read.listed("cors_origins", "https://wallet.example")?,
            proxies: read.listed("trusted_proxies", "10.0.0.0/8")?,
            hosts: read.listed("rpc_hosts", "node.example")?,
            durability: read.parsed("durability", DurabilityArgument::parse)?,
            retention: read.parsed("retain_blocks", retention)?,
            history: read.parsed("history", flag)?,
            block_interval_ms: read.ms("block_interval_ms", 0, INTERVAL_MS_MAX)?,
            timeouts: read.timeouts()?,
            arrival_wait_ms: read.ms("arrival_wait_ms", 0, TIMEOUT_MS_MAX)?,
            log: read.text("log")?.to_owned(),
            log_format: read.parsed("log_format", LogFormat::parse)?,
            peers: read.parsed("peers", peers::parse)?,
            home,
            layers,
        };
        config.demand_two_places()?;
        Ok(config)
    }

    /// Two listeners cannot have one port, and it would be told as somebody else's.
    fn demand_two_places(&self) -> Result<(), Failure> {
        let peers = &self.peer_listen;
        let people = self.rpc_listen.as_ref().filter(|it| is_one(it, peers));
        people.map_or(Ok(()), |people| {
            Err(Failure::usage(format!(
                "peer_listen ({peers}) and rpc_listen ({people}) are one place: give each a port of \
                 its own"
            )))
        })
    }
}

/// Whether nobody can listen at both. What names lead to is not looked up.
fn is_one(a: &str, b: &str) -> bool {
    let (Ok(a), Ok(b)) = (a.parse::<SocketAddr>(), b.parse::<SocketAddr>()) else {
        return a == b && !a.ends_with(":0");
    };
    // One that listens at all IPv6 addresses listens at those of IPv4 too, on most systems.
    let covers =
        |a: &SocketAddr, b: &SocketAddr| a.ip().is_unspecified() && (a.is_ipv6() || b.is_ipv4());
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || covers(&a, &b) || covers(&b, &a))
}

/// The effective settings with the origin of each, one per line.
impl Config {
    /// Every setting with its value and the origin of that; peers on lines of their own.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{:<26} {}", "home", self.home.display())];
        for (name, Value { text, origin }) in self.layers.all() {
            let (before, last) = match name {
                "peers" => text.rsplit_once(',').unwrap_or(("", text)),
                _ => ("", &**text),
            };
            let mut name = name;
            for peer in before.split(',').filter(|peer| !peer.is_empty()) {
                lines.push(format!("{name:<26} {peer}"));
                name = "";
            }
            lines.push(format!("{name:<26} {last:<32} {origin}"));
        }
        lines
    }

    /// The names of the settings that have another value here.
    pub(crate) fn changed_since(&self, before: &Config) -> Vec<&'static str> {
        let text = |config: &Config, name: &str| {
            let value = config.layers.value(name).ok();
            value.map(|value| value.text.clone())
        };
        let names = self.layers.all().map(|(name, _)| name);
        let is_other = |name: &&str| text(self, name) != text(before, name);
        names.filter(is_other).collect()
    }
}

fn flag(text: &str) -> Result<bool, String> {
    let flag = text.parse::<bool>();
    flag.map_err(|_| format!("{text:?} is neither true nor false"))
}

fn checkpoint(text: &str) -> Result<Checkpoint, String> {
    text.parse()
        .map_err(|error: MalformedCheckpoint| error.to_string())
}

/// Turns texts into values; says of a wrong one where it came from.
struct Reader<'a>(&'a Layers);

impl Reader<'_> {
    fn text(&self, name: &str) -> Result<&str, Failure> {
        self.0.value(name).map(|value| &*value.text)
    }

    fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let Value { text, origin } = self.0.value(name)?;
        parse(text).map_err(|why| Failure::usage(format!("{name} ({origin}): {why}")))
    }

    fn listen(&self, name: &str) -> Result<String, Failure> {
        self.parsed(name, |text| {
            let right = settings::setting(name).map_or("", |it| it.default);
            let right = if right.contains(':') {
                right
            } else {
                "127.0.0.1:8545"
            };
            endpoint::check_listen(text).map_err(|why| format!("{why}; write {right}"))?;
            Ok(text.to_owned())
        })
    }

    /// Hosts, origins or networks. Their own readers repeat what they refuse.
    fn listed<T: FromStr<Err: Display>>(&self, name: &str, right: &str) -> Result<T, Failure> {
        self.parsed(name, |text| {
            endpoint::refuse_user(text).map_err(|why| format!("{why}; write {right}"))?;
            text.parse().map_err(|error: T::Err| error.to_string())
        })
    }

    fn ms(&self, name: &str, least: u64, most: u64) -> Result<u64, Failure> {
        self.parsed(name, |text| {
            let number = text.parse().ok().filter(|ms| (least..=most).contains(ms));
            number.ok_or_else(|| format!("{text:?} is no number of ms from {least} to {most}"))
        })
    }

    fn timeouts(&self) -> Result<Timeouts, Failure> {
        let ms = |name, least| self.ms(name, least, TIMEOUT_MS_MAX);
        let timeouts = Timeouts {
            propose_ms: ms("timeout_propose_ms", 1)?,
            propose_delta_ms: ms("timeout_propose_delta_ms", 1)?,
            prevote_ms: ms("timeout_prevote_ms", 1)?,
            prevote_delta_ms: ms("timeout_prevote_delta_ms", 0)?,
            precommit_ms: ms("timeout_precommit_ms", 1)?,
            precommit_delta_ms: ms("timeout_precommit_delta_ms", 0)?,
            cap_ms: ms("timeout_cap_ms", 1)?,
        };
        if timeouts.propose_delta_ms <= timeouts.precommit_delta_ms {
            let (small, great) = (timeouts.propose_delta_ms, timeouts.precommit_delta_ms);
            return Err(Failure::usage(format!(
                "timeout_propose_delta_ms ({small}) must exceed timeout_precommit_delta_ms \
                 ({great}), or the proposal of a slow network never catches up: raise the first"
            )));
        }
        Ok(timeouts)
    }
}

/// Reads a text file with a bound; `next` is what to do without one, or with a broken one.
pub(crate) fn read_text(path: &Path, bytes_max: u64, next: &str) -> Result<String, Failure> {
    let at = path.display();
    let failed = |error: FileError| {
        let next = remedy::of_reading(&error, next);
        let message = format!("cannot read {at}: {error}; {next}");
        let kind = match error {
            FileError::System(error) => error.kind(),
            FileError::Unfit(_) => return Failure::usage(message),
        };
        match kind {
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::InvalidData => {
                Failure::usage(message)
            }
            ErrorKind::NotADirectory => Failure::usage(message),
            _ => Failure::retry(message),
        }
    };
    let mut text = String::new();
    let file = open_named(path).map_err(failed)?;
    let mut bounded = file.take(bytes_max + 1);
    let read = bounded.read_to_string(&mut text);
    read.map_err(|error| failed(error.into()))?;
    if text.len() as u64 > bytes_max {
        return Err(Failure::usage(format!(
            "{at} has more than {bytes_max} bytes, so it is not what it should be; {next}"
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_actors::limits::ARRIVAL_WAIT_MS;

    fn with(values: &[(&str, &str)]) -> Result<Config, Failure> {
        let mut layers = Layers::new();
        for (name, text) in values {
            layers.lay(name, (*text).into(), Origin::Flag("--set".into()))?;
        }
        Config::of("/home".into(), layers)
    }

    #[test]
    fn the_defaults_are_those_of_a_network() {
        let config = with(&[]).expect("valid");
        assert_eq!(config.timeouts, Timeouts::NETWORK);
        assert_eq!(config.durability, DurabilityArgument::Power);
        assert_eq!(config.block_interval_ms, 1000);
        assert_eq!(config.arrival_wait_ms, ARRIVAL_WAIT_MS);
        assert_eq!(config.retention, Retention::Newest(1_209_600));
        let people = config.rpc_listen.expect("people are answered");
        assert!(people.starts_with("127.0.0.1:"));
        assert_eq!(config.genesis, Path::new("/home/genesis.json"));
    }

    #[test]
    fn an_empty_variable_names_no_home() {
        let named = |home: &str| home_variable(&[(layers::HOME_VARIABLE.into(), home.into())]);
        assert_eq!(named("/a").expect("a home"), Path::new("/a"));
        assert_eq!(named("").expect_err("none").exit_code, 2);
    }

    #[test]
    fn people_are_answered_nowhere_if_no_place_is_named() {
        for nowhere in ["", "off"] {
            let config = with(&[("rpc_listen", nowhere)]).expect("valid");
            assert_eq!(config.rpc_listen, None);
        }
    }

    #[test]
    fn a_trusted_block_is_named_with_and_without_0x_and_none_by_an_empty_text() {
        assert_eq!(with(&[]).expect("valid").trusted, None);
        let trusted = |text: &str| {
            let config = with(&[("trusted", text)]).expect("valid");
            config.trusted.expect("a block").to_string()
        };
        let named = format!("0x{}@7", "1a".repeat(32));
        assert_eq!(trusted(&named), named);
        assert_eq!(trusted(named.trim_start_matches("0x")), named);
    }

    #[test]
    fn peers_and_people_have_a_place_each() {
        let both = |peers, people| with(&[("peer_listen", peers), ("rpc_listen", people)]);
        for (peers, people) in [
            ("0.0.0.0:9545", "127.0.0.1:9545"),
            ("[::]:9545", "127.0.0.1:9545"),
            ("10.0.0.1:9545", "0.0.0.0:9545"),
            ("[::1]:9545", "[::1]:9545"),
            ("node:9545", "node:9545"),
        ] {
            let failure = both(peers, people).expect_err(people);
            assert_eq!(failure.exit_code, 2);
            for word in [peers, people, "peer_listen", "rpc_listen"] {
                assert!(failure.message.contains(word), "{}", failure.message);
            }
        }
        for (peers, people) in [
            ("0.0.0.0:9545", "127.0.0.1:9546"),
            ("0.0.0.0:9545", "[::1]:9545"),
            ("10.0.0.1:9545", "127.0.0.1:9545"),
            ("0.0.0.0:0", "127.0.0.1:0"),
            ("node:0", "node:0"),
            ("0.0.0.0:9545", "off"),
        ] {
            assert!(both(peers, people).is_ok(), "{peers} {people}");
        }
    }

    #[test]
    fn an_absolute_path_stays_what_it_is() {
        let config = with(&[("data", "/elsewhere")]).expect("valid");
        assert_eq!(config.data, Path::new("/elsewhere"));
        let config = with(&[("guard_dir", "/elsewhere")]).expect("valid");
        let record = Path::new("/elsewhere/validator.key.guard");
        assert_eq!(config.key_guard, record);
    }

    #[test]
    fn a_wrong_value_is_said_with_its_name_its_origin_and_what_would_be_right() {
        for (name, text, word) in [
            ("durability", "none", "process, power"),
            ("retain_blocks", "255", "0, which keeps all"),
            ("retain_blocks", "-1", "number of blocks"),
            ("block_interval_ms", "-1", "0 to 86400000"),
            ("timeout_propose_ms", "0", "1 to 3600000"),
            ("timeout_cap_ms", "1e9", "1 to 3600000"),
            ("arrival_wait_ms", "3600001", "0 to 3600000"),
            ("rpc_listen", "8545", "127.0.0.1:8545"),
            ("rpc_listen", "http://127.0.0.1:8545", "http://"),
            ("peer_listen", "10.0.1:9545", "four numbers"),
            ("peer_listen", " 10.0.0.1:9545", "0.0.0.0:9545"),
            ("cors_origins", "wallet.example", "https://wallet.example"),
            ("trusted_proxies", "proxy.example", "10.0.0.0/8"),
            ("rpc_hosts", "http://node", "node.example"),
            ("peers", "x", "0x…@host:port"),
            ("follow", "yes", "true nor false"),
            ("page", "no", "true nor false"),
            ("history", "1", "true nor false"),
            ("trusted", "latest", "HASH@HEIGHT"),
            ("trusted", "0x12@7", "64 hex digits"),
            (
                "trusted",
                &*format!("0x{}@0", "1a".repeat(32)),
                "height from 1",
            ),
        ] {
            let failure = with(&[(name, text)]).expect_err(name);
            assert_eq!(failure.exit_code, 2);
            for word in [name, "flag --set", word] {
                assert!(
                    failure.message.contains(word),
                    "{word}: {}",
                    failure.message
                );
            }
        }
        for (name, text, right) in [
            ("rpc_listen", "u:hunter2@127.0.0.1:1", "127.0.0.1:8545"),
            ("cors_origins", "https://u:hunter2@a", "https://wallet"),
            ("trusted_proxies", "u:hunter2@10.0.0.1", "10.0.0.0/8"),
            ("rpc_hosts", "u:hunter2@node", "node.example"),
        ] {
            let Failure { message, .. } = with(&[(name, text)]).expect_err(name);
            assert!(!message.contains("hunter2"), "{message}");
            assert!(
                message.contains("password") && message.contains(right),
                "{message}"
            );
        }
        let failure = with(&[("timeout_propose_delta_ms", "250")]).expect_err("Lemma 6");
        assert!(failure.message.contains("raise the first"));
    }
}
