//! What a node says over HTTP: every route, every promised field, strict OpenMetrics, and refusals
//! that programs and people can read.
use lockstep_devnet::{Devnet, funded_accounts};
use lockstep_protocol::wire::Wire;
use serde_json::Value;
use std::time::Instant;
use support::{Connection, PATIENCE, eventually, get, metric, open_metrics, page, post, tick};

fn manual(validators: usize, ticks: usize) -> Devnet {
    let builder = Devnet::builder().validators(validators).manual(true);
    let devnet = builder.boot().expect("it boots");
    (0..ticks).for_each(|_| drop(devnet.tick().expect("a block comes")));
    devnet
}

/// Every name is there, whatever its value.
fn assert_fields(value: &Value, names: &[&str]) {
    let object = value.as_object().expect("an object");
    for name in names {
        assert!(object.contains_key(*name), "no {name} in {value}");
    }
}

#[test]
fn every_route_answers() {
    let devnet = manual(4, 1);
    let url = &devnet.urls()[0];
    let genesis = devnet.genesis();
    let alice = &funded_accounts(genesis.scheme).expect("accounts")[0];
    let account = format!("/accounts/{}", alice.address);
    let json = [
        "/status",
        "/validators",
        "/actors",
        "/blocks/latest",
        "/blocks/1",
    ];
    for path in json.into_iter().chain([account.as_str()]) {
        let answer = get(url, path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.head.contains("application/json"), "{path}");
        assert!(!answer.json().is_null(), "{path}");
    }
    eventually("its links are up", || {
        (get(url, "/readyz").status == 200).then_some(())
    });
    for path in ["/livez", "/readyz", "/readyz?verbose", "/metrics"] {
        assert_eq!(get(url, path).status, 200, "{path}");
    }
    assert_eq!(get(url, "/blocks/latest").body, get(url, "/blocks/1").body);

    let wire = Wire::new(genesis.hash());
    let peer_url = &devnet.peer_urls()[0];
    assert_eq!(get(peer_url, "/livez").text(), "ok\n");
    assert_eq!(get(peer_url, "/handshake").json()["height"], 1);
    let blocks = wire.decode_blocks(&get(peer_url, "/sync/blocks?from=1").body);
    let head = devnet.head_ids()[0];
    assert_eq!(blocks.expect("blocks").last().map(|d| d.block.id()), head);

    let transfer = alice.transfer(&devnet.sign_context(), 0, alice.address, 1);
    let bytes = wire.encode_transaction(&transfer.expect("it signs"));
    assert_eq!(
        post(url, "/transactions", &bytes).json()["status"],
        "pending"
    );
    assert_eq!(post(url, "/transactions", &bytes).json()["status"], "known");
    let ticked = tick(url).json();
    assert_eq!(
        (&ticked["height"], devnet.heights()[0]),
        (&2.into(), Some(2))
    );
    assert_eq!(ticked["nodes"].as_array().map(Vec::len), Some(4));
}

#[test]
fn status_says_who_the_node_is_where_it_stands_and_whom_it_reaches() {
    let devnet = manual(4, 2);
    let (urls, peer_urls) = (devnet.urls(), devnet.peer_urls());
    let reached = |status: &Value| {
        let peers = status["peers"].as_array().expect("a list").clone();
        peers.len() == 3
            && peers
                .iter()
                .all(|p| p["reachable"] == true && p["height"] == 2)
    };
    let status = eventually("the peers' heights are known", || {
        let status = get(&urls[0], "/status").json();
        reached(&status).then_some(status)
    });
    let names = "chain_id genesis_hash scheme version protocol_version validator height round step \
                 latest_block_hash latest_block_time state_root time catching_up halted peers \
                 waiting_for verifier_fingerprint";
    assert_fields(&status, &names.split_whitespace().collect::<Vec<_>>());
    let text = |value: Option<String>| Value::from(value.expect("it runs"));
    assert_eq!(status["chain_id"], 1337);
    assert_eq!(status["genesis_hash"], devnet.genesis().hash().to_string());
    assert_eq!(status["validator"], devnet.validators()[0].to_string());
    assert_eq!(
        (&status["height"], &status["round"]),
        (&2.into(), &0.into())
    );
    assert_eq!(
        status["latest_block_hash"],
        text(devnet.head_ids()[0].map(|id| id.to_string()))
    );
    assert_eq!(
        status["state_root"],
        text(devnet.state_roots()[0].map(|root| root.to_string()))
    );
    assert_eq!(status["catching_up"], false);
    assert!(status["time"].as_u64() >= status["latest_block_time"].as_u64());
    for peer in status["peers"].as_array().expect("a list") {
        assert_fields(
            peer,
            &["address", "url", "reachable", "height", "outbox", "refused"],
        );
        assert_eq!(peer["refused"], Value::Null);
        assert!(
            peer_urls[1..].iter().any(|url| peer["url"] == url.as_str()),
            "{peer}"
        );
    }
}

#[test]
fn status_names_the_validators_that_it_waits_for() {
    let devnet = Devnet::builder().block_time_ms(0).boot();
    let devnet = devnet.expect("it boots");
    devnet
        .wait_for(1, support::PATIENCE)
        .expect("a block comes");
    devnet.kill(2);
    devnet.kill(3);
    let dead = &devnet.validators()[2..];
    let dead: Vec<String> = dead.iter().map(ToString::to_string).collect();
    // One of them may have voted in the round under way before it died, but not twice.
    eventually("the dead are named", || {
        let waiting = get(&devnet.urls()[0], "/status").json()["waiting_for"].clone();
        let list = |kind: &str| waiting[kind].as_array().cloned();
        let named = [list("prevotes")?, list("precommits")?].concat();
        let is_named = |who: &String| named.iter().any(|missing| missing == who);
        dead.iter().all(is_named).then_some(())
    });
}

#[test]
fn the_actors_page_has_a_row_for_each_actor_with_all_its_figures() {
    let devnet = manual(1, 2);
    let page = get(&devnet.urls()[0], "/actors").json();
    let rows = page.as_array().expect("a list");
    let cast = "StateStore Committer PeerBroadcaster BlockSync VoteCollector Mempool Proposer \
                RoundDriver PeerGateway RpcGateway";
    let names: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["actor"].as_str())
        .collect();
    assert_eq!(names, cast.split_whitespace().collect::<Vec<_>>());
    for (view, before, behind) in [
        ("actors", "\n  ", ": '"),
        ("graph", "\n  ", ": ["),
        ("devnet", "'", "'"),
    ] {
        let path = format!("{}/page/views/{view}.js", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("a view");
        for name in &names {
            let entry = format!("{before}{name}{behind}");
            assert!(text.contains(&entry), "{view}.js has no {name}");
        }
    }
    for row in rows {
        let fields = "actor state depth limit refused panics restarts last_panic \
                      last_panic_unix_ms last_message_ms_ago messages";
        assert_fields(row, &fields.split_whitespace().collect::<Vec<_>>());
        assert_eq!(row["state"], "running", "{row}");
        assert!(row["limit"].as_u64() > row["depth"].as_u64(), "{row}");
        for message in row["messages"].as_array().expect("a list") {
            let fields =
                "message handled waited_p50_us waited_p99_us handled_p50_us handled_p99_us";
            assert_fields(message, &fields.split_whitespace().collect::<Vec<_>>());
        }
    }
    let driver = rows.iter().find(|row| row["actor"] == "RoundDriver");
    let driver = driver.expect("it is listed");
    let ticks = driver["messages"].as_array().expect("a list").iter();
    let ticks: Vec<&Value> = ticks.filter(|row| row["message"] == "Tick").collect();
    assert_eq!(ticks[0]["handled"], 2);
    assert!(ticks[0]["handled_p99_us"].as_f64() > Some(0.0));
}

/// The only series of a gauge.
fn one(families: &open_metrics::Families, name: &str) -> f64 {
    families[name].series[name]
}

#[test]
fn every_metric_is_there_from_the_first_scrape() {
    let devnet = manual(4, 0);
    let answer = get(&devnet.urls()[0], "/metrics");
    assert!(answer.head.contains("application/openmetrics-text"));
    let families = open_metrics::check(&answer.text());
    let counters = "votes_received proposals_received messages_refused rounds_skipped \
                    blocks_committed transactions_committed blocks_synced sync_lies evidence \
                    evidence_received \
                    frames_dropped transactions_admitted transactions_refused gossip_dropped query_panics \
                    actor_panics actor_restarts actor_refused";
    for name in counters.split_whitespace() {
        let family = &families[&format!("lockstep_{name}")];
        assert_eq!(family.kind, "counter", "{name}");
        assert!(!family.series.is_empty(), "{name}");
        assert!(family.series.values().all(|value| *value == 0.0), "{name}");
    }
    let histograms = "block_interval_seconds commit_seconds store_commit_seconds \
                      store_persist_seconds signature_verify_seconds signature_sign_seconds";
    for name in histograms.split_whitespace() {
        let name = format!("lockstep_{name}");
        let family = &families[&name];
        assert_eq!(family.kind, "histogram", "{name}");
        // A node proves its own key at its start, asks three others how far they are, and answers
        // as much; perhaps twice.
        let questions = if name.starts_with("lockstep_signature_") {
            13
        } else {
            0
        };
        let at_start = f64::from(questions);
        assert!(family.series[&format!("{name}_count")] <= at_start);
    }
    let gauges = "consensus_height consensus_round evidence_pending mempool_transactions mempool_bytes actor_mailbox_depth actor_mailbox_limit";
    for name in gauges.split_whitespace() {
        let name = format!("lockstep_{name}");
        assert_eq!(families[&name].kind, "gauge", "{name}");
    }
    assert_eq!(one(&families, "lockstep_consensus_height"), 1.0);
    for name in families.keys() {
        let is_named = name.starts_with("lockstep_") || name.starts_with("process_");
        assert!(is_named, "{name}");
    }
}

#[test]
fn metrics_stay_strict_and_bounded_while_the_chain_runs() {
    let devnet = manual(4, 1);
    let url = &devnet.urls()[0];
    let before = open_metrics::check(&get(url, "/metrics").text());
    (0..3).for_each(|_| drop(devnet.tick().expect("a block comes")));
    let after = open_metrics::check(&get(url, "/metrics").text());
    let count = |families: &open_metrics::Families| -> usize {
        families.values().map(|family| family.series.len()).sum()
    };
    assert_eq!(
        count(&before),
        count(&after),
        "no series appears with a height"
    );
    assert_eq!(one(&after, "lockstep_consensus_height"), 5.0);
    let blocks = &after["lockstep_blocks_committed"];
    assert_eq!(blocks.series["lockstep_blocks_committed_total"], 4.0);
    for name in [
        "lockstep_signature_verify_seconds",
        "lockstep_signature_sign_seconds",
        "lockstep_store_commit_seconds",
    ] {
        assert!(
            after[name].series[&format!("{name}_count")] >= 4.0,
            "{name}"
        );
    }
}

#[test]
fn the_metrics_tell_how_the_node_stands_and_whose_votes_are_missing() {
    let devnet = manual(4, 2);
    let url = &devnet.urls()[0];
    let scrape = || open_metrics::check(&page(url, "/metrics").text());
    let healthy = eventually("its links are up", || {
        let families = scrape();
        (one(&families, "lockstep_ready") == 1.0).then_some(families)
    });
    for (name, value) in [
        ("observing", 0.0),
        ("halted", 0.0),
        ("catching_up", 0.0),
        ("peers", 3.0),
        ("peers_reachable", 3.0),
        ("power_reachable_ratio", 1.0),
    ] {
        assert_eq!(one(&healthy, &format!("lockstep_{name}")), value, "{name}");
    }
    assert!(one(&healthy, "lockstep_last_block_age_seconds") > 0.0);
    let map = one(&healthy, "lockstep_database_map_bytes");
    let taken = one(&healthy, "lockstep_database_bytes");
    assert!(0.0 < taken && taken < map, "{taken} of {map}");
    let disk = one(&healthy, "lockstep_disk_bytes");
    let free = one(&healthy, "lockstep_disk_free_bytes");
    assert!(0.0 < free && free < disk, "{free} of {disk}");
    assert_eq!(
        healthy["lockstep_rounds"].series["lockstep_rounds_total"],
        2.0
    );
    let build = healthy["lockstep_build"].series.keys().next().expect("one");
    for label in ["version=\"", "scheme=\"dilithium3\"", "commit=\""] {
        assert!(build.contains(label), "{build}");
    }
    let power = &healthy["lockstep_validator_power"].series;
    assert_eq!(power.len(), 4);
    assert!(power.values().all(|power| *power == 1.0), "{power:?}");
    assert_eq!(healthy["lockstep_clock_difference_seconds"].series.len(), 3);
    #[cfg(target_os = "linux")]
    {
        let open = one(&healthy, "process_open_fds");
        assert!(3.0 < open && open < one(&healthy, "process_max_fds"));
        assert!(one(&healthy, "process_resident_memory_bytes") > 1e6);
        assert!(one(&healthy, "process_start_time_seconds") > 1.7e9);
        assert!(healthy["process_cpu_seconds"].series["process_cpu_seconds_total"] > 0.0);
    }

    let dead = devnet.validators()[3];
    let missed = |families: &open_metrics::Families, who: &str| {
        let series = format!("lockstep_votes_missed_total{{validator=\"{who}\"}}");
        families["lockstep_votes_missed"].series[&series]
    };
    let before = missed(&healthy, &dead.to_string());
    devnet.kill(3);
    (0..3).for_each(|_| drop(devnet.tick().expect("a block comes")));
    let after = eventually("it is known to be away", || {
        let families = scrape();
        (one(&families, "lockstep_peers_reachable") == 2.0).then_some(families)
    });
    assert_eq!(missed(&after, &dead.to_string()), before + 3.0);
    assert_eq!(missed(&after, &devnet.validators()[0].to_string()), 0.0);
    assert_eq!(one(&after, "lockstep_power_reachable_ratio"), 0.75);
}

#[test]
fn a_reader_has_the_metrics_as_it_likes() {
    let devnet = manual(1, 1);
    let url = &devnet.urls()[0];
    let with = |header: &str| {
        let mut connection = Connection::open(url);
        let request = format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\n{header}\r\n");
        connection.send(request.as_bytes());
        connection.answer().expect("an answer")
    };
    let open = with("");
    assert!(
        open.head.contains("application/openmetrics-text"),
        "{}",
        open.head
    );
    let text = with("accept: text/plain\r\n");
    assert!(
        text.head.contains("text/plain; version=0.0.4"),
        "{}",
        text.head
    );
    let lines = text.text();
    assert!(
        !lines.contains("# EOF") && !lines.contains("# UNIT"),
        "{lines}"
    );
    // Each series stands behind help and type under its own name.
    let mut typed = String::new();
    let mut helped = String::new();
    for line in lines.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped = rest.split(' ').next().unwrap_or_default().to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed = rest.split(' ').next().unwrap_or_default().to_owned();
            assert_eq!(typed, helped, "{line}");
        } else {
            assert!(line.starts_with(&typed), "{line} behind {typed}");
        }
    }
    assert!(
        lines.contains("# TYPE lockstep_blocks_committed_total counter"),
        "{lines}"
    );
    let packed = with("accept-encoding: gzip\r\n");
    assert!(
        packed.head.contains("content-encoding: gzip"),
        "{}",
        packed.head
    );
    assert_eq!(packed.body[..2], [0x1f, 0x8b]);
    assert!(
        packed.body.len() * 4 < open.body.len(),
        "{}",
        packed.body.len()
    );
}

/// Listener, verb and path of a bad question; route and status under which it is counted.
#[rustfmt::skip]
const BAD_QUESTIONS: [(&str, &str, &str, &str, u16); 10] = [
    ("People", "GET", "/nowhere", "none", 404),
    ("People", "POST", "/status", "/status", 405),
    ("People", "GET", "/blocks/x", "/blocks/{height}", 400),
    ("People", "GET", "/blocks/99", "/blocks/{height}", 404),
    ("People", "GET", "/evidence?limit=x", "/evidence", 400),
    ("People", "GET", "/accounts/0x1", "/accounts/{address}", 400),
    ("Peers", "GET", "/nowhere", "none", 404),
    ("Peers", "GET", "/sync/blocks", "/sync/blocks", 400),
    ("Peers", "GET", "/sync/blocks?from=1&limit=0", "/sync/blocks", 400),
    ("Peers", "POST", "/consensus/pull", "/consensus/pull", 400),
];

/// Most refusals that were no body were not counted anywhere.
#[test]
fn every_refusal_is_counted_by_route_and_status_from_the_first_look_on() {
    const REFUSED: &str = "requests_refused_total";
    let devnet = manual(1, 1);
    let (people, peers) = (devnet.urls()[0].clone(), devnet.peer_urls()[0].clone());
    for (kind, verb, path, route, status) in BAD_QUESTIONS {
        let labels = format!("kind=\"{kind}\",route=\"{route}\",status=\"{status}\"");
        let counted = || metric(&people, REFUSED, &labels);
        let before = counted();
        let url = if kind == "Peers" { &peers } else { &people };
        let answer = Connection::open(url).request(verb, path, b"");
        assert_eq!(answer.expect("an answer").status, status, "{path}");
        assert_eq!(counted() - before, 1.0, "{verb} {path}");
    }
    let before = metric(&people, REFUSED, "");
    assert_eq!(get(&people, "/status").status, 200);
    let after = metric(&people, REFUSED, "");
    assert_eq!(after, before, "what is answered is no refusal");
}

#[test]
fn health_says_ready_and_why_with_a_line_per_check() {
    let devnet = manual(1, 1);
    let url = &devnet.urls()[0];
    assert_eq!(get(url, "/livez").text(), "ok\n");
    eventually("it is ready", || {
        (get(url, "/readyz").text() == "ready\n").then_some(())
    });
    let verbose = get(url, "/readyz?verbose").text();
    for check in [
        "voting",
        "caught up",
        "quorum",
        "progress",
        "actors",
        "clock",
    ] {
        assert!(verbose.contains(&format!("[+] {check}: ok\n")), "{verbose}");
    }
    assert!(verbose.ends_with("ready\n"));
}

#[test]
fn what_is_not_there_or_makes_no_sense_is_refused_in_json() {
    let devnet = manual(1, 1);
    let url = &devnet.urls()[0];
    let cases = [
        ("GET", "/nowhere", 404, "no_such_route"),
        ("POST", "/status", 405, "no_such_method"),
        ("GET", "/blocks/0", 404, "unknown_block"),
        ("GET", "/blocks/2", 404, "unknown_block"),
        ("GET", "/blocks/18446744073709551615", 404, "unknown_block"),
        ("GET", "/blocks/18446744073709551616", 400, "malformed"),
        ("GET", "/blocks/-1", 400, "malformed"),
        ("GET", "/blocks/first", 400, "malformed"),
        ("GET", "/accounts/0x12", 400, "malformed"),
    ];
    assert_refusals(url, &cases);
    let cases = [
        ("GET", "/consensus/vote", 404, "no_such_route"),
        ("GET", "/sync/blocks", 400, "malformed"),
        ("GET", "/sync/blocks?from=first", 400, "malformed"),
    ];
    assert_refusals(&devnet.peer_urls()[0], &cases);
}

/// Neither listener knows what the other is for.
#[test]
fn people_cannot_vote_and_peers_cannot_ask_what_people_ask() {
    let devnet = manual(1, 1);
    let not_for_people = [
        ("POST", "/consensus/vote", 404, "no_such_route"),
        ("POST", "/consensus/proposal", 404, "no_such_route"),
        ("GET", "/handshake", 404, "no_such_route"),
        ("GET", "/sync/blocks?from=1", 404, "no_such_route"),
    ];
    assert_refusals(&devnet.urls()[0], &not_for_people);
    let not_for_peers = [
        ("GET", "/status", 404, "no_such_route"),
        ("GET", "/validators", 404, "no_such_route"),
        ("GET", "/actors", 404, "no_such_route"),
        ("GET", "/metrics", 404, "no_such_route"),
        ("GET", "/readyz", 404, "no_such_route"),
        ("GET", "/blocks/1", 404, "no_such_route"),
        ("POST", "/devnet/tick", 404, "no_such_route"),
    ];
    assert_refusals(&devnet.peer_urls()[0], &not_for_peers);
}

/// Method, path, status, code: each answer is a refusal that programs and people can read.
fn assert_refusals(url: &str, cases: &[(&str, &str, u16, &str)]) {
    let mut connection = Connection::open(url);
    for &(method, path, status, code) in cases {
        let answer = connection.request(method, path, b"").expect("an answer");
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.head.contains("application/json"), "{method} {path}");
        let refusal = answer.json();
        assert_eq!(refusal["code"], code, "{method} {path}");
        let message = refusal["message"].as_str().expect("a sentence");
        assert!(message.len() > 10 && !message.contains('\n'), "{message}");
    }
}

/// They are made on the node's own thread, no more often than so; and two connections that asked for
/// them without end kept them from everybody.
#[test]
fn pages_for_monitoring_are_made_so_often_and_nobody_is_refused() {
    let devnet = Devnet::builder().validators(1).manual(true).boot();
    let devnet = devnet.expect("it boots");
    let url = &devnet.urls()[0];
    let mut connection = Connection::open(url);
    let until = Instant::now() + PATIENCE;
    let (mut last, mut kept) = (Vec::new(), 0);
    while kept < 10 {
        assert!(Instant::now() < until, "{kept} pages were those of before");
        // Each request is counted in it: two that are equal were made once.
        let answer = connection
            .request("GET", "/metrics", b"")
            .expect("an answer");
        assert_eq!(answer.status, 200);
        kept += usize::from(answer.body == last);
        last = answer.body;
        let actors = connection
            .request("GET", "/actors", b"")
            .expect("an answer");
        assert_eq!(actors.status, 200);
        let timeline = connection.request("GET", "/heights/1/timeline", b"");
        assert_eq!(timeline.expect("an answer").status, 404);
    }
    devnet.tick().expect("it goes on");
    let told = support::get(url, "/metrics").body;
    eventually("the page is made anew", || {
        (support::get(url, "/metrics").body != told).then_some(())
    });
}
