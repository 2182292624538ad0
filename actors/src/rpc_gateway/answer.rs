//! Answers: JSON for people, stable error codes with a sentence that helps.
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

/// A refusal in public: the code is stable, the sentence is for people.
#[derive(Debug, Serialize)]
pub(super) struct Refusal<'a> {
    code: &'a str,
    message: String,
}

pub(super) fn refuse(status: StatusCode, code: &str, message: impl Into<String>) -> HttpResponse {
    HttpResponse::build(status).json(Refusal {
        code,
        message: message.into(),
    })
}

/// Marks the answer to a message that no honest peer sends; the connection pays for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BadMessage;

/// A refusal that uses up the connection's budget.
pub(super) fn refuse_bad(
    status: StatusCode,
    code: &str,
    message: impl Into<String>,
) -> HttpResponse {
    let mut answer = refuse(status, code, message);
    answer.extensions_mut().insert(BadMessage);
    answer
}

/// The node's own trouble, said without its insides.
pub(super) fn trouble(error: &dyn std::fmt::Display) -> HttpResponse {
    log::error!("a request could not be answered: {error}");
    let sentence = "the node could not read its store; its log says why";
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal", sentence)
}

pub(super) async fn no_such_route(request: HttpRequest) -> HttpResponse {
    let sentence = format!(
        "there is no {} {}; see /status",
        request.method(),
        request.path()
    );
    refuse(StatusCode::NOT_FOUND, "no_such_route", sentence)
}
