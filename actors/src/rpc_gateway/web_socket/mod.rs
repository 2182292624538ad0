//! `/ws`, and `/` for whoever upgrades there: the methods of `POST /`, and subscriptions. One message
//! is one request or batch; a few are carried out at one time. Frames and messages are bounded, the way out is a bounded
//! [`queue`], and a close frame says why this side has ended the connection.
use super::events::OutOfReach;
use super::json_rpc::{self, Caller, Reply, Subscriptions};
use super::seed::Seed;
use crate::http::answer::refuse;
use crate::http::answer_places::Asker;
use crate::http::queue::{Gone, Queue, queue};
use crate::http::streams::{Stream, Streams};
use crate::limits::{
    RPC_REQUEST_BYTES_MAX, STREAM_CALLS_BYTES_MAX, STREAM_CALLS_MAX, STREAM_GOODBYE,
    STREAM_PING_EVERY, STREAM_SILENCE_MAX,
};
use crate::metrics::{ClosedLabel, ListenerLabel};
use actix_http::ws::{self, CloseCode, CloseReason, Codec, Message};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse, Route, guard, web};
use frames::Read;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use incoming::Incoming;
use std::rc::Rc;
use tokio::time::Instant;
use tokio_util::codec::Encoder;

mod frames;
mod incoming;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use frames::given::given as frames_given;

/// Clients that are given one address for everything upgrade there.
pub(super) fn at_root() -> Route {
    web::get()
        .guard(guard::fn_guard(|asked| {
            let upgrade = asked.head().headers().get(header::UPGRADE);
            upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
        }))
        .to(upgrade)
}

pub(super) async fn upgrade(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    if !seed.is_no_foreign_page(request.headers(), Some(&seed.origins.get())) {
        return super::browsers::foreign_page();
    }
    let mut handshake = match ws::handshake(request.head()) {
        Ok(handshake) => handshake,
        Err(error) => {
            let sentence = format!("{error}: connect with a WebSocket client");
            return refuse(StatusCode::BAD_REQUEST, "no_web_socket", sentence);
        }
    };
    let Some(stream) = Streams::enter(&request) else {
        let sentence = "as many WebSockets and event streams are open as may; try again later";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence);
    };
    stream.connection.open();
    let (queue, outgoing) = queue();
    let asker = Asker::of(&request);
    let turn = stream.connection.turn.clone();
    turn.spawn(talk(seed, asker, stream, queue, payload));
    match handshake.message_body(outgoing) {
        Ok(response) => response.map_into_boxed_body().into(),
        Err(error) => crate::http::answer::trouble(&error),
    }
}

/// Why this side ends the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// The connection is gone.
    Gone,
    /// The other side has closed it, with this code.
    Theirs(CloseCode),
    /// A frame that no client sends.
    Protocol(String),
    TooLarge,
    NotUtf8,
    Silent,
    TooSlow(OutOfReach),
    Full,
    /// The node stops.
    Stop,
}

impl From<Gone> for End {
    fn from(_: Gone) -> End {
        End::Gone
    }
}

impl End {
    fn reason(&self) -> Option<(CloseCode, String)> {
        let too_large = || format!("a message holds at most {RPC_REQUEST_BYTES_MAX} bytes");
        Some(match self {
            End::Gone => return None,
            End::Theirs(code) => (*code, String::new()),
            End::Protocol(error) => (CloseCode::Protocol, error.clone()),
            End::TooLarge => (CloseCode::Size, too_large()),
            End::NotUtf8 => (CloseCode::Invalid, "a request is text in UTF-8".into()),
            End::Silent => (CloseCode::Policy, "no answer to pings".into()),
            End::TooSlow(error) => (CloseCode::Policy, format!("too slow: {error}")),
            End::Full => (CloseCode::Again, "somebody else has your place".into()),
            End::Stop => (CloseCode::Away, "the node stops".into()),
        })
    }

    fn label(&self) -> Option<ClosedLabel> {
        match self {
            End::Gone | End::Theirs(_) | End::Stop => None,
            End::Protocol(_) | End::TooLarge | End::NotUtf8 => Some(ClosedLabel::BadMessages),
            End::Silent => Some(ClosedLabel::Idle),
            End::TooSlow(_) => Some(ClosedLabel::SlowReader),
            End::Full => Some(ClosedLabel::Full),
        }
    }
}

async fn talk(seed: web::Data<Seed>, asker: Asker, stream: Stream, queue: Queue, payload: Payload) {
    let metrics = seed.metrics.clone();
    let mut incoming = Incoming::new(payload, stream.connection.clone());
    let subscriptions = Rc::new(Subscriptions::default());
    let end = tokio::select! {
        end = converse(&seed, &asker, &queue, &mut incoming, &subscriptions) => end,
        error = subscriptions.overtaken(&seed.events) => End::TooSlow(error),
        () = stream.pushed_out.notified() => End::Full,
        () = stream.node_stops() => End::Stop,
    };
    if let Some(label) = end.label() {
        metrics.closed(ListenerLabel::People, label);
    }
    if let Some((code, description)) = end.reason() {
        // 123 bytes fit into a close frame.
        let description = Some(description.chars().take(120).collect());
        let close = Message::Close(Some(CloseReason { code, description }));
        let goodbye = async {
            queue.put(frame(close), None).await?;
            // Cut off while it still sends, it would not read why. Whoever has closed sends no more.
            match end {
                End::Theirs(_) => stream.connection.closed_by_both(),
                _ => incoming.ignore().await,
            }
            Ok::<_, Gone>(())
        };
        // Whoever does not read does not hear why, either.
        let _ = tokio::time::timeout(STREAM_GOODBYE, goodbye).await;
    }
}

async fn converse(
    seed: &web::Data<Seed>,
    asker: &Asker,
    queue: &Queue,
    incoming: &mut Incoming,
    subscriptions: &Rc<Subscriptions>,
) -> End {
    let mut calls = FuturesUnordered::new();
    // The bytes of the requests in hand.
    let mut held = 0_usize;
    let mut news = seed.events.watch();
    let mut heard = Instant::now();
    let mut ping = tokio::time::interval(STREAM_PING_EVERY);
    loop {
        let behind = subscriptions.is_behind(&seed.events);
        let done = tokio::select! {
            () = queue.closed() => Err(End::Gone),
            _ = ping.tick() => match heard.elapsed() < STREAM_SILENCE_MAX {
                true => put(queue, Message::Ping(Bytes::new())).await,
                false => Err(End::Silent),
            },
            Some(answer) = calls.next() => {
                let answer: Answered = answer;
                held -= answer.request_bytes;
                reply(queue, subscriptions, answer).await
            }
            () = std::future::ready(()), if behind => tell(seed, queue, subscriptions).await,
            _ = news.changed(), if !behind => Ok(()),
            read = incoming.next(), if calls.len() < STREAM_CALLS_MAX && held < STREAM_CALLS_BYTES_MAX => {
                heard = Instant::now();
                match read {
                    Ok(Read::Request(request)) => {
                        held += request.len();
                        calls.push(call(seed.clone(), asker.clone(), subscriptions.clone(), request));
                        Ok(())
                    }
                    Ok(Read::Ping(payload)) => put(queue, Message::Pong(payload)).await,
                    Ok(Read::Pong) => Ok(()),
                    Err(end) => Err(end),
                }
            }
        };
        if let Err(end) = done {
            return end;
        }
    }
}

/// An answer, and the subscriptions that its calls have begun.
struct Answered {
    request_bytes: usize,
    reply: Option<Reply>,
    begun: Vec<u64>,
}

async fn call(
    seed: web::Data<Seed>,
    asker: Asker,
    subscriptions: Rc<Subscriptions>,
    request: Bytes,
) -> Answered {
    let caller = Caller::new(seed, asker, Some(subscriptions));
    let reply = json_rpc::answer(&caller, &request).await;
    let begun = caller.begun();
    Answered {
        request_bytes: request.len(),
        reply,
        begun,
    }
}

async fn reply(queue: &Queue, subscriptions: &Subscriptions, answer: Answered) -> Result<(), End> {
    if let Some(Reply { text, place }) = answer.reply {
        queue.put(frame(Message::Text(text.into())), place).await?;
    }
    subscriptions.answered(&answer.begun);
    Ok(())
}

async fn tell(seed: &Seed, queue: &Queue, subscriptions: &Subscriptions) -> Result<(), End> {
    let told = subscriptions.tell(&seed.events).map_err(End::TooSlow)?;
    for notification in told {
        put(queue, Message::Text(notification.into())).await?;
    }
    Ok(())
}

async fn put(queue: &Queue, message: Message) -> Result<(), End> {
    Ok(queue.put(frame(message), None).await?)
}

fn frame(message: Message) -> Bytes {
    let mut bytes = BytesMut::new();
    if let Err(error) = Codec::new().encode(message, &mut bytes) {
        log::error!("a frame could not be written: {error}");
    }
    bytes.freeze()
}
