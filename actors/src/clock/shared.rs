//! The wall clock that all nodes of a devnet share. People set it forward; it never goes back, or a node
//! would lie behind the newest block and wait.
use super::machine;
use lockstep_protocol::types::Timestamp;
use parking_lot::Mutex;

/// The end of the year 9999: beyond it no date is written with four digits.
const TIME_MAX: Timestamp = Timestamp(253_402_300_799_999);

/// Why a clock was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeRefused {
    /// That time is over.
    #[error("it is {} already, and time never goes back: name a later one", _0.0)]
    Over(Timestamp),
    /// That time never comes.
    #[error("time ends with the year 9999, at {}: name an earlier one", TIME_MAX.0)]
    TooFar,
}

/// A clock that can be set.
#[derive(Default)]
pub struct SharedClock {
    hands: Mutex<Hands>,
}

#[derive(Clone, Copy, Default)]
struct Hands {
    /// How far it is ahead of the machine's; behind it, once a time was held for long.
    ahead_ms: i64,
    /// It stands still here, until a block has this time.
    held: Option<Timestamp>,
}

impl Hands {
    fn now(&self) -> Timestamp {
        let shown = || Timestamp(machine().0.saturating_add_signed(self.ahead_ms));
        self.held.unwrap_or_else(shown)
    }

    fn go_on_from(&mut self, time: Timestamp) {
        let ahead = i128::from(time.0) - i128::from(machine().0);
        self.ahead_ms = i64::try_from(ahead).unwrap_or(i64::MAX);
        self.held = None;
    }
}

impl SharedClock {
    /// What it shows.
    pub fn now(&self) -> Timestamp {
        self.hands.lock().now()
    }

    /// How far it is ahead of the machine's (negative: behind it), and at which time it stands still, if
    /// it does.
    pub fn standing(&self) -> (i64, Option<Timestamp>) {
        let hands = self.hands.lock();
        (hands.ahead_ms, hands.held)
    }

    /// So much later it is from now on. If a time was held, another is: later by as much.
    pub fn add(&self, ms: u64) -> Result<Timestamp, TimeRefused> {
        let mut hands = self.hands.lock();
        let later = within(Timestamp(hands.now().0.saturating_add(ms)))?;
        match hands.held {
            Some(_) => hands.held = Some(later),
            None => hands.go_on_from(later),
        }
        Ok(later)
    }

    /// It is this time now, and goes on from it.
    pub fn set(&self, time: Timestamp) -> Result<Timestamp, TimeRefused> {
        let mut hands = self.hands.lock();
        let time = from_now(&hands, time)?;
        hands.go_on_from(time);
        Ok(time)
    }

    /// It is this time until a block has it, and goes on from it then.
    pub fn hold(&self, time: Timestamp) -> Result<Timestamp, TimeRefused> {
        let mut hands = self.hands.lock();
        hands.held = Some(from_now(&hands, time)?);
        Ok(time)
    }

    /// A block of this time is there.
    pub fn passed(&self, block: Timestamp) {
        let mut hands = self.hands.lock();
        if let Some(held) = hands.held.filter(|held| *held <= block) {
            hands.go_on_from(held);
        }
    }

    /// It is no earlier than this.
    pub fn reach(&self, time: Timestamp) {
        let mut hands = self.hands.lock();
        if hands.now() < time {
            hands.go_on_from(time);
        }
    }
}

fn within(time: Timestamp) -> Result<Timestamp, TimeRefused> {
    match time <= TIME_MAX {
        true => Ok(time),
        false => Err(TimeRefused::TooFar),
    }
}

fn from_now(hands: &Hands, time: Timestamp) -> Result<Timestamp, TimeRefused> {
    let now = hands.now();
    match time >= now {
        true => within(time),
        false => Err(TimeRefused::Over(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Timestamp = Timestamp(4_000_000_000_000);

    #[test]
    fn it_shows_the_machines_time_until_somebody_sets_it() {
        let clock = SharedClock::default();
        let before = machine();
        assert!((before..=machine()).contains(&clock.now()));
        let day_ms = 24 * 3_600 * 1_000;
        let told = clock.add(day_ms).expect("it is set forward");
        assert!(told.0 >= before.0 + day_ms);
        assert!(clock.now() >= told);
    }

    #[test]
    fn it_never_goes_back_and_never_leaves_the_calendar() {
        let clock = SharedClock::default();
        assert_eq!(clock.set(FAR), Ok(FAR));
        for time in [Timestamp(0), machine(), Timestamp(FAR.0 - 1)] {
            for refused in [clock.set(time), clock.hold(time)] {
                assert!(matches!(refused, Err(TimeRefused::Over(now)) if now >= FAR));
            }
        }
        clock.reach(Timestamp(5));
        assert!(clock.now() >= FAR);
        let beyond = Timestamp(TIME_MAX.0 + 1);
        assert_eq!(clock.set(beyond), Err(TimeRefused::TooFar));
        assert_eq!(clock.add(u64::MAX), Err(TimeRefused::TooFar));
        assert!(clock.now() < beyond);
    }

    #[test]
    fn a_time_that_is_held_stands_still_until_a_block_has_it() {
        let clock = SharedClock::default();
        assert_eq!(clock.hold(FAR), Ok(FAR));
        assert_eq!(clock.now(), FAR);
        clock.passed(Timestamp(FAR.0 - 1));
        assert_eq!(clock.now(), FAR, "an earlier block");
        assert_eq!(clock.add(7), Ok(Timestamp(FAR.0 + 7)));
        assert_eq!(clock.now(), Timestamp(FAR.0 + 7), "it is still held");
        clock.passed(Timestamp(FAR.0 + 7));
        while clock.now() == Timestamp(FAR.0 + 7) {
            std::thread::yield_now();
        }
        assert!(clock.now() > Timestamp(FAR.0 + 7), "it goes on");
    }
}
