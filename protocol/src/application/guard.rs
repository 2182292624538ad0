//! No panic of an application goes further than here. What follows from one is the caller's to say:
//! a refusal where bytes alone are looked at, the end of the node where a block is executed.
use super::sentence;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An application has panicked, with this message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it panicked: {0}")]
pub struct Panicked(pub String);

/// Runs a function of an application. Whatever it had half done is dropped by the caller.
pub(super) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Panicked(message(&*payload)))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    sentence(text.unwrap_or("without a message"))
}
