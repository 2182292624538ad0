//! `GET /events`: blocks, receipts and rounds as they come, as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>). The id of an event is its
//! number, so that a browser resumes by itself.
use super::events::{Events, OutOfReach, Told, Topic};
use super::seed::Seed;
use crate::http::answer::refuse;
use crate::http::queue::{Gone, Outgoing, Queue, queue};
use crate::http::streams::{Stream, Streams};
use crate::limits::{STREAM_GOODBYE, STREAM_PING_EVERY};
use crate::metrics::{ClosedLabel, ListenerLabel};
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use lockstep_protocol::types::Address;
use serde::Deserialize;
use serde_json::json;
use std::cell::Cell;

/// What is asked for in the query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    from_seq: Option<u64>,
    topics: Option<String>,
    address: Option<Address>,
}

pub(super) async fn events(seed: web::Data<Seed>, request: HttpRequest) -> HttpResponse {
    let wanted = web::Query::<Wanted>::from_query(request.query_string());
    let topics = wanted.as_ref().ok().and_then(|wanted| topics(wanted));
    let (Ok(wanted), Some(topics)) = (wanted, topics) else {
        let sentence = "ask for /events, and at will ?from_seq=<number>, \
                        &topics=newBlocks,receipts,rounds, &address=<0x…> for receipts";
        return refuse(StatusCode::BAD_REQUEST, "malformed", sentence);
    };
    let resumed = request.headers().get("last-event-id");
    let resumed = resumed.and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let after = resumed.and_then(|id| id.checked_add(1));
    let from = after.or(wanted.from_seq);
    let mut from = from.unwrap_or_else(|| seed.events.next());
    let mut missed = None;
    if let Err(error) = seed.events.since(from, &[]) {
        let status = match error {
            OutOfReach::Gone { .. } => StatusCode::GONE,
            OutOfReach::Future { .. } => StatusCode::BAD_REQUEST,
        };
        // A browser that resumes would give up for good.
        if after.is_none() {
            return refuse(status, error.code(), error.to_string());
        }
        let oldest = seed.events.oldest();
        missed = Some(self::missed(error, from, oldest));
        from = oldest;
    }
    if request.method() == Method::HEAD {
        return stream_of(queue().1);
    }
    let Some(stream) = Streams::enter(&request) else {
        let sentence = "as many WebSockets and event streams are open as may; try again later";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence);
    };
    let (queue, outgoing) = queue();
    let turn = stream.connection.turn.clone();
    turn.spawn(async move {
        if let Some(missed) = missed
            && queue.put(missed, None).await.is_err()
        {
            return;
        }
        tell(seed, stream, queue, topics, from).await;
    });
    stream_of(outgoing)
}

fn stream_of(outgoing: Outgoing) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        // Nothing is asked behind it.
        .force_close()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(outgoing)
}

/// What a reader hears that wants to go on behind an event that is not kept, or that was one of an
/// earlier life of the node. Its number has the reader resume at `next`.
fn missed(error: OutOfReach, wanted: u64, next: u64) -> Bytes {
    let content = json!({ "code": error.code(), "wanted_seq": wanted, "next_seq": next });
    let last = next.saturating_sub(1);
    format!("id: {last}\nevent: missed\ndata: {content}\n\n").into()
}

/// All, unless some are named.
fn topics(wanted: &Wanted) -> Option<Vec<Topic>> {
    let names = wanted
        .topics
        .as_deref()
        .unwrap_or("newBlocks,receipts,rounds");
    let topic = |name: &str| match name {
        "newBlocks" => Some(Topic::NewBlocks),
        "receipts" => Some(Topic::Receipts(wanted.address)),
        "rounds" => Some(Topic::Rounds),
        _ => None,
    };
    // Each once: a list that repeats itself would only repeat what is told.
    let mut topics = Vec::new();
    for name in names.split(',') {
        let topic = topic(name)?;
        if topics.contains(&topic) {
            return None;
        }
        topics.push(topic);
    }
    Some(topics)
}

async fn tell(seed: web::Data<Seed>, stream: Stream, queue: Queue, topics: Vec<Topic>, from: u64) {
    let next = Cell::new(from);
    let (label, why) = tokio::select! {
        end = follow(&seed.events, &queue, &topics, &next) => match end {
            Ok(error) => (Some(ClosedLabel::SlowReader), format!("too slow: {error}")),
            Err(Gone) => return,
        },
        error = overtaken(&seed.events, &next) => {
            (Some(ClosedLabel::SlowReader), format!("too slow: {error}"))
        }
        () = stream.pushed_out.notified() => {
            (Some(ClosedLabel::Full), "somebody else has your place".into())
        }
        () = stream.node_stops() => (None, "the node stops".into()),
    };
    if let Some(label) = label {
        seed.metrics.closed(ListenerLabel::People, label);
    }
    let dropped = format!("event: dropped\ndata: {why}\n\n");
    // Whoever does not read does not hear why, either.
    let _ = tokio::time::timeout(STREAM_GOODBYE, queue.put(dropped.into(), None)).await;
}

/// Until the reader is too slow, or gone.
async fn follow(
    events: &Events,
    queue: &Queue,
    topics: &[Topic],
    next: &Cell<u64>,
) -> Result<OutOfReach, Gone> {
    let mut news = events.watch();
    let mut pulse = tokio::time::interval(STREAM_PING_EVERY);
    loop {
        let (told, after) = match events.since(next.get(), topics) {
            Ok(told) => told,
            Err(error) => return Ok(error),
        };
        for event in &told {
            queue.put(text(event), None).await?;
        }
        if after > next.replace(after) {
            continue;
        }
        tokio::select! {
            () = queue.closed() => return Err(Gone),
            _ = news.changed() => {}
            // A comment: without it nobody would notice that the reader is gone.
            _ = pulse.tick() => queue.put(Bytes::from_static(b":\n\n"), None).await?,
        }
    }
}

/// Returns when the ring has turned past what is to be told next.
async fn overtaken(events: &Events, next: &Cell<u64>) -> OutOfReach {
    let mut news = events.watch();
    loop {
        if let Err(error) = events.since(next.get(), &[]) {
            return error;
        }
        if news.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn text(told: &Told) -> Bytes {
    let Told { seq, name, content } = told;
    format!("id: {seq}\nevent: {name}\ndata: {content}\n\n").into()
}
