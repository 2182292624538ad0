//! Looks at the node once a second and writes the lines that come of it. It runs on the node's
//! thread, outside of all actors, and ends with it.
use super::room;
use super::{Counts, Look, Tidings};
use crate::clock::Clock;
use crate::limits::{
    STALL_SAID_AFTER_MS, TIDINGS_EVERY_MS, TIDINGS_LOOK_EVERY, TIDINGS_LOOKS_PER_ROOM,
};
use crate::live::Live;
use crate::messages::vote_collector::{GetVotesMissing, VotesMissing};
use crate::metrics::Metrics;
use crate::runtime::Port;
use crate::state_store::Store;
use crate::view::NodeView;
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::types::{Address, Height, Instant};
use lockstep_protocol::validators::set::ValidatorSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What it looks at.
pub(crate) struct Seed {
    pub(crate) me: Address,
    pub(crate) clock: Clock,
    pub(crate) pacing: Live<Pacing>,
    pub(crate) view: Arc<NodeView>,
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
    /// VoteCollector: whom do we wait for?
    pub(crate) missing: Port<GetVotesMissing>,
}

/// For as long as the node lives.
pub(crate) async fn always(seed: Seed) {
    let mut tidings = Tidings::new(
        seed.clock.now(),
        late_ms(*seed.pacing.get()),
        TIDINGS_EVERY_MS,
    );
    for number in 0_u64.. {
        tokio::time::sleep(TIDINGS_LOOK_EVERY).await;
        let mut look = seed.look().await;
        if number.is_multiple_of(TIDINGS_LOOKS_PER_ROOM) {
            let store = seed.store.clone();
            let rooms = tokio::task::spawn_blocking(move || room::look(&store));
            // An error says that the runtime ends.
            look.rooms = rooms.await.unwrap_or_default();
        }
        let now = seed.clock.now();
        tidings.late_after(late_ms(*seed.pacing.get()));
        if tidings.ends_minute(now) {
            look.commit_ms = seed.metrics.commit_times.take();
        }
        for line in tidings.step(now, &look) {
            log::log!(line.level, "{}", line.text);
        }
    }
}

/// Three intervals, or what every chain may take.
fn late_ms(pacing: Pacing) -> u64 {
    match pacing {
        Pacing::Manual | Pacing::OnDemand => STALL_SAID_AFTER_MS,
        Pacing::Interval(ms) => ms.saturating_mul(3).max(STALL_SAID_AFTER_MS),
    }
}

impl Seed {
    async fn look(&self) -> Look {
        // A VoteCollector that is busy or has just fallen knows of no vote.
        let missing = self.missing.ask(GetVotesMissing).await.unwrap_or_default();
        let view = self.view.copy();
        let schedule = self.view.validators();
        let set = schedule.current().clone();
        let mut newest_first = schedule.changes().rev().map(|(first, _)| first);
        let validators_from = newest_first.find(|first| *first <= schedule.height());
        let lasts = self.view.height_began().elapsed().as_millis();
        let lasts = u64::try_from(lasts).unwrap_or(u64::MAX);
        let began = Instant(self.clock.now().0.saturating_sub(lasts));
        let shown = self.view.peers();
        let peers = shown.iter().map(|peer| (peer.address, peer.reachable));
        let peers: BTreeMap<_, _> = peers.collect();
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        let listens = shown.iter().map(|peer| (peer.address, host(&peer.url)));
        let listens = listens.collect();
        let told = shown.iter().filter(|peer| peer.height > Height::default());
        let told = told.map(|peer| peer.address).collect();
        let troubles = shown.into_iter().filter(|peer| !peer.reachable);
        let troubles = troubles.filter_map(|peer| {
            let why = peer.refused.or(peer.trouble)?;
            Some((peer.address, why))
        });
        let others = set.iter().map(|v| v.address).filter(|it| *it != self.me);
        let unnamed = others.filter(|it| !peers.contains_key(it)).collect();
        let metrics = &self.metrics;
        Look {
            head: view.head.height,
            round: view.round,
            began: view.step.map(|_| began),
            waits_for: waits_for(&set, &peers, self.me, missing),
            peers,
            told,
            listens,
            troubles: troubles.collect(),
            unnamed,
            counts: Counts {
                blocks: metrics.blocks.get(),
                transactions: metrics.transactions.get(),
                rounds: metrics.rounds_skipped.get(),
                missed: metrics.own_votes_late.get(),
            },
            validators_from: validators_from.unwrap_or_default(),
            validators: set.iter().map(|v| (v.address, v.power)).collect(),
            commit_ms: None,
            rooms: Vec::new(),
            voiceless: view.halted.or(view.observing),
            observed: view.observed,
            catching_up: view.catching_up,
        }
    }
}

/// Those without whom there is no quorum are waited for, if they cannot be reached; at the beginning
/// of a round the votes of others are missing as well. Else those whose votes are missing: prevotes
/// first, because no precommit is worth anything without a quorum of them.
fn waits_for(
    set: &ValidatorSet,
    peers: &BTreeMap<Address, bool>,
    me: Address,
    missing: VotesMissing,
) -> Vec<Address> {
    let lacks_quorum = |away: &[Address]| {
        let here = set.iter().filter(|v| !away.contains(&v.address));
        !set.is_quorum(here.map(|v| v.power).sum())
    };
    let all = set.iter().map(|v| v.address);
    let is_away = |it: &Address| *it != me && !peers.get(it).is_some_and(|there| *there);
    let away: Vec<Address> = all.filter(is_away).collect();
    if lacks_quorum(&away) {
        away
    } else if lacks_quorum(&missing.prevotes) {
        missing.prevotes
    } else {
        missing.precommits
    }
}
