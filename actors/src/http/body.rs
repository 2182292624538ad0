//! A request body within a size, a deadline and a budget, as its bytes are and not as an encoding
//! says: a compressed body is refused unread.
use super::answer::{refuse, refuse_bad, wire_code, wire_sentence};
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
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// What one permit of a budget stands for.
const UNIT_BYTES: usize = 1_024;

/// Permits for so many bytes of bodies.
pub(crate) fn budget(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(bytes / UNIT_BYTES))
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    Encoded,
    TooLarge(usize),
    Broken,
    Slow,
    Busy,
}

/// A body on its way in.
pub(crate) struct Body {
    payload: Payload,
    connection: Option<Rc<Connection>>,
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
    pub(crate) place: Option<OwnedSemaphorePermit>,
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
                self.keep(chunk)?;
            }
        }
        Ok(())
    }

    /// Reads to the end; what is longer than one window takes its part of `budget` as it comes.
    pub(crate) async fn whole(
        mut self,
        budget: Option<&Arc<Semaphore>>,
    ) -> Result<Whole, BodyError> {
        let mut place: Option<OwnedSemaphorePermit> = None;
        loop {
            if let Some(budget) = budget {
                let held = place.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
                let more = self
                    .so_far()
                    .len()
                    .div_ceil(UNIT_BYTES)
                    .saturating_sub(held);
                if more > 0 {
                    let more = u32::try_from(more).unwrap_or(u32::MAX);
                    let taken = budget.clone().try_acquire_many_owned(more);
                    let taken = taken.map_err(|_| BodyError::Busy)?;
                    match &mut place {
                        Some(place) => place.merge(taken),
                        None => place = Some(taken),
                    }
                }
            }
            if self.ended {
                break;
            }
            if let Some(chunk) = self.chunk().await? {
                self.keep(chunk)?;
            }
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
            length += self.chunk().await?.map_or(0, |chunk| chunk.len());
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
            Some(Ok(chunk)) => {
                if let Some(connection) = &self.connection {
                    connection.taken(chunk.len());
                }
                Ok(Some(chunk))
            }
            Some(Err(_)) => Err(BodyError::Broken),
            None => {
                self.ended = true;
                Ok(None)
            }
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

/// Reads a whole body. A kind that needs no `budget` is bounded by its connection.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    budget: Option<&Arc<Semaphore>>,
    metrics: &Metrics,
) -> Result<Whole, HttpResponse> {
    let body = match Body::open(request, payload, limit) {
        Ok(body) => body.whole(budget).await,
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
    refuse_bad(status, wire_code(error), wire_sentence(error))
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
            let (held, came) = (body.all.capacity(), body.so_far().len());
            assert!(held <= 2 * came, "{held} bytes set aside for {came}");
        }
        assert!(
            body.all.capacity() <= PROPOSAL_BYTES_MAX,
            "nor more than will come"
        );
        assert!(body.so_far().iter().all(|byte| *byte == 7));
    }
}
