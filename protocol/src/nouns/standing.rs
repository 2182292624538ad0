//! What a validator that has just started asks of the others, and what they answer: how far they
//! are, what they have signed there, and what they have seen the asker sign.
//!
//! [`arrival`](crate::consensus::catch_up::arrival) says what the answers are good for. Both sides
//! sign: a question only because an answer costs a signature, which nobody but a validator may ask
//! for; an answer because a disk may be older than whoever has started from it believes, and only
//! the others' own words can say so. The asker's nonce makes an answer one of now: what was said
//! before its start is not what it asks for.
//!
//! An answer is a claim all the same. What it says of the committed height must be shown; what it
//! says of rounds nobody can show, so it takes others who weigh more than liars may.
use crate::budget::{Budgets, Rate};
use crate::crypto::Signer;
use crate::limits::{
    STANDING_BURST_MAX, STANDING_NONCES_KEPT_MAX, STANDING_PER_SECOND, VALIDATORS_MAX,
};
use crate::nouns::sign_bytes::SignContext;
use crate::nouns::vote::Signature;
use crate::types::{Address, BlockId, Height, Instant, Round};
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::ValidatorSet;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, VecDeque};

#[cfg(test)]
mod tests;

/// Drawn by the asker for one question.
pub type Nonce = [u8; 16];

/// How far a node is, at the height that it has under decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Standing {
    /// The newest height that it has committed. The rest is about the one after it.
    pub committed: Height,
    /// The highest round in which it has itself signed anything.
    pub signed: Option<Round>,
    /// Whether it is locked there: only then may the height have been decided already.
    pub is_locked: bool,
    /// The highest round in which it has seen the asker sign anything.
    pub seen: Option<Round>,
    /// Whether it would know: it has looked on since the height began, and nothing of the asker came
    /// too early to be kept.
    pub remembers: bool,
}

/// The question: "how far are you?"
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Question {
    /// Who asks.
    pub asker: Address,
    /// Who is asked.
    pub to: Address,
    /// What the answer must name.
    pub nonce: Nonce,
    /// The asker's, over [`SignContext::question`].
    pub signature: Signature,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Statement {
    /// Who says so.
    pub sayer: Address,
    /// To whom.
    pub asker: Address,
    /// The question's.
    pub nonce: Nonce,
    /// What it says.
    pub standing: Standing,
    /// The block that it has committed at that height; the hash of the genesis at height 0.
    pub block_id: BlockId,
    /// The sayer's, over [`SignContext::standing`].
    pub signature: Signature,
}

/// Why a question or an answer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StandingRefusal {
    /// Meant for, or said by, somebody else.
    #[error("it is not meant for this validator, or not said by the one that was asked")]
    WrongAddressee,
    /// The question names the key of whoever is asked.
    #[error("it is asked in the name of the validator that it is put to")]
    OwnKey,
    /// No validator of the height under decision or the next.
    #[error("the sender is no validator of the height under decision, nor of the next")]
    UnknownValidator,
    /// Asked, or answered, before.
    #[error("its nonce has been used before, or is not the one of the question")]
    Replayed,
    /// It asks too often.
    #[error("the sender asks too often; try again in a moment")]
    OverBudget,
    /// Not signed by whom it names.
    #[error("the signature is not the sender's")]
    BadSignature,
}

impl StandingRefusal {
    /// All of them.
    pub const ALL: [StandingRefusal; 6] = [
        StandingRefusal::WrongAddressee,
        StandingRefusal::OwnKey,
        StandingRefusal::UnknownValidator,
        StandingRefusal::Replayed,
        StandingRefusal::OverBudget,
        StandingRefusal::BadSignature,
    ];

    /// What programs go by.
    pub fn code(self) -> &'static str {
        match self {
            StandingRefusal::WrongAddressee => "wrong_addressee",
            StandingRefusal::OwnKey => "own_key",
            StandingRefusal::UnknownValidator => "unknown_validator",
            StandingRefusal::Replayed => "replayed",
            StandingRefusal::OverBudget => "over_budget",
            StandingRefusal::BadSignature => "bad_signature",
        }
    }
}

/// What a node has seen of whoever asks, at the height that it has under decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which one that is.
    pub height: Height,
    /// [`Standing::seen`].
    pub round: Option<Round>,
    /// [`Standing::remembers`].
    pub remembers: bool,
}

/// The validators of the height under decision, and of the next.
pub type Sets<'a> = [&'a ValidatorSet; 2];

/// Those of this schedule.
pub fn sets_of(validators: &ValidatorSchedule) -> Sets<'_> {
    [validators.current(), validators.next()]
}

fn is_member(sets: Sets<'_>, who: &Address) -> bool {
    sets.into_iter().any(|set| set.index_of(who).is_some())
}

fn verify(
    sets: Sets<'_>,
    who: &Address,
    bytes: &[u8],
    signature: &Signature,
) -> Result<(), StandingRefusal> {
    let mut member = sets
        .into_iter()
        .filter_map(|set| Some((set, set.index_of(who)?)));
    let (set, index) = member.next().ok_or(StandingRefusal::UnknownValidator)?;
    let verified = set.verify(index, bytes, &signature.0);
    verified.map_err(|_| StandingRefusal::BadSignature)
}

impl Question {
    /// Asks in the name of this key.
    pub fn sign(
        context: &SignContext,
        signer: &dyn Signer,
        to: Address,
        nonce: Nonce,
    ) -> Option<Question> {
        let asker = Address::of(signer.scheme(), signer.public_key());
        let bytes = context.question(&asker, &to, &nonce);
        let signature = Signature(signer.sign(&bytes).ok()?);
        Some(Question {
            asker,
            to,
            nonce,
            signature,
        })
    }

    /// All that can be said without its signature.
    pub fn screen(&self, me: &Address, sets: Sets<'_>) -> Result<(), StandingRefusal> {
        if self.to != *me {
            return Err(StandingRefusal::WrongAddressee);
        }
        if self.asker == *me {
            return Err(StandingRefusal::OwnKey);
        }
        if !is_member(sets, &self.asker) {
            return Err(StandingRefusal::UnknownValidator);
        }
        Ok(())
    }

    fn verify(&self, context: &SignContext, sets: Sets<'_>) -> Result<(), StandingRefusal> {
        let bytes = context.question(&self.asker, &self.to, &self.nonce);
        verify(sets, &self.asker, &bytes, &self.signature)
    }
}

impl Statement {
    /// Answers `question` in the name of this key.
    pub fn sign(
        context: &SignContext,
        signer: &dyn Signer,
        question: &Question,
        standing: Standing,
        block_id: BlockId,
    ) -> Option<Statement> {
        let sayer = Address::of(signer.scheme(), signer.public_key());
        let mut statement = Statement {
            sayer,
            asker: question.asker,
            nonce: question.nonce,
            standing,
            block_id,
            signature: Signature(Vec::new()),
        };
        let bytes = context.standing(&statement);
        statement.signature = Signature(signer.sign(&bytes).ok()?);
        Some(statement)
    }

    /// What it says, if it is the answer to this question: cheapest check first.
    pub fn answers(
        &self,
        question: &Question,
        context: &SignContext,
        sets: Sets<'_>,
    ) -> Result<Standing, StandingRefusal> {
        if (self.sayer, self.asker) != (question.to, question.asker) {
            return Err(StandingRefusal::WrongAddressee);
        }
        if self.nonce != question.nonce {
            return Err(StandingRefusal::Replayed);
        }
        self.verify(context, sets)?;
        Ok(self.standing)
    }

    fn verify(&self, context: &SignContext, sets: Sets<'_>) -> Result<(), StandingRefusal> {
        planted!(UnsignedStanding => return Ok(()));
        let bytes = context.standing(self);
        verify(sets, &self.sayer, &bytes, &self.signature)
    }
}

/// Who has asked what: whether a question is worth an answer.
#[derive(Clone, Debug)]
pub struct Askers {
    budgets: Budgets,
    /// The newest questions of each, so that nobody else asks them again.
    nonces: BTreeMap<Address, VecDeque<Nonce>>,
}

impl Default for Askers {
    fn default() -> Askers {
        let rate = Rate {
            burst: STANDING_BURST_MAX,
            per_thousand: STANDING_PER_SECOND,
        };
        Askers {
            budgets: Budgets::new(rate),
            nonces: BTreeMap::new(),
        }
    }
}

impl Askers {
    /// Cheapest check first; the signature is the last. Only what its asker has signed is counted
    /// against it. `now` is monotonic.
    pub fn admit(
        &mut self,
        now: Instant,
        question: &Question,
        me: &Address,
        sets: Sets<'_>,
        context: &SignContext,
    ) -> Result<(), StandingRefusal> {
        question.screen(me, sets)?;
        let asked = self.nonces.get(&question.asker);
        if asked.is_some_and(|asked| asked.contains(&question.nonce)) {
            return Err(StandingRefusal::Replayed);
        }
        if !self.budgets.allows(&question.asker, now.0) {
            return Err(StandingRefusal::OverBudget);
        }
        question.verify(context, sets)?;
        self.budgets.spend(question.asker, now.0);
        self.note(question, sets);
        Ok(())
    }

    fn note(&mut self, question: &Question, sets: Sets<'_>) {
        if self.nonces.len() >= VALIDATORS_MAX {
            // Whoever has left asks nothing any more.
            self.nonces.retain(|who, _| is_member(sets, who));
            self.budgets.retain(|who| is_member(sets, who));
        }
        let asked = self.nonces.entry(question.asker).or_default();
        if asked.len() >= STANDING_NONCES_KEPT_MAX {
            asked.pop_front();
        }
        asked.push_back(question.nonce);
    }
}
