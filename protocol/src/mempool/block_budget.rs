//! How many bytes of transactions a proposal may hold so that the others have it well before their
//! timeout: measured at this node's own blocks.
//!
//! What is measured is the time from the begin of building to the commit, longer than what the
//! timeout is about: so the budget stays on the safe side. A height that took a second round with
//! this node's block in it halves the budget; a full block in time lets it grow by a quarter.
use crate::limits::BLOCK_TRANSACTION_BYTES_MAX;
use crate::types::{Height, Instant, Round};

/// What a block may hold before anything has been measured: a hundred of the longest transactions.
const FIRST_BYTES: usize = 512 * 1024;
/// What a block may hold whatever has been measured: a few transactions of any length.
const BLOCK_BUDGET_BYTES_MIN: usize = 64 * 1024;

/// The brain.
#[derive(Clone, Debug)]
pub struct BlockBudget {
    propose_ms: u64,
    bytes: usize,
    built: Option<Built>,
}

#[derive(Clone, Copy, Debug)]
struct Built {
    height: Height,
    bytes: usize,
    at: Instant,
}

impl BlockBudget {
    /// For a timeout of round 0 of so many milliseconds.
    pub fn new(propose_ms: u64) -> BlockBudget {
        BlockBudget {
            propose_ms: propose_ms.max(1),
            bytes: FIRST_BYTES,
            built: None,
        }
    }

    /// What the next block may hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A block for `height` is begun with so many bytes of transactions.
    pub fn begun(&mut self, now: Instant, height: Height, bytes: usize) {
        let at = now;
        self.built = Some(Built { height, bytes, at });
    }

    /// `height` is committed, decided in `round`.
    pub fn committed(&mut self, now: Instant, height: Height, round: Round) {
        let Some(built) = self.built.take_if(|built| built.height <= height) else {
            return;
        };
        if built.height < height || built.bytes == 0 {
            return;
        }
        if round > Round::ZERO {
            self.set(self.bytes.min(built.bytes) / 2);
            return;
        }
        let took_ms = now.0.saturating_sub(built.at.0).max(1);
        let fits = u64::try_from(built.bytes).unwrap_or(u64::MAX);
        let half = self.propose_ms.div_ceil(2);
        let fits = fits.saturating_mul(half).checked_div(took_ms).unwrap_or(0);
        let fits = usize::try_from(fits).unwrap_or(usize::MAX);
        if fits < built.bytes {
            self.set(fits.min(self.bytes));
        } else if built.bytes.saturating_mul(4) >= self.bytes.saturating_mul(3) {
            let grown = self.bytes.saturating_add(self.bytes / 4);
            self.set(grown.min(fits).max(self.bytes));
        }
    }

    fn set(&mut self, bytes: usize) {
        self.bytes = bytes.clamp(BLOCK_BUDGET_BYTES_MIN, BLOCK_TRANSACTION_BYTES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block as full as it may be that takes `ms` milliseconds.
    fn full_block(budget: &mut BlockBudget, height: u64, ms: u64, round: u32) {
        let at = Instant(1_000);
        budget.begun(at, Height(height), budget.bytes());
        let committed = Instant(at.0 + ms);
        budget.committed(committed, Height(height), Round(round));
    }

    #[test]
    fn it_grows_with_full_blocks_in_time_up_to_the_limit() {
        let mut budget = BlockBudget::new(300);
        full_block(&mut budget, 1, 10, 0);
        assert_eq!(budget.bytes(), FIRST_BYTES + FIRST_BYTES / 4);
        (2..20).for_each(|height| full_block(&mut budget, height, 10, 0));
        assert_eq!(budget.bytes(), BLOCK_TRANSACTION_BYTES_MAX);
    }

    #[test]
    fn it_shrinks_to_what_half_the_timeout_carries() {
        let mut budget = BlockBudget::new(300);
        full_block(&mut budget, 1, 300, 0);
        assert_eq!(budget.bytes(), FIRST_BYTES / 2);
        // Where bytes cost the same, the next one takes half as long: it stays.
        full_block(&mut budget, 2, 150, 0);
        assert_eq!(budget.bytes(), FIRST_BYTES / 2);
    }

    #[test]
    fn a_second_round_halves_it_down_to_a_few_transactions() {
        let mut budget = BlockBudget::new(300);
        full_block(&mut budget, 1, 10, 1);
        assert_eq!(budget.bytes(), FIRST_BYTES / 2);
        (2..20).for_each(|height| full_block(&mut budget, height, 10, 3));
        assert_eq!(budget.bytes(), BLOCK_BUDGET_BYTES_MIN);
    }

    #[test]
    fn blocks_of_others_and_blocks_that_were_not_full_say_nothing() {
        let mut budget = BlockBudget::new(300);
        budget.committed(Instant(9_000), Height(1), Round(2));
        budget.begun(Instant(0), Height(2), 10);
        budget.committed(Instant(10), Height(2), Round(0));
        budget.begun(Instant(0), Height(3), 0);
        budget.committed(Instant(9_000), Height(3), Round(4));
        budget.begun(Instant(0), Height(4), 10);
        budget.committed(Instant(9_000), Height(7), Round(4));
        assert_eq!(budget.bytes(), FIRST_BYTES);
    }
}
