//! Flag before environment before file before default, and for each value where it came from.
use super::nearest::nearest;
use super::settings::{SETTINGS, names, setting};
use crate::environment::NO_SETTINGS;
use crate::failure::Failure;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What the environment variables of Lockstep begin with.
const PREFIX: &str = "LOCKSTEP_";
/// Names the home directory; no setting, because the settings stand there.
pub(crate) const HOME_VARIABLE: &str = "LOCKSTEP_HOME";
/// What platforms call the protocol of a port, and what they say of one, or of the first and the last
/// of several.
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
const PARTS: [&str; 8] = [
    "",
    "ADDR",
    "PORT",
    "PROTO",
    "START",
    "END",
    "PORT_START",
    "PORT_END",
];

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The flag that was given.
    Flag(String),
    /// The environment variable.
    Environment(String),
    /// The line of the file.
    File(PathBuf),
    /// Nobody has said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "flag {flag}"),
            Origin::Environment(variable) => write!(f, "environment {variable}"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A value as text, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// One value for each setting.
#[derive(Debug)]
pub(crate) struct Layers(BTreeMap<&'static str, Value>);

impl Layers {
    /// The defaults.
    pub(crate) fn new() -> Layers {
        let default = |setting: &super::settings::Setting| Value {
            text: setting.default.to_owned(),
            origin: Origin::Default,
        };
        Layers(SETTINGS.iter().map(|s| (s.name, default(s))).collect())
    }

    /// Lays a value over the ones before; an unknown name is an error that names the nearest one.
    pub(crate) fn lay(&mut self, name: &str, text: String, origin: Origin) -> Result<(), Failure> {
        let Some(setting) = setting(name) else {
            return Err(unknown("setting", name, &origin, nearest(name, names())));
        };
        self.0.insert(setting.name, Value { text, origin });
        Ok(())
    }

    /// Lays the variables that begin with `LOCKSTEP_`.
    pub(crate) fn lay_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), Failure> {
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            if variable == HOME_VARIABLE || NO_SETTINGS.contains(&&*variable) {
                continue;
            }
            // Compose files and units write a variable that is not set as an empty one. So a misspelt
            // one without a value is none either.
            if text.is_empty() {
                continue;
            }
            let known = names().find(|known| known.to_uppercase() == name);
            let origin = Origin::Environment(variable.clone());
            match known {
                Some(known) => self.lay(known, text, origin)?,
                None if is_of_a_service(&variable, &text) => {}
                None => return Err(unknown_variable(&variable)),
            }
        }
        Ok(())
    }

    /// The value of a setting of the table.
    pub(crate) fn value(&self, name: &str) -> Result<&Value, Failure> {
        self.0
            .get(name)
            .ok_or_else(|| Failure::usage(format!("there is no setting {name}")))
    }

    /// All of them, in the order of the generated file.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        names().filter_map(|name| Some((name, self.0.get(name)?)))
    }
}

/// Whether a container platform sets this variable, for a service or a container whose name begins
/// with `lockstep`: Kubernetes and links of Docker.
fn is_of_a_service(variable: &str, text: &str) -> bool {
    let is_port = |digits: &str| digits.parse::<u16>().is_ok();
    if variable.ends_with("_SERVICE_HOST") || variable.contains("_ENV_") {
        return true;
    }
    if variable.ends_with("_SERVICE_PORT") || variable.contains("_SERVICE_PORT_") {
        return is_port(text);
    }
    if variable.ends_with("_NAME") {
        return text.starts_with('/');
    }
    if variable.ends_with("_PORT") && text.contains("://") {
        return true;
    }
    // `…_PORT_26657_TCP` and what stands behind that.
    let mut ports = variable.match_indices("_PORT_").map(|(at, before)| {
        let behind = &variable[at + before.len()..];
        behind.split_once('_').unwrap_or_default()
    });
    ports.any(|(port, rest)| {
        let (protocol, part) = rest.split_once('_').unwrap_or((rest, ""));
        is_port(port) && PROTOCOLS.contains(&protocol) && PARTS.contains(&part)
    })
}

fn unknown_variable(variable: &str) -> Failure {
    let name = |setting: &str| setting.to_uppercase();
    let others = NO_SETTINGS.iter().chain([&HOME_VARIABLE]);
    let others = others.filter_map(|other| other.strip_prefix(PREFIX).map(str::to_owned));
    let known: Vec<String> = names().map(name).chain(others).collect();
    // What all have alike makes none of them near.
    let word = variable.strip_prefix(PREFIX).unwrap_or(variable);
    let next = match nearest(word, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {PREFIX}{near}? Correct it, or unset it"),
        None => "unset it".into(),
    };
    Failure::usage(format!("unknown environment variable {variable}: {next}"))
}

fn unknown(what: &str, name: &str, origin: &Origin, near: Option<&str>) -> Failure {
    let next = match near {
        Some(near) => format!("did you mean {near:?}? Correct it, or take it out"),
        None => "take it out; lockstep start --print-config lists all there are".into(),
    };
    Failure::usage(format!("unknown {what} {name:?} ({origin}): {next}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(layers: &mut Layers, name: &str, text: &str) -> Result<(), Failure> {
        layers.lay(name, text.into(), Origin::File("lockstep.toml".into()))
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
        let mut layers = Layers::new();
        let log = |layers: &Layers| {
            let value = layers.value("log").expect("a setting").clone();
            (value.text, value.origin.to_string())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(log(&layers), pair("info", "default"));
        from_file(&mut layers, "log", "warn").expect("known");
        assert_eq!(log(&layers), pair("warn", "file lockstep.toml"));
        let variables = [("LOCKSTEP_LOG", "debug"), ("OTHER", "x")];
        let variables = variables.map(|(name, text)| (name.to_owned(), text.to_owned()));
        layers.lay_environment(variables).expect("known");
        assert_eq!(log(&layers), pair("debug", "environment LOCKSTEP_LOG"));
        let flag = Origin::Flag("--log".into());
        layers.lay("log", "error".into(), flag).expect("known");
        assert_eq!(log(&layers), pair("error", "flag --log"));
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_the_nearest_and_the_place() {
        let mut layers = Layers::new();
        let error = from_file(&mut layers, "rpc_lisen", "x").expect_err("unknown");
        assert_eq!(error.exit_code, 2);
        for word in ["\"rpc_lisen\"", "lockstep.toml", "\"rpc_listen\""] {
            assert!(error.message.contains(word), "{}", error.message);
        }
        let error = from_file(&mut layers, "foo", "bar").expect_err("unknown");
        let message = error.message;
        assert!(
            message.contains("take it out") && !message.contains("did you mean"),
            "{message}"
        );
        let variables = [("LOCKSTEP_FOO".to_owned(), "bar".to_owned())];
        let message = layers
            .lay_environment(variables)
            .expect_err("unknown")
            .message;
        assert!(
            message.contains("unset it") && !message.contains("did you mean"),
            "{message}"
        );
        let variables = [("LOCKSTEP_DURABLITY".to_owned(), "power".to_owned())];
        let error = layers.lay_environment(variables).expect_err("unknown");
        for word in ["LOCKSTEP_DURABLITY", "LOCKSTEP_DURABILITY", "unset"] {
            assert!(error.message.contains(word), "{}", error.message);
        }
    }

    #[test]
    fn the_home_is_named_by_the_environment_without_being_a_setting() {
        let variables = [(HOME_VARIABLE.to_owned(), "/somewhere".to_owned())];
        let mut layers = Layers::new();
        layers.lay_environment(variables).expect("known");
        assert!(layers.all().all(|(_, v)| v.origin == Origin::Default));
    }

    fn laid(variable: &str, text: &str) -> Result<Layers, Failure> {
        let mut layers = Layers::new();
        let variables = [(variable.to_owned(), text.to_owned())];
        layers.lay_environment(variables).map(|()| layers)
    }

    /// A node in a cluster with a service of its name did not start.
    #[test]
    fn what_a_container_platform_says_of_services_is_no_setting() {
        for (variable, text) in [
            ("LOCKSTEP_SERVICE_HOST", "10.0.0.1"),
            ("LOCKSTEP_SERVICE_PORT", "8545"),
            ("LOCKSTEP_SERVICE_PORT_RPC", "8545"),
            ("LOCKSTEP_PORT", "tcp://10.0.0.1:8545"),
            ("LOCKSTEP_PORT_26657_TCP", "tcp://10.0.0.1:26657"),
            ("LOCKSTEP_PORT_26657_TCP_PROTO", "tcp"),
            ("LOCKSTEP_PORT_26657_TCP_PORT", "26657"),
            ("LOCKSTEP_PORT_26657_UDP_ADDR", "10.0.0.1"),
            ("LOCKSTEP_PEERS_0_SERVICE_HOST", "10.0.0.1"),
            ("LOCKSTEP_RPC_PORT", "tcp://10.0.0.1:8545"),
            ("LOCKSTEP_RPC_PORT_8545_TCP_ADDR", "10.0.0.1"),
            ("LOCKSTEP_PORT_1_TCP_START", "tcp://10.0.0.1:1"),
            ("LOCKSTEP_PORT_1_TCP_PORT_END", "7"),
            ("LOCKSTEP_NAME", "/proxy/lockstep"),
            ("LOCKSTEP_ENV_LOG", "debug"),
        ] {
            let layers = laid(variable, text).unwrap_or_else(|f| panic!("{}", f.message));
            let mut all = layers.all();
            assert!(all.all(|(_, v)| v.origin == Origin::Default), "{variable}");
        }
        for (variable, text) in [
            ("LOCKSTEP_PORT", "8545"),
            ("LOCKSTEP_PORT_X_TCP", "8545"),
            ("LOCKSTEP_PORT_99999_TCP", "8545"),
            ("LOCKSTEP_PORT_26657_TCP_NAME", "x"),
            ("LOCKSTEP_PORT_26657_", "x"),
            ("LOCKSTEP_SERVICE_PORT", "x"),
            ("LOCKSTEP_NAME", "validator"),
            ("LOCKSTEP_RCP_LISTEN", "127.0.0.1:1"),
        ] {
            let failure = laid(variable, text).expect_err(variable);
            assert_eq!(failure.exit_code, 2);
            assert!(failure.message.contains(variable), "{}", failure.message);
        }
    }

    #[test]
    fn an_empty_variable_is_none() {
        for variable in ["LOCKSTEP_LOG", "LOCKSTEP_RPC_LISTEN", "LOCKSTEP_NO_SUCH"] {
            let layers = laid(variable, "").unwrap_or_else(|f| panic!("{}", f.message));
            let mut all = layers.all();
            assert!(all.all(|(_, v)| v.origin == Origin::Default), "{variable}");
        }
    }
}
