//! Which node a line of the log is of: several may run in one process, each on a thread of its own,
//! and begin one after the other on that of whoever starts them.
use lockstep_protocol::types::Address;
use std::cell::Cell;

thread_local! {
    static SPEAKS: Cell<Option<Address>> = const { Cell::new(None) };
}

/// The node that this thread works for now, if it works for one.
pub fn of_this_thread() -> Option<Address> {
    SPEAKS.get()
}

/// While it lives, this thread works for a node.
pub(crate) struct Speaker {
    before: Option<Address>,
}

impl Speaker {
    pub(crate) fn new(node: Address) -> Speaker {
        let before = SPEAKS.replace(Some(node));
        Speaker { before }
    }

    /// This thread works for nobody else, as long as it lives.
    pub(crate) fn for_good(node: Address) {
        SPEAKS.set(Some(node));
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        SPEAKS.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_speaks_for_the_node_that_it_works_for_and_then_for_none() {
        let node = Address([7; 20]);
        assert_eq!(of_this_thread(), None);
        let speaker = Speaker::new(node);
        assert_eq!(of_this_thread(), Some(node));
        let other = std::thread::spawn(of_this_thread).join().expect("it ends");
        assert_eq!(other, None);
        drop(speaker);
        assert_eq!(of_this_thread(), None);
    }
}
