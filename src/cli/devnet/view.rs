//! The view of `lockstep top` upon a devnet of this process, on a thread of its own. It asks over
//! HTTP as anybody does; the loop that checks blocks goes on beside it.
use crate::cli::top;
use crate::endpoint::Url;
use crate::failure::Failure;
use lockstep_devnet::Devnet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

pub(super) struct View {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), Failure>>,
}

impl View {
    pub(super) fn begin(devnet: &Devnet) -> Result<View, Failure> {
        let urls = devnet.urls();
        let read = |url: &String| url.parse::<Url>().map_err(Failure::safety);
        let urls: Vec<Url> = urls.iter().map(read).collect::<Result<_, _>>()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let show = move || top::show(&urls, || over.load(Ordering::Relaxed));
        let thread = Builder::new().name("view".into()).spawn(show);
        let failed = |error| Failure::retry(format!("no view is shown: {error}; try --plain"));
        let thread = thread.map_err(failed)?;
        Ok(View { is_over, thread })
    }

    /// Somebody has left it, or it cannot be drawn.
    pub(super) fn is_left(&self) -> bool {
        self.thread.is_finished()
    }

    /// The terminal is given back when this returns.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.is_over.store(true, Ordering::Relaxed);
        let fell = |_| Failure::retry("the view fell; --plain prints lines instead");
        self.thread.join().map_err(fell)?
    }
}
