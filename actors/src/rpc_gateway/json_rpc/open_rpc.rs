//! `rpc.discover`: what may be called, as an OpenRPC document (<https://spec.open-rpc.org>), made from
//! the tables that calls are looked up in.
use super::method::Method;
use super::params::Param;
use serde_json::{Value, json};

pub(super) fn document(methods: impl Iterator<Item = &'static Method>) -> Value {
    let methods: Vec<Value> = methods.map(entry).collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Lockstep",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "JSON-RPC 2.0 at POST / and over the WebSocket /ws. Amounts of money are decimal \
                            digits as text in lockstep_*, QUANTITY in eth_*; heights, nonces and lengths are numbers.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "methods": methods,
    })
}

fn entry(method: &Method) -> Value {
    let params: Vec<Value> = method.params.iter().map(descriptor).collect();
    json!({
        "name": method.name,
        "summary": method.summary.trim_start(),
        "paramStructure": "either",
        "params": params,
        "result": { "name": "result", "schema": method.result.schema() },
    })
}

fn descriptor(param: &Param) -> Value {
    json!({
        "name": param.name,
        "required": param.required,
        "schema": param.kind.schema(),
    })
}
