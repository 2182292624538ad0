//! Panics on purpose, for tests: in the handling of the next message of a type. Not compiled into
//! a node that runs for anybody.

use super::stats::short_name;
use parking_lot::Mutex;

/// Where an injected panic strikes. A real one strikes somewhere between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// The message is lost and has had no effect.
    BeforeHandling,
    /// The message has had all its effects on others; what the actor made of it for itself is lost.
    AfterHandling,
}

/// The panic that waits for an actor.
#[derive(Debug, Default)]
pub(super) struct Injection(Mutex<Option<(String, Strike)>>);

impl Injection {
    /// The next message of the type with this name, without its path, panics.
    pub(super) fn arm(&self, message: &str, strike: Strike) {
        *self.0.lock() = Some((message.to_owned(), strike));
    }

    /// Takes the panic back. False if it has struck.
    pub(super) fn disarm(&self) -> bool {
        self.0.lock().take().is_some()
    }

    /// Called at each of the two points for each message.
    pub(super) fn strike<M>(&self, here: Strike) {
        let mut armed = self.0.lock();
        let strikes = |(message, strike): &mut (String, Strike)| {
            *strike == here && *message == short_name::<M>()
        };
        if armed.take_if(strikes).is_some() {
            drop(armed);
            panic!("injected panic");
        }
    }
}
