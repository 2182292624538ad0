//! What the bytes of a client mean: frames, put together to messages. No socket stands here.
use super::End;
use crate::limits::RPC_REQUEST_BYTES_MAX;
use actix_http::ws::{CloseCode, Codec, Frame, Item, ProtocolError};
use actix_web::web::{Bytes, BytesMut};
use tokio_util::codec::Decoder;

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod given;
#[cfg(test)]
mod tests;

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Request(Bytes),
    Ping(Bytes),
    Pong,
}

/// Frames of one connection, put together to messages.
pub(super) struct Frames {
    codec: Codec,
    bytes: BytesMut,
    /// The parts of a message that has come in several frames.
    parts: Option<BytesMut>,
}

impl Frames {
    pub(super) fn new() -> Frames {
        Frames {
            codec: Codec::new().max_size(RPC_REQUEST_BYTES_MAX),
            bytes: BytesMut::new(),
            parts: None,
        }
    }

    /// These bytes have come.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What the client has sent next; `None` until more has come.
    pub(super) fn next(&mut self) -> Result<Option<Read>, End> {
        loop {
            self.refuse_announced()?;
            let Some(frame) = self.codec.decode(&mut self.bytes).map_err(refused)? else {
                return Ok(None);
            };
            if let Some(read) = self.take(frame)? {
                return Ok(Some(read));
            }
        }
    }

    /// The codec waits for the whole of a frame before it looks at its length, and keeps what has come.
    /// So the length is judged as soon as the header says it, together with the parts before.
    fn refuse_announced(&self) -> Result<(), End> {
        let parts = self.parts.as_ref().map_or(0, BytesMut::len);
        let room = RPC_REQUEST_BYTES_MAX.saturating_sub(parts) as u64;
        let refusal = match announced(&self.bytes) {
            Some(Announced::Part(length)) if length > room => End::TooLarge,
            Some(Announced::Control(length)) if length > CONTROL_BYTES_MAX => {
                End::Protocol("a frame of control holds 125 bytes".into())
            }
            _ => return Ok(()),
        };
        // What is wrong with its first two bytes is said first, whether they came alone or not.
        let mut first = BytesMut::from(self.bytes.get(..2).unwrap_or_default());
        self.codec.clone().decode(&mut first).map_err(refused)?;
        Err(refusal)
    }

    fn take(&mut self, frame: Frame) -> Result<Option<Read>, End> {
        match frame {
            Frame::Text(whole) | Frame::Binary(whole) => request(whole).map(Some),
            Frame::Ping(payload) => Ok(Some(Read::Ping(payload))),
            Frame::Pong(_) => Ok(Some(Read::Pong)),
            Frame::Close(reason) => {
                let code = reason.map(|reason| reason.code);
                Err(End::Theirs(code.unwrap_or(CloseCode::Normal)))
            }
            Frame::Continuation(Item::FirstText(part) | Item::FirstBinary(part))
            | Frame::Continuation(Item::Continue(part)) => {
                self.parts.get_or_insert_default().extend_from_slice(&part);
                Ok(None)
            }
            Frame::Continuation(Item::Last(part)) => {
                let mut whole = self.parts.take().unwrap_or_default();
                whole.extend_from_slice(&part);
                request(whole.freeze()).map(Some)
            }
        }
    }
}

/// Some clients send their text in binary frames.
fn request(whole: Bytes) -> Result<Read, End> {
    match std::str::from_utf8(&whole) {
        Ok(_) => Ok(Read::Request(whole)),
        Err(_) => Err(End::NotUtf8),
    }
}

/// Of a frame of control (RFC 6455, section 5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// The length of the payload that a header says.
enum Announced {
    Part(u64),
    Control(u64),
}

/// Of the frame that begins here, once its header has come (RFC 6455, section 5.2).
fn announced(bytes: &[u8]) -> Option<Announced> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let length = match second & 0x7f {
        126 => u16::from_be_bytes(*rest.first_chunk()?).into(),
        127 => u64::from_be_bytes(*rest.first_chunk()?),
        short => short.into(),
    };
    Some(match first & 0x08 {
        0 => Announced::Part(length),
        _ => Announced::Control(length),
    })
}

fn refused(error: ProtocolError) -> End {
    match error {
        ProtocolError::Overflow => End::TooLarge,
        other => End::Protocol(other.to_string()),
    }
}
