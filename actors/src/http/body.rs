//! A request body within a size, a deadline and a budget, as its bytes are and not as an encoding
//! says: a compressed body is refused unread.
use super::answer::{Refused, refuse, refuse_bad, wire_sentence};
use super::answer_places::Asker;
use super::bodies::{Bodies, BodyPlace, NoRoom};
use super::connection::Connection;
use crate::limits::BODY_DEADLINE;
use crate::metrics::{Metrics, RefusalLabel};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use lockstep_protocol::codec::CodecError;
use lockstep_protocol::wire::WireError;
use std::rc::Rc;
use tokio::time::Instant;

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    Encoded,
    TooLarge(usize),
    Broken,
    Slow,
    Busy,
}

impl From<NoRoom> for BodyError {
    fn from(_: NoRoom) -> BodyError {
        BodyError::Busy
    }
}

/// A body on its way in.
pub(crate) struct Body {
    payload: Payload,
    connection: Option<Rc<Connection>>,
    asker: Asker,
    limit: usize,
    announced: usize,
    until: Instant,
    /// The only chunk so far: most messages arrive whole, and then nothing is copied.
    first: Bytes,
    /// All chunks, once there are two.
    all: BytesMut,
    ended: bool,
}

/// A body that has come, with its part of a budget.
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    /// Given back when the message has been handled.
    pub(crate) place: Option<BodyPlace>,
}

impl Body {
    /// Looks at the head only.
    pub(crate) fn open(
        request: &HttpRequest,
        payload: Payload,
        limit: usize,
    ) -> Result<Body, BodyError> {
        let encoding = request.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(BodyError::Encoded);
        }
        let announced = announced(request);
        if announced > limit as u64 {
            return Err(BodyError::TooLarge(limit));
        }
        Ok(Body {
            payload,
            connection: request.conn_data::<Rc<Connection>>().cloned(),
            asker: Asker::of(request),
            limit,
            announced: usize::try_from(announced).unwrap_or(limit),
            until: Instant::now() + BODY_DEADLINE,
            first: Bytes::new(),
            all: BytesMut::new(),
            ended: false,
        })
    }

    /// What has come so far.
    pub(crate) fn so_far(&self) -> &[u8] {
        if self.all.is_empty() {
            &self.first
        } else {
            &self.all
        }
    }

    /// Reads until `bytes` have come, or all there are.
    pub(crate) async fn at_least(&mut self, bytes: usize) -> Result<(), BodyError> {
        while !self.ended && self.so_far().len() < bytes {
            if let Some(chunk) = self.chunk().await? {
                self.taken(&chunk);
                self.keep(chunk)?;
            }
        }
        Ok(())
    }

    /// Reads to the end; what is longer than a connection has room for takes its part of `bodies` as
    /// it comes.
    pub(crate) async fn whole(mut self, bodies: Option<&Bodies>) -> Result<Whole, BodyError> {
        let place = bodies.map(|bodies| bodies.open(&self.asker));
        if let Some(place) = &place {
            place.hold(self.so_far().len()).await?;
        }
        while !self.ended {
            let pushed_out = async {
                match &place {
                    Some(place) => place.pushed_out().await,
                    None => std::future::pending().await,
                }
            };
            let chunk = tokio::select! {
                chunk = self.chunk() => chunk?,
                () = pushed_out => return Err(BodyError::Busy),
            };
            let Some(chunk) = chunk else {
                break;
            };
            if let Some(place) = &place {
                place.hold(self.so_far().len() + chunk.len()).await?;
            }
            // Not before there is room for it: until then no more of it is read.
            self.taken(&chunk);
            self.keep(chunk)?;
        }
        if let Some(place) = &place {
            place.is_whole();
        }
        if let Some(connection) = &self.connection {
            connection.complete(Instant::now());
        }
        let bytes = if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        };
        Ok(Whole { bytes, place })
    }

    /// Reads to the end and keeps nothing: an honest sender wants to be heard out.
    pub(crate) async fn ignore(mut self) -> Result<(), BodyError> {
        let mut length = self.so_far().len();
        while !self.ended {
            if let Some(chunk) = self.chunk().await? {
                self.taken(&chunk);
                length += chunk.len();
            }
            if length > self.limit {
                return Err(BodyError::TooLarge(self.limit));
            }
        }
        if let Some(connection) = &self.connection {
            connection.complete(Instant::now());
        }
        Ok(())
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        let next = tokio::time::timeout_at(self.until, self.payload.next()).await;
        match next.map_err(|_| BodyError::Slow)? {
            Some(Ok(chunk)) => Ok(Some(chunk)),
            Some(Err(_)) => Err(BodyError::Broken),
            None => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    fn taken(&self, chunk: &Bytes) {
        if let Some(connection) = &self.connection {
            connection.taken(chunk.len());
        }
    }

    fn keep(&mut self, chunk: Bytes) -> Result<(), BodyError> {
        let length = self.so_far().len() + chunk.len();
        if length > self.limit {
            return Err(BodyError::TooLarge(self.limit));
        }
        if self.so_far().is_empty() {
            self.first = chunk;
            return Ok(());
        }
        if self.all.capacity() < length {
            // As much again as has come, at the most: what is only announced has no place yet, and
            // costs whoever announces it nothing.
            let room = self.announced.clamp(length, 2 * length);
            let before = std::mem::replace(&mut self.all, BytesMut::with_capacity(room));
            self.all.extend_from_slice(&before);
        }
        self.all.extend_from_slice(&std::mem::take(&mut self.first));
        self.all.extend_from_slice(&chunk);
        Ok(())
    }
}

/// What the head says of the body's length; a body in chunks announces nothing.
fn announced(request: &HttpRequest) -> u64 {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

/// Refuses a body that does not say that it is `media`, `what` to people. A page in a browser cannot say
/// so elsewhere without being asked.
pub(crate) fn demand_type(request: &HttpRequest, what: &str, media: &str) -> Result<(), Refused> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let without_parameters = kind.split(';').next().unwrap_or_default().trim();
    if without_parameters.eq_ignore_ascii_case(media) {
        return Ok(());
    }
    let sentence = format!("send {what}, with the header Content-Type: {media}");
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(refuse(status, "content_type", sentence).into())
}

/// Reads a whole body. A kind without a budget of `bodies` is bounded by its connection.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    bodies: Option<&Bodies>,
    metrics: &Metrics,
) -> Result<Whole, HttpResponse> {
    let body = match Body::open(request, payload, limit) {
        Ok(body) => body.whole(bodies).await,
        Err(error) => Err(error),
    };
    body.map_err(|error| refuse_body(error, metrics))
}

/// Counts and answers a body that was not read to its end.
pub(crate) fn refuse_body(error: BodyError, metrics: &Metrics) -> HttpResponse {
    let (label, status, code, sentence) = match error {
        BodyError::Encoded => (
            RefusalLabel::Encoded,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "encoded",
            "bodies are read as they are: send it without Content-Encoding".into(),
        ),
        BodyError::TooLarge(limit) => (
            RefusalLabel::TooLarge,
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body is longer than {limit} bytes"),
        ),
        BodyError::Broken => (
            RefusalLabel::Malformed,
            StatusCode::BAD_REQUEST,
            "malformed",
            "the body broke off".into(),
        ),
        BodyError::Slow => (
            RefusalLabel::Slow,
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            format!("the body did not arrive within {BODY_DEADLINE:?}"),
        ),
        BodyError::Busy => {
            metrics.refusal(RefusalLabel::Busy);
            let sentence = "other bodies are being read; try again in a moment";
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence);
        }
    };
    metrics.refusal(label);
    refuse_bad(status, code, sentence)
}

/// Counts and answers bytes that are no message of this chain.
pub(crate) fn refuse_wire(error: &WireError, metrics: &Metrics) -> HttpResponse {
    metrics.refusal(match error {
        WireError::Codec(CodecError::TooLarge { .. }) => RefusalLabel::TooLarge,
        WireError::Codec(CodecError::Malformed { .. }) => RefusalLabel::Malformed,
        WireError::Version(_) => RefusalLabel::Version,
        WireError::ForeignChain(_) => RefusalLabel::ForeignChain,
        WireError::BodyMismatch => RefusalLabel::BodyMismatch,
    });
    let status = match error {
        WireError::Codec(CodecError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    refuse_bad(status, error.code(), wire_sentence(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::FromRequest;
    use actix_web::test::TestRequest;
    use lockstep_protocol::limits::PROPOSAL_BYTES_MAX;

    fn announcing(bytes: usize) -> Body {
        let request = TestRequest::post().insert_header((header::CONTENT_LENGTH, bytes));
        let (request, mut payload) = request.to_http_parts();
        let payload = Payload::from_request(&request, &mut payload).into_inner();
        let payload = payload.expect("any request has a payload");
        Body::open(&request, payload, PROPOSAL_BYTES_MAX).expect("it is within its limit")
    }

    /// With the second chunk all that was announced was set aside, before a signature was seen and
    /// before the budget of bodies was asked.
    #[test]
    fn a_body_that_is_only_announced_holds_no_memory() {
        let mut body = announcing(PROPOSAL_BYTES_MAX);
        let chunk = Bytes::from(vec![7; 1_000]);
        while body.so_far().len() < PROPOSAL_BYTES_MAX - chunk.len() {
            body.keep(chunk.clone()).expect("it is within its limit");
            let held = body.all.capacity();
            let came = body.so_far().len();
            assert!(held <= 2 * came, "{held} bytes set aside for {came}");
        }
        assert!(
            body.all.capacity() <= PROPOSAL_BYTES_MAX,
            "nor more than will come"
        );
        assert!(body.so_far().iter().all(|byte| *byte == 7));
    }
}
