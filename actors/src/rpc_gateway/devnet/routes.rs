//! The handlers: may it be asked, what is asked, and then off this thread.
use super::bodies::{self, Body};
use super::{Controls, Devnet, Done, NotDone, Order};
use crate::http::answer::{Answer, Refused, refuse};
use crate::http::body;
use crate::limits::DEVNET_REQUEST_BYTES_MAX;
use crate::metrics::{Metrics, RefusalLabel};
use crate::rpc_gateway::seed::Seed;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// `GET /devnet`
pub(in crate::rpc_gateway) async fn look(seed: web::Data<Seed>) -> Answer {
    let devnet = devnet(&seed)?;
    let place = place(&devnet.others, &seed.metrics)?;
    let looked = apart(devnet.controls.clone(), place, |controls| controls.look());
    match looked.await? {
        Ok(shown) => Ok(HttpResponse::Ok().json(shown)),
        Err(not_done) => Err(not_done.answer().into()),
    }
}

/// `POST /devnet/…`, of an order that has this body.
pub(in crate::rpc_gateway) async fn order<B: Body>(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let devnet = devnet(&seed)?;
    if !seed.is_on_loopback {
        let sentence = "a devnet takes orders on its own machine only: ask an address of loopback";
        return Ok(refuse(StatusCode::FORBIDDEN, "not_loopback", sentence));
    }
    body::demand_type(&request, "JSON", "application/json")?;
    let limit = DEVNET_REQUEST_BYTES_MAX;
    let whole = body::read(&request, payload, limit, None, &seed.metrics).await?;
    let order = bodies::read::<B>(&whole.bytes).map_err(|not_done| {
        seed.metrics.refusal(RefusalLabel::Malformed);
        Refused::from(not_done.answer())
    })?;
    let places = match order {
        Order::Tick => &devnet.ticks,
        _ => &devnet.others,
    };
    let place = place(places, &seed.metrics)?;
    let done = apart(devnet.controls.clone(), place, |controls| {
        controls.carry_out(order)
    });
    Ok(match done.await? {
        Ok(done) => answer(done),
        Err(not_done) => not_done.answer(),
    })
}

fn devnet(seed: &Seed) -> Result<&Devnet, Refused> {
    seed.devnet.as_ref().ok_or_else(|| {
        let sentence = "this node is none of a devnet: lockstep devnet starts one";
        refuse(StatusCode::NOT_FOUND, "no_devnet", sentence).into()
    })
}

fn place(places: &Arc<Semaphore>, metrics: &Metrics) -> Result<OwnedSemaphorePermit, Refused> {
    places
        .clone()
        .try_acquire_owned()
        .map_err(|_| busy(metrics))
}

fn busy(metrics: &Metrics) -> Refused {
    metrics.refusal(RefusalLabel::Busy);
    let sentence = "the devnet is carrying out other orders; try again in a moment";
    refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence).into()
}

/// Has it done on a thread of its own. Not on one of the node's pool: the node waits for that at its
/// end, and this may be its end.
async fn apart<T: Send + 'static>(
    controls: Arc<dyn Controls>,
    place: OwnedSemaphorePermit,
    act: impl FnOnce(&dyn Controls) -> Result<T, NotDone> + Send + 'static,
) -> Result<Result<T, NotDone>, Refused> {
    let (tell, told) = oneshot::channel();
    let act = move || {
        let done = act(&*controls);
        drop((controls, place));
        // An error says that whoever asked has gone.
        let _ = tell.send(done);
    };
    let begun = std::thread::Builder::new()
        .name("devnet-order".into())
        .spawn(act);
    let failed = |why: String| {
        let sentence = format!("the order was not carried out: {why}; try again in a moment");
        Refused::from(refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_done",
            sentence,
        ))
    };
    begun.map_err(|error| failed(error.to_string()))?;
    told.await
        .map_err(|_| failed("its thread has ended".into()))
}

fn answer(done: Done) -> HttpResponse {
    let plainly = json!({ "done": true });
    match done {
        Done::Plainly => HttpResponse::Ok().json(plainly),
        Done::Told(answer) => HttpResponse::Ok().json(answer),
        Done::Sent(id) => HttpResponse::Ok().json(json!({ "done": true, "transaction": id })),
        Done::Once(told, act) => {
            let mut answer = HttpResponse::Ok();
            // Nothing more is answered here.
            answer.force_close();
            answer.content_type("application/json");
            answer.body(super::then::Then::new(told.to_string().into(), act))
        }
    }
}
