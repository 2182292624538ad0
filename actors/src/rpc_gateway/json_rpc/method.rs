//! A method, in one line of a table.
use super::caller::Caller;
use super::error::RpcError;
use super::params::{Args, Param};
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

/// What a method answers.
pub(super) type Answer = Result<Value, RpcError>;

pub(super) type Handler = for<'a> fn(&'a Caller, Args) -> LocalBoxFuture<'a, Answer>;

/// A method, in one line of a table.
pub(super) struct Method {
    pub(super) name: &'static str,
    /// Each of its lines begins with a space.
    pub(super) summary: &'static str,
    pub(super) params: &'static [Param],
    pub(super) result: Shape,
    pub(super) handler: Handler,
}

impl Method {
    /// Whether it changes anything. What the others find is heard by nobody where no answer is wanted.
    pub(super) fn acts(&self) -> bool {
        const ACTS: [&str; 8] = [
            "eth_sendRawTransaction",
            "lockstep_sendTransaction",
            "lockstep_sendTransactionAndWait",
            "eth_uninstallFilter",
            "eth_subscribe",
            "eth_unsubscribe",
            "lockstep_subscribe",
            "lockstep_unsubscribe",
        ];
        ACTS.contains(&self.name)
    }
}

/// What a result is, as far as the document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number in hex without leading zeros.
    Quantity,
    /// Bytes in hex.
    Data,
    /// Text.
    Text,
    /// A number in hex, or null if there is nothing to count.
    TextOrNull,
    /// `true` or `false`.
    Flag,
    /// A list of objects, or of texts.
    List,
    /// The same, or null if there is nothing like that.
    ListOrNull,
    /// Nothing: there is never anything like that.
    Null,
    /// An object.
    Object,
    /// An object, or null if there is nothing like that.
    ObjectOrNull,
    /// `false`, or an object.
    FalseOrObject,
}

impl Shape {
    pub(super) fn schema(self) -> Value {
        match self {
            Shape::Quantity => {
                json!({ "type": "string", "pattern": "^0x(0|[1-9a-f][0-9a-f]*)$" })
            }
            Shape::Data => json!({ "type": "string", "pattern": "^0x([0-9a-f]{2})*$" }),
            Shape::Text => json!({ "type": "string" }),
            Shape::TextOrNull => json!({ "type": ["string", "null"] }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::List => json!({ "type": "array" }),
            Shape::ListOrNull => json!({ "type": ["array", "null"] }),
            Shape::Null => json!({ "type": "null" }),
            Shape::Object => json!({ "type": "object" }),
            Shape::ObjectOrNull => json!({ "type": ["object", "null"] }),
            Shape::FalseOrObject => json!({ "oneOf": [{ "const": false }, { "type": "object" }] }),
        }
    }
}

/// Declares the methods of one prefix. A row says what its method does; its name, its parameters, each
/// by kind, and the shape of its result; and behind `=` who answers, or behind `=>` what.
macro_rules! methods {
    ($(
        $(#[doc = $summary:literal])+
        $name:literal($($need:ident $param:ident: $kind:ident $(($max:expr))?),* $(,)?)
            -> $result:ident
            $(= $handler:ident)?
            $(=> |$caller:pat_param, $args:pat_param| $answer:expr)?;
    )*) => {
        pub(super) const METHODS: &[$crate::rpc_gateway::json_rpc::method::Method] = &[$(
            $crate::rpc_gateway::json_rpc::method::Method {
                name: $name,
                summary: concat!($($summary),+),
                params: &[$($crate::rpc_gateway::json_rpc::params::$need(
                    stringify!($param),
                    $crate::rpc_gateway::json_rpc::params::Kind::$kind $(($max))?,
                )),*],
                result: $crate::rpc_gateway::json_rpc::method::Shape::$result,
                $(handler: |caller, args| Box::pin($handler(caller, args)),)?
                $(handler: |$caller, $args| Box::pin(async move {
                    Ok(serde_json::json!($answer))
                }),)?
            }
        ),*];
    };
}
pub(super) use methods;
