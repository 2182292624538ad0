//! What a client sends: frames, put together to messages.
use super::End;
use crate::http::connection::Connection;
use crate::limits::RPC_REQUEST_BYTES_MAX;
use actix_http::ws::{CloseCode, Codec, Frame, Item, ProtocolError};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use std::rc::Rc;
use tokio_util::codec::Decoder;

/// What a client has sent.
pub(super) enum Read {
    Request(Bytes),
    Ping(Bytes),
    Pong,
}

/// Frames of one connection, put together to messages.
pub(super) struct Incoming {
    payload: Payload,
    connection: Rc<Connection>,
    codec: Codec,
    bytes: BytesMut,
    /// The parts of a message that has come in several frames.
    parts: Option<BytesMut>,
}

impl Incoming {
    pub(super) fn new(payload: Payload, connection: Rc<Connection>) -> Incoming {
        Incoming {
            payload,
            connection,
            codec: Codec::new().max_size(RPC_REQUEST_BYTES_MAX),
            bytes: BytesMut::new(),
            parts: None,
        }
    }

    /// Until the other side has nothing more to say: it has closed, or it is gone.
    pub(super) async fn ignore(&mut self) {
        loop {
            match self.next().await {
                Ok(_) => {}
                Err(End::Gone | End::Theirs(_)) => return,
                // What comes now cannot be read as frames.
                Err(_) => break,
            }
        }
        while let Some(Ok(chunk)) = self.payload.next().await {
            self.connection.taken(chunk.len());
        }
    }

    /// Nothing is lost if the future is dropped: what has come stays in here.
    pub(super) async fn next(&mut self) -> Result<Read, End> {
        loop {
            self.refuse_announced()?;
            if let Some(frame) = self.codec.decode(&mut self.bytes).map_err(refused)? {
                match self.take(frame)? {
                    Some(read) => return Ok(read),
                    None => continue,
                }
            }
            match self.payload.next().await {
                Some(Ok(chunk)) => {
                    self.connection.taken(chunk.len());
                    self.bytes.extend_from_slice(&chunk);
                }
                Some(Err(_)) | None => return Err(End::Gone),
            }
        }
    }

    /// The codec waits for the whole of a frame before it looks at its length, and keeps what has come.
    /// So the length is judged as soon as the header says it, together with the parts before.
    fn refuse_announced(&self) -> Result<(), End> {
        let parts = self.parts.as_ref().map_or(0, BytesMut::len);
        let room = RPC_REQUEST_BYTES_MAX.saturating_sub(parts) as u64;
        match announced(&self.bytes) {
            Some(Announced::Part(length)) if length > room => Err(End::TooLarge),
            Some(Announced::Control(length)) if length > CONTROL_BYTES_MAX => {
                Err(End::Protocol("a frame of control holds 125 bytes".into()))
            }
            _ => Ok(()),
        }
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
