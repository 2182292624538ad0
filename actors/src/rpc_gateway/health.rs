//! `/readyz`: the node can take part in the next block.
use super::clock_report;
use super::seed::Seed;
use crate::limits::HEIGHT_LATE_MIN;
use crate::messages::vote_collector::{GetVotesMissing, VotesMissing};
use crate::runtime::State;
use crate::view::{PeerView, needs_snapshot};
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::types::Address;
use lockstep_protocol::validators::set::ValidatorSet;
use std::fmt::Write;
use std::time::Duration;

pub(super) async fn readyz(seed: web::Data<Seed>, request: HttpRequest) -> HttpResponse {
    let checks = checks(&seed).await;
    let ready = checks.iter().all(|check| check.1.is_ok());
    let mut text = String::new();
    if request.query_string().contains("verbose") {
        for (name, result) in &checks {
            // Writing into a String cannot fail.
            let _ = match result {
                Ok(None) => writeln!(text, "[+] {name}: ok"),
                Ok(Some(remark)) => writeln!(text, "[+] {name}: ok, but {remark}"),
                Err(reason) => writeln!(text, "[-] {name}: {reason}"),
            };
        }
    }
    text.push_str(if ready { "ready\n" } else { "not ready\n" });
    let mut answer = if ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.content_type("text/plain").body(text)
}

/// Whether `/readyz` says so.
pub(super) async fn is_ready(seed: &Seed) -> bool {
    checks(seed).await.iter().all(|check| check.1.is_ok())
}

/// Whether it is in order; if so, perhaps with a remark, else why not.
type Check = (&'static str, Result<Option<String>, String>);

async fn checks(seed: &Seed) -> Vec<Check> {
    let view = seed.view.copy();
    let stranded = seed.view.sync_progress().stranded;
    let caught_up = if let Some(earliest) = stranded {
        Err(needs_snapshot(view.head.height.next(), earliest))
    } else if view.catching_up {
        Err("it is behind its peers".into())
    } else if has_heard_nobody(seed) {
        Err("not known: no peer that answers has said how far it is".into())
    } else {
        Ok(())
    };
    let voting = view.halted.or(view.observing).or_else(|| arriving(seed));
    let voting = voting.map_or(Ok(()), Err);
    let checks = [
        ("voting", voting),
        ("caught up", caught_up),
        ("quorum", quorum(seed)),
        ("progress", progress(seed).await),
        ("actors", actors(seed)),
    ];
    let clock = ("clock", clock(seed));
    let checks = checks.map(|(name, check)| (name, check.map(|()| None)));
    checks.into_iter().chain([clock]).collect()
}

/// Whether nobody can tell it that it is behind. Who decides alone needs nobody's word.
fn has_heard_nobody(seed: &Seed) -> bool {
    let set = seed.view.validators().current().clone();
    let own = set.index_of(&seed.me).map_or(0, |index| set.power(index));
    if set.is_quorum(own) {
        return false;
    }
    let is_reachable = |peer: &PeerView| peer.reachable;
    seed.view.is_arriving(&seed.me) || !seed.view.peers().iter().any(is_reachable)
}

/// Why a validator that has just started does not sign yet.
fn arriving(seed: &Seed) -> Option<String> {
    seed.view.is_arriving(&seed.me).then(|| {
        "it has just started, and does not sign before it has heard how far the others are, and has \
         what they have"
            .into()
    })
}

/// Whether this node and the peers that it reaches hold more than two thirds of the power.
fn quorum(seed: &Seed) -> Result<(), String> {
    let peers = seed.view.peers();
    let is_here = |address: &Address| {
        *address == seed.me || peers.iter().any(|p| p.address == *address && p.reachable)
    };
    let set = seed.view.validators().current().clone();
    let (here, missing): (Vec<_>, Vec<_>) = set.iter().partition(|v| is_here(&v.address));
    let power = here.iter().map(|v| v.power).sum();
    if set.is_quorum(power) {
        return Ok(());
    }
    let missing: Vec<String> = missing.iter().map(|v| v.address.to_string()).collect();
    let total = set.total();
    let view = seed.view.copy();
    let height = view.head.height.next();
    let round = view.round;
    Err(format!(
        "{power} of {total} power reachable, and a block needs more than two thirds: height \
         {height}, round {round} waits for enough of the missing validators: {}",
        missing.join(", ")
    ))
}

/// Whether the height under way is decided in time. Peers that answer may still have no vote: they
/// observe, or have stopped voting. A chain that waits for a tick, for its block interval or for
/// transactions has no height under way.
async fn progress(seed: &Seed) -> Result<(), String> {
    let view = seed.view.copy();
    let lasts = seed.view.height_began().elapsed();
    let set = seed.view.validators().current().clone();
    if view.step.is_none() || lasts <= patience(&seed.settings.timeouts, set.len()) {
        return Ok(());
    }
    if let Some(cause) = clock_report::cause(seed, &clock_report::report(seed)) {
        return Err(format!(
            "height {} is under way for {} s, now in round {}: {cause}",
            view.head.height.next(),
            lasts.as_secs(),
            view.round,
        ));
    }
    // A VoteCollector that is busy or has just fallen knows of no vote.
    let missing = seed
        .ports
        .missing
        .ask(GetVotesMissing)
        .await
        .unwrap_or_default();
    let (what, who) = waited_for(&set, &missing);
    let who: Vec<String> = who.iter().map(Address::to_string).collect();
    Err(format!(
        "height {} is under way for {} s, now in round {}, and waits for {what} of {}: look at \
         /readyz?verbose of their nodes",
        view.head.height.next(),
        lasts.as_secs(),
        view.round,
        who.join(", ")
    ))
}

/// How long a height may last: of `validators` less than a third may be faulty, each of them with a
/// round of its own, and the next round is a correct one's; and as long again.
fn patience(timeouts: &Timeouts, validators: usize) -> Duration {
    let rounds = 1 + validators.saturating_sub(1) / 3;
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    let twice = timeouts.rounds_ms(rounds).saturating_mul(2);
    Duration::from_millis(twice).max(HEIGHT_LATE_MIN)
}

/// What is missing of a round: prevotes first, because no precommit is worth anything without a
/// quorum of them.
fn waited_for<'a>(set: &ValidatorSet, missing: &'a VotesMissing) -> (&'static str, &'a [Address]) {
    let came = set
        .iter()
        .filter(|v| !missing.prevotes.contains(&v.address));
    if set.is_quorum(came.map(|v| v.power).sum()) {
        ("precommits", &missing.precommits)
    } else {
        ("prevotes", &missing.prevotes)
    }
}

/// Whether this node's clock lets it take part; whose clock is wrong.
fn clock(seed: &Seed) -> Result<Option<String>, String> {
    let report = clock_report::report(seed);
    match clock_report::hindrance(seed, &report) {
        Some(why) => Err(why),
        None => Ok(clock_report::sentence(seed, &report)),
    }
}

fn actors(seed: &Seed) -> Result<(), String> {
    let down = seed
        .actors
        .rows()
        .into_iter()
        .filter(|actor| actor.state != State::Running);
    let down: Vec<String> = down
        .map(|actor| format!("{} {:?}", actor.actor, actor.state))
        .collect();
    if down.is_empty() {
        Ok(())
    } else {
        Err(down.join(", "))
    }
}
