//! What signals ask of a command that runs until it is told to end.
use crate::failure::Failure;
use std::sync::mpsc::{self, Receiver};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Ctrl-C, SIGTERM, SIGQUIT: a clean end. Asked a second time, the process ends at once.
    End,
    /// SIGHUP, of a node without a terminal: the settings are to be read again.
    Reload,
}

/// A channel that hears them from now on, before anything is begun that must end cleanly. `hang_up`
/// is what SIGHUP asks for.
pub(crate) fn hear(hang_up: Asked) -> Result<Receiver<Asked>, Failure> {
    let failed = |error| Failure::retry(format!("signals cannot be heard: {error}"));
    let (tell, hear) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let entered = runtime.enter();
    let mut signals = Signals::new(hang_up).map_err(failed)?;
    drop(entered);
    let listen = move || {
        runtime.block_on(async move {
            let mut is_ending = false;
            loop {
                let asked = signals.next().await;
                if is_ending && asked == Asked::End {
                    crate::output::screen::leave();
                    std::process::exit(130);
                }
                is_ending |= asked == Asked::End;
                // An error says that nobody waits any more.
                let _ = tell.send(asked);
            }
        });
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(listen).map_err(failed)?;
    Ok(hear)
}

#[cfg(unix)]
struct Signals {
    ends: [tokio::signal::unix::Signal; 3],
    hang_up: Option<(tokio::signal::unix::Signal, Asked)>,
}

/// Whoever started this process has seen to it that a closed terminal does not end it: `nohup`.
#[cfg(unix)]
fn ignores_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is the first.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(unix)]
impl Signals {
    /// Heard from now on.
    fn new(hang_up: Asked) -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            ends: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::quit())?,
            ],
            hang_up: match ignores_hang_ups() && hang_up == Asked::End {
                true => None,
                false => Some((signal(SignalKind::hangup())?, hang_up)),
            },
        })
    }

    async fn next(&mut self) -> Asked {
        let [interrupt, terminate, quit] = &mut self.ends;
        let hang_up = async {
            match &mut self.hang_up {
                Some((hang_up, asked)) => hang_up.recv().await.map(|()| *asked),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Asked::End,
            _ = terminate.recv() => Asked::End,
            _ = quit.recv() => Asked::End,
            asked = hang_up => asked.unwrap_or(Asked::End),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new(_: Asked) -> std::io::Result<Signals> {
        Ok(Signals)
    }

    async fn next(&mut self) -> Asked {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Asked::End
    }
}
