//! What nodes did when at a height: what a stranger reads of a devnet fits what the devnet did.
use lockstep_devnet::Devnet;
use serde_json::{Value, json};
use support::process::run;
use support::rpc::{call, result};
use support::{eventually, get, page};

fn manual(validators: usize, ticks: usize) -> Devnet {
    let builder = Devnet::builder().validators(validators).manual(true);
    let devnet = builder.boot().expect("it boots");
    (0..ticks).for_each(|_| drop(devnet.tick().expect("a block")));
    devnet
}

fn timeline(url: &str, height: u64) -> Value {
    let answer = page(url, &format!("/heights/{height}/timeline"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn entries(timeline: &Value) -> &Vec<Value> {
    timeline["entries"].as_array().expect("a list")
}

/// When this was done, each time.
fn times(timeline: &Value, what: &str) -> Vec<u64> {
    let entries = entries(timeline).iter();
    let these = entries.filter(|entry| entry["what"] == what);
    these
        .map(|e| e["at_us"].as_u64().expect("a time"))
        .collect()
}

fn once(timeline: &Value, what: &str) -> u64 {
    let times = times(timeline, what);
    assert_eq!(times.len(), 1, "{what}: {timeline}");
    times[0]
}

/// Each of these once, in this order.
fn assert_order(timeline: &Value, steps: &[&str]) {
    let times: Vec<u64> = steps.iter().map(|what| once(timeline, what)).collect();
    assert!(times.is_sorted(), "{steps:?} {times:?}: {timeline}");
    // What is stamped in one microsecond is told in the order in which it was noted.
    let place = |what: &&str| entries(timeline).iter().position(|e| e["what"] == *what);
    let places: Vec<_> = steps.iter().map(place).collect();
    assert!(places.is_sorted(), "{steps:?} {places:?}: {timeline}");
}

#[test]
fn every_step_of_a_decided_height_is_there_for_four_nodes_and_nothing_is_sent_before_it_is_durable()
{
    let heights = 1..=8;
    let devnet = manual(4, heights.clone().count());
    let urls = devnet.urls();
    let mut whole = [0; 4];
    let addresses: Vec<String> = (0..4)
        .map(|node| devnet.validators()[node].to_string())
        .collect();
    for height in heights {
        let header = get(&urls[0], &format!("/blocks/{height}")).json();
        let proposer = header["header"]["proposer"]
            .as_str()
            .expect("an address")
            .to_owned();
        for ((url, me), whole) in urls.iter().zip(&addresses).zip(&mut whole) {
            // Votes that come behind the decision are no part of what is asserted.
            let timeline = timeline(url, height);
            assert_eq!(timeline["validator"], me.as_str());
            assert_eq!(
                (&timeline["height"], &timeline["left_out"]),
                (&json!(height), &json!(0))
            );
            assert!(timeline["began_ms"].as_u64().expect("a time") > 1_700_000_000_000);
            if is_decided_by_others(&timeline) {
                assert_order(&timeline, &["decided", "stored"]);
                assert_who(&timeline, me, &proposer);
            } else {
                assert_whole(&timeline, me, &proposer);
                *whole += 1;
            }
        }
    }
    assert!(whole.iter().all(|count| *count > 0), "{whole:?}");
}

/// Whether it had a quorum of the others' precommits before one of its own, which nobody needs then.
fn is_decided_by_others(timeline: &Value) -> bool {
    let decided = once(timeline, "decided");
    let before = times(timeline, "precommit_received").into_iter();
    let before = before.filter(|at| *at <= decided).count();
    times(timeline, "precommit_signed").is_empty() && before >= 3
}

fn assert_whole(timeline: &Value, me: &str, proposer: &str) {
    if me == proposer {
        assert_order(
            timeline,
            &[
                "began",
                "executed",
                "proposal_built",
                "proposal_signed",
                "proposal_durable",
                "proposal_sent",
                "polka",
                "precommit_signed",
            ],
        );
        assert!(
            times(timeline, "prevote_signed").is_empty(),
            "its proposal is its prevote"
        );
    } else {
        assert_order(
            timeline,
            &[
                "proposal_received",
                "proposal_verified",
                "executed",
                "prevote_signed",
                "prevote_durable",
                "prevote_sent",
            ],
        );
        assert_order(timeline, &["began", "prevote_signed"]);
    }
    assert_order(
        timeline,
        &[
            "polka",
            "precommit_signed",
            "precommit_durable",
            "precommit_sent",
            "stored",
        ],
    );
    assert_order(timeline, &["decided", "stored"]);
    assert_order(timeline, &["polka", "decided"]);
    assert!(times(timeline, "caught_up").is_empty(), "{timeline}");
    assert_eq!(entries(timeline)[0]["at_us"], 0);
    // Of four a quorum is three: this node, and two more.
    let (prevotes, precommits) = ("prevote_received", "precommit_received");
    let decided = once(timeline, "decided");
    let polka = once(timeline, "polka");
    for (votes, until) in [(prevotes, polka), (precommits, decided)] {
        let before = times(timeline, votes).into_iter().filter(|at| *at <= until);
        assert!(before.count() >= 2, "{votes}: {timeline}");
    }
    assert_who(timeline, me, proposer);
}

/// Each note says whose it is, and is of a height that was decided at once.
fn assert_who(timeline: &Value, me: &str, proposer: &str) {
    let (prevotes, precommits) = ("prevote_received", "precommit_received");
    for entry in entries(timeline) {
        let what = entry["what"].as_str().expect("a word");
        let own = ["signed", "durable", "sent"]
            .iter()
            .any(|end| what.ends_with(end));
        if own {
            assert_eq!(entry["who"], me, "{entry}");
        } else if what == prevotes || what == precommits {
            assert_ne!(entry["who"], me, "{entry}");
        } else if ["proposal_received", "proposal_verified"].contains(&what) {
            assert_eq!(entry["who"], proposer, "{entry}");
        }
        assert_eq!(entry["round"], 0, "{entry}");
        assert!(entry.get("nil").is_none(), "{entry}");
    }
}

#[test]
fn a_height_under_way_is_told_and_one_with_a_dead_proposer_has_its_rounds_and_its_votes_for_nothing()
 {
    let devnet = manual(4, 1);
    devnet.kill(3);
    let url = &devnet.urls()[0];
    // Whoever's turn it is: among four heights each has been proposer.
    (0..4).for_each(|_| drop(devnet.tick().expect("a block")));
    let all: Vec<Value> = (2..=5).map(|height| timeline(url, height)).collect();
    let failed = all
        .iter()
        .find(|timeline| !times(timeline, "round_began").is_empty());
    let failed = failed.expect("the dead one's turn");
    assert_order(failed, &["began", "round_began", "decided", "stored"]);
    let is_nil = |entry: &&Value| entry["nil"] == true;
    let nil: Vec<&Value> = entries(failed).iter().filter(is_nil).collect();
    assert!(!nil.is_empty(), "{failed}");
    assert!(nil.iter().all(|entry| entry["round"] == 0), "{failed}");
    // Nobody has begun the next height: nobody has ticked.
    assert_eq!(get(url, "/heights/6/timeline").status, 404);
    devnet.kill(2);
    // Two of four decide nothing.
    let _ = devnet.tick();
    let under_way = eventually("the height is under way", || {
        let answer = page(url, "/heights/6/timeline");
        (answer.status == 200).then(|| answer.json())
    });
    assert!(!times(&under_way, "began").is_empty(), "{under_way}");
    assert!(times(&under_way, "decided").is_empty(), "{under_way}");
}

#[test]
fn who_comes_back_tells_that_it_has_caught_up() {
    let devnet = manual(4, 1);
    devnet.kill(3);
    (0..2).for_each(|_| drop(devnet.tick().expect("a block")));
    devnet.restart(3).expect("it starts");
    let patience = std::time::Duration::from_secs(60);
    devnet.wait_for(3, patience).expect("it catches up");
    let url = &devnet.urls()[3];
    // What it did before it was killed is gone with it.
    let answer = page(url, "/heights/1/timeline");
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (404, Some("no_timeline"))
    );
    let timeline = timeline(url, 2);
    assert_order(&timeline, &["stored", "caught_up"]);
    assert!(times(&timeline, "decided").is_empty(), "{timeline}");
}

#[test]
fn only_the_newest_heights_are_kept_and_a_height_that_is_none_is_refused() {
    let builder = Devnet::builder().validators(1).block_time_ms(0);
    let devnet = builder.boot().expect("it boots");
    let url = &devnet.urls()[0];
    let patience = std::time::Duration::from_secs(120);
    devnet.wait_for(300, patience).expect("blocks");
    let refusal = |path: &str| {
        let answer = page(url, path);
        let code = answer.json()["code"].as_str().map(str::to_owned);
        (answer.status, code.unwrap_or_default())
    };
    let no_timeline = (404, String::from("no_timeline"));
    for gone in ["0", "1", "20", "18446744073709551615"] {
        assert_eq!(
            refusal(&format!("/heights/{gone}/timeline")),
            no_timeline,
            "{gone}"
        );
    }
    let malformed = (400, String::from("malformed"));
    for strange in [
        "-1",
        "x",
        "1e3",
        "0x10",
        "18446744073709551616",
        "%00",
        "latest",
        "1.0",
        "%F0%9F%A6%80",
    ] {
        assert_eq!(
            refusal(&format!("/heights/{strange}/timeline")),
            malformed,
            "{strange}"
        );
    }
    let newest = devnet.heights()[0].expect("it runs");
    assert!(!entries(&timeline(url, newest)).is_empty());
    assert!(!entries(&timeline(url, newest - 100)).is_empty());
}

#[test]
fn json_rpc_tells_the_same() {
    let devnet = manual(4, 2);
    let url = &devnet.urls()[0];
    let told = result(url, "lockstep_getTimeline", json!([1]));
    assert_eq!(told, timeline(url, 1));
    let refused = call(url, "lockstep_getTimeline", json!([99]));
    assert_eq!(refused["error"]["data"]["code"], "no_timeline", "{refused}");
}

#[test]
fn the_command_lays_nodes_side_by_side_in_eighty_columns_and_says_who_does_not_answer() {
    let devnet = manual(4, 2);
    let urls = devnet.urls();
    // A port that nobody listens at.
    let nobody = "http://127.0.0.1:9";
    let mut asked = vec!["timeline", "2"];
    for url in urls.iter().map(String::as_str).chain([nobody]) {
        asked.extend(["--rpc", url]);
    }
    let table = run(&asked).ok().stdout;
    println!("{table}");
    for line in table.lines().filter(|line| !line.contains(nobody)) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(table.contains("so they are aligned there"), "{table}");
    assert!(
        table.contains(&format!("{nobody}: no answer from")),
        "{table}"
    );
    let row = |label: &str| {
        let row = table
            .lines()
            .find_map(|line| line.trim().strip_prefix(label));
        row.unwrap_or_else(|| panic!("no {label}: {table}"))
            .split_whitespace()
            .count()
    };
    assert_eq!((row("decided"), row("stored"), row("polka")), (4, 4, 4));
    assert_eq!((row("proposal sent"), row("proposal received")), (1, 3));

    let told = run(&[&asked[..], &["--json"]].concat()).ok().stdout;
    let told: Value = serde_json::from_str(&told).expect("one object");
    assert_eq!(told["nodes"].as_array().map(Vec::len), Some(4));
    assert_eq!(told["nodes"][0]["timeline"], timeline(&urls[0], 2));
    assert_eq!(told["without_answer"][0]["url"], nobody);
    run(&["timeline", "99", "--rpc", &urls[0]]).assert_refused(1, &["no_timeline"]);
    for strange in ["x", "1.5", "18446744073709551616"] {
        let ended = run(&["timeline", strange, "--rpc", &urls[0]]);
        assert_eq!(ended.code, Some(2), "{strange}: {}", ended.stderr);
    }
}
