//! [`Applications`]: which applications a build knows, and which of them a chain names.
use super::guard::{Panicked, guard};
use super::limits::{
    APPLICATION_GENESIS_BYTES_MAX, APPLICATION_NAME_BYTES_MAX, APPLICATIONS_MAX,
    QUERY_ANSWER_BYTES_MAX,
};
use super::state::{AppState, AppView, Below, Ending, Stopped, Written};
use super::{Application, BlockContext, Call, QueryRefused, Refused, sentence};
use crate::nouns::genesis::{Genesis, GenesisApplication};
use crate::types::Height;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Whether an application, or an event, may have this name.
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    begins && name.len() <= APPLICATION_NAME_BYTES_MAX && name.bytes().all(allowed)
}

/// Why this build cannot run the applications of a genesis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplicationError {
    /// Two documents that mean the same would have different hashes.
    #[error("the genesis applications must rise by name, each once: sort them")]
    Order,
    /// More than a chain may have.
    #[error("the genesis names {0} applications, the limit is {APPLICATIONS_MAX}: name fewer")]
    Count(usize),
    /// None that a call could carry.
    #[error(
        "an application of the genesis has no valid name: 1 to {APPLICATION_NAME_BYTES_MAX} of \
         a-z, 0-9 and -, a letter first"
    )]
    Name,
    /// Longer than what a state may begin with.
    #[error(
        "the genesis has {1} bytes for the application {0}, the limit is \
         {APPLICATION_GENESIS_BYTES_MAX}: begin with less"
    )]
    Document(String, usize),
    /// This build has none of this name.
    #[error(
        "the genesis names the application {0}, version {1}, which this build does not have ({2}): \
         start a build that has it"
    )]
    Unknown(String, u32, String),
    /// This build has others of this name.
    #[error(
        "the genesis names version {1} of the application {0}, this build has {2}: start a build \
         of that version"
    )]
    Version(String, u32, String),
    /// It does not begin with this document.
    #[error(
        "the application {0}, version {1}, does not begin with what the genesis has for it: {2}"
    )]
    Genesis(String, u32, String),
}

/// An application that a build knows, and what it calls itself.
#[derive(Clone)]
pub struct Installed {
    name: Arc<str>,
    version: u32,
    application: Arc<dyn Application>,
}

/// Its name with its version, as sentences have it.
impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, version {}", self.name, self.version)
    }
}

impl Installed {
    /// As calls name it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As the genesis names it.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What it says of a call by its bytes alone. A panic is a refusal like any other: it follows from
    /// the bytes, so that every correct node panics at them, and whoever sends them stops nobody.
    pub fn check(&self, data: &[u8]) -> Result<(), Refused> {
        let checked = guard(|| self.application.check(data));
        checked.unwrap_or_else(|panicked| Err(panicked.to_string().into()))
    }

    /// Executes a call.
    pub fn execute(
        &self,
        below: &dyn Below,
        call: &Call<'_>,
        block: &BlockContext,
    ) -> Result<Ending, Panicked> {
        let mut state = AppState::of_call(&self.name, below);
        let answer = guard(|| self.application.execute(&mut state, call, block))?;
        Ok(state.end(answer))
    }

    /// What its state begins with.
    fn genesis(&self, document: &[u8]) -> Result<Written, String> {
        let mut state = AppState::of_genesis(&self.name, &Nothing);
        let begun = guard(|| self.application.genesis(&mut state, document));
        begun.map_err(|panicked| panicked.to_string())??;
        match state.stopped() {
            Some(stopped) => Err(stopped.into()),
            None => Ok(state.into_written()),
        }
    }

    /// Answers a question about the state after the block of `height`; `None`: the node cannot read
    /// that state.
    pub fn query(
        &self,
        (below, height): (&dyn Below, Height),
        path: &str,
        data: &[u8],
    ) -> Result<Option<Result<Vec<u8>, QueryRefused>>, Panicked> {
        let view = AppView::new(&self.name, height, below);
        let answer = guard(|| self.application.query(&view, path, data))?;
        Ok(match view.stopped() {
            Some(Stopped::Unreadable) => None,
            Some(stopped) => Some(Err(stopped.into())),
            None => Some(answer.and_then(|answer| {
                if answer.len() <= QUERY_ANSWER_BYTES_MAX {
                    return Ok(answer);
                }
                Err(format!("its answer has more than {QUERY_ANSWER_BYTES_MAX} bytes").into())
            })),
        })
    }
}

/// Before a chain has begun.
struct Nothing;

impl Below for Nothing {
    fn value(&self, _: &super::StateKey) -> Result<Option<Vec<u8>>, super::Unreadable> {
        Ok(None)
    }
}

/// Applications by name, each version apart: those that a build knows, or those that a chain names.
#[derive(Clone, Default)]
pub struct Applications(Arc<BTreeMap<Arc<str>, BTreeMap<u32, Installed>>>);

impl fmt::Debug for Applications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(Installed::to_string))
            .finish()
    }
}

impl Applications {
    /// None: what a build of Lockstep alone knows.
    pub fn none() -> Applications {
        Applications::default()
    }

    /// These, of which the genesis of a chain chooses by name and version. Of two that call
    /// themselves the same, the last one counts.
    pub fn of(applications: impl IntoIterator<Item = Arc<dyn Application>>) -> Applications {
        let mut all: BTreeMap<Arc<str>, BTreeMap<u32, Installed>> = BTreeMap::new();
        for application in applications {
            let installed = Installed {
                name: application.name().into(),
                version: application.version(),
                application,
            };
            let versions = all.entry(installed.name.clone()).or_default();
            versions.insert(installed.version, installed);
        }
        Applications(Arc::new(all))
    }

    /// These, and one more.
    #[must_use]
    pub fn and(&self, application: Arc<dyn Application>) -> Applications {
        let known = self.iter().map(|installed| installed.application.clone());
        Applications::of(known.chain([application]))
    }

    /// All of them, rising by name and version.
    pub fn iter(&self) -> impl Iterator<Item = &Installed> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one of this name that a chain runs: of several versions the newest.
    pub fn get(&self, name: &str) -> Option<&Installed> {
        self.0.get(name)?.values().next_back()
    }

    /// Those that the genesis names, and no others.
    pub fn named_by(&self, genesis: &Genesis) -> Result<Applications, ApplicationError> {
        let named = &genesis.applications;
        if named.len() > APPLICATIONS_MAX {
            return Err(ApplicationError::Count(named.len()));
        }
        let mut pairs = named.iter().zip(named.iter().skip(1));
        if pairs.any(|(a, b)| a.name >= b.name) {
            return Err(ApplicationError::Order);
        }
        let mut chosen = BTreeMap::new();
        for wanted in named {
            let installed = self.choose(wanted)?.clone();
            let version = BTreeMap::from([(installed.version, installed.clone())]);
            chosen.insert(installed.name, version);
        }
        Ok(Applications(Arc::new(chosen)))
    }

    fn choose(&self, wanted: &GenesisApplication) -> Result<&Installed, ApplicationError> {
        let GenesisApplication {
            name,
            version,
            state,
        } = wanted;
        if !is_name(name) {
            return Err(ApplicationError::Name);
        }
        if state.len() > APPLICATION_GENESIS_BYTES_MAX {
            return Err(ApplicationError::Document(name.clone(), state.len()));
        }
        let Some(versions) = self.0.get(name.as_str()) else {
            let known = self.to_string();
            return Err(ApplicationError::Unknown(name.clone(), *version, known));
        };
        versions.get(version).ok_or_else(|| {
            let known: Vec<String> = versions.keys().map(|v| format!("version {v}")).collect();
            ApplicationError::Version(name.clone(), *version, known.join(", "))
        })
    }

    /// What the state of each application begins with that the genesis names.
    pub fn genesis(&self, genesis: &Genesis) -> Result<Vec<(String, Written)>, ApplicationError> {
        let chosen = self.named_by(genesis)?;
        let begin = |wanted: &GenesisApplication| {
            let GenesisApplication {
                name,
                version,
                state,
            } = wanted;
            let refuse =
                |why: String| ApplicationError::Genesis(name.clone(), *version, sentence(why));
            let installed = chosen.get(name).ok_or_else(|| refuse(String::new()))?;
            let written = installed.genesis(state).map_err(refuse)?;
            Ok((name.clone(), written))
        };
        genesis.applications.iter().map(begin).collect()
    }
}

/// What a build knows, for people.
impl fmt::Display for Applications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("it has none");
        }
        let all: Vec<String> = self.iter().map(Installed::to_string).collect();
        write!(f, "it has {}", all.join("; "))
    }
}
