//! The polkas that a node has seen, kept beyond their height: what names whoever made a fork
//! ([`super::fork`]), which comes to light only when the height is over. Part of the brain of the
//! Committer.
//!
//! In memory only. After a restart the polka of the newest lock is left, which is written with the
//! sign record: the one that convicts whoever forgot a lock of the round that this node decided. The
//! others would each be a write of up to 290 KiB in rounds that are late already, to name more of the
//! makers from this node alone; the books of the other validators do not end with its restart.
//!
//! Bounds: [`POLKAS_KEPT_MAX`] in all. A height that was decided in round 0 with one polka, as
//! almost all are, needs its polka only against a fork that is found soon; so the polkas of round 0
//! give way first, then the lowest heights.
use crate::limits::POLKAS_KEPT_MAX;
use crate::nouns::commit::PolkaCertificate;
use crate::types::{BlockId, Height, Round};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a polka stands and what for. The order is the one in which they give way.
type Key = (bool, Height, Round, BlockId, Option<Round>);

/// Polkas by height. Those who fill it have verified them.
#[derive(Clone, Debug, Default)]
pub struct PolkaBook {
    kept: BTreeMap<Key, Arc<PolkaCertificate>>,
}

impl PolkaBook {
    /// Keeps a polka; a second one for the same value of a round changes nothing.
    pub fn note(&mut self, polka: Arc<PolkaCertificate>) {
        let is_late = polka.round > Round::ZERO;
        let place = (polka.height, polka.round, polka.block_id, polka.valid_round);
        let key = (is_late, place.0, place.1, place.2, place.3);
        self.kept.entry(key).or_insert(polka);
        if self.kept.len() > POLKAS_KEPT_MAX {
            self.kept.pop_first();
        }
    }

    /// What is kept of a height, rising by round.
    pub fn of(&self, height: Height) -> Vec<PolkaCertificate> {
        let kept = self.kept.values().filter(|polka| polka.height == height);
        kept.map(|polka| PolkaCertificate::clone(polka)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nouns::commit::Signers;
    use crate::types::Hash;

    fn polka(height: u64, round: u32, value: u8) -> Arc<PolkaCertificate> {
        Arc::new(PolkaCertificate {
            height: Height(height),
            round: Round(round),
            block_id: Hash([value; 32]),
            valid_round: None,
            signers: Signers::default(),
            by_proposal: None,
        })
    }

    fn rounds(book: &PolkaBook, height: u64) -> Vec<u32> {
        let polkas = book.of(Height(height));
        polkas.iter().map(|polka| polka.round.0).collect()
    }

    #[test]
    fn all_polkas_of_a_height_are_kept_each_once_rising_by_round() {
        let mut book = PolkaBook::default();
        assert!(book.kept.is_empty());
        for (round, value) in [(3, 1), (0, 1), (3, 2), (0, 1), (3, 1)] {
            book.note(polka(7, round, value));
        }
        book.note(polka(8, 1, 1));
        assert_eq!(rounds(&book, 7), [0, 3, 3]);
        assert_eq!((rounds(&book, 8), rounds(&book, 9)), (vec![1], vec![]));
        assert_eq!(book.kept.len(), 4);
    }

    #[test]
    fn a_full_book_gives_up_round_0_first_and_then_the_lowest_heights() {
        let mut book = PolkaBook::default();
        book.note(polka(1, 2, 1));
        book.note(polka(2, 1, 1));
        let plain = 10..10 + POLKAS_KEPT_MAX as u64;
        plain
            .clone()
            .for_each(|height| book.note(polka(height, 0, 1)));
        assert_eq!(book.kept.len(), POLKAS_KEPT_MAX);
        assert_eq!((rounds(&book, 1), rounds(&book, 2)), (vec![2], vec![1]));
        assert_eq!((rounds(&book, 11), rounds(&book, 12)), (vec![], vec![0]));
        plain.for_each(|height| book.note(polka(height, 1, 1)));
        assert_eq!(book.kept.len(), POLKAS_KEPT_MAX);
        assert_eq!((rounds(&book, 2), rounds(&book, 12)), (vec![], vec![1]));
    }
}
