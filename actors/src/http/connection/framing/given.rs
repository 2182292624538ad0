//! Bytes in pieces of any lengths, and the HTTP library's own reading of what goes on: for tests, and
//! for the fuzzer.
use super::{Framing, HEAD_BYTES_MAX, HeadRefusal, Next, Part};
use actix_http::ServiceConfig;
use actix_http::h1::{Codec, Message, MessageType};
use actix_web::web::BytesMut;
use tokio_util::codec::Decoder;

/// When a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// As soon as its head has gone on.
    Early,
    /// When all of it has.
    Late,
}

/// What has become of the bytes.
pub(crate) struct Given {
    /// What went on, request by request.
    pub(crate) requests: Vec<Vec<u8>>,
    /// … and of one that is not whole yet.
    pub(crate) begun: Vec<u8>,
    pub(super) refusal: Option<HeadRefusal>,
    /// The most bytes that were held when more were asked for.
    pub(crate) held: usize,
}

impl Given {
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refusal.map(|refusal| format!("{refusal:?}"))
    }
}

/// As the connection reads: never so much that more than a head is held.
pub(crate) fn given(mut bytes: &[u8], pieces: &[usize], answered: Answered) -> Given {
    let (mut framing, mut held) = (Framing::new(), Vec::new());
    let mut pieces = pieces.iter().cycle();
    let mut given = Given {
        requests: Vec::new(),
        begun: Vec::new(),
        refusal: None,
        held: 0,
    };
    loop {
        let is_first = matches!(framing.part, Part::Head { .. });
        match framing.next(&mut held) {
            Next::Pass(length) => {
                let passed: Vec<u8> = held.drain(..length).collect();
                framing.passed(&passed);
                given.begun.extend(passed);
                if is_first && answered == Answered::Early {
                    framing.answered();
                }
                if matches!(framing.part, Part::Head { .. }) {
                    given.requests.push(std::mem::take(&mut given.begun));
                }
            }
            Next::Wait => {
                given.requests.push(std::mem::take(&mut given.begun));
                framing.answered();
            }
            Next::More => {
                given.held = given.held.max(held.len());
                let Some(length) = pieces.next().filter(|_| !bytes.is_empty()) else {
                    return given;
                };
                let room = HEAD_BYTES_MAX.saturating_sub(held.len()).min(bytes.len());
                let (piece, rest) = bytes.split_at((*length).clamp(1, room.max(1)));
                held.extend_from_slice(piece);
                bytes = rest;
            }
            Next::Refuse(refusal) => {
                given.refusal = Some(refusal);
                return given;
            }
        }
    }
}

/// What the library makes of bytes that it is given for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// One request, of which these are all bytes.
    One,
    /// It closes the connection.
    Refuses,
    /// It waits for more of them.
    Waits,
    /// It would go on with another request.
    GoesOn,
}

thread_local! {
    /// Only within a runtime the library makes its settings.
    static SETTINGS: (ServiceConfig, actix_rt::Runtime) = {
        let runtime = actix_rt::Runtime::new().expect("a runtime");
        (runtime.block_on(async { ServiceConfig::default() }), runtime)
    };
}

pub(crate) fn library(request: &[u8]) -> Library {
    let mut codec = SETTINGS.with(|(settings, _)| Codec::new(settings.clone()));
    let mut bytes = BytesMut::from(request);
    let mut is_begun = false;
    loop {
        let is_over = is_begun && codec.message_type() == MessageType::None;
        if is_over {
            return match bytes.is_empty() {
                true => Library::One,
                false => Library::GoesOn,
            };
        }
        match codec.decode(&mut bytes) {
            Ok(Some(Message::Item(_))) => is_begun = true,
            Ok(Some(Message::Chunk(_))) => {}
            Ok(None) if is_begun && codec.message_type() == MessageType::Stream => {
                return Library::One;
            }
            Ok(None) => return Library::Waits,
            Err(_) => return Library::Refuses,
        }
    }
}
