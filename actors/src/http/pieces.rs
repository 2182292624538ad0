//! A long answer that goes out piece by piece and keeps its place until the last piece has gone:
//! whoever reads slowly holds a place, not a second copy in a socket's buffer.
use super::answer_places::AnswerPlace;
use crate::limits::ANSWER_PIECE_BYTES;
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

impl Pieces {
    pub(crate) fn new(bytes: Bytes, place: AnswerPlace) -> Pieces {
        let is_long = bytes.len() > ANSWER_PIECE_BYTES;
        Pieces {
            left: bytes,
            place: is_long.then_some(place),
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
        Poll::Ready(Some(Ok(self.left.split_to(piece))))
    }
}
