//! An answer behind which something is done: what ends this node must not end the answer that says so.
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The answer. The library lets go of it when its bytes stand in the connection's buffer, and writes
/// them out in the same turn of the node's thread; whoever is asked meanwhile to end that thread is
/// heard after it.
pub(super) struct Then {
    left: Option<Bytes>,
    bytes: u64,
    act: Option<Box<dyn FnOnce() + Send>>,
}

impl Then {
    pub(super) fn new(answer: Bytes, act: Box<dyn FnOnce() + Send>) -> Then {
        Then {
            bytes: answer.len() as u64,
            left: Some(answer),
            act: Some(act),
        }
    }
}

impl MessageBody for Then {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.left.take().map(Ok))
    }
}

impl Drop for Then {
    /// On a thread of its own: it waits for the node's.
    fn drop(&mut self) {
        let Some(act) = self.act.take() else { return };
        let begun = std::thread::Builder::new()
            .name("devnet-order".into())
            .spawn(act);
        if let Err(error) = begun {
            log::error!("an order to this devnet could not be carried out: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::task::Waker;

    #[test]
    fn it_is_done_once_the_answer_has_been_taken_and_also_if_nobody_takes_it() {
        let (tell, told) = mpsc::channel();
        let then = |word: &'static str| {
            let tell = tell.clone();
            let act = move || tell.send(word).expect("the test listens");
            Then::new(Bytes::from_static(b"{}"), Box::new(act))
        };
        let mut answer = then("after the answer");
        assert_eq!(answer.size(), BodySize::Sized(2));
        let mut task = Context::from_waker(Waker::noop());
        let mut next = || Pin::new(&mut answer).poll_next(&mut task);
        assert!(matches!(next(), Poll::Ready(Some(Ok(bytes))) if bytes == "{}"));
        assert!(matches!(next(), Poll::Ready(None)));
        assert!(told.try_recv().is_err(), "not before it is let go");
        drop(answer);
        assert_eq!(told.recv(), Ok("after the answer"));
        drop(then("nobody listens"));
        assert_eq!(told.recv(), Ok("nobody listens"));
    }
}
