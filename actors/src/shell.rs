//! What shells have in common: how one hands its messages to its brain and answers from it, and how
//! it tells others.
use crate::messages::{Told, WhenFull};
use crate::runtime::{Port, TellError};

/// Handlers that only hand their message to the brain: the message, and the input that it is. The
/// actor's `step` takes it, in some actors with the context.
macro_rules! to_brain {
    (@step () $shell:ident $ctx:ident $input:expr) => {
        $shell.step($input)
    };
    (@step (ctx) $shell:ident $ctx:ident $input:expr) => {
        $shell.step($input, $ctx)
    };
    ($actor:ident.step $with:tt: $(
        $message:ident $(($($field:ident),*))? $({$($named:ident),*})? => $input:expr
    ),* $(,)?) => {$(
        impl actix::Handler<$message> for $actor {
            type Result = ();

            fn handle(&mut self, message: $message, _ctx: &mut $crate::runtime::Ctx<Self>) {
                let $message $(($($field),*))? $({$($named),*})? = message;
                to_brain!(@step $with self _ctx $input);
            }
        }
    )*};
}
pub(crate) use to_brain;

/// Handlers that only answer: the message, and what this actor has to say to it.
macro_rules! answers {
    ($actor:ident as $this:ident: $(
        $message:ident $(($($field:ident),*))? $({$($named:ident),*})? => $answer:expr
    ),* $(,)?) => {$(
        impl actix::Handler<$message> for $actor {
            type Result = actix::MessageResult<$message>;

            fn handle(
                &mut self,
                message: $message,
                _: &mut $crate::runtime::Ctx<Self>,
            ) -> Self::Result {
                let $message $(($($field),*))? $({$($named),*})? = message;
                let $this = self;
                actix::MessageResult($answer)
            }
        }
    )*};
}
pub(crate) use answers;

/// Telling where the message says what a refusal means.
pub(crate) trait Deliver<M> {
    /// Tells, and if the mailbox is full does what [`Told::WHEN_FULL`] says. A closed mailbox means
    /// that the node is stopping.
    fn deliver(&self, message: M);
}

impl<M: Told> Deliver<M> for Port<M> {
    fn deliver(&self, message: M) {
        match (self.tell(message), M::WHEN_FULL) {
            (Ok(()) | Err(TellError::Closed), _) => {}
            (Err(TellError::Full), WhenFull::Falls) => {
                panic!("the mailbox of {} is full", self.actor())
            }
            // The port has counted it.
            (Err(TellError::Full), WhenFull::ToldAgain) => {}
            (Err(TellError::Full), WhenFull::Dropped(sentence)) => log::warn!("{sentence}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::block_sync::PeerGone;
    use crate::messages::state_store::{PersistEvidence, RecoverDriver};
    use crate::runtime::Inbox;
    use crate::state_store::StateStore;
    use lockstep_protocol::types::Address;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Whether telling it to a mailbox without room fells who tells it.
    fn fells<M: Told>(port: &Port<M>, message: M) -> bool {
        catch_unwind(AssertUnwindSafe(|| port.deliver(message))).is_err()
    }

    #[test]
    fn a_full_mailbox_fells_the_sender_of_a_message_that_must_arrive_and_of_no_other() {
        let full = Inbox::<StateStore>::new(1);
        let (recover, keep) = (full.port(), full.port());
        assert!(!fells(&recover, RecoverDriver(0)), "there is room");
        assert!(fells(&recover, RecoverDriver(1)));
        let evidence = None;
        let forget = Vec::new();
        let persist = PersistEvidence {
            keep: evidence,
            forget,
        };
        assert!(!fells(&keep, persist));
        assert_eq!(recover.depth(), 1, "the first alone");
        let full = Inbox::<crate::block_sync::BlockSync>::new(1);
        for _ in 0..3 {
            assert!(!fells(&full.port(), PeerGone(Address([7; 20]))));
        }
        assert_eq!(full.port::<PeerGone>().depth(), 1);
    }
}
