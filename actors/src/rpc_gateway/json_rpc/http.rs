//! `POST /`: one request, or a batch of them, in one body.
use super::caller::Caller;
use super::dispatch::answer;
use crate::http::answer::refuse;
use crate::http::answer_places::Asker;
use crate::http::body;
use crate::http::pieces::Pieces;
use crate::limits::RPC_REQUEST_BYTES_MAX;
use crate::rpc_gateway::seed::Seed;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

pub(in crate::rpc_gateway) async fn post(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    if let Some(refused) = no_json(&request) {
        return refused;
    }
    let limit = RPC_REQUEST_BYTES_MAX;
    let budget = &seed.shares.rpc_bodies;
    let whole = body::read(&request, payload, limit, Some(budget), &seed.metrics);
    let whole = match whole.await {
        Ok(whole) => whole,
        Err(refused) => return refused,
    };
    let caller = Caller::new(seed, Asker::of(&request), None);
    let Some(reply) = answer(&caller, &whole.bytes).await else {
        return HttpResponse::NoContent().finish();
    };
    let mut response = HttpResponse::Ok();
    response.content_type("application/json");
    response.body(Pieces::new(reply.text.into(), reply.place))
}

/// The refusal of what does not say that it is JSON. A page in a browser cannot say it elsewhere without
/// being asked.
pub(in crate::rpc_gateway) fn no_json(request: &HttpRequest) -> Option<HttpResponse> {
    let is_json = content_type(request).eq_ignore_ascii_case("application/json");
    (!is_json).then(|| {
        let sentence = "send JSON, with the header Content-Type: application/json";
        refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", sentence)
    })
}

/// What the body is, without parameters; empty if nothing says it.
pub(in crate::rpc_gateway) fn content_type(request: &HttpRequest) -> &str {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}
