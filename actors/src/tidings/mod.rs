//! What people must know of a node, as lines of its log: facts in, lines out. It reads no clock and
//! writes nothing; [`tell`] feeds it and carries its lines to the log.
//!
//! A healthy node has one line a minute. What is wrong is said at once, with whom and since when,
//! and again once a minute while it lasts; so there is a limit for each cause.
use crate::limits::{NAMED_MAX, STALL_SAID_EVERY_MS, UNLINKED_AFTER_MS};
use crate::times::Span;
use crate::view::Observed;
use lockstep_protocol::types::{Address, Height, Instant, Round};
use room::Room;
pub(crate) use room::What;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

#[cfg(test)]
mod kept;
pub(crate) mod room;
pub(crate) mod tell;
#[cfg(test)]
mod tests;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) level: log::Level,
    pub(crate) text: String,
}

/// What a node has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) blocks: u64,
    pub(crate) transactions: u64,
    /// Rounds beyond the first.
    pub(crate) rounds: u64,
    /// Blocks without this validator's precommit.
    pub(crate) missed: u64,
}

impl Counts {
    fn since(self, ago: Counts) -> Counts {
        Counts {
            blocks: self.blocks.saturating_sub(ago.blocks),
            transactions: self.transactions.saturating_sub(ago.transactions),
            rounds: self.rounds.saturating_sub(ago.rounds),
            missed: self.missed.saturating_sub(ago.missed),
        }
    }
}

/// What is seen of a node at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Look {
    pub(crate) head: Height,
    pub(crate) round: Round,
    /// Since when the height after it is under way; `None` if it waits for its time.
    pub(crate) began: Option<Instant>,
    /// Validators whose votes are missing.
    pub(crate) waits_for: Vec<Address>,
    /// Who decides the next height, with what power.
    pub(crate) validators: BTreeMap<Address, u64>,
    /// The first height that they decide.
    pub(crate) validators_from: Height,
    /// Others: whether their last exchange succeeded.
    pub(crate) peers: BTreeMap<Address, bool>,
    /// Those of them that have told how far they are: they were there, if only for a moment.
    pub(crate) told: BTreeSet<Address>,
    /// Where they listen, as the settings say.
    pub(crate) listens: BTreeMap<Address, String>,
    /// Why the last exchange failed.
    pub(crate) troubles: BTreeMap<Address, String>,
    /// Validators that are no peers of this node.
    pub(crate) unnamed: Vec<Address>,
    /// Since the start.
    pub(crate) counts: Counts,
    /// Median and 99th percentile of the commit times of the minute that ends, in ms.
    pub(crate) commit_ms: Option<[f64; 2]>,
    /// Why it has no voice, if so, and the next step.
    pub(crate) voiceless: Option<String>,
    /// What is over of that.
    pub(crate) observed: Observed,
    /// What it may run out of; none where nobody has looked.
    pub(crate) rooms: Vec<Room>,
    /// It is behind, and says so elsewhere.
    pub(crate) catching_up: bool,
}

impl Look {
    /// What helps with a peer that is away: where it should be, whether its vote counts, and why.
    fn about(&self, peer: &Address) -> String {
        let at = self.listens.get(peer);
        let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
        let no_vote = (!self.validators.contains_key(peer)).then_some("no validator now");
        let why = self.troubles.get(peer).map(String::as_str);
        let about: Vec<&str> = no_vote.into_iter().chain(why).collect();
        match about.is_empty() {
            true => at,
            false => format!("{at} ({})", about.join("; ")),
        }
    }
}

/// What lasts: since when, and when it was last said.
#[derive(Clone, Copy, Debug)]
struct Lasting {
    since: Instant,
    said: Option<Instant>,
}

impl Lasting {
    fn new(since: Instant) -> Lasting {
        Lasting { since, said: None }
    }

    fn is_due(&self, now: Instant, every_ms: u64) -> bool {
        self.said.is_none_or(|said| now >= said.plus_ms(every_ms))
    }

    /// Whether to say it now; then it counts as said.
    fn say(&mut self, now: Instant, every_ms: u64) -> bool {
        let is_due = self.is_due(now, every_ms);
        if is_due {
            self.said = Some(now);
        }
        is_due
    }

    fn lasts(&self, now: Instant) -> Span {
        Span(now.0.saturating_sub(self.since.0))
    }
}

/// A peer: whether it was ever there, and since when it is away.
#[derive(Clone, Copy, Debug)]
struct Link {
    was_there: bool,
    away: Option<Lasting>,
}

/// Whose votes are missing. When a round has just begun those of everybody are, so only those count
/// that are missing at two looks in one round.
#[derive(Debug, Default)]
struct WaitedFor {
    at: (Height, Round),
    last: Vec<Address>,
    names: Vec<Address>,
}

impl WaitedFor {
    fn step(&mut self, look: &Look) {
        let at = (look.head, look.round);
        if self.at == at {
            let last = std::mem::take(&mut self.last);
            let is_old = |who: &&Address| last.contains(who);
            self.names = look.waits_for.iter().filter(is_old).copied().collect();
        } else if self.at.0 != look.head {
            self.names.clear();
        }
        (self.at, self.last) = (at, look.waits_for.clone());
    }
}

/// What was said, and of what.
#[derive(Debug)]
pub(crate) struct Tidings {
    /// How long a height may be under way before that is said.
    late_ms: u64,
    every_ms: u64,
    minute: Instant,
    /// At the beginning of this minute.
    counts: Option<Counts>,
    stall: Option<(Height, Lasting)>,
    stall_said: Option<Instant>,
    waited_for: WaitedFor,
    links: BTreeMap<Address, Link>,
    validators: BTreeMap<Address, u64>,
    unnamed: Option<Lasting>,
    voiceless: Option<(String, Lasting)>,
    /// How often it had a voice again, as far as that was said.
    observed: u64,
    scarce: BTreeMap<What, Lasting>,
}

impl Tidings {
    /// From now on a height that lasts so long is late.
    pub(crate) fn late_after(&mut self, ms: u64) {
        self.late_ms = ms;
    }

    pub(crate) fn new(now: Instant, late_ms: u64, every_ms: u64) -> Tidings {
        Tidings {
            late_ms,
            every_ms,
            minute: now,
            counts: None,
            stall: None,
            stall_said: None,
            waited_for: WaitedFor::default(),
            links: BTreeMap::new(),
            validators: BTreeMap::new(),
            unnamed: None,
            voiceless: None,
            observed: 0,
            scarce: BTreeMap::new(),
        }
    }

    /// Looks again.
    pub(crate) fn step(&mut self, now: Instant, look: &Look) -> Vec<Line> {
        let mut lines = Vec::new();
        self.links(now, look, &mut lines);
        self.change_of_validators(look, &mut lines);
        self.unnamed(now, look, &mut lines);
        self.voice(now, look, &mut lines);
        self.rooms(now, look, &mut lines);
        self.progress(now, look, &mut lines);
        self.minute(now, look, &mut lines);
        lines
    }

    fn links(&mut self, now: Instant, look: &Look, lines: &mut Vec<Line>) {
        self.links.retain(|peer, _| look.peers.contains_key(peer));
        for (peer, is_there) in &look.peers {
            let was_there = false;
            let away = Some(Lasting::new(now));
            let link = self.links.entry(*peer).or_insert(Link { was_there, away });
            link.was_there |= look.told.contains(peer);
            match (&mut link.away, is_there) {
                (None, false) => link.away = Some(Lasting::new(now)),
                (Some(away), true) => {
                    if away.said.is_some() {
                        let lasted = away.lasts(now);
                        lines.push(info(format!("peer {peer} is back after {lasted}")));
                    }
                    (link.was_there, link.away) = (true, None);
                }
                _ => {}
            }
        }
        for was_there in [true, false] {
            lines.extend(self.away(now, look, was_there));
        }
    }

    /// One line for all that are away: whoever is due takes the others along.
    fn away(&mut self, now: Instant, look: &Look, was_there: bool) -> Option<Line> {
        let every_ms = self.every_ms;
        let links = self.links.iter_mut();
        let away = links.filter(|(_, link)| link.was_there == was_there);
        let away = away.filter_map(|(peer, link)| Some((*peer, link.away.as_mut()?)));
        let late = |away: &Lasting| was_there || now >= away.since.plus_ms(UNLINKED_AFTER_MS);
        let mut away: Vec<(Address, &mut Lasting)> = away.filter(|(_, it)| late(it)).collect();
        let is_due = away.iter().any(|(_, it)| it.is_due(now, every_ms));
        if !is_due {
            return None;
        }
        for (_, it) in &mut away {
            it.said = Some(now);
        }
        let names = away.iter().map(|(peer, it)| {
            let about = look.about(peer);
            format!("{peer}{about} for {}", it.lasts(now))
        });
        let names = some_of(names.collect());
        Some(warn(match was_there {
            true => format!("peers lost: {names}"),
            false => format!("no link yet to {names}"),
        }))
    }

    fn change_of_validators(&mut self, look: &Look, lines: &mut Vec<Line>) {
        let before = std::mem::replace(&mut self.validators, look.validators.clone());
        if before.is_empty() || before == look.validators {
            return;
        }
        let height = look.validators_from;
        let mut changes = Vec::new();
        for (who, power) in &look.validators {
            match before.get(who) {
                None => changes.push(format!("{who} is new with power {power}")),
                Some(old) if old != power => {
                    changes.push(format!("{who} has power {power} instead of {old}"));
                }
                Some(_) => {}
            }
        }
        let gone = before
            .keys()
            .filter(|who| !look.validators.contains_key(who));
        changes.extend(gone.map(|who| format!("{who} is none any more")));
        let changes = some_of(changes);
        lines.push(info(format!(
            "validators change at height {height}: {changes}"
        )));
    }

    fn unnamed(&mut self, now: Instant, look: &Look, lines: &mut Vec<Line>) {
        if look.unnamed.is_empty() {
            self.unnamed = None;
            return;
        }
        let lasting = self.unnamed.get_or_insert(Lasting::new(now));
        if lasting.say(now, self.every_ms) {
            let names = named(&look.unnamed);
            let lasts = lasting.lasts(now);
            lines.push(warn(format!(
                "validators without a link, for {lasts}: {names}; add them to peers, with follow = \
                 true where the genesis does not name them"
            )));
        }
    }

    /// What begins was said by whoever found it out; here it is said again, and that it is over.
    fn voice(&mut self, now: Instant, look: &Look, lines: &mut Vec<Line>) {
        let Observed { times, last_ms } = look.observed;
        let between_two_looks = std::mem::replace(&mut self.observed, times) < times;
        let Some(why) = &look.voiceless else {
            let seen = self.voiceless.take().map(|(_, it)| it.lasts(now));
            if let Some(lasted) = seen.or(between_two_looks.then_some(Span(last_ms))) {
                lines.push(info(format!("this node signs, after {lasted} without")));
            }
            return;
        };
        let said = Lasting {
            since: now,
            said: Some(now),
        };
        let (shown, lasting) = self.voiceless.get_or_insert((why.clone(), said));
        shown.clone_from(why);
        if lasting.say(now, self.every_ms) {
            let lasts = lasting.lasts(now);
            lines.push(warn(format!("this node does not sign, for {lasts}: {why}")));
        }
    }

    fn rooms(&mut self, now: Instant, look: &Look, lines: &mut Vec<Line>) {
        for room in &look.rooms {
            if room.is_scarce() {
                let scarce = self.scarce.entry(room.what);
                let scarce = scarce.or_insert(Lasting::new(now));
                if scarce.say(now, self.every_ms) {
                    lines.push(warn(room.to_string()));
                }
            } else if self.scarce.remove(&room.what).is_some() {
                lines.push(info(format!("{} has room again", room.what)));
            }
        }
    }

    fn progress(&mut self, now: Instant, look: &Look, lines: &mut Vec<Line>) {
        self.waited_for.step(look);
        self.goes_again(now, look, lines);
        let Some(began) = look.began.filter(|_| !look.catching_up) else {
            return;
        };
        if now < began.plus_ms(self.late_ms) {
            return;
        }
        let height = look.head.next();
        let (_, stall) = self.stall.get_or_insert((height, Lasting::new(began)));
        let is_new = stall.said.is_none();
        let is_early = |said: Instant| is_new && now < said.plus_ms(STALL_SAID_EVERY_MS);
        if self.stall_said.is_some_and(is_early) || !stall.say(now, self.every_ms) {
            return;
        }
        self.stall_said = Some(now);
        let lasts = stall.lasts(now);
        let round = look.round;
        let who = named(&self.waited_for.names);
        lines.push(warn(format!(
            "no block for {lasts}: height {height}, round {round} waits for {who}"
        )));
    }

    fn goes_again(&mut self, now: Instant, look: &Look, lines: &mut Vec<Line>) {
        let is_over = |(height, _): &mut (Height, Lasting)| look.head >= *height;
        let Some((_, stall)) = self.stall.take_if(is_over) else {
            return;
        };
        if stall.said.is_some() {
            let lasted = stall.lasts(now);
            let head = look.head;
            lines.push(info(format!("going again after {lasted}: height {head}")));
        }
    }

    /// Whether this look has the line of a minute.
    pub(crate) fn ends_minute(&self, now: Instant) -> bool {
        now >= self.minute.plus_ms(self.every_ms)
    }

    fn minute(&mut self, now: Instant, look: &Look, lines: &mut Vec<Line>) {
        let ago = *self.counts.get_or_insert(look.counts);
        if !self.ends_minute(now) {
            return;
        }
        let lasted = Span(now.0.saturating_sub(self.minute.0));
        let Counts {
            blocks,
            transactions,
            rounds,
            missed,
        } = look.counts.since(ago);
        let here = look.peers.values().filter(|there| **there).count();
        let head = look.head;
        let all = look.peers.len();
        let times = look.commit_ms.map_or_else(String::new, |[p50, p99]| {
            format!(" (p50 {p50:.1} ms, p99 {p99:.1} ms)")
        });
        (self.minute, self.counts) = (now, Some(look.counts));
        lines.push(info(format!(
            "{blocks} blocks in {lasted}{times}, height {head}, {rounds} further rounds, \
             {transactions} transactions, {here} of {all} peers"
        )));
        if missed.saturating_mul(2) > blocks {
            lines.push(warn(format!(
                "this validator's precommit was late or missing at {missed} of {blocks} blocks: its \
                 machine, its disk or its links are slow"
            )));
        }
    }
}

fn info(text: String) -> Line {
    let level = log::Level::Info;
    Line { level, text }
}

fn warn(text: String) -> Line {
    let level = log::Level::Warn;
    Line { level, text }
}

fn named(who: &[Address]) -> String {
    some_of(who.iter().map(Address::to_string).collect())
}

/// At most so many of them.
fn some_of(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    let mut text = names.join(", ");
    if names.is_empty() {
        text.push_str("nobody that is known");
    }
    if more > 0 {
        // Writing into a String cannot fail.
        let _ = write!(text, " and {more} more");
    }
    text
}
