//! Why nothing is proved: what was shown is wrong or too old, or witnesses differ; or there is no
//! answer, or not now.
use super::witness::Difference;
use crate::endpoint::Url;
use crate::failure::Failure;
use crate::output::say_json;
use lockstep_protocol::proofs::light_client::{Checkpoint, TooOld};
use serde_json::{Map, Value, json};

/// Why nothing is proved.
pub(super) enum Doubt {
    /// No lie: no answer, or not now.
    Failed(Failure),
    /// What was shown is refused.
    Unproved(Box<Unproved>),
}

/// A refusal, for people and for programs.
pub(super) struct Unproved {
    failure: Failure,
    /// One stable word.
    code: &'static str,
    /// What else programs read.
    details: Map<String, Value>,
}

impl From<Failure> for Doubt {
    fn from(failure: Failure) -> Doubt {
        Doubt::Failed(failure)
    }
}

impl Doubt {
    fn of(failure: Failure, code: &'static str, details: Value) -> Doubt {
        let details = match details {
            Value::Object(details) => details,
            _ => Map::new(),
        };
        Doubt::Unproved(Box::new(Unproved {
            failure,
            code,
            details,
        }))
    }

    /// What the command ends with. The object goes to stdout, the line to stderr.
    pub(super) fn report(self, json: bool) -> Failure {
        let unproved = match self {
            Doubt::Failed(failure) => return failure,
            Doubt::Unproved(unproved) => unproved,
        };
        if json {
            let failure = &unproved.failure;
            let known = json!({ "verified": false, "code": unproved.code });
            let mut document = failure.add_to(known);
            for (key, value) in &unproved.details {
                document[key] = value.clone();
            }
            if let Err(failure) = say_json(&document) {
                return failure;
            }
        }
        unproved.failure
    }
}

/// What `url` shows does not follow from the trusted block.
pub(super) fn unproved(url: &Url, code: &'static str, reason: &str) -> Doubt {
    let next = match code {
        "not_the_checkpoint" => "compare HASH@HEIGHT with where you have it from, and",
        "future" => "set this machine's clock if it is wrong, or else",
        _ => "trust nothing that it says,",
    };
    let failure = Failure::corrupt(format!(
        "{url} shows what does not follow from the trusted block: {reason} ({code}); {next} ask \
         another node"
    ));
    Doubt::of(failure, code, Value::Null)
}

/// It follows, and is too old to say anything of now.
pub(super) fn old(url: &Url, checkpoint: Checkpoint, error: &TooOld) -> Doubt {
    let code = error.code();
    let sentence = match code {
        "stale" => format!(
            "{url} shows what was right once: {error} ({code}); ask another node, or, if the chain \
             makes blocks that seldom, allow for more with --max-head-age, for any age with \
             --max-head-age off"
        ),
        _ => format!(
            "{checkpoint} is too old to begin with: {error} ({code}), and the keys of its validators \
             may be anybody's by now; take a newer HASH@HEIGHT from a node or a person that you \
             trust, or allow for more with --max-age"
        ),
    };
    let details = json!({
        "age_seconds": error.age_ms as f64 / 1e3,
        "max_age_seconds": error.max_ms as f64 / 1e3,
    });
    Doubt::of(Failure::corrupt(sentence), code, details)
}

/// Two nodes show different blocks: somebody must look before anybody goes on.
pub(super) fn differ(difference: &Difference) -> Doubt {
    let failure = Failure::safety(difference.to_string());
    Doubt::of(failure, difference.code(), difference.document())
}
