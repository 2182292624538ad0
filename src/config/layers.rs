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
            let known = names().find(|known| known.to_uppercase() == name);
            let origin = Origin::Environment(variable.clone());
            match known {
                Some(known) => self.lay(known, text, origin)?,
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

fn unknown_variable(variable: &str) -> Failure {
    let known: Vec<String> = names()
        .map(|name| format!("{PREFIX}{}", name.to_uppercase()))
        .chain([HOME_VARIABLE.to_owned()])
        .collect();
    let near = nearest(variable, known.iter().map(String::as_str));
    let near = near.unwrap_or(HOME_VARIABLE);
    Failure::usage(format!(
        "unknown environment variable {variable}: did you mean {near}? Correct it, or unset it"
    ))
}

fn unknown(what: &str, name: &str, origin: &Origin, near: Option<&str>) -> Failure {
    let near = near.unwrap_or_default();
    Failure::usage(format!(
        "unknown {what} {name:?} ({origin}): did you mean {near:?}? Correct it, or take it out"
    ))
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
}
