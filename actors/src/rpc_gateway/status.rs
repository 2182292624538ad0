//! What the node says of itself.
use super::seed::Seed;
use super::{clock_report, health};
use crate::http::answer::{Answer, Refused};
use crate::http::pace::Pace;
use crate::http::pieces::Made;
use crate::limits::{PAGES_AT_ONCE_MAX, PAGES_PER_SECOND_MAX};
use crate::metrics::{Format, Moment, wants_gzip};
use crate::state_store::StoreError;
use crate::tidings::{What, room};
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use tokio::time::Instant;

pub(super) async fn status(seed: web::Data<Seed>) -> Answer {
    Ok(HttpResponse::Ok().json(page(&seed).await?))
}

/// What `GET /status` answers, and `lockstep_status`.
pub(super) async fn page(seed: &Seed) -> Result<Value, StoreError> {
    let (view, sync) = (seed.view.copy(), seed.view.sync_progress());
    let report = clock_report::report(seed);
    let old_forks = seed.view.old_forks();
    let missing = seed
        .ports
        .missing
        .ask(crate::messages::vote_collector::GetVotesMissing)
        .await;
    Ok(json!({
        "chain_id": seed.genesis.chain_id,
        "genesis_hash": seed.rules.context.genesis_hash,
        "scheme": seed.genesis.scheme,
        "parameters": seed.genesis.parameters,
        "version": env!("CARGO_PKG_VERSION"),
        "protocol_version": PROTOCOL_VERSION,
        "verifier_fingerprint": seed.verifier_fingerprint,
        "validator": seed.me,
        "height": view.head.height,
        "earliest_height": seed.store.earliest()?,
        "retain_blocks": seed.settings.retention.blocks(),
        "round": view.round,
        "step": view.step,
        "latest_block_hash": view.head.block_id,
        "state_root": view.head.state_root,
        "latest_block_time": view.head.time,
        "time": seed.clock.wall(),
        "catching_up": view.catching_up,
        "target_height": sync.target.max(view.head.height),
        "sync_blocks_per_second": sync.blocks_per_second.round(),
        "halted": view.halted,
        "observing": view.observing,
        "clock": clock_report::sentence(seed, &report),
        "clock_difference_ms": report.median_ms,
        "old_forks": { "count": old_forks.count, "newest": old_forks.newest },
        "waiting_for": missing.ok().filter(|_| view.step.is_some()),
        "peers": seed.view.peers(),
    }))
}

/// Pages that are made on the node's thread: no more often than so. Whoever asks in between gets what
/// the page said last, some hundredths of a second ago: nobody keeps it from others by asking.
#[derive(Debug)]
pub(super) struct Pages {
    pace: Pace,
    last: BTreeMap<&'static str, Bytes>,
}

impl Default for Pages {
    fn default() -> Pages {
        Pages {
            pace: Pace::new(PAGES_PER_SECOND_MAX, PAGES_AT_ONCE_MAX),
            last: BTreeMap::new(),
        }
    }
}

impl Pages {
    /// What this page said last, if it is not to be made now.
    fn last(&mut self, page: &'static str, now: Instant) -> Option<Bytes> {
        let last = self.last.get(page);
        last.filter(|_| !self.pace.grant(now)).cloned()
    }

    fn say(&mut self, page: &'static str, text: &Bytes) {
        self.last.insert(page, text.clone());
    }
}

pub(super) async fn actors(seed: web::Data<Seed>) -> Answer {
    const PAGE: &str = "actors";
    let pages = &seed.shares.pages;
    let last = pages.lock().last(PAGE, Instant::now());
    let text = last.unwrap_or_else(|| {
        let text = Bytes::from(json!(seed.actors.rows()).to_string());
        pages.lock().say(PAGE, &text);
        text
    });
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(text))
}

pub(super) async fn metrics(seed: web::Data<Seed>, request: HttpRequest) -> Answer {
    let head = |name: header::HeaderName| request.headers().get(name)?.to_str().ok();
    let format = Format::wanted(head(header::ACCEPT));
    let last = seed
        .shares
        .pages
        .lock()
        .last(format.content_type(), Instant::now());
    let text = match last {
        Some(text) => text,
        None => measured(&seed, format).await?,
    };
    let is_packed = wants_gzip(head(header::ACCEPT_ENCODING));
    // That of a large set is long.
    let place = seed
        .answer_place(&request, "other long answers are being made")
        .await?;
    let made = web::block(move || match is_packed {
        true => Made::with(place, gzip(&text, Compression::fast())),
        false => Made::with(place, text),
    });
    let mut answer = made.await?.answer(format.content_type());
    let heads = answer.headers_mut();
    heads.insert(
        header::VARY,
        header::HeaderValue::from_static("accept, accept-encoding"),
    );
    if is_packed {
        heads.insert(
            header::CONTENT_ENCODING,
            header::HeaderValue::from_static("gzip"),
        );
    }
    Ok(answer)
}

/// The text of the metrics as they are now.
async fn measured(seed: &web::Data<Seed>, format: Format) -> Result<Bytes, Refused> {
    let ready = health::is_ready(seed).await;
    let store = seed.store.clone();
    // It waits for the disk: not on this node's thread.
    let rooms = web::block(move || room::look(&store)).await?;
    let of = |what: What| {
        let room = rooms.iter().find(|room| room.what == what);
        room.map(|room| [room.taken, room.whole])
    };
    seed.metrics.show(&Moment {
        me: seed.me,
        view: &seed.view,
        ready,
        disk: of(What::Disk),
        map: of(What::Map),
    });
    let text = Bytes::from(seed.metrics.encode_as(format));
    seed.shares.pages.lock().say(format.content_type(), &text);
    Ok(text)
}

/// Writing into memory does not fail; what is empty all the same is no packed text.
pub(super) fn gzip(bytes: &[u8], effort: Compression) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), effort);
    let written = packed.write_all(bytes).and_then(|()| packed.finish());
    written.unwrap_or_default()
}
