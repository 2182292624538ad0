//! What people may ask over plain HTTP: one table, in which the listener looks its routes up, and the
//! OpenAPI 3.1 document (<https://spec.openapis.org/oas/v3.1.0>) that `/openapi.json` makes of it.
use super::devnet::{bodies, routes as devnet};
use super::{
    applications, blocks, evidence_page, health, history, json_rpc, light, page, records, schemas,
    server_sent_events, status, timeline, transactions, validators, web_socket,
};
use crate::http::answer;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, Route as Handler, guard, web};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// A way to ask.
pub(super) struct Route {
    verb: &'static str,
    pub(super) path: &'static str,
    summary: &'static str,
    params: &'static [Param],
    /// What a body has to be.
    body: Option<&'static str>,
    /// The fields of a body that is a JSON object, where they are known.
    fields: &'static [Field],
    answers: Media,
    /// The shape of an answer in JSON, where it is told.
    schema: Option<fn() -> Value>,
    /// Other statuses than 200, and than 405, which answers every other verb; all of them refusals but
    /// 101, 202 and 204.
    pub(super) also: &'static [u16],
    pub(super) handler: fn() -> Handler,
}

/// The name of a parameter in the path or in the query, and the pattern of its values.
type Param = (&'static str, &'static str);

/// The name of a field of a body, its JSON schema, and whether it has to be there.
type Field = (&'static str, &'static str, bool);

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Json,
    Text,
    Metrics,
    Events,
    Bytes,
    Page,
    /// A file of the page.
    File,
    Nothing,
}

impl Media {
    fn name(self) -> Option<&'static str> {
        match self {
            Media::Json => Some(JSON),
            Media::Text => Some("text/plain"),
            Media::Metrics => Some("application/openmetrics-text"),
            Media::Events => Some("text/event-stream"),
            Media::Bytes => Some(BYTES),
            Media::Page => Some("text/html"),
            // A module, a style sheet or a drawing.
            Media::File => Some("text/*"),
            Media::Nothing => None,
        }
    }
}

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
const WHOLE: &str = "^[0-9]+$";
const ADDRESS: &str = "^0x[0-9a-fA-F]{40}$";
const HASH: &str = "^0x[0-9a-fA-F]{64}$";
const NODES: &str = "^https?://[A-Za-z0-9.:_-]+(,https?://[A-Za-z0-9.:_-]+)*$";
const BUILD: &str = "^[0-9a-f]{16}$";
const FILE: &str = "^[a-z]+\\.(js|css|svg)$";
const RECORD_KEY: &str = "^0x([0-9a-fA-F]{2}){1,256}$";
const APPLICATION: &str = "^[a-z][a-z0-9-]{0,31}$";
const APPLICATION_KEY: &str = "^0x([0-9a-fA-F]{2}){1,64}$";
const QUERY_DATA: &str = "^0x([0-9a-fA-F]{2})*$";

const fn get(
    path: &'static str,
    summary: &'static str,
    answers: Media,
    also: &'static [u16],
    handler: fn() -> Handler,
) -> Route {
    Route {
        verb: "get",
        path,
        summary,
        params: &[],
        body: None,
        fields: &[],
        answers,
        schema: None,
        also,
        handler,
    }
}

/// What a devnet is told.
const fn order(
    path: &'static str,
    summary: &'static str,
    fields: &'static [Field],
    handler: fn() -> Handler,
) -> Route {
    let mut route = get(path, summary, Media::Json, ORDERED, handler).post(Some(JSON));
    route.fields = fields;
    route
}

const NODE: Field = ("node", r#"{"type":"integer","minimum":0}"#, true);
const FROM: Field = ("from", r#"{"type":"integer","minimum":0}"#, false);
const TO: Field = ("to", r#"{"type":"integer","minimum":0}"#, false);
const PAYER: Field = ("from", r#"{"type":"string"}"#, true);
const RECEIVER: Field = ("to", r#"{"type":"string"}"#, true);
const AMOUNT: Field = ("amount", r#"{"type":"string","pattern":"^[0-9]+$"}"#, true);
const PACE: Field = (
    "block_time_ms",
    r#"{"type":["integer","null"],"minimum":0,"maximum":86400000}"#,
    true,
);
const SNAPSHOT: Field = ("snapshot", r#"{"type":"integer","minimum":0}"#, true);
const SET: Field = ("set_ms", r#"{"type":"integer","minimum":0}"#, false);
const ADD: Field = ("add_ms", r#"{"type":"integer","minimum":0}"#, false);
const NEXT_BLOCK: Field = ("next_block_ms", r#"{"type":"integer","minimum":0}"#, false);
const GROUPS: Field = (
    "groups",
    r#"{"type":"array","items":{"type":"array","items":{"type":"integer","minimum":0}}}"#,
    true,
);
const DELAY: Field = (
    "ms",
    r#"{"type":"integer","minimum":0,"maximum":60000}"#,
    true,
);
const SHARE: Field = (
    "per_thousand",
    r#"{"type":"integer","minimum":0,"maximum":1000}"#,
    true,
);
const KEY: Field = ("key", r#"{"type":"string"}"#, true);
const VALUE: Field = ("value", r#"{"type":"string"}"#, true);
const ACTOR: Field = ("actor", r#"{"type":"string"}"#, true);

/// Whatever is ordered of a devnet may be answered so.
const ORDERED: &[u16] = &[400, 403, 404, 408, 409, 413, 415, 429, 500, 503];

impl Route {
    /// As it stands in a request.
    pub(super) fn verb(&self) -> &'static str {
        if self.verb == "post" { "POST" } else { "GET" }
    }

    /// All that are answered here.
    pub(super) fn allowed(&self) -> &'static str {
        match (self.path, self.verb, self.answers) {
            ("/", _, _) => "GET, HEAD, POST",
            (_, "post", _) => "POST",
            (_, _, Media::Nothing) => "GET",
            _ => "GET, HEAD",
        }
    }

    /// What a devnet is told to do: only pages that its own nodes serve may.
    pub(super) fn is_order(&self) -> bool {
        self.verb == "post" && self.path.starts_with("/devnet/")
    }

    /// What pages in browsers may ask, where the operator lets them: whatever is read, and JSON-RPC.
    /// A WebSocket looks for itself.
    pub(super) fn is_for_pages(&self) -> bool {
        (self.verb == "get" && self.path != "/ws") || self.path == "/"
    }

    const fn with(mut self, params: &'static [Param]) -> Route {
        self.params = params;
        self
    }

    const fn of(mut self, schema: fn() -> Value) -> Route {
        self.schema = Some(schema);
        self
    }

    const fn post(mut self, body: Option<&'static str>) -> Route {
        self.verb = "post";
        self.body = body;
        self
    }
}

/// A `HEAD` is answered as a `GET`; the library leaves the body out.
fn read() -> Handler {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// All that people may ask, each in one line.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    get("/", "JSON-RPC 2.0: one call or a batch; rpc.discover says which.", Media::Json, &[204, 400, 403, 408, 413, 415, 503], || web::post().to(json_rpc::post)).post(Some(JSON)),
    get("/", "The page that people look at; nodes lists others that it asks as well.", Media::Page, &[400], || read().to(page::document)).with(&[("nodes", NODES)]),
    get("/page/{build}/{file}", "A file of the page, by the hash of all of them.", Media::File, &[400, 404], || read().to(page::file)).with(&[("build", BUILD), ("file", FILE)]),
    get("/page/{build}/views/{file}", "A view of the page.", Media::File, &[400, 404], || read().to(page::view)).with(&[("build", BUILD), ("file", FILE)]),
    get("/ws", "JSON-RPC 2.0 and subscriptions over a WebSocket.", Media::Nothing, &[101, 400, 403, 500, 503], || web::get().to(web_socket::upgrade)),
    get("/events", "Blocks, receipts and rounds as server-sent events. With Last-Event-ID it goes on behind that event; where that is not kept (after a restart too) it begins with the event `missed`.", Media::Events, &[400, 410, 503], || read().to(server_sent_events::events)).with(EVENTS),
    get("/openapi.json", "This document.", Media::Json, &[], || read().to(served)),
    get("/transactions", "Hands in a transaction in canonical bytes.", Media::Nothing, &[202, 400, 403, 408, 413, 415, 429, 500, 503], || web::post().to(transactions::submit)).post(Some(BYTES)),
    get("/mempool", "What waits for a block, by sender and nonce.", Media::Json, &[400, 503], || read().to(transactions::waiting)).with(&[("after", "^0x[0-9a-fA-F]{40}:[0-9]+$"), ("limit", WHOLE)]),
    get("/status", "Who this node is, where it stands and whom it reaches.", Media::Json, &[500], || read().to(status::status)),
    get("/validators", "Who validates a height, by default the one under decision; and what they did in the newest blocks.", Media::Json, &[400, 404, 500, 503], || read().to(validators::validators)).with(&[("height", WHOLE), ("recent", WHOLE)]),
    get("/actors", "A row for each actor: mailbox, falls, times, and who tells it what.", Media::Json, &[429], || read().to(status::actors)).of(schemas::actors),
    get("/metrics", "OpenMetrics, or Prometheus text where that is liked more.", Media::Metrics, &[429], || read().to(status::metrics)),
    get("/livez", "The node's thread turns.", Media::Text, &[], || read().to(answer::livez)),
    get("/readyz", "The node can take part in the next block.", Media::Text, &[503], || read().to(health::readyz)).with(&[("verbose", "^$")]),
    get("/blocks/latest", "The newest committed block.", Media::Json, &[404, 410, 500, 503], || read().to(blocks::latest)),
    get("/blocks/{height}", "A committed block with its certificate.", Media::Json, &[400, 404, 410, 500, 503], || read().to(blocks::by_height)).with(&[("height", WHOLE)]),
    get("/heights/{height}/timeline", "What this node did when at one of the newest 256 heights, or at the one under way. at_us counts from its first note.", Media::Json, &[400, 404, 429], || read().to(timeline::timeline)).with(&[("height", WHOLE)]).of(schemas::timeline),
    get("/evidence", "Misbehaviour: waiting, committed, forks.", Media::Json, &[400, 500], || read().to(evidence_page::evidence)).with(&[("limit", WHOLE)]),
    get("/accounts/{address}", "Balance and nonce of an address.", Media::Json, &[400, 500, 503], || read().to(blocks::account)).with(&[("address", ADDRESS)]),
    get("/accounts/{address}/transactions", "What an address has a part in, the newest first; 404 no_history where that is not kept.", Media::Json, &[400, 404, 500, 503], || read().to(history::transactions)).with(&[("address", ADDRESS), ("before", "^[0-9]+:[0-9]+$"), ("limit", WHOLE)]),
    get("/receipts/{id}", "The receipt of a committed transaction, and where it stands.", Media::Json, &[400, 404, 500], || read().to(transactions::receipt)).with(&[("id", HASH)]),
    get("/records/{address}/{key}", "A record of an account; its key in hex.", Media::Json, &[400, 404, 500], || read().to(records::record)).with(&[("address", ADDRESS), ("key", RECORD_KEY)]),
    get("/applications", "The applications of the chain, with their versions.", Media::Json, &[], || read().to(applications::list)),
    get("/applications/{name}/query", "What an application answers about the newest state; nothing proves it. path and data are the application's own, data in hex.", Media::Json, &[400, 404, 500, 503], || read().to(applications::query)).with(&[("name", APPLICATION), ("path", "^.{0,256}$"), ("data", QUERY_DATA)]),
    get("/applications/{name}/state/{key}", "What an application keeps under a key in hex, or null.", Media::Json, &[400, 404, 500, 503], || read().to(applications::state)).with(&[("name", APPLICATION), ("key", APPLICATION_KEY)]),
    get("/light/blocks/{height}", "Header, certificate and validators of a height, in canonical bytes.", Media::Bytes, &[400, 404, 410, 500, 503], || read().to(light::block)).with(&[("height", WHOLE)]),
    get("/light/accounts/{address}", "An account with its proof, in canonical bytes.", Media::Bytes, &[400, 404, 500], || read().to(light::account)).with(&[("address", ADDRESS)]),
    get("/light/records/{address}/{key}", "A record with its proof, in canonical bytes.", Media::Bytes, &[400, 404, 500], || read().to(light::record)).with(&[("address", ADDRESS), ("key", RECORD_KEY)]),
    get("/light/applications/{name}/state/{key}", "A value of an application with its proof, in canonical bytes.", Media::Bytes, &[400, 404, 500], || read().to(light::application)).with(&[("name", APPLICATION), ("key", APPLICATION_KEY)]),
    get("/devnet", "The nodes of a devnet, its links, accounts and pace.", Media::Json, &[404, 500, 503], || read().to(devnet::look)),
    order("/devnet/tick", "Makes a block on all nodes of a devnet.", &[], || web::post().to(devnet::order::<bodies::Tick>)),
    order("/devnet/pace", "When a devnet begins heights: every so many milliseconds, or by hand.", &[PACE], || web::post().to(devnet::order::<bodies::Pace>)),
    order("/devnet/time", "Sets the clock of a devnet forward, or names the time of its next block: one of the three.", &[SET, ADD, NEXT_BLOCK], || web::post().to(devnet::order::<bodies::Time>)),
    order("/devnet/snapshot", "Keeps the disks of all nodes of a devnet as they are.", &[], || web::post().to(devnet::order::<bodies::Snapshot>)),
    order("/devnet/revert", "Puts the disks of all nodes of a devnet back to a snapshot.", &[SNAPSHOT], || web::post().to(devnet::order::<bodies::Revert>)),
    order("/devnet/stop", "Stops a node of a devnet in good order.", &[NODE], || web::post().to(devnet::order::<bodies::Stop>)),
    order("/devnet/kill", "Ends a node of a devnet as a process that is killed.", &[NODE], || web::post().to(devnet::order::<bodies::Kill>)),
    order("/devnet/restart", "Begins a node of a devnet again that is down.", &[NODE], || web::post().to(devnet::order::<bodies::Restart>)),
    order("/devnet/partition", "Lets nodes of different groups hear nothing of each other.", &[GROUPS], || web::post().to(devnet::order::<bodies::Partition>)),
    order("/devnet/heal", "Undoes partition, delay and drop.", &[], || web::post().to(devnet::order::<bodies::Heal>)),
    order("/devnet/delay", "Makes requests between nodes take longer.", &[DELAY, FROM, TO], || web::post().to(devnet::order::<bodies::Delay>)),
    order("/devnet/drop", "Loses some of the requests between nodes.", &[SHARE, FROM, TO], || web::post().to(devnet::order::<bodies::Loss>)),
    order("/devnet/transfer", "Pays from one of the public accounts.", &[PAYER, RECEIVER, AMOUNT], || web::post().to(devnet::order::<bodies::Transfer>)),
    order("/devnet/record", "Keeps a record of one of the public accounts.", &[PAYER, KEY, VALUE], || web::post().to(devnet::order::<bodies::Record>)),
    order("/devnet/faucet", "Pays to anybody.", &[RECEIVER, AMOUNT], || web::post().to(devnet::order::<bodies::Faucet>)),
    order("/devnet/panic", "Makes an actor of a node panic, in a build for tests.", &[NODE, ACTOR], || web::post().to(devnet::order::<bodies::Panic>)),
];

/// One of each path: what two have in common stands in either.
pub(super) fn first_of_each_path() -> impl Iterator<Item = &'static Route> {
    let is_first = |(at, route): &(usize, &Route)| {
        let mut before = ROUTES.iter().take(*at);
        !before.any(|other| other.path == route.path)
    };
    ROUTES
        .iter()
        .enumerate()
        .filter(is_first)
        .map(|(_, route)| route)
}

const EVENTS: &[Param] = &[
    ("from_seq", WHOLE),
    (
        "topics",
        "^(newBlocks|receipts|rounds)(,(newBlocks|receipts|rounds))*$",
    ),
    ("address", ADDRESS),
];

/// Made once.
pub(super) async fn served() -> HttpResponse {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_string().into());
    HttpResponse::Ok().content_type(JSON).body(text.clone())
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.verb] = route.operation();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lockstep",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a node answers people. HEAD is answered as GET, without the body. JSON-RPC methods: rpc.discover.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": { "Refusal": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": { "type": "string", "description": "stable, for programs" },
                "message": { "type": "string", "description": "for people: what to do" },
            },
        } } },
    })
}

impl Route {
    fn operation(&self) -> Value {
        let mut responses = Map::new();
        // What has another good answer has no 200.
        if self.answers != Media::Nothing {
            responses.insert("200".into(), self.answer());
        }
        for status in self.also.iter().chain(&[405, 421]) {
            responses.insert(status.to_string(), self.other(*status));
        }
        let params = self.params.iter().map(|(name, pattern)| {
            let in_path = self.names(name);
            json!({
                "name": name,
                "in": if in_path { "path" } else { "query" },
                "required": in_path,
                "schema": { "type": "string", "pattern": pattern },
            })
        });
        let mut operation = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "parameters": params.collect::<Vec<Value>>(),
            "responses": responses,
        });
        if let Some(kind) = self.body {
            let schema = match kind {
                JSON if self.is_order() => self.object(),
                // Any JSON is answered: with an error object, if it is no call.
                JSON => json!({}),
                _ => json!({ "type": "string", "contentMediaType": kind }),
            };
            let content = json!({ kind: { "schema": schema } });
            // No bytes are an empty object.
            let is_required = !self.is_order() || !self.fields.is_empty();
            operation["requestBody"] = json!({ "required": is_required, "content": content });
        }
        operation
    }

    /// The schema of its body.
    fn object(&self) -> Value {
        let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let properties = self
            .fields
            .iter()
            .map(|(name, text, _)| ((*name).into(), schema(text)));
        let required = self
            .fields
            .iter()
            .filter(|(_, _, is_required)| *is_required);
        json!({
            "type": "object",
            "properties": properties.collect::<Map<String, Value>>(),
            "required": required.map(|(name, _, _)| *name).collect::<Vec<_>>(),
            "additionalProperties": false,
        })
    }

    /// Whether the path has a place for this parameter.
    fn names(&self, param: &str) -> bool {
        self.path.contains(&format!("{{{param}}}"))
    }

    /// The path in words.
    fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let words = if words.is_empty() {
            "call".into()
        } else {
            words.join("_")
        };
        format!("{}_{words}", self.verb)
    }

    fn answer(&self) -> Value {
        match self.answers.name() {
            Some(media) => {
                let schema = match self.schema {
                    Some(schema) => schema(),
                    None if media == JSON => json!({}),
                    None => json!({ "type": "string" }),
                };
                let mut content = Map::new();
                if self.answers == Media::Metrics {
                    content.insert("text/plain".into(), json!({ "schema": schema }));
                }
                content.insert(media.into(), json!({ "schema": schema }));
                json!({ "description": "the answer", "content": content })
            }
            None => json!({ "description": "the answer" }),
        }
    }

    fn other(&self, status: u16) -> Value {
        match status {
            101 => json!({ "description": "the WebSocket begins" }),
            202 => json!({
                "description": "the transaction waits for a block",
                "content": { JSON: { "schema": { "type": "object" } } },
            }),
            204 => json!({ "description": "nothing in it wants an answer" }),
            503 if self.answers == Media::Text => self.answer(),
            _ => json!({
                "description": match status {
                    405 => "asked with another verb: the header Allow names this one",
                    421 => "Host names nobody known here: see rpc_hosts",
                    500 => "the node could not read its store; its log says why",
                    503 => "not now: ask again in a moment",
                    _ => "refused",
                },
                "content": { JSON: { "schema": { "$ref": "#/components/schemas/Refusal" } } },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_has_one_operation_and_every_operation_a_route() {
        let document = document();
        let paths = document["paths"].as_object().expect("an object");
        let mut told = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for (path, verbs) in paths {
            for (verb, operation) in verbs.as_object().expect("an object") {
                told.insert((verb.as_str(), path.as_str()));
                ids.insert(operation["operationId"].as_str());
            }
        }
        let routes: BTreeSet<_> = ROUTES.iter().map(|r| (r.verb, r.path)).collect();
        assert_eq!(told, routes);
        assert_eq!(routes.len(), ROUTES.len(), "each once");
        assert_eq!(ids.len(), ROUTES.len(), "each with a name of its own");
    }

    #[test]
    fn every_field_of_an_order_has_a_schema() {
        for route in ROUTES.iter().filter(|route| route.is_order()) {
            let object = route.object();
            let properties = object["properties"].as_object().expect("an object");
            assert_eq!(
                properties.len(),
                route.fields.len(),
                "each once: {}",
                route.path
            );
            assert!(
                properties
                    .values()
                    .all(|schema| schema["type"] != Value::Null)
            );
        }
    }

    #[test]
    fn parameters_in_the_path_are_those_that_the_path_names() {
        for route in ROUTES {
            let named = route.path.split('/').filter_map(|part| {
                let name = part.strip_prefix('{')?;
                name.strip_suffix('}')
            });
            let listed = route.params.iter().map(|(name, _)| *name);
            let listed: Vec<&str> = listed.filter(|name| route.names(name)).collect();
            assert_eq!(named.collect::<Vec<_>>(), listed, "{}", route.path);
        }
    }
}
