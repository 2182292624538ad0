//! A setting that an operator may change while the node runs.
use parking_lot::RwLock;
use std::sync::Arc;

/// One value, shared by all who look at it; each look sees one whole value.
#[derive(Debug, Default)]
pub(crate) struct Live<T>(Arc<RwLock<Arc<T>>>);

impl<T> Live<T> {
    pub(crate) fn new(value: T) -> Live<T> {
        Live(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// As it is now.
    pub(crate) fn get(&self) -> Arc<T> {
        self.0.read().clone()
    }

    /// It is this one from now on.
    pub(crate) fn set(&self, value: T) {
        *self.0.write() = Arc::new(value);
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Live<T> {
        Live(self.0.clone())
    }
}
