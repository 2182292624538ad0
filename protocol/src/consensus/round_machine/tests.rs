//! One named test per upon-rule and extension, then what holds for all of them together.
//!
//! Four validators of equal power at height 1, so that the validators 1, 2, 3, 0 propose in rounds
//! 0, 1, 2, 3. [`script`] has the words: a test reads as a conversation with one validator.
mod decisions;
mod extensions;
mod facts;
mod new_round;
mod pauses;
mod precommit;
mod prevote;
mod restart;
mod rounds;
mod script;
mod small;
