//! One file per subcommand, and what they share.
use lockstep_devnet::{DevnetError, Durability};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::limits::VALIDATORS_MAX;
use lockstep_protocol::retention::Retention;
use lockstep_protocol::types::Timestamp;
use std::fmt::Arguments;
use std::io::Write;
use std::sync::mpsc::{self, Receiver};
use std::time::SystemTime;

pub(crate) mod account;
pub(crate) mod bench;
pub(crate) mod block;
pub(crate) mod devnet;
mod floor;
mod home_arguments;
mod http;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod light;
mod node;
mod process;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod simulate;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod status;
mod terminal;
pub(crate) mod testnet;
pub(crate) mod tx;
pub(crate) mod verify;
mod who;

/// One clear line and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) exit_code: u8,
}

impl Failure {
    /// May be retried.
    pub(crate) fn retry(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            exit_code: 1,
        }
    }

    /// Whether trying again may help.
    pub(crate) fn may_be_retried(&self) -> bool {
        self.exit_code == 1
    }

    /// Usage or configuration.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            exit_code: 2,
        }
    }

    /// Data that is not what it should be.
    pub(crate) fn corrupt(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            exit_code: 3,
        }
    }

    /// Going on would be unsafe.
    pub(crate) fn safety(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            exit_code: 4,
        }
    }
}

impl From<DevnetError> for Failure {
    fn from(error: DevnetError) -> Failure {
        Failure {
            message: error.to_string(),
            exit_code: error.exit_code(),
        }
    }
}

/// The environment variable that names a node for `--rpc`.
pub(crate) const RPC_VARIABLE: &str = "LOCKSTEP_RPC";

/// An environment variable, which must be text; an empty one counts as none.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!(
            "the environment variable {name} is no text: set it anew"
        ))),
    }
}

/// Milliseconds since 1970.
pub(crate) fn wall_clock() -> Result<Timestamp, Failure> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.map_err(|_| Failure::retry("the clock stands before 1970: set it"))?;
    Ok(Timestamp(
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
    ))
}

/// Prints a line on stdout. A reader who has left is the end of the command, not a panic.
pub(crate) fn say(line: Arguments<'_>) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| {
        Failure::retry(format!(
            "cannot write to stdout: {error}; let its reader stay, or name a file with room"
        ))
    })
}

/// Tells people on stderr, if anybody still reads it.
pub(crate) fn tell(text: Arguments<'_>) {
    // There is nobody left to tell of an error.
    let _ = write!(std::io::stderr(), "{text}");
}

/// `--validators`
pub(crate) fn validators(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    count
        .filter(|count| (1..=VALIDATORS_MAX).contains(count))
        .ok_or_else(|| format!("a devnet has 1 to {VALIDATORS_MAX} validators"))
}

/// `--scheme`
pub(crate) fn scheme(text: &str) -> Result<SchemeId, String> {
    text.parse()
        .map_err(|error: lockstep_protocol::crypto::UnknownScheme| error.to_string())
}

/// `--retain-blocks`
pub(crate) fn retention(text: &str) -> Result<Retention, String> {
    let blocks = text
        .parse()
        .map_err(|_| format!("expected a number of blocks, or 0 to keep all, got {text:?}"))?;
    Retention::of_blocks(blocks).map_err(|error| error.to_string())
}

/// `--durability`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DurabilityArgument {
    /// Survives the end of the process (kill -9), not a power cut
    Process,
    /// Survives a power cut: the disk is synced before anything is sent
    Power,
}

impl DurabilityArgument {
    /// By its name.
    pub(crate) fn parse(text: &str) -> Result<DurabilityArgument, String> {
        let all = [DurabilityArgument::Process, DurabilityArgument::Power];
        let found = all.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| format!("expected one of process, power; got {text:?}"))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            DurabilityArgument::Process => "process",
            DurabilityArgument::Power => "power",
        }
    }

    pub(crate) fn in_words(self) -> &'static str {
        match self {
            DurabilityArgument::Process => "survives kill -9, but not a power cut",
            DurabilityArgument::Power => "survives a power cut: every write is synced",
        }
    }
}

impl From<DurabilityArgument> for Durability {
    fn from(argument: DurabilityArgument) -> Durability {
        match argument {
            DurabilityArgument::Process => Durability::Process,
            DurabilityArgument::Power => Durability::Power,
        }
    }
}

/// Logs go to stderr, so that stdout holds only what was asked for. `RUST_LOG` is heard where
/// `--log` is not given.
pub(crate) fn start_log(filter: Option<&str>, default: &str) -> Result<(), Failure> {
    let environment = env_logger::Env::default().default_filter_or(default);
    let mut builder = env_logger::Builder::from_env(environment);
    if let Some(filter) = filter {
        let parsed = env_filter::Builder::new().try_parse(filter).map(|_| ());
        parsed.map_err(|error| {
            Failure::usage(format!(
                "log filter {filter:?}: {error}; try \"info\" or \"warn,lockstep_actors=debug\""
            ))
        })?;
        builder.parse_filters(filter);
    }
    if terminal::is_there() {
        let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let lines = env_logger::Target::Pipe(Box::new(terminal::LogLines));
        builder.target(lines);
        // A pipe is taken for no terminal, and this one ends at one.
        if coloured && std::env::var_os("RUST_LOG_STYLE").is_none() {
            builder.write_style(env_logger::WriteStyle::Always);
        }
    }
    builder.init();
    Ok(())
}

/// A channel that hears the first Ctrl-C (or SIGTERM). A second one ends the process at once.
pub(crate) fn interrupts() -> Result<Receiver<()>, Failure> {
    let (tell, hear) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::retry(format!("no signals: {error}")))?;
    let listen = move || {
        runtime.block_on(async move {
            wait_for_signal().await;
            // An error says that nobody waits any more.
            let _ = tell.send(());
            wait_for_signal().await;
            std::process::exit(130);
        });
    };
    let thread = std::thread::Builder::new()
        .name("signals".into())
        .spawn(listen);
    thread.map_err(|error| Failure::retry(format!("no signals: {error}")))?;
    Ok(hear)
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        heard = tokio::signal::ctrl_c() => if heard.is_err() { std::future::pending().await },
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
