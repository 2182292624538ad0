//! What is known and who asks: answers go into the state in the order in which they come.
use super::poll::{Askers, Order, Report, Told};
use super::rows::Now;
use super::shapes::Devnet;
use super::state::{Outcome, State};
use crate::endpoint::Url;
use crate::failure::Failure;
use crate::limits::TOP_ANSWERS_MAX;
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) struct Session {
    pub(super) state: State,
    pub(super) askers: Askers,
    urls: Vec<Url>,
    reports: Receiver<Report>,
    began: Instant,
}

impl Session {
    pub(super) fn begin(urls: &[Url]) -> Result<Session, Failure> {
        let failed = |error: io::Error| Failure::retry(format!("no thread can ask: {error}"));
        let (tell, reports) = sync_channel(TOP_ANSWERS_MAX);
        let mut session = Session {
            state: State::default(),
            askers: Askers::begin(tell).map_err(failed)?,
            urls: Vec::new(),
            reports,
            began: Instant::now(),
        };
        for url in urls {
            session.meet(url).map_err(failed)?;
        }
        Ok(session)
    }

    pub(super) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = wall.unwrap_or_default();
        Now {
            at: ms(self.began.elapsed()),
            wall_ms: ms(wall),
        }
    }

    /// Takes what has come, and says whether that was anything. It waits so long for the first.
    pub(super) fn take(&mut self, patience: Duration) -> bool {
        let mut report = self.reports.recv_timeout(patience).ok();
        let is_new = report.is_some();
        let mut taken = 0;
        while let Some(one) = report {
            self.put(one);
            taken += 1;
            report = match taken < TOP_ANSWERS_MAX {
                true => self.reports.try_recv().ok(),
                false => None,
            };
        }
        self.askers.leads(self.state.lead());
        is_new
    }

    fn put(&mut self, Report { place, told }: Report) {
        let now = self.now().at;
        let state = &mut self.state;
        match told {
            Told::Status(status) => state.status(place, *status, now),
            Told::Failed(trouble) => state.failed(place, trouble, now),
            Told::Timeline(timeline) => state.timeline(place, *timeline),
            Told::Set(set) => state.set = Some(set),
            Told::Interval(interval) => state.interval_ms = Some(interval),
            Told::Devnet(devnet) => self.devnet(place, devnet),
            Told::Ordered(done, path) => {
                let words = match &done {
                    Ok(()) => format!("POST {path}: done"),
                    Err(why) => format!("POST {path}: {why}"),
                };
                let is_good = done.is_ok();
                state.outcome = Some(Outcome { words, is_good });
                self.askers.hurry();
            }
        }
    }

    /// The other nodes of a devnet are asked, too: at the host that somebody has named, and at no
    /// other, whatever an answer says.
    fn devnet(&mut self, place: usize, devnet: Option<Devnet>) {
        let asked = self
            .urls
            .get(place)
            .map(host)
            .unwrap_or_default()
            .to_owned();
        for node in devnet.iter().flat_map(|devnet| &devnet.nodes) {
            let is_known = self.state.node_of(&node.validator).is_some();
            let url = node.url.parse::<Url>().ok().filter(|_| !is_known);
            if let Some(url) = url.filter(|url| host(url) == asked) {
                // Without a thread for it, what the others say of it is shown.
                let _ = self.meet(&url);
            }
        }
        self.state.devnet(devnet);
    }

    fn meet(&mut self, url: &Url) -> io::Result<()> {
        if let Some(place) = self.state.meet(&url.to_string()) {
            self.urls.push(url.clone());
            self.askers.ask(place, url.clone())?;
        }
        Ok(())
    }

    /// Hands an order to the node at this place.
    pub(super) fn order(&mut self, place: usize, path: &str, body: String) {
        let Some(url) = self.urls.get(place).cloned() else {
            return;
        };
        let words = format!("POST {path} {body} …");
        let path = path.to_owned();
        let is_good = self.askers.order(Order { url, path, body });
        let words = match is_good {
            true => words,
            false => "the orders before are not done yet".into(),
        };
        self.state.outcome = Some(Outcome { words, is_good });
    }
}

fn host(url: &Url) -> &str {
    let at = url.at();
    at.rsplit_once(':').map_or(at, |(host, _)| host)
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
