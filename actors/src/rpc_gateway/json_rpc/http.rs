//! `POST /`: one request, or a batch of them, in one body.
use super::caller::Caller;
use super::dispatch::answer;
use crate::http::answer::Answer;
use crate::http::answer_places::Asker;
use crate::http::body;
use crate::http::pieces::Pieces;
use crate::limits::RPC_REQUEST_BYTES_MAX;
use crate::rpc_gateway::seed::Seed;
use actix_web::{HttpRequest, HttpResponse, web};

pub(in crate::rpc_gateway) async fn post(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    body::demand_type(&request, "JSON", "application/json")?;
    let limit = RPC_REQUEST_BYTES_MAX;
    let budget = &seed.shares.rpc_bodies;
    let whole = body::read(&request, payload, limit, Some(budget), &seed.metrics);
    let whole = whole.await?;
    let caller = Caller::new(seed, Asker::of(&request), None);
    let Some(reply) = answer(&caller, &whole.bytes).await else {
        return Ok(HttpResponse::NoContent().finish());
    };
    let mut response = HttpResponse::Ok();
    response.content_type("application/json");
    Ok(response.body(Pieces::new(reply.text.into(), reply.place)))
}
