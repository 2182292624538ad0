//! What waits to be written to one connection that stays, bounded in messages and bytes. Whoever puts
//! something in waits for room; whoever reads slowly thus holds up nobody but itself, and what it
//! misses meanwhile it is told by its number.
use super::answer_places::AnswerPlace;
use crate::limits::{ANSWER_PIECE_BYTES, STREAM_QUEUE_BYTES_MAX, STREAM_QUEUE_MESSAGES_MAX};
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The connection is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

struct Queued {
    left: Bytes,
    _room: OwnedSemaphorePermit,
    /// Of a long answer.
    place: Option<AnswerPlace>,
}

/// Where messages are put in.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

/// Where they come out: the body of an answer without an end.
pub(crate) struct Outgoing {
    receiver: mpsc::Receiver<Queued>,
    current: Option<Queued>,
}

pub(crate) fn queue() -> (Queue, Outgoing) {
    let (sender, receiver) = mpsc::channel(STREAM_QUEUE_MESSAGES_MAX);
    let room = Arc::new(Semaphore::new(STREAM_QUEUE_BYTES_MAX));
    let current = None;
    (Queue { sender, room }, Outgoing { receiver, current })
}

impl Queue {
    /// Waits for room. A message longer than all the room waits until it is alone.
    pub(crate) async fn put(&self, left: Bytes, place: Option<AnswerPlace>) -> Result<(), Gone> {
        // From now on it is up to the reader.
        if let Some(place) = &place {
            place.moved();
        }
        let bytes = left.len().min(STREAM_QUEUE_BYTES_MAX);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(bytes);
        let room = tokio::select! {
            room = room => room.map_err(|_| Gone)?,
            () = self.sender.closed() => return Err(Gone),
        };
        let queued = Queued {
            left,
            _room: room,
            place,
        };
        self.sender.send(queued).await.map_err(|_| Gone)
    }

    /// Returns when the connection is gone.
    pub(crate) async fn closed(&self) {
        self.sender.closed().await;
    }
}

impl MessageBody for Outgoing {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        loop {
            if let Some(queued) = this
                .current
                .as_mut()
                .filter(|queued| !queued.left.is_empty())
            {
                if let Some(place) = &queued.place {
                    place.moved();
                }
                let piece = queued.left.len().min(ANSWER_PIECE_BYTES);
                return Poll::Ready(Some(Ok(queued.left.split_to(piece))));
            }
            this.current = None;
            match ready!(this.receiver.poll_recv(task)) {
                Some(queued) => this.current = Some(queued),
                None => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answer_places::{AnswerPlaces, Asker};
    use actix_web::test::TestRequest;
    use std::future::poll_fn;

    async fn next(outgoing: &mut Outgoing) -> Option<usize> {
        let piece = poll_fn(|task| Pin::new(&mut *outgoing).poll_next(task)).await;
        piece.map(|piece| piece.map_or(0, |bytes| bytes.len()))
    }

    fn zeros(bytes: usize) -> Bytes {
        Bytes::from(vec![0; bytes])
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_waits_for_its_reader() {
        let (queue, mut outgoing) = queue();
        let half = STREAM_QUEUE_BYTES_MAX / 2;
        queue.put(zeros(half), None).await.expect("room");
        queue.put(zeros(half), None).await.expect("room");
        let third = queue.put(zeros(1), None);
        let waited = tokio::time::timeout(std::time::Duration::from_secs(9), third);
        assert!(waited.await.is_err(), "there is no room for a third");
        let mut read = 0;
        while read < half + 1 {
            read += next(&mut outgoing).await.expect("a piece");
        }
        queue.put(zeros(1), None).await.expect("room again");
    }

    #[tokio::test]
    async fn a_long_answer_goes_out_in_pieces_and_keeps_its_place_until_the_last() {
        let places = AnswerPlaces::new(1, std::time::Duration::from_secs(1));
        let asker = Asker::of(&TestRequest::default().to_http_request());
        let place = places.enter(&asker);
        let (queue, mut outgoing) = queue();
        let long = 3 * STREAM_QUEUE_BYTES_MAX;
        queue.put(zeros(long), place).await.expect("alone it fits");
        let mut read = 0;
        while read < long {
            assert!(places.enter(&asker).is_none());
            let piece = next(&mut outgoing).await.expect("a piece");
            assert!(piece <= ANSWER_PIECE_BYTES);
            read += piece;
        }
        drop(queue);
        assert_eq!(next(&mut outgoing).await, None);
        assert!(places.enter(&asker).is_some());
    }

    #[tokio::test]
    async fn whoever_waits_for_room_hears_that_the_reader_is_gone() {
        let (queue, outgoing) = queue();
        queue
            .put(zeros(STREAM_QUEUE_BYTES_MAX), None)
            .await
            .expect("room");
        let waiting = queue.clone();
        let waits = tokio::spawn(async move { waiting.put(zeros(1), None).await.is_err() });
        tokio::task::yield_now().await;
        drop(outgoing);
        assert!(waits.await.expect("it ends"));
    }
}
