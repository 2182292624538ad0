//! `/livez`: the node's thread turns. `/readyz`: it can take part in the next block.
use super::Seed;
use crate::block_sync::needs_snapshot;
use crate::runtime::State;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::types::Address;
use std::fmt::Write;

pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

pub(super) async fn readyz(seed: web::Data<Seed>, request: HttpRequest) -> HttpResponse {
    let checks = checks(&seed);
    let ready = checks.iter().all(|check| check.1.is_ok());
    let mut text = String::new();
    if request.query_string().contains("verbose") {
        for (name, result) in &checks {
            // Writing into a String cannot fail.
            let _ = match result {
                Ok(()) => writeln!(text, "[+] {name}: ok"),
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

type Check = (&'static str, Result<(), String>);

fn checks(seed: &Seed) -> Vec<Check> {
    let view = seed.view.snapshot();
    let stranded = seed.view.sync_progress().stranded;
    let caught_up = if let Some(earliest) = stranded {
        Err(needs_snapshot(view.head.height.next(), earliest))
    } else if view.catching_up {
        Err("it is behind its peers".into())
    } else {
        Ok(())
    };
    vec![
        ("voting", view.halted.or(view.observing).map_or(Ok(()), Err)),
        ("caught up", caught_up),
        ("quorum", quorum(seed)),
        ("actors", actors(seed)),
    ]
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
    let view = seed.view.snapshot();
    let (height, round) = (view.head.height.next(), view.round);
    Err(format!(
        "{power} of {total} power reachable, and a block needs more than two thirds: height \
         {height}, round {round} waits for one of the missing validators: {}",
        missing.join(", ")
    ))
}

fn actors(seed: &Seed) -> Result<(), String> {
    let down = seed
        .actors
        .snapshot()
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
