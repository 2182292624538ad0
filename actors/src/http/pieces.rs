//! A long answer that goes out piece by piece and keeps its place until the last piece's turn:
//! whoever reads slowly holds a place, not a second copy in a socket's buffer. The last piece is part
//! of the connection's share, so an answer of two pieces holds a place only while it is made.
use super::answer_places::AnswerPlace;
use crate::limits::{ANSWER_PIECE_BYTES, SHORT_ANSWER_BYTES_MAX};
use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The answer.
pub(crate) struct Pieces {
    left: Bytes,
    /// `None` for a short answer: its connection bounds it.
    place: Option<AnswerPlace>,
}

/// A text that was made with a place, on another thread. A short one gives its place back here, not when
/// its connection has its turn; a long one keeps it until it is written.
pub(crate) struct Made {
    bytes: Bytes,
    place: Option<AnswerPlace>,
}

impl Made {
    pub(crate) fn with(place: AnswerPlace, bytes: impl Into<Bytes>) -> Made {
        let bytes = bytes.into();
        let is_long = bytes.len() > SHORT_ANSWER_BYTES_MAX;
        Made {
            bytes,
            place: is_long.then_some(place),
        }
    }

    /// Every answer whose length nothing else bounds goes out this way.
    pub(crate) fn answer(self, media: &'static str) -> HttpResponse {
        let pieces = Pieces::new(self.bytes, self.place);
        HttpResponse::Ok().content_type(media).body(pieces)
    }
}

impl Pieces {
    /// Without a place: no more than [`SHORT_ANSWER_BYTES_MAX`](crate::limits::SHORT_ANSWER_BYTES_MAX).
    pub(crate) fn new(bytes: Bytes, place: Option<AnswerPlace>) -> Pieces {
        let is_long = bytes.len() > ANSWER_PIECE_BYTES;
        Pieces {
            left: bytes,
            place: place.filter(|_| is_long),
        }
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(place) = &self.place {
            place.moved();
        }
        let piece = self.left.len().min(ANSWER_PIECE_BYTES);
        let piece = self.left.split_to(piece);
        if self.left.len() <= ANSWER_PIECE_BYTES && self.place.take().is_some() {
            // What is left would hold the whole answer.
            self.left = Bytes::copy_from_slice(&self.left);
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answer_places::{AnswerPlaces, Asker};
    use crate::http::places::Merit;
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::time::Duration;

    /// An answer of so many bytes, each another one than its neighbours; its pieces, and after how many of
    /// them its place was free.
    fn pieces(bytes: usize) -> (Vec<Bytes>, usize) {
        let asker = Asker {
            from: Ipv4Addr::LOCALHOST.into(),
            merit: Merit::Stranger,
            pushed_out: Arc::default(),
        };
        let places = AnswerPlaces::new(1, Duration::from_secs(60));
        let place = places.enter(&asker).expect("a place");
        let whole: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
        let mut answer = Pieces::new(whole.clone().into(), Some(place));
        let mut pieces = Vec::new();
        let mut free_after = None;
        loop {
            if free_after.is_none() && places.enter(&asker).is_some() {
                free_after = Some(pieces.len());
            }
            let next =
                Pin::new(&mut answer).poll_next(&mut Context::from_waker(std::task::Waker::noop()));
            match next {
                Poll::Ready(Some(Ok(piece))) => pieces.push(piece),
                _ => break,
            }
        }
        assert_eq!(pieces.concat(), whole);
        (pieces, free_after.expect("in the end"))
    }

    #[test]
    fn a_place_is_held_until_one_piece_is_left() {
        let piece = ANSWER_PIECE_BYTES;
        for (bytes, count, free_after) in [
            (1, 1, 0),
            (piece, 1, 0),
            (piece + 1, 2, 1),
            (2 * piece, 2, 1),
            (2 * piece + 1, 3, 2),
            (9 * piece, 9, 8),
        ] {
            let (pieces, free) = pieces(bytes);
            assert_eq!((pieces.len(), free), (count, free_after), "{bytes}");
        }
    }
}
