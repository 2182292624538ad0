//! What nodes answer, as far as the view shows it. Every text goes through the one function that
//! writes out what is unseen as soon as it comes, and is cut: no view can forget it.
use crate::cli::http;
use crate::limits::{TOP_LIST_MAX, TOP_TEXT_CHARS_MAX};
use crate::output::screen::shown;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `/status`
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) chain_id: u64,
    pub(crate) genesis_hash: String,
    pub(crate) scheme: String,
    pub(crate) validator: Option<String>,
    pub(crate) height: u64,
    pub(crate) round: u64,
    pub(crate) step: Option<String>,
    pub(crate) state_root: String,
    pub(crate) latest_block_time: u64,
    pub(crate) time: u64,
    pub(crate) catching_up: bool,
    pub(crate) target_height: u64,
    #[serde(default)]
    pub(crate) sync_blocks_per_second: f64,
    pub(crate) halted: Option<String>,
    pub(crate) observing: Option<String>,
    pub(crate) clock: Option<String>,
    pub(crate) waiting_for: Option<Missing>,
    pub(crate) peers: Vec<Peer>,
}

/// Whose votes a round waits for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Missing {
    pub(crate) prevotes: Vec<String>,
    pub(crate) precommits: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Peer {
    pub(crate) address: String,
    pub(crate) reachable: bool,
    pub(crate) away_ms: Option<u64>,
    pub(crate) height: u64,
    pub(crate) refused: Option<String>,
}

/// `/validators?recent=100`
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Set {
    pub(crate) total_power: u64,
    pub(crate) validators: Vec<Validator>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Validator {
    pub(crate) address: String,
    pub(crate) power: u64,
    pub(crate) turns: Option<u64>,
    pub(crate) failed_turns: Option<u64>,
}

/// `/devnet`
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Devnet {
    pub(crate) pace_ms: Option<u64>,
    #[serde(default)]
    pub(crate) on_demand: bool,
    pub(crate) nodes: Vec<DevnetNode>,
    pub(crate) groups: Option<Vec<Vec<u64>>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DevnetNode {
    pub(crate) index: usize,
    pub(crate) validator: String,
    pub(crate) url: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) since_ms: Option<u64>,
}

/// `/heights/{height}/timeline`
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Timeline {
    pub(crate) height: u64,
    pub(crate) validator: Option<String>,
    pub(crate) began_ms: u64,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) what: String,
    pub(crate) round: u64,
    pub(crate) who: Option<String>,
    pub(crate) at_us: i64,
    #[serde(default)]
    pub(crate) nil: bool,
}

/// The answer, if it has this shape and is not longer than a node's.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_value(clean(http::json(body)?)?).ok()
}

/// A text from outside as it may be shown and kept.
pub(crate) fn text(words: &str) -> String {
    let words = shown(words);
    if words.chars().count() <= TOP_TEXT_CHARS_MAX {
        return words;
    }
    let mut cut: String = words.chars().take(TOP_TEXT_CHARS_MAX - 1).collect();
    cut.push('…');
    cut
}

/// All texts in it as they may be shown. `None`: a list in it is longer than any of a node.
fn clean(value: Value) -> Option<Value> {
    Some(match value {
        Value::String(words) => Value::String(text(&words)),
        Value::Array(values) if values.len() > TOP_LIST_MAX => return None,
        Value::Array(values) => values.into_iter().map(clean).collect::<Option<_>>()?,
        Value::Object(fields) => {
            // A public key is long, and nothing of it is shown.
            let fields = fields.into_iter().filter(|(name, _)| name != "public_key");
            let fields = fields.map(|(name, value)| Some((name, clean(value)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
        other => other,
    })
}

impl Entry {
    /// What it says of whose vote: its column of the matrix, and whether it is the node's own.
    pub(crate) fn step(&self) -> Option<(&str, bool)> {
        let (step, deed) = self.what.rsplit_once('_')?;
        let own = matches!(deed, "built" | "signed" | "durable" | "sent");
        let seen = deed == "received" || (step == "proposal" && deed == "verified");
        let known = matches!(step, "proposal" | "prevote" | "precommit");
        (known && (own || seen)).then_some((step, own))
    }

    fn ends(&self) -> bool {
        matches!(self.what.as_str(), "decided" | "caught_up")
    }
}

impl Timeline {
    /// Whether the node has the block of this height.
    pub(crate) fn is_decided(&self) -> bool {
        let ends = |entry: &Entry| entry.ends() || entry.what == "stored";
        self.entries.iter().any(ends)
    }

    fn decision(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.ends())
    }

    /// When the block was decided, by this node's clock in microseconds.
    pub(crate) fn decided_at_us(&self) -> Option<i64> {
        let began = i64::try_from(self.began_ms).ok()?.checked_mul(1_000)?;
        began.checked_add(self.decision()?.at_us)
    }

    /// Microseconds from the first proposal to the decision.
    pub(crate) fn took_us(&self) -> Option<i64> {
        let is_first =
            |entry: &&Entry| matches!(entry.what.as_str(), "proposal_built" | "proposal_received");
        let first = self.entries.iter().find(is_first)?;
        let decided = self.decision().filter(|entry| entry.what == "decided")?;
        Some(decided.at_us.saturating_sub(first.at_us).max(0))
    }

    /// Whose proposal was decided, and in which round.
    pub(crate) fn proposer(&self) -> (Option<String>, u64) {
        let round = self.decision().map_or(0, |entry| entry.round);
        let mut entries = self.entries.iter().filter(|entry| entry.round == round);
        let found = entries.find_map(|entry| {
            let (step, own) = entry.step()?;
            let sender = self.validator.clone().filter(|_| own);
            (step == "proposal").then(|| entry.who.clone().or(sender))?
        });
        (found, round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::is_unseen;
    use serde_json::json;

    #[test]
    fn every_text_of_an_answer_is_shown_as_what_it_is_and_cut() {
        let hostile = "\u{1b}[2J\n\u{202e}".to_owned() + &"x".repeat(5_000);
        let peer = json!({ "address": hostile, "reachable": true, "away_ms": null, "height": 1,
                           "refused": hostile });
        let read: Peer = read(peer.to_string().as_bytes()).expect("a peer");
        for words in [Some(read.address), read.refused].into_iter().flatten() {
            assert!(!words.contains(is_unseen), "{words:?}");
            assert!(words.starts_with("\\u{1b}[2J\\n\\u{202e}xxx"), "{words}");
            assert_eq!(words.chars().count(), TOP_TEXT_CHARS_MAX);
        }
    }

    #[test]
    fn what_is_no_answer_of_a_node_is_none() {
        let long = vec![0; TOP_LIST_MAX + 1];
        let long = json!({ "total_power": 1, "validators": [], "recent": long });
        for body in [
            "",
            "[",
            "null",
            "{}",
            "[[[]]]",
            "{\"height\": -1}",
            &long.to_string(),
        ] {
            assert!(read::<Set>(body.as_bytes()).is_none(), "{body:.40}");
        }
        let deep = "[".repeat(100_000);
        assert!(read::<Set>(deep.as_bytes()).is_none());
    }

    #[test]
    fn a_timeline_says_who_proposed_when_it_was_decided_and_how_long_it_took() {
        let entry = |what: &str, round: u64, who: Option<&str>, at_us: i64| json!({ "what": what, "round": round, "who": who, "at_us": at_us });
        let entries = [
            entry("began", 0, None, 0),
            entry("proposal_received", 0, Some("a"), 100),
            entry("proposal_built", 1, None, 200),
            entry("decided", 1, None, 1_100),
        ];
        let told = json!({ "height": 7, "validator": "me", "began_ms": 5, "entries": entries });
        let told: Timeline = read(told.to_string().as_bytes()).expect("a timeline");
        assert_eq!(told.proposer(), (Some("me".into()), 1));
        assert_eq!(
            (told.took_us(), told.decided_at_us()),
            (Some(1_000), Some(6_100))
        );
    }
}
