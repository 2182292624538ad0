//! The shapes of answers that programs draw from, as the OpenAPI document tells them.
use crate::timelines::Did;
use serde_json::{Map, Value, json};

/// An object that always has all of these.
fn object(properties: Value) -> Value {
    let names = properties.as_object().map(Map::keys);
    let required: Vec<&String> = names.into_iter().flatten().collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn address() -> Value {
    json!({ "type": "string", "pattern": "^0x[0-9a-f]{40}$" })
}

pub(super) fn timeline() -> Value {
    let who = json!({
        "type": ["string", "null"], "pattern": "^0x[0-9a-f]{40}$",
        "description": "whose message it is about; null: this node alone",
    });
    let mut entry = object(json!({
        "what": { "type": "string", "enum": Did::ALL },
        "round": count(),
        "who": who,
        "at_us": { "type": "integer", "minimum": 0, "description": "microseconds since the first note" },
    }));
    entry["properties"]["nil"] = json!({ "const": true, "description": "a vote for no block" });
    object(json!({
        "height": count(),
        "validator": address(),
        "began_ms": { "type": "integer", "description": "the wall clock at the first note" },
        "left_out": { "type": "integer", "minimum": 0, "description": "notes from the middle that had no room" },
        "entries": { "type": "array", "items": entry },
    }))
}

pub(super) fn actors() -> Value {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "number", "minimum": 0 });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let message = object(json!({
        "message": text(), "handled": count(),
        "waited_p50_us": number(), "waited_p99_us": number(),
        "handled_p50_us": number(), "handled_p99_us": number(),
    }));
    let edge = object(json!({
        "from": { "type": "string", "description": "an actor, or outside" },
        "to": text(), "message": text(),
        "told": { "type": "integer", "minimum": 0, "description": "left in the mailbox" },
        "refused": { "type": "integer", "minimum": 0, "description": "not: it was full" },
    }));
    json!({ "type": "array", "items": object(json!({
        "actor": text(),
        "state": { "type": "string", "enum": ["starting", "running", "fallen", "stopped"] },
        "depth": count(), "limit": count(), "refused": count(),
        "panics": count(), "restarts": count(), "down_p99_us": number(),
        "last_panic": maybe("string"), "last_panic_unix_ms": maybe("integer"),
        "last_message_ms_ago": maybe("integer"),
        "messages": { "type": "array", "items": message },
        "edges": { "type": "array", "items": edge, "description": "who tells it what" },
    })) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::state_store::RecoverDriver;
    use crate::round_driver::RoundDriver;
    use crate::runtime::Inbox;
    use crate::state_store::StateStore;

    fn names(value: &Value) -> Vec<&String> {
        value.as_object().expect("an object").keys().collect()
    }

    #[test]
    fn a_row_of_an_actor_has_what_the_document_says_and_nothing_else() {
        let inbox = Inbox::<StateStore>::new(1);
        let port = inbox.port_of::<RoundDriver, RecoverDriver>();
        port.tell(RecoverDriver(0)).expect("there is room");
        let row = json!(inbox.stats().row());
        let schema = &actors()["items"]["properties"];
        assert_eq!(names(&row), names(schema));
        let (told, shape) = (&row["edges"][0], &schema["edges"]["items"]["properties"]);
        assert_eq!(names(told), names(shape));
        let (handled, shape) = (
            &row["messages"][0],
            &schema["messages"]["items"]["properties"],
        );
        assert_eq!(names(handled), names(shape));
    }
}
