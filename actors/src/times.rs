//! Times and spans as people read them.
use lockstep_protocol::types::Timestamp;
use std::fmt;

/// A time span in milliseconds: its two largest units.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        let s = self.0 / 1_000;
        let min = s / 60;
        let h = s / 3_600;
        let days = s / 86_400;
        match (days, h, min, s) {
            (0, 0, 0, 0..10) => write!(f, "{s}.{} s", ms % 1_000 / 100),
            (0, 0, 0, _) => write!(f, "{s} s"),
            (0, 0, _, _) => write!(f, "{min} min {} s", s % 60),
            (0, _, _, _) => write!(f, "{h} h {} min", min % 60),
            _ => write!(f, "{days} d {} h", h % 24),
        }
    }
}

/// A wall-clock time for people, to the second.
#[derive(Clone, Copy, Debug)]
pub struct Utc(pub Timestamp);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0.0 / 1_000;
        let days = s / 86_400;
        let second = s % 86_400;
        // Days since 0000-03-01: a year that begins in March ends with its leap day.
        let days = days + 719_468;
        let era = days / 146_097;
        let day = days % 146_097;
        let leaps = day / 1_460 - day / 36_524 + day / 146_096;
        let year = (day - leaps) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let date = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        let year = 400 * era + year + next;
        let h = second / 3_600;
        let min = second / 60 % 60;
        let s = second % 60;
        write!(f, "{year}-{month:02}-{date:02} {h:02}:{min:02}:{s:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        let said = |ms| Span(ms).to_string();
        assert_eq!(said(0), "0.0 s");
        assert_eq!(said(2_345), "2.3 s");
        assert_eq!(said(44_000), "44 s");
        assert_eq!(said(3_588_000), "59 min 48 s");
        assert_eq!(said(3_600_000), "1 h 0 min");
        assert_eq!(said(200_000_000), "2 d 7 h");
    }

    #[test]
    fn a_time_is_said_as_people_write_it() {
        let said = |s: u64| Utc(Timestamp(s * 1_000)).to_string();
        assert_eq!(said(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(said(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(said(951_868_799), "2000-02-29 23:59:59 UTC");
        assert_eq!(said(951_868_800), "2000-03-01 00:00:00 UTC");
        assert_eq!(said(1_735_689_599), "2024-12-31 23:59:59 UTC");
        assert_eq!(said(1_795_876_200), "2026-11-28 14:30:00 UTC");
        let never = Utc(Timestamp(u64::MAX)).to_string();
        assert!(never.ends_with("UTC"), "{never}");
    }
}
