//! The seam where tests make a call of the store fail. In any other build it is nothing.
#[cfg(test)]
use std::cell::Cell;
use std::io;

#[cfg(test)]
thread_local! {
    /// How many calls still succeed before one fails.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Stands before every call that the system can refuse.
#[cfg(not(test))]
#[inline]
pub(super) fn point() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) fn point() -> io::Result<()> {
    LEFT.with(|left| match left.get() {
        Some(0) => {
            left.set(None);
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        Some(more) => {
            left.set(Some(more - 1));
            Ok(())
        }
        None => Ok(()),
    })
}

/// The call after `calls` more on this thread fails, once.
#[cfg(test)]
pub(super) fn fail_after(calls: u64) {
    LEFT.with(|left| left.set(Some(calls)));
}

/// Whether that call has come; nothing fails any more.
#[cfg(test)]
pub(super) fn has_failed() -> bool {
    LEFT.with(|left| left.take().is_none())
}
