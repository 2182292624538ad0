//! Asks the nodes, each on a thread of its own: one that is mute holds up nobody. The thread that
//! draws only takes what has come.
//!
//! A node is asked twice a second, and no faster however fast blocks come; one that is away less and
//! less often, so that who comes back is seen within two seconds.
use super::shapes::{self, Devnet, Set, Status, Timeline};
use super::state::Trouble;
use crate::cli::http::{self, Answer, Body, Silence, Times};
use crate::endpoint::Url;
use crate::limits::TOP_HEIGHTS_A_POLL;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(500);
const EVERY_AWAY_MAX: Duration = Duration::from_secs(2);
/// Validators change slowly, and reading a hundred certificates has a price.
const SET_EVERY: Duration = Duration::from_secs(3);
/// Heights of the strip and the sparkline.
const STRIP: u64 = 120;
/// Half of what a node that goes away may be shown as there.
const TIMES: Times = Times {
    part: Duration::from_millis(900),
    whole: Duration::from_secs(4),
};
/// A tick waits until all nodes have the block.
const ORDER_TIMES: Times = Times {
    part: Duration::from_secs(30),
    whole: Duration::from_secs(30),
};

/// What has come.
pub(crate) enum Told {
    Status(Box<Status>),
    Failed(Trouble),
    Timeline(Box<Timeline>),
    /// `None`: it is no devnet.
    Devnet(Option<Devnet>),
    Set(Set),
    Interval(u64),
    Ordered(Result<(), String>, String),
}

/// From which node, by its place among those that are asked.
pub(crate) struct Report {
    pub(crate) place: usize,
    pub(crate) told: Told,
}

/// An order for a devnet.
pub(crate) struct Order {
    pub(crate) url: Url,
    pub(crate) path: String,
    pub(crate) body: String,
}

/// All threads that ask. They end with the view: nobody hears them any more.
pub(crate) struct Askers {
    tell: SyncSender<Report>,
    lead: Arc<AtomicUsize>,
    wake: Vec<SyncSender<()>>,
    orders: SyncSender<Order>,
}

struct Asker {
    place: usize,
    url: Url,
    tell: SyncSender<Report>,
    lead: Arc<AtomicUsize>,
    had: BTreeSet<u64>,
    height: Option<u64>,
    set_at: Option<Instant>,
    is_devnet: Option<bool>,
    failures: u32,
}

/// Nobody hears it any more.
struct Gone;

#[derive(Deserialize)]
struct Params {
    result: Interval,
}

#[derive(Deserialize)]
struct Interval {
    block_time_ms: u64,
}

impl Askers {
    pub(crate) fn begin(tell: SyncSender<Report>) -> io::Result<Askers> {
        let (orders, taken) = sync_channel(crate::limits::TOP_ORDERS_MAX);
        let told = tell.clone();
        let thread = Builder::new().name("orders".into());
        thread.spawn(move || send_orders(&taken, &told))?;
        Ok(Askers {
            tell,
            lead: Arc::new(AtomicUsize::new(usize::MAX)),
            wake: Vec::new(),
            orders,
        })
    }

    /// A further node is asked from now on.
    pub(crate) fn ask(&mut self, place: usize, url: Url) -> io::Result<()> {
        let (wake, woken) = sync_channel(1);
        let asker = Asker {
            place,
            url,
            tell: self.tell.clone(),
            lead: Arc::clone(&self.lead),
            had: BTreeSet::new(),
            height: None,
            set_at: None,
            is_devnet: None,
            failures: 0,
        };
        let thread = Builder::new().name(format!("asks {place}"));
        thread.spawn(move || asker.run(&woken))?;
        self.wake.push(wake);
        Ok(())
    }

    /// This node is asked for what is true of the whole chain, too.
    pub(crate) fn leads(&self, place: Option<usize>) {
        self.lead
            .store(place.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// Something was changed by hand: look at once.
    pub(crate) fn hurry(&self) {
        for wake in &self.wake {
            // An error says that it is to look already.
            let _ = wake.try_send(());
        }
    }

    /// Whether it is on its way.
    pub(crate) fn order(&self, order: Order) -> bool {
        !matches!(
            self.orders.try_send(order),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
        )
    }
}

fn send_orders(orders: &Receiver<Order>, tell: &SyncSender<Report>) {
    while let Ok(order) = orders.recv() {
        let Order { url, path, body } = order;
        let answer = http::post_in(ORDER_TIMES, &url, &path, &Body::Json(body.as_bytes()));
        let done = match answer {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(refusal(&answer)),
            Err(why) => Err(silence(ORDER_TIMES, &why)),
        };
        let told = Told::Ordered(done, path);
        if tell.send(Report { place: 0, told }).is_err() {
            return;
        }
    }
}

impl Asker {
    fn run(mut self, woken: &Receiver<()>) {
        loop {
            let began = Instant::now();
            if self.visit().is_err() {
                return;
            }
            let doubled = EVERY * 2_u32.saturating_pow(self.failures.saturating_sub(4).min(4));
            let wait = doubled.min(EVERY_AWAY_MAX).saturating_sub(began.elapsed());
            // At most four times a second, however often somebody presses a key.
            let wait = wait.max(EVERY / 2);
            match woken.recv_timeout(wait) {
                Ok(()) => std::thread::sleep((EVERY / 2).saturating_sub(began.elapsed())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn visit(&mut self) -> Result<(), Gone> {
        let status = match self.get::<Status>("/status") {
            Ok(status) => status,
            Err(trouble) => {
                self.failures = self.failures.saturating_add(1);
                self.height = None;
                return self.say(Told::Failed(trouble));
            }
        };
        self.failures = 0;
        let height = status.height;
        let leads = self.lead.load(Ordering::Relaxed) == self.place;
        self.say(Told::Status(Box::new(status)))?;
        self.ask_timelines(height, leads)?;
        if leads {
            self.ask_devnet()?;
            self.ask_set()?;
        }
        self.height = Some(height);
        Ok(())
    }

    fn ask_timelines(&mut self, height: u64, leads: bool) -> Result<(), Gone> {
        // Another chain, or the node has begun anew.
        if self.had.last().is_some_and(|had| *had > height) {
            self.had.clear();
        }
        let lowest = height.saturating_sub(if leads { STRIP } else { 1 }) + 1;
        let missing = (lowest..=height)
            .rev()
            .filter(|at| *at > 0 && !self.had.contains(at));
        let mut wanted: Vec<u64> = missing.take(TOP_HEIGHTS_A_POLL).collect();
        // The next height is asked for only if it takes longer than usual.
        if self.height == Some(height) {
            wanted.push(height.saturating_add(1));
        }
        for at in wanted {
            let answer = self.get::<Timeline>(&format!("/heights/{at}/timeline"));
            if at <= height {
                self.had.insert(at);
            }
            if let Ok(timeline) = answer
                && timeline.height == at
            {
                self.say(Told::Timeline(Box::new(timeline)))?;
            }
        }
        while self.had.first().is_some_and(|had| *had < lowest) {
            self.had.pop_first();
        }
        Ok(())
    }

    fn ask_devnet(&mut self) -> Result<(), Gone> {
        if self.is_devnet == Some(false) {
            return Ok(());
        }
        let devnet = match http::get_in(TIMES, &self.url, "/devnet") {
            Ok(answer) if answer.status == 200 => shapes::read(&answer.body),
            Ok(answer) if answer.status == 404 => None,
            _ => return Ok(()),
        };
        self.is_devnet = Some(devnet.is_some());
        self.say(Told::Devnet(devnet))
    }

    fn ask_set(&mut self) -> Result<(), Gone> {
        if self.set_at.is_some_and(|at| at.elapsed() < SET_EVERY) {
            return Ok(());
        }
        if let Ok(set) = self.get::<Set>("/validators?recent=100") {
            self.set_at = Some(Instant::now());
            self.say(Told::Set(set))?;
        }
        // A devnet says it with its pace.
        if self.is_devnet == Some(false) {
            let call = br#"{"jsonrpc":"2.0","id":1,"method":"lockstep_getParams","params":[]}"#;
            let answer = http::post_in(TIMES, &self.url, "/", &Body::Json(call));
            let params = answer.ok().and_then(|it| shapes::read::<Params>(&it.body));
            if let Some(params) = params {
                self.say(Told::Interval(params.result.block_time_ms))?;
            }
        }
        Ok(())
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        match http::get_in(TIMES, &self.url, path) {
            Ok(answer) if answer.status == 200 => {
                let strange = || Trouble::Nonsense("its answer cannot be used".into());
                shapes::read(&answer.body).ok_or_else(strange)
            }
            Ok(answer) => Err(Trouble::Nonsense(refusal(&answer))),
            Err(Silence::Mute) => Err(Trouble::Slow(silence(TIMES, &Silence::Mute))),
            Err(why) => Err(Trouble::Unreachable(silence(TIMES, &why))),
        }
    }

    fn say(&self, told: Told) -> Result<(), Gone> {
        let place = self.place;
        self.tell.send(Report { place, told }).map_err(|_| Gone)
    }
}

fn silence(times: Times, why: &Silence) -> String {
    match why {
        Silence::Mute => format!("no answer within {:.1} s", times.part.as_secs_f64()),
        Silence::Broken(why) => shapes::text(why),
    }
}

fn refusal(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    match shapes::read::<Refusal>(&answer.body) {
        Some(said) => said.message,
        None => format!("it refuses with status {}", answer.status),
    }
}
