//! What a client sends, as its connection brings it.
use super::End;
use super::frames::{Frames, Read};
use crate::http::connection::Connection;
use actix_web::web::Payload;
use futures_util::StreamExt;
use std::rc::Rc;

/// The messages of one connection.
pub(super) struct Incoming {
    payload: Payload,
    connection: Rc<Connection>,
    frames: Frames,
}

impl Incoming {
    pub(super) fn new(payload: Payload, connection: Rc<Connection>) -> Incoming {
        Incoming {
            payload,
            connection,
            frames: Frames::new(),
        }
    }

    /// Until the other side has nothing more to say: it has closed, or it is gone.
    pub(super) async fn ignore(&mut self) {
        loop {
            match self.next().await {
                Ok(_) => {}
                Err(End::Gone) => return,
                Err(End::Theirs(_)) => return self.connection.closed_by_both(),
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
            if let Some(read) = self.frames.next()? {
                return Ok(read);
            }
            match self.payload.next().await {
                Some(Ok(chunk)) => {
                    self.connection.taken(chunk.len());
                    self.frames.add(&chunk);
                }
                Some(Err(_)) | None => return Err(End::Gone),
            }
        }
    }
}
