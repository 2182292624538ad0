//! What this node asks when it has just started, and what it answers whoever has: both signed by the
//! one that signs everything.
use super::Driver;
use crate::nouns::standing::{Nonce, Question, Seen, Standing, Statement};
use crate::types::{Address, BlockId, Height};

impl Driver {
    /// The question to `to`: how far are you? `None` if the key fails.
    pub fn question(&self, to: Address, nonce: Nonce) -> Option<Question> {
        Question::sign(&self.config.context, &*self.config.signer, to, nonce)
    }

    /// The answer to a question that has been admitted, whether this node has arrived or not: what
    /// its record holds. `seen` is the tally's, `head` the newest block that is committed: `None` if
    /// they are of other heights than this driver, which will be over in a moment.
    pub fn standing(
        &self,
        question: &Question,
        seen: Seen,
        head: (Height, BlockId),
    ) -> Option<Statement> {
        let (committed, block_id) = head;
        if committed.next() != self.height || seen.height != self.height {
            return None;
        }
        let last = self.guard.last().filter(|last| last.0 == self.height);
        let resumes = self.recovered.as_ref();
        let is_locked =
            self.machine.locked().is_some() || resumes.is_some_and(|resume| resume.lock.is_some());
        let standing = Standing {
            committed,
            signed: last.map(|(_, round, _)| round),
            is_locked,
            seen: seen.round,
            remembers: seen.remembers,
        };
        let context = &self.config.context;
        let signer = &*self.config.signer;
        Statement::sign(context, signer, question, standing, block_id)
    }
}
