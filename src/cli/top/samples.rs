//! What views of the tests know.
use super::rows::Now;
use super::shapes::{Devnet, Set, Status, Timeline, read};
use super::state::{State, Trouble};
use serde_json::{Value, json};

pub(crate) const HEIGHT: u64 = 1_234;

pub(crate) fn now() -> Now {
    Now {
        at: 60_000,
        wall_ms: 1_000_000,
    }
}

fn made<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    read(value.to_string().as_bytes()).expect("a node's answer")
}

pub(crate) fn address(node: usize) -> String {
    format!("0x{node}a4b6136378ebe7055c4d2b2c93b4bbd5a82881{node}")
}

fn url(node: usize) -> String {
    format!("http://127.0.0.1:{}", 8545 + node)
}

pub(crate) fn status(node: usize, height: u64) -> Value {
    json!({
        "chain_id": 1337, "genesis_hash": "0xfe75cafc6a5609899524dba53f71465c", "height": height,
        "scheme": "dilithium3", "validator": address(node), "round": 0, "step": null,
        "state_root": format!("0x{height}"), "latest_block_time": 5_000, "time": 5_300,
        "catching_up": false, "target_height": height, "halted": null, "observing": null,
        "clock": null, "waiting_for": null, "peers": [],
    })
}

fn set() -> Set {
    let one =
        |node| json!({ "address": address(node), "power": 1, "turns": 25, "failed_turns": node });
    made(&json!({
        "total_power": 4,
        "validators": (0..4).map(one).collect::<Vec<_>>(),
    }))
}

fn devnet(change: impl Fn(&mut Value)) -> Devnet {
    let one = |node| {
        json!({ "index": node, "validator": address(node), "url": url(node),
                "state": "running", "reason": null, "since_ms": 0 })
    };
    let nodes: Vec<Value> = (0..4).map(one).collect();
    let mut devnet = json!({ "pace_ms": 1_000, "nodes": nodes, "groups": null });
    change(&mut devnet);
    made(&devnet)
}

/// What node 0 noted at a height, at which the given nodes have voted.
fn timeline(height: u64, voters: &[usize], is_decided: bool) -> Timeline {
    let entry = |what: &str, who: Option<usize>, at_us: u64| json!({ "what": what, "round": 0, "who": who.map(address), "at_us": at_us });
    let proposer = usize::try_from(height % 4).expect("small");
    let mut entries = vec![entry("began", None, 0)];
    if voters.contains(&proposer) {
        entries.push(entry("proposal_received", Some(proposer), 1_000));
    }
    for voter in voters {
        entries.push(entry("prevote_received", Some(*voter), 5_000));
    }
    if is_decided {
        for voter in voters {
            entries.push(entry("precommit_received", Some(*voter), 9_000));
        }
        let took = 20_000 + height % 7 * 1_500;
        entries.push(entry("decided", None, 1_000 + took));
    }
    made(
        &json!({ "height": height, "validator": address(0), "began_ms": height * 1_000,
                  "entries": entries }),
    )
}

/// A node says that it is at a height.
pub(crate) fn answer(state: &mut State, node: usize, height: u64, at: u64) {
    state.status(node, made::<Status>(&status(node, height)), at);
}

/// Asked, and nothing has come.
pub(crate) fn asked() -> State {
    let mut state = State::default();
    for node in 0..4 {
        state.meet(&url(node));
    }
    state
}

/// Booted, by hand, without a block.
pub(crate) fn empty() -> State {
    let mut state = asked();
    for node in 0..4 {
        state.status(node, made::<Status>(&status(node, 0)), 59_900);
    }
    state.set = Some(set());
    state.devnet(Some(devnet(|it| it["pace_ms"] = Value::Null)));
    state
}

/// Four validators that go on.
pub(crate) fn alive() -> State {
    let mut state = asked();
    for (height, at) in [(HEIGHT - 4, 55_900), (HEIGHT, 59_900)] {
        for node in 0..4 {
            state.status(node, made::<Status>(&status(node, height)), at);
        }
    }
    for height in HEIGHT - 100..=HEIGHT {
        state.timeline(0, timeline(height, &[0, 1, 2, 3], true));
    }
    state.set = Some(set());
    state.devnet(Some(devnet(|_| {})));
    state
}

/// Node 3 was killed; the others go on.
pub(crate) fn one_dead() -> State {
    let mut state = alive();
    let refused = Trouble::Unreachable("Connection refused (os error 111)".into());
    state.failed(3, refused, 58_000);
    state.timeline(0, timeline(HEIGHT, &[0, 1, 2], true));
    state.devnet(Some(devnet(|it| {
        it["nodes"][3]["state"] = json!("down");
        it["nodes"][3]["reason"] = json!("killed");
        it["nodes"][3]["since_ms"] = json!(997_500);
    })));
    state
}

/// Cut in two halves, so that nobody goes on.
pub(crate) fn partition() -> State {
    let mut state = alive();
    for node in 0..4 {
        let mut told = status(node, HEIGHT);
        told["time"] = json!(14_300);
        told["round"] = json!(2);
        told["step"] = json!("prevote");
        let missing = [address(2), address(3)];
        told["waiting_for"] = json!({ "prevotes": missing, "precommits": missing });
        state.status(node, made::<Status>(&told), 59_900);
        state.timeline(node, timeline(HEIGHT + 1, &[0, 1], false));
    }
    state.devnet(Some(devnet(|it| it["groups"] = json!([[0, 1], [2, 3]]))));
    state
}

/// What a node of strangers may say.
pub(crate) fn hostile() -> State {
    const WORDS: &str = "\u{1b}[2J\u{1b}]0;mine\u{7}\r\n\u{202e}\u{9b}31m\u{200b}中文";
    let mut state = alive();
    let mut told = status(0, u64::MAX);
    for field in [
        "scheme",
        "halted",
        "observing",
        "clock",
        "step",
        "state_root",
    ] {
        told[field] = json!(WORDS.repeat(50));
    }
    told["round"] = json!(u64::MAX);
    told["latest_block_time"] = json!(u64::MAX);
    state.status(0, made::<Status>(&told), 59_900);
    let mut other = status(1, u64::MAX);
    other["genesis_hash"] = json!(WORDS);
    other["validator"] = json!(WORDS);
    state.status(1, made::<Status>(&other), 59_900);
    state.failed(2, Trouble::Nonsense(super::shapes::text(WORDS)), 59_900);
    state.devnet(Some(devnet(|it| {
        it["nodes"][3]["state"] = json!(WORDS);
        it["nodes"][3]["reason"] = json!(WORDS.repeat(50));
        it["groups"] = json!([[u64::MAX], []]);
    })));
    let mut set = set();
    set.total_power = u64::MAX;
    set.validators
        .iter_mut()
        .for_each(|one| one.power = u64::MAX);
    state.set = Some(set);
    state
}
