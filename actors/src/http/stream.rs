//! A socket under the eyes of its [`Connection`]: it is read only as far as that allows, and it
//! says when its client does not read.
use super::connection::{Connection, Credit};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What the HTTP service reads and writes.
pub(super) struct Watched {
    stream: TcpStream,
    pub(super) connection: Rc<Connection>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, connection: Rc<Connection>) -> Watched {
        Watched { stream, connection }
    }

    fn wrote<T>(&self, poll: Poll<io::Result<T>>, flushed: bool) -> Poll<io::Result<T>> {
        if poll.is_pending() || flushed {
            self.connection.writing(poll.is_pending(), Instant::now());
        }
        poll
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let bytes = match this.connection.credit(task) {
            Credit::Bytes(bytes) => bytes,
            Credit::Later => return Poll::Pending,
            Credit::Exceeded => {
                let too_long = "the head of a request is too long";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, too_long)));
            }
        };
        let bytes = bytes.min(buffer.remaining());
        let mut window = ReadBuf::new(buffer.initialize_unfilled_to(bytes));
        ready!(Pin::new(&mut this.stream).poll_read(task, &mut window))?;
        let read = window.filled().len();
        buffer.advance(read);
        this.connection.received(read, Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(task, bytes);
        this.wrote(poll, false)
    }

    /// Called when everything has been written.
    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(task);
        this.wrote(poll, true)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }
}
