//! What happens to the requests of one link.
use crate::simulation::random::Random;
use std::time::Duration;

/// How much later the copy of a reordered request arrives, in milliseconds: newer messages, and
/// often the next height, are there before it.
const LATE_MS: (u64, u64) = (20, 250);

/// What becomes of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// They work.
    #[default]
    Open,
    /// They are reset.
    Cut,
    /// They are accepted and never answered.
    Silent,
    /// Answers arrive at a byte per second.
    Trickle,
}

/// The faults of one link. Connections end when `way` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) way: Way,
    /// Of each request.
    pub(super) delay: Duration,
    /// Of a thousand requests, so many are lost.
    pub(super) drop_permille: u64,
    /// Of a thousand requests, so many lose their answer.
    pub(super) duplicate_permille: u64,
    /// Of a thousand requests, so many arrive late and twice.
    pub(super) reorder_permille: u64,
    /// Requests with these paths are answered and go nowhere.
    pub(super) swallowed: Vec<String>,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Forward,
    Swallow,
    Lose,
    ForwardAndCut,
    CutAndForwardAfter(Duration),
}

impl Rule {
    /// Decides about a request. Each decision draws once, whatever the rates are, so that a rate
    /// that changes does not shift the stream.
    pub(super) fn judge(&self, path: &str, chance: &mut Random) -> Fate {
        let draw = chance.below(1000);
        let late = chance.between(LATE_MS.0, LATE_MS.1);
        if self.swallowed.iter().any(|swallowed| swallowed == path) {
            return Fate::Swallow;
        }
        let lose = self.drop_permille;
        let repeat = lose.saturating_add(self.duplicate_permille);
        let reorder = repeat.saturating_add(self.reorder_permille);
        match draw {
            draw if draw < lose => Fate::Lose,
            draw if draw < repeat => Fate::ForwardAndCut,
            draw if draw < reorder => Fate::CutAndForwardAfter(Duration::from_millis(late)),
            _ => Fate::Forward,
        }
    }

    /// Whether connections that began under `other` go on.
    pub(super) fn keeps_connections_of(&self, other: &Rule) -> bool {
        self.way == other.way
    }
}

/// A probability in thousandths.
pub(super) fn permille(p: f64) -> u64 {
    assert!((0.0..=1.0).contains(&p), "a rate lies in 0..=1, not {p}");
    (p * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(rule: &Rule, seed: u64) -> Vec<Fate> {
        let mut chance = Random::new(seed);
        (0..2_000)
            .map(|_| rule.judge("/consensus/vote", &mut chance))
            .collect()
    }

    #[test]
    fn equal_seeds_decide_alike_and_rates_are_met() {
        let rule = Rule {
            drop_permille: permille(0.3),
            duplicate_permille: permille(0.2),
            reorder_permille: permille(0.1),
            ..Rule::default()
        };
        let fates = fates(&rule, 7);
        assert_eq!(fates, self::fates(&rule, 7));
        assert_ne!(fates, self::fates(&rule, 8));
        let share = |is: fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate)).count();
        assert!((520..680).contains(&share(|fate| *fate == Fate::Lose)));
        assert!((320..480).contains(&share(|fate| *fate == Fate::ForwardAndCut)));
        let late = share(|fate| matches!(fate, Fate::CutAndForwardAfter(_)));
        assert!((140..260).contains(&late));
    }

    #[test]
    fn a_swallowed_path_never_passes_and_others_do() {
        let rule = Rule {
            swallowed: vec!["/consensus/proposal".into()],
            ..Rule::default()
        };
        let mut chance = Random::new(1);
        let fate = rule.judge("/consensus/proposal", &mut chance);
        assert_eq!(fate, Fate::Swallow);
        assert_eq!(rule.judge("/consensus/vote", &mut chance), Fate::Forward);
    }

    #[test]
    fn rates_and_delays_change_under_open_connections_and_ways_end_them() {
        let (open, mut slow) = (Rule::default(), Rule::default());
        (slow.delay, slow.drop_permille) = (Duration::from_millis(5), 500);
        assert!(slow.keeps_connections_of(&open));
        let cut = Rule {
            way: Way::Cut,
            ..Rule::default()
        };
        assert!(!cut.keeps_connections_of(&open) && !open.keeps_connections_of(&cut));
    }
}
