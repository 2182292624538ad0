//! Who has a place among the connections of a listener. A plain value: it decides, the accept loop
//! carries out.
//!
//! A newcomer always finds a place as long as anybody holds one for less than it: in a full house
//! the connection goes that has proven least, of the address that holds most, the oldest first. So
//! a flood of connections pushes out itself, and never a peer that has brought a vote.
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// How much a connection has shown, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Merit {
    /// From anywhere.
    Stranger,
    /// From the address of a peer.
    Neighbour,
    /// It has a place among the connections that stay, which are counted apart.
    Stays,
    /// It has brought a message that a validator signed and that was new here.
    Proven,
}

/// Names a connection; later ones have larger numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// What becomes of a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// It has a place.
    Free(Ticket),
    /// It has the place of this one, which is to be closed.
    Instead(Ticket, Ticket),
    /// Close it.
    None,
}

#[derive(Clone, Copy, Debug)]
struct Guest {
    from: IpAddr,
    merit: Merit,
}

/// The places of one listener.
#[derive(Debug)]
pub(super) struct Places {
    guests: BTreeMap<Ticket, Guest>,
    max: usize,
    per_address_max: usize,
    next: u64,
}

impl Places {
    /// `per_address_max` holds for strangers only: all peers may live behind one address.
    pub(super) fn new(max: usize, per_address_max: usize) -> Places {
        let guests = BTreeMap::new();
        let next = 0;
        Places {
            guests,
            max,
            per_address_max,
            next,
        }
    }

    /// `is_many`: whoever lives at this address are many, behind a proxy.
    pub(super) fn enter(&mut self, from: IpAddr, merit: Merit, is_many: bool) -> Seat {
        let of_address = |guest: &&Guest| guest.from == from;
        let of_address = self.guests.values().filter(of_address).count();
        let crowded = of_address >= self.per_address_max && !is_many;
        let leaves = if crowded && merit == Merit::Stranger {
            self.least(|guest| guest.from == from && guest.merit == Merit::Stranger)
        } else if self.guests.len() < self.max {
            return Seat::Free(self.sit(from, merit));
        } else {
            self.least(|guest| guest.merit <= merit)
        };
        let Some(leaves) = leaves else {
            return Seat::None;
        };
        self.guests.remove(&leaves);
        Seat::Instead(self.sit(from, merit), leaves)
    }

    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.guests.remove(&ticket);
    }

    /// It has shown so much, or stays no longer.
    pub(super) fn judge(&mut self, ticket: Ticket, merit: Merit) {
        if let Some(guest) = self.guests.get_mut(&ticket) {
            guest.merit = merit;
        }
    }

    /// Whether the next newcomer may cost somebody else's place.
    pub(super) fn may_push_out(&self) -> bool {
        self.guests.len() >= self.max.min(self.per_address_max)
    }

    pub(super) fn len(&self) -> usize {
        self.guests.len()
    }

    fn sit(&mut self, from: IpAddr, merit: Merit) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.guests.insert(ticket, Guest { from, merit });
        ticket
    }

    /// Of those that may go: who has proven least, from the address with most of such, the oldest.
    fn least(&self, may_go: impl Fn(&Guest) -> bool) -> Option<Ticket> {
        let candidates = || self.guests.iter().filter(|(_, guest)| may_go(guest));
        let merit = candidates().map(|(_, guest)| guest.merit).min()?;
        let mut crowds = BTreeMap::<IpAddr, (usize, Ticket)>::new();
        for (ticket, guest) in candidates().filter(|(_, guest)| guest.merit == merit) {
            crowds.entry(guest.from).or_insert((0, *ticket)).0 += 1;
        }
        // Of crowds of one size that whose oldest came first, whatever its address.
        let largest = crowds.values();
        let largest = largest.max_by_key(|(crowd, oldest)| (*crowd, Reverse(*oldest)))?;
        Some(largest.1)
    }
}

#[cfg(test)]
mod tests {
    use super::Merit::{Neighbour, Proven, Stays, Stranger};
    use super::*;

    fn from(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn free(seat: Seat) -> Ticket {
        match seat {
            Seat::Free(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_pushes_out_its_own_when_it_has_its_share() {
        let mut places = Places::new(10, 2);
        let first = free(places.enter(from(1), Stranger, false));
        let second = free(places.enter(from(1), Stranger, false));
        free(places.enter(from(2), Stranger, false));
        let seat = places.enter(from(1), Stranger, false);
        assert!(
            matches!(seat, Seat::Instead(_, out) if out == first),
            "{seat:?}"
        );
        places.leave(second);
        free(places.enter(from(1), Stranger, false));
        assert_eq!(places.len(), 3);
    }

    #[test]
    fn a_full_house_closes_the_oldest_of_the_largest_crowd() {
        let mut places = Places::new(4, 4);
        free(places.enter(from(1), Stranger, false));
        let oldest = free(places.enter(from(2), Stranger, false));
        free(places.enter(from(2), Stranger, false));
        free(places.enter(from(3), Stranger, false));
        let seat = places.enter(from(4), Stranger, false);
        assert!(
            matches!(seat, Seat::Instead(_, out) if out == oldest),
            "{seat:?}"
        );
        assert_eq!(places.len(), 4);
    }

    #[test]
    fn nobody_pushes_out_who_has_shown_more() {
        let mut places = Places::new(2, 2);
        let (one, two) = (
            free(places.enter(from(1), Stranger, false)),
            free(places.enter(from(2), Neighbour, false)),
        );
        places.judge(one, Proven);
        assert_eq!(places.enter(from(3), Stranger, false), Seat::None);
        let seat = places.enter(from(2), Neighbour, false);
        let Seat::Instead(three, out) = seat else {
            panic!("{seat:?}")
        };
        assert_eq!(out, two);
        places.judge(three, Proven);
        assert_eq!(places.enter(from(2), Neighbour, false), Seat::None);
        places.leave(one);
        free(places.enter(from(3), Stranger, false));
    }

    #[test]
    fn a_flood_of_strangers_leaves_those_that_stay() {
        let mut places = Places::new(8, 4);
        let stays = free(places.enter(from(1), Stranger, false));
        places.judge(stays, Stays);
        for _ in 0..100 {
            if let Seat::Instead(_, out) = places.enter(from(1), Stranger, false) {
                assert_ne!(out, stays);
            }
        }
    }

    #[test]
    fn peers_behind_one_address_may_take_all_places_but_strangers_there_may_not() {
        let mut places = Places::new(8, 2);
        (0..8).for_each(|_| _ = free(places.enter(from(1), Neighbour, false)));
        assert_eq!(places.enter(from(1), Stranger, false), Seat::None);
        assert_eq!(places.enter(from(9), Stranger, false), Seat::None);
        assert!(matches!(
            places.enter(from(1), Neighbour, false),
            Seat::Instead(..)
        ));
    }

    #[test]
    fn a_flood_of_ten_thousand_leaves_the_proven_where_they_are() {
        let mut places = Places::new(64, 16);
        let peers: Vec<Ticket> = (0..3)
            .map(|_| free(places.enter(from(1), Neighbour, false)))
            .collect();
        peers.iter().for_each(|peer| places.judge(*peer, Proven));
        for _ in 0..10_000 {
            // The attacker sits where the peers sit.
            if let Seat::Instead(_, out) = places.enter(from(1), Neighbour, false) {
                assert!(!peers.contains(&out));
            }
            assert!(places.len() <= 64);
        }
    }
}
