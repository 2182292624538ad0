//! Where one request ends and the next begins. The HTTP library decodes all that it is given, and
//! keeps some 7 kB for each head. So it is given one request, and the next one when that is answered.
//!
//! Nothing is decided here but how far the library may read. Whatever two readers could understand
//! in two ways is refused as malformed.
use crate::limits::{HEAD_BYTES_MAX, HEAD_LINES_MAX};
use actix_web::http::Uri;

/// Why a head is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum HeadRefusal {
    /// More bytes, or more lines, than a head may have.
    TooLong,
    /// No head of HTTP/1.x, or one whose body has no certain end.
    Malformed,
}

/// What is to be done with the bytes that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// So many may go on, at least one.
    Pass(usize),
    /// More are wanted first.
    More,
    /// Nothing, until the request is answered.
    Wait,
    /// None of them: they begin with no head.
    Refuse(HeadRefusal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// So many bytes have been searched for its end.
    Head { searched: usize, line: Line },
    /// So many bytes are left of the head and a body of known length; then perhaps chunks.
    Sized { left: u64, is_chunked: bool },
    /// The rest of a body in chunks.
    Chunks(Chunks),
    /// All of the request has been passed on.
    Over,
    /// No requests follow: a stream of frames.
    Open,
}

const HEAD: Part = Part::Head {
    searched: 0,
    line: Line::None,
};

/// Where the search for an empty line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Empty lines before a request are skipped, as the library does.
    None,
    Begun,
    Ended,
    /// After the end of a line and a carriage return.
    Return,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    part: Part,
    is_answered: bool,
}

impl Framing {
    pub(super) fn new() -> Framing {
        Framing {
            part: HEAD,
            is_answered: false,
        }
    }

    /// The request is answered: the next one may follow, behind what is left of the body.
    pub(super) fn answered(&mut self) {
        match self.part {
            Part::Over => self.part = HEAD,
            Part::Head { .. } | Part::Open => {}
            Part::Sized { .. } | Part::Chunks(_) => self.is_answered = true,
        }
    }

    pub(super) fn open(&mut self) {
        self.part = Part::Open;
    }

    /// Whether a stream of frames comes, and no request.
    pub(super) fn is_open(&self) -> bool {
        self.part == Part::Open
    }

    /// A request of so many bytes stands instead of the one that was refused.
    pub(super) fn instead(&mut self, bytes: usize) {
        let left = bytes as u64;
        let is_chunked = false;
        self.part = Part::Sized { left, is_chunked };
    }

    /// How many bytes may go on unseen.
    pub(super) fn unseen(&self) -> usize {
        match self.part {
            Part::Sized { left, .. } => usize::try_from(left).unwrap_or(usize::MAX),
            Part::Open => usize::MAX,
            Part::Head { .. } | Part::Chunks(_) | Part::Over => 0,
        }
    }

    /// What is to be done with the bytes that are held. A head may change in its place.
    pub(super) fn next(&mut self, held: &mut [u8]) -> Next {
        if let Part::Head { searched, line } = &mut self.part {
            let Some(head) = end_of_head(held, searched, line) else {
                return match held.len() < HEAD_BYTES_MAX {
                    true => Next::More,
                    false => Next::Refuse(HeadRefusal::TooLong),
                };
            };
            match body(&held[..head]) {
                Ok((bytes, is_chunked)) => {
                    let left = bytes.saturating_add(head as u64);
                    self.part = Part::Sized { left, is_chunked };
                    ignore_offer(&mut held[..head]);
                }
                Err(refusal) => return Next::Refuse(refusal),
            }
        }
        let may_pass = match self.part {
            Part::Head { .. } => 0,
            Part::Over => return Next::Wait,
            Part::Chunks(mut chunks) => chunks.take(held),
            Part::Sized { .. } | Part::Open => held.len().min(self.unseen()),
        };
        match may_pass {
            0 => Next::More,
            bytes => Next::Pass(bytes),
        }
    }

    /// These bytes, as many as might, have gone on.
    pub(super) fn passed(&mut self, bytes: &[u8]) {
        match &mut self.part {
            Part::Sized { left, is_chunked } => {
                *left = left.saturating_sub(bytes.len() as u64);
                if *left == 0 {
                    self.part = match is_chunked {
                        true => Part::Chunks(Chunks::default()),
                        false => Part::Over,
                    };
                }
            }
            Part::Chunks(chunks) => {
                chunks.take(bytes);
                if chunks.at == At::End {
                    self.part = Part::Over;
                }
            }
            Part::Head { .. } | Part::Over | Part::Open => {}
        }
        if self.part == Part::Over && std::mem::take(&mut self.is_answered) {
            self.part = HEAD;
        }
    }
}

/// How long the head is; `None` if its empty line has not come.
fn end_of_head(held: &[u8], searched: &mut usize, line: &mut Line) -> Option<usize> {
    while let Some(byte) = held.get(*searched) {
        *searched += 1;
        *line = match (*line, byte) {
            (Line::None, b'\r' | b'\n') => Line::None,
            (Line::Ended | Line::Return, b'\n') => return Some(*searched),
            (_, b'\n') => Line::Ended,
            (Line::Ended, b'\r') => Line::Return,
            _ => Line::Begun,
        };
    }
    None
}

/// The length of the body that follows this head, or that it comes in chunks.
fn body(head: &[u8]) -> Result<(u64, bool), HeadRefusal> {
    let mut lines = [httparse::EMPTY_HEADER; HEAD_LINES_MAX];
    let mut request = httparse::Request::new(&mut lines);
    match request.parse(head) {
        Ok(httparse::Status::Complete(bytes)) if bytes == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(HeadRefusal::TooLong),
        _ => return Err(HeadRefusal::Malformed),
    }
    // The library answers such a target with an error of its own, without a body.
    let path = request.path.ok_or(HeadRefusal::Malformed)?;
    Uri::try_from(path).map_err(|_| HeadRefusal::Malformed)?;
    let (mut body, mut hosts) = (None, 0);
    let is_newer = request.version == Some(1);
    for line in &*request.headers {
        let is = |name: &str| line.name.eq_ignore_ascii_case(name);
        let is_chunked = || line.value.trim_ascii().eq_ignore_ascii_case(b"chunked");
        let this = if is("content-length") {
            (length(line.value)?, false)
        } else if is("transfer-encoding") && is_newer && is_chunked() {
            (0, true)
        } else if is("transfer-encoding") {
            return Err(HeadRefusal::Malformed);
        } else {
            hosts += usize::from(is("host"));
            continue;
        };
        if body.replace(this).is_some() {
            return Err(HeadRefusal::Malformed);
        }
    }
    match hosts {
        0 if is_newer => Err(HeadRefusal::Malformed),
        0 | 1 => Ok(body.unwrap_or((0, false))),
        _ => Err(HeadRefusal::Malformed),
    }
}

/// Only a WebSocket is switched to. An offer of anything else (Java's client offers HTTP/2 in each
/// request) is blanked out: the library would close the connection behind the answer, and not say so.
fn ignore_offer(head: &mut [u8]) {
    let is = |name: &[u8], other: &str| name.trim_ascii().eq_ignore_ascii_case(other.as_bytes());
    let to_web_socket = head.split(|byte| *byte == b'\n').any(|line| {
        let (name, value) = line.split_at(name_length(line));
        is(name, "upgrade") && is(value.get(1..).unwrap_or_default(), "websocket")
    });
    if to_web_socket {
        return;
    }
    for line in head.split_mut(|byte| *byte == b'\n') {
        let (name, value) = line.split_at_mut(name_length(line));
        if !is(name, "connection") {
            continue;
        }
        let options = value.split_mut(|byte| matches!(byte, b',' | b':'));
        for offer in options.filter(|option| is(option, "upgrade")) {
            let end = offer.trim_ascii_end().len();
            offer[..end].fill(b' ');
        }
    }
}

/// Up to the colon.
fn name_length(line: &[u8]) -> usize {
    let colon = line.iter().position(|byte| *byte == b':');
    colon.unwrap_or(line.len())
}

fn length(value: &[u8]) -> Result<u64, HeadRefusal> {
    let value = value.trim_ascii();
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value).ok().filter(|_| is_number);
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or(HeadRefusal::Malformed)
}

/// How far a body in chunks has come. It takes more for chunks than the library does, so that it never
/// ends one early: what is malformed is the library's to refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Chunks {
    at: At,
    /// Bytes of the chunk that are still to come.
    size: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    /// Behind the size, up to the end of its line.
    Extension,
    Data,
    /// The end of the line behind a chunk.
    Behind,
    /// Lines behind the last chunk; whether the one under way is empty so far.
    Trailer(bool),
    /// … behind its carriage return. A new line alone is a part of a line, as the library has it.
    Return(bool),
    End,
}

impl Chunks {
    /// How many of these bytes belong to the body.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Some(byte) = bytes.get(taken).filter(|_| self.at != At::End) {
            if self.at == At::Data {
                let left = bytes.len() - taken;
                let some = usize::try_from(self.size).map_or(left, |size| size.min(left));
                self.size -= some as u64;
                taken += some;
                if self.size == 0 {
                    self.at = At::Behind;
                }
                continue;
            }
            taken += 1;
            self.step(*byte);
        }
        taken
    }

    fn step(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (At::Size | At::Extension, b'\n') if self.size > 0 => At::Data,
            (At::Size | At::Extension, b'\n') => At::Trailer(true),
            (At::Size, _) => match char::from(byte).to_digit(16) {
                Some(digit) => {
                    let size = self.size.saturating_mul(16);
                    self.size = size.saturating_add(u64::from(digit));
                    At::Size
                }
                None => At::Extension,
            },
            (At::Behind, b'\n') => At::Size,
            (At::Trailer(is_empty), b'\r') => At::Return(is_empty),
            (At::Trailer(_), _) => At::Trailer(false),
            (At::Return(true), b'\n') => At::End,
            (At::Return(false), b'\n') => At::Trailer(true),
            (at, _) => at,
        };
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod given;
#[cfg(test)]
mod tests;
