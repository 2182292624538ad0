//! A request body within a size and a deadline.
use super::answer::refuse;
use crate::limits::BODY_DEADLINE;
use crate::metrics::{Metrics, RefusalLabel};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use lockstep_protocol::codec::CodecError;
use lockstep_protocol::wire::WireError;

/// Reads at most `limit` bytes within [`BODY_DEADLINE`], or says with which answer to refuse.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    metrics: &Metrics,
) -> Result<Bytes, HttpResponse> {
    let body = async {
        if announced(request) > limit as u64 {
            return Err(Cut::TooLarge);
        }
        collect(payload, limit).await
    };
    match tokio::time::timeout(BODY_DEADLINE, body).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Cut::TooLarge)) => {
            metrics.refusal(RefusalLabel::TooLarge);
            let sentence = format!("the body is longer than {limit} bytes");
            Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", sentence))
        }
        Ok(Err(Cut::Broken)) => {
            metrics.refusal(RefusalLabel::Malformed);
            Err(refuse(
                StatusCode::BAD_REQUEST,
                "malformed",
                "the body broke off",
            ))
        }
        Err(_) => {
            metrics.refusal(RefusalLabel::Slow);
            let sentence = format!("the body did not arrive within {BODY_DEADLINE:?}");
            Err(refuse(StatusCode::REQUEST_TIMEOUT, "too_slow", sentence))
        }
    }
}

/// What the head says of the body's length; a body in chunks announces nothing.
fn announced(request: &HttpRequest) -> u64 {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

enum Cut {
    TooLarge,
    Broken,
}

async fn collect(mut payload: Payload, limit: usize) -> Result<Bytes, Cut> {
    let mut next = async || match payload.next().await {
        Some(Ok(chunk)) => Ok(Some(chunk)),
        Some(Err(_)) => Err(Cut::Broken),
        None => Ok(None),
    };
    let Some(first) = next().await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limit {
        return Err(Cut::TooLarge);
    }
    // Most messages arrive whole: then nothing is copied.
    let Some(second) = next().await? else {
        return Ok(first);
    };
    let mut body = BytesMut::from(first.as_ref());
    let mut chunk = Some(second);
    while let Some(bytes) = chunk {
        if body.len() + bytes.len() > limit {
            return Err(Cut::TooLarge);
        }
        body.extend_from_slice(&bytes);
        chunk = next().await?;
    }
    Ok(body.freeze())
}

/// Counts and answers bytes that are no message of this chain.
pub(super) fn refuse_wire(error: &WireError, metrics: &Metrics) -> HttpResponse {
    let (label, status, code) = match error {
        WireError::Codec(CodecError::TooLarge { .. }) => (
            RefusalLabel::TooLarge,
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
        ),
        WireError::Codec(CodecError::Malformed { .. }) => (
            RefusalLabel::Malformed,
            StatusCode::BAD_REQUEST,
            "malformed",
        ),
        WireError::Version(_) => (RefusalLabel::Version, StatusCode::BAD_REQUEST, "version"),
        WireError::ForeignChain(_) => (
            RefusalLabel::ForeignChain,
            StatusCode::BAD_REQUEST,
            "foreign_chain",
        ),
        WireError::BodyMismatch => (
            RefusalLabel::BodyMismatch,
            StatusCode::BAD_REQUEST,
            "body_mismatch",
        ),
    };
    metrics.refusal(label);
    refuse(status, code, error.to_string())
}
