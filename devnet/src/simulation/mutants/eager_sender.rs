//! Messages leave before their record is durable: a crash in between forgets what was said.
use super::Mutant;

pub(super) struct EagerSender;

impl Mutant for EagerSender {
    fn sends_before_durable(&self) -> bool {
        true
    }
}
