//! What is served at the public listener, and what is not.
use super::*;
use crate::clock::Clock;
use crate::fixture::{address, opened, view_before_all};
use crate::http::answer_places::Asker;
use crate::http::intake::Intake;
use crate::http::streams::Farewell;
use crate::limits::BLOCK_ANSWERS_MAX;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::runtime::{Actors, Port};
use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use lockstep_protocol::consensus::driver::Pacing;
use lockstep_protocol::consensus::timeouts::Timeouts;
use lockstep_protocol::ledger::Retention;
use lockstep_protocol::types::{Hash, Height};
use lockstep_protocol::wire::Wire;
use tempfile::TempDir;

const CHAIN: Hash = Hash([7; 32]);

/// Of a node that stands at genesis, behind which nobody is.
fn seed() -> (Seed, TempDir) {
    let (world, dir, store) = opened();
    let view = view_before_all(store.schedule(&world.rules));
    let metrics = Metrics::new(Actors::default());
    let seed = Seed {
        genesis_root: Hash([9; 32]),
        me: address(101),
        rules: world.rules.clone(),
        wire: Wire::new(CHAIN),
        verifier_fingerprint: String::new(),
        store: store.clone(),
        clock: Clock::start(),
        view,
        metrics: metrics.clone(),
        actors: Actors::default(),
        events: Arc::new(Events::new(1, Height(0), world.genesis.parameters)),
        farewell: Farewell::default(),
        hosts: Default::default(),
        is_on_loopback: true,
        genesis: Arc::new(world.genesis),
        settings: Settings {
            timeouts: Timeouts::DEVNET,
            pacing: Live::new(Pacing::Manual),
            retention: Retention::All,
        },
        origins: Default::default(),
        proxies: Default::default(),
        devnet: None,
        serves_page: true,
        ports: Ports::default(),
        intake: Intake {
            wire: Wire::new(CHAIN),
            store,
            metrics,
            mempool: Port::detached(),
        },
        shares: Shares::default(),
    };
    (seed, dir)
}

/// Status and words of the answer to one request without a body.
async fn ask(seed: Seed, method: &str, path: &str) -> (u16, String) {
    let app = App::new().app_data(web::Data::new(seed)).configure(routes);
    let service = init_service(app).await;
    let method = Method::from_bytes(method.as_bytes()).expect("a verb");
    let request = TestRequest::with_uri(path).method(method).to_request();
    let answer = call_service(&service, request).await;
    let status = answer.status().as_u16();
    let body = read_body(answer).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn every_route_is_served_and_refuses_only_with_what_it_declares() {
    actix_rt::System::new().block_on(async {
        let (seed, _dir) = seed();
        for route in open_api::ROUTES {
            let path = route.path.replace("{height}", "1");
            let path = path.replace("{address}", "0x").replace("{id}", "0x");
            let path = path.replace("{key}", "0x");
            // A stream has no end; nobody is on the other side of one here.
            let (status, words) = ask(seed.clone(), route.verb(), &path).await;
            let is_declared = status == 200 || route.also.contains(&status);
            assert!(is_declared, "{path}: {status} {words}");
            assert!(!words.contains("no_such_route"), "{path}: {words}");
        }
    });
}

#[test]
fn every_route_names_its_verb_to_whoever_uses_another() {
    actix_rt::System::new().block_on(async {
        let (seed, _dir) = seed();
        for route in open_api::ROUTES {
            let path = route.path.replace(['{', '}'], "");
            let (status, words) = ask(seed.clone(), "PATCH", &path).await;
            assert_eq!(status, 405, "{path}: {words}");
            assert!(words.contains(route.verb()), "{path}: {words}");
        }
    });
}

/// Four readers that read nothing kept everybody from the smallest block for a tenth of a second.
#[test]
fn a_short_block_does_not_wait_behind_long_answers() {
    actix_rt::System::new().block_on(async {
        let (seed, _dir) = seed();
        let asker = Asker::of(&TestRequest::default().to_http_request());
        let places = &seed.shares.block_answers;
        let held: Vec<_> = std::iter::from_fn(|| places.enter(&asker)).collect();
        assert_eq!(held.len(), BLOCK_ANSWERS_MAX);
        for path in ["/blocks/1", "/light/blocks/1"] {
            let (status, words) = ask(seed.clone(), "GET", path).await;
            assert_eq!(status, 404, "{path}: {words}");
        }
        let (status, words) = ask(seed.clone(), "GET", "/validators").await;
        assert_eq!(status, 503, "{words}");
    });
}

#[test]
fn what_nodes_tell_each_other_is_not_taken_here() {
    actix_rt::System::new().block_on(async {
        let (seed, _dir) = seed();
        for path in ["/consensus/vote", "/mempool/transactions", "/sync/blocks"] {
            let (status, words) = ask(seed.clone(), "POST", path).await;
            assert_eq!(status, 404, "{path}: {words}");
        }
    });
}
