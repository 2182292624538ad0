//! A request without a node behind it: for the fuzzer.
use super::{Args, Cow, Hands, Method, Requests, RpcError, requests, text};
use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The calls of a request, as they stand in it; why there are none, otherwise.
pub(crate) fn split(request: &[u8]) -> Result<Vec<&str>, &'static str> {
    match requests(request) {
        Ok(Requests::One(call)) => Ok(vec![call.get()]),
        Ok(Requests::Batch(calls)) => Ok(calls.into_iter().map(|call| call.get()).collect()),
        Err(error) => Err(error.code()),
    }
}

/// What has become of a request.
pub(crate) struct Given {
    pub(crate) text: Option<String>,
    /// How many calls were carried out.
    pub(crate) calls: usize,
}

/// Each result is a text of so many bytes.
pub(crate) fn given(request: &[u8], bytes: usize) -> Given {
    let calls = Cell::new(0);
    let result = format!("\"{}\"", "x".repeat(bytes));
    let hands = Same {
        result: &result,
        calls: &calls,
    };
    let mut answer = pin!(text(&hands, request));
    let mut task = Context::from_waker(Waker::noop());
    // Nothing in it waits for anything but its next turn.
    let text = loop {
        if let Poll::Ready(text) = answer.as_mut().poll(&mut task) {
            break text;
        }
    };
    let calls = calls.get();
    Given { text, calls }
}

/// Gives all calls the same result.
struct Same<'a> {
    result: &'a str,
    calls: &'a Cell<usize>,
}

impl Hands for Same<'_> {
    async fn result(&self, _: &Method, _: Args) -> Result<Cow<'static, str>, RpcError> {
        self.calls.set(self.calls.get() + 1);
        Ok(self.result.to_owned().into())
    }

    async fn take_place(&self) -> Result<(), RpcError> {
        Ok(())
    }
}
