//! What is served at the peer listener, and what a peer hears when nobody behind it answers.
use super::*;
use crate::clock::Clock;
use crate::fixture::{address, opened, prevote, view_before_all};
use crate::metrics::Metrics;
use crate::peers::Handshake;
use crate::runtime::Actors;
use actix_web::App;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use lockstep_protocol::types::{Hash, Height};
use lockstep_protocol::wire::{PROTOCOL_VERSION, Wire};
use tempfile::TempDir;

const CHAIN: Hash = Hash([7; 32]);

/// Of a node that stands at genesis, behind which nobody is.
fn seed() -> (Seed, TempDir) {
    let (world, dir, store) = opened();
    let view = view_before_all(store.schedule(&world.rules));
    let metrics = Metrics::new(Actors::default());
    let seed = Seed {
        me: address(101),
        peers: Arc::default(),
        handshake: Handshake {
            protocol_version: PROTOCOL_VERSION,
            genesis_hash: CHAIN,
            verifier_fingerprint: String::new(),
            validator: address(101),
            height: Height(0),
            earliest_height: Height(1),
            time_ms: None,
        },
        wire: Wire::new(CHAIN),
        store: store.clone(),
        clock: Clock::start(),
        view,
        metrics: metrics.clone(),
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

/// Status and words of the answer to one request.
async fn ask(seed: Seed, method: Method, path: &str, body: Vec<u8>) -> (u16, String) {
    let app = App::new().app_data(web::Data::new(seed)).configure(routes);
    let service = init_service(app).await;
    let request = TestRequest::with_uri(path).method(method).set_payload(body);
    let answer = call_service(&service, request.to_request()).await;
    let status = answer.status().as_u16();
    let body = read_body(answer).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn every_route_is_served_and_refuses_only_with_what_it_declares() {
    actix_rt::System::new().block_on(async {
        let (seed, _dir) = seed();
        for (path, statuses, _) in ROUTES {
            let is_read = ["/handshake", "/sync/blocks", "/livez"].contains(path);
            let method = if is_read { Method::GET } else { Method::POST };
            let (status, words) = ask(seed.clone(), method, path, Vec::new()).await;
            let is_declared = status == 200 || statuses.contains(&status);
            assert!(is_declared, "{path}: {status} {words}");
        }
    });
}

#[test]
fn what_people_ask_is_not_served_here() {
    actix_rt::System::new().block_on(async {
        let (seed, _dir) = seed();
        for path in ["/status", "/events", "/blocks/latest", "/metrics", "/"] {
            let (status, words) = ask(seed.clone(), Method::GET, path, Vec::new()).await;
            assert_eq!(status, 404, "{path}: {words}");
            assert!(words.contains("no_such_route"), "{path}: {words}");
        }
    });
}

#[test]
fn a_peer_hears_that_the_actor_behind_has_no_time() {
    actix_rt::System::new().block_on(async {
        let (seed, _dir) = seed();
        let bytes = seed.wire.encode_vote(&prevote(1, address(102), 7));
        let (status, words) = ask(seed, Method::POST, "/consensus/vote", bytes).await;
        assert_eq!(status, 503, "{words}");
        assert!(words.contains("busy"), "{words}");
    });
}
