//! How figures are written: one way for each kind, the same as on the page.

/// A whole number with spaces between thousands.
pub(crate) fn whole(value: u64) -> String {
    let digits = value.to_string();
    let mut written = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            written.push(' ');
        }
        written.push(digit);
    }
    written
}

/// A time that has passed.
pub(crate) fn ago(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..10 => format!("{:.1} s", ms as f64 / 1e3),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A short time.
pub(crate) fn micros(us: Option<i64>) -> String {
    match us {
        None => "–".into(),
        Some(us) if us < 1_000 => format!("{us} µs"),
        Some(us) if us < 100_000 => format!("{:.1} ms", us as f64 / 1e3),
        Some(us) if us < 1_000_000 => format!("{:.0} ms", us as f64 / 1e3),
        Some(us) => format!("{:.1} s", us as f64 / 1e6),
    }
}

/// So many a second.
pub(crate) fn rate(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_on_the_page() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(whole),
            ["0", "999", "1 000", "1 234 567"]
        );
        let times = [0, 9_940, 10_000, 120_000, 7_200_000, u64::MAX].map(ago);
        assert_eq!(times[..5], ["0.0 s", "9.9 s", "10 s", "2 min", "2 h"]);
        let times = [Some(999), Some(1_500), Some(150_000), Some(2_000_000), None].map(micros);
        assert_eq!(times, ["999 µs", "1.5 ms", "150 ms", "2.0 s", "–"]);
        assert_eq!(
            [Some(0.5), Some(12.0), Some(600.4), None].map(rate),
            ["0.50", "12.0", "600", "–"]
        );
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(
            [&names[..0], &names[..1], &names[..2], &names].map(list),
            ["", "a", "a and b", "a, b and c"]
        );
    }
}
