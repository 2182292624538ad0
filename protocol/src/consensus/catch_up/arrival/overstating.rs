//! Who names rounds that nobody else bears out.
use super::super::CatchUp;
use super::super::peer::Peer;
use crate::limits::ROUNDS_BELIEVED_AHEAD;
use crate::types::{Address, Height, Round};
use crate::validators::set::Power;
use std::cmp::Ordering;

impl CatchUp {
    /// Whoever names rounds far beyond those that others have named: nobody there can show that, and
    /// a validator that believed one of them would begin in a round that no one else ever reaches. It
    /// is as good as unheard until the others get there too; a correct one has brought them after it
    /// by then (E5).
    pub(super) fn overstating(&self) -> Vec<Address> {
        planted!(EveryRoundBelieved => return Vec::new());
        let Some(believed) = self.furthest_believed() else {
            return Vec::new();
        };
        let is_void = |peer: &Peer, stood: Height| {
            let said = peer.standing_at(stood);
            let round = said.and_then(|said| said.signed.max(said.seen));
            round.is_some_and(|round| is_beyond((stood, round), believed))
        };
        let void = self
            .heard()
            .filter(|(_, peer, stood)| is_void(peer, *stood));
        void.map(|(who, ..)| who).collect()
    }

    /// The furthest height, and round of the next one, that others with more than f have named: one
    /// of them is correct. Where all that are heard weigh less (a third and more needs no others to be
    /// more than f), it is the least that any of them has named. Whoever has gone on to a later height
    /// bears out all rounds of the earlier ones: they are decided, so nobody waits there.
    fn furthest_believed(&self) -> Option<(Height, Round)> {
        let faulty = self.faulty();
        let named = self.heard().filter_map(|(who, peer, _)| {
            let index = self.set.index_of(&who)?;
            Some((peer.named?, self.set.power(index)))
        });
        let mut named: Vec<((Height, Round), Power)> = named.collect();
        named.sort_by_key(|named| std::cmp::Reverse(*named));
        let least = named.last().map(|(named, _)| *named);
        let mut power: Power = 0;
        let believed = named.into_iter().find_map(|(named, more)| {
            power = power.saturating_add(more);
            (power > faulty).then_some(named)
        });
        believed.or(least)
    }
}

/// Whether nobody alone is believed so far on. Whoever has a newer block than the others can know of a
/// few rounds after it that they have no part in.
fn is_beyond((stood, round): (Height, Round), (height, named): (Height, Round)) -> bool {
    let from = match stood.cmp(&height) {
        Ordering::Less => return false,
        Ordering::Equal => named,
        Ordering::Greater => Round::ZERO,
    };
    round.0 > from.0.saturating_add(ROUNDS_BELIEVED_AHEAD)
}
