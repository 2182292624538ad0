//! One file per subcommand, and what they share.
use crate::failure::Failure;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::limits::VALIDATORS_MAX;
use std::sync::mpsc::{self, Receiver};

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
mod memory;
mod node;
pub(crate) mod process;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod simulate;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod testnet;
pub(crate) mod tx;
pub(crate) mod verify;
mod who;

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
