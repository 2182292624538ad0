//! Answers: JSON for people, stable error codes with a sentence that helps.
use crate::metrics::{Metrics, RefusalLabel};
use crate::runtime::AskError;
use crate::seldom::seldom;
use crate::state_store::StoreError;
use actix_web::error::{BlockingError, InternalError, PathError, QueryPayloadError};
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use lockstep_protocol::codec::CodecError;
use lockstep_protocol::ledger::{HistoryError, ReadError};
use lockstep_protocol::types::{Address, AddressError};
use lockstep_protocol::wire::WireError;
use serde::Serialize;

/// A refusal in public: the code is stable, the sentence is for people.
#[derive(Debug, Serialize)]
struct RefusalBody<'a> {
    code: &'a str,
    message: String,
}

pub(crate) fn refuse(status: StatusCode, code: &str, message: impl Into<String>) -> HttpResponse {
    HttpResponse::build(status).json(RefusalBody {
        code,
        message: message.into(),
    })
}

/// The page that asks, if one does.
pub(crate) fn origin(head: &HeaderMap) -> Option<&HeaderValue> {
    head.get(header::ORIGIN).filter(|origin| !origin.is_empty())
}

/// What a handler answers. A refusal ends it early.
pub(crate) type Answer = Result<HttpResponse, Refused>;

/// An answer that says why there is no other.
#[derive(Debug)]
pub(crate) struct Refused(Box<HttpResponse>);

impl From<HttpResponse> for Refused {
    fn from(answer: HttpResponse) -> Refused {
        Refused(Box::new(answer))
    }
}

impl From<Refused> for actix_web::Error {
    fn from(Refused(answer): Refused) -> actix_web::Error {
        InternalError::from_response("refused", *answer).into()
    }
}

/// Errors that are the node's own [`trouble`].
macro_rules! troubles {
    ($($error:ty),*) => {$(
        impl From<$error> for Refused {
            fn from(error: $error) -> Refused {
                trouble(&error).into()
            }
        }
    )*};
}

troubles!(StoreError, ReadError, HistoryError, BlockingError);

/// Marks the answer to a message that no honest peer sends; the connection pays for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BadMessage;

/// A refusal that uses up the connection's budget.
pub(crate) fn refuse_bad(
    status: StatusCode,
    code: &str,
    message: impl Into<String>,
) -> HttpResponse {
    let mut answer = refuse(status, code, message);
    answer.extensions_mut().insert(BadMessage);
    answer
}

/// What bytes that are no message of this chain are refused with.
pub(crate) fn wire_sentence(error: &WireError) -> String {
    match error {
        WireError::Codec(CodecError::TooLarge { .. }) => format!("{error}: send less"),
        WireError::Codec(CodecError::Malformed { .. }) => {
            format!("{error}: send canonical bytes, as protocol/src/wire.rs writes them")
        }
        WireError::Version(_) | WireError::ForeignChain(_) | WireError::BodyMismatch => {
            error.to_string()
        }
    }
}

/// The node's own trouble, said without its insides.
pub(crate) fn trouble(error: &dyn std::fmt::Display) -> HttpResponse {
    seldom!(Error, "a request could not be answered: {error}");
    let sentence = "the node could not read its store; its log says why";
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal", sentence)
}

/// The actor that was asked has no time, or has just fallen.
pub(crate) fn busy(error: AskError, metrics: &Metrics) -> HttpResponse {
    metrics.refusal(RefusalLabel::Busy);
    let sentence = format!("{error}; try again in a moment");
    refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence)
}

/// Reads an address; a typing error is told from nonsense.
pub(crate) fn address(text: &str) -> Result<Address, Refused> {
    text.parse().map_err(|error: AddressError| {
        let code = match error {
            AddressError::Hex(_) => "malformed",
            AddressError::Checksum { .. } => "bad_checksum",
        };
        refuse(StatusCode::BAD_REQUEST, code, error.to_string()).into()
    })
}

/// What the extractors of parameters refuse is refused like everything else.
pub(crate) fn bad_query(error: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    let sentence = format!("{error}: /openapi.json lists the parameters of each route");
    let answer = refuse(StatusCode::BAD_REQUEST, "malformed", sentence);
    InternalError::from_response(error, answer).into()
}

/// As [`bad_query`], of the path.
pub(crate) fn bad_path(error: PathError, _: &HttpRequest) -> actix_web::Error {
    let sentence = format!("{error}: /openapi.json lists the parameters of each route");
    let answer = refuse(StatusCode::BAD_REQUEST, "malformed", sentence);
    InternalError::from_response(error, answer).into()
}

/// A route that exists, asked for with another verb than `allowed`.
pub(crate) async fn no_such_method(request: HttpRequest, allowed: &'static str) -> HttpResponse {
    let sentence = format!("{} answers {allowed} only", request.path());
    let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", sentence);
    let allowed = header::HeaderValue::from_static(allowed);
    answer.headers_mut().insert(header::ALLOW, allowed);
    answer
}

pub(crate) async fn no_such_route(request: HttpRequest) -> HttpResponse {
    no_route(&request, "see /status")
}

/// A route that does not exist here, and where to look.
pub(crate) fn no_route(request: &HttpRequest, next: &str) -> HttpResponse {
    let (method, path) = (request.method(), request.path());
    let sentence = format!("there is no {method} {path}; {next}");
    refuse(StatusCode::NOT_FOUND, "no_such_route", sentence)
}

/// The node's thread turns.
pub(crate) async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}
