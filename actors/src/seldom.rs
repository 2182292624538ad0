//! Log lines for what may happen as often as somebody outside likes: the first at once, then one
//! in ten seconds for each cause, which says how many it stands for.
use crate::limits::SELDOM_EVERY;
use parking_lot::Mutex;
use std::fmt::Arguments;
use std::time::Instant;

/// One cause.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    at: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    pub(crate) const fn new() -> Seldom {
        let (at, left_out) = (None, 0);
        Seldom(Mutex::new(Said { at, left_out }))
    }

    /// Says it, or counts it.
    pub(crate) fn say(&self, level: log::Level, what: Arguments<'_>) {
        match self.due(Instant::now()) {
            Some(0) => log::log!(level, "{what}"),
            Some(left_out) => log::log!(
                level,
                "{what} ({left_out} more like it since the last line)"
            ),
            None => {}
        }
    }

    /// How many were left out, if one more is to be said at `now`.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock();
        let is_due = said
            .at
            .is_none_or(|at| now.duration_since(at) >= SELDOM_EVERY);
        if !is_due {
            said.left_out = said.left_out.saturating_add(1);
            return None;
        }
        said.at = Some(now);
        Some(std::mem::take(&mut said.left_out))
    }
}

/// Logs at this level, seldom: each place in the code is a cause.
macro_rules! seldom {
    ($level:ident, $($what:tt)+) => {{
        static HERE: crate::seldom::Seldom = crate::seldom::Seldom::new();
        HERE.say(log::Level::$level, format_args!($($what)+));
    }};
}

pub(crate) use seldom;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_then_one_in_ten_seconds_with_how_many_it_stands_for() {
        let (seldom, now) = (Seldom::new(), Instant::now());
        assert_eq!(seldom.due(now), Some(0));
        assert!((0..1_000).all(|_| seldom.due(now).is_none()));
        assert_eq!(seldom.due(now + SELDOM_EVERY / 2), None);
        assert_eq!(seldom.due(now + SELDOM_EVERY), Some(1_001));
        assert_eq!(seldom.due(now + SELDOM_EVERY * 3), Some(0));
    }
}
